package ironcache.tools;

import ironcache.wal.Manifest;
import org.jspecify.annotations.Nullable;

/**
 * The segments of one shard's log that a manifest has a use for: from the oldest snapshot's first, or where the log begins, to the end.
 *
 * @param from first generation
 * @param to last generation; Long.MAX_VALUE: the log goes on
 * @param firstSeqno of the first segment
 * @param needSeqno all frames up to here are durable, says the manifest
 */
record LogRange(long from, long to, long firstSeqno, long needSeqno) {
    /** Null where there is none. */
    static @Nullable LogRange of(Manifest manifest, int shard) {
        Manifest.ShardFiles files = manifest.shards().get(shard);
        long from = Long.MAX_VALUE;
        long to = 0;
        long firstSeqno = 0;
        long need = 0;
        for (Manifest.Snapshot snapshot : manifest.snapshots()) {
            if (shard < snapshot.parts().size()) {
                Manifest.SnapshotPart part = snapshot.parts().get(shard);
                if (part.firstLogGeneration() < from) {
                    from = part.firstLogGeneration();
                    firstSeqno = part.beginSeqno();
                }
                to = Math.max(to, part.lastLogGeneration());
                need = Math.max(need, part.cutSeqno());
            }
        }
        if (files.logFromGeneration() != 0) {
            if (files.logFromGeneration() < from) {
                from = files.logFromGeneration();
                firstSeqno = files.logFromSeqno();
            }
            to = files.logToGeneration() == 0 ? Long.MAX_VALUE : files.logToGeneration();
            need = Math.max(need, files.stableSeqno());
        }
        return to == 0 ? null : new LogRange(from, to, firstSeqno, need);
    }
}
