package ironcache.engine;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Log;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;
import ironcache.tiering.ColdReads;
import ironcache.tiering.DamagedBlockException;
import ironcache.tiering.FrequencySketch;
import ironcache.tiering.SealedPages;
import ironcache.tiering.SegmentStore;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a shard consists of, and the steps that all its parts share: finding a record through index, log and staging area; superseding one; settling a
 * shadow. {@link Shard} is the door. Behind it {@link PagedObjects}, {@link Scans} and {@link Expirer} serve commands, and {@link Background} gives {@link Space},
 * {@link Rewriter}, {@link Expirer}, {@link Reaper} and {@link Settler} their time between commands. One owner thread.
 *
 * <p>Invariants: an index entry's address is that of a whole record whose key has the entry's hash. At most one entry of an index is current for a key; others
 * of the same key are on the SSD and have a note in {@link Shadows} with that key's hashes.
 */
final class Store implements AutoCloseable {
    /** Candidates that one blind write may leave unsettled; more are read first. */
    private static final int SHADOWED_MAX = 8;

    /** Instead of a number of unread candidates: the current record is at hand. */
    private static final int CURRENT = -1;

    /** Reads of a cold key before it is copied to RAM. */
    private static final int PROMOTE_AT = 2;

    static final int KEYSPACES = 256;

    /** A value that outgrew its record has an eighth of its length to grow in the next one, where nobody knows better. */
    private static final int ROOM_SHIFT = 3;

    private static final int ROOM_BYTES_MAX = 512;

    final Log log;
    final SegmentStore segments;
    final SealedPages sealed;
    final ColdReads cold;
    final Shadows shadows;
    final FrequencySketch sketch;
    final ShardStats stats = new ShardStats();
    final Effects effects = new Effects();
    final PageViews views = new PageViews(this);
    final @Nullable Keyspace[] keyspaces = new @Nullable Keyspace[KEYSPACES];
    private final KeyHash hash;
    private final KeyHash secondHash;

    /** Milliseconds since the epoch, fixed while a command or a slice of work runs. */
    long nowMillis;

    /** Blind writes read first: somebody waits for all shadows to be settled. */
    boolean settling;

    /** Where the last successful {@link #find} found the record: its slot (until the index changes) and address. */
    long foundSlot;

    long foundAddress;

    /** What {@link #listUnread} found, and whether one of it must be read before the key is written. */
    private final long[] unread = new long[SHADOWED_MAX];

    private boolean anyConflict;
    private final long pageKey;

    Store(
            Log log,
            SegmentStore segments,
            SealedPages sealed,
            ColdReads cold,
            Shadows shadows,
            FrequencySketch sketch,
            long hashSeed) {
        this.log = log;
        this.segments = segments;
        this.sealed = sealed;
        this.cold = cold;
        this.shadows = shadows;
        this.sketch = sketch;
        hash = new KeyHash(hashSeed);
        secondHash = secondHash(hashSeed);
        pageKey = Memory.allocate(PAGE_KEY_BYTES, MemoryTag.OTHER);
    }

    // Keys.

    static final int PAGE_KEY_BYTES = 16;

    long hash(long key, int keyLength) {
        return hash.of(key, keyLength);
    }

    static KeyHash secondHash(long hashSeed) {
        return new KeyHash(~hashSeed * 0x9E3779B97F4A7C15L);
    }

    long secondHash(long key, int keyLength) {
        return secondHash.of(key, keyLength);
    }

    /** The key of an object's page, in a buffer that the next call overwrites. */
    long pageKey(long object, long page) {
        Memory.putLong(pageKey, object);
        Memory.putLong(pageKey + 8, page);
        return pageKey;
    }

    /** The index that the record belongs to, or null where its keyspace is gone: then it is dead. */
    @Nullable HashIndex indexOf(long record) {
        Keyspace keyspace = keyspaces[Record.keyspace(record)];
        if (keyspace == null || keyspace.retired) {
            return null;
        }
        return Record.type(record) == Record.TYPE_PAGE ? keyspace.pages : keyspace.keys;
    }

