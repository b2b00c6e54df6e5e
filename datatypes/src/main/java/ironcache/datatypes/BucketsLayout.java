package ironcache.datatypes;

import ironcache.ffm.Memory;

/**
 * The part of {@link Buckets} in a collection's root, 24 bytes, little-endian.
 *
 * <pre>
 * 0      8       16        24
 * | salt | bytes | buckets |
 *
 * salt     of the hashes
 * bytes    of all entries
 * buckets  how many there are, 1 at least
 * </pre>
 *
 * <p>Linear hashing: of {@code buckets = 2^n + s} the first s and the last s are told by n + 1 bits of the hash, from the lowest, the others by n. The next to be split is s.
 */
final class BucketsLayout {
    private static final int SALT = 0;
    private static final int ENTRY_BYTES = SALT + Long.BYTES;
    private static final int BUCKETS = ENTRY_BYTES + Long.BYTES;
    static final int BYTES = BUCKETS + Long.BYTES;

    private BucketsLayout() {}

    /** @param part memory address of it in the root */
    static void put(long part, long salt, long buckets) {
        Memory.putLong(part + SALT, salt);
        Memory.putLong(part + ENTRY_BYTES, 0);
        Memory.putLong(part + BUCKETS, buckets);
    }

    static long salt(long part) {
        return Memory.getLong(part + SALT);
    }

    static long bytes(long part) {
        return Memory.getLong(part + ENTRY_BYTES);
    }

    static void addBytes(long part, long bytes) {
        Memory.putLong(part + ENTRY_BYTES, bytes(part) + bytes);
    }

    static long buckets(long part) {
        return Memory.getLong(part + BUCKETS);
    }

    static void putBuckets(long part, long buckets) {
        Memory.putLong(part + BUCKETS, buckets);
    }

    /** The bits of this hash that tell its bucket. */
    static long mask(long part, long hash) {
        long buckets = buckets(part);
        long whole = Long.highestOneBit(buckets);
        return (hash & whole - 1) < buckets - whole ? 2 * whole - 1 : whole - 1;
    }

    static long bucket(long part, long hash) {
        return hash & mask(part, hash);
    }

    /** The next bucket to be split; it shares with a new one behind the last. */
    static long splitting(long part) {
        long buckets = buckets(part);
        return buckets - Long.highestOneBit(buckets);
    }
}
