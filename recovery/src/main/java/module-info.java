/** Snapshot, replay, warm restart, verification and repair. */
module ironcache.recovery {
    requires transitive ironcache.engine;
    requires transitive ironcache.parity;
    requires static transitive org.jspecify;

    exports ironcache.recovery;
}
