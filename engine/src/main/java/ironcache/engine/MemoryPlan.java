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
    /** The log has these whatever the index takes: enough to pack, to have pages in flight, and to take writes meanwhile. */
    static final int MIN_FRAMES = 16;

    private static final int COLD_READS_MAX = 512;
    private static final long VIEW_BYTES_MIN = 8 << 20;
    private static final int VIEW_PART = 16;

    /** As much as a command may write at once: the log has frames for that beyond its limit. */
    private static final long COMMAND_BYTES_MAX = 384 << 20;

    private static final long COMMAND_BYTES_MIN = 8 << 20;
    private static final int COMMAND_PART = 4;

    final long budgetBytes;

    /** Shards among whom what is accounted for the whole process is divided. */
    final int shards;

    /** Page frames of the log, at most; {@link Space} bounds them further as index and tables grow. */
    final int frames;

    /** What the shard takes at most apart from log, index, expiry and the tables of what is on the SSD. */
    final long fixedBytes;

    /** What long replies may keep of pages as they were: not set aside, but taken from the log when it is needed. */
    final long viewBytes;

    /** What a command may hold at once beside the data. Not set aside. */
    final long commandBytes;

    private final int coldReads;
    private final long stagingBytes;
    private final int notes;
    private final int sketchBytes;

    MemoryPlan(long budgetBytes, int shards) {
        if (budgetBytes < ShardConfig.LEAST_MEMORY_BYTES) {
            throw new IllegalArgumentException(
                    "memory of a shard "
                            + budgetBytes
                            + " bytes: too small; allowed: "
                            + ShardConfig.LEAST_MEMORY_BYTES
                            + " or more: raise maxmemory, or have fewer shards");
        }
        this.shards = shards;
        this.budgetBytes = budgetBytes;
        frames =
                Math.clamp(
                        budgetBytes >>> Address.PAGE_SHIFT, MIN_FRAMES, Address.FIRST_SSD_PAGE / 2);
        viewBytes = Math.max(VIEW_BYTES_MIN, budgetBytes / VIEW_PART);
        commandBytes = Math.clamp(budgetBytes / COMMAND_PART, COMMAND_BYTES_MIN, COMMAND_BYTES_MAX);
        coldReads = Math.clamp(frames, 64, COLD_READS_MAX);
        stagingBytes = Math.max(2L << 20, budgetBytes / 64);
        notes = Math.clamp(budgetBytes / 512, 1 << 12, 1 << 24);
        sketchBytes = Math.clamp(budgetBytes / 256, 1 << 16, 64 << 20);
        fixedBytes =
                ColdReads.bufferBytes(coldReads)
                        + ((long) (Rewriter.BUFFERS + Settler.BUFFERS) << Address.PAGE_SHIFT)
                        + stagingBytes
                        + Shadows.bytes(notes)
                        + sketchBytes;
    }

    /** Of a log of so many frames: those that stay free for commands that began; below half of it write commands wait. */
    static int framesReserved(int framesLimit) {
        return Math.clamp(framesLimit / 32, 4, 64);
    }

    /** Of a log of so many frames: fewer free ones than this and pages are sealed. */
    static int framesLow(int framesLimit) {
        return 2 * framesReserved(framesLimit);
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
                        io,
                        config.directory(),
                        config.maxDiskBytes(),
                        config.segmentPages(),
                        FileCompletions.ALLOCATE);
        Log log = new Log(frames, config.framesUsed());
        SealedPages sealed = new SealedPages(log, segments, FileCompletions.FLUSH);
        ColdReads cold =
                new ColdReads(
                        io,
                        segments,
                        coldReads,
                        stagingBytes,
                        FileCompletions.COLD_READ,
                        onColdReady);
        segments.setFreeListener(
                (firstPage, pages) -> {
                    cold.forget(firstPage, pages);
                    sealed.forget(firstPage, pages);
                });
        Shadows shadows = new Shadows(Math.max(notes, Shadows.wantedFor(config.notesUsed())));
        FrequencySketch sketch = new FrequencySketch(sketchBytes);
        return new Store(log, segments, sealed, cold, shadows, sketch, config.hashSeed());
    }
}
