package ironcache.index;

import static ironcache.index.SegmentLayout.GROUPS;
import static ironcache.index.SegmentLayout.GROUP_BITS;
import static ironcache.index.SegmentLayout.GROUP_BYTES;
import static ironcache.index.SegmentLayout.GROUP_MASK;
import static ironcache.index.SegmentLayout.LINE_BYTES;
import static ironcache.index.SegmentLayout.PAYLOAD_MASK;
import static ironcache.index.SegmentLayout.STASH_CHOICES;
import static ironcache.index.SegmentLayout.STASH_LANES;

import ironcache.ffm.Memory;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;

/**
 * Segmented extendible hash index (blueprint, section 4).
 *
 * <p>A slot is a 64-bit word: {@code tag (24) | payload (40)}; a zero word is empty. The tag is the
 * hash's high 24 bits, the home line comes from its low 32. The payload is opaque and never zero. Several
 * entries may carry the same tag in one group; callers tell them apart by key. Slot addresses are absolute and valid
 * until the next insert.
 *
 * <p>A probe looks into the home line and its neighbour, and, only where the segment's header says that the stash
 * holds entries of the group, up to three stash lines. The tag's leading bits choose the segment through the
 * {@link Directory}, so the index grows from what it stores, never from keys. An entry keeps its group for life.
 *
 * <p>Bytes per entry at any size from 100,000 on: 10.1 to 11.3, mean 10.7 (see {@link Redistribution}); an empty index holds nothing.
 * The state of the probe lives in plain fields: one owner thread, one probe at a time. Nothing here allocates on the heap after
 * construction, apart from new regions of off-heap memory.
 */
public final class HashIndex implements AutoCloseable {
    private static final int CURSOR_CELL_BITS = Directory.MAX_DEPTH;
    private static final int CURSOR_CELL_MASK = (1 << CURSOR_CELL_BITS) - 1;

    /** Below this load a full group is the hash's fault, and splitting would waste memory on it. */
    private static final int SPLIT_ENTRIES_MIN = SegmentLayout.SLOTS / 2;

    private static final int STAGE_GROUP = 0;

    /** And the next two, for the stash's other choices. */
    private static final int STAGE_STASH = 1;

    private static final int STAGE_OVERFLOW = STAGE_STASH + STASH_CHOICES;

    private final Directory directory = new Directory();
    private final Segments segments = new Segments();
    private final Redistribution redistribution = new Redistribution(directory, segments);
    private long size;

    // The directory's address and depth, copied here for the probe.
    private long cells;
    private int cellShift;

    // The probe: what is left of the current line's matches, and where to go on.
    private long probeTag;
    private long probeSegment;
    private long probeLine;
    private int probeMask;
    private int probeStage;

    /** The group's home line; the stash choices and the overflow follow from it. */
    private long probeHome;

    private long probeUnit;
    private int probeUnitLine;

    /** An index without entries; it takes memory with the first one. */
    public HashIndex() {
        followDirectory();
    }

    /** First slot that may hold the hash's key, or 0. Begins a probe that {@link #next} goes on with. */
    public long first(long hash) {
        long tag = SegmentLayout.tagOf(hash);
        long home = SegmentLayout.homeLine(hash);
        long segment = Memory.getLong(cells + (hash >>> cellShift << 3));
        long line = segment + home;
        // Both lines at once: whether the entry is in the first of them is hard to predict, that it
        // is in one of them is not.
        int mask = matchInGroup(line, tag);
        probeTag = tag;
        probeHome = home;
        probeSegment = segment;
        probeLine = line;
        probeStage = STAGE_GROUP;
        probeMask = mask & (mask - 1);
        return mask != 0 ? slotAt(line, mask) : nextLine();
    }

    /** Next candidate of the probe begun by {@link #first}, or 0. */
    public long next() {
        int mask = probeMask;
        if (mask != 0) {
            probeMask = mask & (mask - 1);
            return slotAt(probeLine, mask);
        }
        return nextLine();
    }

