package ironcache.datatypes;

import ironcache.engine.ColdMiss;
import ironcache.engine.RootLayout;
import ironcache.engine.Shard;
import ironcache.engine.SplicedLayout;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;

/**
 * The set that a command works on. {@link #open}, then reads ({@link #load} and {@link #contains}, which may miss), then changes ({@link #add}, or {@link #remove}), then {@link #finish}. Where the elements are:
 *
 * <pre>
 * NEW     the key does not exist yet: gathered, until finish
 * PACKED  in the key's record ({@link SetPages}); those that are added are gathered, until finish
 * PAGED   in {@link Buckets}
 * </pre>
 *
 * <p>Whatever only reads a set does it by its record: {@link SetWalk}, {@link SetAlgebra}, {@link SetSample}.
 *
 * <p>One per thread, which is in the key's shard; allocates nothing. Owns the memory in which it gathers.
 */
public final class Sets implements AutoCloseable {
    private static final int PART = SetPages.PART;
    private static final int ROOT_BYTES = SetPages.ROOT_BYTES;

    private enum State {
        NEW,
        PACKED,
        PAGED
    }

    private final Buckets buckets = new Buckets(Buckets.Entries.MEMBERS);
    private final RootCopy root = new RootCopy();
    private final ElementBuffer added = new ElementBuffer();

    // Set by open, before anything else.
    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    @SuppressWarnings("NullAway.Init")
    private SetLimits limits;

    private int db;
    private long key;
    private int keyLength;
    private long hash;
    private State state = State.NEW;
    private int form;
    private int formBefore;
    private long expiryMillis;

    /** PACKED: where the elements are. */
    private long from;

    private long end;

    /** NEW and PACKED: elements, those gathered among them; -1: not counted yet. */
    private long count;

    /** PAGED: the object is not the key's value yet. */
    private boolean fresh;

    /** PAGED: memory address of the root, in the record or, once something was changed, in the copy. */
    private long rootAddress;

    private boolean changed;

    // PAGED: of the last lookup; sought is 0 where something was changed since.
    private long sought;
    private int soughtLength;
    private long found;
    private long foundHash;
    private long foundPage;

    /** PAGED: page numbers that the members to be added may take. */
    private long pagesToTake;

    public static boolean isSet(long record) {
        return Record.type(record) == Record.TYPE_SET;
    }

    /** Elements of the set in a record. */
    public static long count(long record) {
        return SetPages.count(record);
    }

    /**
     * Begins.
     *
     * @param record of the key, read in this command; 0 where it does not exist
     */
    public void open(
            Shard shard,
            int db,
            long key,
            int keyLength,
            long hash,
            long record,
            SetLimits limits) {
        this.shard = shard;
        this.db = db;
        this.key = key;
        this.keyLength = keyLength;
        this.hash = hash;
        this.limits = limits;
        changed = false;
        fresh = false;
        count = -1;
        pagesToTake = 0;
        sought = 0;
        buckets.reset();
        added.clear();
        if (record == 0) {
            openNew(Record.FORM_INTSET);
            return;
        }
        form = Record.form(Record.kind(record));
        formBefore = form;
        expiryMillis = Record.expiry(record);
        if (Record.isPaged(record)) {
            state = State.PAGED;
            rootAddress = Record.value(record);
        } else {
            state = State.PACKED;
            from = Buckets.first(record);
            end = Buckets.end(record);
        }
    }

    private void openNew(int firstForm) {
        state = State.NEW;
        form = firstForm;
        formBefore = firstForm;
        expiryMillis = 0;
        from = 0;
        end = 0;
        count = 0;
    }

    // Reading.

    /** Asks for what {@link #contains} of this member needs, without waiting. */
    public void prefetch(long text, int length) {
        if (state == State.PAGED) {
            shard.prefetchPage(CollectionRoot.object(rootAddress), pageOf(hashOf(text, length)));
        }
    }

