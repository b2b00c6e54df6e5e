package ironcache.index;

/**
 * CONTRACT ONLY, being built: segmented extendible hash index.
 *
 * <p>A slot is a 64-bit word: {@code tag (24) | payload (40)}; a zero word is empty. The tag and the
 * bucket number are taken from disjoint bits of the 64-bit hash. The payload is opaque and never zero.
 * Several entries may carry the same tag in one bucket group; callers tell them apart by key.
 * One owner thread. Slot addresses are absolute and valid until the next insert or remove.
 */
public final class HashIndex implements AutoCloseable {
    /** An index without entries; grows by splitting segments. */
    public HashIndex() {}

    /** First slot that may hold the hash's key, or 0. Begins a probe that {@link #next} goes on with. */
    public long first(long hash) {
        throw new UnsupportedOperationException();
    }

    /** Next candidate of the probe begun by {@link #first}, or 0. */
    public long next() {
        throw new UnsupportedOperationException();
    }

    /** Loads the hash's home bucket into the cache and returns the payload of a tag match there, or 0. */
    public long touch(long hash) {
        throw new UnsupportedOperationException();
    }

    /** The 40-bit payload of a slot. */
    public static long payload(long slot) {
        throw new UnsupportedOperationException();
    }

    /** Replaces the payload of an occupied slot, keeping its tag. */
    public void replace(long slot, long payload) {
        throw new UnsupportedOperationException();
    }

    /** Adds an entry (no check for duplicates). May split a segment. Returns the slot. */
    public long insert(long hash, long payload) {
        throw new UnsupportedOperationException();
    }

    public void remove(long slot) {
        throw new UnsupportedOperationException();
    }

    /** Entries, O(1). */
    public long size() {
        throw new UnsupportedOperationException();
    }

    /** Off-heap bytes held. */
    public long bytes() {
        throw new UnsupportedOperationException();
    }

    /** Receives entries of a scan. */
    public interface EntryVisitor {
        void visit(long slot, long payload);
    }

    /**
     * Visits all entries of at least one bucket from {@code cursor} on and returns the next cursor; 0 begins
     * and 0 ends. Entries that stay in the index during a whole pass are visited at least once, splits notwithstanding.
     * The visitor must not change the index.
     */
    public long scan(long cursor, EntryVisitor visitor) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
}
