package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.engine.SplicedLayout;
import ironcache.engine.TimedLayout;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;

/**
 * The hash that a command works on. {@link #open}, then reads ({@link #load} and {@link #find}, which may miss), then changes ({@link #put}, {@link #remove}), then {@link #finish}.
 *
 * <p>An entry is a field, a time if the field expires, and a value, each an {@link Element}. Where they are:
 *
 * <pre>
 * NEW     the key does not exist yet: in the scratch, until finish
 * PACKED  in the key's record, behind its version ({@link SplicedLayout}) or, where some field has a time, {@link TimedLayout}
 * PAGED   in {@link Buckets}; the record's value is a root: {@link CollectionRoot}, {@link BucketsLayout}, {@link FieldTimesLayout}
 * </pre>
 *
 * <p>A field whose time is over is not found, but it counts until it is overwritten or purged. So that it is, a hash of which some field has a time is of {@link Record#FORM_TIMED}, and knows
 * a bound of its fields' times, of which the shard is told whenever it falls ({@link Shard#fieldsExpireAt}); when that is over {@link #purge} looks at the hash, or the bucket.
 *
 * <p>One per thread, which is in the key's shard; allocates nothing. Owns a scratch. Addresses that it returns are valid until the next change.
 */
public final class Hashes implements AutoCloseable {
    /** Longest packed value. */
    static final int PACKED_BYTES_MAX = 4096;

    /** A field and a value as a packed value may hold them, beside others. */
    private static final int SCRATCH_BYTES = PACKED_BYTES_MAX;

    private static final int PART = CollectionRoot.BYTES;

    /** In the root, behind the part of the buckets. */
    static final int TIMES = PART + BucketsLayout.BYTES;

    static final int ROOT_BYTES = TIMES + FieldTimesLayout.BYTES;

    /** So many pages of long strings are enough for one {@link #purge}. */
    private static final int PURGED_PAGES = 64;

    /** Pages that the times of a field may take, at most, and those of a hash beside. */
    private static final int TIME_PAGES = 4;

    private enum State {
        NEW,
        PACKED,
        PAGED
    }

    private final Buckets buckets = new Buckets(Buckets.Entries.FIELDS);
    private final RootCopy root = new RootCopy();
    private final long scratch = Memory.allocate(SCRATCH_BYTES, MemoryTag.OTHER);

    // Set by open, before anything else.
    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    private int db;
    private long key;
    private int keyLength;
    private long hash;
    private State state = State.NEW;
    private int form;
    private long expiryMillis;

    /** NEW and PACKED: where the entries are. */
    private long from;

    private long end;

    /** PAGED: the object is not the key's value yet. */
    private boolean fresh;

    /** PAGED: memory address of the root, in the record or, once something was changed, in the copy. */
    private long rootAddress;

    private boolean changed;

    /** Pages that this command may write for what is spilled. */
    private long spillPages;

    /** NEW: the bound of the fields' times; 0: there is none. */
    private long newNext;

    /** This command may give a field a time. */
    private boolean setsTimes;

    /** An entry was added whose bytes the caller has written by now. */
    private boolean unsettled;

    private int entriesMax = Integer.MAX_VALUE;
    private int valueBytesMax = Integer.MAX_VALUE;

    // Of the last lookup; sought is 0 where something was changed since.
    private long sought;
    private int soughtLength;
    private long foundHash;
    private long foundRecord;
    private long foundField;

    /**
     * Begins.
     *
     * @param record of the key, read in this command; 0 where it does not exist
     */
    public void open(Shard shard, int db, long key, int keyLength, long hash, long record) {
        this.shard = shard;
        this.db = db;
        this.key = key;
        this.keyLength = keyLength;
        this.hash = hash;
        changed = false;
        fresh = false;
        unsettled = false;
        spillPages = 0;
        sought = 0;
        buckets.reset();
        setsTimes = false;
        newNext = 0;
        if (record == 0) {
            state = State.NEW;
            form = Record.FORM_LISTPACK;
            expiryMillis = 0;
            from = scratch;
            end = scratch;
            return;
        }
        form = Record.form(Record.kind(record));
        expiryMillis = Record.expiry(record);
        if (Record.isPaged(record)) {
            state = State.PAGED;
            rootAddress = Record.value(record);
        } else {
            state = State.PACKED;
            from = Record.value(record) + headBytes();
            end = Record.value(record) + Record.valueLength(record);
        }
    }

