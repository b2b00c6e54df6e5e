package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.engine.SplicedLayout;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;

/**
 * Changes of a paged list ({@link ListLayout}). Both ends are leaves of their own, so that what is done there touches one page and the root; a leaf that is full goes into the tree, and comes
 * out again when the end has been used up.
 *
 * <p>What may miss is named load or probe; the rest changes pages that were read, and the root copy, which is saved last. An element comes as it is coded, its spilled pages written.
 */
final class PagedList implements AutoCloseable {
    private final RootCopy copy = new RootCopy();
    private final long root = copy.address();
    private final Tree tree = new Tree();

    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    private long object;

    /** Length of the page at the end that is pushed to; -1: not known. */
    private int endBytes;

    /** The copy. */
    long root() {
        return root;
    }

    /** Takes an existing list's root. */
    void open(Shard newShard, long value) {
        shard = newShard;
        copy.open(value, ListLayout.BYTES);
        object = CollectionRoot.object(root);
        endBytes = -1;
    }

    /** Begins a list without elements. */
    void create(Shard newShard, int db) {
        shard = newShard;
        object = copy.create(newShard, db, ListLayout.BYTES);
        TreeLayout.putRoot(root + ListLayout.TREE, false);
        endBytes = -1;
    }

    void save(int db, long key, int keyLength, long hash, int kind) {
        copy.save(shard, db, key, keyLength, hash, kind, ListLayout.BYTES);
    }

    void saveNew(int db, long key, int keyLength, long hash, int kind, long expiryMillis) {
        copy.putNew(shard, db, key, keyLength, hash, kind, ListLayout.BYTES, expiryMillis);
    }

    private long read(long page) {
        return read(shard, object, page);
    }

    /** A leaf, which is there. May miss. @return its record */
    static long read(Shard shard, long object, long page) {
        long record = shard.readPage(object, page);
        if (record == 0) {
            throw new IllegalStateException(
                    "page " + page + " of object " + object + " is not there");
        }
        return record;
    }

    // Ends.

    /**
     * Reads what adding so many bytes of elements at an end needs. May miss.
     *
     * @param spilledPages that will be taken
     * @param otherPages that will be taken, too
     */
    void probe(boolean first, long bytes, long spilledPages, int otherPages) {
        long page = ListLayout.page(root, first);
        long pages = spilledPages + otherPages;
        int length = page == 0 ? TreeLayout.ENTRIES : Record.valueLength(read(page));
        endBytes = page == 0 ? 0 : length;
        if (page == 0) {
            pages++;
        }
        if (length + bytes > TreeLayout.PAGE_BYTES_MAX) {
            openTree();
            tree.loadEnd(first);
            // Each leaf is at least half full.
            long leaves = 1 + 2 * bytes / TreeLayout.PAGE_BYTES_MAX;
            pages += leaves * (1 + tree.pagesOfInsert() + 1);
        }
        if (pages > 0) {
            CollectionRoot.probe(shard, root, pages);
        }
    }

    private void openTree() {
        tree.open(shard, root, ListLayout.TREE);
    }

    /** The elements of a packed list, as the only ones. */
    void putPacked(long elements, int bytes) {
        int count = Element.count(elements, elements + bytes);
        long page = CollectionRoot.takePage(root);
        Memory.copy(elements, newLeaf(page, bytes), bytes);
        ListLayout.putLeaf(root, false, page, count);
        endBytes = -1;
        ListLayout.add(root, count, Listpack.entriesBytes(elements, elements + bytes));
    }

    /** @return where so many bytes of elements are written at once */
    private long newLeaf(long page, int bytes) {
        long value = shard.upsertPage(object, page, TreeLayout.ENTRIES + bytes);
        SplicedLayout.putVersion(value, 0);
        return value + TreeLayout.ENTRIES;
    }

    /** Adds strings at an end, each beyond the one before. */
    void push(boolean first, Arguments arguments, int from, int to) {
        int next = from;
        while (next < to) {
            int length = arguments.argLength(next);
            if (length > Spill.SPILL_BYTES) {
                long page = Spill.write(shard, root, arguments.arg(next), length);
                long at = room(first, Element.SPILLED_BYTES, 1);
                Element.putSpilled(at, length, page);
                ListLayout.add(root, 1, Listpack.entryBytes(at));
                next++;
                continue;
            }
            int left = left(first);
            int bytes = 0;
            int end = next;
            while (end < to && arguments.argLength(end) <= Spill.SPILL_BYTES) {
                int more = Element.codedBytes(arguments.arg(end), arguments.argLength(end));
                if (bytes > 0 && bytes + more > left) {
                    break;
                }
                bytes += more;
                end++;
            }
            long begin = room(first, bytes, end - next);
            long at = begin;
            if (first) {
                for (int i = end - 1; i >= next; i--) {
                    at += Element.put(at, arguments.arg(i), arguments.argLength(i));
                }
            } else {
                for (int i = next; i < end; i++) {
                    at += Element.put(at, arguments.arg(i), arguments.argLength(i));
                }
            }
            ListLayout.add(root, end - next, Listpack.entriesBytes(begin, at));
            next = end;
        }
    }

