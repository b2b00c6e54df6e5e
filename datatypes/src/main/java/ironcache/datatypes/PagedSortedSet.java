package ironcache.datatypes;

import ironcache.engine.KeyHash;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/**
 * A sorted set that is an object with pages: its entries are in a {@link Tree}, in their order; {@link Buckets} tell a member's score by its hash. The record's value is the root, little-endian:
 *
 * <pre>
 * 0                72        96     120
 * | CollectionRoot | Buckets | Tree |
 * </pre>
 *
 * <p>It has a position: an entry of the tree and its rank, or none. The methods named load read what the changes of the same name need, and may miss; after them changes do not miss.
 *
 * <p>One per thread. Owns the copy of the root, and scratches.
 */
final class PagedSortedSet implements AutoCloseable {
    static final int BUCKETS = CollectionRoot.BYTES;
    static final int TREE = BUCKETS + BucketsLayout.BYTES;
    static final int ROOT_BYTES = TREE + TreeLayout.ROOT_BYTES;

    private static final int ENTRY_BYTES_MAX = SortedSetEntries.bytes(Spill.SPILL_BYTES);

    /** Entries of a packed value, which become pages. */
    private static final int SCORES_BYTES =
            SortedSets.PACKED_BYTES_MAX / SortedSetEntries.BYTES_MIN * ScoreEntry.BYTES;

    private final RootCopy copy = new RootCopy();
    private final Buckets buckets = new Buckets(Buckets.Entries.SCORES);
    private final Tree tree = new Tree();

    /** Where the entry of the last {@link #loadPut} goes. */
    private final Tree target = new Tree();

    private final TreeKey treeKey = new TreeKey();
    private final SortedSetScan scan = new SortedSetScan(this);
    private final Gathered gathered = new Gathered();
    private final long entryScratch = Memory.allocate(ENTRY_BYTES_MAX, MemoryTag.OTHER);
    private final long scores = Memory.allocateUnset(SCORES_BYTES, MemoryTag.OTHER);

    // Of the set that is open.
    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    private int db;

    /** Memory address of the root: in the record or, once something was changed, in the copy. */
    private long root;

    private long object;

    /** The object is not the key's value yet. */
    private boolean fresh;

    private boolean changed;

    /** Page numbers that the insertions which were loaded may take; and how many those are. */
    private long pagesToTake;

    private int puts;
    private boolean probes;
    private final UntidyLeaves untidy = new UntidyLeaves();

    // Of the last find: whom it was for, 0 where the position is another's or something was changed
    // since; and the bucket's page, and the entry in it, that told the score.
    private long sought;
    private int soughtLength;
    private long soughtHash;
    private long foundPage;
    private long foundEntry;

    /** Whether {@link #target} is where an entry of the member that was sought belongs, with this score. */
    private boolean hasTarget;

    private double targetScore;

    // The position.
    private long at;
    private long rank;

    /** @param newRoot of the record */
    void open(Shard newShard, int newDb, long newRoot) {
        shard = newShard;
        db = newDb;
        root = newRoot;
        object = CollectionRoot.object(newRoot);
        fresh = false;
        changed = false;
        pagesToTake = 0;
        puts = 0;
        probes = false;
        untidy.clear();
        leave();
        buckets.reset();
        tree.open(shard, root, TREE);
        target.open(shard, root, TREE);
    }

    /** The position is lost, and what was found with it. */
    void leave() {
        at = 0;
        sought = 0;
        hasTarget = false;
    }

