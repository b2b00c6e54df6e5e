package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.engine.SplicedLayout;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;

/**
 * The sorted set that a command works on. {@link #open}, then reads, which may miss, then changes, then {@link #finish}. Where its entries are:
 *
 * <pre>
 * NEW     the key does not exist yet: in the scratch, until finish
 * PACKED  in the key's record, behind its version ({@link SplicedLayout})
 * PAGED   in pages ({@link PagedSortedSet})
 * </pre>
 *
 * <p>It has a position, which is an entry or none: reads move it, changes leave none. Before its first change a command calls for each change the method named load, and then {@link #loaded}: it finds what may
 * miss.
 *
 * <p>One per thread, which is in the key's shard; allocates nothing. Owns a scratch. Addresses that it returns are valid until the next change.
 */
public final class SortedSets implements AutoCloseable {
    /** What an entry takes beyond its member's bytes, at most. */
    public static final int ENTRY_BYTES = 16;

    /** Longest packed value. */
    static final int PACKED_BYTES_MAX = 4096;

    private static final int ENTRIES_MAX = PACKED_BYTES_MAX / SortedSetEntries.BYTES_MIN + 1;
    private static final int NO_OFFSETS = -1;

    /** Bytes of entries to a page, at least, be they spilled or not; and pages that a small set takes besides. */
    private static final int LEAF_BYTES_MIN = TreeLayout.PAGE_BYTES_MAX / 4;

    private static final int OTHER_PAGES = 8;

    private enum State {
        NEW,
        PACKED,
        PAGED
    }

    private final PagedSortedSet paged = new PagedSortedSet();
    private final long scratch = Memory.allocateUnset(PACKED_BYTES_MAX, MemoryTag.OTHER);

    /** Of packed entries up to the position, once somebody goes backwards: where each begins, from the first one on. */
    private final long offsets =
            Memory.allocateUnset((long) ENTRIES_MAX * Integer.BYTES, MemoryTag.OTHER);

    // Set by open, before anything else.
    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    private int db;
    private long key;
    private int keyLength;
    private long hash;
    private State state = State.NEW;
    private int form;
    private int storedForm;
    private long expiryMillis;
    private long entriesMax;
    private long memberBytesMax;

    /** Page numbers that the command's members may take, should they become pages. */
    private long pagesToTake;

    /** NEW and PACKED: where the entries are. */
    private long from;

    private long end;

    /** The position; 0: none. */
    private long at;

    /** Which of {@link #offsets} is the position's. */
    private int offset = NO_OFFSETS;

    public static boolean isSortedSet(long record) {
        return Record.type(record) == Record.TYPE_ZSET;
    }

    /** Whether OBJECT ENCODING says listpack, else skiplist. */
    public static boolean isListpack(long record) {
        return Record.form(Record.kind(record)) == Record.FORM_LISTPACK;
    }

    /**
     * Begins.
     *
     * @param record of the key, read in this command; 0 where it does not exist, or is to be replaced
     */
    public void open(Shard shard, int db, long key, int keyLength, long hash, long record) {
        this.shard = shard;
        this.db = db;
        this.key = key;
        this.keyLength = keyLength;
        this.hash = hash;
        leave();
        if (record == 0) {
            state = State.NEW;
            form = Record.FORM_LISTPACK;
            expiryMillis = 0;
            from = scratch;
            end = scratch;
        } else {
            form = Record.form(Record.kind(record));
            expiryMillis = Record.expiry(record);
            if (Record.isPaged(record)) {
                state = State.PAGED;
                paged.open(shard, db, Record.value(record));
            } else {
                state = State.PACKED;
                from = Record.value(record) + SplicedLayout.BYTES;
                end = Record.value(record) + Record.valueLength(record);
            }
        }
        storedForm = form;
    }

    /** Whether OBJECT ENCODING says listpack. */
    public boolean isListpack() {
        return form == Record.FORM_LISTPACK;
    }

    /** Whether it may be of any size. */
    public boolean isPaged() {
        return state == State.PAGED;
    }

    // Reading.

    public long count() {
        return state == State.PAGED ? paged.count() : SortedSetEntries.count(from, end);
    }

