package ironcache.tools;

import ironcache.recovery.FileWorker;
import ironcache.wal.FileScan;
import ironcache.wal.FrameReader;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Segments of one shard's log, by what goes on from what: where {@code appendonly} was off in between, a log begins anew, {@link WalFileLayout#LOG_SEQNOS} later. */
final class LogChains {
    private LogChains() {}

    /** @param segments oldest first */
    static List<List<Path>> of(FileWorker worker, List<Path> segments) throws IOException {
        List<List<Path>> chains = new ArrayList<>();
        long before = Long.MAX_VALUE;
        for (Path file : segments) {
            long first = firstSeqno(worker, file);
            if (chains.isEmpty() || first > 0 && first - before >= WalFileLayout.LOG_SEQNOS) {
                chains.add(new ArrayList<>());
            }
            chains.getLast().add(file);
            before = first > 0 ? first : before;
        }
        return chains;
    }

    /** What the segment's header says; 0: it cannot be read. */
    static long firstSeqno(FileWorker worker, Path file) throws IOException {
        try (FileScan scan = new FileScan(worker.io, 0)) {
            worker.handle((token, result) -> scan.onFile((int) token, result));
            scan.open(file);
            while (scan.next() == FrameReader.Status.PENDING) {
                worker.await();
            }
            scan.stop();
            while (scan.next() == FrameReader.Status.PENDING) {
                worker.await();
            }
            return scan.firstSeqno();
        }
    }
}
