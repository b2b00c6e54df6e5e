/** Snapshot, replay, warm restart, verification and repair. */
@NullMarked
package ironcache.recovery;

import org.jspecify.annotations.NullMarked;