    /** Adds an element at an end. */
    void push(boolean first, long element, int bytes) {
        ListLayout.add(root, 1, Listpack.entryBytes(element));
        Memory.copy(element, room(first, bytes, 1), bytes);
    }

    /** Bytes of elements that the leaf at an end has room for; a full one counts as the next. */
    private int left(boolean first) {
        int left = TreeLayout.PAGE_BYTES_MAX - bytesAt(first);
        return left > 0 && left < TreeLayout.PAGE_BYTES_MAX
                ? left
                : TreeLayout.PAGE_BYTES_MAX - TreeLayout.ENTRIES;
    }

    /** Length of the page at the end that is pushed to, 0: there is none. */
    private int bytesAt(boolean first) {
        if (endBytes < 0) {
            long page = ListLayout.page(root, first);
            endBytes = page == 0 ? 0 : Record.valueLength(read(page));
        }
        return endBytes;
    }

    /** Room for elements at an end; the leaf there goes into the tree where it has none. @return where they are written at once */
    private long room(boolean first, int bytes, int count) {
        long page = ListLayout.page(root, first);
        int before = ListLayout.count(root, first);
        int length = bytesAt(first);
        if (length + bytes > TreeLayout.PAGE_BYTES_MAX) {
            putIntoTree(first);
            page = 0;
            before = 0;
        }
        if (page == 0) {
            page = CollectionRoot.takePage(root);
            ListLayout.putLeaf(root, first, page, count);
            endBytes = TreeLayout.ENTRIES + bytes;
            return newLeaf(page, bytes);
        }
        endBytes = length + bytes;
        ListLayout.putLeaf(root, first, page, before + count);
        int at = first ? TreeLayout.ENTRIES : length;
        return shard.growPage(object, page, at, bytes, fullBytes(endBytes, before + count)) + at;
    }

    /** What a leaf of this length will have when no more elements as long as those of it fit: it does not get room for a part of one. */
    private static int fullBytes(int length, int count) {
        int elementBytes = (length - TreeLayout.ENTRIES) / count;
        return length + (TreeLayout.PAGE_BYTES_MAX - length) / elementBytes * elementBytes;
    }

    /** There is a leaf at this end. */
    private void putIntoTree(boolean first) {
        endBytes = -1;
        openTree();
        tree.loadEnd(first);
        tree.addLeaf(first, ListLayout.page(root, first), ListLayout.count(root, first));
        ListLayout.putLeaf(root, first, 0, 0);
    }

    /**
     * Removes so many elements at an end, fewer than there are. They were read.
     *
     * @param spilled whether the pages of spilled ones go, too
     */
    void removeEnd(boolean first, long count, boolean spilled) {
        long rest = count;
        while (rest > 0) {
            if (ListLayout.page(root, first) == 0) {
                takeLeaf(first);
            }
            long page = ListLayout.page(root, first);
            int there = ListLayout.count(root, first);
            int now = (int) Math.min(rest, there);
            long record = read(page);
            long begin = Record.value(record) + TreeLayout.ENTRIES;
            long end = Record.value(record) + Record.valueLength(record);
            long from = begin;
            for (int i = first ? 0 : there - now; i > 0; i--) {
                from += Element.bytes(from);
            }
            long to = end;
            if (first) {
                to = begin;
                for (int i = 0; i < now; i++) {
                    to += Element.bytes(to);
                }
            }
            forget(from, to, now, spilled);
            if (now == there) {
                deleteLeaf(first);
            } else {
                ListLayout.putLeaf(root, first, page, there - now);
                int at = (int) (from - begin) + TreeLayout.ENTRIES;
                shard.splicePage(object, page, at, (int) (to - from), 0);
            }
            rest -= now;
        }
    }

    /**
     * As {@link #removeEnd} of elements that a walk in the end's leaf went over.
     *
     * @param value of the leaf's page, as it was read; {@code valueEnd}: behind it
     * @param inmost the last of them
     * @return false, with nothing changed: they are the whole leaf
     */
    boolean removeInLeaf(boolean first, long count, long value, long valueEnd, long inmost) {
        int there = ListLayout.count(root, first);
        if (count >= there) {
            return false;
        }
        long page = ListLayout.page(root, first);
        long from = first ? value + TreeLayout.ENTRIES : inmost;
        long to = first ? inmost + Element.bytes(inmost) : valueEnd;
        forget(from, to, (int) count, true);
        ListLayout.putLeaf(root, first, page, there - (int) count);
        shard.splicePage(object, page, (int) (from - value), (int) (to - from), 0);
        return true;
    }

    /** These elements go. */
    private void forget(long from, long to, int count, boolean spilled) {
        endBytes = -1;
        ListLayout.add(root, -count, -Listpack.entriesBytes(from, to));
        if (spilled) {
            for (long at = from; at < to; at += Element.bytes(at)) {
                if (Element.isSpilled(at)) {
                    Spill.delete(shard, root, at);
                }
            }
        }
    }

    private void deleteLeaf(boolean first) {
        endBytes = -1;
        long page = ListLayout.page(root, first);
        shard.deletePage(object, page);
        CollectionRoot.givePage(root, page);
        ListLayout.putLeaf(root, first, 0, 0);
    }

