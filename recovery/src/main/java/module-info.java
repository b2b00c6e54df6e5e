/** Snapshot, replay, warm restart, verification and repair. */
module ironcache.recovery {
    requires transitive ironcache.engine;

    exports ironcache.recovery;
}
