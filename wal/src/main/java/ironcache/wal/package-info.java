/** The write-ahead log: segment files, frames, manifest, group commit. */
package ironcache.wal;
