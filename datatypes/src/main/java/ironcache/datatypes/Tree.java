package ironcache.datatypes;

import static ironcache.datatypes.TreeLayout.ENTRIES;
import static ironcache.datatypes.TreeLayout.PAGE_BYTES_MAX;

import ironcache.engine.Shard;
import ironcache.engine.SplicedLayout;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;

/**
 * A B+tree with counts, of pages of a collection's object ({@link TreeLayout}). Its entries are elements, in the order in which they were put (a list's), or scores with members, in their order
 * (a sorted set's).
 *
 * <pre>
 * tree.open(shard, root, part);                   root: of the record, to read; a RootCopy, to write
 * tree.seek(position, wanted);                    finds a place
 * long rank = tree.seek(order, wanted);           the same, by order
 * while (tree.settle() &amp;&amp; ...) { tree.entry(); tree.next(); }
 * while (tree.previous()) { tree.entry(); }
 *
 * tree.loadInsert(entry, bytes); ... tree.insert(entry, bytes);     at the place
 * tree.loadRemove(); ... tree.remove(entries, bytes);               at the place, in its leaf
 * </pre>
 *
 * <p>What may miss: finding and walking, and the calls named load. A command does those of all its changes first; after them insert and remove do not miss, nor does seeking again what was
 * found. They change pages and the root copy, which the caller saves; the place is lost. So a page joins, or is cut, only where whoever seeks comes upon no spilled string that is cold.
 *
 * <p>A leaf that overflows is split into halves; at either end of the tree the old leaf stays full, so that what is put in order fills its leaves. A page that has become small is joined
 * with a neighbour, where that one is in RAM: no command waits for it. Pages without entries go.
 *
 * <p>The path: {@code pages[0]} is the leaf, {@code pages[height - 1]} the top; {@code at[level]} is where the path's entry begins in the page, in the leaf where the place is.
 *
 * <p>One per thread and purpose. Owns a scratch for bounds.
 */
final class Tree implements AutoCloseable {
    private static final int HEIGHT_MAX = 32;

    /** A page that has less than this share of what it may is joined with its neighbour, where both together have no more than the second one. */
    private static final double SMALL_SHARE = 0.25;

    private static final double JOINED_SHARE_MAX = 0.75;

    /** Leaves that a walk asks for at once. */
    private static final int AHEAD = 64;

    /** A bound that is less than all others: a score, and an empty string. */
    private static final int EMPTY_BOUND_BYTES = TreeLayout.SCORE_BYTES + 1;

    private static final int BOUND_BYTES_MAX = TreeLayout.SCORE_BYTES + 2 + Spill.SPILL_BYTES;

    // Of the tree that is open.
    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    private long root;
    private long part;
    private long object;
    private int scoreBytes;

    /** Of a leaf: with more it is split. */
    private int leafBytesMax;

    private int height;

    // The path.
    private final long[] pages = new long[HEIGHT_MAX];
    private final int[] at = new int[HEIGHT_MAX];
    private final long[] values = new long[HEIGHT_MAX];
    private final int[] lengths = new int[HEIGHT_MAX];

    /** Leaves before or behind the place that were asked for. */
    private int asked;

    /** Entries that the walk wants from its leaf on; negative: backward. */
    private long wanted;

    /** Where the leaf's entries begin, up to the place, for going back; {@code -1}: not known. */
    private int[] begins = {};

    private int beginsCount;

    private final long bound = Memory.allocate(BOUND_BYTES_MAX, MemoryTag.OTHER);
    private int boundBytes;

    /** What {@link #takeLeaf} took. */
    long takenCount;

    /**
     * A tree of this collection.
     *
     * @param newRoot the collection's root: of the record, where the tree is only read, until the key is written; or of a {@link RootCopy}
     * @param offset of the tree's part in it
     */
    void open(Shard newShard, long newRoot, int offset) {
        shard = newShard;
        root = newRoot;
        part = newRoot + offset;
        object = CollectionRoot.object(newRoot);
        boolean isScored = TreeLayout.isScored(part);
        scoreBytes = isScored ? TreeLayout.SCORE_BYTES : 0;
        leafBytesMax = isScored ? TreeLayout.SCORED_LEAF_BYTES : PAGE_BYTES_MAX;
        height = TreeLayout.height(part);
    }

    long count() {
        return TreeLayout.treeCount(part);
    }

    /** Whose pages its are. */
    long object() {
        return object;
    }

    // Finding.

    private void read(int level, long page) {
        long record = shard.readPage(object, page);
        if (record == 0) {
            throw new IllegalStateException(
                    "page " + page + " of object " + object + " is not there");
        }
        pages[level] = page;
        values[level] = Record.value(record);
        lengths[level] = Record.valueLength(record);
        beginsCount = -1;
    }