    /**
     * What OBJECT ENCODING says is hashtable from now on where there are
     *
     * @param entriesMax fewer fields, or
     * @param valueBytesMax shorter fields and values; else listpack
     */
    public void setLimits(int entriesMax, int valueBytesMax) {
        this.entriesMax = entriesMax;
        this.valueBytesMax = valueBytesMax;
    }

    /** One command is about to put so many fields: as Valkey does, OBJECT ENCODING goes by their number even where some are the same. */
    public void expect(int fields) {
        if (form == Record.FORM_LISTPACK && fields > entriesMax) {
            form = Record.FORM_LARGE;
        }
    }

    // Reading.

    /** Fields, those whose time is over among them. */
    public long count() {
        return state == State.PAGED
                ? CollectionRoot.count(rootAddress)
                : Element.count(from, end) / 2;
    }

    /** Asks for what {@link #find} of this field needs, without waiting. */
    public void prefetch(long field, int fieldLength) {
        if (state == State.PAGED) {
            shard.prefetchPage(
                    CollectionRoot.object(rootAddress), pageOf(hashOf(field, fieldLength)));
        }
    }

    /** Before the first change: reads what the removal of this field needs, or another time for it. May miss. */
    public void load(long field, int fieldLength) {
        load(field, fieldLength, (long) Element.TIME_BYTES);
    }

    /** As above, of a field that gets a value of this length, and maybe a time. */
    public void load(long field, int fieldLength, int valueLength) {
        int bytes = Spill.entryBytesMax(fieldLength) + Spill.entryBytesMax(valueLength);
        load(field, fieldLength, (long) bytes + Element.TIME_BYTES);
    }

    private void load(long field, int fieldLength, long bytes) {
        buckets.expect(bytes);
        if (state == State.PAGED) {
            long at = locate(field, fieldLength);
            if (at != 0) {
                loadSpilled(foundField);
                loadSpilled(Element.isTime(at) ? at + Element.TIME_BYTES : at);
            }
            buckets.loadTimed(shard, rootAddress, rootAddress + PART);
        }
    }

    /** As {@link #load}, of a field that may get a time, and a value of this length, 0: none. */
    public void loadTime(long field, int fieldLength, int valueLength) {
        setsTimes = true;
        if (state == State.PAGED) {
            FieldTimes.prefetch(shard, rootAddress);
        }
        load(field, fieldLength, valueLength);
        if (state == State.PAGED) {
            FieldTimes.load(shard, rootAddress, bucketOf(hashOf(field, fieldLength)));
        }
    }

    private void loadSpilled(long element) {
        if (Element.isSpilled(element)) {
            Spill.load(shard, CollectionRoot.object(rootAddress), element);
        }
    }

    /** Pages that a field or a value of this length takes, beside its entry. */
    public static long spilledPages(int length) {
        return Spill.pagesOf(length);
    }

    /**
     * Before the first change, and after the loads: looks for the pages that will be written.
     *
     * @param pages {@link #spilledPages} of what is added; May miss.
     * @param fields that may be added
     */
    public void probe(long pages, int fields) {
        if (pages == 0) {
            return;
        }
        boolean timed =
                setsTimes
                        || form == Record.FORM_TIMED
                        || state == State.PAGED && FieldTimes.count(rootAddress) > 0;
        spillPages = timed ? pages + (long) TIME_PAGES * (fields + 1) : pages;
        if (state == State.PAGED) {
            CollectionRoot.probe(shard, rootAddress, spillPages);
        }
    }

    Shard shard() {
        return shard;
    }

    /** Whose pages what is spilled is on. */
    public long object() {
        return state == State.PAGED ? CollectionRoot.object(rootAddress) : 0;
    }

    /** The element of the field's value; 0 where the field does not exist. May miss. */
    public long find(long field, int fieldLength) {
        long at = locate(field, fieldLength);
        return at == 0 ? 0 : live(at);
    }

