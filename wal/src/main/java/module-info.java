/** The write-ahead log: segment files, frames, manifest, group commit. */
module ironcache.wal {
    requires transitive ironcache.ffm;
    requires static transitive org.jspecify;

    exports ironcache.wal;
}
