package ironcache.resp;

import ironcache.engine.Shard;
import ironcache.hybridlog.Record;

/**
 * MULTI, EXEC, DISCARD, WATCH and UNWATCH, for the connections of one thread.
 *
 * <p>EXEC first asks for all keys of its commands that are cold, and waits like any other command: nothing has happened yet. Then it runs them
 * one after the other, at one time of the clock, and nobody comes between. What still misses (a page of a huge string, a key that a
 * scan found) parks it in the middle of its work; until it goes on, it <em>holds</em> its shards: commands of others wait, and no key is expired. So
 * does a transaction that waits for free memory. Its effects are seen all together or not at all, and an SSD read by somebody inside of a
 * transaction is the rare case.
 *
 * <p>While it works, the thread has all shards that the transaction is over ({@link Lease}); while it holds them, their threads do their I/O.
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

    private final Shards shards;
    private final Partition own;

    /** The shards of the command that runs. */
    private final ShardSet over;

    private final Blocking blocking;
    private final ReplyWriter reply;
    private final ArgumentTable table;
    private final Runner runner;

    Transactions(
            Shards shards,
            Partition own,
            ShardSet over,
            Blocking blocking,
            ReplyWriter reply,
            ArgumentTable table,
            Runner runner) {
        this.shards = shards;
        this.own = own;
        this.over = over;
        this.blocking = blocking;
        this.reply = reply;
        this.table = table;
        this.runner = runner;
    }

    // Holding shards.

    /** EXEC was unwound: where it has begun, it holds its shards until it is run again. */
    void suspended(Connection connection) {
        Transaction transaction = connection.transaction;
        if (transaction == null || !transaction.running) {
            return;
        }
        over.hold(connection);
        blocking.suspend(transaction);
        if (!transaction.held) {
            transaction.held = true;
            own.stats.transactionHolds++;
        }
    }

    // Commands.

    void multi(Connection connection) {
        connection.transaction = new Transaction();
        connection.check(Connection.CHECK_MULTI, true);
        reply.ok();
    }

    /**
     * Instead of running a command.
     *
     * @param commandOver the set of shards that it will be over
     */
    void queue(Connection connection, CommandRow row, long args, int argc, long commandOver) {
        Transaction transaction = of(connection);
        transaction.add(row, args, argc);
        transaction.over |= commandOver;
        transaction.wholeNode |= row.wholeNode;
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

    void discard(Connection connection) {
        if (connection.transaction == null) {
            reply.error(DISCARD_WITHOUT_MULTI);
            return;
        }
        end(connection);
        reply.ok();
    }

    /** Forgets a connection's transaction and watches. The thread has all their shards. */
    void end(Connection connection) {
        Transaction transaction = connection.transaction;
        if (transaction != null) {
            if (transaction.held) {
                shards.release(transaction.over, own);
            }
            transaction.close();
            connection.transaction = null;
            connection.check(Connection.CHECK_MULTI, false);
        }
        Watches.removeAll(connection);
    }

    /** Begins or goes on. */
    void exec(CommandContext c) {
        Connection connection = c.connection();
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
            if (Watches.isBroken(connection, c.now())) {
                end(connection);
                reply.nullArray();
                return;
            }
            if (requestKeys(connection, transaction)) {
                own.shard.awaitRequested();
            }
            transaction.nowMillis = c.now();
            transaction.setNext(transaction.first());
            transaction.running = true;
            transaction.over = over.mask();
            Watches.removeAll(connection);
            reply.array(transaction.count());
            keepReply(connection);
        } else {
            over.continueAt(transaction.nowMillis);
            blocking.resume(transaction);
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
        CommandRow row = own.commands.row(Transaction.rowId(command));
        if (row.has(CommandFlag.WRITE) && over.wantsSpace()) {
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
            CommandRow row = own.commands.row(Transaction.rowId(command));
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
                    Shard shard = shards.partition(key, length).shard;
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
            Partition partition = shards.partition(c.arg(i), c.argLength(i));
            c.connection().watchedOver |= 1L << partition.number;
            partition.watches.add(
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
}
