package ironcache.datatypes;

import ironcache.ffm.Memory;

/**
 * Entries of a sorted set in a row, as packed values hold them: in the order of their scores, those of equal scores in that of their members' bytes. Little-endian.
 *
 * <pre>
 * 0       8
 * | score | member ({@link Element#putString}) | ...
 * </pre>
 *
 * <p>Zeros are equal whatever their sign. Static methods on absolute addresses; nothing is allocated.
 */
final class SortedSetEntries {
    private static final int MEMBER = Double.BYTES;

    /** Of the shortest entry. */
    static final int BYTES_MIN = MEMBER + 1;

    private SortedSetEntries() {}

    static double score(long entry) {
        return Double.longBitsToDouble(Memory.getLong(entry));
    }

    static void putScore(long entry, double score) {
        Memory.putLong(entry, Double.doubleToRawLongBits(score));
    }

    /** The element. */
    static long member(long entry) {
        return entry + MEMBER;
    }

    static long next(long entry) {
        return entry + MEMBER + Element.bytes(entry + MEMBER);
    }

    /** Of an entry with a member of this length. */
    static int bytes(int memberLength) {
        return MEMBER + Element.stringBytes(memberLength);
    }

    static void put(long entry, double score, long member, int memberLength) {
        putScore(entry, score);
        Element.putString(entry + MEMBER, member, memberLength);
    }

    /** How the entry compares to one with this score and member. */
    static int compare(long entry, double score, long member, int memberLength) {
        double own = score(entry);
        if (own != score) {
            return own < score ? -1 : 1;
        }
        return compareMember(entry, member, memberLength);
    }

    static int compareMember(long entry, long member, int memberLength) {
        long element = member(entry);
        return Memory.compare(Element.text(element), Element.length(element), member, memberLength);
    }

    static boolean isOf(long entry, long member, int memberLength) {
        long element = member(entry);
        return Element.length(element) == memberLength
                && Memory.equal(Element.text(element), member, memberLength);
    }

    /** The entry of a member; 0: there is none. */
    static long find(long from, long end, long member, int memberLength) {
        for (long at = from; at < end; at = next(at)) {
            if (isOf(at, member, memberLength)) {
                return at;
            }
        }
        return 0;
    }

    /** Where an entry with this score and member belongs: the first that is not before it, or the end. */
    static long place(long from, long end, double score, long member, int memberLength) {
        long at = from;
        while (at < end && compare(at, score, member, memberLength) < 0) {
            at = next(at);
        }
        return at;
    }

    static long count(long from, long end) {
        long count = 0;
        for (long at = from; at < end; at = next(at)) {
            count++;
        }
        return count;
    }
}
