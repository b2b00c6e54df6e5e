package ironcache.engine;

import ironcache.ffm.Io;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Log;
import ironcache.tiering.ColdReads;
import ironcache.tiering.FrequencySketch;
import ironcache.tiering.SealedPages;
import ironcache.tiering.SegmentStore;
import java.io.IOException;
import java.util.function.IntConsumer;

/**
 * How a shard divides its memory budget among its parts; makes the store with parts of these sizes. Immutable, computed once when the shard is made; owns no
 * memory, the store's parts are closed by {@link Shard#close}.
 */
final class MemoryPlan {
    static final int MIN_FRAMES = 32;

    private static final int COLD_READS_MAX = 512;

    final long budgetBytes;

    /** Shards among whom what is accounted for the whole process is divided. */
    final int shards;

    /** Page frames of the log, at most; {@link Space} bounds them further as index and tables grow. */
    final int frames;

    /** Frames that stay free for commands that began; below half of it write commands wait. */
    final int framesReserved;

    /** Fewer free frames than this and pages are sealed. */
    final int framesLow;

    MemoryPlan(long budgetBytes, int shards) {
        this.shards = shards;
        this.budgetBytes = budgetBytes;
        frames =
                Math.clamp(
                        budgetBytes >>> Address.PAGE_SHIFT, MIN_FRAMES, Address.FIRST_SSD_PAGE / 2);
        framesReserved = Math.clamp(frames / 32, 4, 64);
        framesLow = 2 * framesReserved;
    }

    /**
     * A store without data whose parts have these sizes.
     *
     * @param onColdReady receives waiters of {@link ColdReads} whose reads have arrived
     * @throws IOException where the directory cannot be used; the message names it
     */
    Store newStore(Io io, ShardConfig config, IntConsumer onColdReady) throws IOException {
        SegmentStore segments =
                new SegmentStore(
                        io, config.directory(), config.maxDiskBytes(), FileCompletions.ALLOCATE);
        Log log = new Log(frames);
        SealedPages sealed = new SealedPages(log, segments, FileCompletions.FLUSH);
        int reads = Math.clamp(frames, 64, COLD_READS_MAX);
        ColdReads cold =
                new ColdReads(
                        io,
                        segments,
                        reads,
                        Math.max(2L << 20, budgetBytes / 64),
                        FileCompletions.COLD_READ,
                        onColdReady);
        segments.setFreeListener(
                (firstPage, pages) -> {
                    cold.forget(firstPage, pages);
                    sealed.forget(firstPage, pages);
                });
        Shadows shadows = new Shadows(Math.clamp(budgetBytes / 512, 1 << 12, 1 << 24));
        FrequencySketch sketch =
                new FrequencySketch(Math.clamp(budgetBytes / 256, 1 << 16, 64 << 20));
        return new Store(log, segments, sealed, cold, shadows, sketch, config.hashSeed());
    }
}