    /** Asks for what {@link #find} reads first, without waiting. @return whether it would have to wait for it */
    public boolean prefetch(long member, int memberLength) {
        return state == State.PAGED && paged.prefetch(member, memberLength);
    }

    /** Asks for where a member with this score belongs, without waiting. Before the command's first {@link #loadPut}. */
    public void prefetchPlace(long member, int memberLength, double score) {
        if (state == State.PAGED) {
            paged.prefetchPlace(member, memberLength, score);
        }
    }

    /** Moves to a member. @return whether it is there */
    public boolean find(long member, int memberLength) {
        leave();
        at =
                state == State.PAGED
                        ? paged.find(member, memberLength)
                        : SortedSetEntries.find(from, end, member, memberLength);
        return at != 0;
    }

    /**
     * Moves to the entry before which there are so many.
     *
     * @param wanted entries that will be walked from there on, negative: backwards
     * @return whether there is one
     */
    public boolean seekRank(long rank, long wanted) {
        leave();
        if (state == State.PAGED) {
            at = paged.seekRank(rank, wanted);
            return at != 0;
        }
        long entry = from;
        for (long i = 0; i < rank && entry < end; i++) {
            entry = SortedSetEntries.next(entry);
        }
        at = entry < end ? entry : 0;
        return at != 0;
    }

    /** Before a command walks so many entries from a rank on and needs them all at once: reads their pages. No position is left. May miss. */
    public void load(long rank, long entries) {
        leave();
        if (state == State.PAGED) {
            paged.load(rank, entries);
        }
    }

    /** Moves to the first entry of a range. @return whether there is one */
    public boolean seekFirst(SortedSetRange range) {
        leave();
        if (state == State.PAGED) {
            at = paged.seekFirst(range);
        } else if (!range.isEmpty()) {
            long entry = from;
            while (entry < end && !range.reaches(shard, 0, entry)) {
                entry = SortedSetEntries.next(entry);
            }
            at = entry < end && range.isWithinMax(shard, 0, entry) ? entry : 0;
        }
        return at != 0;
    }

    /** Moves to the last entry of a range. @return whether there is one */
    public boolean seekLast(SortedSetRange range) {
        leave();
        if (state == State.PAGED) {
            at = paged.seekLast(range);
        } else if (!range.isEmpty()) {
            long last = 0;
            for (long entry = from; entry < end; entry = SortedSetEntries.next(entry)) {
                if (range.isWithinMax(shard, 0, entry)) {
                    last = entry;
                }
            }
            at = last != 0 && range.reaches(shard, 0, last) ? last : 0;
        }
        return at != 0;
    }

    /** Moves to the next entry. @return whether there is one */
    public boolean next() {
        if (state == State.PAGED) {
            at = paged.next();
            return at != 0;
        }
        at = SortedSetEntries.next(at);
        offset = NO_OFFSETS;
        if (at == end) {
            at = 0;
        }
        return at != 0;
    }

    /** Moves to the entry before. @return whether there is one */
    public boolean previous() {
        if (state == State.PAGED) {
            at = paged.previous();
            return at != 0;
        }
        if (offset == NO_OFFSETS) {
            noteOffsets();
        }
        offset--;
        at = offset < 0 ? 0 : from + Memory.getInt(offsets + (long) offset * Integer.BYTES);
        return at != 0;
    }

    private void noteOffsets() {
        offset = 0;
        for (long entry = from; entry < at; entry = SortedSetEntries.next(entry)) {
            Memory.putInt(offsets + (long) offset * Integer.BYTES, (int) (entry - from));
            offset++;
        }
    }

    /** Moves so many entries on. @return whether there is one */
    public boolean skip(long count, boolean backwards) {
        if (state == State.PAGED) {
            at = paged.skip(count, backwards);
            return at != 0;
        }
        boolean there = true;
        for (long i = 0; i < count && there; i++) {
            there = backwards ? previous() : next();
        }
        return there;
    }