    private int entryBytes(int level, int offset) {
        long entry = values[level] + offset;
        return level == 0
                ? TreeLayout.leafEntryBytes(entry, scoreBytes)
                : TreeLayout.innerEntryBytes(entry, scoreBytes);
    }

    private long child(int level) {
        return TreeLayout.child(values[level] + at[level]);
    }

    private boolean isLast(int level) {
        return at[level] + entryBytes(level, at[level]) == lengths[level];
    }

    /**
     * Goes to the place before the entry at a position, or behind the last one. May miss.
     *
     * @param newWanted how many entries the caller is going to walk from there; negative: backward
     */
    void seek(long position, long newWanted) {
        wanted = newWanted;
        long rest = position;
        long page = TreeLayout.top(part);
        for (int level = height - 1; level > 0; level--) {
            read(level, page);
            int offset = ENTRIES;
            int next = offset + entryBytes(level, offset);
            while (next < lengths[level]) {
                long below = TreeLayout.count(values[level] + offset);
                if (rest < below) {
                    break;
                }
                rest -= below;
                offset = next;
                next += entryBytes(level, next);
            }
            at[level] = offset;
            page = child(level);
        }
        if (height > 0) {
            askAhead();
            read(0, page);
            int offset = ENTRIES;
            for (; rest > 0; rest--) {
                offset += entryBytes(0, offset);
            }
            at[0] = offset;
        }
    }

    /** Goes to the place before the first entry that is not before what is sought; in an insertion it belongs there. May miss. @return entries before it */
    long seek(TreeOrder order, long newWanted) {
        wanted = newWanted;
        long before = seekLeaf(order);
        return height > 0 ? before + seekEntry(order) : before;
    }

    /** Goes to the leaf where what is sought belongs. @return entries of the leaves before it */
    private long seekLeaf(TreeOrder order) {
        long before = 0;
        long page = TreeLayout.top(part);
        for (int level = height - 1; level > 0; level--) {
            read(level, page);
            before += seekChild(order, level);
            page = child(level);
        }
        if (height > 0) {
            askAhead();
            read(0, page);
        }
        return before;
    }

    /** Asks, without waiting, for the leaf where what is sought belongs, or for the page on the way there that is cold. The place is lost. */
    void prefetch(TreeOrder order) {
        long page = TreeLayout.top(part);
        for (int level = height - 1; level > 0 && !shard.isPageCold(object, page); level--) {
            read(level, page);
            seekChild(order, level);
            page = child(level);
        }
        if (height > 0) {
            shard.prefetchPage(object, page);
        }
    }

    /** In a page of the path that was read: goes to the last child whose bound is not behind what is sought. @return entries below those before it */
    private long seekChild(TreeOrder order, int level) {
        double score = order.score;
        long end = values[level] + lengths[level];
        long entry = values[level] + ENTRIES;
        long before = 0;
        while (true) {
            long next = entry + TreeLayout.innerEntryBytes(entry, TreeLayout.SCORE_BYTES);
            if (next >= end) {
                break;
            }
            long sibling = next + TreeLayout.CHILD_BYTES;
            double other = TreeLayout.score(sibling);
            if (!(other < score) && (other > score || order.compare(shard, object, sibling) > 0)) {
                break;
            }
            before += TreeLayout.count(entry);
            entry = next;
        }
        at[level] = (int) (entry - values[level]);
        return before;
    }

    /** In the leaf that was read: goes to the first entry that is not before what is sought. @return entries before it */
    private long seekEntry(TreeOrder order) {
        double score = order.score;
        long end = values[0] + lengths[0];
        long entry = values[0] + ENTRIES;
        long before = 0;
        while (entry < end) {
            double other = TreeLayout.score(entry);
            if (!(other < score) && (other > score || order.compare(shard, object, entry) >= 0)) {
                break;
            }
            entry += TreeLayout.leafEntryBytes(entry, TreeLayout.SCORE_BYTES);
            before++;
        }
        at[0] = (int) (entry - values[0]);
        return before;
    }

    /**
     * Before a command walks so many entries from a position on and needs them all at once: reads their leaves, thousands before it waits. The place is lost. May miss.
     */
    void load(long position, long count) {
        if (height < 2) {
            return;
        }
        long rest = position;
        long page = TreeLayout.top(part);
        for (int level = height - 1; level > 0; level--) {
            read(level, page);
            int offset = ENTRIES;
            int next = offset + entryBytes(level, offset);
            while (next < lengths[level] && rest >= TreeLayout.count(values[level] + offset)) {
                rest -= TreeLayout.count(values[level] + offset);
                offset = next;
                next += entryBytes(level, next);
            }
            at[level] = offset;
            page = child(level);
        }
        int asked = 0;
        long left = count + rest;
        do {
            asked = ManyPages.ask(shard, object, child(1), asked);
            left -= TreeLayout.count(values[1] + at[1]);
        } while (left > 0 && toNextChild());
        ManyPages.await(shard, asked);
    }

