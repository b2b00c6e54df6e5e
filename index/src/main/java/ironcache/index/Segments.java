package ironcache.index;

import static ironcache.index.SegmentLayout.GROUPS;
import static ironcache.index.SegmentLayout.GROUP_BITS;
import static ironcache.index.SegmentLayout.GROUP_BYTES;
import static ironcache.index.SegmentLayout.GROUP_LINES;
import static ironcache.index.SegmentLayout.GROUP_MASK;
import static ironcache.index.SegmentLayout.HEADER;
import static ironcache.index.SegmentLayout.LINES_USED;
import static ironcache.index.SegmentLayout.LINE_BYTES;
import static ironcache.index.SegmentLayout.OVERFLOW;
import static ironcache.index.SegmentLayout.OWNER;
import static ironcache.index.SegmentLayout.STASH_CHOICES;
import static ironcache.index.SegmentLayout.STASH_LANES;

import ironcache.ffm.Memory;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;

/**
 * What is done to single segments: placing and removing entries in group, stash and overflow. Owns
 * the memory of segments and overflow units. Owned by the index's thread; allocates nothing but units.
 *
 * <p>Overflow units exist for hashes that no split can tell apart. With a sound hash function there
 * are none; without one the index stays right and gets slow.
 */
final class Segments implements AutoCloseable {
    private final SegmentArena segments = new SegmentArena();
    private final SegmentArena overflows = new SegmentArena();

    long allocate() {
        return segments.allocate();
    }

    /** Segments in use, overflow units apart. */
    long count() {
        return segments.units();
    }

    long overflowUnits() {
        return overflows.units();
    }

    long bytes() {
        return segments.bytes() + overflows.bytes();
    }

    /**
     * Puts a word into its group: the home line first, then the neighbour, then the least filled of
     * its stash lines.
     *
     * @return the slot, or 0 where all are full
     */
    long place(long segment, long homeLine, long word) {
        long line = segment + homeLine;
        int empty = Probe.empty(line);
        if (empty == 0) {
            line ^= LINE_BYTES;
            empty = Probe.empty(line);
        }
        if (empty != 0) {
            long slot = line + ((long) Integer.numberOfTrailingZeros(empty) << 3);
            Memory.putLong(slot, word);
            return slot;
        }
        return placeInStash(segment, SegmentLayout.groupAt(homeLine), word);
    }

    private long placeInStash(long segment, int group, long word) {
        long best = 0;
        int bestEmpty = 0;
        for (int choice = 0; choice < STASH_CHOICES; choice++) {
            long line = segment + SegmentLayout.stashLine(group, choice);
            int empty = Probe.empty(line) & STASH_LANES;
            if (Integer.bitCount(empty) > Integer.bitCount(bestEmpty)) {
                best = line;
                bestEmpty = empty;
            }
        }
        if (bestEmpty == 0) {
            return 0;
        }
        return fillStashSlot(segment, best, Integer.numberOfTrailingZeros(bestEmpty), group, word);
    }

    /** As {@link #place}, but where all is full, in an overflow unit. */
    long placeOrOverflow(long segment, long homeLine, long word) {
        long slot = place(segment, homeLine, word);
        return slot != 0 ? slot : placeInOverflow(segment, SegmentLayout.groupAt(homeLine), word);
    }

    private long placeInOverflow(long segment, int group, long word) {
        long unit = Memory.getLong(segment + OVERFLOW);
        for (; unit != 0; unit = Memory.getLong(unit + OVERFLOW)) {
            // Holes that removals left are found by a rewrite only; a full search each time would
            // be quadratic.
            int lines = (int) Memory.getLong(unit + LINES_USED);
            int empty = lines == 0 ? 0 : Probe.empty(overflowLine(unit, lines - 1)) & STASH_LANES;
            if (empty == 0 && lines < GROUP_LINES) {
                Memory.putLong(unit + LINES_USED, ++lines);
                empty = STASH_LANES;
            }
            if (empty != 0) {
                long line = overflowLine(unit, lines - 1);
                return fillStashSlot(
                        segment, line, Integer.numberOfTrailingZeros(empty), group, word);
            }
        }
        unit = overflows.allocate();
        Memory.putLong(unit + OWNER, segment);
        Memory.putLong(unit + OVERFLOW, Memory.getLong(segment + OVERFLOW));
        Memory.putLong(segment + OVERFLOW, unit);
        return placeInOverflow(segment, group, word);
    }

