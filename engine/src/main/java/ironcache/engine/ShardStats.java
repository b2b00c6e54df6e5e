package ironcache.engine;

/** Counters of a shard since start (or CONFIG RESETSTAT) and gauges of now. Plain fields: one thread writes, reads tear nothing. */
public final class ShardStats {
    // Counters.
    public long expiredKeys;
    public long evictedKeys;
    public long coldReads;
    public long coldReadBytes;
    public long coldHits;
    public long promotions;
    public long flushedBytes;
    public long sealedPages;
    public long compactedSegments;
    public long compactedBytes;
    public long settled;
    public long inPlaceUpdates;
    public long copyUpdates;
    public long writeErrors;
    public long checksumErrors;

    // Gauges, set by Shard#stats().
    public long memoryBudgetBytes;
    public long indexBytes;
    public long logFramesBytes;
    public long metaBytes;
    public long stagingBytes;
    public long mutablePages;
    public long sealedPagesInRam;
    public long diskBytes;
    public long diskLiveBytes;
    public long maxDiskBytes;
    public long unsettledKeys;
    public boolean diskFull;
}