    /** Entries of a range from the position on, {@code most} at most; the position stays. */
    public long countOn(SortedSetRange range, long most, boolean backwards) {
        if (state == State.PAGED) {
            long count = paged.countOn(range, most, backwards);
            at = paged.entry();
            return count;
        }
        long begin = at;
        long count = 0;
        boolean there = true;
        while (there && count < most && isIn(range, backwards)) {
            count++;
            there = backwards ? previous() : next();
        }
        leave();
        at = begin;
        return count;
    }

    private boolean isIn(SortedSetRange range, boolean backwards) {
        return backwards ? range.reaches(shard, 0, at) : range.isWithinMax(shard, 0, at);
    }

    /** Of a paged set: the cursor behind what a scan with this one and such a COUNT comes to; 0: it is all that was left. May miss. */
    public long scanEnd(long cursor, long count) {
        leave();
        return paged.scan().end(cursor, count);
    }

    /** Moves to the first member from a cursor on, up to an end ({@link #scanEnd}). May miss. @return whether there is one */
    public boolean scanFirst(long cursor, long end) {
        leave();
        paged.scan().first(cursor, end);
        at = paged.entry();
        return at != 0;
    }

    /** Moves to the next. May miss. @return whether there is one */
    public boolean scanNext() {
        paged.scan().next();
        at = paged.entry();
        return at != 0;
    }

    /** Of the position: entries before it. */
    public long rank() {
        return state == State.PAGED ? paged.rank() : SortedSetEntries.count(from, at);
    }

    /** Of the position. */
    public double score() {
        return SortedSetEntries.score(at);
    }

    /** Of the position's member: where its bytes are, until the position moves. May miss. */
    public long member() {
        long element = SortedSetEntries.member(at);
        return state == State.PAGED ? paged.text(element) : Element.text(element);
    }

    /** Of the position's member. */
    public int memberLength() {
        return (int) Element.textLength(SortedSetEntries.member(at));
    }

    private void leave() {
        at = 0;
        offset = NO_OFFSETS;
    }

    // Changes.

    /**
     * Above how many entries, and above which length of a member, OBJECT ENCODING says skiplist; and what the command is going to add at most. Before the first change.
     *
     * @param entries members, as far as their number is known
     * @param memberBytes the length of the longest of them
     * @param bytes of all of them, {@link #ENTRY_BYTES} more for each
     */
    public void limits(
            long maxEntries, long maxMemberBytes, long entries, int memberBytes, long bytes) {
        entriesMax = maxEntries;
        memberBytesMax = maxMemberBytes;
        if (entries > maxEntries || memberBytes > maxMemberBytes) {
            form = Record.FORM_LARGE;
        }
        pagesToTake = OTHER_PAGES + (PACKED_BYTES_MAX + bytes) / LEAF_BYTES_MIN;
    }

    /** For {@link #add} or {@link #update} of this member. May miss. */
    public void loadPut(long member, int memberLength, double score) {
        if (state == State.PAGED) {
            paged.loadPut(member, memberLength, score);
        }
    }

    /** For {@link #remove} of so many entries from the position on, which stays. May miss. */
    public void loadRemove(long count) {
        if (state == State.PAGED) {
            paged.loadRemove(count);
            at = paged.entry();
        }
    }

    /** All changes are loaded. May miss. */
    public void loaded() {
        if (state == State.PAGED) {
            paged.loaded();
        }
    }

    /** Adds a member that is not there. */
    public void add(long member, int memberLength, double score) {
        prepare(memberLength);
        double kept = kept(score);
        if (state == State.PAGED) {
            paged.add(member, memberLength, kept);
            leave();
        } else {
            long place = SortedSetEntries.place(from, end, kept, member, memberLength);
            insert(place, member, memberLength, kept);
        }
    }

    /** As {@link #add}, of a member that comes behind all others. */
    public void append(long member, int memberLength, double score) {
        prepare(memberLength);
        double kept = kept(score);
        if (state == State.PAGED) {
            paged.add(member, memberLength, kept);
            leave();
        } else {
            insert(end, member, memberLength, kept);
        }
    }

