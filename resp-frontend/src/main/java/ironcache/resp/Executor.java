package ironcache.resp;

import ironcache.engine.ColdMiss;
import ironcache.engine.Shard;
import ironcache.hybridlog.Record;
import ironcache.tiering.CommandMemoryException;
import ironcache.tiering.DamagedBlockException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Runs the commands of a {@link Batch}: those that one turn of the loop received, of all connections. With one shard they run in the order in which they were parsed; with several
 * {@link Visits} says which comes next, and sees to it that the thread is in the shards that the command is over.
 *
 * <p>Owned by the shard's thread. Allocates nothing on the paths of ordinary commands.
 */
final class Executor {
    /** While a connection is parked, the keys of this many commands behind are asked for at once. */
    private static final int MOST_PREFETCHED = 128;

    private static final long CHECKED_FLAGS =
            CommandFlag.WRITE.bit() | CommandFlag.DENYOOM.bit() | CommandFlag.PROTECTED.bit();

    private final Node node;
    private final Shards shards;
    private final Partition own;
    private final ReplyGate gate;
    private final Lease lease;
    private final TurnClock clock;
    private final CommandTable commands;
    private final CommandRow exec;
    private final ReplyWriter reply;
    private final CommandContext context;
    private final Transactions transactions;
    private final Blocking blocking;
    private final CommandTimes times;
    private final Batch batch;
    private final ArgumentTable table;
    private final Visits visits;

    /** The shards that the command that runs is over. */
    private final ShardSet over;

    /** Of a connection that closes while its command waits. */
    private final ShardSet waitedFor;

    /** Of a command inside of EXEC, whose own is the other one, or of a blocked command that is served. */
    private final CommandContext queuedContext;

    private final Types types = new Types();

    Executor(
            Node node,
            Partition own,
            TurnClock clock,
            ConnectionBuffers buffers,
            ReplyWriter reply,
            ReplyGate gate) {
        this.node = node;
        this.shards = node.shards;
        this.own = own;
        this.gate = gate;
        this.lease = new Lease(shards, own, clock, gate);
        this.clock = clock;
        this.commands = own.commands;
        this.exec = Objects.requireNonNull(commands.find("EXEC"));
        this.reply = reply;
        this.times = new CommandTimes(node, clock);
        this.batch = new Batch(commands, shards);
        this.table = batch.table();
        this.over = new ShardSet(shards, own);
        this.waitedFor = new ShardSet(shards, own);
        this.blocking =
                new Blocking(shards, own, over, clock, reply, table, buffers, this::runQueued);
        this.visits = new Visits(batch, shards, own, lease, over, blocking, this::execute);
        this.transactions =
                new Transactions(shards, own, over, blocking, reply, table, this::runQueued);
        this.context = new CommandContext(node, own, buffers, reply, transactions, blocking, types);
        this.queuedContext =
                new CommandContext(node, own, buffers, reply, transactions, blocking, types);
        types.limit(own.shard.commandBytes());
    }

    RequestParser parser() {
        return batch.parser();
    }

    /** Runs something while this thread has all turns and all shards; it is in none now. */
    void inWholeNode(Runnable work) {
        if (shards.isSingle()) {
            work.run();
            return;
        }
        lease.takeNode();
        work.run();
        lease.giveBack();
    }

    // The batch.

    /** Parses all requests of the connection's region; runs batches as they fill up. What remains of the region is for the caller to keep. */
    void accept(Connection c) {
        while (!batch.parse(c)) {
            run();
        }
    }

    boolean isParsable(Connection c) {
        return batch.isParsable(c);
    }

    /** Runs what is in the batch and empties it. */
    void run() {
        int size = batch.size();
        if (size == 0) {
            return;
        }
        if (shards.isSingle()) {
            batch.touch(own.shard);
            times.begin();
            for (int i = 0; i < size; i++) {
                execute(batch.entry(i));
            }
        } else {
            times.begin();
            visits.run();
        }
        times.end();
        if (reply.isAttached()) {
            reply.detach();
        }
        batch.clear();
    }

