package ironcache.engine;

import ironcache.ffm.Memory;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import ironcache.hybridlog.Log;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;

/**
 * Expiry: setting and counting it, the removal of a record that a command finds expired, and active expiry.
 *
 * <p>Active expiry is a timing wheel that holds, for each key with an expiry, its keyspace and all bits of its hash that the index uses. A word that fires is
 * looked up: candidates whose time is over are removed, those that live longer by now go back into the wheel, and if none is left the word was stale.
 * Cold candidates are read first. One owner thread; owns the wheel.
 *
 * <pre>
 * hash (24) | keyspace (8) | hash (32)
 * </pre>
 */
final class Expirer implements AutoCloseable, TimingWheel.Consumer {
    private static final int KEYSPACE_SHIFT = 32;
    private static final long KEYSPACE_MASK = 0xFFL << KEYSPACE_SHIFT;
    private static final int WORDS_PER_STEP = 64;

    /** When a cold candidate was asked for: how long until the word is looked at again. */
    private static final long COLD_RETRY_MILLIS = 5;

    private final Store store;
    private final TimingWheel wheel;

    /** DEBUG SET-ACTIVE-EXPIRE. */
    boolean active = true;

    Expirer(Store store) {
        this.store = store;
        wheel = new TimingWheel(store.nowMillis);
    }

    void add(Keyspace keyspace, long hash, long expiryMillis) {
        wheel.add(expiryMillis, word(keyspace, hash));
    }

    static long word(Keyspace keyspace, long hash) {
        return hash & ~KEYSPACE_MASK | (long) keyspace.number << KEYSPACE_SHIFT;
    }

    /** The number of a word's keyspace. */
    static int keyspaceOf(long word) {
        return (int) (word >>> KEYSPACE_SHIFT) & 0xFF;
    }

    /** What a word has of its key's hash: enough for the index. */
    static long hashOf(long word) {
        return word & ~KEYSPACE_MASK;
    }

    /** As {@link Shard#expireAt}. */
    void set(Keyspace keyspace, long key, int keyLength, long hash, long expiryMillis) {
        long record = Store.found(store.find(keyspace.keys, key, keyLength, hash));
        long before = Record.expiry(record);
        if (before != 0 && expiryMillis != 0 && Log.isMutable(store.foundAddress)) {
            store.dirty(record);
            Record.putExpiry(record, expiryMillis);
        } else if (before != expiryMillis) {
            long slot = store.foundSlot;
            long address = store.foundAddress;
            int length = Record.valueLength(record);
            long copy =
                    store.append(
                            Record.key(record),
                            Record.keyLength(record),
                            Record.kind(record),
                            length,
                            expiryMillis,
                            keyspace.number);
            Memory.copy(Record.value(record), Record.value(copy), length);
            keyspace.keys.replace(slot, store.foundAddress);
            store.supersede(address, record);
            store.stats.copyUpdates++;
        }
        changed(keyspace, hash, before, expiryMillis);
        if (before != expiryMillis) {
            store.effects.expiryChanged(keyspace, key, keyLength, expiryMillis);
        }
    }

    /** The expiry of a key changes: counts it, and has it looked at in time. 0: none. */
    void changed(Keyspace keyspace, long hash, long before, long after) {
        if (before == 0 && after != 0) {
            keyspace.expires++;
        } else if (before != 0 && after == 0) {
            keyspace.expires--;
        }
        // An earlier word in the wheel fires first and goes back in with the later time.
        if (after != 0 && (before == 0 || after < before)) {
            add(keyspace, hash, after);
        }
    }

    /** Lazy expiry of the record just found; it stays as a hidden one while it hides older entries of its key. */
    void lapse(Keyspace keyspace, long key, int keyLength, long hash, long record) {
        if (store.hasShadows(keyspace, key, keyLength, hash)) {
            return;
        }
        store.effects.expired(keyspace, record);
        store.removeEntry(keyspace, keyspace.keys, store.foundSlot, store.foundAddress, record);
        store.stats.expiredKeys++;
    }

    void save(StateOutput out) {
        wheel.save(out);
    }

    void load(StateInput in) {
        wheel.load(in);
    }

    /** One step. @return whether more is due */
    boolean step() {
        return active && wheel.advance(store.nowMillis, WORDS_PER_STEP, this) == WORDS_PER_STEP;
    }

    /** As {@link TimingWheel#dump}; {@link #active} expiry must rest from begin to end. */
    long dump(long cursor, TimingWheel.EntryVisitor visitor) {
        return wheel.dump(cursor, visitor);
    }

    /** An entry of another wheel's {@link #dump}. */
    void add(long word, long deadlineMillis) {
        wheel.add(deadlineMillis, word);
    }

    /** When {@link #step} has something to do next; Long.MAX_VALUE: never. */
    long nextMillis() {
        return active ? wheel.nextMillis() : Long.MAX_VALUE;
    }

    @Override
    public void accept(long word) {
        Keyspace keyspace = store.keyspaces[keyspaceOf(word)];
        if (keyspace == null || keyspace.flushed) {
            return;
        }
        long hash = hashOf(word);
        HashIndex index = keyspace.keys;
        boolean retry = false;
        boolean again = true;
        while (again) {
            again = false;
            for (long slot = index.first(hash); slot != 0; slot = index.next()) {
                long address = HashIndex.payload(slot);
                long record = store.log.resolve(address);
                if (record == 0) {
                    if (store.cold.isDamaged(address)) {
                        continue;
                    }
                    record = store.cold.staged(address);
                    if (record == 0) {
                        store.cold.prefetch(address);
                        retry = true;
                        continue;
                    }
                }
                if (!Record.hasExpiry(record)) {
                    continue;
                }
                if (Record.expiry(record) > store.nowMillis) {
                    if (isSameHash(record, hash)) {
                        wheel.add(Record.expiry(record), word);
                    }
                } else if (store.hasShadows(
                        keyspace,
                        Record.key(record),
                        Record.keyLength(record),
                        store.hash(Record.key(record), Record.keyLength(record)))) {
                    // That was a probe of its own, and this one cannot go on.
                    retry = true;
                    break;
                } else {
                    store.effects.expired(keyspace, record);
                    store.removeEntry(keyspace, index, slot, address, record);
                    store.stats.expiredKeys++;
                    again = true;
                    break;
                }
            }
        }
        if (retry) {
            wheel.add(store.nowMillis + COLD_RETRY_MILLIS, word);
        }
    }

    private boolean isSameHash(long record, long hash) {
        return hashOf(store.hash(Record.key(record), Record.keyLength(record))) == hash;
    }

    @Override
    public void close() {
        wheel.close();
    }
}
