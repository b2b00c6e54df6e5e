package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Log;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Free page frames: whether there are enough for a write command, who waits for them, and how they are made. One owner thread; owns no memory but bounds the
 * log's: what the index and the tables take, the log cannot have.
 */
final class Space {
    private static final String DISK_FULL =
            "-OOM command not allowed when used memory > 'maxmemory' and the SSD tier is full:"
                    + " free disk space, raise maxdisk, or delete keys; writes resume by themselves";

    private final Store store;
    private final Log log;
    private final Rewriter rewriter;
    private final Clock clock;
    private final ShardListener listener;
    private final long budgetBytes;
    private final int shards;
    private final int framesReserved;
    private final int framesLow;

    private final ArrayDeque<Integer> waiters = new ArrayDeque<>();

    /** The last attempt to seal achieved nothing: it waits for a completion or for disk space. */
    private boolean blocked;

    Space(Store store, Rewriter rewriter, Clock clock, MemoryPlan plan, ShardListener listener) {
        this.store = store;
        log = store.log;
        this.rewriter = rewriter;
        this.clock = clock;
        this.listener = listener;
        budgetBytes = plan.budgetBytes;
        shards = plan.shards;
        framesReserved = plan.framesReserved;
        framesLow = plan.framesLow;
    }

    /** Whether a write command may begin. */
    boolean isEnough() {
        return log.framesFree() > framesReserved / 2;
    }

    /** As {@link Shard#writeRefusal}. */
    @Nullable String writeRefusal() {
        if (isEnough()) {
            return null;
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
        store.segments.maintain(now);
        store.sealed.retry(now);
        while (isLow() && store.sealed.evictOldest()) {}
        blocked = !rewriter.seal(framesLow, deadline, clock);
    }

    /** What the index and the tables take, the log cannot have. */
    void boundLog() {
        long shared =
                MemoryTag.LOG_META.bytes()
                        + MemoryTag.STAGING.bytes()
                        + MemoryTag.EXPIRY.bytes()
                        + MemoryTag.OTHER.bytes();
        long others = store.keyspaceBytes() + shared / shards;
        log.setFramesLimit(
                (int) Math.max(MemoryPlan.MIN_FRAMES, budgetBytes - others >>> Address.PAGE_SHIFT));
    }
}
