package ironcache.index;

import ironcache.ffm.Memory;

/** The twin of {@link VectorProbe} for machines without the Vector API: same answers, word by word. */
final class ScalarProbe {
    private ScalarProbe() {}

    /** Bit i is set where slot i of the line carries the tag (not zero, in slot position). */
    static int match(long line, long tag) {
        return hit(line, tag)
                | hit(line + 8, tag) << 1
                | hit(line + 16, tag) << 2
                | hit(line + 24, tag) << 3
                | hit(line + 32, tag) << 4
                | hit(line + 40, tag) << 5
                | hit(line + 48, tag) << 6
                | hit(line + 56, tag) << 7;
    }

    /** Bit i is set where slot i of the line is zero. */
    static int empty(long line) {
        return zero(line)
                | zero(line + 8) << 1
                | zero(line + 16) << 2
                | zero(line + 24) << 3
                | zero(line + 32) << 4
                | zero(line + 40) << 5
                | zero(line + 48) << 6
                | zero(line + 56) << 7;
    }

    private static int hit(long slot, long tag) {
        // The shifted difference is below 2^24, so subtracting one sets the sign bit only for zero.
        return (int) (((Memory.getLong(slot) ^ tag) >>> SegmentLayout.PAYLOAD_BITS) - 1 >>> 63);
    }

    private static int zero(long slot) {
        long word = Memory.getLong(slot);
        return (int) (~(word | -word) >>> 63);
    }
}
