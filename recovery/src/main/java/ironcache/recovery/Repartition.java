package ironcache.recovery;

import ironcache.engine.RootLayout;
import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.engine.ShardStats;
import ironcache.engine.SlotTable;
import ironcache.ffm.Clock;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.ReadOnlyIo;
import ironcache.ffm.SystemClock;
import ironcache.hybridlog.Record;
import ironcache.wal.Manifest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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

    /** What a new shard's files take beside the data: an image grows by as much, and there is a log. */
    private static final long ROOM_PER_SHARD_BYTES = 68 * MIB;

    /** Pages of an object that are asked for at a time. */
    private static final int PAGES_AT_ONCE = 32;

    private final Path directory;
    private final Path building;
    private final int shards;
    private final long memoryBytes;
    private final Consumer<String> log;
    private final Clock clock = SystemClock.INSTANCE;
    private final SlotTable slots;
    private final StoredNode from;
    private final List<FileWorker> workers = new ArrayList<>();
    private final List<NewShard> to = new ArrayList<>();
    private final long nowMillis = clock.currentTimeMillis();
    private long total;
    private long done;
    private long progressNanos = clock.nanoTime();

    private Repartition(Path directory, int shards, long memoryBytes, Consumer<String> log) {
        this.directory = directory;
        this.shards = shards;
        this.memoryBytes = memoryBytes / 2;
        this.log = log;
        building = directory.resolve(RepartitionSwitch.BUILDING);
        slots = new SlotTable(shards);
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
     */
    public static void run(
            Path directory,
            int shards,
            @Nullable Manifest manifest,
            @Nullable WarmState state,
            long memoryBytes,
            Consumer<String> log)
            throws IOException {
        try (FileWorker worker = new FileWorker()) {
            RepartitionSwitch change = new RepartitionSwitch(worker, directory, log);
            change.begin();
            try (Repartition job = new Repartition(directory, shards, memoryBytes, log)) {
                job.rebuild(worker, manifest, state);
            } catch (CannotWriteException e) {
                change.giveUp();
                throw new CannotWriteException(
                        "dir "
                                + directory
                                + ": re-partitioning to "
                                + shards
                                + " shards did not get to its end, and nothing was changed: "
                                + e.getMessage());
            } catch (IOException | RuntimeException e) {
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
        log.accept(
                "re-partitioning: "
                        + total
                        + " keys of "
                        + former
                        + " shards to "
                        + shards
                        + ", beside what is there");
        checkSpace(worker, former);
        long hashSeed = manifest != null ? manifest.hashSeed() : stateOf(state).hashSeed();
        long nodeId = manifest != null ? manifest.nodeId() : stateOf(state).nodeId();
        open(worker, hashSeed);
        for (StoredShard shard : from.shards()) {
            for (int db = 0; db < Shard.DATABASES; db++) {
                copy(shard, db);
            }
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

    private static WarmState stateOf(@Nullable WarmState state) {
        if (state == null) {
            throw new IllegalArgumentException("neither manifest nor state");
        }
        return state;
    }

    /** @return how many shards there were */
    private int read(FileWorker worker, @Nullable Manifest manifest, @Nullable WarmState state)
            throws IOException {
        if (state != null || manifest == null) {
            int former = stateOf(state).shards();
            from.takeOver(stateOf(state), former);
            return former;
        }
        List<Manifest.Snapshot> snapshots = manifest.snapshots();
        Manifest.Snapshot newest = snapshots.isEmpty() ? null : snapshots.getLast();
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

    private void checkSpace(FileWorker worker, int former) throws IOException {
        long needed = shards * ROOM_PER_SHARD_BYTES;
        for (StoredShard stored : from.shards()) {
            ShardStats stats = stored.shard().stats();
            needed += stats.logFramesBytes + stats.diskLiveBytes;
        }
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

    private void copy(StoredShard stored, int db) {
        if (stored.size(nowMillis, db) == 0) {
            return;
        }
        List<byte[]> paged = new ArrayList<>();
        long cursor = 0;
        do {
            paged.clear();
            cursor =
                    stored.scan(
                            nowMillis,
                            db,
                            cursor,
                            record -> {
                                if (Record.isPaged(record)) {
                                    paged.add(StoredShard.keyOf(record));
                                } else {
                                    copy(db, record);
                                }
                                tellProgress();
                            });
            for (byte[] key : paged) {
                copyPaged(stored, db, key);
            }
        } while (cursor != 0);
    }

    private void tellProgress() {
        if (++done % KEYS_PER_CHECK == 0 && clock.nanoTime() - progressNanos >= PROGRESS_NANOS) {
            progressNanos = clock.nanoTime();
            log.accept("re-partitioning: " + done + " of " + total + " keys");
        }
    }

    private NewShard shardOf(long key, int keyLength) {
        return shards == 1
                ? to.getFirst()
                : to.get(slots.shardOf(SlotTable.slotOf(key, keyLength)));
    }

    private void copy(int db, long record) {
        NewShard target = shardOf(Record.key(record), Record.keyLength(record));
        target.write(
                () ->
                        put(
                                target.shard(),
                                db,
                                Record.key(record),
                                Record.keyLength(record),
                                Record.kind(record),
                                Record.value(record),
                                Record.valueLength(record),
                                Record.expiry(record)));
    }

    /** @return where the value is now */
    private static long put(
            Shard shard,
            int db,
            long key,
            int keyLength,
            int kind,
            long value,
            int valueLength,
            long expiryMillis) {
        long hash = shard.hash(key, keyLength);
        long at = shard.upsert(db, key, keyLength, hash, kind, valueLength, expiryMillis);
        Memory.copy(value, at, valueLength);
        return at;
    }

    /** What a paged key's record says. */
    private static final class Root {
        int kind;
        int length;
        long expiryMillis;
        long object;
        long pages;
    }

    /** Page by page: an object may be larger than a shard's memory. */
    private void copyPaged(StoredShard stored, int db, byte[] key) {
        long bytes = Math.max(8, key.length);
        long name = Memory.allocate(bytes, MemoryTag.OTHER);
        long value = Memory.allocate(Record.MAX_VALUE_BYTES, MemoryTag.OTHER);
        try {
            Memory.copyIn(key, 0, name, key.length);
            Root root = new Root();
            Shard source = stored.shard();
            stored.read(
                    nowMillis,
                    () -> {
                        long hash = source.hash(name, key.length);
                        long record = source.peek(db, name, key.length, hash);
                        root.kind = Record.kind(record);
                        root.length = Record.valueLength(record);
                        root.expiryMillis = Record.expiry(record);
                        root.object = RootLayout.object(Record.value(record));
                        root.pages = RootLayout.pages(Record.value(record));
                        Memory.copy(Record.value(record), value, root.length);
                    });
            NewShard target = shardOf(name, key.length);
            long[] object = new long[1];
            target.write(() -> object[0] = target.shard().createObject(db));
            for (long page = 0; page < root.pages; page++) {
                copyPage(stored, target, root, page, object[0]);
            }
            target.write(
                    () ->
                            RootLayout.putObject(
                                    put(
                                            target.shard(),
                                            db,
                                            name,
                                            key.length,
                                            root.kind,
                                            value,
                                            root.length,
                                            root.expiryMillis),
                                    object[0]));
        } finally {
            Memory.free(value, Record.MAX_VALUE_BYTES, MemoryTag.OTHER);
            Memory.free(name, bytes, MemoryTag.OTHER);
        }
    }

    private void copyPage(
            StoredShard stored, NewShard target, Root root, long page, long toObject) {
        stored.read(
                nowMillis,
                () -> {
                    if (page % PAGES_AT_ONCE == 0) {
                        long end = Math.min(root.pages, page + PAGES_AT_ONCE);
                        for (long ahead = page; ahead < end; ahead++) {
                            stored.shard().prefetchPage(root.object, ahead);
                        }
                    }
                    long record = stored.shard().readPage(root.object, page);
                    if (record != 0) {
                        int length = Record.valueLength(record);
                        target.write(
                                () ->
                                        Memory.copy(
                                                Record.value(record),
                                                target.shard().upsertPage(toObject, page, length),
                                                length));
                    }
                });
    }

    @Override
    public void close() {
        from.close();
        to.forEach(NewShard::close);
        workers.forEach(FileWorker::close);
        to.forEach(NewShard::free);
    }
}