    /** Before the first of several changes: reads what the change of this member needs. May miss. */
    public void load(long text, int length) {
        if (state == State.PAGED) {
            locate(text, length);
            loadRoom(length);
        }
    }

    /** Before the first change: reads what the addition of a member of this length needs, beside what tells whether it is there. May miss. */
    public void loadRoom(int length) {
        if (state == State.PAGED) {
            buckets.expect(Spill.entryBytesMax(length));
            buckets.load(shard, CollectionRoot.object(rootAddress), rootAddress + PART);
            if (length > Spill.SPILL_BYTES) {
                pagesToTake += Spill.pagesOf(length);
                CollectionRoot.probe(shard, rootAddress, pagesToTake);
            }
        }
    }

    /** PAGED: where a member is; 0: nowhere. May miss. */
    private long locate(long text, int length) {
        long memberHash = hashOf(text, length);
        if (text != sought || length != soughtLength || memberHash != foundHash) {
            sought = 0;
            read(memberHash);
            found =
                    foundPage == 0
                            ? 0
                            : SetPages.find(shard, rootAddress, foundPage, foundHash, text, length);
            sought = text;
            soughtLength = length;
        }
        return found;
    }

    /** The page of a hash. */
    private void read(long memberHash) {
        foundHash = memberHash;
        foundPage = shard.readPage(CollectionRoot.object(rootAddress), pageOf(memberHash));
    }

    /** May miss. Not after a change. */
    public boolean contains(long text, int length) {
        return state == State.PAGED
                ? locate(text, length) != 0
                : Element.find(from, end, text, length) != 0;
    }

    private long hashOf(long text, int length) {
        return Buckets.hash(rootAddress + PART, text, length);
    }

    private long pageOf(long memberHash) {
        return Buckets.pageOf(rootAddress + PART, memberHash);
    }

    // What OBJECT ENCODING says.

    /** Before the first {@link #add}: how many there will be, those that are there already among them, and the first of them. */
    public void expect(int members, long text, int length) {
        if (state == State.NEW) {
            form = SetForm.ofNew(isNumber(text, length), members, limits);
        } else {
            form = SetForm.beforeAdding(form, members, limits);
        }
    }

    private void grow(boolean number, long length) {
        if (form == Record.FORM_LARGE) {
            return;
        }
        long before;
        if (state == State.PAGED) {
            before = CollectionRoot.count(rootAddress);
        } else {
            if (count < 0) {
                count = Element.count(from, end);
            }
            before = count++;
        }
        form = SetForm.afterAdding(form, before, number, length, longestNumber(number), limits);
    }

    /** Of an intset's numbers, where that matters. Those in pages are taken for long. */
    private long longestNumber(boolean number) {
        if (number || form != Record.FORM_INTSET || !SetForm.asksForNumbers(limits)) {
            return 0;
        }
        return state == State.PAGED
                ? LongText.MAX_BYTES
                : Math.max(longestText(from, end), longestText(added.begin(), added.end()));
    }

    private static long longestText(long from, long end) {
        long longest = 0;
        for (long at = from; at < end; at = Element.next(at)) {
            longest = Math.max(longest, Element.textLength(at));
        }
        return longest;
    }

    // Changes.

    /** @return whether it was not there */
    public boolean add(long text, int length) {
        if (state != State.PAGED) {
            if (Element.find(from, end, text, length) != 0) {
                return false;
            }
            long element = added.room(Element.stringBytes(length));
            int bytes = Element.put(element, text, length);
            if (!added.putOnce(shard, bytes)) {
                return false;
            }
            grow(Element.isNumber(element), length);
            return true;
        }
        if (locate(text, length) != 0) {
            return false;
        }
        grow(isNumber(text, length), length);
        addPaged(text, length);
        return true;
    }

    private static boolean isNumber(long text, int length) {
        return LongText.isNumber(LongText.parse(text, length), text, length);
    }