    /** Matches in the home line, and in its neighbour from bit 8 on. */
    private static int matchInGroup(long line, long tag) {
        return Probe.match(line, tag) | Probe.match(line ^ LINE_BYTES, tag) << 8;
    }

    /** The slot of a mask's lowest bit: in the line, or from bit 8 on in its neighbour. */
    private static long slotAt(long line, int mask) {
        int bit = Integer.numberOfTrailingZeros(mask);
        return (line ^ (bit & 8L) << 3) + ((bit & 7L) << 3);
    }

    /** The group has no more matches, or the stash line: finds the next line that has one. */
    private long nextLine() {
        int mask = matchInStash();
        probeMask = mask & (mask - 1);
        return mask != 0 ? slotAt(probeLine, mask) : 0;
    }

    private int matchInStash() {
        int group = SegmentLayout.groupAt(probeHome);
        if (probeStage == STAGE_GROUP) {
            boolean held = Segments.stashHolds(probeSegment, group);
            probeStage = held ? STAGE_STASH : STAGE_OVERFLOW;
            probeUnit = held ? Memory.getLong(probeSegment + SegmentLayout.OVERFLOW) : 0;
            probeUnitLine = 0;
        }
        while (probeStage < STAGE_OVERFLOW) {
            long line = probeSegment + SegmentLayout.stashLine(group, probeStage++ - STAGE_STASH);
            int mask = Probe.match(line, probeTag) & STASH_LANES;
            if (mask != 0) {
                probeLine = line;
                return mask;
            }
        }
        return probeUnit == 0 ? 0 : matchInOverflow();
    }

    private int matchInOverflow() {
        for (;
                probeUnit != 0;
                probeUnit = Memory.getLong(probeUnit + SegmentLayout.OVERFLOW), probeUnitLine = 0) {
            int lines = (int) Memory.getLong(probeUnit + SegmentLayout.LINES_USED);
            while (probeUnitLine < lines) {
                long line = Segments.overflowLine(probeUnit, probeUnitLine++);
                int mask = Probe.match(line, probeTag) & STASH_LANES;
                if (mask != 0) {
                    probeLine = line;
                    return mask;
                }
            }
        }
        return 0;
    }

    /**
     * Loads the hash's home line and its neighbour into the cache and returns the payload of a tag match there, or 0. Has no branch that
     * depends on the lines, so that the processor goes on to the next hash of a batch instead of waiting. Entries in the stash are
     * not found: they are few.
     */
    public long touch(long hash) {
        long line =
                Memory.getLong(cells + (hash >>> cellShift << 3)) + SegmentLayout.homeLine(hash);
        int mask = matchInGroup(line, SegmentLayout.tagOf(hash));
        // Without a match the count of zeroes is 32, so lane 0 is read and then blanked.
        return Memory.getLong(slotAt(line, mask)) & PAYLOAD_MASK & (long) -mask >> 63;
    }

    /**
     * Loads the two lines of the hash's group and nothing else: a dozen instructions without a branch on what they load, so that the
     * processor runs ahead over many keys and their cache misses overlap. {@link #touch} then finds the lines in the cache.
     *
     * @return anything; use it, or the loads are optimised away
     */
    public long touchLines(long hash) {
        long home =
                Memory.getLong(cells + (hash >>> cellShift << 3)) + SegmentLayout.homeLine(hash);
        return Memory.getLong(home) ^ Memory.getLong(home ^ LINE_BYTES);
    }

    /** The 40-bit payload of a slot. */
    public static long payload(long slot) {
        return Memory.getLong(slot) & PAYLOAD_MASK;
    }

    /** All that a slot holds: tag and payload. With the group that {@link #groupOf} tells, it is all that the index knows of an entry. */
    public static long word(long slot) {
        return Memory.getLong(slot);
    }

    /** The group whose entries a {@link #scan} from this cursor visits. */
    public static int groupOf(long cursor) {
        return (int) cursor & GROUP_MASK;
    }

    /** A hash under which an entry of this word and group was, or can be, inserted; not that of its key. */
    public static long hashOf(long word, int group) {
        return SegmentLayout.hashOf(word & ~PAYLOAD_MASK, group);
    }