    /**
     * Makes an object of entries that are in order.
     *
     * @param oddPages how many page numbers the command will take, at most
     */
    void create(Shard newShard, int newDb, long from, long end, long oddPages) {
        shard = newShard;
        db = newDb;
        // Pages of entries, of which each is longer than its score with the hash.
        object = copy.create(shard, db, ROOT_BYTES, oddPages, oddPages);
        root = copy.address();
        fresh = true;
        changed = true;
        // All of it is in RAM.
        puts = 0;
        untidy.clear();
        leave();
        TreeLayout.putRoot(root + TREE, true);
        tree.open(shard, root, TREE);
        long salt = shard.salt(object);
        long count = 0;
        long to = scores;
        for (long entry = from; entry < end; entry = SortedSetEntries.next(entry)) {
            long element = SortedSetEntries.member(entry);
            long text = Element.text(element);
            int length = Element.length(element);
            double score = SortedSetEntries.score(entry);
            ScoreEntry.put(to, KeyHash.of(salt, text, length), score);
            to += ScoreEntry.BYTES;
            insert(text, length, score);
            count++;
        }
        CollectionRoot.putCount(root, count);
        Buckets.begin(shard, root, root + BUCKETS, scores, to);
        buckets.settle(shard, root, root + BUCKETS);
    }

    private static long hash(long root, long text, int length) {
        return KeyHash.of(BucketsLayout.salt(root + BUCKETS), text, length);
    }

    /** Of an element of this set. */
    private long hash(long element) {
        return hash(root, text(element), (int) Element.textLength(element));
    }

    /** Of the bucket that has entries of this hash. */
    long bucketPage(long memberHash) {
        return bucketPage(root, memberHash);
    }

    /** Of the lowest 32 bits, which is all that the bucket's entries have. */
    private static long bucketPage(long root, long memberHash) {
        return Buckets.pageOf(root + BUCKETS, ScoreEntry.held(memberHash));
    }

    /** The page of the bucket in which a member is, if it is one. */
    static long memberPage(long root, long text, int length) {
        return bucketPage(root, hash(root, text, length));
    }

    long object() {
        return object;
    }

    long count() {
        return CollectionRoot.count(root);
    }

    // Reading. All of it may miss.

    /** Asks for the page that tells a member's score, without waiting. @return whether it has to be read */
    boolean prefetch(long member, int memberLength) {
        return prefetchBucket(hash(root, member, memberLength));
    }

    private boolean prefetchBucket(long memberHash) {
        long page = bucketPage(memberHash);
        boolean cold = shard.isPageCold(object, page);
        if (cold) {
            shard.prefetchPage(object, page);
        }
        return cold;
    }

    /** Asks for the leaf where a member with this score belongs, without waiting. Before the command's first {@link #loadPut}. */
    void prefetchPlace(long member, int memberLength, double score) {
        target.prefetch(treeKey.set(score, member, memberLength));
    }

    /** Moves to a member. @return its entry; 0: there is none */
    long find(long member, int memberLength) {
        long memberHash = hash(root, member, memberLength);
        if (sought == member && soughtLength == memberLength && soughtHash == memberHash) {
            return at;
        }
        leave();
        foundPage = count() == 0 ? 0 : shard.readPage(object, bucketPage(memberHash));
        if (foundPage != 0) {
            long end = Buckets.end(foundPage);
            long entry = ScoreEntry.find(Buckets.first(foundPage), end, memberHash);
            while (entry != 0 && !findAt(member, memberLength, ScoreEntry.score(entry))) {
                entry = ScoreEntry.find(entry + ScoreEntry.BYTES, end, memberHash);
            }
            foundEntry = entry;
        }
        sought = member;
        soughtLength = memberLength;
        soughtHash = memberHash;
        return at;
    }

    private boolean findAt(long member, int memberLength, double score) {
        treeKey.set(score, member, memberLength);
        rank = tree.seek(treeKey, 1);
        boolean there =
                tree.entry() < tree.leafEnd() && treeKey.compare(shard, object, tree.entry()) == 0;
        at = there ? tree.entry() : 0;
        return there;
    }

    /**
     * Moves to the entry before which there are so many.
     *
     * @param wanted entries that will be walked from there, negative: backwards
     * @return it; 0: there is none
     */
    long seekRank(long newRank, long wanted) {
        leave();
        if (newRank >= 0 && newRank < count()) {
            rank = newRank;
            tree.seek(newRank, wanted);
            boolean there = tree.settle();
            assert there;
            at = tree.entry();
        }
        return at;
    }

