package ironcache.engine;

import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Address;

/** Counters of a shard since start (or CONFIG RESETSTAT) and gauges of now. Plain fields: one thread writes, reads tear nothing. */
public final class ShardStats {
    // Counters.
    public long expiredKeys;
    public long expiredFields;

    /** Time that active expiry took, of keys and of fields. */
    public long expiryNanos;

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

    /** Times that the views of an object were given up. */
    public long brokenViews;

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

    /** Takes over what the parts of the shard count by themselves, and the gauges. */
    void gather(Store store, long memoryBudgetBytes) {
        this.memoryBudgetBytes = memoryBudgetBytes;
        indexBytes = store.keyspaceBytes();
        logFramesBytes = (long) store.log.framesInUse() << Address.PAGE_SHIFT;
        metaBytes = MemoryTag.LOG_META.bytes();
        stagingBytes = MemoryTag.STAGING.bytes();
        mutablePages = store.log.mutablePages();
        sealedPagesInRam = store.log.framesInUse() - mutablePages;
        diskBytes = store.segments.diskBytes();
        diskLiveBytes = store.segments.liveBytes();
        maxDiskBytes = store.segments.maxDiskBytes();
        unsettledKeys = store.shadows.size();
        diskFull = store.segments.isDiskFull();
        coldReads = store.cold.reads();
        coldReadBytes = store.cold.readBytes();
        checksumErrors = store.cold.checksumErrors();
        flushedBytes = store.sealed.flushedBytes();
        sealedPages = store.sealed.sealedPages();
        writeErrors = store.sealed.writeErrors();
    }

    /** Adds another shard's. Metadata and staging are accounted for the whole process, and so are the same in both. */
    public void add(ShardStats other) {
        expiredKeys += other.expiredKeys;
        expiredFields += other.expiredFields;
        expiryNanos += other.expiryNanos;
        evictedKeys += other.evictedKeys;
        coldReads += other.coldReads;
        coldReadBytes += other.coldReadBytes;
        coldHits += other.coldHits;
        promotions += other.promotions;
        flushedBytes += other.flushedBytes;
        sealedPages += other.sealedPages;
        compactedSegments += other.compactedSegments;
        compactedBytes += other.compactedBytes;
        settled += other.settled;
        inPlaceUpdates += other.inPlaceUpdates;
        copyUpdates += other.copyUpdates;
        writeErrors += other.writeErrors;
        checksumErrors += other.checksumErrors;
        brokenViews += other.brokenViews;
        memoryBudgetBytes += other.memoryBudgetBytes;
        indexBytes += other.indexBytes;
        logFramesBytes += other.logFramesBytes;
        metaBytes = other.metaBytes;
        stagingBytes = other.stagingBytes;
        mutablePages += other.mutablePages;
        sealedPagesInRam += other.sealedPagesInRam;
        diskBytes += other.diskBytes;
        diskLiveBytes += other.diskLiveBytes;
        maxDiskBytes += other.maxDiskBytes;
        unsettledKeys += other.unsettledKeys;
        diskFull |= other.diskFull;
    }
}
