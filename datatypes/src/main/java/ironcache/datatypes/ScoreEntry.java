package ironcache.datatypes;

import ironcache.ffm.Memory;

/**
 * A sorted set's entry in {@link Buckets}, 12 bytes, little-endian: enough to find the member in the tree, where it is verified.
 *
 * <pre>
 * 0      4       12
 * | hash | score |
 *
 * hash   lowest 32 bits of the member's
 * score  a double
 * </pre>
 */
final class ScoreEntry {
    private static final int HASH = 0;
    private static final int SCORE = HASH + Integer.BYTES;
    static final int BYTES = SCORE + Double.BYTES;

    private ScoreEntry() {}

    static void put(long entry, long hash, double score) {
        Memory.putInt(entry + HASH, (int) hash);
        Memory.putLong(entry + SCORE, Double.doubleToRawLongBits(score));
    }

    /** What an entry has of a member's hash: that decides its bucket too. */
    static long held(long memberHash) {
        return memberHash & 0xFFFF_FFFFL;
    }

    static long hash(long entry) {
        return held(Memory.getInt(entry + HASH));
    }

    static double score(long entry) {
        return Double.longBitsToDouble(Memory.getLong(entry + SCORE));
    }

    /** The entry from {@code from} on, up to {@code end}, that has this hash; 0: there is none. */
    static long find(long from, long end, long hash) {
        int wanted = (int) hash;
        for (long at = from; at < end; at += BYTES) {
            if (Memory.getInt(at + HASH) == wanted) {
                return at;
            }
        }
        return 0;
    }
}