    /** Moves to the first entry of a range. @return it; 0: there is none */
    long seekFirst(SortedSetRange range) {
        leave();
        if (!range.isEmpty() && count() > 0) {
            rank = tree.seek(range.begin(), 1);
            if (tree.settle() && range.isWithinMax(shard, object, tree.entry())) {
                at = tree.entry();
            }
        }
        return at;
    }

    /** Moves to the last entry of a range. @return it; 0: there is none */
    long seekLast(SortedSetRange range) {
        leave();
        if (!range.isEmpty() && count() > 0) {
            rank = tree.seek(range.end(), -1) - 1;
            if (tree.previous() && range.reaches(shard, object, tree.entry())) {
                at = tree.entry();
            }
        }
        return at;
    }

    long next() {
        sought = 0;
        tree.next();
        rank++;
        at = tree.settle() ? tree.entry() : 0;
        return at;
    }

    long previous() {
        sought = 0;
        rank--;
        at = tree.previous() ? tree.entry() : 0;
        return at;
    }

    long skip(long count, boolean backwards) {
        if (count == 0) {
            return at;
        }
        if (count >= count()) {
            leave();
            return 0;
        }
        return seekRank(backwards ? rank - count : rank + count, backwards ? -1 : 1);
    }

    /** The position's; 0: there is none. */
    long entry() {
        return at;
    }

    long rank() {
        return rank;
    }

    /** Entries of a range from the position on, {@code most} at most. The position stays, ready to go there. */
    long countOn(SortedSetRange range, long most, boolean backwards) {
        long from = rank;
        long all =
                backwards
                        ? from + 1 - tree.seek(range.begin(), 0)
                        : tree.seek(range.end(), 0) - from;
        long count = Math.clamp(all, 0, most);
        seekRank(from, backwards ? -count : count);
        return count;
    }

    /** Reads the leaves of so many entries from a rank on, for a command that needs them all at once. */
    void load(long from, long entries) {
        tree.load(from, entries);
        leave();
    }

    /** Moves to the first entry that has this score or a higher one, or to none. */
    void seekScore(double score) {
        leave();
        rank = tree.seek(treeKey.set(score, entryScratch, 0), 1);
        at = tree.settle() ? tree.entry() : 0;
    }

    /** Entries that have this score. The position is lost. */
    long countOf(double score) {
        leave();
        double above = Math.nextUp(score);
        return (above == score ? count() : countBelow(above)) - countBelow(score);
    }

    private long countBelow(double score) {
        return tree.seek(treeKey.set(score, entryScratch, 0), 0);
    }

    /** Reads the leaves of all entries that have this score. The position is lost. */
    void loadScore(double score) {
        load(countBelow(score), countOf(score));
    }

    /** Of the position's member. */
    long hashAt() {
        return hash(SortedSetEntries.member(at));
    }

    SortedSetScan scan() {
        return scan;
    }

    /** Number of the bucket that a scan's cursor is at. */
    long bucketNumber(long cursor) {
        return Buckets.bucketAt(root + BUCKETS, cursor);
    }

    /** Its record; 0: it has no entries. */
    long bucketAt(long cursor) {
        return shard.readPage(object, Buckets.page(bucketNumber(cursor)));
    }

    /** The cursor behind it; 0: it was the last. */
    long nextCursor(long cursor) {
        return Buckets.nextCursor(root + BUCKETS, cursor);
    }

    /** Of an element of this set: its bytes in one stretch. They are valid until the next call. */
    long text(long element) {
        return Element.isSpilled(element)
                ? gathered.gather(shard, object, element)
                : Element.text(element);
    }

    // Changes.