    /** What is behind the field: its value, or the time before it; 0 where the field does not exist. May miss. */
    private long locate(long field, int fieldLength) {
        boolean again = field == sought && fieldLength == soughtLength;
        if (state == State.PAGED) {
            long fieldHash = hashOf(field, fieldLength);
            if (!again || fieldHash != foundHash) {
                lookUp(field, fieldLength, fieldHash);
            }
        } else if (!again || !isFound(field, fieldLength)) {
            foundField = Element.findField(from, end, field, fieldLength);
        }
        sought = field;
        soughtLength = fieldLength;
        return foundField == 0 ? 0 : foundField + Element.bytes(foundField);
    }

    private boolean isFound(long field, int fieldLength) {
        long behind = foundField == 0 ? 0 : foundField + Element.bytes(foundField);
        return Element.find(foundField, behind, field, fieldLength) != 0;
    }

    private void lookUp(long field, int fieldLength, long fieldHash) {
        sought = 0;
        foundHash = fieldHash;
        foundRecord = shard.readPage(CollectionRoot.object(rootAddress), pageOf(foundHash));
        foundField =
                foundRecord == 0
                        ? 0
                        : Element.findField(
                                Buckets.first(foundRecord),
                                Buckets.end(foundRecord),
                                field,
                                fieldLength);
        if (foundField == 0 && foundRecord != 0 && fieldLength > Spill.SPILL_BYTES) {
            foundField = findSpilled(field, fieldLength);
        }
    }

    private long findSpilled(long field, int fieldLength) {
        long object = CollectionRoot.object(rootAddress);
        long last = Buckets.end(foundRecord);
        for (long at = Buckets.first(foundRecord); at < last; at = buckets.next(at)) {
            if (Element.isSpilled(at)
                    && Element.spilledHash(at) == foundHash
                    && Spill.equal(shard, object, at, field, fieldLength)) {
                return at;
            }
        }
        return 0;
    }

    /**
     * The value of a field.
     *
     * @param at what is behind the field
     * @return 0 where its time is over
     */
    public long live(long at) {
        if (!Element.isTime(at)) {
            return at;
        }
        return Element.time(at) > shard.nowMillis() ? at + Element.TIME_BYTES : 0;
    }

    /** The time of the field that was found last, milliseconds since the epoch; 0: it has none. */
    public long foundTime() {
        long at = foundField + Element.bytes(foundField);
        return Element.isTime(at) ? Element.time(at) : 0;
    }

    /** Whether some field has a time, be it over or not. */
    public boolean isTimed() {
        return state == State.PAGED
                ? FieldTimes.count(rootAddress) > 0
                : form == Record.FORM_TIMED && buckets.earliest(from, end) != 0;
    }

    // Walking: in parts, of which one is in memory at a time.

    /** Parts from 0 on have all fields between them. */
    public long parts() {
        return state == State.PAGED ? BucketsLayout.buckets(rootAddress + PART) : 1;
    }

    /** Asks for a part without waiting. */
    public void prefetchPart(long part) {
        if (state == State.PAGED) {
            shard.prefetchPage(CollectionRoot.object(rootAddress), Buckets.page(part));
        }
    }

    /** Goes to a part. May miss. */
    public void goTo(long part) {
        if (state == State.PAGED) {
            long record = shard.readPage(CollectionRoot.object(rootAddress), Buckets.page(part));
            from = record == 0 ? 0 : Buckets.first(record);
            end = record == 0 ? 0 : Buckets.end(record);
        }
    }

    /** Pages with lower even numbers are parts before this one. */
    public static long pages(long part) {
        return Buckets.page(part);
    }

    /** The first field of the part. */
    public long from() {
        return from;
    }

    /** Behind the last entry of the part. */
    public long end() {
        return end;
    }

    /** The part that a scan with this cursor is at. */
    public long partAt(long cursor) {
        return state == State.PAGED ? Buckets.bucketAt(rootAddress + PART, cursor) : 0;
    }

    /** The cursor behind that part; 0: it was the last. */
    public long nextCursor(long cursor) {
        return state == State.PAGED ? Buckets.nextCursor(rootAddress + PART, cursor) : 0;
    }

    /** Any field, each as likely as any other, whether its time is over or not. May miss; with the same numbers it comes to the same field then. */
    public long pick(Prng random) {
        if (state == State.PAGED) {
            return buckets.pick(shard, rootAddress, rootAddress + PART, count(), random);
        }
        long at = from;
        for (int skipped = random.nextInt((int) count()); skipped > 0; skipped--) {
            at = buckets.next(at);
        }
        return at;
    }

