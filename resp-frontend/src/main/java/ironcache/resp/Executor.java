package ironcache.resp;

import ironcache.engine.ColdMiss;
import ironcache.engine.Shard;
import ironcache.hybridlog.Record;
import ironcache.tiering.DamagedBlockException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Runs commands in batches. The requests that one turn of the loop received, of all connections, are parsed into one batch; then all their keys
 * are hashed and their buckets loaded, then all their records, then each runs in order. So the cache misses of independent commands overlap
 * instead of queueing, also for clients that do not pipeline. A single command skips that.
 *
 * <p>Time is read once per batch where all its commands are brief, and shared among them equally, to spare each command its clock
 * reads (their cost here is not measured yet). A command not flagged BRIEF is timed by itself, and every command is while slowlog-log-slower-than is below
 * {@value #TIME_EACH_BELOW_MICROS} µs.
 *
 * <p>Owned by the shard's thread. Allocates nothing on the paths of ordinary commands.
 */
final class Executor {
    /** Three lines of each command's record then fit into the first-level cache. */
    private static final int MOST_COMMANDS = 128;

    private static final int MOST_ARGUMENTS = 2048;
    private static final int MOST_TOUCHES = 512;
    static final long TIME_EACH_BELOW_MICROS = 1000;

    /** While a connection is parked, the keys of this many commands behind are asked for at once. */
    private static final int MOST_PREFETCHED = 128;

    private static final long CHECKED_FLAGS =
            CommandFlag.WRITE.bit() | CommandFlag.DENYOOM.bit() | CommandFlag.PROTECTED.bit();

    // What is wrong with an entry.
    private static final int NONE = 0;
    private static final int PROTOCOL_ERROR = 1;
    private static final int UNKNOWN_SUBCOMMAND = 2;

    /** One command of the batch. */
    private static final class Entry {
        /** Set whenever the entry is in the batch. */
        @SuppressWarnings("NullAway.Init")
        Connection connection;

        @Nullable CommandRow row;
        int firstArgument;
        int argc;

        /** Address of the request's first byte. */
        long start;

        /** The bits of all its arguments' lengths. */
        int lengthBits;

        /** One of the constants above. */
        int problem;

        // With several shards:

        /** The set of shards that its arguments name. */
        long over;

        /** It has keys where its row says. */
        boolean keyed;
    }

    private final Node node;
    private final Shards shards;
    private final Partition own;
    private final Shard shard;
    private final Lease lease;
    private final TurnClock clock;
    private final CommandTable commands;
    private final CommandRow exec;
    private final CommandRow scan;
    private final CommandRow unwatch;
    private final ReplyWriter reply;
    private final CommandContext context;
    private final Transactions transactions;

    /** The set of shards that the command that runs is over; 0: this thread's alone. */
    private long over;

    /** Of a command inside of EXEC, whose own is the other one. */
    private final CommandContext queuedContext;

    private final ArgumentTable table = new ArgumentTable();
    private final RequestParser parser = new RequestParser(table);
    private final Entry[] batch = new Entry[MOST_COMMANDS];
    private int batchSize;
    private int keyedCommands;
    private final long[] touched = new long[MOST_TOUCHES];
    private final int[] touchedDb = new int[MOST_TOUCHES];

    // Commands of the batch whose time is not attributed yet: from groupStart on, since groupSince.
    private int groupStart;
    private long groupSince;

    Executor(
            Node node,
            Partition own,
            TurnClock clock,
            ConnectionBuffers buffers,
            ReplyWriter reply) {
        this.node = node;
        this.shards = node.shards;
        this.own = own;
        this.shard = own.shard;
        this.lease = new Lease(shards, own, clock);
        this.clock = clock;
        this.commands = own.commands;
        this.exec = Objects.requireNonNull(commands.find("EXEC"));
        this.unwatch = Objects.requireNonNull(commands.find("UNWATCH"));
        this.scan = Objects.requireNonNull(commands.find("SCAN"));
        this.reply = reply;
        this.transactions = new Transactions(shards, own, reply, table, this::runQueued);
        this.context = new CommandContext(node, own, buffers, reply, transactions);
        this.queuedContext = new CommandContext(node, own, buffers, reply, transactions);
        for (int i = 0; i < batch.length; i++) {
            batch[i] = new Entry();
        }
    }

    RequestParser parser() {
        return parser;
    }

    ArgumentTable table() {
        return table;
    }

    // Parsing into the batch.

    /** Parses all requests of the connection's region; runs batches as they fill up. What remains of the region is for the caller to keep. */
    void accept(Connection c) {
        while (c.at < c.regionEnd && c.state == Connection.State.OPEN && c.protocolError == null) {
            if (batchSize == MOST_COMMANDS || table.size() >= MOST_ARGUMENTS) {
                run();
                continue;
            }
            int first = table.size();
            boolean trusted = (c.checks & Connection.CHECK_AUTH) == 0;
            int status = parser.parse(c.at, c.regionEnd, trusted);
            if (status == RequestParser.COMPLETE) {
                add(c, first);
                c.at = parser.next();
                if (!trusted) {
                    // AUTH may come next, and other limits hold after it.
                    run();
                }
            } else if (status == RequestParser.INCOMPLETE) {
                c.neededBytes = parser.neededBytes();
                return;
            } else if (status == RequestParser.EMPTY) {
                c.at = parser.next();
            } else if (status == RequestParser.FULL) {
                run();
            } else {
                addProtocolError(c);
                return;
            }
        }
        c.neededBytes = 0;
    }

    private void add(Connection c, int first) {
        Entry e = batch[batchSize++];
        int argc = parser.argc();
        long args = table.entry(first);
        long name = ArgumentTable.address(args, 0);
        int nameLength = ArgumentTable.length(args, 0);
        CommandRow row = commands.find(name, nameLength);
        e.problem = NONE;
        if (row != null) {
            if (row.firstKey != 0) {
                keyedCommands++;
            } else if (argc > 1 && row.isContainer()) {
                CommandRow sub =
                        commands.findSub(
                                row, ArgumentTable.address(args, 1), ArgumentTable.length(args, 1));
                e.problem = sub == null ? UNKNOWN_SUBCOMMAND : NONE;
                row = sub == null ? row : sub;
            }
        }
        e.connection = c;
        e.row = row;
        e.firstArgument = first;
        e.argc = argc;
        e.start = c.at;
        e.lengthBits = parser.lengthBits();
    }

    private void addProtocolError(Connection c) {
        Entry e = batch[batchSize++];
        e.connection = c;
        e.row = null;
        e.start = c.at;
        e.problem = PROTOCOL_ERROR;
        c.protocolError = parser.error();
        c.at = c.regionEnd;
    }

    // Running the batch.

    /** Runs what is in the batch and empties it. */
    void run() {
        int size = batchSize;
        if (size == 0) {
            return;
        }
        if (shards.isSingle()) {
            runBatch(size);
        } else {
            borrowForBatch(size);
            try {
                runBatch(size);
            } finally {
                lease.giveBack();
            }
        }
        if (reply.isAttached()) {
            reply.detach();
        }
        batchSize = 0;
        keyedCommands = 0;
        table.clear();
        parser.reset();
    }

    private void runBatch(int size) {
        if (keyedCommands > 1) {
            if (shards.isSingle()) {
                touchKeys(size);
            } else {
                touchKeysOfShards(size);
            }
        }
        groupStart = 0;
        groupSince = clock.nanoTime();
        for (int i = 0; i < size; i++) {
            execute(i, batch[i]);
        }
        attributeGroup(size);
    }

    /** Hashes all keys and has the shard load what it will look at. */
    private void touchKeys(int size) {
        int count = 0;
        for (int i = 0; i < size; i++) {
            Entry e = batch[i];
            CommandRow row = e.row;
            if (row == null || row.firstKey == 0) {
                continue;
            }
            long args = table.entry(e.firstArgument);
            int db = e.connection.db;
            int last = row.lastKey(e.argc);
            for (int k = row.firstKey; k <= last && count < MOST_TOUCHES; k += row.keyStep) {
                long hash =
                        shard.hash(ArgumentTable.address(args, k), ArgumentTable.length(args, k));
                ArgumentTable.putHash(args, k, hash);
                touched[count] = hash;
                touchedDb[count++] = db;
            }
        }
        shard.touch(touchedDb, touched, count);
    }

    /** As {@link #touchKeys}, for the commands over one shard, shard by shard. */
    private void touchKeysOfShards(int size) {
        for (Partition partition : shards.all) {
            int count = 0;
            for (int i = 0; i < size && count < MOST_TOUCHES; i++) {
                Entry e = batch[i];
                if (e.keyed && e.over == 1L << partition.number) {
                    CommandRow row = Objects.requireNonNull(e.row);
                    long args = table.entry(e.firstArgument);
                    long key = ArgumentTable.address(args, row.firstKey);
                    long hash = shard.hash(key, ArgumentTable.length(args, row.firstKey));
                    ArgumentTable.putHash(args, row.firstKey, hash);
                    touched[count] = hash;
                    touchedDb[count++] = e.connection.db;
                }
            }
            if (count > 0) {
                partition.shard.touch(touchedDb, touched, count);
            }
        }
    }

    private boolean isOwn(long key, int length) {
        return shards.isSingle() || shards.of(key, length) == own.number;
    }

    private void execute(int index, Entry e) {
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
        CommandRow row = e.row;
        if (row == null || e.problem != NONE || !row.arityFits(e.argc) || row.handler == null) {
            refuse(e);
            return;
        }
        if (shards.isSingle()) {
            run(index, e, row, c);
            return;
        }
        if (c.transaction != null && !row.neverQueued) {
            over = 0;
        } else {
            long set = row.neverQueued || row == unwatch ? watchedOver(c) : e.over;
            over = set == 1L << own.number ? 0 : set;
        }
        context.setShards(over == 0 ? own : partition(over), Long.bitCount(over) > 1);
        run(index, e, row, c);
    }

    // Over several shards.

    /**
     * Takes the shards that the batch's commands are over, if there are any but this thread's: once for all of them, since each lease takes
     * longer than a command. What a transaction comes to be over within the batch, its commands in the batch are over.
     */
    private void borrowForBatch(int size) {
        long set = 0;
        for (int i = 0; i < size; i++) {
            Entry e = batch[i];
            CommandRow row = e.row;
            e.over = 0;
            e.keyed = false;
            if (row != null && e.problem == NONE && row.arityFits(e.argc)) {
                e.over = shardsOf(e.connection, row, table.entry(e.firstArgument), e.argc);
                e.keyed = row.firstKey != 0 && !row.everyShard;
                set |= e.over;
            }
        }
        if ((set & ~(1L << own.number)) != 0) {
            lease.take(set);
        }
    }

    /** The set of shards that a command is over; 0 where it needs none. */
    private long shardsOf(Connection c, CommandRow row, long args, int argc) {
        if (row.everyShard) {
            return shards.everyShard();
        }
        if (row.neverQueued || row == unwatch) {
            return watchedOver(c);
        }
        if (row.keySpecs.length == 0) {
            return row == scan ? ScanCommands.shardOf(args, argc, shards) : 0;
        }
        long set = 0;
        if (row.firstKey == 0) {
            // Where the keys are is told by other arguments; what is between may be no keys, which
            // costs little.
            for (int k = 1; k < argc; k++) {
                set |=
                        1L
                                << shards.of(
                                        ArgumentTable.address(args, k),
                                        ArgumentTable.length(args, k));
            }
            return set;
        }
        int last = row.lastKey(argc);
        for (int k = row.firstKey; k <= last; k += row.keyStep) {
            set |= 1L << shards.of(ArgumentTable.address(args, k), ArgumentTable.length(args, k));
        }
        return set;
    }

    /** The set of shards that a connection's transaction and watches are over. */
    private static long watchedOver(Connection c) {
        return c.watchedOver | (c.transaction == null ? 0 : c.transaction.over);
    }

    private Partition partition(long set) {
        return shards.all[Long.numberOfTrailingZeros(set)];
    }

    private boolean isHeldBack(Connection c) {
        if (over == 0) {
            return awaits(own, c);
        }
        for (long rest = over; rest != 0; rest &= rest - 1) {
            if (awaits(partition(rest), c)) {
                return true;
            }
        }
        return false;
    }

    private static boolean awaits(Partition partition, Connection c) {
        if (!partition.holdsBack(c)) {
            return false;
        }
        partition.await(c);
        return true;
    }

    private void begin(Connection c) {
        if (over == 0) {
            shard.begin(c.waiter);
            return;
        }
        for (long rest = over; rest != 0; rest &= rest - 1) {
            Shard one = partition(rest).shard;
            one.begin(c.waiter);
            one.continueAt(clock.currentTimeMillis());
        }
    }

    private void end() {
        if (over == 0) {
            shard.end();
            return;
        }
        for (long rest = over; rest != 0; rest &= rest - 1) {
            partition(rest).shard.end();
        }
    }

    private void park(Connection c) {
        if (over == 0) {
            shard.park();
            return;
        }
        boolean reading = false;
        for (long rest = over; rest != 0; rest &= rest - 1) {
            reading |= partition(rest).shard.parkIfReading();
        }
        if (!reading) {
            own.loop.resumeLater(c.socket);
        }
    }

    /** Why a command that may use more memory is refused now, or null. */
    private @Nullable String writeRefusal() {
        if (over == 0) {
            return shard.writeRefusal();
        }
        String refusal = null;
        for (long rest = over; rest != 0 && refusal == null; rest &= rest - 1) {
            refusal = partition(rest).shard.writeRefusal();
        }
        return refusal;
    }

    /** The command waits where memory is short. @return false: nowhere */
    private boolean parkForSpace(Connection c) {
        if (over == 0) {
            return parkForSpace(shard, c);
        }
        for (long rest = over; rest != 0; rest &= rest - 1) {
            if (parkForSpace(partition(rest).shard, c)) {
                return true;
            }
        }
        return false;
    }

    private static boolean parkForSpace(Shard shard, Connection c) {
        if (shard.hasSpace()) {
            return false;
        }
        shard.parkForSpace(c.waiter);
        return true;
    }

    /** The connection closes: nothing waits for it any more, and its transaction and watches end. */
    void forget(Connection c) {
        boolean waits = c.state == Connection.State.PARKED || c.state == Connection.State.HELD;
        boolean borrowed = waits && borrow(c.over | watchedOver(c));
        if (waits && c.over == 0) {
            leave(own, c);
        }
        for (long rest = waits ? c.over : 0; rest != 0; rest &= rest - 1) {
            leave(partition(rest), c);
        }
        endTransaction(c);
        if (borrowed) {
            lease.giveBack();
        }
    }

    /** @return whether it had to: within a command over all shards, such as CLIENT KILL, or within EXEC they are there */
    private boolean borrow(long set) {
        boolean borrow = (set & ~(1L << own.number)) != 0 && !lease.isTaken();
        if (borrow) {
            lease.take(set);
        }
        return borrow;
    }

    private void endTransaction(Connection c) {
        boolean borrowed = borrow(watchedOver(c));
        transactions.end(c);
        if (borrowed) {
            lease.giveBack();
        }
    }

    private static void leave(Partition partition, Connection c) {
        partition.shard.abandon(c.waiter);
        partition.leave(c);
    }

    // One command.

    private void run(int index, Entry e, CommandRow row, Connection c) {
        if (isHeldBack(c)) {
            suspend(c, e, Connection.State.HELD);
            return;
        }
        context.set(c, row, table.entry(e.firstArgument), e.argc);
        boolean timed = node.timeEach || (row.flags & CommandFlag.BRIEF.bit()) == 0;
        if (timed) {
            attributeGroup(index);
        }
        if (((row.flags & CHECKED_FLAGS) | c.checks | e.lengthBits >>> 16) != 0
                && !admit(e, row, c)) {
            if (c.state == Connection.State.OPEN) {
                applyReplyMode(c);
            }
            return;
        }
        int errors = reply.errorCount();
        begin(c);
        try {
            Objects.requireNonNull(row.handler).run(context);
        } catch (ColdMiss miss) {
            reply.rollback();
            park(c);
            transactions.suspended(c);
            suspend(c, e, Connection.State.PARKED);
            return;
        } catch (Transactions.SpaceWanted wanted) {
            reply.rollback();
            end();
            boolean waits = parkForSpace(c);
            assert waits : "space was wanted where there is some";
            transactions.suspended(c);
            suspend(c, e, Connection.State.PARKED);
            return;
        } catch (OutputFull full) {
            reply.rollback();
            end();
            suspend(
                    c,
                    e,
                    c.inLine ? Connection.State.AWAITING_MEMORY : Connection.State.AWAITING_OUTPUT);
            return;
        } catch (DamagedBlockException damage) {
            tellDamage(damage);
        }
        end();
        c.lastCommand = row.id;
        count(c, row, errors);
        if (timed) {
            attributeOwn(index, row);
        }
        applyReplyMode(c);
    }

    /** A command inside of EXEC; its cold misses are EXEC's. */
    private void runQueued(Connection c, CommandRow row, int firstArgument, int argc) {
        queuedContext.set(c, row, table.entry(firstArgument), argc);
        if (!shards.isSingle()) {
            queuedContext.setShards(over == 0 ? own : partition(over), Long.bitCount(over) > 1);
        }
        String refusal = row.has(CommandFlag.DENYOOM) ? writeRefusal() : null;
        if (refusal != null) {
            row.rejectedCalls++;
            reply.error(refusal.substring(1));
            return;
        }
        int errors = reply.errorCount();
        long since = clock.nanoTime();
        try {
            Objects.requireNonNull(row.handler).run(queuedContext);
        } catch (DamagedBlockException damage) {
            tellDamage(damage);
        }
        count(c, row, errors);
        attribute(queuedContext, row, clock.nanoTime() - since);
    }

    /** The record cannot be served; everything else can. What is damaged is said to the client and to the operator. */
    private void tellDamage(DamagedBlockException damage) {
        reply.rollback();
        reply.error("ERR IronCache read a damaged block: " + damage.getMessage());
        node.log.warn("damaged block: " + damage.getMessage());
    }

    private void count(Connection c, CommandRow row, int errorsBefore) {
        row.calls++;
        c.commands++;
        own.stats.commands++;
        c.progress = 0;
        if (reply.errorCount() != errorsBefore) {
            row.failedCalls++;
        }
    }

    /** The command waits; its connection's later commands of the batch are skipped, and parsed again when it runs. */
    private void suspend(Connection c, Entry e, Connection.State state) {
        c.state = state;
        c.over = over;
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
    private boolean admit(Entry e, CommandRow row, Connection c) {
        if ((c.checks & Connection.CHECK_AUTH) != 0 && !row.has(CommandFlag.NO_AUTH)) {
            return reject(c, row, Errors.NO_AUTH);
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
        if (row.has(CommandFlag.DENYOOM) || executed != null && executed.has(CommandFlag.DENYOOM)) {
            String refusal = writeRefusal();
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
            transactions.queue(
                    c, row, table.entry(e.firstArgument), e.argc, shards.isSingle() ? 0 : e.over);
            return false;
        }
        if (row.has(CommandFlag.WRITE) && parkForSpace(c)) {
            suspend(c, e, Connection.State.PARKED);
            return false;
        }
        return true;
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
            endTransaction(c);
            reply.error("EXECABORT Transaction discarded because of: " + error);
        } else {
            reply.error(error);
            Transactions.refused(c);
        }
        return false;
    }

    private boolean hasLongKey(Entry e, CommandRow row) {
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
    private void refuse(Entry e) {
        Connection c = e.connection;
        if (e.problem == PROTOCOL_ERROR) {
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
        } else if (e.problem == UNKNOWN_SUBCOMMAND) {
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

    // Time.

    /** Shares the time since groupSince among the commands from groupStart up to {@code end}. */
    private void attributeGroup(int end) {
        int count = end - groupStart;
        if (count <= 0) {
            return;
        }
        long now = clock.nanoTime();
        long each = (now - groupSince) / count;
        int bucket = LatencyHistogram.bucket(each);
        boolean histograms = node.latencyTracking;
        for (int i = groupStart; i < end; i++) {
            CommandRow row = batch[i].row;
            if (row != null) {
                row.nanos += each;
                if (histograms && row.calls != 0) {
                    row.addLatency(bucket);
                }
            }
        }
        groupStart = end;
        groupSince = now;
    }

    private void attributeOwn(int index, CommandRow row) {
        long now = clock.nanoTime();
        long nanos = now - groupSince;
        groupStart = index + 1;
        groupSince = now;
        attribute(context, row, nanos);
        if (nanos > 1_000_000) {
            clock.refresh();
        }
    }

    private void attribute(CommandContext command, CommandRow row, long nanos) {
        row.nanos += nanos;
        if (node.latencyTracking) {
            row.addLatency(LatencyHistogram.bucket(nanos));
        }
        if (nanos >= node.slowNanos) {
            node.commandWasSlow(command, row, nanos);
        }
    }

    // Parse-ahead of parked connections.

    /** Asks for the keys of the commands that wait behind a parked one, so that one pipelined client can fill the device's queue. */
    void prefetchWaiting(Connection c) {
        long end = c.input + c.inputEnd;
        long at = c.input + c.inputStart + c.prefetchedBytes;
        for (int n = 0; n < MOST_PREFETCHED && at < end; n++) {
            int first = table.size();
            int status = parser.parse(at, end, true);
            if (status == RequestParser.COMPLETE) {
                prefetchKeys(c, first);
                table.truncate(first);
            } else if (status != RequestParser.EMPTY) {
                break;
            }
            at = parser.next();
        }
        c.prefetchedBytes = (int) (at - c.input - c.inputStart);
    }

    private void prefetchKeys(Connection c, int first) {
        long args = table.entry(first);
        int argc = parser.argc();
        CommandRow row =
                commands.find(ArgumentTable.address(args, 0), ArgumentTable.length(args, 0));
        if (row == null || row.firstKey == 0 || row.blindWrite || !row.arityFits(argc)) {
            return;
        }
        int last = row.lastKey(argc);
        for (int k = row.firstKey; k <= last; k += row.keyStep) {
            long key = ArgumentTable.address(args, k);
            int length = ArgumentTable.length(args, k);
            if (length <= Record.MAX_KEY_BYTES && isOwn(key, length)) {
                shard.prefetch(c.db, key, length, shard.hash(key, length));
            }
        }
    }

    void close() {
        parser.close();
        table.close();
    }
}