    /** Goes to the next leaf's entry in the inner pages. May miss. @return false: there is none */
    private boolean toNextChild() {
        int level = 1;
        while (level < height && isLast(level)) {
            level++;
        }
        if (level >= height) {
            return false;
        }
        at[level] += entryBytes(level, at[level]);
        while (--level > 0) {
            read(level, child(level + 1));
            at[level] = ENTRIES;
        }
        return true;
    }

    // Walking.

    /** Has an entry at the place, that of the next leaf where this one ends. May miss. @return false: the tree ends here */
    boolean settle() {
        return height > 0 && (at[0] < lengths[0] || nextLeaf());
    }

    /** The entry behind the place, as {@link #settle} or {@link #previous} found it: score, if any, and element. */
    long entry() {
        return values[0] + at[0];
    }

    int entryBytes() {
        return entryBytes(0, at[0]);
    }

    /** The place's leaf. */
    long page() {
        return pages[0];
    }

    /** Where in the leaf's page the place is. */
    int place() {
        return at[0];
    }

    /** Goes behind the entry. */
    void next() {
        at[0] += entryBytes();
        beginsCount = -1;
    }

    /** Goes before the entry that is before the place. May miss. @return false: there is none */
    boolean previous() {
        if (height == 0 || at[0] == ENTRIES && !previousLeaf()) {
            return false;
        }
        if (beginsCount < 0) {
            beginsCount = 0;
            if (begins.length == 0) {
                begins = new int[2 * PAGE_BYTES_MAX];
            }
            for (int offset = ENTRIES; offset < at[0]; offset += entryBytes(0, offset)) {
                begins[beginsCount++] = offset;
            }
        }
        at[0] = begins[--beginsCount];
        return true;
    }

    /** The leaf of the place, from the place on: for those that go through a leaf by themselves. */
    long leafEnd() {
        return values[0] + lengths[0];
    }

    private boolean nextLeaf() {
        leave();
        if (!toNextChild()) {
            return false;
        }
        toLeaf();
        at[0] = ENTRIES;
        return true;
    }

    private boolean previousLeaf() {
        leave();
        int level = 1;
        while (level < height && at[level] == ENTRIES) {
            level++;
        }
        if (level >= height) {
            return false;
        }
        at[level] = before(level, at[level]);
        while (--level > 0) {
            read(level, child(level + 1));
            at[level] = before(level, lengths[level]);
        }
        toLeaf();
        at[0] = lengths[0];
        return true;
    }

    /** Where the entry before this place begins. */
    private int before(int level, int place) {
        int offset = ENTRIES;
        for (int next = offset + entryBytes(level, offset); next < place; ) {
            offset = next;
            next += entryBytes(level, next);
        }
        return offset;
    }

    private void toLeaf() {
        if (--asked <= AHEAD / 2) {
            askAhead();
        }
        read(0, child(1));
    }

    /** The walk is done with the leaf that it is at. */
    private void leave() {
        shard.leavePage(object, pages[0]);
        if (height > 1) {
            long count = TreeLayout.count(values[1] + at[1]);
            wanted = wanted >= 0 ? Math.max(0, wanted - count) : Math.min(-1, wanted + count);
        }
    }

    /** Asks for the leaves that the walk will come to, as far as the path's inner page tells; and for the one that it is at. */
    private void askAhead() {
        asked = 0;
        if (height < 2) {
            return;
        }
        long value = values[1];
        int offset = at[1];
        long covered = TreeLayout.count(value + offset);
        if (wanted >= 0) {
            while (covered < wanted && asked < AHEAD) {
                offset += entryBytes(1, offset);
                if (offset >= lengths[1]) {
                    break;
                }
                ask(value + offset);
                covered += TreeLayout.count(value + offset);
            }
        } else {
            while (covered < -wanted && asked < AHEAD && offset > ENTRIES) {
                offset = before(1, offset);
                ask(value + offset);
                covered += TreeLayout.count(value + offset);
            }
        }
        if (asked > 0) {
            shard.prefetchPage(object, child(1));
        }
    }

    private void ask(long entry) {
        shard.prefetchPage(object, TreeLayout.child(entry));
        asked++;
    }

    // Insertion.

