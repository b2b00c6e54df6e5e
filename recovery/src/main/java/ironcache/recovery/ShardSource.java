package ironcache.recovery;

import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a shard is recovered from.
 *
 * @param image to begin with; null: with nothing
 * @param log segment files, oldest first; the effects in them come on top
 * @param firstSeqno of the first frame in them
 * @param cutSeqno the log holds frames up to this one at least, and all units over several shards up to there are whole
 */
public record ShardSource(@Nullable Path image, List<Path> log, long firstSeqno, long cutSeqno) {
    /**
     * What the manifest says.
     *
     * @param snapshot to begin with; null: with nothing
     * @param directory of the shard
     * @param files in it
     * @param withLog whether the log that goes on behind the snapshot counts
     */
    public static ShardSource of(
            Manifest manifest,
            Manifest.@Nullable Snapshot snapshot,
            int shard,
            Path directory,
            List<Path> files,
            boolean withLog) {
        Manifest.ShardFiles own = manifest.shards().get(shard);
        long log = own.logFromGeneration();
        long last = own.logToGeneration() == 0 ? Long.MAX_VALUE : own.logToGeneration();
        if (snapshot == null) {
            return log == 0
                    ? new ShardSource(null, List.of(), 1, 0)
                    : new ShardSource(
                            null,
                            segments(directory, files, log, last),
                            own.logFromSeqno(),
                            own.logFromSeqno() - 1);
        }
        Manifest.SnapshotPart part = snapshot.parts().get(shard);
        long to = withLog && log != 0 ? last : part.lastLogGeneration();
        return new ShardSource(
                WalFileLayout.imageFile(directory, part.imageGeneration()),
                segments(directory, files, part.firstLogGeneration(), to),
                part.beginSeqno(),
                part.cutSeqno());
    }

    private static List<Path> segments(Path directory, List<Path> files, long from, long to) {
        Path first = WalFileLayout.logFile(directory, from);
        List<Path> found = new ArrayList<>();
        for (Path file : files) {
            long generation = WalFileLayout.logGeneration(file);
            if (generation >= from && generation <= to) {
                found.add(file);
            }
        }
        found.sort(null);
        if (found.isEmpty() || !found.get(0).equals(first)) {
            throw new RecoveryException(
                    first
                            + ", field file: expected the log segment that the manifest names, actual"
                            + " nothing: it is missing; "
                            + RecoveryException.WHAT_TO_RUN);
        }
        return found;
    }
}
