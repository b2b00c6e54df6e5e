package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Log;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Free page frames: whether there are enough for a write command, who waits for them, or for the log's disk, and how they are made. One owner thread; owns no memory but bounds the
 * log's: what the index and the tables take, the log cannot have.
 */
final class Space {
    private static final String DISK_FULL =
            "-OOM command not allowed when used memory > 'maxmemory' and the SSD tier is full:"
                    + " free disk space, raise maxdisk, or delete keys; writes resume by themselves";
    private static final String MEMORY_FULL =
            "-OOM command not allowed when used memory > 'maxmemory': what RAM keeps of each key"
                    + " fills it, wherever the values are; raise maxmemory, or delete keys";

    /** More than the index takes for an entry. One that takes more has room where entries were removed: it does not shrink, and need not grow. */
    private static final int ENTRY_BYTES = 12;

    private final Store store;
    private final Log log;
    private final Rewriter rewriter;
    private final Clock clock;
    private final ShardListener listener;
    private final MemoryPlan plan;

    // By the frames that the log may have now.
    private int framesReserved;
    private int framesLow;

    private final ArrayDeque<Integer> waiters = new ArrayDeque<>();

    /** The last attempt to seal achieved nothing: it waits for a completion or for disk space. */
    private boolean blocked;

    /** Index, expiry and tables leave the log less than it needs. */
    private boolean memoryFull;

    Space(Store store, Rewriter rewriter, Clock clock, MemoryPlan plan, ShardListener listener) {
        this.store = store;
        log = store.log;
        this.rewriter = rewriter;
        this.clock = clock;
        this.listener = listener;
        this.plan = plan;
        boundFrames(plan.frames);
    }

    /** Whether a write command may begin. */
    boolean isEnough() {
        return hasFrames() && !store.effects.isBehind();
    }

    private boolean hasFrames() {
        return log.framesFree() > framesReserved / 2;
    }

    /** As {@link Shard#hasReserve}. */
    boolean hasReserve() {
        return log.framesFree() > -Log.TRANSACTION_FRAMES;
    }

    /** As {@link Shard#writeRefusal}. */
    @Nullable String writeRefusal() {
        if (memoryFull) {
            return MEMORY_FULL;
        }
        if (hasFrames()) {
            return null; // Where the log is behind, it says itself why.
        }
        if (store.sealed.isFailing()) {
            return "-MISCONF IronCache cannot write to its SSD ("
                    + store.sealed.lastError()
                    + "). Commands that may modify the data set are refused until a write succeeds.";
        }
        return store.segments.isDiskFull()
                        && store.sealed.evictable() == 0
                        && store.sealed.writing() == 0
                ? DISK_FULL
                : null;
    }

    void await(int waiter) {
        waiters.add(waiter);
    }

    void abandon(int waiter) {
        waiters.remove((Integer) waiter);
    }

    /** Tells the waiters where writes are taken again, or refused. */
    void deliver() {
        if (!waiters.isEmpty() && (isEnough() || writeRefusal() != null)) {
            for (int n = waiters.size(); n > 0; n--) {
                listener.onReady(waiters.remove());
            }
        }
    }

    /** Whether room should be made. */
    boolean isLow() {
        return log.framesFree() < framesLow;
    }

    /** Whether making room may get further now. */
    boolean hasWork() {
        return isLow() && (!blocked || store.sealed.evictable() > 0);
    }

    /** Keeps frames free: takes those of written pages, and seals mutable ones. */
    void make(long now, long deadline) {
        store.sealed.retry(now);
        if (!isLow()) {
            blocked = false;
            return;
        }
        store.segments.maintain(now);
        while (isLow() && store.sealed.evictOldest()) {}
        blocked = isLow() && !rewriter.seal(framesLow, deadline, clock);
    }

    /** What the index and the tables take, the log cannot have. */
    void boundLog() {
        long index = store.keyspaceBytes();
        long growing = MemoryTag.LOG_META.bytes() + MemoryTag.EXPIRY.bytes();
        long others =
                growing
                        + MemoryTag.STAGING.bytes()
                        + MemoryTag.VIEWS.bytes()
                        + MemoryTag.OTHER.bytes();
        // Negative where they have taken more than there is.
        long left = plan.budgetBytes - index - others / plan.shards;
        boundFrames((int) Math.max(MemoryPlan.MIN_FRAMES, left >> Address.PAGE_SHIFT));
        // What commands hold for a moment makes nobody's write fail.
        long lasting = plan.fixedBytes + index + growing / plan.shards;
        memoryFull =
                lasting + ((long) MemoryPlan.MIN_FRAMES << Address.PAGE_SHIFT) > plan.budgetBytes
                        && store.entries() * ENTRY_BYTES >= index;
    }

    private void boundFrames(int limit) {
        log.setFramesLimit(limit);
        framesReserved = MemoryPlan.framesReserved(log.framesLimit());
        framesLow = MemoryPlan.framesLow(log.framesLimit());
    }
}