    /** As {@link #hashOf} of an entry that was inserted under this hash: what of a hash the index knows. */
    public static long entryHash(long hash) {
        return SegmentLayout.hashOf(
                SegmentLayout.tagOf(hash), SegmentLayout.groupAt(SegmentLayout.homeLine(hash)));
    }

    /** The payload in a slot's word. */
    public static long payloadOf(long word) {
        return word & PAYLOAD_MASK;
    }

    /** Replaces the payload of an occupied slot, keeping its tag. */
    public void replace(long slot, long payload) {
        checkPayload(payload);
        Memory.putLong(slot, Memory.getLong(slot) & ~PAYLOAD_MASK | payload);
    }

    /** Adds an entry (no check for duplicates). May split a segment. Returns the slot. */
    public long insert(long hash, long payload) {
        checkPayload(payload);
        long segment = Memory.getLong(cells + (hash >>> cellShift << 3));
        long word = SegmentLayout.tagOf(hash) | payload;
        long slot =
                segment == Directory.VOID_SEGMENT
                        ? 0
                        : segments.place(segment, SegmentLayout.homeLine(hash), word);
        if (slot == 0) {
            slot = insertWithGrowth(hash, word);
        }
        size++;
        return slot;
    }

    private long insertWithGrowth(long hash, long word) {
        if (directory.isVoid()) {
            directory.begin(segments.allocate());
        }
        long home = SegmentLayout.homeLine(hash);
        while (true) {
            long segment = directory.segment(directory.cellOf(hash));
            long slot = segments.place(segment, home, word);
            if (slot == 0
                    && (Segments.count(segment) < SPLIT_ENTRIES_MIN
                            || !redistribution.relieve(hash))) {
                slot = segments.placeOrOverflow(segment, home, word);
            }
            followDirectory();
            if (slot != 0) {
                return slot;
            }
        }
    }

    /** Empties the slot. Other entries stay where they are. */
    public void remove(long slot) {
        segments.remove(slot);
        size--;
    }

    /** Entries, O(1). */
    public long size() {
        return size;
    }

    /** Off-heap bytes held. */
    public long bytes() {
        return directory.bytes() + segments.bytes();
    }

    /** Units beyond the segments proper, taken for hashes that no split can tell apart; 0 with a sound hash. */
    long overflowUnits() {
        return segments.overflowUnits();
    }

    /** Receives entries of a scan. */
    public interface EntryVisitor {
        void visit(long slot, long payload);
    }

    /**
     * Visits all entries of at least one bucket from {@code cursor} on and returns the next cursor; 0 begins
     * and 0 ends. Entries that stay in the index during a whole pass are visited at least once, splits notwithstanding.
     * The visitor must not change the index.
     *
     * <pre>
     * 0       9              29            49
     * | group | first cell   | last cell   | zero |
     * </pre>
     *
     * <p>Cells are counted at the directory's greatest depth. The cursor stands for: of the tags in these cells, all groups
     * below have been visited, and so have all tags before. That stays meaningful whatever becomes of the segments, since an
     * entry keeps its group. A cursor that no scan returned is refused with 0, or visits something; it does no harm.
     */
    public long scan(long cursor, EntryVisitor visitor) {
        int group = (int) cursor & GROUP_MASK;
        int from = (int) (cursor >>> GROUP_BITS) & CURSOR_CELL_MASK;
        int last = (int) (cursor >>> GROUP_BITS + CURSOR_CELL_BITS) & CURSOR_CELL_MASK;
        if (directory.isVoid()
                || group >= GROUPS
                || cursor >>> GROUP_BITS + 2 * CURSOR_CELL_BITS != 0) {
            return 0;
        }
        if (cursor == 0) {
            last = lastCellWith(0);
        }
        int scale = Directory.MAX_DEPTH - directory.depth();
        for (int cell = from >>> scale; cell <= last >>> scale; cell = directory.end(cell)) {
            visitGroup(directory.segment(cell), group, from, last, visitor);
        }
        if (++group == GROUPS) {
            group = 0;
            from = last + 1;
            if (from > CURSOR_CELL_MASK) {
                return 0;
            }
            last = lastCellWith(from);
        }
        return cursor(group, from, last);
    }

