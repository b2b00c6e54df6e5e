package ironcache.tools;

import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.recovery.Recovery;
import ironcache.recovery.ShardSource;
import ironcache.recovery.WarmState;
import ironcache.wal.Damage;
import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The data of a stopped server's directory, read as a start of the server would read them, by the same rules: what the last shutdown left, else the newest snapshot and the log behind
 * it. Fails closed as a start does. Changes nothing in the directory; what does not fit in memory goes to a scratch directory, which is deleted at the end.
 *
 * <p>One thread. Memory: as a server's with the same data, but that of the SSD tier stays there.
 */
final class StoredData implements AutoCloseable {
    private static final long MIB = 1L << 20;
    private static final long STUCK_NANOS = 30_000_000_000L;

    /** What the index takes of a key in the worst case, about. */
    private static final int INDEX_BYTES = 32;

    private final DataDirectory directory;
    private final StoredDataOptions options;
    private final Path scratch;
    private final ToolProgress progress;
    private final Cancellation cancellation;
    private final List<StoredShard> shards = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private @Nullable WarmState state;
    private boolean loading = true;
    private String origin = "";

    private StoredData(
            DataDirectory directory,
            StoredDataOptions options,
            ToolProgress progress,
            Cancellation cancellation)
            throws IOException {
        this.directory = directory;
        this.options = options;
        this.progress = progress;
        this.cancellation = cancellation;
        scratch = options.makeScratch();
    }

    /**
     * Loads them.
     *
     * @throws DamageException where a start of the server would be refused
     * @throws ironcache.recovery.RecoveryException as well
     */
    static StoredData open(
            DataDirectory directory,
            StoredDataOptions options,
            CommonOptions common,
            Cancellation cancellation)
            throws IOException {
        ToolProgress progress = new ToolProgress("read", common.silent());
        StoredData data = new StoredData(directory, options, progress, cancellation);
        try (progress) {
            data.load();
            return data;
        } catch (IOException | RuntimeException | Error e) {
            data.close();
            throw e;
        }
    }

    /** What is worth telling and is no damage. */
    List<String> notes() {
        return notes;
    }

    /** What was read: a state, or a snapshot and a log. */
    String origin() {
        return origin;
    }

    /** As exact as {@link Shard#keyCount}. */
    long keyCount() {
        return shards.stream().mapToLong(stored -> stored.shard.keyCount()).sum();
    }

    List<StoredShard> shards() {
        return shards;
    }

    private void load() throws IOException {
        Manifest manifest = directory.manifests.isEmpty() ? null : directory.manifest();
        if (options.snapshot == null) {
            takeOver(manifest);
        }
        if (state == null) {
            if (manifest == null) {
                throw new ToolException(
                        directory.path
                                + ": no manifest and no state of a shutdown: nothing outlived the"
                                + " last server");
            }
            recover(manifest);
        }
        loading = false;
    }

    // What the last shutdown left.

    private void takeOver(@Nullable Manifest manifest) throws IOException {
        Path real = directory.path.toAbsolutePath().normalize();
        int count =
                manifest == null
                        ? WarmState.shardsIn(real, options.stateDirectory())
                        : manifest.shards().size();
        if (count == 0) {
            return;
        }
        try (FileWorker finder = new FileWorker()) {
            state =
                    WarmState.find(
                            overlay(finder),
                            real,
                            options.stateDirectory(),
                            count,
                            manifest,
                            true,
                            (tasks, task) -> IntStream.range(0, tasks).parallel().forEach(task),
                            notes::add);
        }
        WarmState found = state;
        if (found == null) {
            return;
        }
        origin = "the state of the last shutdown";
        progress.expect(found.bytes());
        progress.did(found.bytes());
        for (int i = 0; i < count; i++) {
            // All that is there stays where it is: nothing may be sealed, whose place would be in
            // the directory's own files.
            long memory = found.bytes() / count * 2 + 256 * MIB;
            StoredShard shard =
                    open(
                            i,
                            count,
                            memory,
                            found.segmentPages(),
                            found.hashSeed(),
                            found.framesUsed(i),
                            found.notesUsed(i));
            shard.takeOver(found, i);
        }
    }

    private StoredShard open(
            int number,
            int count,
            long memory,
            int segmentPages,
            long hashSeed,
            int frames,
            int shadows)
            throws IOException {
        FileWorker worker = new FileWorker();
        try {
            StoredShard shard =
                    new StoredShard(
                            worker,
                            overlay(worker),
                            new ShardConfig(
                                    directory.shard(number).path.toAbsolutePath().normalize(),
                                    count,
                                    Math.max(ShardConfig.LEAST_MEMORY_BYTES, memory),
                                    0,
                                    segmentPages,
                                    hashSeed,
                                    frames,
                                    shadows),
                            cancellation::isCancelled);
            shards.add(shard);
            return shard;
        } catch (IOException | RuntimeException e) {
            worker.close();
            throw e;
        }
    }

