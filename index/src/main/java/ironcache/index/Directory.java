package ironcache.index;

import ironcache.ffm.Mapping;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Maps the tag's leading {@code depth} bits to a segment: 2^depth cells of 8 bytes, each a segment's address. A
 * segment owns a run of cells of any length, not only powers of two: so neighbours can share their
 * entries out anew (see {@link Redistribution}). Off-heap, doubled in place; 8 MiB of address space are reserved,
 * what is in use is accounted. Owned by the index's thread.
 */
final class Directory implements AutoCloseable {
    static final int MIN_DEPTH = 3;
    static final int MAX_DEPTH = 20;

    private static final long PAGE_BYTES = 4096;
    private static final Mapping VOID = Mapping.reserve(2 * SegmentLayout.BYTES, MemoryTag.INDEX);

    /** A segment without entries, never written: what an empty index probes. */
    static final long VOID_SEGMENT = VOID.address();

    private static final long VOID_CELLS = VOID.address() + SegmentLayout.BYTES;

    static {
        for (int i = 0; i < 1 << MIN_DEPTH; i++) {
            Memory.putLong(VOID_CELLS + 8L * i, VOID_SEGMENT);
        }
    }

    /** Null while the index is empty; then the cells are the shared ones of the void segment. */
    private @Nullable Mapping mapping;

    private int depth = MIN_DEPTH;
    private long cells = VOID_CELLS;

    boolean isVoid() {
        return mapping == null;
    }

    /** Address of the first cell. */
    long address() {
        return cells;
    }

    int depth() {
        return depth;
    }

    /** Number of cells. */
    int size() {
        return 1 << depth;
    }

    /** Makes the first segment the owner of everything. */
    void begin(long segment) {
        mapping = Mapping.reserve(8L << MAX_DEPTH, MemoryTag.INDEX);
        mapping.commit(PAGE_BYTES);
        cells = mapping.address();
        fill(0, size(), segment);
    }

    /** As {@link #begin}, of so many cells, which the caller fills. */
    void restore(int newDepth) {
        mapping = Mapping.reserve(8L << MAX_DEPTH, MemoryTag.INDEX);
        cells = mapping.address();
        depth = newDepth;
        mapping.commit(committed());
    }

    long segment(int cell) {
        return Memory.getLong(cells + 8L * cell);
    }

    int cellOf(long hash) {
        return (int) (hash >>> 64 - depth);
    }

    void fill(int from, int to, long segment) {
        for (int i = from; i < to; i++) {
            Memory.putLong(cells + 8L * i, segment);
        }
    }

    /** First cell of the segment that owns {@code cell}. */
    int start(int cell) {
        long segment = segment(cell);
        int start = cell;
        while (start > 0 && segment(start - 1) == segment) {
            start--;
        }
        return start;
    }

    /** One past the last cell of the segment that owns {@code cell}. */
    int end(int cell) {
        long segment = segment(cell);
        int end = cell + 1;
        while (end < size() && segment(end) == segment) {
            end++;
        }
        return end;
    }

    /** Doubles the number of cells, from the last one down, in place. */
    void grow() {
        long before = committed();
        for (int i = size() - 1; i >= 0; i--) {
            long segment = segment(i);
            Memory.putLong(cells + 16L * i + 8, segment);
            Memory.putLong(cells + 16L * i, segment);
        }
        depth++;
        Objects.requireNonNull(mapping, "the void directory does not grow")
                .commit(committed() - before);
    }

    long bytes() {
        return mapping == null ? 0 : committed();
    }

    private long committed() {
        return Math.max(PAGE_BYTES, 8L * size());
    }

    @Override
    public void close() {
        if (mapping != null) {
            mapping.close();
            mapping = null;
        }
        depth = MIN_DEPTH;
        cells = VOID_CELLS;
    }
}