    /**
     * Reads what an insertion at the place needs, and what it needs to {@link #take} the entry again, where the command puts the same one once more. May miss. Where a command inserts several, the
     * numbers of the pages that all of them take are probed by the caller: {@link #pagesOfInsert} each, and those of spilled members.
     *
     * @param entry as it will be; of a spilled member the length, without its pages
     */
    void loadInsert(long entry, int bytes) {
        long taken = 0;
        if (Element.isSpilled(entry + scoreBytes)) {
            taken = Spill.pieces(entry + scoreBytes);
        }
        // It may get a leaf of its own at the begin of this one, and with it this one's bound.
        loadRemove();
        if (height == 0 || lengths[0] + bytes > leafBytesMax) {
            taken += height + 1;
            if (scoreBytes > 0 && height > 0) {
                taken += loadBound(entry, bytes);
            }
        }
        if (taken > 0) {
            CollectionRoot.probe(shard, root, taken);
        }
    }

    /** @return page numbers that the bound may take */
    private long loadBound(long entry, int bytes) {
        int cut = cut(bytes);
        boolean right = goesRight(cut);
        long high = highOf(cut, right, entry);
        long low = lowOf(cut, right, entry);
        if (TreeLayout.score(high) != TreeLayout.score(low)) {
            return 0;
        }
        if (high != entry && Element.isSpilled(high + scoreBytes)) {
            Spill.load(shard, object, high + scoreBytes);
        }
        if (!Element.isSpilled(low + scoreBytes)) {
            return 0;
        }
        if (low != entry) {
            Spill.load(shard, object, low + scoreBytes);
        }
        return Spill.pieces(low + scoreBytes);
    }

    /** Inserts an entry at the place. Loaded before. */
    void insert(long entry, int bytes) {
        addCounts(1);
        if (height == 0) {
            long page = CollectionRoot.takePage(root);
            putPage(page, entry, bytes);
            putTop(page, 1);
        } else if (lengths[0] + bytes <= leafBytesMax) {
            Memory.copy(entry, splice(0, at[0], 0, bytes), bytes);
        } else {
            split(entry, bytes);
        }
    }

    private void putTop(long page, int newHeight) {
        TreeLayout.putTop(part, page, newHeight);
        height = newHeight;
    }

    /** A new page with these entries. */
    private void putPage(long page, long entries, int bytes) {
        long value = shard.upsertPage(object, page, ENTRIES + bytes);
        SplicedLayout.putVersion(value, 0);
        Memory.copy(entries, value + ENTRIES, bytes);
    }

    /** Replaces bytes of a page of the path. @return where those are that the caller writes at once */
    private long splice(int level, int from, int removed, int inserted) {
        long value = shard.splicePage(object, pages[level], from, removed, inserted);
        values[level] = value;
        lengths[level] += inserted - removed;
        return value + from;
    }

    private void addCounts(long difference) {
        TreeLayout.addTreeCount(part, difference);
        for (int level = 1; level < height; level++) {
            addCount(level, at[level], difference);
        }
    }

    private void addCount(int level, int offset, long difference) {
        long child = TreeLayout.child(values[level] + offset);
        long count = TreeLayout.count(values[level] + offset);
        putChild(level, offset, child, count + difference);
    }

    private void putChild(int level, int offset, long child, long count) {
        long entry = splice(level, offset, TreeLayout.CHILD_BYTES, TreeLayout.CHILD_BYTES);
        TreeLayout.putChild(entry, child, count);
    }

    /** Where the leaf, with the new entry of so many bytes at the place, is cut. The entry itself may be at the cut: {@link #goesRight}. */
    private int cut(int bytes) {
        boolean first = true;
        boolean last = true;
        for (int level = 1; level < height; level++) {
            first &= at[level] == ENTRIES;
            last &= isLast(level);
        }
        if (first && at[0] == ENTRIES || last && at[0] == lengths[0]) {
            return at[0];
        }
        int all = lengths[0] + bytes - ENTRIES;
        int left = 0;
        int offset = ENTRIES;
        int best = ENTRIES;
        int bestLarger = Integer.MAX_VALUE;
        // Cuts between old entries; the new one counts on the side that its place is on, and at its
        // place on the smaller side.
        while (offset <= lengths[0]) {
            int before = left + (offset > at[0] ? bytes : 0);
            int larger =
                    offset == at[0]
                            ? Math.min(
                                    Math.max(before + bytes, all - before - bytes),
                                    Math.max(before, all - before))
                            : Math.max(before, all - before);
            if (larger < bestLarger) {
                bestLarger = larger;
                best = offset;
            }
            if (offset == lengths[0]) {
                break;
            }
            int entry = entryBytes(0, offset);
            left += entry;
            offset += entry;
        }
        return best;
    }