    private void execute(BatchEntry e) {
        Connection c = e.connection;
        if (c.state != Connection.State.OPEN) {
            return;
        }
        if (reply.connection() != c) {
            if (reply.isAttached()) {
                reply.detach();
            }
            reply.attach(c);
        } else {
            reply.mark();
        }
        c.spoke = true;
        CommandRow row = e.row;
        if (row == null || !e.isRunnable()) {
            refuse(e);
            return;
        }
        assert shards.isSingle() || lease.covers(over.mask()) : "a shard that nobody gave us";
        context.setShards(over.first(), over.isSeveral());
        run(e, row, c);
    }

    /** The connection closes: nothing waits for it any more, and its transaction and watches end. */
    void forget(Connection c) {
        boolean waits = c.state == Connection.State.PARKED || c.state == Connection.State.HELD;
        BlockedCommand blocked = c.blocked;
        boolean borrowed = borrow((waits || c.view != null ? c.over : 0) | watchedOver(c), blocked);
        c.closeView();
        if (blocked != null) {
            blocking.abandon(blocked);
        }
        if (waits) {
            waitedFor.assign(c.over);
            waitedFor.abandon(c);
        }
        transactions.end(c);
        if (borrowed) {
            lease.giveBack();
        }
    }

    // Blocked connections.

    Blocking blocking() {
        return blocking;
    }

    /** As {@link #borrow(long)}, and the shards of a blocked command with those that it holds. */
    private boolean borrow(long set, @Nullable BlockedCommand b) {
        if (b == null) {
            return borrow(set);
        }
        boolean borrowed = borrow(set | b.over);
        // Whoever makes it hold some has its own.
        if (borrowed && !lease.covers(b.held)) {
            lease.giveBack();
            borrowed = borrow(set | b.over | b.held);
        }
        return borrowed;
    }

    /** The time of some blocked commands may be over. */
    void endLate() {
        for (BlockedCommand b = blocking.nextLate(); b != null; b = blocking.nextLate()) {
            boolean borrowed = borrow(0, b);
            blocking.timeOut(b);
            if (borrowed) {
                lease.giveBack();
            }
        }
    }

    /** Somebody says that a blocked connection may go on. @return false: its command holds shards, and waits still */
    boolean endBlocked(Connection c) {
        byte[] said = blocking.end(c);
        if (said != null) {
            reply.attach(c);
            reply.raw(said);
            applyReplyMode(c);
            reply.detach();
            c.commands++;
            c.spoke = true;
            return true;
        }
        BlockedCommand b = c.blocked;
        if (b != null) {
            boolean borrowed = borrow(0, b);
            if (b.held != 0) {
                blocking.resume(b, b.held);
            }
            if (borrowed) {
                lease.giveBack();
            }
        }
        return false;
    }

    /** The set of shards that a connection's transaction and watches are over; may be empty. */
    private static long watchedOver(Connection c) {
        return c.watchedOver | (c.transaction == null ? 0 : c.transaction.over);
    }

    /** @return whether it had to: within a command over the whole node, such as CLIENT KILL, they are there */
    private boolean borrow(long set) {
        if (set == 0 || shards.isSingle() || lease.isTaken()) {
            assert set == 0 || shards.isSingle() || lease.covers(set) : "not over the whole node";
            return false;
        }
        lease.take(set);
        return true;
    }

    // One command.

