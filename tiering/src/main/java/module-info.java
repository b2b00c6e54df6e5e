/** The SSD tier: segments, cold reads, compaction, admission. */
module ironcache.tiering {
    requires transitive ironcache.hybridlog;
    requires transitive ironcache.index;
    requires static transitive org.jspecify;

    exports ironcache.tiering;
}