    /** Whether the new entry goes to the right page: at the cut, where the left one has more. */
    private boolean goesRight(int cut) {
        return at[0] != cut
                ? at[0] > cut
                : cut == lengths[0] || cut > ENTRIES && cut - ENTRIES >= lengths[0] - cut;
    }

    private long highOf(int cut, boolean right, long entry) {
        return !right && at[0] == cut ? entry : values[0] + before(0, cut);
    }

    private long lowOf(int cut, boolean right, long entry) {
        return right && at[0] == cut ? entry : values[0] + cut;
    }

    private void split(long entry, int bytes) {
        int place = at[0];
        int cut = cut(bytes);
        boolean right = goesRight(cut);
        int entries = 0;
        for (int offset = cut; offset < lengths[0]; offset += entryBytes(0, offset)) {
            entries++;
        }
        if (scoreBytes > 0) {
            long high = highOf(cut, right, entry);
            long low = lowOf(cut, right, entry);
            if (!isBoundReady(high, low)) {
                // One of several insertions, or entries came together that did not when it was
                // loaded. The leaf is too long until the next one.
                Memory.copy(entry, splice(0, place, 0, bytes), bytes);
                return;
            }
            putBound(high, low);
        }
        long old = pages[0];
        long page = CollectionRoot.takePage(root);
        if (place == cut && (cut == ENTRIES || cut == lengths[0])) {
            // The old leaf stays as it is.
            putPage(page, entry, bytes);
            addSibling(0, right ? old : page, right ? page : old, right ? 1 : entries);
            return;
        }
        int moved = lengths[0] - cut;
        long value = shard.upsertPage(object, page, ENTRIES + moved + (right ? bytes : 0));
        SplicedLayout.putVersion(value, 0);
        long from = values[0] + cut;
        long to = value + ENTRIES;
        if (right) {
            int before = place - cut;
            Memory.copy(from, to, before);
            Memory.copy(entry, to + before, bytes);
            Memory.copy(from + before, to + before + bytes, moved - before);
        } else {
            Memory.copy(from, to, moved);
        }
        splice(0, cut, moved, 0);
        if (!right) {
            Memory.copy(entry, splice(0, place, 0, bytes), bytes);
        }
        addSibling(0, old, page, right ? entries + 1 : entries);
    }

    /**
     * The path's page of a level has become two. Its entry above counts both.
     *
     * @param rightCount entries below the right one, whose bound is at {@link #bound}
     */
    private void addSibling(int level, long left, long right, long rightCount) {
        int up = level + 1;
        if (up == height) {
            addTop(left, right, rightCount);
            return;
        }
        long leftCount = TreeLayout.count(values[up] + at[up]) - rightCount;
        putChild(up, at[up], left, leftCount);
        int offset = at[up] + entryBytes(up, at[up]);
        boolean begins = true;
        boolean ends = offset == lengths[up];
        for (int above = up; above < height; above++) {
            begins &= at[above] == ENTRIES;
            ends &= above == up || isLast(above);
        }
        long entry = splice(up, offset, 0, TreeLayout.CHILD_BYTES + boundBytes());
        TreeLayout.putChild(entry, right, rightCount);
        Memory.copy(bound, entry + TreeLayout.CHILD_BYTES, boundBytes());
        if (lengths[up] > TreeLayout.INNER_BYTES_MAX) {
            splitInner(up, begins || ends ? offset : lengths[up] / 2);
        }
    }

    private int boundBytes() {
        return scoreBytes == 0 ? 0 : boundBytes;
    }

    private void addTop(long left, long right, long rightCount) {
        long page = CollectionRoot.takePage(root);
        int first = TreeLayout.CHILD_BYTES + (scoreBytes == 0 ? 0 : EMPTY_BOUND_BYTES);
        int second = TreeLayout.CHILD_BYTES + boundBytes();
        long value = shard.upsertPage(object, page, ENTRIES + first + second);
        SplicedLayout.putVersion(value, 0);
        long entry = value + ENTRIES;
        TreeLayout.putChild(entry, left, count() - rightCount);
        putEmptyBound(entry);
        TreeLayout.putChild(entry + first, right, rightCount);
        Memory.copy(bound, entry + first + TreeLayout.CHILD_BYTES, boundBytes());
        putTop(page, height + 1);
    }

    private void putEmptyBound(long entry) {
        if (scoreBytes > 0) {
            Memory.fill(entry + TreeLayout.CHILD_BYTES, EMPTY_BOUND_BYTES, (byte) 0);
        }
    }

