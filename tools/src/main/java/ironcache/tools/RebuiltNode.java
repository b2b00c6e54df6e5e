package ironcache.tools;

import ironcache.wal.Manifest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Gathers what the manifest of a new directory says, whose shards are {@link ShardRebuild}s. */
final class RebuiltNode {
    private final long nodeId;
    private final long hashSeed;
    private final List<Manifest.ShardFiles> files = new ArrayList<>();
    private final List<Manifest.SnapshotPart> parts = new ArrayList<>();
    private long keys;
    private long bytes;

    RebuiltNode(long nodeId, long hashSeed) {
        this.nodeId = nodeId;
        this.hashSeed = hashSeed;
    }

    /** Makes the snapshot of the next shard. */
    void add(ShardRebuild shard) throws IOException {
        keys += shard.keyCount();
        Manifest.SnapshotPart part = shard.snapshot(nodeId);
        bytes += shard.imageBytes();
        parts.add(part);
        files.add(new Manifest.ShardFiles(shard.segmentPages(), 0, 0, 0, part.cutSeqno()));
    }

    long keys() {
        return keys;
    }

    /** The first of its directory: one snapshot, and no log behind it. */
    Manifest manifest() {
        Manifest.Snapshot only =
                new Manifest.Snapshot(1, System.currentTimeMillis(), keys, bytes, parts);
        return new Manifest(1, nodeId, hashSeed, 1, files, List.of(only));
    }
}