    private void run(BatchEntry e, CommandRow row, Connection c) {
        if (over.holdsBack(c)) {
            suspend(c, e, Connection.State.HELD);
            return;
        }
        context.set(c, row, table.entry(e.firstArgument), e.argc);
        boolean timed = times.isTimed(row);
        if (timed) {
            times.end();
        }
        if (((row.flags & CHECKED_FLAGS) | c.checks | e.lengthBits >>> 16) != 0
                && !admit(e, row, c)) {
            if (c.state == Connection.State.OPEN) {
                applyReplyMode(c);
            }
            return;
        }
        int errors = reply.errorCount();
        over.begin(c.waiter, clock.currentTimeMillis());
        try {
            Objects.requireNonNull(row.handler).run(context);
        } catch (ColdMiss miss) {
            reply.rollback();
            if (!over.park()) {
                own.loop.resumeLater(c.socket);
            }
            transactions.suspended(c);
            suspend(c, e, Connection.State.PARKED);
            return;
        } catch (Blocking.Signal blocks) {
            reply.rollback();
            over.end();
            c.lastCommand = row.id;
            node.peer(c);
            blocking.stand(
                    c,
                    row,
                    table.entry(e.firstArgument),
                    e.argc,
                    shards.isSingle() ? over.mask() : e.over);
            c.state = Connection.State.BLOCKED;
            c.at = e.end;
            c.protocolError = null;
            return;
        } catch (Transactions.SpaceWanted wanted) {
            reply.rollback();
            over.suspend();
            boolean waits = over.parkForSpace(c);
            assert waits : "space was wanted where there is some";
            transactions.suspended(c);
            suspend(c, e, Connection.State.PARKED);
            return;
        } catch (SnapshotWanted wanted) {
            reply.rollback();
            over.end();
            suspend(c, e, Connection.State.PARKED);
            return;
        } catch (OutputFull full) {
            reply.rollback();
            over.end();
            suspend(
                    c,
                    e,
                    c.inLine ? Connection.State.AWAITING_MEMORY : Connection.State.AWAITING_OUTPUT);
            return;
        } catch (DamagedBlockException damage) {
            tellDamage(c, damage);
        } catch (CommandMemoryException tooMuch) {
            refuseMemory(c);
        }
        over.end();
        c.lastCommand = row.id;
        count(c, row, errors);
        if (timed) {
            times.ranAlone(context, row);
        } else {
            times.ran(row);
        }
        applyReplyMode(c);
        if (blocking.isAnyReady()) {
            blocking.serve();
        }
    }

    /** A command inside of EXEC, whose cold misses are EXEC's, or one that was blocked. */
    private void runQueued(Connection c, CommandRow row, int firstArgument, int argc) {
        queuedContext.set(c, row, table.entry(firstArgument), argc);
        queuedContext.setShards(over.first(), over.isSeveral());
        String refusal = row.has(CommandFlag.DENYOOM) ? over.writeRefusal() : null;
        // A transaction that has begun goes on to its end, so that it happens as a whole.
        if (refusal != null && (c.transaction == null || !over.hasReserve())) {
            row.rejectedCalls++;
            reply.error(refusal.substring(1));
            return;
        }
        noteChanges(row.has(CommandFlag.WRITE));
        int errors = reply.errorCount();
        long since = clock.nanoTime();
        try {
            Objects.requireNonNull(row.handler).run(queuedContext);
        } catch (DamagedBlockException damage) {
            tellDamage(c, damage);
        } catch (CommandMemoryException tooMuch) {
            refuseMemory(c);
        }
        count(c, row, errors);
        times.add(queuedContext, row, clock.nanoTime() - since);
    }

    /** The record cannot be served; everything else can. What is damaged is said to the client and to the operator. */
    private void tellDamage(Connection c, DamagedBlockException damage) {
        fail(c, "ERR IronCache read a damaged block: " + damage.getMessage());
        node.log.warn("damaged block: " + damage.getMessage());
    }

    /** An error instead of the reply; where part of that may be sent already, the connection ends. */
    private void fail(Connection c, String error) {
        reply.rollback();
        if (c.view != null) {
            c.state = Connection.State.DRAINING;
        } else {
            reply.error(error);
        }
    }

    /** The command would have to hold too much at once, and has written nothing. */
    private void refuseMemory(Connection c) {
        fail(
                c,
                "OOM command not allowed when it takes more memory at once than "
                        + (own.shard.commandBytes() >> 20)
                        + " MiB, a quarter of a shard's: raise maxmemory, or work on smaller values");
        types.clear();
    }

    private void count(Connection c, CommandRow row, int errorsBefore) {
        row.calls++;
        c.commands++;
        own.stats.commands++;
        c.progress = 0;
        c.closeView();
        if (reply.errorCount() != errorsBefore) {
            row.failedCalls++;
        }
    }

    /** The command waits; its connection's later commands of the batch are skipped, and parsed again when it runs. */
    private void suspend(Connection c, BatchEntry e, Connection.State state) {
        c.state = state;
        c.over = over.mask();
        c.at = e.start;
        c.protocolError = null;
        own.stats.parks++;
    }

