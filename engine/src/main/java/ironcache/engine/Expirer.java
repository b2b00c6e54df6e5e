package ironcache.engine;

import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;

/**
 * Active expiry: a timing wheel that holds, for each key with an expiry, its keyspace and all bits of its hash that the index uses. A word that fires is
 * looked up: candidates whose time is over are removed, those that live longer by now go back into the wheel, and if none is left the word was stale.
 * Cold candidates are read first. One owner thread.
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
        wheel.add(expiryMillis, hash & ~KEYSPACE_MASK | (long) keyspace.number << KEYSPACE_SHIFT);
    }

    /** One step. @return whether more is due */
    boolean step() {
        return active && wheel.advance(store.nowMillis, WORDS_PER_STEP, this) == WORDS_PER_STEP;
    }

    boolean isEmpty() {
        return wheel.isEmpty();
    }

    @Override
    public void accept(long word) {
        Keyspace keyspace = store.keyspaces[(int) (word >>> KEYSPACE_SHIFT) & 0xFF];
        if (keyspace == null || keyspace.retired) {
            return;
        }
        long hash = word & ~KEYSPACE_MASK;
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
                    retry = true;
                } else {
                    store.removeEntry(keyspace, index, slot, address, record);
                    store.stats.expiredKeys++;
                    again = true;
                    break;
                }
                if (again) {
                    break;
                }
            }
        }
        if (retry) {
            wheel.add(store.nowMillis + COLD_RETRY_MILLIS, word);
        }
    }

    private boolean isSameHash(long record, long hash) {
        return (store.hash(Record.key(record), Record.keyLength(record)) & ~KEYSPACE_MASK) == hash;
    }

    @Override
    public void close() {
        wheel.close();
    }
}
