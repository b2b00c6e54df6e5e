package ironcache.tools;

import ironcache.datatypes.Strings;
import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.SystemClock;
import ironcache.recovery.FileWorker;
import ironcache.recovery.RebuiltNode;
import ironcache.recovery.ShardSnapshot;
import ironcache.recovery.ShardTurns;
import ironcache.recovery.Snapshot;
import ironcache.wal.ImageFile;
import ironcache.wal.Manifest;
import ironcache.wal.Peers;
import ironcache.wal.SyncPolicy;
import ironcache.wal.WalOptions;
import ironcache.wal.WalWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A data directory of one shard with as many snapshots as are asked for, made with the engine and without a server. It keeps a log throughout, as a server with
 * {@code appendonly yes} does. Owned by the test's thread.
 */
final class SnapshotFixture implements AutoCloseable {
    private static final long MEMORY_BYTES = 32L << 20;
    private static final long IMAGE_TOKEN = Shard.FIRST_FOREIGN_TOKEN | 1L << 48;
    private static final long NODE_ID = 0x1234;
    private static final long HASH_SEED = 99;

    private final Path directory;
    private final FileWorker worker = new FileWorker();
    private final ShardTurns turns = new ShardTurns(worker, () -> {});
    private final Shard shard;
    private final WalWriter log;
    private ImageFile image;
    private long generation;
    private final List<Manifest.Snapshot> snapshots = new ArrayList<>();
    private final List<ImageFile> images = new ArrayList<>();
    private final long memory = Memory.allocate(1 << 20, MemoryTag.OTHER);

    SnapshotFixture(Path directory) throws IOException {
        this.directory = directory;
        Path own = directory.resolve("shard-0");
        Files.createDirectories(own);
        shard =
                new Shard(
                        worker.io,
                        SystemClock.INSTANCE,
                        new ShardConfig(own, 1, MEMORY_BYTES, 0, 4, HASH_SEED),
                        turns);
        worker.handle(
                (token, result) -> {
                    if (token >= Shard.FIRST_FOREIGN_TOKEN) {
                        image.onFile((int) token, result);
                    } else {
                        shard.fileHandler().onFile(token, result);
                    }
                });
        log =
                new WalWriter(
                        worker.io,
                        own,
                        0,
                        NODE_ID,
                        new WalOptions(2 << 20, SyncPolicy.EVERYSEC),
                        Shard.logToken(),
                        Peers.NONE,
                        1,
                        1);
        shard.keepLog(log);
    }

    void set(int db, String key, String value, long expiryMillis) {
        byte[] name = key.getBytes(StandardCharsets.ISO_8859_1);
        byte[] bytes = value.getBytes(StandardCharsets.ISO_8859_1);
        Memory.copyIn(name, 0, memory, name.length);
        Memory.copyIn(bytes, 0, memory + name.length, bytes.length);
        turns.write(
                shard,
                () ->
                        Strings.set(
                                shard,
                                db,
                                memory,
                                name.length,
                                shard.hash(memory, name.length),
                                memory + name.length,
                                bytes.length,
                                expiryMillis));
        turns.turn(shard);
    }

    /** So many keys: the prefix and a number, with the value and the number. */
    void fill(String prefix, int count, String value) {
        for (int i = 0; i < count; i++) {
            set(0, prefix + i, value + i, 0);
        }
    }

    void delete(int db, String key) {
        byte[] name = key.getBytes(StandardCharsets.ISO_8859_1);
        Memory.copyIn(name, 0, memory, name.length);
        turns.write(
                shard,
                () -> shard.delete(db, memory, name.length, shard.hash(memory, name.length)));
    }

    /** Makes a snapshot, which all later manifests name. @return its number */
    long snapshot() throws IOException {
        generation++;
        image =
                new ImageFile(
                        worker.io,
                        directory.resolve("shard-0"),
                        0,
                        NODE_ID,
                        generation,
                        IMAGE_TOKEN);
        images.add(image);
        Snapshot node = new Snapshot(generation, 1);
        ShardSnapshot part = new ShardSnapshot(node, shard, log, image);
        while (node.phase() != Snapshot.Phase.SYNCED) {
            if (node.phase() == Snapshot.Phase.CUTTING) {
                part.cut();
                node.cut();
            } else if (node.phase() == Snapshot.Phase.FAILED) {
                throw new IOException(node.failure());
            }
            turns.turn(shard);
            part.step();
        }
        snapshots.add(
                new Manifest.Snapshot(
                        generation,
                        System.currentTimeMillis(),
                        shard.keyCount(),
                        image.writtenBytes(),
                        List.of(
                                new Manifest.SnapshotPart(
                                        generation,
                                        part.beginSeqno(),
                                        part.cutSeqno(),
                                        part.firstLog(),
                                        part.lastLog(),
                                        part.segments()))));
        node.keep();
        part.end(true);
        return generation;
    }

    /** What it would be to the last frame; the log goes on. */
    void publish() throws IOException {
        // Puts what the log has behind the last snapshot onto the disk.
        log.setPolicy(SyncPolicy.ALWAYS);
        while (!log.isQuiet()) {
            turns.turn(shard);
        }
        Manifest.SnapshotPart last = snapshots.getLast().parts().getFirst();
        RebuiltNode.publish(
                directory,
                new Manifest(
                        generation + 1,
                        NODE_ID,
                        HASH_SEED,
                        1,
                        List.of(
                                new Manifest.ShardFiles(
                                        4,
                                        last.firstLogGeneration(),
                                        0,
                                        last.beginSeqno(),
                                        last.cutSeqno())),
                        snapshots));
    }

    /** SSD segments that a snapshot refers to. */
    BitSet segments(int index) {
        return snapshots.get(index).parts().getFirst().segments();
    }

    @Override
    public void close() {
        shard.keepLog(null);
        shard.close();
        worker.close();
        images.forEach(ImageFile::close);
        log.close();
        Memory.free(memory, 1 << 20, MemoryTag.OTHER);
    }
}
