package ironcache.recovery;

import ironcache.engine.ShardConfig;
import ironcache.engine.ShardStats;
import ironcache.ffm.Clock;
import ironcache.ffm.ReadOnlyIo;
import ironcache.ffm.SystemClock;
import ironcache.hybridlog.Address;
import ironcache.wal.Manifest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Deals the data of a directory out to another number of shards, before any shard is opened (docs/adr/0015-repartition.md): reads the old shards as a start would, copies key by
 * key into new ones beside them, and switches ({@link RepartitionSwitch}). Until the switch nothing of the directory is changed. One thread; owns both sets of shards.
 */
public final class Repartition implements AutoCloseable {
    private static final long MIB = 1L << 20;
    private static final long PROGRESS_NANOS = 2_000_000_000;
    private static final int KEYS_PER_CHECK = 1024;

    /** What a new shard's files take beside the data: an image grows by this much at a time, and there is a log. */
    private static final long ROOM_PER_SHARD_BYTES = 68 * MIB;

    /** On the SSD tier a shard takes this many percent more than its data, and some segments, before it compacts. */
    private static final int TIER_PERCENT = 30;

    private static final long TIER_SEGMENTS = 3;

    private final Path directory;
    private final Path building;
    private final int shards;
    private final long memoryBytes;
    private final Recovery progress;
    private final Consumer<String> log;
    private final Clock clock = SystemClock.INSTANCE;
    private final StoredNode from;
    private final List<FileWorker> workers = new ArrayList<>();
    private final List<NewShard> to = new ArrayList<>();
    private long total;
    private long done;
    private long progressNanos = clock.nanoTime();

    private Repartition(
            Path directory, int shards, long memoryBytes, Recovery progress, Consumer<String> log) {
        this.directory = directory;
        this.shards = shards;
        this.memoryBytes = memoryBytes / 2;
        this.progress = progress;
        this.log = log;
        building = directory.resolve(RepartitionSwitch.BUILDING);
        from =
                new StoredNode(
                        directory,
                        io ->
                                new ReadOnlyIo(
                                        io,
                                        directory,
                                        building.resolve(RepartitionSwitch.SCRATCH),
                                        bytes -> {}),
                        () -> {},
                        log);
    }

    /**
     * Does all of it. Where it throws, nothing has changed, unless the switch was made: then the next start finishes that.
     *
     * @param directory absolute and normal; its lock is held
     * @param shards how many there shall be
     * @param manifest in force, or null
     * @param state that is in force, or null; one of the two there is
     * @param memoryBytes for old and new shards together
     * @param progress is told what there is to copy, and what is copied
     */
    public static void run(
            Path directory,
            int shards,
            @Nullable Manifest manifest,
            @Nullable WarmState state,
            long memoryBytes,
            Recovery progress,
            Consumer<String> log)
            throws IOException {
        try (FileWorker worker = new FileWorker()) {
            RepartitionSwitch change = new RepartitionSwitch(worker, directory, log);
            change.begin();
            try (Repartition job = new Repartition(directory, shards, memoryBytes, progress, log)) {
                job.rebuild(worker, manifest, state);
            } catch (CannotWriteException | IOException e) {
                change.giveUp();
                throw new CannotWriteException(
                        "dir "
                                + directory
                                + ": re-partitioning to "
                                + shards
                                + " shards did not get to its end, and nothing was changed: "
                                + e.getMessage());
            } catch (RuntimeException e) {
                change.giveUp();
                throw e;
            }
            change.commit(shards);
        }
    }

