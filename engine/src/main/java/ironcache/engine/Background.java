package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.wal.WalWriter;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The shard's work between commands, slice by slice, and its order: waiters that need not wait, expiry, room in the log, compaction, what was dropped, shadows.
 * {@link Space}, {@link Rewriter}, {@link Expirer}, {@link Reaper} and {@link Settler} do it; here is when. One owner thread; owns no memory.
 */
final class Background {
    private static final long TICK_NANOS = 1_000_000;
    private static final long IDLE_NANOS = 1_000_000_000;

    /** The time while what was logged is applied. */
    static final long BEFORE_ALL_EXPIRY = 0;

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

    /** The image that is being made. */
    @Nullable ImageScan scan;

    /** As {@link Shard#holdExpiry}. */
    boolean expiryHeld;

    /** What was logged is being applied: nothing expires that a later effect may still let live. */
    boolean replaying;

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
        long millis = clock.currentTimeMillis();
        store.nowMillis = replaying ? BEFORE_ALL_EXPIRY : millis;
        long now = clock.nanoTime();
        long deadline = now + budgetNanos;
        deliverReady();
        if (millis != tickMillis) {
            tickMillis = millis;
            space.boundLog();
            compactionWanted = rewriter.wantsCompaction();
            while (!isExpiryHeld() && expirer.step() && clock.nanoTime() - deadline < 0) {}
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
        if (store.log.isShown()) {
            // A mapped page is slow to use, and each first write of one costs a copy: a quarter of
            // the
            // time goes into it while it lasts, all of it where nothing else is to be done.
            long until = clock.nanoTime() + budgetNanos / 4;
            while (store.log.moveShown() && clock.nanoTime() - until < 0) {}
        }
        for (int waiter = settler.poll(); waiter >= 0; waiter = settler.poll()) {
            listener.onReady(waiter);
        }
        space.deliver();
        ImageScan image = scan;
        if (image != null) {
            image.step(Math.max(deadline, clock.nanoTime() + budgetNanos / 2), clock);
        }
        store.effects.commit(clock.nanoTime());
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
        WalWriter log = store.effects.log();
        long commitNanos = log == null ? Long.MAX_VALUE : log.nextNanos() - clock.nanoTime();
        // Sleeps too long only where another thread adds an earlier one: a command would find it
        // expired nevertheless.
        long millis = Math.clamp(expirer.nextMillis() - clock.currentTimeMillis(), 1, 1_000);
        return Math.clamp(commitNanos, 0, Math.min(millis * TICK_NANOS, IDLE_NANOS));
    }

    /** Whether {@link #work} has something to do at once. */
    boolean hasWork() {
        ImageScan image = scan;
        return !ready.isEmpty()
                || store.log.isShown()
                || !store.reaper.isIdle()
                || !settler.isIdle()
                || space.hasWork()
                || image != null && image.hasWork();
    }

    private boolean isExpiryHeld() {
        ImageScan image = scan;
        return expiryHeld || replaying || image != null && image.holdsExpiry();
    }

    private void deliverReady() {
        for (int n = ready.size(); n > 0; n--) {
            listener.onReady(ready.remove());
        }
    }
}