    /** After {@link #locate}. */
    private void addPaged(long text, int length) {
        long copy = change();
        if (length > Spill.SPILL_BYTES) {
            long first = Spill.write(shard, copy, text, length);
            int bytes = Element.SPILLED_HASHED_BYTES;
            long at = Buckets.add(shard, copy, copy + PART, foundHash, foundPage, bytes);
            Element.putSpilled(at, length, first, foundHash);
        } else {
            int bytes = Element.codedBytes(text, length);
            long at = Buckets.add(shard, copy, copy + PART, foundHash, foundPage, bytes);
            Element.put(at, text, length);
        }
        added(copy);
    }

    /** PAGED: an element that is not there, and not spilled. */
    private void addElement(long element) {
        if (SetPages.isLong(element)) {
            locate(Element.text(element), Element.length(element));
            addPaged(Element.text(element), Element.length(element));
            return;
        }
        long copy = change();
        int bytes = Element.bytes(element);
        read(Buckets.hash(copy + PART, element));
        long at = Buckets.add(shard, copy, copy + PART, foundHash, foundPage, bytes);
        Memory.copy(element, at, bytes);
        added(copy);
    }

    private void added(long copy) {
        CollectionRoot.putCount(copy, CollectionRoot.count(copy) + 1);
        buckets.settle(shard, copy, copy + PART);
    }

    /** Removes a member. Nothing but removals follow. @return whether it was there */
    public boolean remove(long text, int length) {
        if (state != State.PAGED) {
            return removePacked(Element.find(from, end, text, length));
        }
        return removePaged(locate(text, length));
    }

    /** As {@link #remove}, of an element that is not in the log, and not spilled. */
    void removeElement(long element) {
        if (state != State.PAGED) {
            removePacked(Element.findEqual(from, end, element));
        } else if (SetPages.isLong(element)) {
            removePaged(locate(Element.text(element), Element.length(element)));
        } else {
            read(Buckets.hash(rootAddress + PART, element));
            removePaged(
                    Element.findEqual(Buckets.first(foundPage), Buckets.end(foundPage), element));
        }
    }

    /** @param at where it is; 0: nowhere */
    private boolean removePacked(long at) {
        if (at == 0) {
            return false;
        }
        int bytes = Element.bytes(at);
        if (bytes == end - from) {
            // Nothing is left: the key goes.
            end = from;
            changed = true;
        } else {
            splice((int) (at - from), bytes, 0);
        }
        return true;
    }

    /** @param at where {@link #locate} found it; 0: nowhere */
    private boolean removePaged(long at) {
        if (at == 0) {
            return false;
        }
        long copy = change();
        if (Element.isSpilled(at)) {
            Spill.delete(shard, copy, at);
        }
        Buckets.remove(shard, copy, copy + PART, foundHash, foundPage, at, Element.bytes(at));
        CollectionRoot.putCount(copy, CollectionRoot.count(copy) - 1);
        buckets.settle(shard, copy, copy + PART);
        return true;
    }

    /** PACKED: the set has these elements, some of its own, and no others. */
    void retain(ElementBuffer kept) {
        int bytes = (int) kept.bytes();
        Memory.copy(kept.begin(), splice(0, (int) (end - from), bytes), bytes);
    }

    boolean isPacked() {
        return state == State.PACKED;
    }

    /** What OBJECT ENCODING says from now on. */
    void setForm(int form) {
        this.form = form;
    }

    /** Of the packed value, from the first element on. @return where */
    private long splice(int offset, int removed, int inserted) {
        int bytes = (int) (end - from) - removed + inserted;
        long value =
                shard.splice(
                        db,
                        key,
                        keyLength,
                        hash,
                        kind(false),
                        SplicedLayout.BYTES + offset,
                        removed,
                        inserted);
        formBefore = form;
        from = value + SplicedLayout.BYTES;
        end = from + bytes;
        return from + offset;
    }

