package ironcache.engine;

import ironcache.ffm.Clock;
import java.util.ArrayDeque;

/**
 * The shard's work between commands, slice by slice, and its order: waiters that need not wait, expiry, room in the log, compaction, what was dropped, shadows.
 * {@link Space}, {@link Rewriter}, {@link Expirer}, {@link Reaper} and {@link Settler} do it; here is when. One owner thread; owns no memory.
 */
final class Background {
    private static final long TICK_NANOS = 1_000_000;
    private static final long IDLE_NANOS = 1_000_000_000;

    private final Store store;
    private final Space space;
    private final Rewriter rewriter;
    private final Settler settler;
    private final Expirer expirer;
    private final Clock clock;
    private final ShardListener listener;

    /** Waiters that need not wait after all; told in the next slice of work. */
    private final ArrayDeque<Integer> ready = new ArrayDeque<>();

    /** What depends on time is looked at once a millisecond. */
    private long tickMillis;

    private boolean compactionWanted;

    /** As {@link Shard#holdExpiry}. */
    boolean expiryHeld;

    Background(
            Store store,
            Space space,
            Rewriter rewriter,
            Settler settler,
            Expirer expirer,
            Clock clock,
            ShardListener listener) {
        this.store = store;
        this.space = space;
        this.rewriter = rewriter;
        this.settler = settler;
        this.expirer = expirer;
        this.clock = clock;
        this.listener = listener;
    }

    /** The waiter is told in the next slice, never within this call. */
    void tellReady(int waiter) {
        ready.add(waiter);
    }

    void abandon(int waiter) {
        ready.remove((Integer) waiter);
    }

    /** As {@link Shard#work}. */
    boolean work(long budgetNanos) {
        store.nowMillis = clock.currentTimeMillis();
        long now = clock.nanoTime();
        long deadline = now + budgetNanos;
        deliverReady();
        if (store.nowMillis != tickMillis) {
            tickMillis = store.nowMillis;
            space.boundLog();
            compactionWanted = rewriter.wantsCompaction();
            while (!expiryHeld && expirer.step() && clock.nanoTime() - deadline < 0) {}
        }
        space.make(now, deadline);
        if (compactionWanted) {
            rewriter.compact(Math.max(deadline, now + budgetNanos / 2), clock);
        }
        while (!store.reaper.isIdle() && clock.nanoTime() - deadline < 0) {
            store.reaper.step();
        }
        if (!settler.isIdle()) {
            settler.work(Math.max(deadline, clock.nanoTime() + budgetNanos / 2), clock);
        }
        for (int waiter = settler.poll(); waiter >= 0; waiter = settler.poll()) {
            listener.onReady(waiter);
        }
        space.deliver();
        return hasWork();
    }

    /** As {@link Shard#idleNanos}. */
    long idleNanos() {
        if (hasWork()) {
            return 0;
        }
        if (space.isLow()) {
            return TICK_NANOS;
        }
        // Sleeps too long only where another thread adds an earlier one: a command would find it
        // expired nevertheless.
        long millis = Math.clamp(expirer.nextMillis() - clock.currentTimeMillis(), 1, 1_000);
        return Math.min(millis * TICK_NANOS, IDLE_NANOS);
    }

    /** Whether {@link #work} has something to do at once. */
    boolean hasWork() {
        return !ready.isEmpty() || !store.reaper.isIdle() || !settler.isIdle() || space.hasWork();
    }

    private void deliverReady() {
        for (int n = ready.size(); n > 0; n--) {
            listener.onReady(ready.remove());
        }
    }
}