    /** Says something outside of any command. */
    void write(Connection c, String text) {
        run();
        reply.attach(c);
        reply.text(text);
        reply.detach();
    }

    // Admission.

    /** @return false: a reply was written, or the connection waits */
    private boolean admit(BatchEntry e, CommandRow row, Connection c) {
        if ((c.checks & Connection.CHECK_AUTH) != 0 && !row.has(CommandFlag.NO_AUTH)) {
            return reject(c, row, Errors.NO_AUTH);
        }
        if ((c.checks & Connection.CHECK_LOADING) != 0) {
            if (node.loading && !row.has(CommandFlag.LOADING)) {
                return reject(c, row, Errors.LOADING);
            }
            c.check(Connection.CHECK_LOADING, node.loading);
        }
        if (e.lengthBits >>> 16 != 0 && hasLongKey(e, row)) {
            return reject(c, row, Errors.KEY_TOO_LONG);
        }
        if (row.has(CommandFlag.PROTECTED) && !node.allowsProtected(row, c)) {
            boolean debug =
                    row.name.equals("DEBUG")
                            || row.parent != null && row.parent.name.equals("DEBUG");
            return reject(c, row, debug ? Errors.DEBUG_PROTECTED : Errors.MODULE_PROTECTED);
        }
        Transaction transaction = c.transaction;
        if (transaction != null && row.has(CommandFlag.NO_MULTI)) {
            row.rejectedCalls++;
            reply.error("ERR Command '" + row.fullName + "' not allowed inside a transaction");
            Transactions.refused(c);
            return false;
        }
        Transaction executed = row == exec ? transaction : null;
        boolean changes =
                row.has(CommandFlag.WRITE) || executed != null && executed.has(CommandFlag.WRITE);
        if (executed != null && executed.running) {
            // It is not refused in the middle of its work: what it did would stay.
            noteChanges(changes);
            return true;
        }
        if (changes) {
            String failure = over.logFailure();
            if (failure != null) {
                return reject(c, row, "MISCONF " + failure);
            }
        }
        if (row.has(CommandFlag.DENYOOM) || executed != null && executed.has(CommandFlag.DENYOOM)) {
            String refusal = over.writeRefusal();
            if (refusal != null) {
                return reject(c, row, refusal.substring(1));
            }
        }
        if ((c.checks & Connection.CHECK_PAUSE) != 0
                && (node.isPaused(row) || executed != null && node.isPaused(executed))) {
            suspend(c, e, Connection.State.PAUSED);
            return false;
        }
        if (transaction != null && !row.neverQueued) {
            transactions.queue(c, row, table.entry(e.firstArgument), e.argc, e.over);
            return false;
        }
        if (row.has(CommandFlag.WRITE) && over.parkForSpace(c)) {
            suspend(c, e, Connection.State.PARKED);
            return false;
        }
        noteChanges(changes);
        return true;
    }

    private void noteChanges(boolean changes) {
        if (changes) {
            gate.changes();
        }
    }

    private boolean reject(Connection c, CommandRow row, ErrorReply error) {
        row.rejectedCalls++;
        reply.error(error);
        Transactions.refused(c);
        return false;
    }

    /** @param error without the leading minus */
    private boolean reject(Connection c, CommandRow row, String error) {
        row.rejectedCalls++;
        if (row == exec) {
            transactions.end(c);
            reply.error("EXECABORT Transaction discarded because of: " + error);
        } else {
            reply.error(error);
            Transactions.refused(c);
        }
        return false;
    }

    private boolean hasLongKey(BatchEntry e, CommandRow row) {
        if (row.firstKey == 0) {
            return false;
        }
        long args = table.entry(e.firstArgument);
        int last = row.lastKey(e.argc);
        for (int k = row.firstKey; k <= last; k += row.keyStep) {
            if (ArgumentTable.length(args, k) > Record.MAX_KEY_BYTES) {
                return true;
            }
        }
        return false;
    }