    /** A cursor that begins a scan in the hash's neighbourhood: with a random hash, for samples. Goes on to the end only. */
    public long cursorAt(long hash) {
        int group = SegmentLayout.groupAt(SegmentLayout.homeLine(hash));
        int start =
                directory.start(directory.cellOf(hash)) << Directory.MAX_DEPTH - directory.depth();
        return cursor(group, start, lastCellWith(start));
    }

    private static long cursor(int group, int from, int last) {
        return ((long) last << CURSOR_CELL_BITS | from) << GROUP_BITS | group;
    }

    /** The last cell, at the greatest depth, of the segment that owns the given one. */
    private int lastCellWith(int cell) {
        int scale = Directory.MAX_DEPTH - directory.depth();
        return (directory.end(cell >>> scale) << scale) - 1;
    }

    private static void visitGroup(
            long segment, int group, int from, int last, EntryVisitor visitor) {
        long line = segment + (long) group * GROUP_BYTES;
        visitLine(line, ~Probe.empty(line) & 0xFF, from, last, visitor);
        line += LINE_BYTES;
        visitLine(line, ~Probe.empty(line) & 0xFF, from, last, visitor);
        if (!Segments.stashHolds(segment, group)) {
            return;
        }
        for (int choice = 0; choice < STASH_CHOICES; choice++) {
            line = segment + SegmentLayout.stashLine(group, choice);
            visitLine(line, Segments.lanesOf(line, group), from, last, visitor);
        }
        long unit = Memory.getLong(segment + SegmentLayout.OVERFLOW);
        for (; unit != 0; unit = Memory.getLong(unit + SegmentLayout.OVERFLOW)) {
            int lines = (int) Memory.getLong(unit + SegmentLayout.LINES_USED);
            for (int i = 0; i < lines; i++) {
                line = Segments.overflowLine(unit, i);
                visitLine(line, Segments.lanesOf(line, group), from, last, visitor);
            }
        }
    }

    private static void visitLine(long line, int lanes, int from, int last, EntryVisitor visitor) {
        for (int rest = lanes; rest != 0; rest &= rest - 1) {
            long slot = line + ((long) Integer.numberOfTrailingZeros(rest) << 3);
            long word = Memory.getLong(slot);
            int cell = (int) (word >>> 64 - Directory.MAX_DEPTH);
            if (cell >= from && cell <= last) {
                visitor.visit(slot, word & PAYLOAD_MASK);
            }
        }
    }

    /** Writes all that the index holds: its segments verbatim, each with the number of its cells. */
    public void save(StateOutput out) {
        out.putLong(size);
        out.putLong(directory.isVoid() ? 0 : directory.depth());
        if (!directory.isVoid()) {
            int end;
            for (int cell = 0; cell < directory.size(); cell = end) {
                end = directory.end(cell);
                out.putLong(end - cell);
                Segments.save(directory.segment(cell), out);
            }
        }
    }

    /** Of an empty index: holds what another one saved. Cursors of its scans go on here. */
    public void load(StateInput in) {
        size = in.getLong();
        int depth = in.getInt(Directory.MAX_DEPTH);
        if (depth != 0) {
            directory.restore(depth);
            int end;
            for (int cell = 0; cell < directory.size(); cell = end) {
                end = cell + in.getInt(directory.size() - cell);
                directory.fill(cell, end, segments.load(in));
            }
        }
        followDirectory();
    }

    /** Removes all entries and gives their memory back to the system. */
    public void clear() {
        segments.close();
        directory.close();
        size = 0;
        followDirectory();
    }

    /** As {@link #clear}. */
    @Override
    public void close() {
        clear();
    }

    private static void checkPayload(long payload) {
        if (payload <= 0 || payload > PAYLOAD_MASK) {
            throw new IllegalArgumentException("payload " + payload + ": 1 to 2^40 - 1 wanted");
        }
    }

    private void followDirectory() {
        cells = directory.address();
        cellShift = 64 - directory.depth();
    }
}
