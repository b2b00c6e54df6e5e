package ironcache.tools;

import ironcache.recovery.FileWorker;
import ironcache.tiering.SegmentStore;
import ironcache.wal.Damage;
import ironcache.wal.FileScan;
import ironcache.wal.FrameLayout;
import ironcache.wal.FrameReader;
import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What of a damaged directory counts: rows A to G of {@link Salvage}. Reads manifests, and where none says what counts, images through to their ends. Chosen once, then
 * read by the same thread.
 */
final class SalvageChoice {
    private final SalvageJob job;
    private final DataDirectory from;
    private final SalvageReport report;

    /** The newest, where it verifies. */
    private @Nullable Manifest manifest;

    /** The newest that verifies: whose directory it is. */
    private @Nullable Manifest identity;

    /** Where no manifest says it, the images that count; 0: in each shard the newest. */
    private long imageGeneration;

    private int shardCount;

    /** What is loaded before the log; null: none, or no manifest says which. */
    private Manifest.@Nullable Snapshot snapshot;

    SalvageChoice(SalvageJob job) {
        this.job = job;
        from = job.from();
        report = job.report();
    }

    /**
     * Chooses.
     *
     * @param damage what {@link Verification} found
     */
    void choose(List<Damage> damage, FileWorker reader) throws IOException {
        chooseManifest();
        chooseSnapshot(damage);
        chooseImages(reader);
    }

    private void chooseManifest() {
        for (Path file : from.manifests.descendingMap().values()) {
            DataDirectory.ReadManifest read = DataDirectory.readManifest(file);
            if (read.manifest() != null) {
                identity = read.manifest();
                shardCount = read.manifest().shards().size();
                String name = "manifest " + read.manifest().generation();
                if (file.equals(from.manifests.lastEntry().getValue())) {
                    manifest = identity;
                    report.decide("A", name);
                } else {
                    report.decide("B", name + " says whose files these are");
                }
                return;
            }
            if (read.damage() != null) {
                report.lost("B", read.damage());
            }
        }
        shardCount = from.shards.isEmpty() ? 0 : from.shards.lastKey() + 1;
        report.decide("C", "no manifest verifies: the files of " + shardCount + " shards");
        report.lost("C", from.path, 0, "no manifest verifies: which files count is a guess", -1);
    }

    private void chooseSnapshot(List<Damage> damage) {
        Manifest found = manifest;
        if (found == null) {
            return;
        }
        List<Manifest.Snapshot> all = found.snapshots();
        if (all.isEmpty()) {
            report.decide("G", "there is no snapshot: the log alone");
            return;
        }
        Set<Path> damaged = new HashSet<>();
        damage.forEach(one -> damaged.add(one.file()));
        for (int i = all.size() - 1; i >= 0; i--) {
            boolean newest = i == all.size() - 1;
            if (isSound(found, all.get(i), damaged, newest)) {
                snapshot = all.get(i);
                report.decide(newest ? "D" : "E", "snapshot " + all.get(i).number());
                return;
            }
        }
        snapshot = all.getLast();
        report.decide("F", "snapshot " + snapshot.number() + ", what verifies of it");
    }

    /** Whether all that the snapshot needs verifies, and the log leads from it to the end. */
    private boolean isSound(
            Manifest found, Manifest.Snapshot candidate, Set<Path> damaged, boolean newest) {
        for (int i = 0; i < candidate.parts().size(); i++) {
            Manifest.SnapshotPart part = candidate.parts().get(i);
            DataDirectory.ShardDirectory files = from.shard(i);
            boolean needsLog = !newest;
            Path image = WalFileLayout.imageFile(files.path, part.imageGeneration());
            if (damaged.contains(from.actual(image))
                    || part.segments().stream()
                            .anyMatch(
                                    n ->
                                            damaged.contains(
                                                    from.actual(SegmentStore.file(files.path, n))))
                    || needsLog && found.shards().get(i).logFromGeneration() == 0
                    || needsLog
                            && damaged.stream()
                                    .anyMatch(f -> WalFileLayout.logGeneration(f) >= 0)) {
                return false;
            }
        }
        return true;
    }

    /** Rows B and C: the newest images that are whole in all shards. */
    private void chooseImages(FileWorker reader) throws IOException {
        if (manifest != null || shardCount == 0) {
            return;
        }
        for (long generation : from.shard(0).images.descendingKeySet()) {
            boolean all = true;
            for (int i = 0; i < shardCount && all; i++) {
                Path file = from.shard(i).images.get(generation);
                all = file != null && isFinished(reader, i, file);
            }
            if (all) {
                imageGeneration = generation;
                report.decide("C", "images " + generation);
                return;
            }
        }
    }

    /** Whether the image has its END frame. */
    private boolean isFinished(FileWorker reader, int shard, Path file) throws IOException {
        boolean ended = false;
        try (FileScan scan = new FileScan(reader.io, 0)) {
            reader.handle((token, result) -> scan.onFile((int) token, result));
            scan.open(file, nodeId(), shard, 0);
            FrameReader.Status status = scan.next();
            while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                if (status == FrameReader.Status.PENDING) {
                    reader.await();
                    job.checkCancelled();
                } else {
                    ended |= scan.kind() == FrameLayout.END;
                }
                status = scan.next();
            }
        }
        return ended;
    }

    @Nullable Manifest manifest() {
        return manifest;
    }

    @Nullable Manifest identity() {
        return identity;
    }

    Manifest.@Nullable Snapshot snapshot() {
        return snapshot;
    }

    int shardCount() {
        return shardCount;
    }

    /** 0: not known. */
    long nodeId() {
        return identity == null ? 0 : identity.nodeId();
    }

    /** The shard's image that counts; null: there is none. */
    @Nullable Path imageFile(int number) {
        Manifest.Snapshot base = snapshot;
        if (base != null) {
            return from.actual(
                    WalFileLayout.imageFile(
                            from.shard(number).path, base.parts().get(number).imageGeneration()));
        }
        NavigableMap<Long, Path> images = from.shard(number).images;
        if (imageGeneration != 0) {
            return images.get(imageGeneration);
        }
        return manifest == null && !images.isEmpty() ? images.lastEntry().getValue() : null;
    }
}
