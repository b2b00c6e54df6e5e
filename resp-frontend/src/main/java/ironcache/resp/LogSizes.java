package ironcache.resp;

import ironcache.wal.SyncPolicy;
import ironcache.wal.WalOptions;

/**
 * Sizes of the shards' logs. No settings: tests choose smaller ones, so that little data fills many files.
 *
 * @param segmentBytes of a segment file
 * @param chunkBytes of memory that frames are built in
 */
record LogSizes(long segmentBytes, int chunkBytes) {
    static final LogSizes DEFAULT =
            new LogSizes(WalOptions.DEFAULT_SEGMENT_BYTES, WalOptions.DEFAULT_CHUNK_BYTES);

    WalOptions options(SyncPolicy policy) {
        return new WalOptions(segmentBytes, chunkBytes, policy);
    }
}
