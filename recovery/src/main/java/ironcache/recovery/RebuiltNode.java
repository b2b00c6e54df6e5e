package ironcache.recovery;

import ironcache.ffm.SystemClock;
import ironcache.wal.Manifest;
import ironcache.wal.Manifests;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Gathers what the manifest of a directory that is made says, whose shards are {@link NewShard}s. */
public final class RebuiltNode {
    private final long generation;
    private final long nodeId;
    private final long hashSeed;
    private final long epoch;
    private final List<Manifest.ShardFiles> files = new ArrayList<>();
    private final List<Manifest.SnapshotPart> parts = new ArrayList<>();
    private long keys;
    private long bytes;

    /** Of a node that there was not before. */
    public RebuiltNode(long nodeId, long hashSeed) {
        this(1, nodeId, hashSeed, 1);
    }

    /** @param generation of the manifest and the images */
    public RebuiltNode(long generation, long nodeId, long hashSeed, long epoch) {
        this.generation = generation;
        this.nodeId = nodeId;
        this.hashSeed = hashSeed;
        this.epoch = epoch;
    }

    /** Makes the snapshot of the next shard. */
    public void add(NewShard shard) throws IOException {
        keys += shard.shard().keyCount();
        Manifest.SnapshotPart part = shard.snapshot(nodeId, generation);
        bytes += shard.imageBytes();
        parts.add(part);
        files.add(new Manifest.ShardFiles(shard.shard().segmentPages(), 0, 0, 0, part.cutSeqno()));
    }

    public long keys() {
        return keys;
    }

    /** One snapshot, and no log behind it. */
    public Manifest manifest() {
        Manifest.Snapshot only =
                new Manifest.Snapshot(
                        generation, SystemClock.INSTANCE.currentTimeMillis(), keys, bytes, parts);
        return new Manifest(generation, nodeId, hashSeed, epoch, files, List.of(only));
    }

    /** Makes a manifest the one in force in a directory. */
    public static void publish(Path directory, Manifest manifest) throws IOException {
        try (FileWorker writer = new FileWorker();
                Manifests manifests = new Manifests(writer.io, directory, 0)) {
            writer.handle((token, result) -> manifests.onFile(result));
            manifests.publish(manifest);
            while (manifests.isBusy()) {
                writer.await();
            }
            if (!manifest.equals(manifests.newest())) {
                throw new CannotWriteException(String.valueOf(manifests.failure()));
            }
        }
    }
}
