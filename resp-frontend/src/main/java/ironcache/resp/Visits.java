package ironcache.resp;

import java.util.Objects;

/**
 * Runs a batch over several shards. The thread goes from shard to shard: in each it runs what its connections have next for that shard, and moves on. So a
 * connection's commands run one after the other in their order, whatever shards they are over, while its thread is in one shard at a time,
 * for microseconds, and the other threads are in others. A shard that another thread is in is passed by as long as there is something to do elsewhere.
 *
 * <p>A command over several shards, or over the whole node, gets them all when it is next and nothing else can be done.
 *
 * <p>Where somebody waits for a key that a command may make ready, the command is over all shards that are needed to serve him ({@link Blocking}): that shows only
 * when it is looked at in its shards.
 *
 * <p>Owned by the shard's thread. Allocates nothing.
 */
final class Visits {
    /** A visit ends after the command that it has lasted so long with: others wait. */
    private static final long MOST_NANOS = 50_000;

    /** Runs a command in the shards that it is over. */
    interface Runner {
        void run(BatchEntry e);
    }

    private final Batch batch;
    private final Shards shards;
    private final Partition own;
    private final Lease lease;
    private final ShardSet over;
    private final Blocking blocking;
    private final CommandRow exec;
    private final CommandRow unwatch;
    private final Runner runner;

    // The connections with commands left: index of the next, the end of its commands, and the
    // shards that the next is over.
    private final int[] next = new int[Batch.MOST_COMMANDS];
    private final int[] end = new int[Batch.MOST_COMMANDS];
    private final long[] nextOver = new long[Batch.MOST_COMMANDS];
    private int left;

    /** Shards for which the next command of some connection is, over that alone. */
    private long wanted;

    /** @param over set before each command that {@code runner} is given */
    Visits(
            Batch batch,
            Shards shards,
            Partition own,
            Lease lease,
            ShardSet over,
            Blocking blocking,
            Runner runner) {
        this.batch = batch;
        this.shards = shards;
        this.own = own;
        this.lease = lease;
        this.over = over;
        this.blocking = blocking;
        this.exec = Objects.requireNonNull(own.commands.find("EXEC"));
        this.unwatch = Objects.requireNonNull(own.commands.find("UNWATCH"));
        this.runner = runner;
    }

    /** Runs the whole batch. The thread is in no shard, before and after. */
    void run() {
        batch.findShards(1L << own.number);
        begin();
        lease.begin();
        long untouched = shards.everyShard();
        long busy = 0;
        int at = own.number;
        while (left > 0) {
            if (wanted == 0) {
                runOverSeveral();
                continue;
            }
            long free = wanted & ~busy;
            if (free == 0) {
                at = Long.numberOfTrailingZeros(wanted);
                lease.take(1L << at);
            } else {
                at = nextFrom(at, free);
                if (!lease.tryTake(at)) {
                    busy |= 1L << at;
                    continue;
                }
            }
            busy = 0;
            if ((untouched >>> at & 1) != 0) {
                untouched &= ~(1L << at);
                batch.touch(shards.all[at]);
            }
            visit(1L << at);
            lease.giveBack();
        }
    }

    /** The first of a set from a shard on, behind the last comes the first. */
    private static int nextFrom(int at, long set) {
        long behind = set & -1L << at;
        return Long.numberOfTrailingZeros(behind != 0 ? behind : set);
    }

    private void begin() {
        left = 0;
        wanted = 0;
        int size = batch.size();
        for (int from = 0; from < size; ) {
            Connection c = batch.entry(from).connection;
            int to = from + 1;
            while (to < size && batch.entry(to).connection == c) {
                to++;
            }
            keep(left++, from, to, over(batch.entry(from)));
            from = to;
        }
    }

    /** A connection's place in the list. */
    private void keep(int at, int from, int to, long set) {
        next[at] = from;
        end[at] = to;
        nextOver[at] = set;
        if ((set & set - 1) == 0) {
            wanted |= set;
        }
    }

    /** Runs all that is next for the shard. */
    private void visit(long shard) {
        int kept = 0;
        boolean stay = true;
        wanted = 0;
        over.assign(shard);
        WaitingLines lines = over.first().lines;
        for (int i = 0; i < left; i++) {
            long set = nextOver[i];
            int at = next[i];
            int to = end[i];
            while (stay && set == shard) {
                BatchEntry e = batch.entry(at);
                if (!lines.isEmpty() && widens(e, shard)) {
                    set = over(e);
                    break;
                }
                runner.run(e);
                stay = e.isBrief() || lease.heldNanos() < MOST_NANOS;
                at = after(at, to, e);
                set = at < to ? over(batch.entry(at)) : 0;
            }
            if (set != 0) {
                keep(kept++, at, to, set);
            }
        }
        left = kept;
    }

    /** @return index of the connection's next command; its end where it does not go on */
    private static int after(int at, int to, BatchEntry done) {
        return done.connection.state == Connection.State.OPEN ? at + 1 : to;
    }

    /** All that is next is over several shards: runs the first. */
    private void runOverSeveral() {
        BatchEntry e = batch.entry(next[0]);
        if (isOverNode(e)) {
            lease.takeNode();
        } else {
            lease.take(nextOver[0]);
            while (widens(e, nextOver[0])) {
                lease.giveBack();
                nextOver[0] = over(e);
                lease.take(nextOver[0]);
            }
        }
        over.assign(nextOver[0]);
        runner.run(e);
        lease.giveBack();
        int at = after(next[0], end[0], e);
        int to = end[0];
        int kept = 0;
        wanted = 0;
        if (at < to) {
            keep(kept++, at, to, over(batch.entry(at)));
        }
        for (int i = 1; i < left; i++) {
            keep(kept++, next[i], end[i], nextOver[i]);
        }
        left = kept;
    }

    /** Whether a command is over more than these shards, which are taken: {@link #over(BatchEntry)} includes them then. */
    private boolean widens(BatchEntry e, long set) {
        long reach = blocking.reach(e, set);
        e.wider |= reach;
        return (reach & ~set) != 0;
    }

    private long over(BatchEntry e) {
        return arguments(e) | e.wider;
    }

    /** The shards that the keys of a connection's next command are in: for transactions that shows only now. */
    private long arguments(BatchEntry e) {
        CommandRow row = e.row;
        Connection c = e.connection;
        if (row == null) {
            return e.over;
        }
        if (row.neverQueued || row == unwatch) {
            long set = c.watchedOver | (c.transaction == null ? 0 : c.transaction.over);
            return set == 0 ? 1L << own.number : set;
        }
        return c.transaction != null ? 1L << own.number : e.over;
    }

    private boolean isOverNode(BatchEntry e) {
        CommandRow row = e.row;
        Transaction transaction = e.connection.transaction;
        if (row == null || transaction == null) {
            return row != null && row.wholeNode && e.isRunnable();
        }
        return row == exec && transaction.wholeNode;
    }
}