    /** Cuts an inner page of the path before the first entry that begins at {@code near} or behind; its bound, which is read, goes up, where more are compared with it. */
    private void splitInner(int level, int near) {
        int entries = 0;
        int cut = 0;
        long rightCount = 0;
        for (int offset = ENTRIES; offset < lengths[level]; offset += entryBytes(level, offset)) {
            if (cut == 0 && offset >= near && entries > 0 && isBoundRead(level, offset)) {
                cut = offset;
            }
            if (cut != 0) {
                rightCount += TreeLayout.count(values[level] + offset);
            }
            entries++;
        }
        if (entries < TreeLayout.INNER_ENTRIES_MIN || cut == 0) {
            return;
        }
        long from = values[level] + cut;
        int cutBytes = entryBytes(level, cut);
        boundBytes = cutBytes - TreeLayout.CHILD_BYTES;
        Memory.copy(from + TreeLayout.CHILD_BYTES, bound, boundBytes);
        int first = TreeLayout.CHILD_BYTES + (scoreBytes == 0 ? 0 : EMPTY_BOUND_BYTES);
        int rest = lengths[level] - cut - cutBytes;
        long page = CollectionRoot.takePage(root);
        long value = shard.upsertPage(object, page, ENTRIES + first + rest);
        SplicedLayout.putVersion(value, 0);
        long to = value + ENTRIES;
        TreeLayout.putChild(to, TreeLayout.child(from), TreeLayout.count(from));
        putEmptyBound(to);
        Memory.copy(from + cutBytes, to + first, rest);
        splice(level, cut, lengths[level] - cut, 0);
        addSibling(level, pages[level], page, rightCount);
    }

    // Bounds.

    private boolean isBoundReady(long high, long low) {
        return TreeLayout.score(high) != TreeLayout.score(low)
                || isRead(high + scoreBytes) && isRead(low + scoreBytes);
    }

    private boolean isRead(long element) {
        return !Element.isSpilled(element) || Spill.isRead(shard, object, element);
    }

    /** Makes a bound between two entries that follow one another, as short as can be. */
    private void putBound(long high, long low) {
        TreeLayout.putScore(bound, TreeLayout.score(low));
        long to = bound + scoreBytes;
        if (TreeLayout.score(high) != TreeLayout.score(low)) {
            boundBytes = scoreBytes + Element.putString(to, low, 0);
            return;
        }
        long element = low + scoreBytes;
        int common = commonBytes(high + scoreBytes, element);
        if (common <= Spill.SPILL_BYTES) {
            boundBytes = scoreBytes + Element.putString(to, head(element), common);
        } else {
            // Its own copy: the entry may go, and its pages with it.
            long first = Spill.copy(shard, object, element, shard, root);
            Element.putSpilled(to, Element.spilledLength(element), first);
            boundBytes = scoreBytes + Element.SPILLED_BYTES;
        }
    }

    /** Bytes of the second member's begin that tell it from the first one, which is before it; more than {@link Spill#SPILL_BYTES} where that is not enough. */
    private int commonBytes(long high, long low) {
        long left = head(high);
        long right = head(low);
        int most = Math.min(headBytes(high), headBytes(low));
        int common = 0;
        while (common < most && Memory.getByte(left + common) == Memory.getByte(right + common)) {
            common++;
        }
        return common + 1;
    }

    /** Where a member's first bytes are. */
    private long head(long element) {
        return Element.isSpilled(element)
                ? Spill.piece(shard, object, element, 0)
                : Element.text(element);
    }

    private static int headBytes(long element) {
        return (int) Math.min(Element.textLength(element), Spill.SPILL_BYTES);
    }

    private boolean isBoundRead(int level, int offset) {
        return scoreBytes == 0
                || isRead(values[level] + offset + TreeLayout.CHILD_BYTES + scoreBytes);
    }

    private boolean isBoundSpilled(long entry) {
        return scoreBytes > 0 && Element.isSpilled(entry + TreeLayout.CHILD_BYTES + scoreBytes);
    }

    // Moving.

    /** Whether {@link #move} can be done: both leaves stay as they are. */
    boolean canMove(Tree target, int bytes) {
        return pages[0] == target.pages[0]
                || lengths[0] - bytes >= smallBytes(0) && target.lengths[0] + bytes <= leafBytesMax;
    }

