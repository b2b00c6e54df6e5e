package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.wal.WalWriter;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The shard's work between commands, slice by slice, and its order: waiters that need not wait, expiry of keys and of fields, room in the log, compaction, what was dropped, shadows.
 * {@link Space}, {@link Rewriter}, {@link Expirer}, {@link FieldExpirer}, {@link Reaper} and {@link Settler} do it; here is when. One owner thread; owns no memory.
 */
final class Background {
    private static final long TICK_NANOS = 1_000_000;
    private static final long IDLE_NANOS = 1_000_000_000;

    /** Between two steps of moving the log's frames: so many times as long as the step took, or so many where it took long. */
    private static final int MOVE_PAUSE = 2;

    private static final int MOVE_LONG_PAUSE = 19;
    private static final long MOVE_SLOW_NANOS = 3_000_000;

    /**
     * The image that is being made gets one part of the time for so many of all else: whoever has to catch up with requests is not held up by much. In any turn it gets {@link
     * #IMAGE_NANOS_MIN}: where nothing else is done, that is most of the time.
     */
    private static final int IMAGE_PART = 24;

    /** Squeezing what is dead out of RAM gets one part in so many of a slice: there is no hurry, but it has to keep up. */
    private static final int SQUEEZE_PART = 4;

    /** A shard that no command has come to for so long is at rest: what RAM holds in vain is given back then. */
    private static final long REST_NANOS = 100_000_000;

    /** Free frames that keep their memory at rest. */
    private static final int IDLE_FRAMES = 2;

    private static final long IMAGE_NANOS_MIN = 10_000;

    /** The time while what was logged is applied. */
    static final long BEFORE_ALL_EXPIRY = 0;

    private final Store store;
    private final Space space;
    private final Rewriter rewriter;
    private final Settler settler;
    private final Expirer expirer;
    private final FieldExpirer fieldExpirer;
    private final Clock clock;
    private final ShardListener listener;

    /** Waiters that need not wait after all; told in the next slice of work. */
    private final ArrayDeque<Integer> ready = new ArrayDeque<>();

    /** What depends on time is looked at once a millisecond. */
    private long tickMillis;

    private boolean compactionWanted;

    /** A command has begun since the last slice. */
    boolean commandBegan;

    /** When the shard is at rest, if no command comes until then. */
    private long restNanos;

    private boolean atRest;

    /** When frames of the log are moved next, as long as there are some to move. */
    private long moveAtNanos;

    /** When the image that is being made had its last turn. */
    private long imageNanos;

    /** The image that is being made. */
    @Nullable ImageScan scan;

    /** As {@link Shard#freeze}. */
    volatile boolean frozen;

    /** As {@link Shard#holdExpiry}. */
    boolean expiryHeld;

    /** What was logged is being applied: nothing expires that a later effect may still let live. */
    boolean replaying;

    /** An image is being replayed: what is on the SSD cannot be verified before its tables are there, and what of it is alive is not known. */
    boolean replayingImage;

    Background(
            Store store,
            Space space,
            Rewriter rewriter,
            Settler settler,
            Expirer expirer,
            FieldExpirer fieldExpirer,
            Clock clock,
            ShardListener listener) {
        this.store = store;
        this.space = space;
        this.rewriter = rewriter;
        this.settler = settler;
        this.expirer = expirer;
        this.fieldExpirer = fieldExpirer;
        this.clock = clock;
        this.listener = listener;
        restNanos = clock.nanoTime() + REST_NANOS;
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
        if (frozen) {
            commit();
            return false;
        }
        long millis = clock.currentTimeMillis();
        store.nowMillis = replaying ? BEFORE_ALL_EXPIRY : millis;
        long now = clock.nanoTime();
        long deadline = now + budgetNanos;
        deliverReady();
        if (commandBegan || replaying || replayingImage) {
            commandBegan = false;
            restNanos = now + REST_NANOS;
        }
        atRest = now - restNanos >= 0;
        if (millis != tickMillis) {
            tickMillis = millis;
            space.boundLog();
            compactionWanted = !replayingImage && rewriter.wantsCompaction();
            if (!compactionWanted) {
                store.segments.trim();
            }
            long from = clock.nanoTime();
            while (!isExpiryHeld() && expirer.step() && clock.nanoTime() - deadline < 0) {}
            fieldExpirer.tick();
            store.stats.expiryNanos += clock.nanoTime() - from;
        }
        if (hasToExpireFields()) {
            long from = clock.nanoTime();
            long until = Math.max(deadline, from + budgetNanos / 2);
            do {
                fieldExpirer.step();
            } while (hasToExpireFields() && clock.nanoTime() - until < 0);
            store.stats.expiryNanos += clock.nanoTime() - from;
        }
        space.make(now, deadline);
        if (!space.isLow()) {
            if (rewriter.wantsSqueeze(atRest)) {
                long nanos = atRest ? budgetNanos : budgetNanos / SQUEEZE_PART;
                rewriter.squeeze(atRest, now + nanos, clock);
            } else if (atRest && store.log.framesIdle() > IDLE_FRAMES) {
                store.log.releaseIdle();
            }
        }
        if (compactionWanted) {
            rewriter.compact(Math.max(deadline, now + budgetNanos / 2), clock);
        }
        while (!store.reaper.isIdle() && clock.nanoTime() - deadline < 0) {
            store.reaper.step();
        }
        if (hasToSettle()) {
            settler.work(Math.max(deadline, clock.nanoTime() + budgetNanos / 2), clock);
        }
        if (store.log.isShown()) {
            moveShown();
        }
        for (int waiter = settler.poll(); waiter >= 0; waiter = settler.poll()) {
            listener.onReady(waiter);
        }
        space.deliver();
        ImageScan image = scan;
        if (image != null) {
            write(image, budgetNanos);
        }
        commit();
        return hasWork();
    }