    private ReadOnlyIo overlay(FileWorker worker) {
        return new ReadOnlyIo(
                worker.io,
                directory.path.toAbsolutePath().normalize(),
                scratch,
                bytes -> {
                    if (loading) {
                        progress.did(bytes);
                    }
                });
    }

    // The newest snapshot, or the one that was asked for, and the log.

    private void recover(Manifest manifest) throws IOException {
        Manifest.Snapshot snapshot = snapshot(manifest);
        boolean withLog = options.snapshot == null;
        List<ShardSource> sources = new ArrayList<>();
        for (int i = 0; i < manifest.shards().size(); i++) {
            ShardSource source = source(manifest, snapshot, i, withLog);
            sources.add(source);
            progress.expect(bytesOf(source));
        }
        origin =
                (snapshot == null ? "the log" : "snapshot " + snapshot.number())
                        + (snapshot != null && withLog ? " and the log behind it" : "");
        long keys = snapshot == null ? 0 : snapshot.keys();
        int count = sources.size();
        long memory = Math.max(options.memoryBytes(), keys * INDEX_BYTES + 256 * MIB) / count;
        Recovery node = new Recovery(count);
        for (int i = 0; i < count; i++) {
            int segmentPages = manifest.shards().get(i).segmentPages();
            StoredShard shard = open(i, count, memory, segmentPages, manifest.hashSeed(), 0, 0);
            shard.recover(node, i, sources.get(i), manifest.nodeId(), notes::add);
        }
        awaitRecovery();
    }

    private void awaitRecovery() {
        long sinceNanos = System.nanoTime();
        while (!shards.stream().allMatch(StoredShard::isRecovered)) {
            boolean on = false;
            for (StoredShard shard : shards) {
                on |= shard.step();
            }
            sinceNanos = on ? System.nanoTime() : sinceNanos;
            if (System.nanoTime() - sinceNanos > STUCK_NANOS) {
                throw new ToolException(
                        directory.path
                                + ": reading it back gets no further: the keys do not fit in"
                                + " --memory, or "
                                + scratch
                                + " is full");
            }
            progress.show();
            cancellation.check();
        }
    }

    private Manifest.@Nullable Snapshot snapshot(Manifest manifest) {
        Long number = options.snapshot;
        if (number != null) {
            return SnapshotFiles.chosen(directory, manifest, number);
        }
        return manifest.snapshots().isEmpty() ? null : manifest.snapshots().getLast();
    }

    /** As the server chooses it. */
    private ShardSource source(
            Manifest manifest, Manifest.@Nullable Snapshot snapshot, int shard, boolean withLog) {
        Manifest.ShardFiles files = manifest.shards().get(shard);
        DataDirectory.ShardDirectory own = directory.shard(shard);
        long last = files.logToGeneration() == 0 ? Long.MAX_VALUE : files.logToGeneration();
        if (snapshot == null) {
            return new ShardSource(
                    null,
                    log(own, files.logFromGeneration(), last),
                    files.logFromSeqno(),
                    files.logFromSeqno() - 1);
        }
        Manifest.SnapshotPart part = snapshot.parts().get(shard);
        boolean logged = withLog && files.logFromGeneration() != 0;
        return new ShardSource(
                WalFileLayout.imageFile(own.path, part.imageGeneration()),
                log(own, part.firstLogGeneration(), logged ? last : part.lastLogGeneration()),
                part.beginSeqno(),
                part.cutSeqno());
    }

    private static List<Path> log(DataDirectory.ShardDirectory shard, long from, long to) {
        Path first = WalFileLayout.logFile(shard.path, from);
        if (!shard.logs.containsKey(from)) {
            throw new DamageException(
                    new Damage(
                            first,
                            0,
                            "file",
                            "the log segment that the manifest names",
                            "nothing: it is missing"));
        }
        return List.copyOf(shard.logs.subMap(from, true, to, true).values());
    }

    /** The log is read twice. */
    private static long bytesOf(ShardSource source) throws IOException {
        long bytes = 0;
        for (Path file : source.log()) {
            bytes += 2 * Files.size(file);
        }
        Path image = source.image();
        return image == null || !Files.exists(image) ? bytes : bytes + Files.size(image);
    }

    @Override
    public void close() {
        shards.forEach(StoredShard::close);
        WarmState found = state;
        if (found != null) {
            found.close();
        }
        try (Stream<Path> all = Files.walk(scratch)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            System.err.println("ironcache-tool: " + scratch + " is left over: " + e);
        }
    }
}
