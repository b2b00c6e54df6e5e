/** The shard: Read, Upsert, RMW, Delete over index, log and tiers; expiry. */
module ironcache.engine {
    requires transitive ironcache.tiering;
    requires transitive ironcache.wal;
    requires static transitive org.jspecify;

    exports ironcache.engine;
}
