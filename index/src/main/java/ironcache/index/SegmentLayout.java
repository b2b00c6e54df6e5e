package ironcache.index;

/**
 * A segment of the index, 1020 cache lines side by side with the next one's. Not a power of two, so that equal
 * lines of the segments (headers above all) spread over the cache's sets instead of sharing one.
 *
 * <pre>
 * line 0            896        897             1020
 * | 448 groups of 2 | header   | 3 * 41 stash lines |
 *
 * slot        0        40     64          zero: empty
 *             | payload | tag |           tag is never zero, payload neither
 *
 * group line  8 slots
 * header      word 0..6: one bit per group, set while the stash holds entries of the group
 *             word 7: first overflow unit, or zero
 * stash line  word 0: for slot i in 1..7 the number of its group, 9 bits at 9 * (i - 1)
 *             word 1..7: slots
 * </pre>
 *
 * <p>A group is a home line and its neighbour, which is the home line of the group's other half, so
 * both lie in one 128-byte pair. An entry's group is known from where it stands (or from the stash
 * line's word 0) and never changes: that is what lets entries move between segments without their
 * key, and what lets a scan count groups instead of buckets.
 *
 * <p>An overflow unit has the size of a segment: lines 0..895 are stash lines, the header's word 0 is
 * the owning segment, word 1 the number of lines ever used, word 7 the next unit.
 */
final class SegmentLayout {
    static final int LINE_BYTES = 64;
    static final int SLOT_BYTES = 8;
    static final int GROUPS = 448;
    static final int GROUP_BITS = 9;
    static final int GROUP_MASK = (1 << GROUP_BITS) - 1;
    static final int GROUP_LINES = 2 * GROUPS;
    static final int GROUP_BYTES = 2 * LINE_BYTES;

    /** Stash lines that may hold a group's entries: one of each third of the stash. */
    static final int STASH_CHOICES = 3;

    static final int STASH_LINES_PER_CHOICE = 41;
    static final int STASH_LINES = STASH_CHOICES * STASH_LINES_PER_CHOICE;

    static final long HEADER = (long) GROUP_LINES * LINE_BYTES;
    static final long OVERFLOW = HEADER + 7 * 8;
    static final long STASH = HEADER + LINE_BYTES;
    static final long BYTES = STASH + (long) STASH_LINES * LINE_BYTES;

    /** Slots of a segment. */
    static final int SLOTS = GROUP_LINES * 8 + STASH_LINES * 7;

    static final long OWNER = HEADER;
    static final long LINES_USED = HEADER + 8;

    /** Lanes of a stash line that are slots. */
    static final int STASH_LANES = 0xFE;

    static final int PAYLOAD_BITS = 40;
    static final long PAYLOAD_MASK = (1L << PAYLOAD_BITS) - 1;
    static final long LOWEST_TAG = 1L << PAYLOAD_BITS;

    private SegmentLayout() {}

    /** The hash's tag in slot position. Tag 0 is folded into 1, so that an empty slot matches nothing. */
    static long tagOf(long hash) {
        long tag = hash & ~PAYLOAD_MASK;
        return tag == 0 ? LOWEST_TAG : tag;
    }

    /** Byte offset of the hash's home line; taken from the hash's low half, the tag is from the high one. */
    static long homeLine(long hash) {
        return ((hash & 0xFFFFFFFFL) * GROUP_LINES >>> 32) * LINE_BYTES;
    }

    /** A hash whose tag and group are these. */
    static long hashOf(long tag, int group) {
        return tag | ((2L * group << 32) / GROUP_LINES + 1);
    }

    /** Group that a byte offset into the group lines belongs to. */
    static int groupAt(long offset) {
        return (int) (offset / GROUP_BYTES);
    }

    /**
     * Byte offset of a group's stash line in third 0, 1 or 2 of the stash. The three multipliers
     * (fractions of the golden ratio, of the roots of 2 and 7) spread the groups evenly and let groups that share
     * one line part in the others: measured, the first group runs out of room at 7,007 to 7,350 entries, median 7,232;
     * with random lines at 7,138.
     */
    static long stashLine(int group, int choice) {
        int multiplier = choice == 0 ? 0x9E37 : choice == 1 ? 0x6A0B : 0xA54F;
        int mixed = ((group + 1) * multiplier) & 0xFFFF;
        return STASH
                + (long) (choice * STASH_LINES_PER_CHOICE + (mixed * STASH_LINES_PER_CHOICE >>> 16))
                        * LINE_BYTES;
    }
}
