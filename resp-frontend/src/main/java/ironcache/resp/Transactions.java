package ironcache.resp;

import ironcache.engine.ColdMiss;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * MULTI, EXEC, DISCARD, WATCH and UNWATCH of one shard.
 *
 * <p>EXEC first asks for all keys of its commands that are cold, and waits like any other command: nothing has happened yet. Then it runs them
 * one after the other, at one time of the clock, and nobody comes between. What still misses (a page of a huge string, a key that a
 * scan found) parks it in the middle of its work; until it goes on, it <em>holds</em> the shard: commands of others wait, and no key is expired. So
 * does a transaction that waits for free memory. Its effects are seen all together or not at all, and an SSD read by somebody inside of a
 * transaction is the rare case.
 *
 * <p>Owned by the shard's thread.
 */
final class Transactions {
    private static final ErrorReply EXEC_WITHOUT_MULTI = new ErrorReply("ERR EXEC without MULTI");
    private static final ErrorReply DISCARD_WITHOUT_MULTI =
            new ErrorReply("ERR DISCARD without MULTI");
    private static final ErrorReply EXEC_ABORT =
            new ErrorReply("EXECABORT Transaction discarded because of previous errors.");

    /** Unwinds EXEC where a command of it needs memory that is not free yet; stackless and single, like ColdMiss. */
    static final class SpaceWanted extends RuntimeException {
        private static final long serialVersionUID = 1L;
        static final SpaceWanted SIGNAL = new SpaceWanted();

        private SpaceWanted() {
            super(null, null, false, false);
        }
    }

    /** Runs a queued command; the executor does, as it runs others. */
    interface Runner {
        void run(Connection connection, CommandRow row, int firstArgument, int argc);
    }

    final Watches watches = new Watches();
    private final Node node;
    private final Shard shard;
    private final ReplyWriter reply;
    private final ArgumentTable table;
    private final Runner runner;

    /** Whose transaction is in the middle of its work; null: nobody's. */
    private @Nullable Connection holder;

    /** Those whose commands wait for the holder, in their order. */
    private final ArrayDeque<Connection> held = new ArrayDeque<>();

    Transactions(Node node, Shard shard, ReplyWriter reply, ArgumentTable table, Runner runner) {
        this.node = node;
        this.shard = shard;
        this.reply = reply;
        this.table = table;
        this.runner = runner;
    }

    // Holding the shard.

    /** Whether a command of this connection has to wait for another's transaction. */
    boolean holdsBack(Connection connection) {
        return holder != null && holder != connection;
    }

    /** The connection's commands run when the shard is free again. */
    void await(Connection connection) {
        held.add(connection);
    }

    /** EXEC was unwound: where it has begun, it holds the shard until it is run again. */
    void suspended(Connection connection) {
        Transaction transaction = connection.transaction;
        if (transaction != null && transaction.running) {
            if (holder == null) {
                node.stats.transactionHolds++;
            }
            holder = connection;
            shard.holdExpiry(true);
        }
    }

    private void release() {
        holder = null;
        shard.holdExpiry(false);
        while (!held.isEmpty()) {
            node.loop().onReady(held.remove().socket);
        }
    }

    // Commands.

    void multi(Connection connection) {
        connection.transaction = new Transaction();
        connection.check(Connection.CHECK_MULTI, true);
        reply.ok();
    }

    /** Instead of running a command. */
    void queue(Connection connection, CommandRow row, long args, int argc) {
        Transaction transaction = of(connection);
        transaction.add(row, args, argc);
        reply.simple("QUEUED");
    }

    private static Transaction of(Connection connection) {
        Transaction transaction = connection.transaction;
        if (transaction == null) {
            throw new IllegalStateException("client " + connection.id + " has no transaction");
        }
        return transaction;
    }

    /** A command was refused; if it was to be queued, EXEC will be. */
    static void refused(Connection connection) {
        Transaction transaction = connection.transaction;
        if (transaction != null && !transaction.running) {
            transaction.failed = true;
        }
    }

    /** EXEC itself was refused: ends the transaction. */
    void abort(Connection connection, String reason) {
        end(connection);
        reply.error("EXECABORT Transaction discarded because of: " + reason);
    }

    void discard(Connection connection) {
        if (connection.transaction == null) {
            reply.error(DISCARD_WITHOUT_MULTI);
            return;
        }
        end(connection);
        reply.ok();
    }

    /** Forgets a connection's transaction and watches. */
    void end(Connection connection) {
        Transaction transaction = connection.transaction;
        if (transaction != null) {
            transaction.close();
            connection.transaction = null;
            connection.check(Connection.CHECK_MULTI, false);
        }
        watches.removeAll(connection);
        if (holder == connection) {
            release();
        } else if (connection.state == Connection.State.HELD) {
            held.remove(connection);
        }
    }