    /** Answers what is no command: unknown names, wrong arity, broken protocol. */
    private void refuse(BatchEntry e) {
        Connection c = e.connection;
        if (e.problem == BatchEntry.Problem.PROTOCOL_ERROR) {
            reply.error("ERR Protocol error: " + c.protocolError);
            applyReplyMode(c);
            c.state = Connection.State.DRAINING;
            own.stats.protocolErrors++;
            return;
        }
        context.setArguments(table.entry(e.firstArgument), e.argc);
        CommandRow row = e.row;
        if (row == null) {
            if (context.argIs(0, "HOST:") || context.argIs(0, "POST")) {
                // A browser was tricked into talking to us: Valkey cuts it off without a word.
                c.state = Connection.State.DRAINING;
                return;
            }
        }
        if ((c.checks & Connection.CHECK_AUTH) != 0
                && (row == null || !row.has(CommandFlag.NO_AUTH))) {
            reply.error(Errors.NO_AUTH);
        } else if (row == null) {
            reply.error(unknownCommand());
        } else if (e.problem == BatchEntry.Problem.UNKNOWN_SUBCOMMAND) {
            reply.error(
                    "ERR unknown subcommand '" + clipped(1, 128) + "'. Try " + row.name + " HELP.");
        } else {
            String wrong = "wrong number of arguments for '" + row.fullName + "' command";
            reject(c, row, row == exec ? wrong : "ERR " + wrong);
        }
        Transactions.refused(c);
        applyReplyMode(c);
    }

    private String unknownCommand() {
        StringBuilder text = new StringBuilder(256);
        text.append("ERR unknown command '")
                .append(clipped(0, 128))
                .append("', with args beginning with: ");
        int argsStart = text.length();
        for (int i = 1; i < context.argc() && text.length() - argsStart < 128; i++) {
            String argument = clipped(i, 128 - (text.length() - argsStart));
            text.append('\'').append(argument).append("' ");
        }
        return text.toString();
    }

    /** An argument as C's {@code %.*s} shows it: up to a zero byte. */
    private String clipped(int i, int most) {
        String text = context.argUpToZero(i);
        return text.substring(0, Math.min(text.length(), most));
    }

    private void applyReplyMode(Connection c) {
        if ((c.checks & Connection.CHECK_REPLY_MODE) == 0) {
            return;
        }
        if (c.replyOff || c.replySkip) {
            reply.rollback();
        }
        c.replySkip = c.replySkipNext;
        c.replySkipNext = false;
        c.check(Connection.CHECK_REPLY_MODE, c.replyOff || c.replySkip);
    }

    // Parse-ahead of parked connections.

    /** Asks for the keys of the commands that wait behind a parked one, so that one pipelined client can fill the device's queue. */
    void prefetchWaiting(Connection c) {
        long end = c.input + c.inputEnd;
        long at = c.input + c.inputStart + c.prefetchedBytes;
        for (int n = 0; n < MOST_PREFETCHED && at < end; n++) {
            int first = table.size();
            int status = parser().parse(at, end, true);
            if (status == RequestParser.COMPLETE) {
                prefetchKeys(c, first);
                table.truncate(first);
            } else if (status != RequestParser.EMPTY) {
                break;
            }
            at = parser().next();
        }
        c.prefetchedBytes = (int) (at - c.input - c.inputStart);
    }

    private void prefetchKeys(Connection c, int first) {
        long args = table.entry(first);
        int argc = parser().argc();
        CommandRow row =
                commands.find(ArgumentTable.address(args, 0), ArgumentTable.length(args, 0));
        if (row == null || row.firstKey == 0 || row.blindWrite || !row.arityFits(argc)) {
            return;
        }
        int last = row.lastKey(argc);
        for (int k = row.firstKey; k <= last; k += row.keyStep) {
            long key = ArgumentTable.address(args, k);
            int length = ArgumentTable.length(args, k);
            if (length <= Record.MAX_KEY_BYTES) {
                Partition partition = shards.partition(key, length);
                partition.enter(own);
                Shard shard = partition.shard;
                shard.prefetch(c.db, key, length, shard.hash(key, length));
                partition.leave();
            }
        }
    }

    void close() {
        context.close();
        queuedContext.close();
        batch.close();
        types.close();
    }
}