    /** As {@link Shard#commit}. */
    void commit() {
        store.effects.commit(clock.nanoTime());
    }

    /** As {@link Shard#idleNanos}. */
    long idleNanos() {
        if (hasWork()) {
            return 0;
        }
        if (space.isLow()) {
            return TICK_NANOS;
        }
        long moveNanos = store.log.isShown() ? moveAtNanos - clock.nanoTime() : Long.MAX_VALUE;
        WalWriter log = store.effects.log();
        long commitNanos = log == null ? Long.MAX_VALUE : log.nextNanos() - clock.nanoTime();
        boolean shrinks = !space.isLow() && !atRest && canShrink(true);
        long restNanosLeft = shrinks ? restNanos - clock.nanoTime() : Long.MAX_VALUE;
        // Sleeps too long only where another thread adds an earlier one: a command would find it
        // expired nevertheless.
        long nextMillis = Math.min(expirer.nextMillis(), fieldExpirer.nextMillis());
        long millis = Math.clamp(nextMillis - clock.currentTimeMillis(), 1, 1_000);
        long retryNanos = store.sealed.idleNanos(clock.nanoTime());
        return Math.clamp(
                Math.min(Math.min(restNanosLeft, retryNanos), Math.min(commitNanos, moveNanos)),
                0,
                Math.min(millis * TICK_NANOS, IDLE_NANOS));
    }

    /** Whether {@link #work} has something to do at once. */
    boolean hasWork() {
        ImageScan image = scan;
        return !ready.isEmpty()
                || !store.reaper.isIdle()
                || hasToSettle()
                || hasToExpireFields()
                || space.hasWork()
                || !space.isLow() && canShrink(atRest)
                || image != null && image.hasWork();
    }

    private boolean canShrink(boolean rest) {
        return rewriter.wantsSqueeze(rest) || rest && store.log.framesIdle() > IDLE_FRAMES;
    }

    private void write(ImageScan image, long budgetNanos) {
        long now = clock.nanoTime();
        long mostNanos = Math.max(IMAGE_NANOS_MIN, budgetNanos);
        long nanos = Math.clamp((now - imageNanos) / IMAGE_PART, IMAGE_NANOS_MIN, mostNanos);
        image.step(now + nanos, clock);
        imageNanos = clock.nanoTime();
    }

    /** Mapped pages are slow to use, but it is no hurry: a small part of the time goes into it, for where memory is slow to be had a step takes milliseconds. */
    private void moveShown() {
        long from = clock.nanoTime();
        if (from - moveAtNanos >= 0) {
            store.log.moveShown();
            long to = clock.nanoTime();
            long step = to - from;
            moveAtNanos = to + step * (step < MOVE_SLOW_NANOS ? MOVE_PAUSE : MOVE_LONG_PAUSE);
        }
    }

    private boolean hasToSettle() {
        return !replayingImage && !settler.isIdle();
    }

    private boolean hasToExpireFields() {
        return fieldExpirer.isDue() && !isExpiryHeld() && space.isEnough();
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
