package ironcache.resp;

import ironcache.engine.ColdMiss;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Commands that wait for a key, as BLPOP does.
 *
 * <p>A command that finds nothing <em>blocks</em>: it stands in the lines of its keys ({@link WaitingLines}), and its connection's later commands wait. Whoever makes a key
 * ready <em>serves</em> its line, when his command is over and before anybody else comes into its shards: the blocked commands run, on his thread, who came first
 * is first, until the key is gone. What they write may make further keys ready, whose lines come next. For that he has from the beginning all the shards that blocked commands may need
 * ({@link #reach}).
 *
 * <p>A served command that finds something on the SSD <em>holds</em> the shards, as a transaction does, until its connection's thread runs it again: nobody takes from it what it was given.
 *
 * <p>A command that is served, timed out or unblocked leaves its lines under the locks of all its shards, and who made it leave writes its reply: it gets one. The reply goes to the
 * connection's thread as bytes.
 *
 * <p>One per thread: the commands that its connections wait with, and its serving.
 */
final class Blocking {
    private static final byte[] NULL_2 = bytes("*-1\r\n");
    private static final byte[] NULL_3 = bytes("_\r\n");
    private static final byte[] UNBLOCKED =
            bytes("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");

    private static final long MOST_MILLIS = 1L << 42;

    /** Unwinds a handler whose command blocks; stackless and single, like ColdMiss. */
    static final class Signal extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private static final Signal SIGNAL = new Signal();

        private Signal() {
            super(null, null, false, false);
        }
    }

    private final Shards shards;
    private final Partition own;

    /** The shards of the command that runs. */
    private final ShardSet over;

    private final TurnClock clock;
    private final ReplyWriter reply;
    private final ArgumentTable table;
    private final ConnectionBuffers buffers;
    private final Transactions.Runner runner;

    /** The lines of keys that became ready. */
    private final ArrayDeque<WaitingLines.Line> ready = new ArrayDeque<>();

    /** Of the thread's connections, those whose commands do not wait for ever. */
    private final TreeSet<BlockedCommand> deadlines =
            new TreeSet<>(
                    (a, b) ->
                            a.deadlineNanos != b.deadlineNanos
                                    ? Long.compare(a.deadlineNanos, b.deadlineNanos)
                                    : Long.compare(a.connection.id, b.connection.id));

    // What the handler that unwinds waits for.
    private int firstKey;
    private int lastKey;
    private long timeoutMillis;

    Blocking(
            Shards shards,
            Partition own,
            ShardSet over,
            TurnClock clock,
            ReplyWriter reply,
            ArgumentTable table,
            ConnectionBuffers buffers,
            Transactions.Runner runner) {
        this.shards = shards;
        this.own = own;
        this.over = over;
        this.clock = clock;
        this.reply = reply;
        this.table = table;
        this.buffers = buffers;
        this.runner = runner;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    // Of the thread's own connections.

    /** Unwinds the handler: its command waits for one of these arguments as a key. */
    void block(int first, int last, long millis) {
        firstKey = first;
        lastKey = last;
        timeoutMillis = millis;
        throw Signal.SIGNAL;
    }

    /**
     * The handler has unwound.
     *
     * @param commandOver the set of shards that its keys are in
     */
    void stand(Connection c, CommandRow row, long args, int argc, long commandOver) {
        long deadline =
                timeoutMillis == 0
                        ? Long.MAX_VALUE
                        : clock.nanoTime() + Math.min(timeoutMillis, MOST_MILLIS) * 1_000_000;
        boolean moves =
                row.firstKey != 0 && (row.firstKey < firstKey || row.lastKey(argc) > lastKey);
        CommandQueue copy = new CommandQueue();
        copy.add(row, args, argc);
        BlockedCommand b = new BlockedCommand(c, copy, commandOver, moves, deadline);
        for (int k = firstKey; k <= lastKey; k++) {
            long key = ArgumentTable.address(args, k);
            int length = ArgumentTable.length(args, k);
            Partition partition = shards.partition(key, length);
            partition.lines.join(b, c.db, key, length, partition.shard.hash(key, length));
        }
        c.blocked = b;
        if (deadline != Long.MAX_VALUE) {
            deadlines.add(b);
        }
    }

    /** Until the next command's time is over. */
    long nanosLeft() {
        return deadlines.isEmpty()
                ? Long.MAX_VALUE
                : Math.max(0, deadlines.first().deadlineNanos - clock.nanoTime());
    }

    /** A command whose time is over, which is taken note of; null: none. */
    @Nullable BlockedCommand nextLate() {
        return nanosLeft() > 0 ? null : deadlines.pollFirst();
    }

    /** The command's time is over. The thread has its shards. */
    void timeOut(BlockedCommand b) {
        if (b.waits && b.held == 0) {
            answer(b, b.connection.protocol == 3 ? NULL_3 : NULL_2);
        } else {
            b.late = true;
        }
    }

    /**
     * A command that waits holds shards, and what it waited for is there. The thread has them.
     *
     * @param held the set of these
     */
    void resume(BlockedCommand b, long held) {
        over.assign(held);
        b.held = 0;
        ready.addAll(b.rest);
        b.rest.clear();
        if (serve()) {
            shards.release(held, own);
        }
        if (b.late) {
            timeOut(b);
        }
    }

    /** The reply is there: its connection goes on. @return null: it is not */
    byte @Nullable [] end(Connection c) {
        BlockedCommand b = c.blocked;
        byte[] said = b == null ? null : b.reply;
        if (b != null && said != null) {
            deadlines.remove(b);
            c.blocked = null;
        }
        return said;
    }

    /** The connection closes. The thread has the command's shards, and those that it holds. */
    void abandon(BlockedCommand b) {
        deadlines.remove(b);
        b.connection.blocked = null;
        if (!b.waits) {
            return;
        }
        leave(b);
        if (b.held != 0) {
            over.assign(b.held);
            over.abandon(b.connection);
            b.late = false;
            resume(b, b.held);
        }
    }

    // EXEC may be unwound in its middle.

    /** Keys that a transaction made ready are served when it is over. */
    void suspend(Transaction transaction) {
        transaction.ready.addAll(ready);
        ready.clear();
    }

    /** It goes on. */
    void resume(Transaction transaction) {
        ready.addAll(transaction.ready);
        transaction.ready.clear();
    }

    // Of connections of any thread.

    /** CLIENT KILL: nothing is given to a connection that will be closed. The thread has the command's shards. */
    static void stop(BlockedCommand b) {
        if (b.waits) {
            leave(b);
        }
    }

    /** CLIENT UNBLOCK. The thread has the command's shards. @return false: it does not wait any more */
    boolean unblock(BlockedCommand b, boolean withError) {
        if (!b.waits) {
            return false;
        }
        if (withError) {
            own.errorStats.count("UNBLOCKED");
            answer(b, UNBLOCKED);
        } else {
            answer(b, b.connection.protocol == 3 ? NULL_3 : NULL_2);
        }
        return true;
    }

    private void answer(BlockedCommand b, byte[] said) {
        leave(b);
        b.reply = said;
        shards.resume(b.connection, own);
    }

    private static void leave(BlockedCommand b) {
        WaitingLines.leave(b);
        b.waits = false;
        b.command.close();
    }

    // Serving.

    /** What the command that runs makes ready is served when it is over. */
    void ready(Partition partition, int db, long key, int keyLength) {
        WaitingLines.Line line =
                partition.lines.find(db, key, keyLength, partition.shard.hash(key, keyLength));
        if (line != null) {
            ready(line);
        }
    }

    /** Any key of a database may be ready. */
    void ready(Partition partition, int db) {
        partition.lines.ofDatabase(db, this::ready);
    }

    private void ready(WaitingLines.Line line) {
        if (!line.ready) {
            line.ready = true;
            ready.add(line);
        }
    }

    boolean isAnyReady() {
        return !ready.isEmpty();
    }

    /**
     * Serves the lines of all keys that are ready.
     *
     * @return false: a command holds the shards, and serves the rest when it goes on
     */
    boolean serve() {
        if (reply.isAttached()) {
            reply.detach();
        }
        for (WaitingLines.Line line = ready.peek(); line != null; line = ready.peek()) {
            BlockedCommand waiting = serve(line);
            if (waiting != null) {
                waiting.rest.addAll(ready);
                ready.clear();
                waiting.held = over.mask();
                over.hold(waiting.connection);
                own.stats.parks++;
                return false;
            }
            line.ready = false;
            ready.remove();
        }
        return true;
    }

    /** @return the command that cannot go on now, or null */
    private @Nullable BlockedCommand serve(WaitingLines.Line line) {
        WaitingLines.Place place = line.first();
        while (place != null) {
            WaitingLines.Place next = place.next();
            BlockedCommand b = place.command;
            assert shards.isSingle() || (b.over & ~over.mask()) == 0
                    : "served by one without its shards";
            over.begin(b.connection.waiter, clock.currentTimeMillis());
            if (!line.hasKey()) {
                over.end();
                return null;
            }
            if (!run(b)) {
                return b;
            }
            place = next;
        }
        return null;
    }

    /** Has a command try again, between begin and end. @return false: it has to wait for the SSD or for memory */
    private boolean run(BlockedCommand b) {
        Connection c = b.connection;
        long command = b.command.first();
        CommandRow row = own.commands.row(CommandQueue.rowId(command));
        if (row.has(CommandFlag.WRITE) && over.wantsSpace()) {
            over.end();
            boolean waits = over.parkForSpace(c);
            assert waits : "space was wanted where there is some";
            return false;
        }
        // Its output is its thread's: the reply is made elsewhere.
        Connection standIn = c.standIn();
        int first = table.size();
        reply.attach(standIn);
        try {
            CommandQueue.after(command, table);
            runner.run(standIn, row, first, CommandQueue.argc(command));
        } catch (Signal stays) {
            reply.rollback();
            over.end();
            return true;
        } catch (ColdMiss miss) {
            reply.rollback();
            if (!over.park()) {
                shards.resume(c, own);
            }
            return false;
        } finally {
            table.truncate(first);
            reply.detach();
        }
        over.end();
        answer(b, buffers.takeOutput(standIn));
        return true;
    }

    // Before a command runs.

    /**
     * All shards that a command needs to serve the keys that it may make ready.
     *
     * @param taken those that its keys are in; their locks are taken
     */
    long reach(BatchEntry e, long taken) {
        CommandRow row = e.row;
        Transaction transaction = e.connection.transaction;
        if (row == null || !e.isRunnable()) {
            return 0;
        }
        if (transaction != null) {
            return row.neverQueued && transaction.has(CommandFlag.WRITE) ? reach(taken) : 0;
        }
        if (!row.has(CommandFlag.WRITE)) {
            return 0;
        }
        if (row.firstKey == 0) {
            return reach(taken);
        }
        long args = table.entry(e.firstArgument);
        long reach = 0;
        int last = row.lastKey(e.argc);
        for (int k = row.firstKey; k <= last; k += row.keyStep) {
            long key = ArgumentTable.address(args, k);
            int length = ArgumentTable.length(args, k);
            Partition partition = shards.partition(key, length);
            if (!partition.lines.isEmpty()) {
                long one = partition.lines.reach(key, length, partition.shard.hash(key, length));
                if (one == WaitingLines.NOT_KNOWN) {
                    return reach(taken);
                }
                reach |= one;
            }
        }
        return reach;
    }

    /** All that the commands that wait in these shards are over. */
    private long reach(long taken) {
        long reach = 0;
        for (long rest = taken; rest != 0; rest &= rest - 1) {
            reach |= shards.all[Long.numberOfTrailingZeros(rest)].lines.over();
        }
        return reach;
    }
}
