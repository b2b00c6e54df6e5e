package ironcache.resp;

import ironcache.ffm.Clock;

/**
 * The shards that a thread is in: one while it visits it, several for a command over several, or all of the node. Locks are taken in the order that
 * {@link Partition} gives, so that no two threads wait for each other. To look at the whole node a thread has to let go of its own turn for a
 * moment: between two commands, when nobody minds.
 *
 * <p>How long others' shards were taken is counted ({@link Partition#leases}), from the first lock to the last; nobody waits for the SSD
 * meanwhile. One per thread, used by it alone.
 */
final class Lease {
    /** Tries to take several shards without waiting in one for another. */
    private static final int MOST_TRIES = 64;

    private static final int NONE = -1;
    private static final long UNKNOWN = Long.MIN_VALUE;

    private final Shards shards;
    private final Partition own;
    private final Clock clock;
    private final ReplyGate gate;

    /** By shard, what is owed to others when all are left. */
    private final byte[] owed = new byte[Shards.MOST];

    private long taken;
    private boolean wholeNode;
    private long sinceNanos;

    /** When the last one ended, of several that follow one another without waiting. */
    private long nowNanos;

    Lease(Shards shards, Partition own, Clock clock, ReplyGate gate) {
        this.shards = shards;
        this.own = own;
        this.clock = clock;
        this.gate = gate;
    }

    /** Whether something is taken; then it is all that the running command needs. */
    boolean isTaken() {
        return taken != 0;
    }

    /** Whether these shards are taken. */
    boolean covers(long set) {
        return (set & ~taken) == 0;
    }

    /** Before {@link #tryTake}s that follow one another. */
    void begin() {
        nowNanos = clock.nanoTime();
    }

    /** @return false: another thread is in the shard */
    boolean tryTake(int number) {
        if (!shards.all[number].tryEnter(own)) {
            nowNanos = UNKNOWN;
            return false;
        }
        sinceNanos = nowNanos == UNKNOWN ? clock.nanoTime() : nowNanos;
        taken = 1L << number;
        return true;
    }

    /** Waits for the shards of a set, and takes them. */
    void take(long set) {
        if (taken != 0) {
            throw new IllegalStateException("a lease within a lease");
        }
        int busy = takeAllOrNone(set, NONE);
        for (int tries = 0; busy != NONE && tries < MOST_TRIES; tries++) {
            busy = takeAllOrNone(set, busy);
        }
        if (busy != NONE) {
            takeInOrder(set);
        }
    }

    /**
     * Nobody waits while others wait for what he has.
     *
     * @param first the shard to wait for before the others are tried, or NONE
     * @return a shard that another thread is in, or NONE: all are taken
     */
    private int takeAllOrNone(long set, int first) {
        long got = 0;
        if (first != NONE) {
            shards.all[first].enter(own);
            got = 1L << first;
        }
        sinceNanos = clock.nanoTime();
        for (long rest = set & ~got; rest != 0; rest &= rest - 1) {
            int next = Long.numberOfTrailingZeros(rest);
            if (!shards.all[next].tryEnter(own)) {
                leave(got);
                wake(got);
                return next;
            }
            got |= 1L << next;
        }
        taken = set;
        return NONE;
    }

    /** Where others were always faster: keeps what it has until it has all. */
    private void takeInOrder(long set) {
        for (long rest = set; rest != 0; rest &= rest - 1) {
            shards.all[Long.numberOfTrailingZeros(rest)].enter(own);
            if (rest == set) {
                sinceNanos = clock.nanoTime();
            }
        }
        taken = set;
    }

    /** All are left before anybody is woken, who might take this thread's core. */
    private void leave(long set) {
        for (long rest = set; rest != 0; rest &= rest - 1) {
            int number = Long.numberOfTrailingZeros(rest);
            gate.saw(shards.all[number]);
            owed[number] = (byte) shards.all[number].exit();
        }
        gate.left();
    }

    private void wake(long set) {
        for (long rest = set; rest != 0; rest &= rest - 1) {
            int number = Long.numberOfTrailingZeros(rest);
            if (owed[number] != 0) {
                shards.all[number].wake(owed[number]);
            }
        }
    }

    /** Waits for all threads' turns to end, and for all shards, and takes them. */
    void takeNode() {
        own.unlockTurn();
        for (Partition partition : shards.all) {
            partition.lockTurn();
        }
        take(shards.everyShard());
        wholeNode = true;
    }

    /** How long others have been waiting at most. */
    long heldNanos() {
        return clock.nanoTime() - sinceNanos;
    }

    /** Gives back what was taken. */
    void giveBack() {
        long set = taken;
        leave(set);
        taken = 0;
        nowNanos = clock.nanoTime();
        if (set != 1L << own.number) {
            own.leases.add(LatencyHistogram.bucket(nowNanos - sinceNanos));
        }
        wake(set);
        if (wholeNode) {
            wholeNode = false;
            for (Partition partition : shards.all) {
                if (partition != own) {
                    partition.unlockTurn();
                }
            }
        }
    }
}
