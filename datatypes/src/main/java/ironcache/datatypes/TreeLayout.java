package ironcache.datatypes;

import ironcache.engine.SplicedLayout;
import ironcache.ffm.Memory;

/**
 * Pages of a {@link Tree}, and its part of the collection's root; little-endian.
 *
 * <pre>
 * leaf    | version 4 | entries: [score 8] | element
 * inner   | version 4 | entries: child 8   | count 8 | [score 8 | element]
 * root    | top 8     | count 8            | height 4 | scored 4 |
 *
 * version  {@link SplicedLayout}
 * child    page number
 * count    entries of the leaves below
 * top      page number; of a leaf where the height is 1, of nothing where it is 0
 * scored   1: entries have scores, and are in the order of (score, member), whose element is a string; 0: they are where they were put
 *
 * score and element in an inner page: the bound. All below is not less, all below the children before is less. That of a page's first entry is not looked at. Where the tree is not
 * scored there is none
 * </pre>
 */
final class TreeLayout {
    /** What a leaf has at most when a write is over. */
    static final int PAGE_BYTES_MAX = 4096;

    /**
     * An insertion that would give a leaf with scores more splits it; with long members either half may still have more. Less than what a page may have: who gives a cold member another score reads two leaves, and both are written again. In a list, which changes
     * at its ends, the fewer leaves the better.
     */
    static final int SCORED_LEAF_BYTES = 2048;

    /**
     * What an inner page has, but for one of fewer than {@link #INNER_ENTRIES_MIN} entries, whatever their length. Less than a leaf's: each search goes through half an inner page of each level, and all of them are
     * a hundredth of the tree.
     */
    static final int INNER_BYTES_MAX = 1024;

    /** An inner page of fewer entries is not split: with two a page a tree of long bounds would never end. */
    static final int INNER_ENTRIES_MIN = 8;

    /** A page's entries begin here. */
    static final int ENTRIES = SplicedLayout.BYTES;

    static final int SCORE_BYTES = 8;

    private static final int COUNT = Long.BYTES;

    /** Bytes of an inner entry without its bound. */
    static final int CHILD_BYTES = COUNT + Long.BYTES;

    // The root's part.
    private static final int TOP = 0;
    private static final int TREE_COUNT = TOP + Long.BYTES;
    private static final int HEIGHT = TREE_COUNT + Long.BYTES;
    private static final int SCORED = HEIGHT + Integer.BYTES;

    /** Of the root's part. */
    static final int ROOT_BYTES = SCORED + Integer.BYTES;

    private TreeLayout() {}

    /** An empty tree. */
    static void putRoot(long part, boolean scored) {
        Memory.fill(part, ROOT_BYTES, (byte) 0);
        Memory.putInt(part + SCORED, scored ? 1 : 0);
    }

    static boolean isScored(long part) {
        return Memory.getInt(part + SCORED) != 0;
    }

    static long top(long part) {
        return Memory.getLong(part + TOP);
    }

    /** Entries of all leaves. */
    static long treeCount(long part) {
        return Memory.getLong(part + TREE_COUNT);
    }

    static void addTreeCount(long part, long difference) {
        Memory.putLong(part + TREE_COUNT, treeCount(part) + difference);
    }

    /** Levels; 1: the top is a leaf. */
    static int height(long part) {
        return Memory.getInt(part + HEIGHT);
    }

    static void putTop(long part, long page, int height) {
        Memory.putLong(part + TOP, page);
        Memory.putInt(part + HEIGHT, height);
    }

    static long child(long entry) {
        return Memory.getLong(entry);
    }

    static long count(long entry) {
        return Memory.getLong(entry + COUNT);
    }

    static void putChild(long entry, long child, long count) {
        Memory.putLong(entry, child);
        Memory.putLong(entry + COUNT, count);
    }

    /** Of an entry in a leaf, or of a bound. */
    static int leafEntryBytes(long entry, int scoreBytes) {
        return scoreBytes + Element.bytes(entry + scoreBytes);
    }

    static int innerEntryBytes(long entry, int scoreBytes) {
        return scoreBytes == 0
                ? CHILD_BYTES
                : CHILD_BYTES + leafEntryBytes(entry + CHILD_BYTES, scoreBytes);
    }

    static double score(long entry) {
        return Double.longBitsToDouble(Memory.getLong(entry));
    }

    static void putScore(long entry, double score) {
        Memory.putLong(entry, Double.doubleToRawLongBits(score));
    }
}
