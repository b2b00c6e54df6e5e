package ironcache.index;

/**
 * What happens when a segment is full. Splitting it in two, as extendible hashing does, halves the
 * load of all segments at about the same time, because a good hash fills them alike: memory per entry would
 * swing by a factor of two. Instead up to three neighbours in tag order are taken together, as a B*-tree
 * does: where there is room left among them, they share their entries out evenly; else they become one more.
 * So segments run at three quarters to full, at any number of entries.
 *
 * <p>Work is bounded: at most {@link #WINDOW} segments are walked and about a third of their entries move.
 * Owned by the index's thread; allocates nothing on the heap.
 */
final class Redistribution {
    private static final int WINDOW = 3;

    /** A new boundary is worth this: cells per segment, so that shares are equal to within an eighth. */
    private static final int CELLS_PER_SEGMENT = 8;

    /** More cells per segment than this on average come from hashes that are not uniform. */
    private static final int CELLS_PER_SEGMENT_MAX = 256;

    /** Neighbours with less than this part of the full one's share have room enough to do without a new segment. */
    private static final double ROOM = 0.88;

    /** A full segment must get narrower at least by this factor. */
    private static final double WORTHWHILE = 0.95;

    private final Directory directory;
    private final Segments segments;

    /** Boundaries in cells: of the full segment and its neighbours, then of the shares to be. */
    private final int[] before = new int[2 * WINDOW];

    private final int[] after = new int[WINDOW + 2];
    private final long[] owners = new long[WINDOW + 1];
    private final boolean[] done = new boolean[WINDOW + 1];

    /** Which of the shares gets a new segment; -1 where none does. */
    private int fresh;

    Redistribution(Directory directory, Segments segments) {
        this.directory = directory;
        this.segments = segments;
    }

    /**
     * Makes room in the segment that owns the hash.
     *
     * @return false where that is of no use: the segment's cell cannot be divided further
     */
    boolean relieve(long hash) {
        while (true) {
            int cell = directory.cellOf(hash);
            int start = directory.start(cell);
            int end = directory.end(cell);
            boolean mayGrow = mayGrow();
            if (end - start == 1 && !mayGrow) {
                return false;
            }
            int shares = chooseWindow(start, end);
            int total = after[shares] - after[0];
            if (mayGrow && total < CELLS_PER_SEGMENT * shares) {
                directory.grow();
            } else if (total >= shares && divide(cell, shares) < WORTHWHILE * (end - start)) {
                share(shares);
                return true;
            } else if (end - start > 1) {
                // The neighbours would give nothing: hashes that are not uniform, or cells too
                // coarse.
                chooseHalves(start, end);
                divide(cell, 2);
                share(2);
                return true;
            } else if (mayGrow) {
                directory.grow();
            } else {
                return false;
            }
        }
    }

    /** The ratio bounds what hashes with equal leading bits can make of the directory. */
    private boolean mayGrow() {
        return directory.depth() < Directory.MAX_DEPTH
                && directory.size() < CELLS_PER_SEGMENT_MAX * segments.count();
    }

    /**
     * Chooses the neighbours to share with and sets the outer bounds, the owners, and which of them is yet to be made.
     *
     * @return the number of shares
     */
    private int chooseWindow(int start, int end) {
        int own = WINDOW - 1;
        before[own] = start;
        before[own + 1] = end;
        int low = own;
        while (low > 0 && before[low] > 0) {
            before[low - 1] = directory.start(before[low] - 1);
            low--;
        }
        int high = own + 1;
        while (high < before.length - 1 && before[high] < directory.size()) {
            before[high + 1] = directory.end(before[high]);
            high++;
        }
        int count = Math.min(WINDOW, high - low);
        int narrowest = Math.max(low, own - count + 1);
        int widest = narrowest;
        for (int i = narrowest + 1; i <= own && i + count <= high; i++) {
            int width = before[i + count] - before[i];
            if (width < before[narrowest + count] - before[narrowest]) {
                narrowest = i;
            }
            if (width > before[widest + count] - before[widest]) {
                widest = i;
            }
        }
        // Tags are uniform, so a segment's width in cells tells its share of entries.
        boolean room = before[narrowest + count] - before[narrowest] < ROOM * count * (end - start);
        int first = room ? narrowest : widest;
        int shares = room ? count : count + 1;
        fresh = room ? -1 : shares / 2;
        for (int i = 0, old = first; i < shares; i++) {
            owners[i] = i == fresh ? 0 : directory.segment(before[old++]);
        }
        after[0] = before[first];
        after[shares] = before[first + count];
        return shares;
    }

    private void chooseHalves(int start, int end) {
        after[0] = start;
        after[2] = end;
        owners[0] = directory.segment(start);
        owners[1] = 0;
        fresh = 1;
    }

    /** Sets the inner bounds. Returns the width of the share that the cell falls into. */
    private int divide(int cell, int shares) {
        int from = after[0];
        int total = after[shares] - from;
        int width = 0;
        for (int i = 1; i <= shares; i++) {
            after[i] = from + (int) ((long) total * i / shares);
            if (cell >= after[i - 1] && cell < after[i]) {
                width = after[i] - after[i - 1];
            }
        }
        return width;
    }

    /** Gives the shares to their owners and moves what stands elsewhere. */
    private void share(int shares) {
        if (fresh >= 0) {
            owners[fresh] = segments.allocate();
        }
        for (int i = 0; i < shares; i++) {
            directory.fill(after[i], after[i + 1], owners[i]);
            done[i] = i == fresh;
        }
        // Nearest to the new segment first, so that a segment gives before it takes. Without a new
        // one the order
        // hardly matters: there is room, and the stash takes what comes early.
        int centre = fresh < 0 ? leastFilled(shares) : fresh;
        for (int distance = 0; distance < shares; distance++) {
            evacuate(centre - distance, shares);
            evacuate(centre + distance, shares);
        }
    }

    private int leastFilled(int shares) {
        int least = 0;
        int leastCount = Integer.MAX_VALUE;
        for (int i = 0; i < shares; i++) {
            int count = Segments.count(owners[i]);
            if (count < leastCount) {
                least = i;
                leastCount = count;
            }
        }
        return least;
    }

    private void evacuate(int share, int shares) {
        if (share >= 0 && share < shares && !done[share]) {
            done[share] = true;
            segments.evacuate(owners[share], directory, after[share], after[share + 1]);
        }
    }
}