    /** The end has no leaf: it gets the tree's, or where that has none the other end's. */
    private void takeLeaf(boolean first) {
        endBytes = -1;
        openTree();
        if (tree.count() > 0) {
            tree.loadEnd(first);
            long page = tree.takeLeaf();
            ListLayout.putLeaf(root, first, page, (int) tree.takenCount);
        } else {
            long page = ListLayout.page(root, !first);
            ListLayout.putLeaf(root, first, page, ListLayout.count(root, !first));
            ListLayout.putLeaf(root, !first, 0, 0);
        }
    }

    // The middle.

    /** The leaf at an end that has the element, or the place, at this index; else it is the tree's. */
    private static final int FIRST = 0;

    private static final int TREE = 1;
    private static final int LAST = 2;

    private int partOf(long index) {
        int first = ListLayout.count(root, true);
        if (index < first) {
            return FIRST;
        }
        openTree();
        return index < first + tree.count() ? TREE : LAST;
    }

    private long inPart(int part, long index) {
        if (part == FIRST) {
            return index;
        }
        long inTree = index - ListLayout.count(root, true);
        return part == TREE ? inTree : inTree - tree.count();
    }

    /** Reads what an insertion of so many bytes before this index, or instead of the element there, needs. May miss. */
    void loadChange(long index, int bytes, long spilledPages) {
        if (index == CollectionRoot.count(root)) {
            probe(false, bytes, spilledPages, 0);
            return;
        }
        int part = partOf(index);
        if (part == TREE) {
            tree.seek(inPart(part, index), 1);
            tree.loadRemove();
        } else {
            read(ListLayout.page(root, part == FIRST));
            openTree();
            tree.loadEnd(part == FIRST);
        }
        CollectionRoot.probe(shard, root, spilledPages + 2L * (tree.pagesOfInsert() + 1));
    }

    /** Puts an element before the one at this index, or at the end. */
    void insert(long index, long element, int bytes) {
        endBytes = -1;
        if (index == 0 || index == CollectionRoot.count(root)) {
            push(index == 0, element, bytes);
            return;
        }
        int part = partOf(index);
        if (part != TREE) {
            boolean first = part == FIRST;
            long page = ListLayout.page(root, first);
            long record = read(page);
            if (Record.valueLength(record) + bytes <= TreeLayout.PAGE_BYTES_MAX) {
                int at = offset(record, inPart(part, index));
                Memory.copy(element, shard.splicePage(object, page, at, 0, bytes) + at, bytes);
                ListLayout.putLeaf(root, first, page, ListLayout.count(root, first) + 1);
                ListLayout.add(root, 1, Listpack.entryBytes(element));
                return;
            }
            putIntoTree(first);
        }
        openTree();
        tree.seek(inPart(TREE, index), 0);
        tree.insert(element, bytes);
        ListLayout.add(root, 1, Listpack.entryBytes(element));
    }

    private static int offset(long record, long index) {
        long value = Record.value(record);
        long at = value + TreeLayout.ENTRIES;
        for (long i = 0; i < index; i++) {
            at += Element.bytes(at);
        }
        return (int) (at - value);
    }

    /** Puts an element instead of the one at this index, whose pages go. @return false, with nothing changed: its leaf has no room */
    boolean replace(long index, long element, int bytes) {
        int part = partOf(index);
        long page;
        int at;
        if (part == TREE) {
            tree.seek(inPart(part, index), 1);
            page = tree.page();
            at = tree.place();
        } else {
            page = ListLayout.page(root, part == FIRST);
            at = offset(read(page), inPart(part, index));
        }
        long record = read(page);
        long old = Record.value(record) + at;
        int oldBytes = Element.bytes(old);
        if (Record.valueLength(record) - oldBytes + bytes > TreeLayout.PAGE_BYTES_MAX) {
            return false;
        }
        forget(old, old + oldBytes, 1, true);
        ListLayout.add(root, 1, Listpack.entryBytes(element));
        Memory.copy(element, shard.splicePage(object, page, at, oldBytes, bytes) + at, bytes);
        return true;
    }

    /** Removes the element at this index, which was read, and its pages. */
    void remove(long index) {
        int part = partOf(index);
        if (part == TREE) {
            tree.seek(inPart(part, index), 1);
            long entry = tree.entry();
            int bytes = tree.entryBytes();
            forget(entry, entry + bytes, 1, true);
            tree.remove(1, bytes);
            return;
        }
        boolean first = part == FIRST;
        long page = ListLayout.page(root, first);
        long record = read(page);
        int at = offset(record, inPart(part, index));
        long element = Record.value(record) + at;
        int bytes = Element.bytes(element);
        forget(element, element + bytes, 1, true);
        int left = ListLayout.count(root, first) - 1;
        if (left == 0) {
            deleteLeaf(first);
        } else {
            ListLayout.putLeaf(root, first, page, left);
            shard.splicePage(object, page, at, bytes, 0);
        }
    }

    @Override
    public void close() {
        copy.close();
        tree.close();
    }
}
