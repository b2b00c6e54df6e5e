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
    private final Shards shards;
    private final Partition own;
    private final Clock clock;

    private long taken;
    private boolean wholeNode;
    private long sinceNanos;

    Lease(Shards shards, Partition own, Clock clock) {
        this.shards = shards;
        this.own = own;
        this.clock = clock;
    }

    /** Whether something is taken; then it is all that the running command needs. */
    boolean isTaken() {
        return taken != 0;
    }

    /** Whether these shards are taken. */
    boolean covers(long set) {
        return (set & ~taken) == 0;
    }

    /** @return false: another thread is in the shard */
    boolean tryTake(int number) {
        if (!shards.all[number].tryEnter(own)) {
            return false;
        }
        sinceNanos = clock.nanoTime();
        taken = 1L << number;
        return true;
    }

    /** Waits for the shards of a set, and takes them. */
    void take(long set) {
        if (taken != 0) {
            throw new IllegalStateException("a lease within a lease");
        }
        for (long rest = set; rest != 0; rest &= rest - 1) {
            shards.all[Long.numberOfTrailingZeros(rest)].enter(own);
            if (rest == set) {
                sinceNanos = clock.nanoTime();
            }
        }
        taken = set;
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
        for (long rest = taken; rest != 0; rest &= rest - 1) {
            shards.all[Long.numberOfTrailingZeros(rest)].leave();
        }
        if (taken != 1L << own.number) {
            own.leases.add(LatencyHistogram.bucket(clock.nanoTime() - sinceNanos));
        }
        taken = 0;
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