    /** The page in which a field of a paged hash is, if it is one. */
    static long fieldPage(long root, long field, int fieldLength) {
        return Buckets.pageOf(root + PART, Buckets.hash(root + PART, field, fieldLength));
    }

    private long hashOf(long field, int fieldLength) {
        return Buckets.hash(rootAddress + PART, field, fieldLength);
    }

    private long bucketOf(long fieldHash) {
        return BucketsLayout.bucket(rootAddress + PART, fieldHash);
    }

    private long pageOf(long fieldHash) {
        return Buckets.pageOf(rootAddress + PART, fieldHash);
    }

    // Changes.

    /** Sets a field, and takes its time away. @return whether it is new */
    public boolean put(long field, int fieldLength, long value, int valueLength) {
        return put(field, fieldLength, value, valueLength, false);
    }

    /** Sets a field that keeps its time. */
    public void replace(long field, int fieldLength, long value, int valueLength) {
        put(field, fieldLength, value, valueLength, true);
    }

    private boolean put(
            long field, int fieldLength, long value, int valueLength, boolean keepsTime) {
        note(valueLength);
        int bytes = Element.codedBytes(value, valueLength);
        boolean isNew = find(field, fieldLength) == 0;
        prepare(field, fieldLength, bytes, keepsTime);
        if (state == State.PAGED && valueLength > Spill.SPILL_BYTES) {
            long page = Spill.write(shard, change(), value, valueLength);
            Element.putSpilled(
                    place(field, fieldLength, Element.SPILLED_BYTES, keepsTime), valueLength, page);
        } else {
            Element.put(place(field, fieldLength, bytes, keepsTime), value, valueLength);
        }
        return isNew;
    }

    /** Sets a field to a number; it keeps its time. */
    public void replaceNumber(long field, int fieldLength, long number) {
        int bytes = Element.numberBytes(number);
        prepare(field, fieldLength, bytes, true);
        Element.putNumber(place(field, fieldLength, bytes, true), number);
    }

    /**
     * Gives a field another time.
     *
     * @param field one that exists, found in this command
     * @param millis since the epoch; 0: none
     */
    public void setTime(long field, int fieldLength, long millis) {
        if (form != Record.FORM_TIMED) {
            form = Record.FORM_LARGE;
        }
        long at = locate(field, fieldLength);
        int before = Element.isTime(at) ? Element.TIME_BYTES : 0;
        int after = millis == 0 ? 0 : Element.TIME_BYTES;
        if (!hasRoom(after - before + TimedLayout.NEXT_BYTES)) {
            toPages();
            at = locate(field, fieldLength);
        }
        at = replace(at, before, after);
        if (millis != 0) {
            Element.putTime(at, millis);
        }
        countTimed((after - before) / Element.TIME_BYTES);
        if (millis != 0) {
            noteTime(millis);
        }
    }

    /** Of paged hashes: so many more fields have a time. */
    private void countTimed(int more) {
        if (state == State.PAGED && more != 0) {
            long part = rootAddress + TIMES;
            long count = FieldTimesLayout.count(part) + more;
            FieldTimesLayout.putCount(part, count);
            if (count == 0) {
                FieldTimesLayout.putNext(part, 0);
            }
        }
    }

    /** The field that was found last has this time now: lowers the bounds. */
    private void noteTime(long millis) {
        if (state == State.PAGED) {
            FieldTimes.lower(shard, rootAddress, bucketOf(foundHash), millis);
        }
        long before = next();
        if (before == 0 || millis < before) {
            putNext(millis);
        }
    }

    /** The bound of all fields' times; 0: there is none. */
    private long next() {
        return switch (state) {
            case NEW -> newNext;
            case PACKED -> form == Record.FORM_TIMED ? Memory.getLong(from - Long.BYTES) : 0;
            case PAGED -> FieldTimesLayout.next(rootAddress + TIMES);
        };
    }