    /** For {@link #add} or {@link #update} of this member; {@link #loaded} follows. */
    void loadPut(long member, int memberLength, double score) {
        boolean there = find(member, memberLength) != 0;
        if (there) {
            tree.loadTake();
        } else {
            buckets.expect(ScoreEntry.BYTES);
        }
        buckets.load(shard, object, root + BUCKETS);
        target.seek(treeKey.set(score, member, memberLength), 0);
        SortedSetEntries.putScore(entryScratch, score);
        long element = SortedSetEntries.member(entryScratch);
        if (memberLength > Spill.SPILL_BYTES) {
            Element.putSpilled(element, memberLength, 0);
        } else {
            Element.putString(element, member, memberLength);
        }
        int bytes = (int) (SortedSetEntries.next(entryScratch) - entryScratch);
        target.loadInsert(entryScratch, bytes);
        hasTarget = true;
        targetScore = score;
        puts++;
        pagesToTake += target.pagesOfInsert() + 2 * Spill.pagesOf(memberLength);
        probes = puts > 1 || there && !tree.canMove(target, bytes);
    }

    /** All changes are loaded. */
    void loaded() {
        // What a single insertion takes was probed with it.
        if (probes) {
            CollectionRoot.probe(shard, root, pagesToTake);
        }
    }

    /** From now on changes go to the copy of the root. */
    private void change() {
        if (root != copy.address()) {
            copy.open(root, ROOT_BYTES);
            root = copy.address();
            tree.open(shard, root, TREE);
            target.open(shard, root, TREE);
        }
        changed = true;
    }

    private void addCount(long difference) {
        CollectionRoot.putCount(root, count() + difference);
    }

    /** Adds a member that is not there. */
    void add(long member, int memberLength, double score) {
        boolean isSought = find(member, memberLength) == 0;
        assert isSought;
        change();
        insert(member, memberLength, score);
        long to =
                Buckets.add(
                        shard,
                        root,
                        root + BUCKETS,
                        ScoreEntry.held(soughtHash),
                        foundPage,
                        ScoreEntry.BYTES);
        ScoreEntry.put(to, soughtHash, score);
        addCount(1);
        buckets.settle(shard, root, root + BUCKETS);
        leave();
    }

    private void insert(long member, int memberLength, double score) {
        long element = SortedSetEntries.member(entryScratch);
        SortedSetEntries.putScore(entryScratch, score);
        if (memberLength > Spill.SPILL_BYTES) {
            Element.putSpilled(
                    element, memberLength, Spill.write(shard, root, member, memberLength));
        } else {
            Element.putString(element, member, memberLength);
        }
        insertEntry(member, memberLength, score);
    }

    /** The one in the scratch. */
    private void insertEntry(long member, int memberLength, double score) {
        int bytes = (int) (SortedSetEntries.next(entryScratch) - entryScratch);
        if (isTarget(score)) {
            target.insert(entryScratch, bytes);
        } else {
            tree.seek(treeKey.set(score, member, memberLength), 0);
            tree.insert(entryScratch, bytes);
        }
        hasTarget = false;
    }

    private boolean isTarget(double score) {
        return hasTarget && score == targetScore;
    }

    /** Gives the member of the position, which is this, another score. */
    void update(long member, int memberLength, double score) {
        boolean isSought = find(member, memberLength) != 0;
        assert isSought;
        change();
        int bytes = tree.entryBytes();
        Memory.copy(at, entryScratch, bytes);
        SortedSetEntries.putScore(entryScratch, score);
        if (isTarget(score) && tree.canMove(target, bytes)) {
            tree.move(target, entryScratch, bytes);
        } else {
            hasTarget = false;
            take(member, memberLength, bytes);
            insertEntry(member, memberLength, score);
        }
        long to =
                Buckets.replace(
                        shard,
                        root,
                        root + BUCKETS,
                        ScoreEntry.held(soughtHash),
                        foundPage,
                        foundEntry,
                        ScoreEntry.BYTES,
                        ScoreEntry.BYTES);
        ScoreEntry.put(to, soughtHash, score);
        leave();
    }

    /** Removes the position's entry from the tree. Where the command puts others, what they need of the tree stays until it {@link #save saves}. */
    private void take(long member, int memberLength, int bytes) {
        if (puts < 2) {
            tree.remove(1, bytes);
            return;
        }
        double score = SortedSetEntries.score(at);
        long leaf = tree.page();
        if (tree.take(bytes)) {
            untidy.add(leaf, score, member, memberLength);
        }
    }