    /** Begins or goes on. */
    void exec(Connection connection) {
        Transaction transaction = connection.transaction;
        if (transaction == null) {
            reply.error(EXEC_WITHOUT_MULTI);
            return;
        }
        if (!transaction.running) {
            if (transaction.failed) {
                end(connection);
                reply.error(EXEC_ABORT);
                return;
            }
            if (watches.isBroken(connection, shard.nowMillis())) {
                end(connection);
                reply.nullArray();
                return;
            }
            if (requestKeys(connection, transaction)) {
                shard.awaitRequested();
            }
            transaction.nowMillis = shard.nowMillis();
            transaction.setNext(transaction.first());
            transaction.running = true;
            watches.removeAll(connection);
            reply.array(transaction.count());
            keepReply(connection);
        } else {
            shard.continueAt(transaction.nowMillis);
        }
        while (transaction.next() != transaction.end()) {
            transaction.setNext(step(connection, transaction));
            keepReply(connection);
        }
        end(connection);
    }

    /** What follows may unwind; what was said stays said, unless the client wants to hear nothing. */
    private void keepReply(Connection connection) {
        if (connection.replyOff || connection.replySkip) {
            reply.rollback();
        } else {
            reply.checkpoint();
        }
    }

    /** @return the command after the one that ran */
    private long step(Connection connection, Transaction transaction) {
        long command = transaction.next();
        CommandRow row = node.commands.row(Transaction.rowId(command));
        if (row.has(CommandFlag.WRITE) && !shard.hasSpace() && shard.writeRefusal() == null) {
            throw SpaceWanted.SIGNAL;
        }
        int first = table.size();
        try {
            long after = Transaction.after(command, table);
            runner.run(connection, row, first, Transaction.argc(command));
            return after;
        } finally {
            table.truncate(first);
        }
    }

    /** Asks for what is cold of all keys, as far as the command table tells them. @return whether there is something to wait for */
    private boolean requestKeys(Connection connection, Transaction transaction) {
        boolean any = false;
        int db = connection.db;
        int first = table.size();
        long command = transaction.first();
        while (command != transaction.end()) {
            CommandRow row = node.commands.row(Transaction.rowId(command));
            int argc = Transaction.argc(command);
            command = Transaction.after(command, table);
            long args = table.entry(first);
            if (row.name.equals("SELECT")) {
                long address = ArgumentTable.address(args, 1);
                int length = ArgumentTable.length(args, 1);
                long wanted = Digits.isLong(address, length) ? Digits.parse(address, length) : db;
                db = wanted >= 0 && wanted < Shard.DATABASES ? (int) wanted : db;
            } else if (row.firstKey != 0 && !row.blindWrite) {
                int last = row.lastKey(argc);
                for (int k = row.firstKey; k <= last; k += row.keyStep) {
                    long key = ArgumentTable.address(args, k);
                    int length = ArgumentTable.length(args, k);
                    any |= shard.request(db, key, length, shard.hash(key, length));
                }
            }
            table.truncate(first);
        }
        return any;
    }

    void watch(CommandContext c) {
        for (int i = 1; i < c.argc(); i++) {
            c.prefetch(i);
        }
        // All reads come first: a miss runs this again.
        for (int i = 1; i < c.argc(); i++) {
            long _ = c.peek(i);
        }
        for (int i = 1; i < c.argc(); i++) {
            long record = c.peek(i);
            long expiry = record != 0 && Record.hasExpiry(record) ? Record.expiry(record) : 0;
            watches.add(
                    c.connection(),
                    c.db(),
                    c.arg(i),
                    c.argLength(i),
                    c.hash(i),
                    record != 0,
                    expiry);
        }
        reply.ok();
    }

    // What breaks watches.

    void changed(int db, long key, int keyLength) {
        if (!watches.isEmpty()) {
            watches.changed(db, key, keyLength, shard.hash(key, keyLength));
        }
    }

    void flushed(int db) {
        if (!watches.isEmpty()) {
            watches.flushed(db);
        }
    }

    /** Before two databases change places. */
    void swapping(int db, int otherDb) {
        if (!watches.isEmpty()) {
            watches.replaced(db, otherDb, this::exists);
            watches.replaced(otherDb, db, this::exists);
        }
    }

    /** A cold candidate counts as the key: a watch broken in vain is retried by its client. */
    private boolean exists(int db, byte[] key, long hash) {
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
}
