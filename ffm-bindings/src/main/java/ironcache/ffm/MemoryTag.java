package ironcache.ffm;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What off-heap memory is for. Every allocation carries a tag, so that INFO can tell the truth
 * about each byte and tests can ask for zero left.
 */
public enum MemoryTag {
    /** Buckets and directory of the hash index. */
    INDEX,
    /** Frames of the log: mutable and sealed pages. */
    LOG,
    /** Page table, per-block checksums, segment tables. */
    LOG_META,
    /** Cold-read buffers and staged records. */
    STAGING,
    /** Pages as they were, for long replies that began before they were changed. */
    VIEWS,
    /** Chunks in which frames of the write-ahead log and of images are built, windows in which they are read. */
    WAL,
    /** The part of a file that parity is made of, or that is being repaired. */
    PARITY,
    /** Timing wheel. */
    EXPIRY,
    /** Receive buffers, connection input and output. */
    NETWORK,
    /** Submission and completion rings. */
    RING,
    /** Anything else, small. */
    OTHER;

    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong peakBytes = new AtomicLong();

    /** Adds {@code delta} bytes (negative on release). */
    public void add(long delta) {
        long now = bytes.addAndGet(delta);
        if (now > peakBytes.get()) {
            peakBytes.accumulateAndGet(now, Math::max);
        }
    }

    /** Bytes held under this tag now. */
    public long bytes() {
        return bytes.get();
    }

    /** Most bytes ever held under this tag since start or {@link #resetPeak}. */
    public long peakBytes() {
        return peakBytes.get();
    }

    /** The peak begins anew at what is held now. */
    public void resetPeak() {
        peakBytes.set(bytes.get());
    }
}