    private static long fillStashSlot(long segment, long line, int lane, int group, long word) {
        int shift = GROUP_BITS * (lane - 1);
        long groups = Memory.getLong(line) & ~((long) GROUP_MASK << shift);
        Memory.putLong(line, groups | (long) group << shift);
        long slot = line + ((long) lane << 3);
        Memory.putLong(slot, word);
        long bits = segment + HEADER + (group >>> 6 << 3);
        Memory.putLong(bits, Memory.getLong(bits) | 1L << group);
        return slot;
    }

    static long overflowLine(long unit, int line) {
        return unit + (long) line * LINE_BYTES;
    }

    /** The group of lane {@code lane} of a stash line. */
    static int groupOf(long stashLine, int lane) {
        return (int) (Memory.getLong(stashLine) >>> GROUP_BITS * (lane - 1)) & GROUP_MASK;
    }

    static boolean stashHolds(long segment, int group) {
        return (Memory.getLong(segment + HEADER + (group >>> 6 << 3)) >>> group & 1) != 0;
    }

    void remove(long slot) {
        long segment = segments.unitOf(slot);
        if (segment != 0 && slot - segment < HEADER) {
            Memory.putLong(slot, 0);
            return;
        }
        if (segment == 0) {
            long unit = overflows.unitOf(slot);
            if (unit == 0) {
                throw new IllegalArgumentException(
                        "slot " + Long.toHexString(slot) + " is not of this index");
            }
            segment = Memory.getLong(unit + OWNER);
        }
        Memory.putLong(slot, 0);
        long line = slot & -LINE_BYTES;
        forgetIfLast(segment, groupOf(line, (int) (slot - line >>> 3)));
    }

    /** Clears the group's bit in the header once nothing of the group is in the stash. */
    private static void forgetIfLast(long segment, int group) {
        for (int choice = 0; choice < STASH_CHOICES; choice++) {
            if (lineHolds(segment + SegmentLayout.stashLine(group, choice), group)) {
                return;
            }
        }
        for (long unit = Memory.getLong(segment + OVERFLOW);
                unit != 0;
                unit = Memory.getLong(unit + OVERFLOW)) {
            for (int i = (int) Memory.getLong(unit + LINES_USED) - 1; i >= 0; i--) {
                if (lineHolds(overflowLine(unit, i), group)) {
                    return;
                }
            }
        }
        long bits = segment + HEADER + (group >>> 6 << 3);
        Memory.putLong(bits, Memory.getLong(bits) & ~(1L << group));
    }

    private static boolean lineHolds(long line, int group) {
        return lanesOf(line, group) != 0;
    }

    /** Bit i is set where slot i of a stash line holds an entry of the group. */
    static int lanesOf(long line, int group) {
        int lanes = 0;
        for (int used = ~Probe.empty(line) & STASH_LANES; used != 0; used &= used - 1) {
            int lane = Integer.numberOfTrailingZeros(used);
            if (groupOf(line, lane) == group) {
                lanes |= 1 << lane;
            }
        }
        return lanes;
    }

    /** Entries in the groups and the stash. */
    static int count(long segment) {
        int count = 0;
        for (int i = 0; i < GROUP_LINES; i++) {
            count += 8 - Integer.bitCount(Probe.empty(segment + (long) i * LINE_BYTES));
        }
        for (int i = 0; i < SegmentLayout.STASH_LINES; i++) {
            long line = segment + SegmentLayout.STASH + (long) i * LINE_BYTES;
            count += 7 - Integer.bitCount(Probe.empty(line) & STASH_LANES);
        }
        return count;
    }

