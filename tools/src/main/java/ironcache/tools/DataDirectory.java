package ironcache.tools;

import ironcache.recovery.RepartitionSwitch;
import ironcache.tiering.SegmentStore;
import ironcache.wal.Damage;
import ironcache.wal.DamagedManifestException;
import ironcache.wal.Manifest;
import ironcache.wal.Manifests;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The files of a data directory by kind and number, as they are there; reads only. */
final class DataDirectory {
    private static final String LOCK = "ironcache.lock";
    private static final String SHARD_PREFIX = "shard-";

    /** Files of one shard. */
    static final class ShardDirectory {
        final int number;
        final Path path;
        final NavigableMap<Long, Path> logs = new TreeMap<>();
        final NavigableMap<Long, Path> images = new TreeMap<>();
        final NavigableMap<Integer, Path> segments = new TreeMap<>();

        ShardDirectory(int number, Path path) {
            this.number = number;
            this.path = path;
        }
    }

    final Path path;

    /** By generation. */
    final NavigableMap<Long, Path> manifests = new TreeMap<>();

    final NavigableMap<Integer, ShardDirectory> shards = new TreeMap<>();

    /** Copies that are read instead, by what they are of. */
    private final Map<Path, Path> mended = new HashMap<>();

    private DataDirectory(Path path) {
        this.path = path;
    }

    /** @throws ToolException where there is no such directory, or nothing of IronCache in it */
    static DataDirectory open(Path path) {
        if (!Files.isDirectory(path)) {
            throw new ToolException(path + ": no such directory");
        }
        if (Files.exists(path.resolve(RepartitionSwitch.READY))) {
            throw new ToolException(
                    path
                            + ": a re-partitioning was cut off here ("
                            + RepartitionSwitch.READY
                            + "): a start of the server finishes it");
        }
        DataDirectory found = new DataDirectory(path);
        try {
            for (Path file : list(path)) {
                String name = String.valueOf(file.getFileName());
                if (Manifests.generation(file) >= 0) {
                    found.manifests.put(Manifests.generation(file), file);
                } else if (name.matches(SHARD_PREFIX + "\\d{1,4}") && Files.isDirectory(file)) {
                    int number = Integer.parseInt(name.substring(SHARD_PREFIX.length()));
                    found.shards.put(number, shard(number, file));
                }
            }
        } catch (IOException e) {
            throw new ToolException("cannot list " + path + ": " + e);
        }
        if (found.manifests.isEmpty() && found.shards.isEmpty()) {
            throw new ToolException(
                    path + ": no data directory of IronCache (no manifest-*, no shard-*)");
        }
        return found;
    }

    private static ShardDirectory shard(int number, Path directory) throws IOException {
        ShardDirectory shard = new ShardDirectory(number, directory);
        for (Path file : list(directory)) {
            if (WalFileLayout.logGeneration(file) >= 0) {
                shard.logs.put(WalFileLayout.logGeneration(file), file);
            } else if (WalFileLayout.imageGeneration(file) >= 0) {
                shard.images.put(WalFileLayout.imageGeneration(file), file);
            } else if (SegmentStore.number(file) >= 0) {
                shard.segments.put(SegmentStore.number(file), file);
            }
        }
        return shard;
    }

    private static List<Path> list(Path directory) throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            entries.forEach(files::add);
        }
        return files;
    }

    /** From now on a copy, of the same name, is read instead of a file. */
    void mend(Path file, Path copy) {
        mended.put(file, copy);
        for (ShardDirectory shard : shards.values()) {
            shard.logs.replaceAll((generation, path) -> path.equals(file) ? copy : path);
            shard.images.replaceAll((generation, path) -> path.equals(file) ? copy : path);
            shard.segments.replaceAll((number, path) -> path.equals(file) ? copy : path);
        }
    }

    /** What is read for a file. */
    Path actual(Path file) {
        return mended.getOrDefault(file, file);
    }

    /** The shard's files; none where its directory is missing. */
    ShardDirectory shard(int number) {
        ShardDirectory shard = shards.get(number);
        return shard != null
                ? shard
                : new ShardDirectory(number, path.resolve(SHARD_PREFIX + number));
    }

    /** A manifest, or what is wrong with it. */
    record ReadManifest(Path file, @Nullable Manifest manifest, @Nullable Damage damage) {}

    /** Reads a manifest as the server does. */
    static ReadManifest readManifest(Path file) {
        try {
            Manifest manifest = Manifest.parse(file, Files.readAllBytes(file));
            long named = Manifests.generation(file);
            return manifest.generation() == named || named < 0
                    ? new ReadManifest(file, manifest, null)
                    : new ReadManifest(
                            file,
                            null,
                            new Damage(
                                    file, 0, "generation", "" + named, "" + manifest.generation()));
        } catch (DamagedManifestException e) {
            return new ReadManifest(file, null, e.damage());
        } catch (IOException e) {
            return new ReadManifest(
                    file, null, new Damage(file, 0, "read", "the bytes there", String.valueOf(e)));
        }
    }

    /**
     * The newest manifest, which says what counts.
     *
     * @throws ToolException where there is none
     * @throws DamageException where it does not verify
     */
    Manifest manifest() {
        if (manifests.isEmpty()) {
            throw new ToolException(
                    path + ": no manifest: neither log nor snapshot was ever kept here");
        }
        ReadManifest read = readManifest(manifests.lastEntry().getValue());
        if (read.manifest() == null) {
            throw new DamageException(Objects.requireNonNull(read.damage()));
        }
        return read.manifest();
    }

    /**
     * Keeps servers away, until it is closed.
     *
     * @throws ToolException where one runs on it
     */
    FileChannel hold() throws IOException {
        FileChannel channel =
                FileChannel.open(
                        path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // By this process.
        }
        if (lock == null) {
            channel.close();
            throw new ToolException(
                    path + ": a running server holds it (" + LOCK + "): stop it first");
        }
        return channel;
    }

    /** Whether a server runs on it now. */
    boolean isHeld() {
        // A shared lock needs no more than reading; the server's is exclusive.
        try (FileChannel channel = FileChannel.open(path.resolve(LOCK), StandardOpenOption.READ);
                FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true)) {
            return lock == null;
        } catch (OverlappingFileLockException e) {
            return true; // By this process.
        } catch (IOException e) {
            return false;
        }
    }

    /** @throws ToolException where a server runs on it, unless {@code force} */
    void refuseHeld(boolean force) {
        if (!force && isHeld()) {
            throw new ToolException(
                    path
                            + ": a running server holds it ("
                            + LOCK
                            + "): stop it, or say --force and expect files to change under the"
                            + " tool");
        }
    }
}
