package ironcache.recovery;

import ironcache.ffm.Errno;
import ironcache.wal.Manifest;
import ironcache.wal.Manifests;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * The files of a {@link Repartition}: one rename, durable, puts the new layout in force; before it the old one is untouched, behind it whoever finds it finishes (the table is in
 * docs/adr/0015-repartition.md). Every step may be done again. Owned by one thread.
 */
public final class RepartitionSwitch {
    /** The new layout while it is made: does not count. */
    public static final String BUILDING = "repartition.tmp";

    /** The new layout once it counts, as far as it is not in its place yet. */
    public static final String READY = "repartition";

    /** In the former: what does not fit in memory. */
    static final String SCRATCH = "scratch";

    private static final String SHARD = "shard-";

    private final FileWorker worker;
    private final Path directory;
    private final Path building;
    private final Path ready;
    private final Consumer<String> log;
    private int result;
    private boolean synced;

    public RepartitionSwitch(FileWorker worker, Path directory, Consumer<String> log) {
        this.worker = worker;
        this.directory = directory;
        this.log = log;
        building = directory.resolve(BUILDING);
        ready = directory.resolve(READY);
    }

    /** For files that are deleted before the switch, or when there is none. */
    public static Path scratch(Path directory) {
        return directory.resolve(BUILDING).resolve(SCRATCH);
    }

    /** At a start, before anything else: throws away, or finishes, what an earlier start left. */
    public void settle() throws IOException {
        List<Path> found = worker.io.openDirectory(directory);
        if (found.contains(building)) {
            log.accept("a re-partitioning that was cut off is thrown away: " + building);
            giveUp();
        }
        if (found.contains(ready)) {
            log.accept("a re-partitioning that was cut off is finished: " + ready);
            finish();
        }
    }

    void begin() throws IOException {
        worker.io.openDirectory(building.resolve(SCRATCH));
    }

    void giveUp() throws IOException {
        delete(building);
        sync(directory);
    }

    /** The new layout is whole and closed. */
    void commit(int shards) throws IOException {
        delete(building.resolve(SCRATCH));
        for (int i = 0; i < shards; i++) {
            sync(building.resolve(SHARD + i));
        }
        sync(building);
        worker.io.renameFile(building, ready);
        sync(directory);
        finish();
    }

    private void finish() throws IOException {
        Path named = Manifests.newestOf(worker.io.openDirectory(ready));
        if (named != null) {
            int shards = read().shards().size();
            List<Path> made = worker.io.openDirectory(ready);
            for (Path path : worker.io.openDirectory(directory)) {
                if (number(path) >= shards) {
                    delete(path);
                }
            }
            for (int i = 0; i < shards; i++) {
                Path from = ready.resolve(SHARD + i);
                if (made.contains(from)) {
                    delete(directory.resolve(SHARD + i));
                    worker.io.renameFile(from, directory.resolve(SHARD + i));
                }
            }
            sync(ready);
            sync(directory);
            worker.io.renameFile(named, directory.resolve(named.getFileName()));
            sync(directory);
        }
        deleteOldManifests();
        delete(ready);
        sync(directory);
    }

    /** Nothing was moved before it was read for the first time, so that all of the new layout is beside a damaged one. */
    private Manifest read() throws IOException {
        try (Manifests manifests = new Manifests(worker.io, ready, 0)) {
            worker.handle((token, read) -> manifests.onFile(read));
            manifests.load();
            while (manifests.isBusy()) {
                worker.await();
            }
            if (manifests.damage() != null) {
                throw new RecoveryException(
                        manifests.damage()
                                + "; run `ironcache-tool recover "
                                + ready
                                + " --to NEW` to save what is not damaged");
            }
            return Objects.requireNonNull(manifests.newest());
        }
    }

    private void deleteOldManifests() throws IOException {
        List<Path> files = worker.io.openDirectory(directory);
        Path newest = Manifests.newestOf(files);
        for (Path file : files) {
            if (newest != null && Manifests.generation(file) >= 0 && !file.equals(newest)) {
                worker.io.deleteFile(file);
            }
        }
    }

    /** -1: not a shard's directory. */
    private static int number(Path path) {
        String name = String.valueOf(path.getFileName());
        return name.matches(SHARD + "\\d{1,4}")
                ? Integer.parseInt(name.substring(SHARD.length()))
                : -1;
    }

    /** With all that is in it. */
    private void delete(Path path) throws IOException {
        try {
            worker.io.deleteFile(path);
        } catch (DirectoryNotEmptyException e) {
            for (Path inside : worker.io.openDirectory(path)) {
                delete(inside);
            }
            worker.io.deleteFile(path);
        }
    }

    private void sync(Path path) throws IOException {
        synced = false;
        worker.handle(
                (token, done) -> {
                    result = done;
                    synced = true;
                });
        worker.io.syncDirectory(path, 0);
        while (!synced) {
            worker.await();
        }
        if (result < 0) {
            throw new IOException(path + ": fsync: " + Errno.name(result));
        }
    }
}