    /** Room for one more, and what OBJECT ENCODING says with it. */
    private void prepare(int memberLength) {
        if (form == Record.FORM_LISTPACK
                && (memberLength > memberBytesMax
                        || mayHave(entriesMax) && count() >= entriesMax)) {
            form = Record.FORM_LARGE;
        }
        if (state != State.PAGED
                && end - from + SortedSetEntries.bytes(memberLength)
                        > PACKED_BYTES_MAX - SplicedLayout.BYTES) {
            paged.create(shard, db, from, end, pagesToTake);
            state = State.PAGED;
        }
    }

    private boolean mayHave(long count) {
        return state == State.PAGED || end - from >= count * SortedSetEntries.BYTES_MIN;
    }

    /** What Valkey calls a listpack holds integers without a sign of zero. */
    private double kept(double score) {
        return score == 0 && form == Record.FORM_LISTPACK ? 0 : score;
    }

    private void insert(long place, long member, int memberLength, double score) {
        int bytes = SortedSetEntries.bytes(memberLength);
        long to = splice(place, 0, bytes);
        SortedSetEntries.put(to, score, member, memberLength);
    }

    /** Gives the member of the position, which is this, another score. */
    public void update(long member, int memberLength, double score) {
        double kept = kept(score);
        if (state == State.PAGED) {
            paged.update(member, memberLength, kept);
            leave();
            return;
        }
        long entry = at;
        long next = SortedSetEntries.next(entry);
        long place = SortedSetEntries.place(from, end, kept, member, memberLength);
        if (place == entry || place == next) {
            SortedSetEntries.putScore(splice(entry, Double.BYTES, Double.BYTES), kept);
            return;
        }
        int bytes = (int) (next - entry);
        long start = place > entry ? place - bytes - from : place - from;
        splice(entry, bytes, 0);
        insert(from + start, member, memberLength, kept);
    }

    /** Removes so many entries from the position on, which are there. */
    public void remove(long count) {
        if (state == State.PAGED) {
            paged.remove(count);
            leave();
            return;
        }
        long behind = at;
        for (long i = 0; i < count; i++) {
            behind = SortedSetEntries.next(behind);
        }
        splice(at, (int) (behind - at), 0);
    }

    /** Of packed entries. @return where the bytes are that come in */
    private long splice(long place, int removed, int inserted) {
        int bytes = (int) (end - from) - removed + inserted;
        int start = (int) (place - from);
        if (state == State.NEW) {
            Memory.copy(place + removed, place + inserted, end - place - removed);
        } else if (bytes > 0) {
            storedForm = form;
            long value =
                    shard.splice(
                            db,
                            key,
                            keyLength,
                            hash,
                            kind(),
                            SplicedLayout.BYTES + start,
                            removed,
                            inserted);
            from = value + SplicedLayout.BYTES;
        }
        end = from + bytes;
        leave();
        return from + start;
    }

    private int kind() {
        return Record.collection(Record.TYPE_ZSET, state == State.PAGED, form);
    }

    /** Ends: what was changed is the key's value now. @return whether nothing is left of it; a key that was there is deleted */
    public boolean finish() {
        return state == State.PAGED ? finishPaged() : finishPacked();
    }

    private boolean finishPacked() {
        int bytes = (int) (end - from);
        if (state == State.NEW) {
            if (bytes > 0) {
                long value =
                        shard.upsert(
                                db, key, keyLength, hash, kind(), SplicedLayout.BYTES + bytes, 0);
                SplicedLayout.putVersion(value, 0);
                Memory.copy(from, value + SplicedLayout.BYTES, bytes);
            }
        } else if (bytes == 0) {
            shard.delete(db, key, keyLength, hash);
        } else if (form != storedForm) {
            splice(end, 0, 0);
        }
        return bytes == 0;
    }

    private boolean finishPaged() {
        if (paged.count() == 0) {
            shard.delete(db, key, keyLength, hash);
            return true;
        }
        if (paged.isChanged() || form != storedForm) {
            paged.save(key, keyLength, hash, kind(), expiryMillis);
        }
        return false;
    }

    @Override
    public void close() {
        paged.close();
        Memory.free(scratch, PACKED_BYTES_MAX, MemoryTag.OTHER);
        Memory.free(offsets, (long) ENTRIES_MAX * Integer.BYTES, MemoryTag.OTHER);
    }
}
