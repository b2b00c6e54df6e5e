package ironcache.tools;

import ironcache.tiering.SegmentStore;
import ironcache.wal.Damage;
import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The files that a snapshot needs, by shard, whether they are there or not: its images, the log over the time in which they were made, segments of the SSD tier that
 * they refer to.
 */
record SnapshotFiles(List<List<Path>> shards) {
    static SnapshotFiles of(DataDirectory directory, Manifest.Snapshot snapshot) {
        List<List<Path>> shards = new ArrayList<>();
        for (int i = 0; i < snapshot.parts().size(); i++) {
            Manifest.SnapshotPart part = snapshot.parts().get(i);
            Path from = directory.shard(i).path;
            List<Path> files = new ArrayList<>();
            files.add(WalFileLayout.imageFile(from, part.imageGeneration()));
            for (long g = part.firstLogGeneration(); g <= part.lastLogGeneration(); g++) {
                files.add(WalFileLayout.logFile(from, g));
            }
            part.segments().stream().forEach(n -> files.add(SegmentStore.file(from, n)));
            shards.add(files);
        }
        return new SnapshotFiles(shards);
    }

    /** @throws ToolException where the manifest has none of this number */
    static Manifest.Snapshot chosen(DataDirectory directory, Manifest manifest, long number) {
        for (Manifest.Snapshot snapshot : manifest.snapshots()) {
            if (snapshot.number() == number) {
                return snapshot;
            }
        }
        String others =
                manifest.snapshots().stream()
                        .map(snapshot -> "" + snapshot.number())
                        .collect(Collectors.joining(", "));
        throw new ToolException(
                directory.path
                        + ": no snapshot "
                        + number
                        + "; there "
                        + (others.isEmpty() ? "is none" : "are " + others));
    }

    List<Path> all() {
        return shards.stream().flatMap(List::stream).toList();
    }

    /** @throws DamageException where one is missing */
    void check() {
        for (Path file : all()) {
            if (!Files.exists(file)) {
                throw new DamageException(
                        new Damage(
                                file,
                                0,
                                "file",
                                "one that the snapshot needs",
                                "nothing: it is missing"));
            }
        }
    }
}
