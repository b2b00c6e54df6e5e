package ironcache.resp;

import ironcache.ffm.Clock;

/**
 * What a thread has borrowed. Locks are taken in the order of the shards' numbers, the thread's own among them, so that no two threads wait
 * for each other. To keep that order a thread may have to let go of its own shard for a moment: between two commands, when nobody minds.
 *
 * <p>How long each shard was lent is counted ({@link Partition#leases}); nobody waits for the SSD meanwhile. One per thread, used by it alone.
 */
final class Lease {
    private final Shards shards;
    private final Partition own;
    private final Clock clock;

    private long taken;
    private long since;

    Lease(Shards shards, Partition own, Clock clock) {
        this.shards = shards;
        this.own = own;
        this.clock = clock;
    }

    /** Whether something is taken. */
    boolean isTaken() {
        return taken != 0;
    }

    /** Takes all shards of the set that are not this thread's; nothing is taken yet. */
    void take(long set) {
        if (taken != 0) {
            throw new IllegalStateException("a lease within a lease");
        }
        long others = set & ~(1L << own.number);
        boolean letGo = Long.numberOfTrailingZeros(others) < own.number;
        if (letGo) {
            own.unlock();
        }
        boolean back = !letGo;
        for (long rest = others; rest != 0; rest &= rest - 1) {
            int next = Long.numberOfTrailingZeros(rest);
            if (!back && next > own.number) {
                own.lock();
                back = true;
            }
            shards.all[next].borrow();
        }
        if (!back) {
            own.lock();
        }
        taken = others;
        since = clock.nanoTime();
    }

    /** Gives back what was taken. */
    void giveBack() {
        if (taken == 0) {
            return;
        }
        for (long rest = taken; rest != 0; rest &= rest - 1) {
            shards.all[Long.numberOfTrailingZeros(rest)].giveBack();
        }
        taken = 0;
        own.leases.add(LatencyHistogram.bucket(clock.nanoTime() - since));
    }
}
