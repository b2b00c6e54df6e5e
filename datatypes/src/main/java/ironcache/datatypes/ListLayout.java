package ironcache.datatypes;

import ironcache.engine.SplicedLayout;
import ironcache.ffm.Memory;

/**
 * Root of a paged list, 128 bytes, little-endian. Its elements are those of the first leaf, then those of the tree, then those of the last leaf; any of the three may have none.
 *
 * <pre>
 * 0                72     96           104         112          116         120             128
 * | CollectionRoot | tree | first page | last page | first count | last count | listpack bytes |
 *
 * tree            {@link TreeLayout}, not scored
 * page            of a leaf as the tree's are; 0: there is none
 * count           its elements
 * listpack bytes  what Valkey's listpack would take for all elements ({@link Listpack})
 * </pre>
 *
 * A packed list is {@link SplicedLayout}, then the elements.
 */
final class ListLayout {
    static final int TREE = CollectionRoot.BYTES;
    private static final int FIRST_PAGE = TREE + TreeLayout.ROOT_BYTES;
    private static final int LAST_PAGE = FIRST_PAGE + Long.BYTES;
    private static final int FIRST_COUNT = LAST_PAGE + Long.BYTES;
    private static final int LAST_COUNT = FIRST_COUNT + Integer.BYTES;
    private static final int LISTPACK_BYTES = LAST_COUNT + Integer.BYTES;
    static final int BYTES = LISTPACK_BYTES + Long.BYTES;

    /** Packed elements begin here. */
    static final int PACKED = SplicedLayout.BYTES;

    private ListLayout() {}

    /** Page of the first or last leaf, 0: none. */
    static long page(long root, boolean first) {
        return Memory.getLong(root + (first ? FIRST_PAGE : LAST_PAGE));
    }

    /** Elements of the first or last leaf. */
    static int count(long root, boolean first) {
        return Memory.getInt(root + (first ? FIRST_COUNT : LAST_COUNT));
    }

    static void putLeaf(long root, boolean first, long page, int count) {
        Memory.putLong(root + (first ? FIRST_PAGE : LAST_PAGE), page);
        Memory.putInt(root + (first ? FIRST_COUNT : LAST_COUNT), count);
    }

    static long listpackBytes(long root) {
        return Memory.getLong(root + LISTPACK_BYTES);
    }

    /** So many elements more or less, and what a listpack would take for them. */
    static void add(long root, long count, long listpackBytes) {
        CollectionRoot.putCount(root, CollectionRoot.count(root) + count);
        Memory.putLong(root + LISTPACK_BYTES, listpackBytes(root) + listpackBytes);
    }
}