    /**
     * Takes the entry at the place away, and puts another one of as many bytes at the place of a second path in this tree. Both were sought, and nothing was changed since; what is common to the paths is
     * not touched.
     *
     * @param entry not in the tree
     */
    void move(Tree target, long entry, int bytes) {
        int to = target.at[0];
        splice(0, at[0], bytes, 0);
        if (pages[0] == target.pages[0]) {
            int place = to > at[0] ? to - bytes : to;
            Memory.copy(entry, splice(0, place, 0, bytes), bytes);
            return;
        }
        Memory.copy(entry, target.splice(0, to, 0, bytes), bytes);
        for (int level = 1; level < height; level++) {
            boolean isSame = pages[level] == target.pages[level];
            if (isSame && at[level] == target.at[level]) {
                return;
            }
            addCount(level, at[level], -1);
            if (isSame) {
                target.values[level] = values[level];
            }
            target.addCount(level, target.at[level], 1);
        }
    }

    // Removal.

    /**
     * Reads what a removal at the place needs, of up to the whole leaf; not the spilled strings of the entries. With them the bounds behind: where the leaf goes, who seeks what is before
     * it compares with those. May miss.
     */
    void loadRemove() {
        for (int level = 1; level < height; level++) {
            int next = at[level] + entryBytes(level, at[level]);
            loadBoundOf(level, at[level]);
            if (next < lengths[level]) {
                loadBoundOf(level, next);
            }
        }
    }

    private void loadBoundOf(int level, int offset) {
        long entry = values[level] + offset;
        if (isBoundSpilled(entry)) {
            Spill.load(shard, object, entry + TreeLayout.CHILD_BYTES + scoreBytes);
        }
    }

    /** The same for {@link #take}, and the entry behind: an insertion compares with it once this one is gone. May miss. */
    void loadTake() {
        loadRemove();
        int next = at[0] + entryBytes();
        if (next < lengths[0]) {
            long element = values[0] + next + scoreBytes;
            if (Element.isSpilled(element)
                    && TreeLayout.score(values[0] + next) == TreeLayout.score(entry())) {
                Spill.load(shard, object, element);
            }
        }
    }

    /**
     * Removes so many entries of so many bytes, from the place on, all of the place's leaf. Loaded before. Spilled strings of theirs are the caller's.
     */
    void remove(long entries, int bytes) {
        addCounts(-entries);
        if (ENTRIES + bytes == lengths[0]) {
            deleteLeaf();
        } else {
            splice(0, at[0], bytes, 0);
            joinIfSmall(0);
        }
        lowerTop();
    }

    /**
     * Removes the entry at the place, of so many bytes, where insertions follow that were loaded before: the leaf stays, for theirs may be there, until {@link #tidy}.
     *
     * @return whether the leaf is to be tidied
     */
    boolean take(int bytes) {
        addCounts(-1);
        splice(0, at[0], bytes, 0);
        return lengths[0] < smallBytes(0);
    }

    /** Deletes the leaf where this belongs if it has no entries, joins it if it is small. The leaf is in RAM. */
    void tidy(TreeOrder order) {
        wanted = 0;
        seekLeaf(order);
        if (lengths[0] == ENTRIES) {
            deleteLeaf();
        } else {
            joinIfSmall(0);
        }
        lowerTop();
    }

    private void deleteLeaf() {
        deletePage(0);
        removeChild(1);
    }

    private void deletePage(int level) {
        shard.deletePage(object, pages[level]);
        CollectionRoot.givePage(root, pages[level]);
    }

    /** The path's child of a page of this level is gone. */
    private void removeChild(int level) {
        if (level >= height) {
            putTop(0, 0);
            return;
        }
        long entry = values[level] + at[level];
        int bytes = entryBytes(level, at[level]);
        if (isBoundSpilled(entry)) {
            Spill.delete(shard, root, entry + TreeLayout.CHILD_BYTES + scoreBytes);
        }
        if (ENTRIES + bytes == lengths[level]) {
            deletePage(level);
            removeChild(level + 1);
        } else {
            splice(level, at[level], bytes, 0);
            joinIfSmall(level);
        }
    }

    private int bytesMax(int level) {
        return level == 0 ? leafBytesMax : TreeLayout.INNER_BYTES_MAX;
    }

    private double smallBytes(int level) {
        return SMALL_SHARE * bytesMax(level);
    }

