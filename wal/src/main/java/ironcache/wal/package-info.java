/** The write-ahead log: segment files, frames, manifest, group commit. */
@NullMarked
package ironcache.wal;

import org.jspecify.annotations.NullMarked;