    /** There is another bound, of which the shard is told. */
    private void putNext(long millis) {
        boolean isFirst = form != Record.FORM_TIMED;
        form = Record.FORM_TIMED;
        switch (state) {
            case NEW -> newNext = millis;
            case PACKED -> {
                spliceHead(isFirst ? 0 : TimedLayout.NEXT_BYTES, TimedLayout.NEXT_BYTES);
                Memory.putLong(from - TimedLayout.NEXT_BYTES, millis);
            }
            case PAGED -> FieldTimesLayout.putNext(change() + TIMES, millis);
        }
        shard.fieldsExpireAt(db, key, keyLength, hash, millis);
    }

    /** Of a packed value: what is before the first entry. */
    private int headBytes() {
        return form == Record.FORM_TIMED ? TimedLayout.PACKED_BYTES : SplicedLayout.BYTES;
    }

    /** Of a packed value: what is behind its version changes its length. */
    private void spliceHead(int removed, int inserted) {
        long bytes = end - from;
        int kind = Record.collection(Record.TYPE_HASH, false, form);
        long value =
                shard.splice(
                        db, key, keyLength, hash, kind, TimedLayout.PACKED_NEXT, removed, inserted);
        from = value + TimedLayout.PACKED_NEXT + inserted;
        end = from + bytes;
    }

    /** What OBJECT ENCODING says depends on the longest field and value that ever was. */
    private void note(int length) {
        if (length > valueBytesMax && form == Record.FORM_LISTPACK) {
            form = Record.FORM_LARGE;
        }
    }

    /** Before a value of so many bytes is placed: where the packed value has no room for it, all goes to pages. */
    private void prepare(long field, int fieldLength, int valueBytes, boolean keepsTime) {
        note(fieldLength);
        settle();
        if (state == State.PAGED) {
            return;
        }
        long old = locate(field, fieldLength);
        int more =
                old == 0
                        ? Element.codedBytes(field, fieldLength) + valueBytes
                        : valueBytes - (int) (Element.next(old) - old) + keptBytes(old, keepsTime);
        if (!hasRoom(more)) {
            toPages();
        }
    }

    /** Of what is behind a field, how much stays before its new value. */
    private int keptBytes(long old, boolean keepsTime) {
        return keepsTime && Element.isTime(old) && live(old) != 0 ? Element.TIME_BYTES : 0;
    }

    /** Makes room for the value of a field, which is added where it is missing. @return where the value goes, at once */
    private long place(long field, int fieldLength, int valueBytes, boolean keepsTime) {
        long old = locate(field, fieldLength);
        unsettled = true;
        if (old == 0) {
            return add(field, fieldLength, valueBytes);
        }
        int kept = keptBytes(old, keepsTime);
        int timed = Element.isTime(old) ? 1 : 0;
        long oldValue = old + (long) timed * Element.TIME_BYTES;
        int oldBytes = (int) (Element.next(old) - old);
        if (Element.isSpilled(oldValue)) {
            Spill.delete(shard, change(), oldValue);
        }
        long at = replace(old + kept, oldBytes - kept, valueBytes);
        countTimed(kept > 0 ? 0 : -timed);
        return at;
    }

    private long add(long field, int fieldLength, int valueBytes) {
        boolean spills = state == State.PAGED && fieldLength > Spill.SPILL_BYTES;
        long fieldHash = foundHash;
        long page = spills ? Spill.write(shard, change(), field, fieldLength) : 0;
        int fieldBytes =
                spills ? Element.SPILLED_HASHED_BYTES : Element.codedBytes(field, fieldLength);
        noteNew();
        long at = add(fieldBytes + valueBytes);
        if (spills) {
            Element.putSpilled(at, fieldLength, page, fieldHash);
        } else {
            Element.put(at, field, fieldLength);
        }
        return at + fieldBytes;
    }

    /** Before a field is added: what OBJECT ENCODING says depends on the largest count that ever was. */
    private void noteNew() {
        // No field with its value takes less than two bytes.
        boolean mayBe = state == State.PAGED || end - from >= 2L * entriesMax;
        if (form == Record.FORM_LISTPACK && mayBe && count() >= entriesMax) {
            form = Record.FORM_LARGE;
        }
    }

    /** After each entry, since one command may bring many. */
    private void settle() {
        if (unsettled && state == State.PAGED) {
            sought = 0;
            buckets.settle(shard, rootAddress, rootAddress + PART);
        }
        unsettled = false;
    }

    private boolean hasRoom(int bytes) {
        return state == State.PAGED || end - from + bytes <= PACKED_BYTES_MAX - headBytes();
    }