    /** Where a page of the path has become small: appends it to the one before, or the one behind to it. */
    private void joinIfSmall(int level) {
        int up = level + 1;
        if (lengths[level] >= smallBytes(level) || up >= height) {
            return;
        }
        int left = at[up];
        int right = left + entryBytes(up, left);
        if (right == lengths[up]) {
            if (left == ENTRIES) {
                return;
            }
            right = left;
            left = before(up, left);
        }
        long leftPage = TreeLayout.child(values[up] + left);
        long rightEntry = values[up] + right;
        long rightPage = TreeLayout.child(rightEntry);
        int behind = right + entryBytes(up, right);
        if (shard.isPageCold(object, leftPage)
                || shard.isPageCold(object, rightPage)
                || isBoundSpilled(rightEntry)
                || behind < lengths[up] && !isBoundRead(up, behind)) {
            return;
        }
        long leftRecord = shard.readPage(object, leftPage);
        long rightRecord = shard.readPage(object, rightPage);
        if (!areRead(level, leftRecord) || !areRead(level, rightRecord)) {
            return;
        }
        int leftBytes = Record.valueLength(leftRecord);
        long from = Record.value(rightRecord) + ENTRIES;
        int bytes = Record.valueLength(rightRecord) - ENTRIES;
        int upBytes = entryBytes(up, right);
        int head = 0;
        int headBytes = 0;
        if (level > 0 && scoreBytes > 0) {
            // Its first entry is no longer the first of a page: its bound is the one above.
            if (isBoundSpilled(from)) {
                return;
            }
            head = TreeLayout.innerEntryBytes(from, scoreBytes);
            headBytes = upBytes;
        }
        int appended = bytes - head + headBytes;
        if (leftBytes + appended > JOINED_SHARE_MAX * bytesMax(level)) {
            return;
        }
        long to = shard.splicePage(object, leftPage, leftBytes, 0, appended) + leftBytes;
        if (head > 0) {
            TreeLayout.putChild(to, TreeLayout.child(from), TreeLayout.count(from));
            Memory.copy(
                    rightEntry + TreeLayout.CHILD_BYTES,
                    to + TreeLayout.CHILD_BYTES,
                    upBytes - TreeLayout.CHILD_BYTES);
        }
        Memory.copy(from + head, to + headBytes, bytes - head);
        shard.deletePage(object, rightPage);
        CollectionRoot.givePage(root, rightPage);
        addCount(up, left, TreeLayout.count(values[up] + right));
        splice(up, right, upBytes, 0);
        at[up] = left;
        joinIfSmall(up);
    }

    /** Whether comparing with any entry of a page would not miss. */
    private boolean areRead(int level, long record) {
        if (scoreBytes == 0) {
            return true;
        }
        int from = level == 0 ? scoreBytes : TreeLayout.CHILD_BYTES + scoreBytes;
        long end = Record.value(record) + Record.valueLength(record);
        for (long entry = Record.value(record) + ENTRIES; entry < end; ) {
            long element = entry + from;
            if (!isRead(element)) {
                return false;
            }
            entry = element + Element.bytes(element);
        }
        return true;
    }

    /** A top with a single child is none. */
    private void lowerTop() {
        if (height < 2) {
            return;
        }
        read(height - 1, TreeLayout.top(part));
        long entry = values[height - 1] + ENTRIES;
        if (ENTRIES + entryBytes(height - 1, ENTRIES) == lengths[height - 1]
                && !isBoundSpilled(entry)) {
            long child = TreeLayout.child(entry);
            deletePage(height - 1);
            putTop(child, height - 1);
        }
    }

    // Leaves as they are, at the ends of a tree without scores.

    /** Reads the path to the first or the last leaf, which itself is not read. May miss. */
    void loadEnd(boolean first) {
        long page = TreeLayout.top(part);
        for (int level = height - 1; level > 0; level--) {
            read(level, page);
            at[level] = first ? ENTRIES : lengths[level] - TreeLayout.CHILD_BYTES;
            page = child(level);
        }
        pages[0] = page;
    }

    /** The page of the leaf that {@link #loadEnd} went to; the tree is not empty. */
    long endPage() {
        return pages[0];
    }

    /** Makes a page of so many elements the first or the last leaf. After {@link #loadEnd}; as many page numbers as levels and one more were probed. */
    void addLeaf(boolean first, long page, long count) {
        if (height == 0) {
            TreeLayout.addTreeCount(part, count);
            putTop(page, 1);
            return;
        }
        long old = pages[0];
        long oldCount = height == 1 ? count() : TreeLayout.count(values[1] + at[1]);
        addCounts(count);
        if (first) {
            addSibling(0, page, old, oldCount);
        } else {
            addSibling(0, old, page, count);
        }
    }

    /** Page numbers that {@link #addLeaf} may take. */
    int pagesOfInsert() {
        return height + 1;
    }

    /** Takes the first or last leaf out; its page stays. After {@link #loadEnd}; the tree is not empty. @return its page; {@link #takenCount} is the number of its elements */
    long takeLeaf() {
        long page = pages[0];
        takenCount = height == 1 ? count() : TreeLayout.count(values[1] + at[1]);
        addCounts(-takenCount);
        removeChild(1);
        lowerTop();
        return page;
    }

    @Override
    public void close() {
        Memory.free(bound, BOUND_BYTES_MAX, MemoryTag.OTHER);
    }
}
