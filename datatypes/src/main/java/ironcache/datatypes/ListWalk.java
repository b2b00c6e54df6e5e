package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;

/**
 * Goes through a list's elements, forward or backward, from any position. Pages ahead are asked for as far as the caller says that it will go.
 *
 * <pre>
 * walk.open(shard, record);
 * walk.seek(index, count);
 * while (walk.next()) { walk.element() }
 * </pre>
 *
 * Reads may miss; what they found is valid until the list is written. One per thread and purpose, reused; owns a tree's scratch.
 */
public final class ListWalk implements AutoCloseable {
    /** Where the place is. */
    private enum Part {
        /** The first leaf; or all of a packed list. */
        FIRST,
        TREE,
        LAST
    }

    private final Tree tree = new Tree();

    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    /** 0: the list is packed. */
    private long root;

    private Part part = Part.FIRST;

    // Of the packed list or the leaf.
    private long begin;
    private long end;
    private long place;

    private long element;
    private long wanted;

    /** Begins of the elements before the place, for going back; -1: not known. */
    private int beginsCount;

    private int[] begins = {};

    /** A list as its record has it. */
    public void open(Shard newShard, long record) {
        if (Record.isPaged(record)) {
            openRoot(newShard, Record.value(record));
            return;
        }
        shard = newShard;
        root = 0;
        part = Part.FIRST;
        long value = Record.value(record);
        setArea(value + ListLayout.PACKED, value + Record.valueLength(record));
    }

    /** A paged list, by its root. */
    void openRoot(Shard newShard, long newRoot) {
        shard = newShard;
        root = newRoot;
        tree.open(newShard, newRoot, ListLayout.TREE);
    }

    /** The list's. */
    public Shard shard() {
        return shard;
    }

    /** The object whose pages spilled elements are. */
    public long object() {
        return root == 0 ? 0 : CollectionRoot.object(root);
    }

    private void setArea(long newBegin, long newEnd) {
        begin = newBegin;
        end = newEnd;
        place = begin;
        beginsCount = -1;
    }

    /**
     * Goes before the element at an index, or behind the last. May miss.
     *
     * @param newWanted how many elements will be gone over from there; negative: backward
     */
    public void seek(long index, long newWanted) {
        wanted = newWanted;
        if (root == 0) {
            setArea(begin, end);
            skip(index);
            return;
        }
        int first = ListLayout.count(root, true);
        if (index < first || first > 0 && index == first && newWanted < 0) {
            enter(Part.FIRST);
            skip(index);
            return;
        }
        long inTree = index - first;
        long count = tree.count();
        if (inTree < count || count > 0 && inTree == count && newWanted < 0) {
            part = Part.TREE;
            tree.seek(inTree, newWanted);
            return;
        }
        enter(Part.LAST);
        skip(inTree - count);
    }

    /** Before a command goes over so many elements from an index on and needs them all at once: reads their pages. The place is lost. May miss. */
    public void load(long index, long count) {
        if (root != 0) {
            long from = index - ListLayout.count(root, true);
            long skipped = Math.max(0, -from);
            long inTree = Math.min(count - skipped, tree.count() - Math.max(0, from));
            if (inTree > 0) {
                tree.load(Math.max(0, from), inTree);
            }
        }
    }

    /** Goes before the first element, or behind the last, without counting any. May miss. */
    void seekEnd(boolean first, long newWanted) {
        if (first) {
            seek(0, newWanted);
            return;
        }
        wanted = -newWanted;
        if (root == 0) {
            setArea(begin, end);
        } else if (ListLayout.page(root, false) != 0) {
            enter(Part.LAST);
        } else if (tree.count() > 0) {
            part = Part.TREE;
            tree.seek(tree.count(), wanted);
            return;
        } else {
            enter(Part.FIRST);
        }
        place = end;
    }

    /** The place is before the first element of this part. */
    private void enter(Part newPart) {
        part = newPart;
        if (newPart == Part.TREE) {
            tree.seek(0, wanted);
            return;
        }
        long page = ListLayout.page(root, newPart == Part.FIRST);
        if (page == 0) {
            setArea(0, 0);
            return;
        }
        long record = PagedList.read(shard, CollectionRoot.object(root), page);
        long value = Record.value(record);
        setArea(value + TreeLayout.ENTRIES, value + Record.valueLength(record));
    }

    private void skip(long count) {
        for (long i = 0; i < count; i++) {
            place += Element.bytes(place);
        }
    }

    /** Goes over the element at an index. May miss. @return false: there is none */
    public boolean goTo(long index) {
        if (root != 0) {
            seek(index, 1);
            return next();
        }
        place = begin;
        for (long i = 0; i < index && place < end; i++) {
            place += Element.bytes(place);
        }
        return next();
    }

    /** Goes over the next element. May miss. @return false: there is none */
    public boolean next() {
        while (true) {
            if (part == Part.TREE) {
                if (tree.settle()) {
                    element = tree.entry();
                    tree.next();
                    wanted--;
                    return true;
                }
                enter(Part.LAST);
            } else if (place < end) {
                element = place;
                place += Element.bytes(place);
                beginsCount = -1;
                wanted--;
                return true;
            } else if (root == 0 || part == Part.LAST) {
                return false;
            } else {
                enter(Part.TREE);
            }
        }
    }

    /** Goes over the element before. May miss. @return false: there is none */
    public boolean previous() {
        while (true) {
            if (part == Part.TREE) {
                if (tree.previous()) {
                    element = tree.entry();
                    wanted++;
                    return true;
                }
                enter(Part.FIRST);
                place = end;
            } else if (place > begin) {
                element = before();
                place = element;
                wanted++;
                return true;
            } else if (root == 0 || part == Part.FIRST) {
                return false;
            } else {
                part = Part.TREE;
                tree.seek(tree.count(), Math.min(wanted, -1));
            }
        }
    }

    private long before() {
        if (beginsCount < 0) {
            beginsCount = 0;
            if (begins.length == 0) {
                begins = new int[TreeLayout.PAGE_BYTES_MAX];
            }
            for (long at = begin; at < place; at += Element.bytes(at)) {
                begins[beginsCount++] = (int) (at - begin);
            }
        }
        return begin + begins[--beginsCount];
    }

    /** Whether the place is in the first or last leaf of a paged list. */
    boolean isInEnd(boolean first) {
        return root != 0 && part == (first ? Part.FIRST : Part.LAST);
    }

    /** Where the elements of the place's leaf begin, {@link #isInEnd}. */
    long leafBegin() {
        return begin;
    }

    long leafEnd() {
        return end;
    }

    /** The element that was gone over last ({@link Element}). */
    public long element() {
        return element;
    }

    /** Reads the element's bytes, wherever they are, so that nothing that is done to it misses. May miss. */
    void loadElement() {
        if (Element.isSpilled(element)) {
            Spill.load(shard, object(), element);
        }
    }

    /** Whether the element is this string, coded in {@code coded} where it is not too long for that. May miss. */
    boolean isElement(long coded, int codedBytes, long text, int length) {
        if (length > Spill.SPILL_BYTES) {
            return Element.isSpilled(element)
                    && Spill.equal(shard, object(), element, text, length);
        }
        // The first byte tells most of them, and the number of bytes.
        return Memory.getByte(element) == Memory.getByte(coded)
                && Element.bytes(element) == codedBytes
                && Memory.equal(element, coded, codedBytes);
    }

    @Override
    public void close() {
        tree.close();
    }
}
