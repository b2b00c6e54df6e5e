/** Snapshot, replay, warm restart, verification and repair. */
module ironcache.recovery {
    requires transitive ironcache.engine;
    requires static transitive org.jspecify;

    exports ironcache.recovery;
}
