package ironcache.engine;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a long reply reads: a value as it was when the reply began, whatever became of it since (docs/adr/0018-page-snapshots.md). Of one shard; used by the thread that is in it.
 *
 * <pre>
 * view = shard.openView(record);          the value is as this record says
 * ... the command unwinds, others run, it runs again ...
 * if (view.isBroken()) ...                too much was changed: nothing can go on
 * long record = shard.enterView(view);    to the end of the command, pages of its object are read as they were
 * view.passed(...);                       what need not be kept any more
 * view.close();
 * </pre>
 *
 * <p>Owns bits of the pages that were left ({@link Shard#leavePage}), one for each odd page of the object.
 */
public final class PageView {
    /** Of objects with more odd pages it is not known which were left. */
    private static final long BITS_BYTES_MAX = 1 << 20;

    private static final int LEFT_MIN = 16;

    private final PageViews owner;

    /** Null: a value without pages. */
    final PageViews.@Nullable Viewed viewed;

    final PageVersion version;

    /** Of its object: the next that was opened before. */
    @Nullable PageView next;

    final long nowMillis;
    boolean broken;

    /** For the command: what it has to know of its reply when it goes on. */
    public long first;

    /** As {@link #first}. */
    public long count = -1;

    private long evenBelow;
    private long oddBelow;

    /** Pages that were left since {@link #passed} was last called. */
    private long[] left = {};

    private int leftCount;

    // Pages that were left before; 0: none yet.
    private long bits;
    private long bitsBytes;

    PageView(
            PageViews owner,
            PageViews.@Nullable Viewed viewed,
            PageVersion version,
            long nowMillis) {
        this.owner = owner;
        this.viewed = viewed;
        this.version = version;
        this.nowMillis = nowMillis;
    }

    boolean isOf(long object) {
        return viewed != null && viewed.object == object;
    }

    /** Too much was changed to be kept: what is half replied cannot be completed. */
    public boolean isBroken() {
        return broken;
    }

    /** What was read so far stays read: pages that were left, and those below these numbers, are not read again. */
    public void passed(long evenPagesBelow, long oddPagesBelow) {
        evenBelow = Math.max(evenBelow, evenPagesBelow);
        oddBelow = Math.max(oddBelow, oddPagesBelow);
        for (int i = 0; i < leftCount && hasBits(); i++) {
            long at = bits + (left[i] >>> 4);
            Memory.putByte(at, (byte) (Memory.getByte(at) | 1 << (left[i] >>> 1 & 7)));
        }
        leftCount = 0;
    }

    private boolean hasBits() {
        long wanted = (version.pages >>> 4) + 1;
        if (bits == 0 && wanted <= BITS_BYTES_MAX) {
            bits = Memory.allocate(wanted, MemoryTag.VIEWS);
            bitsBytes = wanted;
        }
        return bits != 0;
    }

    /** The command runs again from where it was when it last {@link #passed} something. */
    void enter() {
        leftCount = 0;
    }

    void leave(long page) {
        if ((page & 1) != 0 && page < version.pages) {
            if (leftCount == left.length) {
                left = Arrays.copyOf(left, Math.max(LEFT_MIN, 2 * leftCount));
            }
            left[leftCount++] = page;
        }
    }

    /** Whether it may still read this page. */
    boolean wants(long page) {
        if ((page & 1) == 0) {
            return page >= evenBelow;
        }
        return page >= oddBelow
                && (bits == 0
                        || (Memory.getByte(bits + (page >>> 4)) >>> (page >>> 1 & 7) & 1) == 0);
    }

    /** Once. The thread is in the shard. */
    public void close() {
        if (bits != 0) {
            Memory.free(bits, bitsBytes, MemoryTag.VIEWS);
        }
        owner.close(this);
    }
}