    /** Room for an entry, behind the others. */
    private long add(int bytes) {
        sought = 0;
        long at;
        switch (state) {
            case NEW -> {
                at = end;
                end += bytes;
            }
            case PACKED -> at = splice((int) (end - from), 0, bytes);
            default -> {
                long copy = change();
                at = Buckets.add(shard, copy, copy + PART, foundHash, foundRecord, bytes);
                CollectionRoot.putCount(copy, CollectionRoot.count(copy) + 1);
            }
        }
        return at;
    }

    /** Replaces bytes of the entry that was found last. @return where the new ones go */
    private long replace(long old, int removed, int inserted) {
        sought = 0;
        long at = old;
        switch (state) {
            case NEW -> {
                Memory.copy(at + removed, at + inserted, end - at - removed);
                end += inserted - removed;
            }
            case PACKED -> at = splice((int) (at - from), removed, inserted);
            default -> {
                long copy = change();
                at =
                        Buckets.replace(
                                shard,
                                copy,
                                copy + PART,
                                foundHash,
                                foundRecord,
                                at,
                                removed,
                                inserted);
            }
        }
        return at;
    }

    /** Of the packed value, from the first entry on. @return where */
    private long splice(int offset, int removed, int inserted) {
        int kind = Record.collection(Record.TYPE_HASH, false, form);
        int bytes = (int) (end - from) - removed + inserted;
        int head = headBytes();
        long value = shard.splice(db, key, keyLength, hash, kind, head + offset, removed, inserted);
        from = value + head;
        end = from + bytes;
        return from + offset;
    }

    /** Removes a field. @return whether it existed */
    public boolean remove(long field, int fieldLength) {
        settle();
        long value = locate(field, fieldLength);
        if (value == 0) {
            return false;
        }
        boolean wasLive = live(value) != 0;
        removeFound();
        return wasLive;
    }

    /** Removes the field that was found last. */
    private void removeFound() {
        long at = foundField;
        long value = at + Element.bytes(at);
        boolean timed = Element.isTime(value);
        int bytes = (int) (buckets.next(at) - at);
        if (state != State.PAGED) {
            replace(at, bytes, 0);
        } else {
            long copy = change();
            deleteSpilled(copy, at);
            deleteSpilled(copy, timed ? value + Element.TIME_BYTES : value);
            sought = 0;
            Buckets.remove(shard, copy, copy + PART, foundHash, foundRecord, at, bytes);
            CollectionRoot.putCount(copy, CollectionRoot.count(copy) - 1);
            countTimed(timed ? -1 : 0);
        }
        unsettled = true;
    }

    /**
     * Removes fields whose time is over: of a packed hash all, of another those of one bucket, or a few where they are long; and tells the shard when to come again. All that is to be done to the hash in this command. May miss.
     *
     * @return how many
     */
    public long purge() {
        long now = shard.nowMillis();
        long next = next();
        if (next == 0 || next > now) {
            return 0;
        }
        if (state != State.PAGED) {
            long removed = purge(0, now, Integer.MAX_VALUE);
            next = buckets.earliest(from, end);
            if (next != 0) {
                putNext(next);
            }
            return removed;
        }
        long bucket = FieldTimes.first(shard, rootAddress);
        long earliest = FieldTimes.earliest(shard, rootAddress);
        if (earliest > now || bucket < 0) {
            putNext(earliest);
            return 0;
        }
        long removed = purge(bucket, now, loadExpired(bucket, now));
        FieldTimes.set(shard, change(), bucket, buckets.earliest(from, end));
        if (FieldTimes.count(rootAddress) > 0) {
            putNext(FieldTimes.earliest(shard, rootAddress));
        }
        return removed;
    }

    /** Reads what {@link #purge} of a bucket needs. @return how many fields that is for, from the first on */
    private int loadExpired(long bucket, long now) {
        goTo(bucket);
        int fields = 0;
        long pages = 0;
        for (long at = from; at < end && pages < PURGED_PAGES; at = buckets.next(at)) {
            long time = at + Element.bytes(at);
            if (Element.isTime(time) && Element.time(time) <= now) {
                long value = time + Element.TIME_BYTES;
                loadSpilled(at);
                loadSpilled(value);
                pages += Element.isSpilled(at) ? Spill.pieces(at) : 0;
                pages += Element.isSpilled(value) ? Spill.pieces(value) : 0;
                fields++;
            }
        }
        buckets.loadTimed(shard, rootAddress, rootAddress + PART);
        return fields;
    }

