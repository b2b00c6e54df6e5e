/** The SSD tier: segments, cold reads, compaction, admission. */
@NullMarked
package ironcache.tiering;

import org.jspecify.annotations.NullMarked;
