package ironcache.tools;

import ironcache.ffm.Io;
import ironcache.ffm.ReadOnlyIo;
import ironcache.recovery.FileWorker;
import ironcache.recovery.ShardSource;
import ironcache.recovery.StoredNode;
import ironcache.recovery.StoredShard;
import ironcache.recovery.WarmState;
import ironcache.wal.Manifest;
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

    private final DataDirectory directory;
    private final StoredDataOptions options;
    private final Path scratch;
    private final ToolProgress progress;
    private final StoredNode node;
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
        scratch = options.makeScratch();
        node =
                new StoredNode(
                        directory.path.toAbsolutePath().normalize(),
                        this::overlay,
                        () -> {
                            if (loading) {
                                progress.show();
                            }
                            cancellation.check();
                        },
                        notes::add);
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

    /** As exact as {@link ironcache.engine.Shard#keyCount}. */
    long keyCount() {
        return node.keyCount();
    }

    List<StoredShard> shards() {
        return node.shards();
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
                            overlay(finder.io),
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
        node.takeOver(found, count);
    }

    private Io overlay(Io io) {
        return new ReadOnlyIo(
                io,
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
        node.recover(manifest, sources, StoredNode.memoryFor(keys, options.memoryBytes()));
    }

    private Manifest.@Nullable Snapshot snapshot(Manifest manifest) {
        Long number = options.snapshot;
        if (number != null) {
            return SnapshotFiles.chosen(directory, manifest, number);
        }
        return manifest.newestSnapshot();
    }

    /** As the server chooses it. */
    private ShardSource source(
            Manifest manifest, Manifest.@Nullable Snapshot snapshot, int shard, boolean withLog) {
        DataDirectory.ShardDirectory own = directory.shard(shard);
        return ShardSource.of(
                manifest, snapshot, shard, own.path, List.copyOf(own.logs.values()), withLog);
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
        node.close();
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
