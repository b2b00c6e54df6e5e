package ironcache.recovery;

import ironcache.engine.ShardConfig;
import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.ffm.SystemClock;
import ironcache.wal.Manifest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * The data of a directory that no server uses, brought into shards of the engine as a start would bring them, by the same rules; fails closed as a start does. One thread. Memory:
 * as a server's with the same data, but that of the SSD tier stays there.
 */
public final class StoredNode implements AutoCloseable {
    private static final long MIB = 1L << 20;
    private static final long STUCK_NANOS = 30_000_000_000L;

    /** What the index takes of a key in the worst case, about. */
    private static final int INDEX_BYTES = 32;

    private final Path directory;
    private final UnaryOperator<Io> overlay;
    private final Runnable check;
    private final Consumer<String> notes;
    private final Clock clock = SystemClock.INSTANCE;
    private final List<StoredShard> shards = new ArrayList<>();

    /**
     * Of a directory, absolute and normal.
     *
     * @param overlay puts something around an Io that keeps the directory as it is
     * @param check run often: throws where the job is to end
     * @param notes for what the operator should know
     */
    public StoredNode(
            Path directory, UnaryOperator<Io> overlay, Runnable check, Consumer<String> notes) {
        this.directory = directory;
        this.overlay = overlay;
        this.check = check;
        this.notes = notes;
    }

    public List<StoredShard> shards() {
        return shards;
    }

    /** As exact as {@link ironcache.engine.Shard#keyCount}. */
    public long keyCount() {
        return shards.stream().mapToLong(stored -> stored.shard().keyCount()).sum();
    }

    /** Memory for shards that hold so many keys together: what is given, and more where their index wants it. */
    public static long memoryFor(long keys, long givenBytes) {
        return Math.max(givenBytes, keys * INDEX_BYTES + 256 * MIB);
    }

    /** Has what the last shutdown left, which is closed after this. */
    public void takeOver(WarmState state, int count) throws IOException {
        // All that is there stays where it is: nothing may be sealed, whose place would be in
        // the directory's own files.
        long memory = state.bytes() / count * 2 + 256 * MIB;
        for (int i = 0; i < count; i++) {
            ShardConfig config =
                    new ShardConfig(
                            directory.resolve("shard-" + i),
                            count,
                            memory,
                            0,
                            state.segmentPages(),
                            state.hashSeed(),
                            state.framesUsed(i),
                            state.notesUsed(i));
            open(config).takeOver(state, i);
        }
    }

    /** Has what the manifest names. */
    public void recover(Manifest manifest, List<ShardSource> sources, long memoryBytes)
            throws IOException {
        int count = sources.size();
        long memory = Math.max(ShardConfig.LEAST_MEMORY_BYTES, memoryBytes / count);
        Recovery node = new Recovery(count);
        for (int i = 0; i < count; i++) {
            ShardConfig config =
                    new ShardConfig(
                            directory.resolve("shard-" + i),
                            count,
                            memory,
                            0,
                            manifest.shards().get(i).segmentPages(),
                            manifest.hashSeed());
            open(config).recover(node, i, sources.get(i), manifest.nodeId(), notes);
        }
        long sinceNanos = clock.nanoTime();
        while (!shards.stream().allMatch(StoredShard::isRecovered)) {
            boolean on = false;
            for (StoredShard shard : shards) {
                on |= shard.step();
            }
            sinceNanos = on ? clock.nanoTime() : sinceNanos;
            if (clock.nanoTime() - sinceNanos > STUCK_NANOS) {
                throw new CannotWriteException(
                        directory
                                + ": reading it back gets no further: the keys do not fit in the"
                                + " memory, or the disk is full");
            }
            check.run();
        }
    }

    private StoredShard open(ShardConfig config) throws IOException {
        FileWorker worker = new FileWorker();
        try {
            StoredShard shard = new StoredShard(worker, overlay.apply(worker.io), config, check);
            shards.add(shard);
            return shard;
        } catch (IOException | RuntimeException e) {
            worker.close();
            throw e;
        }
    }

    @Override
    public void close() {
        shards.forEach(StoredShard::close);
    }
}
