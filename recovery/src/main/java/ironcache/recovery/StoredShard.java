package ironcache.recovery;

import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.SystemClock;
import ironcache.hybridlog.Record;
import java.io.IOException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One shard of a {@link StoredNode}: the engine's own, brought to where a start of the server would bring it. Owned by one thread; owns the shard. */
public final class StoredShard implements AutoCloseable {
    /** So many cold records are asked for at a time. */
    private static final int SCAN_COUNT = 256;

    private final FileWorker worker;
    private final Io io;
    private final ShardTurns turns;
    private final Shard shard;
    private @Nullable ShardRecovery recovery;

    /** @param io the worker's, or one around it */
    StoredShard(FileWorker worker, Io io, ShardConfig config, Runnable check) throws IOException {
        this.worker = worker;
        this.io = io;
        turns = new ShardTurns(worker, check);
        shard = new Shard(io, SystemClock.INSTANCE, config, turns);
        shard.setActiveExpiry(false);
        worker.handle(this::onFile);
    }

    private void onFile(long token, int result) {
        ShardRecovery reading = recovery;
        if (token < Shard.FIRST_FOREIGN_TOKEN) {
            shard.fileHandler().onFile(token, result);
        } else if (reading != null) {
            reading.onFile(token, result);
        }
    }

    /** Of the shard itself: for looking only. */
    public Shard shard() {
        return shard;
    }

    void takeOver(WarmState state, int number) {
        state.load(number, shard);
    }

    void recover(
            Recovery node, int number, ShardSource source, long nodeId, Consumer<String> notes) {
        recovery =
                new ShardRecovery(node, number, io, shard, source, nodeId, FileMender.NONE, notes);
    }

    boolean isRecovered() {
        return recovery == null || recovery.isDone();
    }

    /** Goes on with the recovery. @return whether it got anywhere */
    boolean step() {
        ShardRecovery reading = recovery;
        boolean on =
                reading != null
                        && !reading.isDone()
                        && reading.step(ShardTurns.WORK_NANOS, SystemClock.INSTANCE);
        on |= shard.work(ShardTurns.WORK_NANOS);
        worker.io.poll(on ? 0 : ShardTurns.WORK_NANOS);
        return on;
    }

    /** Runs a command that does not write, at this time of the wall clock. */
    public void read(long nowMillis, Runnable command) {
        turns.readAt(shard, nowMillis, command);
    }

    /** Keys of a database. */
    public long size(long nowMillis, int db) {
        long[] size = new long[1];
        // Where blind writes have left two for a key, they are settled first.
        read(nowMillis, () -> size[0] = shard.size(db));
        return size[0];
    }

    /** A copy of a record's key. */
    public static byte[] keyOf(long record) {
        byte[] key = new byte[Record.keyLength(record)];
        Memory.copyOut(Record.key(record), key, 0, key.length);
        return key;
    }

    /** Visits the records of keys in a database, each once. */
    public void scan(long nowMillis, int db, Shard.RecordVisitor visitor) {
        if (size(nowMillis, db) == 0) {
            return;
        }
        long cursor = 0;
        do {
            cursor = scan(nowMillis, db, cursor, visitor);
        } while (cursor != 0);
    }

    /** Visits some of them. @return the next cursor; 0 begins, 0 ends */
    public long scan(long nowMillis, int db, long cursor, Shard.RecordVisitor visitor) {
        long[] next = new long[1];
        read(nowMillis, () -> next[0] = shard.scan(db, cursor, SCAN_COUNT, visitor));
        return next[0];
    }

    @Override
    public void close() {
        ShardRecovery reading = recovery;
        if (reading != null) {
            reading.close();
        }
        shard.close();
        worker.close();
    }
}
