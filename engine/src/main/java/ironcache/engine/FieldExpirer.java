package ironcache.engine;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;
import ironcache.tiering.CommandMemoryException;
import ironcache.tiering.DamagedBlockException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Active expiry of the fields of hashes: finds the hashes; {@link FieldExpiry} removes the fields, one slice a step, each a unit of the log.
 *
 * <p>A timing wheel of its own holds words as {@link Expirer}'s does, one for each {@link TimedLayout next} time that a hash was given. A word that fires is looked up, and candidates that are
 * due are served; where none is, the word was stale: a newer one is in the wheel for whatever the hash still has. So a hash without times costs nothing, no hash is read before its next time, and
 * each word reads a cold one once at most. One read is waited for at a time, and no other word fires meanwhile.
 *
 * <p>What a hash's next time is, is part of its value; that the shard is to be told of it, the log says. So both are there again after recovery, and nothing fires before its end.
 *
 * <p>One owner thread; owns the wheel, and memory for a key.
 */
final class FieldExpirer implements AutoCloseable, TimingWheel.Consumer {
    /** Waiter number under which hashes are read. */
    static final int WAITER = 3;

    /** Where what has expired cannot be read at once: how long until the word is looked at again. */
    private static final long REFUSED_RETRY_MILLIS = 1_000;

    private final Store store;
    private final Keyspace[] databases;
    private final TimingWheel wheel;
    private final long key = Memory.allocate(Record.MAX_KEY_BYTES, MemoryTag.OTHER);
    private @Nullable FieldExpiry fields;

    /** DEBUG SET-ACTIVE-EXPIRE. */
    boolean active = true;

    /** A word that fired and waits for a read, or has to be looked at again after one. */
    private long held;

    private boolean holds;
    private boolean reading;

    /** Something may be due in the wheel. */
    private boolean due;

    FieldExpirer(Store store, Keyspace[] databases) {
        this.store = store;
        this.databases = databases;
        wheel = new TimingWheel(store.nowMillis);
    }

    void serve(FieldExpiry by) {
        fields = by;
    }

    /** As {@link Shard#fieldsExpireAt}, noted nowhere. */
    void add(Keyspace keyspace, long hash, long millis) {
        wheel.add(millis, Expirer.word(keyspace, hash));
    }

    /** An entry of another wheel's {@link #dump}. */
    void add(long word, long deadlineMillis) {
        wheel.add(deadlineMillis, word);
    }

    /** Time has passed. */
    void tick() {
        due = true;
    }

    /** Whether {@link #step} may get anywhere now. */
    boolean isDue() {
        return active && fields != null && !reading && (holds || due);
    }

    /** One step. */
    void step() {
        if (holds) {
            holds = false;
            accept(held);
        } else {
            due = wheel.advance(store.nowMillis, 1, this) > 0;
        }
    }

    /** What was asked for has been read. */
    void onRead() {
        reading = false;
    }

    /** When {@link #step} has something to do next; Long.MAX_VALUE: never, or not before a read. */
    long nextMillis() {
        return !active || fields == null || reading ? Long.MAX_VALUE : wheel.nextMillis();
    }

    @Override
    public void accept(long word) {
        Keyspace keyspace = store.keyspaces[Expirer.keyspaceOf(word)];
        int db = keyspace == null || keyspace.flushed ? -1 : databaseOf(keyspace);
        if (db < 0) {
            return;
        }
        store.cold.begin(WAITER);
        store.effects.begin();
        try {
            long record = find(keyspace, Expirer.hashOf(word));
            if (record != 0) {
                int keyLength = Record.keyLength(record);
                Memory.copy(Record.key(record), key, keyLength);
                fields().expire(db, key, keyLength, store.hash(key, keyLength));
            }
            store.effects.end();
            store.cold.end();
        } catch (ColdMiss miss) {
            store.effects.park();
            holds = true;
            held = word;
            reading = store.cold.park();
        } catch (DamagedBlockException damaged) {
            // What can no longer be read stays as it is.
            store.effects.end();
            store.cold.end();
        } catch (CommandMemoryException tooMuch) {
            store.effects.end();
            store.cold.end();
            wheel.add(store.nowMillis + REFUSED_RETRY_MILLIS, word);
        }
    }

    private FieldExpiry fields() {
        return Objects.requireNonNull(fields);
    }

    private int databaseOf(Keyspace keyspace) {
        for (int db = 0; db < databases.length; db++) {
            if (databases[db] == keyspace) {
                return db;
            }
        }
        return -1;
    }

    /** A hash under this hash that is due; 0: none is. May miss. */
    private long find(Keyspace keyspace, long hash) {
        boolean missing = false;
        for (long slot = keyspace.keys.first(hash); slot != 0; slot = keyspace.keys.next()) {
            long address = HashIndex.payload(slot);
            long record = store.log.resolve(address);
            if (record == 0) {
                if (store.cold.isDamaged(address)) {
                    continue;
                }
                record = store.cold.staged(address);
            }
            if (record == 0) {
                store.cold.request(address);
                missing = true;
            } else if (Record.isTimed(Record.kind(record))
                    && TimedLayout.next(record) <= store.nowMillis) {
                return record;
            }
        }
        if (missing) {
            throw ColdMiss.SIGNAL;
        }
        return 0;
    }

    /** As {@link TimingWheel#dump}; expiry must rest from begin to end. */
    long dump(long cursor, TimingWheel.EntryVisitor visitor) {
        if (cursor == 0) {
            release();
        }
        return wheel.dump(cursor, visitor);
    }

    void save(StateOutput out) {
        release();
        wheel.save(out);
    }

    void load(StateInput in) {
        wheel.load(in);
    }

    /** The word that is out of the wheel goes back. */
    private void release() {
        if (holds) {
            store.cold.abandon(WAITER);
            reading = false;
            holds = false;
            wheel.add(store.nowMillis, held);
        }
    }

    @Override
    public void close() {
        wheel.close();
        Memory.free(key, Record.MAX_KEY_BYTES, MemoryTag.OTHER);
    }
}