    private void rebuild(FileWorker worker, @Nullable Manifest manifest, @Nullable WarmState state)
            throws IOException {
        int former = read(worker, manifest, state);
        total = from.keyCount();
        checkSpace(worker, former);
        log.accept(
                "re-partitioning: "
                        + total
                        + " keys of "
                        + former
                        + " shards to "
                        + shards
                        + ", beside what is there");
        long hashSeed =
                manifest != null ? manifest.hashSeed() : Objects.requireNonNull(state).hashSeed();
        long nodeId = manifest != null ? manifest.nodeId() : Objects.requireNonNull(state).nodeId();
        open(worker, hashSeed);
        KeyCopy copy = new KeyCopy(to, progress, this::tellProgress);
        for (StoredShard shard : from.shards()) {
            copy.all(shard);
        }
        RebuiltNode node =
                new RebuiltNode(
                        manifest == null ? 1 : manifest.generation() + 1,
                        nodeId,
                        hashSeed,
                        manifest == null ? 0 : manifest.epoch());
        for (NewShard shard : to) {
            node.add(shard);
        }
        RebuiltNode.publish(building, node.manifest());
        log.accept("re-partitioning: " + node.keys() + " keys are in their places");
    }

    /** @return how many shards there were */
    private int read(FileWorker worker, @Nullable Manifest manifest, @Nullable WarmState state)
            throws IOException {
        if (state != null) {
            from.takeOver(state, state.shards());
            return state.shards();
        }
        Manifest.Snapshot newest = Objects.requireNonNull(manifest).newestSnapshot();
        List<ShardSource> sources = new ArrayList<>();
        for (int i = 0; i < manifest.shards().size(); i++) {
            Path own = directory.resolve("shard-" + i);
            sources.add(
                    ShardSource.of(manifest, newest, i, own, worker.io.openDirectory(own), true));
        }
        long keys = newest == null ? 0 : newest.keys();
        from.recover(manifest, sources, StoredNode.memoryFor(keys, memoryBytes));
        return sources.size();
    }

    private void tellProgress() {
        if (++done % KEYS_PER_CHECK == 0 && clock.nanoTime() - progressNanos >= PROGRESS_NANOS) {
            progressNanos = clock.nanoTime();
            log.accept("re-partitioning: " + done + " of " + total + " keys");
        }
    }

    private void checkSpace(FileWorker worker, int former) throws IOException {
        long data = 0;
        for (StoredShard stored : from.shards()) {
            ShardStats stats = stored.shard().stats();
            data += stats.logFramesBytes + stats.diskLiveBytes;
        }
        progress.addTotal(data);
        long needed = wantedBytes(data);
        long free = worker.io.usableSpace(building);
        if (free < needed) {
            throw new RecoveryException(
                    "dir "
                            + directory
                            + ": re-partitioning from "
                            + former
                            + " to "
                            + shards
                            + " shards wants "
                            + (needed >> 20)
                            + " MB of free space, actual "
                            + (free >> 20)
                            + " MB; nothing was changed: make room, or start with --shards "
                            + former);
        }
    }

    private long wantedBytes(long data) {
        long wanted = shards * ROOM_PER_SHARD_BYTES + data;
        if (data > memoryBytes / 2) {
            long segmentPages = from.shards().getFirst().shard().segmentPages();
            wanted +=
                    data / 100 * TIER_PERCENT
                            + shards * TIER_SEGMENTS * (segmentPages << Address.PAGE_SHIFT);
        }
        return wanted;
    }

    private void open(FileWorker maker, long hashSeed) throws IOException {
        long memory =
                Math.max(
                        ShardConfig.LEAST_MEMORY_BYTES,
                        StoredNode.memoryFor(total, memoryBytes) / shards);
        int segmentPages = from.shards().getFirst().shard().segmentPages();
        for (int i = 0; i < shards; i++) {
            Path own = building.resolve("shard-" + i);
            maker.io.openDirectory(own);
            FileWorker worker = new FileWorker();
            workers.add(worker);
            to.add(
                    new NewShard(
                            worker,
                            i,
                            new ShardConfig(own, shards, memory, 0, segmentPages, hashSeed),
                            () -> {}));
        }
    }

    @Override
    public void close() {
        from.close();
        to.forEach(NewShard::close);
        workers.forEach(FileWorker::close);
        to.forEach(NewShard::free);
    }
}
