package ironcache.resp;

/** Counters for INFO; plain fields of the shard's thread. */
final class ServerStats {
    long keyspaceHits;
    long keyspaceMisses;
    /** Changes since the last save. */
    long dirty;
}