    /** Of the packed value, or of a bucket that has been read. */
    private long purge(long bucket, long now, int most) {
        long removed = 0;
        int offset = 0;
        goTo(bucket);
        while (from + offset < end && removed < most) {
            long at = from + offset;
            long time = at + Element.bytes(at);
            if (Element.isTime(time) && Element.time(time) <= now) {
                foundField = at;
                if (state == State.PAGED) {
                    foundHash = Buckets.hash(rootAddress + PART, at);
                    foundRecord = shard.readPage(object(), pageOf(foundHash));
                }
                removeFound();
                removed++;
                goTo(bucket);
            } else {
                offset += (int) (buckets.next(at) - at);
            }
        }
        return removed;
    }

    private void deleteSpilled(long copy, long element) {
        if (Element.isSpilled(element)) {
            Spill.delete(shard, copy, element);
        }
    }

    /** From now on changes go to the copy of the root. */
    private long change() {
        if (rootAddress != root.address()) {
            root.open(rootAddress, ROOT_BYTES);
            rootAddress = root.address();
        }
        changed = true;
        return rootAddress;
    }

    /** All entries go to pages of a new object. */
    private void toPages() {
        sought = 0;
        long copy = root.address();
        root.create(shard, db, ROOT_BYTES, spillPages, buckets.bucketsFor(end - from));
        CollectionRoot.putCount(copy, Element.count(from, end) / 2);
        Buckets.begin(shard, copy, copy + PART, from, end);
        long timed = 0;
        for (long at = from; at < end; at = buckets.next(at)) {
            timed += Element.isTime(at + Element.bytes(at)) ? 1 : 0;
        }
        if (timed > 0) {
            FieldTimesLayout.putCount(copy + TIMES, timed);
            FieldTimesLayout.putNext(copy + TIMES, next());
            FieldTimes.set(shard, copy, 0, buckets.earliest(from, end));
        }
        buckets.settle(shard, copy, copy + PART);
        rootAddress = copy;
        state = State.PAGED;
        fresh = true;
        changed = true;
    }

    /** Ends: what was changed is the key's value now. @return whether the key is gone, because no field is left */
    public boolean finish() {
        switch (state) {
            case NEW -> {
                int bytes = (int) (end - from);
                if (bytes > 0) {
                    int head = headBytes();
                    long value =
                            shard.upsert(
                                    db,
                                    key,
                                    keyLength,
                                    hash,
                                    Record.collection(Record.TYPE_HASH, false, form),
                                    head + bytes,
                                    0);
                    SplicedLayout.putVersion(value, 0);
                    if (form == Record.FORM_TIMED) {
                        Memory.putLong(value + TimedLayout.PACKED_NEXT, newNext);
                    }
                    Memory.copy(from, value + head, bytes);
                }
                return false;
            }
            case PACKED -> {
                if (from == end) {
                    shard.delete(db, key, keyLength, hash);
                } else if (form == Record.FORM_TIMED && !isTimed()) {
                    form = Record.FORM_LARGE;
                    spliceHead(TimedLayout.NEXT_BYTES, 0);
                }
                return from == end;
            }
            default -> {
                return changed && finishPaged();
            }
        }
    }

    private boolean finishPaged() {
        long copy = root.address();
        if (CollectionRoot.count(copy) == 0) {
            shard.delete(db, key, keyLength, hash);
            return true;
        }
        settle();
        if (FieldTimes.count(copy) > 0) {
            form = Record.FORM_TIMED;
        } else if (form == Record.FORM_TIMED) {
            form = Record.FORM_LARGE;
        }
        int kind = Record.collection(Record.TYPE_HASH, true, form);
        if (fresh) {
            root.putNew(shard, db, key, keyLength, hash, kind, ROOT_BYTES, expiryMillis);
        } else {
            root.save(shard, db, key, keyLength, hash, kind, ROOT_BYTES);
        }
        return false;
    }

    @Override
    public void close() {
        buckets.close();
        root.close();
        Memory.free(scratch, SCRATCH_BYTES, MemoryTag.OTHER);
    }
}