    /**
     * Moves the entries whose cell lies outside {@code [from, to)} to the segments that own them by the
     * directory now, each into the same group; then brings stashed entries home where there is room again.
     */
    void evacuate(long segment, Directory directory, int from, int to) {
        int shift = 64 - directory.depth();
        for (int group = 0; group < GROUPS; group++) {
            long first = (long) group * GROUP_BYTES;
            for (long offset = first; offset < first + GROUP_BYTES; offset += 8) {
                long word = Memory.getLong(segment + offset);
                int cell = (int) (word >>> shift);
                if (word != 0 && (cell < from || cell >= to)) {
                    Memory.putLong(segment + offset, 0);
                    placeOrOverflow(directory.segment(cell), offset & -LINE_BYTES, word);
                }
            }
        }
        for (int i = 0; i < SegmentLayout.STASH_LINES; i++) {
            long line = segment + SegmentLayout.STASH + (long) i * LINE_BYTES;
            evacuateStashLine(line, segment, directory, from, to);
        }
        long unit = Memory.getLong(segment + OVERFLOW);
        Memory.putLong(segment + OVERFLOW, 0);
        while (unit != 0) {
            // Detached first: what must stay in an overflow unit goes to a fresh one, without the
            // holes.
            long next = Memory.getLong(unit + OVERFLOW);
            for (int i = (int) Memory.getLong(unit + LINES_USED) - 1; i >= 0; i--) {
                evacuateStashLine(overflowLine(unit, i), segment, directory, from, to);
            }
            overflows.free(unit);
            unit = next;
        }
        for (int group = 0; group < GROUPS; group++) {
            if (stashHolds(segment, group)) {
                forgetIfLast(segment, group);
            }
        }
    }

    private void evacuateStashLine(long line, long segment, Directory directory, int from, int to) {
        int shift = 64 - directory.depth();
        for (int used = ~Probe.empty(line) & STASH_LANES; used != 0; used &= used - 1) {
            int lane = Integer.numberOfTrailingZeros(used);
            long word = Memory.getLong(line + ((long) lane << 3));
            int cell = (int) (word >>> shift);
            int group = groupOf(line, lane);
            Memory.putLong(line + ((long) lane << 3), 0);
            long target = cell < from || cell >= to ? directory.segment(cell) : segment;
            placeOrOverflow(target, (long) group * GROUP_BYTES, word);
        }
    }

    /** Writes a segment with its overflow units, verbatim but for the links between them. */
    static void save(long segment, StateOutput out) {
        int units = 0;
        for (long unit = Memory.getLong(segment + OVERFLOW);
                unit != 0;
                unit = Memory.getLong(unit + OVERFLOW)) {
            units++;
        }
        out.putLong(units);
        out.put(segment, SegmentLayout.BYTES);
        for (long unit = Memory.getLong(segment + OVERFLOW);
                unit != 0;
                unit = Memory.getLong(unit + OVERFLOW)) {
            out.put(unit, SegmentLayout.BYTES);
        }
    }

    /** A segment as it was saved, with overflow units of its own. */
    long load(StateInput in) {
        int units = in.getInt(Integer.MAX_VALUE);
        long segment = segments.allocate();
        in.get(segment, SegmentLayout.BYTES);
        long before = segment;
        for (int i = 0; i < units; i++) {
            long unit = overflows.allocate();
            in.get(unit, SegmentLayout.BYTES);
            Memory.putLong(unit + OWNER, segment);
            Memory.putLong(before + OVERFLOW, unit);
            before = unit;
        }
        Memory.putLong(before + OVERFLOW, 0);
        return segment;
    }

    @Override
    public void close() {
        segments.close();
        overflows.close();
    }
}
