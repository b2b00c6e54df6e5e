package ironcache.resp;

import ironcache.engine.ColdMiss;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.wal.WalWriter;
import java.util.ArrayDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * A shard as threads share it, and the thread that serves its disk and its connections. Two locks guard them:
 *
 * <ul>
 *   <li>The <em>shard's</em>: whoever runs commands over it, or works in its background, has it: the shard itself, the watches of its keys, the transaction
 *       that holds it, those who wait for its keys. Any thread enters, for microseconds ({@link Lease}); its own has no privilege but that the shard's file operations are its.
 *   <li>The <em>turn's</em>: the thread has it from the end of its wait in {@link ironcache.ffm.Io#poll} to the beginning of the next one. It guards what the thread
 *       has of its own: connections, counters. Who has all of them may look at and change that, and what the node has ({@link Node}).
 * </ul>
 *
 * <p>Order: turns before shards, each in ascending order of their numbers.
 */
final class Partition implements ironcache.ffm.Io.Gate {
    // What who leaves owes to others.
    private static final int NOTHING = 0;
    private static final int A_WAITER = 1;
    private static final int THE_OWNER = 2;

    final int number;

    private final Mutex shardLock;

    /** Fair: a thread that is always busy would otherwise never let anyone look. */
    private final Mutex turnLock;

    /** The thread in the shard is not its own. */
    private boolean lent;

    final Watches watches = new Watches();
    final WaitingLines lines = new WaitingLines(this);

    // Of the shard's thread, which alone counts.

    /** Durations of its leases. */
    final LatencyHistogram leases = new LatencyHistogram();

    final ServerStats stats = new ServerStats();
    final ErrorStats errorStats = new ErrorStats();

    /** A table of its own, for the counters of its rows. */
    final CommandTable commands;

    /** The shard's log, null: none is kept. Changed by who is in the shard. */
    volatile @Nullable WalWriter log;

    /** Nothing is appended to the log any more, what was is not durable yet. */
    volatile boolean isLogEnding;

    /** Set before the threads start. */
    @SuppressWarnings("NullAway.Init")
    Shard shard;

    /** Set before the threads start. */
    @SuppressWarnings("NullAway.Init")
    EventLoop loop;

    /** Whose transaction is in the middle of its work; null: nobody's. */
    private @Nullable Connection holder;

    /** Those whose commands wait for the holder, in their order; of any thread. */
    private final ArrayDeque<Connection> held = new ArrayDeque<>();

    /** Connections of this shard's thread that may go on, says another thread. */
    private final ConcurrentLinkedQueue<Integer> ready = new ConcurrentLinkedQueue<>();

    /** Connections of this shard's thread that it is to close, says another thread. */
    private final ConcurrentLinkedQueue<Connection> killed = new ConcurrentLinkedQueue<>();

    Partition(int number, Mutex.Source mutexes, CommandTable commands) {
        this.number = number;
        this.commands = commands;
        this.shardLock = mutexes.create(false);
        this.turnLock = mutexes.create(true);
    }

    // The turn.

    void lockTurn() {
        turnLock.lock();
    }

    void unlockTurn() {
        if (turnLock.unlock()) {
            turnLock.wakeNext();
        }
    }

    /** The wait begins. */
    @Override
    public void open() {
        unlockTurn();
    }

    /** The wait is over. */
    @Override
    public void close() {
        lockTurn();
        for (Integer socket = ready.poll(); socket != null; socket = ready.poll()) {
            loop.resumeLater(socket);
        }
        for (Connection c = killed.poll(); c != null; c = killed.poll()) {
            loop.close(c);
        }
    }

    // The shard.

    /** Whether a transaction is in the middle of its work here. */
    boolean isHeld() {
        return holder != null;
    }

    /** Waits for the shard, and enters. */
    void enter(Partition visitor) {
        shardLock.lock();
        entered(visitor);
    }

    /** @return false: another thread is in it */
    boolean tryEnter(Partition visitor) {
        boolean free = shardLock.tryLock();
        if (free) {
            entered(visitor);
        }
        return free;
    }

    private void entered(Partition visitor) {
        lent = visitor != this;
        shard.enter(!lent);
    }

    /** Leaves, and wakes whom that concerns. */
    void leave() {
        wake(exit());
    }

    /** Leaves, and wakes nobody yet. @return what to {@link #wake} when the thread has left all shards */
    int exit() {
        int owed = lent && shard.wantsOwner() ? THE_OWNER : NOTHING;
        return shardLock.unlock() ? owed | A_WAITER : owed;
    }

    /** @param owed by {@link #exit} */
    void wake(int owed) {
        if ((owed & A_WAITER) != 0) {
            shardLock.wakeNext();
        }
        if ((owed & THE_OWNER) != 0) {
            loop.io().wake();
        }
    }

    /** Why nothing that is written to the shard now can become durable, or null. */
    @Nullable String logFailure() {
        WalWriter to = log;
        return to == null || isLogEnding ? null : to.failure();
    }

    // Who is in the shard.

    /** Whether that is another thread than its own. */
    boolean isLent() {
        return lent;
    }

    /** Whether a command of this connection has to wait for another's transaction. */
    boolean isHeldBack(Connection c) {
        return holder != null && holder != c;
    }

    /** The connection's commands run when the shard is free again. */
    void await(Connection c) {
        held.add(c);
    }

    /** The connection waits no more. */
    void stopAwaiting(Connection c) {
        held.remove(c);
    }

    /** The connection's transaction is in the middle of its work and has to wait. */
    void hold(Connection c) {
        holder = c;
        shard.holdExpiry(true);
    }

    /** @return who waited for it, in order; to be emptied by the caller */
    ArrayDeque<Connection> release() {
        holder = null;
        shard.holdExpiry(false);
        return held;
    }

    /** A key was changed. */
    void changed(int db, long key, int keyLength) {
        if (!watches.isEmpty()) {
            watches.changed(db, key, keyLength, shard.hash(key, keyLength));
        }
    }

    /** Fields of a hash expired between commands: what keyspace events will be is "hexpired", and "del" where the key is gone. */
    void onFieldsExpired(int db, long key, int keyLength, boolean gone) {
        changed(db, key, keyLength);
    }

    /** A database loses all its keys. */
    void flush(int db) {
        shard.flush(db);
        if (!watches.isEmpty()) {
            watches.flushed(db);
        }
    }

    /** Two databases change places. */
    void swap(int db, int otherDb) {
        if (!watches.isEmpty()) {
            watches.replaced(db, otherDb, this::exists);
            watches.replaced(otherDb, db, this::exists);
        }
        shard.swap(db, otherDb);
    }

    /** A cold candidate counts as the key: a watch broken in vain is retried by its client, a blocked command that runs in vain waits on. */
    boolean exists(int db, byte[] key, long hash) {
        long copy = Memory.allocate(key.length + 8L, MemoryTag.OTHER);
        try {
            Memory.copyIn(key, 0, copy, key.length);
            return shard.peek(db, copy, key.length, hash) != 0;
        } catch (ColdMiss miss) {
            return true;
        } finally {
            Memory.free(copy, key.length + 8L, MemoryTag.OTHER);
        }
    }

    // Any thread.

    /** A connection of this shard's thread may go on. */
    void onReady(int socket) {
        ready.add(socket);
        loop.io().wake();
    }

    /** Closes a connection of this shard's thread, soon. */
    void kill(Connection c) {
        killed.add(c);
        loop.io().wake();
    }
}