    private void tidy() {
        for (int i = 0; i < untidy.size(); i++) {
            // Another one may have taken it in.
            if (shard.readPage(object, untidy.page(i)) != 0) {
                tree.tidy(untidy.key(i, treeKey));
            }
        }
        untidy.clear();
    }

    /** Of two members with one hash and one score it does not matter which. */
    private static long findScore(long page, long memberHash, double score) {
        long end = Buckets.end(page);
        long entry = ScoreEntry.find(Buckets.first(page), end, memberHash);
        while (entry != 0 && ScoreEntry.score(entry) != score) {
            entry = ScoreEntry.find(entry + ScoreEntry.BYTES, end, memberHash);
        }
        if (entry == 0) {
            throw new IllegalStateException("a member of a sorted set has no score");
        }
        return entry;
    }

    /** For {@link #remove} of so many entries from the position on, which stays. */
    void loadRemove(long count) {
        if (count == count()) {
            return;
        }
        long from = rank;
        tree.load(from, count);
        seekRank(from, count);
        for (long left = count; left > 0; ) {
            tree.loadRemove();
            long begin = tree.entry();
            long end = tree.leafEnd();
            long taken = 0;
            for (long entry = begin; entry < end && taken < left; taken++) {
                long element = SortedSetEntries.member(entry);
                if (Element.isSpilled(element)) {
                    Spill.load(shard, object, element);
                }
                prefetchBucket(hash(element));
                entry = SortedSetEntries.next(entry);
            }
            for (long i = 0; i < taken; i++) {
                long memberHash = hash(SortedSetEntries.member(tree.entry()));
                shard.readPage(object, bucketPage(memberHash));
                tree.next();
            }
            left -= taken;
            boolean there = tree.settle();
            assert there || left == 0;
        }
        seekRank(from, 1);
    }

    /** Removes so many entries from the position on, which are there. */
    void remove(long count) {
        change();
        if (count == count()) {
            // The key goes, and all pages with it.
            addCount(-count);
            leave();
            return;
        }
        for (long left = count; left > 0; ) {
            tree.seek(rank, 0);
            boolean there = tree.settle();
            assert there;
            long begin = tree.entry();
            long end = tree.leafEnd();
            long entry = begin;
            long taken = 0;
            for (; entry < end && taken < left; taken++) {
                forget(entry);
                entry = SortedSetEntries.next(entry);
            }
            tree.remove(taken, (int) (entry - begin));
            addCount(-taken);
            left -= taken;
            buckets.settle(shard, root, root + BUCKETS);
        }
        leave();
    }

    /** What there is of an entry besides its place in the tree. */
    private void forget(long entry) {
        long element = SortedSetEntries.member(entry);
        long memberHash = hash(element);
        long page = shard.readPage(object, bucketPage(memberHash));
        long score = findScore(page, memberHash, SortedSetEntries.score(entry));
        Buckets.remove(
                shard,
                root,
                root + BUCKETS,
                ScoreEntry.held(memberHash),
                page,
                score,
                ScoreEntry.BYTES);
        if (Element.isSpilled(element)) {
            Spill.delete(shard, root, element);
        }
    }

    boolean isChanged() {
        return changed;
    }

    /** What was changed is the key's value now; there are entries. */
    void save(long key, int keyLength, long hash, int kind, long expiryMillis) {
        change();
        tidy();
        if (fresh) {
            copy.putNew(shard, db, key, keyLength, hash, kind, ROOT_BYTES, expiryMillis);
        } else {
            copy.save(shard, db, key, keyLength, hash, kind, ROOT_BYTES);
        }
    }

    @Override
    public void close() {
        copy.close();
        buckets.close();
        tree.close();
        target.close();
        gathered.close();
        Memory.free(entryScratch, ENTRY_BYTES_MAX, MemoryTag.OTHER);
        Memory.free(scores, SCORES_BYTES, MemoryTag.OTHER);
    }
}