    private int kind(boolean paged) {
        return Record.collection(Record.TYPE_SET, paged, form);
    }

    /** From now on changes go to the copy of the root. */
    private long change() {
        if (rootAddress != root.address()) {
            root.open(rootAddress, ROOT_BYTES);
            rootAddress = root.address();
        }
        changed = true;
        sought = 0;
        return rootAddress;
    }

    /** Ends: what was changed is the key's value now. @return whether the key is gone, because nothing is left */
    public boolean finish() {
        switch (state) {
            case NEW -> {
                if (added.count() > 0) {
                    putNew(added);
                }
                return added.count() == 0;
            }
            case PACKED -> {
                if (changed) {
                    shard.delete(db, key, keyLength, hash);
                    return true;
                }
                finishPacked();
                return false;
            }
            default -> {
                return finishPaged();
            }
        }
    }

    private void finishPacked() {
        int bytes = (int) added.bytes();
        if (SplicedLayout.BYTES + end - from + bytes > SetPages.PACKED_BYTES_MAX) {
            toPages(added);
            finishPaged();
        } else if (bytes > 0 || form != formBefore) {
            Memory.copy(added.begin(), splice((int) (end - from), 0, bytes), bytes);
        }
    }

    private void putNew(ElementBuffer elements) {
        int bytes = (int) elements.bytes();
        if (SplicedLayout.BYTES + elements.bytes() > SetPages.PACKED_BYTES_MAX) {
            toPages(elements);
            finishPaged();
            return;
        }
        long value =
                shard.upsert(
                        db,
                        key,
                        keyLength,
                        hash,
                        kind(false),
                        SplicedLayout.BYTES + bytes,
                        expiryMillis);
        SplicedLayout.putVersion(value, 0);
        Memory.copy(elements.begin(), value + SplicedLayout.BYTES, bytes);
    }

    /** All elements go to pages of a new object: those in the record, and more. */
    private void toPages(ElementBuffer more) {
        long copy = root.address();
        long evenPages = buckets.bucketsFor(end - from + more.bytes());
        root.create(shard, db, ROOT_BYTES, 1, evenPages);
        rootAddress = copy;
        state = State.PAGED;
        fresh = true;
        changed = true;
        try {
            Buckets.begin(shard, copy, copy + PART, from, from);
            for (long at = from; at < end; at += Element.bytes(at)) {
                addElement(at);
            }
            for (long at = more.begin(); at < more.end(); at += Element.bytes(at)) {
                addElement(at);
            }
        } catch (ColdMiss miss) {
            // Another page has a hash like that of a new one, and has to be read. The key is as it
            // was; the command begins anew, with another object.
            shard.retire(CollectionRoot.object(copy), RootLayout.pages(copy));
            throw miss;
        }
    }

    private boolean finishPaged() {
        if (!changed && form == formBefore) {
            return false;
        }
        long copy = change();
        if (CollectionRoot.count(copy) == 0) {
            shard.delete(db, key, keyLength, hash);
            return true;
        }
        if (fresh) {
            root.putNew(shard, db, key, keyLength, hash, kind(true), ROOT_BYTES, expiryMillis);
        } else {
            root.save(shard, db, key, keyLength, hash, kind(true), ROOT_BYTES);
        }
        return false;
    }

    /** Makes elements that are not in the log, at least one, a key's value, whatever it had. Never misses. */
    void store(
            Shard toShard,
            int toDb,
            long toKey,
            int toKeyLength,
            long toHash,
            ElementBuffer elements,
            int storedForm) {
        shard = toShard;
        db = toDb;
        key = toKey;
        keyLength = toKeyLength;
        hash = toHash;
        fresh = false;
        openNew(storedForm);
        putNew(elements);
    }

    @Override
    public void close() {
        buckets.close();
        root.close();
        added.close();
    }
}
