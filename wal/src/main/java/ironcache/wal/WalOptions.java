package ironcache.wal;

/**
 * What is configured of a log.
 *
 * @param segmentBytes of a segment file: {@code wal-segment-bytes}
 * @param chunkBytes of memory that frames are built in; also bounds what one write holds
 * @param policy when what was logged is made durable
 */
public record WalOptions(long segmentBytes, int chunkBytes, SyncPolicy policy) {
    public static final long DEFAULT_SEGMENT_BYTES = 64L << 20;
    public static final int DEFAULT_CHUNK_BYTES = 1 << 20;

    public WalOptions {
        if (chunkBytes % WalFileLayout.BLOCK_BYTES != 0
                || chunkBytes < FrameBuffer.CHUNK_BYTES_MIN
                || chunkBytes > DEFAULT_CHUNK_BYTES) {
            throw new IllegalArgumentException("chunkBytes " + chunkBytes);
        }
        // Each segment holds its header and one full chunk at least.
        if (segmentBytes % WalFileLayout.BLOCK_BYTES != 0
                || segmentBytes < WalFileLayout.BLOCK_BYTES + chunkBytes) {
            throw new IllegalArgumentException(
                    "segmentBytes " + segmentBytes + " with chunks of " + chunkBytes);
        }
    }

    public WalOptions(long segmentBytes, SyncPolicy policy) {
        this(segmentBytes, DEFAULT_CHUNK_BYTES, policy);
    }
}