    /** The slot whose entry is this address, or 0. */
    static long slotOf(HashIndex index, long hash, long address) {
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            if (HashIndex.payload(slot) == address) {
                return slot;
            }
        }
        return 0;
    }

    // Finding.

    /**
     * The record of a key, in the log or staged; 0 where there is none. Expired ones are found too.
     *
     * @throws ColdMiss where that cannot be told without a read from the SSD, which is queued
     */
    long find(HashIndex index, long key, int keyLength, long hash) {
        boolean anyCold = false;
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            long address = HashIndex.payload(slot);
            long record = log.resolve(address);
            if (record == 0) {
                anyCold = true;
            } else if (Record.hasKey(record, key, keyLength)) {
                foundSlot = slot;
                foundAddress = address;
                return record;
            }
        }
        return anyCold ? findCold(index, key, keyLength, hash) : 0;
    }

    /** Whether {@link #find} would miss. Nothing is asked for. */
    boolean isCold(HashIndex index, long key, int keyLength, long hash) {
        boolean anyCold = false;
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            long address = HashIndex.payload(slot);
            long record = log.resolve(address);
            if (record == 0) {
                record = stagedUndamaged(address);
            }
            if (record == 0) {
                anyCold = true;
            } else if (Record.hasKey(record, key, keyLength)) {
                return false;
            }
        }
        return anyCold;
    }

    private long findCold(HashIndex index, long key, int keyLength, long hash) {
        boolean missing = false;
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            long address = HashIndex.payload(slot);
            if (log.resolve(address) != 0 || isShadowed(address, key, keyLength, hash)) {
                continue;
            }
            long copy = cold.staged(address);
            if (copy == 0) {
                cold.demand(address);
                missing = true;
            } else if (Record.hasKey(copy, key, keyLength)) {
                foundSlot = slot;
                foundAddress = address;
                stats.coldHits++;
                return copy;
            }
        }
        if (missing) {
            throw ColdMiss.SIGNAL;
        }
        return 0;
    }

    /** Whether the record at this address is known not to be the key's current one. */
    private boolean isShadowed(long address, long key, int keyLength, long hash) {
        if (shadows.size() == 0) {
            return false;
        }
        long note = shadows.find(address);
        return note != 0 && Shadows.isOf(note, hash, secondHash(key, keyLength));
    }

    /** Queues the reads that {@link #find} would need. */
    void prefetch(HashIndex index, long hash) {
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            long address = HashIndex.payload(slot);
            if (log.resolve(address) == 0) {
                cold.prefetch(address);
            }
        }
    }

    /**
     * As {@link #prefetch}, on behalf of the current command. What is damaged is not waited for: the command that needs it will say so.
     *
     * @return whether a read must be waited for
     */
    boolean request(HashIndex index, long hash) {
        boolean any = false;
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            long address = HashIndex.payload(slot);
            if (log.resolve(address) == 0 && !isStagedOrDamaged(address)) {
                cold.request(address);
                any = true;
            }
        }
        return any;
    }

    /** As {@link #request}, where a command may ask for so many that they are too much. */
    boolean requestOneOfMany(HashIndex index, long hash) {
        boolean any = false;
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            long address = HashIndex.payload(slot);
            if (log.resolve(address) == 0 && !isStagedOrDamaged(address)) {
                cold.demand(address);
                any = true;
            }
        }
        return any;
    }

    private long stagedUndamaged(long address) {
        try {
            return cold.staged(address);
        } catch (DamagedBlockException damaged) {
            return 0;
        }
    }

    private boolean isStagedOrDamaged(long address) {
        try {
            return cold.staged(address) != 0;
        } catch (DamagedBlockException damaged) {
            return true;
        }
    }

    /** Copies a record that was just found cold to RAM if it is read often. It keeps its place on the SSD. */
    long promote(HashIndex index, long record, long hash) {
        sketch.increment(hash);
        if (sketch.frequency(hash) < PROMOTE_AT || log.framesFree() <= 0) {
            return record;
        }
        long address = log.allocate(Record.carriedLength(record) + 8);
        long copy = log.resolve(address);
        Record.copyCarried(record, copy);
        Record.putHome(copy, foundAddress);
        index.replace(foundSlot, address);
        foundAddress = address;
        stats.promotions++;
        return copy;
    }

    /** Counts a read; not while a write to the record costs a copy of its memory. */
    void visit(long record) {
        if (!log.isShown()) {
            Record.visit(record);
        }
    }

    // Writing.

    /** Appends a record without its value. @return memory address of the record; {@link #foundAddress} is its logical one */
    long append(
            long key, int keyLength, int kind, int valueLength, long expiryMillis, int keyspace) {
        boolean expiry = expiryMillis != 0;
        long address = log.allocate(Record.bytes(keyLength, valueLength, expiry));
        long record = log.resolve(address);
        Memory.putLong(record, Record.header(keyLength, valueLength, kind, expiry, keyspace));
        long at = record + Record.HEADER_BYTES;
        if (expiry) {
            Memory.putLong(at, expiryMillis);
            at += 8;
        }
        Memory.copy(key, at, keyLength);
        foundAddress = address;
        return record;
    }

    /**
     * Changes kind and value length of the record that was just found, in place where it fits, else in a copy.
     *
     * @return memory address of the record, of whose value the common prefix is kept
     */
    long modify(Keyspace keyspace, HashIndex index, long record, int kind, int newValueLength) {
        long address = foundAddress;
        keyspace.kindChanged(Record.kind(record), kind);
        if (Log.isMutable(address)) {
            dirty(record);
            if (Record.resize(record, kind, newValueLength)) {
                Record.visit(record);
                stats.inPlaceUpdates++;
                return record;
            }
        }
        long slot = foundSlot;
        long copy =
                append(
                        Record.key(record),
                        Record.keyLength(record),
                        kind,
                        newValueLength,
                        Record.expiry(record),
                        keyspace.number);
        Memory.copy(
                Record.value(record),
                Record.value(copy),
                Math.min(Record.valueLength(record), newValueLength));
        index.replace(slot, foundAddress);
        supersede(address, record);
        stats.copyUpdates++;
        return copy;
    }

    /**
     * Replaces {@code removed} bytes of the value of the record that was just found, from {@code from} on, by {@code inserted} undefined ones, in place where that fits, else in a copy with
     * room to grow; counts the value's version.
     *
     * @param lengthMax that the value will grow to; 0: not known
     * @return memory address of the record
     */
    long splice(
            Keyspace keyspace,
            HashIndex index,
            long record,
            int kind,
            int from,
            int removed,
            int inserted,
            int lengthMax) {
        long address = foundAddress;
        int oldLength = Record.valueLength(record);
        int newLength = oldLength - removed + inserted;
        int rest = oldLength - from - removed;
        keyspace.kindChanged(Record.kind(record), kind);
        if (Log.isMutable(address)) {
            dirty(record);
            if (Record.resize(record, kind, newLength)) {
                // What is behind the new end is still there.
                long at = Record.value(record) + from;
                if (removed != inserted) {
                    Memory.copy(at + removed, at + inserted, rest);
                }
                SplicedLayout.nextVersion(Record.value(record));
                Record.visit(record);
                stats.inPlaceUpdates++;
                return record;
            }
        }
        long slot = foundSlot;
        int room = newLength > oldLength ? roomBytes(newLength, lengthMax) : 0;
        long copy =
                append(
                        Record.key(record),
                        Record.keyLength(record),
                        kind,
                        newLength + room,
                        Record.expiry(record),
                        keyspace.number);
        Record.resize(copy, kind, newLength);
        long before = Record.value(record);
        long value = Record.value(copy);
        Memory.copy(before, value, from);
        Memory.copy(before + from + removed, value + from + inserted, rest);
        SplicedLayout.nextVersion(value);
        index.replace(slot, foundAddress);
        supersede(address, record);
        stats.copyUpdates++;
        return copy;
    }

    private static int roomBytes(int length, int lengthMax) {
        int room =
                lengthMax > 0
                        ? Math.clamp(lengthMax - length, 0, Record.MAX_FILLER_BYTES)
                        : Math.min(length >>> ROOM_SHIFT, ROOM_BYTES_MAX);
        return room & -Record.ALIGNMENT;
    }

    /** The record of a key or page that the command has read before, so that it exists. */
    static long found(long record) {
        if (record == 0) {
            throw new IllegalStateException(
                    "the key to change does not exist; the command has not read it");
        }
        return record;
    }

    /** The record is no longer the key's current one: counts it dead wherever it is. */
    void supersede(long address, long record) {
        if (Log.isMutable(address)) {
            if (Record.hasHome(record)) {
                superseded(Record.home(record), Record.carriedLength(record));
            }
            log.markDead(address);
        } else {
            superseded(address, Record.carriedLength(record));
        }
    }

    /**
     * A record on the SSD is dead.
     *
     * @param bytes 0 where unknown
     */
    void superseded(long ssdAddress, int bytes) {
        forgetShadow(ssdAddress);
        segments.recordDead(ssdAddress, bytes);
    }

    /** A mutable record is about to change in place. */
    void dirty(long record) {
        effects.settle();
        if (Record.hasHome(record)) {
            long home = Record.home(record);
            superseded(home, Record.carriedLength(record));
            Record.dropHome(record);
        }
    }

    // Shadows.

    /**
     * A blind write found cold candidates and no current record in RAM.
     *
     * @return the slot of the current entry where its record happens to be staged ({@link #foundAddress} and {@link ColdReads#staged} tell the
     *     rest); else 0: the key gets a new entry, and what it may supersede has been noted
     * @throws ColdMiss in the rare case that a candidate is noted for another key, or that notes are at their bound
     */
    long claimCold(Keyspace keyspace, HashIndex index, long key, int keyLength, long hash) {
        long second = secondHash(key, keyLength);
        int count = listUnread(index, key, keyLength, hash, second);
        if (count == CURRENT) {
            return foundSlot;
        }
        readFirst(count, 0);
        for (int i = 0; i < count; i++) {
            shadows.add(unread[i], hash, second, keyspace.number);
            keyspace.unsettled++;
        }
        return 0;
    }

    /**
     * Before the first write of a command that writes several keys blind: {@link #claimCold} of this one will not miss.
     *
     * @param noted notes that those of the command's other keys may add before
     * @return notes that it may add
     * @throws ColdMiss where it would
     */
    int expectClaim(HashIndex index, long key, int keyLength, long hash, int noted) {
        int count = listUnread(index, key, keyLength, hash, secondHash(key, keyLength));
        if (count == CURRENT) {
            return 0;
        }
        readFirst(count, noted);
        return count;
    }

    /**
     * Lists the key's cold candidates that are neither staged nor noted for it.
     *
     * @return how many; {@link #CURRENT}: the current record is staged, its slot and address found
     */
    private int listUnread(HashIndex index, long key, int keyLength, long hash, long second) {
        int count = 0;
        anyConflict = settling;
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            long address = HashIndex.payload(slot);
            if (log.resolve(address) != 0) {
                continue;
            }
            long note = shadows.size() == 0 ? 0 : shadows.find(address);
            if (note != 0 && Shadows.isOf(note, hash, second)) {
                continue;
            }
            long copy = cold.staged(address);
            if (copy != 0) {
                if (Record.hasKey(copy, key, keyLength)) {
                    foundSlot = slot;
                    foundAddress = address;
                    return CURRENT;
                }
            } else {
                anyConflict |= note != 0 || count == SHADOWED_MAX;
                if (count < SHADOWED_MAX) {
                    unread[count++] = address;
                }
            }
        }
        return count;
    }

    /** Misses where what {@link #listUnread} found cannot be noted, behind so many other notes. */
    private void readFirst(int count, int noted) {
        if (count > 0 && (anyConflict || shadows.isFull(noted + count))) {
            for (int i = 0; i < count; i++) {
                cold.request(unread[i]);
            }
            throw ColdMiss.SIGNAL;
        }
    }

    /** Settles the note on this address, if there is one, now that its record has been read. */
    void settle(long address, long record) {
        long note = shadows.size() == 0 ? 0 : shadows.find(address);
        if (note == 0) {
            return;
        }
        Keyspace keyspace = keyspaces[Shadows.keyspace(note)];
        long key = Record.key(record);
        int keyLength = Record.keyLength(record);
        long noted = Shadows.hash(note);
        boolean superseded =
                keyspace != null
                        && hash(key, keyLength) == noted
                        && Shadows.isOf(note, noted, secondHash(key, keyLength));
        forgetShadow(address);
        if (superseded) {
            long slot = slotOf(keyspace.keys, noted, address);
            if (slot != 0) {
                removeEntry(keyspace, keyspace.keys, slot, address, record);
            }
        }
    }

    /** Drops the note on this address, if there is one. */
    void forgetShadow(long address) {
        long note = shadows.size() == 0 ? 0 : shadows.find(address);
        if (note != 0) {
            Keyspace keyspace = keyspaces[Shadows.keyspace(note)];
            if (keyspace != null) {
                keyspace.unsettled--;
            }
            stats.settled++;
            shadows.remove(address);
        }
    }

    /** Settles all notes of one key, so that its current entry may be removed without uncovering an older one. */
    void settleKey(Keyspace keyspace, long key, int keyLength, long hash) {
        if (keyspace.unsettled == 0) {
            return;
        }
        long second = secondHash(key, keyLength);
        int count = 0;
        boolean missing = false;
        for (long slot = keyspace.keys.first(hash); slot != 0; slot = keyspace.keys.next()) {
            long address = HashIndex.payload(slot);
            long note = shadows.find(address);
            if (note != 0 && Shadows.isOf(note, hash, second) && count < SHADOWED_MAX) {
                unread[count++] = address;
                if (cold.staged(address) == 0) {
                    cold.request(address);
                    missing = true;
                }
            }
        }
        if (missing) {
            throw ColdMiss.SIGNAL;
        }
        for (int i = 0; i < count; i++) {
            settle(unread[i], cold.staged(unread[i]));
        }
        if (count == SHADOWED_MAX) {
            settleKey(keyspace, key, keyLength, hash);
        }
    }

    /** Whether older entries of this key are not settled yet. */
    boolean hasShadows(Keyspace keyspace, long key, int keyLength, long hash) {
        if (keyspace.unsettled == 0) {
            return false;
        }
        long second = secondHash(key, keyLength);
        for (long slot = keyspace.keys.first(hash); slot != 0; slot = keyspace.keys.next()) {
            long note = shadows.find(HashIndex.payload(slot));
            if (note != 0 && Shadows.isOf(note, hash, second)) {
                return true;
            }
        }
        return false;
    }

    /** Removes an entry with its record; retires the object whose root it is, if any. */
    void removeEntry(Keyspace keyspace, HashIndex index, long slot, long address, long record) {
        if (Record.isPaged(record)) {
            retire(record);
        }
        detachEntry(keyspace, index, slot, address, record);
    }

    /** As {@link #removeEntry}, without retiring anything. */
    void detachEntry(Keyspace keyspace, HashIndex index, long slot, long address, long record) {
        if (Record.hasExpiry(record)) {
            keyspace.expires--;
        }
        keyspace.kindChanged(Record.kind(record), 0);
        index.remove(slot);
        supersede(address, record);
    }

    /** Objects whose root is gone. */
    final Reaper reaper = new Reaper(this);

    void retire(long root) {
        reaper.retire(RootLayout.object(Record.value(root)), RootLayout.pages(Record.value(root)));
    }

    /** Whether the record's time is over. */
    boolean isExpired(long record) {
        return Record.hasExpiry(record) && Record.expiry(record) <= nowMillis;
    }

    /** An empty keyspace under a free number. Where there is none, a flushed one is dissolved to its end first. */
    Keyspace newKeyspace() {
        while (true) {
            for (int number = 0; number < KEYSPACES; number++) {
                if (keyspaces[number] == null) {
                    Keyspace keyspace = new Keyspace(number);
                    keyspaces[number] = keyspace;
                    return keyspace;
                }
            }
            reaper.dissolveOne();
        }
    }

    /** An empty keyspace under this number, which no database has; a flushed one that had it is dissolved first. */
    Keyspace newKeyspace(int number) {
        while (keyspaces[number] != null) {
            reaper.dissolveOne();
        }
        Keyspace keyspace = new Keyspace(number);
        keyspaces[number] = keyspace;
        return keyspace;
    }

    /** Writes all keyspaces. */
    void save(StateOutput out) {
        for (Keyspace keyspace : keyspaces) {
            if (keyspace != null) {
                out.putLong(keyspace.number);
                out.putLong(keyspace.expires);
                out.putLong(keyspace.timed);
                out.putLong(keyspace.unsettled);
                keyspace.keys.save(out);
                keyspace.pages.save(out);
            }
        }
        out.putLong(KEYSPACES);
    }

    /** Has the keyspaces that another one saved instead of its own, which are empty. */
    void load(StateInput in) {
        Arrays.fill(keyspaces, null);
        for (int number = in.getInt(KEYSPACES); number < KEYSPACES; number = in.getInt(KEYSPACES)) {
            Keyspace keyspace = new Keyspace(number);
            keyspace.expires = in.getLong();
            keyspace.timed = in.getLong();
            keyspace.unsettled = in.getLong();
            keyspace.keys.load(in);
            keyspace.pages.load(in);
            keyspaces[number] = keyspace;
        }
    }

    long keyspaceBytes() {
        long bytes = 0;
        for (Keyspace keyspace : keyspaces) {
            if (keyspace != null) {
                bytes += keyspace.keys.bytes() + keyspace.pages.bytes();
            }
        }
        return bytes;
    }

    /** Entries of all indexes. */
    long entries() {
        long entries = 0;
        for (Keyspace keyspace : keyspaces) {
            if (keyspace != null) {
                entries += keyspace.keys.size() + keyspace.pages.size();
            }
        }
        return entries;
    }

    /** Walks everything that is in RAM; for tests and the simulator. */
    void checkInvariants() {
        log.checkInvariants();
        for (Keyspace keyspace : keyspaces) {
            if (keyspace != null && !keyspace.retired) {
                check(keyspace.keys);
                check(keyspace.pages);
            }
        }
    }

    private void check(HashIndex index) {
        long cursor = 0;
        do {
            cursor =
                    index.scan(
                            cursor,
                            (slot, address) -> {
                                long record = log.resolve(address);
                                if (record != 0) {
                                    assert !Record.isDead(record)
                                            : "entry of a dead record at page "
                                                    + Address.page(address);
                                    assert indexOf(record) == index : "entry of another index";
                                }
                            });
        } while (cursor != 0);
    }

    @Override
    public void close() {
        for (Keyspace keyspace : keyspaces) {
            if (keyspace != null) {
                keyspace.close();
            }
        }
        views.close();
        Memory.free(pageKey, PAGE_KEY_BYTES, MemoryTag.OTHER);
        shadows.close();
    }
}
