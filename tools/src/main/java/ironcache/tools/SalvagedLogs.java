package ironcache.tools;

import ironcache.recovery.FileWorker;
import ironcache.wal.Damage;
import ironcache.wal.FileScan;
import ironcache.wal.FrameLayout;
import ironcache.wal.FrameReader;
import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What is there of the logs of all shards, and which units of them are whole: rows K, L, N and O of {@link Salvage}. Reads each log twice: to know what is there, and to give it to
 * who replays it. One thread, that of the salvage.
 */
final class SalvagedLogs {
    /** One shard's log, as far as it can be read. */
    private static final class ShardLog {
        final List<Path> files = new ArrayList<>();

        /** Of each file: frames from here on were cut, or a later file has them. */
        final Map<Path, Long> fileEnds = new HashMap<>();

        /** First and last seqno of each run of frames that verify. */
        final List<long[]> runs = new ArrayList<>();

        final List<Part> parts = new ArrayList<>();

        /** Frames before do not count, or the image has them; 0: not known. */
        long fromSeqno;

        boolean has(long seqno) {
            return seqno < fromSeqno
                    || runs.stream().anyMatch(run -> run[0] <= seqno && seqno <= run[1]);
        }

        long end() {
            return runs.isEmpty() ? fromSeqno - 1 : runs.getLast()[1];
        }
    }

    /** A part of a unit over several shards. */
    private record Part(int shard, long first, List<long[]> all) {}

    private final SalvageJob job;
    private final SalvageReport report;
    private final SalvageChoice choice;

    /** By shard. */
    private final List<ShardLog> logs = new ArrayList<>();

    private long[] ends = {};

    SalvagedLogs(SalvageJob job, SalvageChoice choice) {
        this.job = job;
        report = job.report();
        this.choice = choice;
    }

    /** Reads all of them, and cuts them to what is whole. */
    void read(FileWorker reader) throws IOException {
        for (int i = 0; i < choice.shardCount(); i++) {
            job.checkCancelled();
            logs.add(readLog(reader, i));
        }
        ends = logs.stream().mapToLong(ShardLog::end).toArray();
        cutUnits();
    }

    private ShardLog readLog(FileWorker reader, int shard) throws IOException {
        ShardLog log = new ShardLog();
        Manifest found = choice.manifest();
        Manifest.Snapshot base = choice.snapshot();
        long first = 0;
        long last = Long.MAX_VALUE;
        long cut = 0;
        if (found != null) {
            Manifest.ShardFiles files = found.shards().get(shard);
            last = files.logToGeneration() == 0 ? Long.MAX_VALUE : files.logToGeneration();
            first = files.logFromGeneration();
            log.fromSeqno = files.logFromSeqno();
            if (base != null) {
                Manifest.SnapshotPart part = base.parts().get(shard);
                last = first == 0 ? part.lastLogGeneration() : last;
                first = part.firstLogGeneration();
                log.fromSeqno = part.beginSeqno();
                cut = part.cutSeqno();
            }
        }
        if (last >= first) {
            log.files.addAll(job.from().shard(shard).logs.subMap(first, true, last, true).values());
        }
        if (found == null && choice.imageFile(shard) != null) {
            dropSpares(log.files);
        }
        ends(reader, log);
        Damage tear = scan(reader, shard, log, choice.nodeId());
        Manifest known = choice.identity();
        long need = Math.max(cut, known == null ? 0 : known.shards().get(shard).stableSeqno());
        if (log.end() < need) {
            Path file = log.files.isEmpty() ? job.from().shard(shard).path : log.files.getLast();
            report.lost(
                    "L",
                    file,
                    0,
                    "frames up to " + need + " were durable; what is there ends with " + log.end(),
                    need - log.end());
            report.lostFrames += need - log.end();
        } else if (tear != null) {
            report.decide("K", "shard " + shard + ": the log's torn tail is cut: " + tear);
        }
        return log;
    }

    /** The log that an image needs has no gap: what is before one was kept only to be used again. */
    private static void dropSpares(List<Path> files) {
        int first = files.size() - 1;
        while (first > 0
                && WalFileLayout.logGeneration(files.get(first - 1))
                        == WalFileLayout.logGeneration(files.get(first)) - 1) {
            first--;
        }
        if (first > 0) {
            files.subList(0, first).clear();
        }
    }

    /** Where each file ends for the sake of those behind it. */
    private void ends(FileWorker reader, ShardLog log) throws IOException {
        long end = Long.MAX_VALUE;
        for (int i = log.files.size() - 1; i >= 0; i--) {
            Path file = log.files.get(i);
            log.fileEnds.put(file, end);
            long first = LogChains.firstSeqno(reader, file);
            if (i == 0 && log.fromSeqno == 0) {
                log.fromSeqno = first;
            }
            if (first > 0) {
                end = Math.min(end, first);
            }
        }
    }

    /** Which frames there are. By the rules of a start where it is whole by them, else whatever verifies. @return the torn tail, or null */
    private @Nullable Damage scan(FileWorker reader, int shard, ShardLog log, long nodeId)
            throws IOException {
        if (log.files.isEmpty()) {
            return null;
        }
        if (nodeId == 0) {
            scanFiles(reader, shard, log, nodeId, false);
            return null;
        }
        try (FrameReader rules = new FrameReader(reader.io, 0)) {
            reader.handle((token, result) -> rules.onFile((int) token, result));
            FrameReader.Status status = scanByRules(reader, rules, shard, log, nodeId);
            if (status != FrameReader.Status.DAMAGED) {
                return status == FrameReader.Status.TORN ? rules.tear() : null;
            }
            report.lost("L", Objects.requireNonNull(rules.damage()));
        }
        log.runs.clear();
        log.parts.clear();
        scanFiles(reader, shard, log, nodeId, true);
        return null;
    }

    /** @return how the log ends */
    private FrameReader.Status scanByRules(
            FileWorker reader, FrameReader rules, int shard, ShardLog log, long nodeId)
            throws IOException {
        rules.openLog(log.files, shard, nodeId, 0);
        FrameReader.Status status = rules.next();
        UnitStarts starts = new UnitStarts(shard, log);
        while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
            if (status == FrameReader.Status.PENDING) {
                reader.await();
            } else {
                starts.frame(rules.seqno(), rules.flags(), rules.payload(), rules.length());
            }
            job.checkCancelled();
            status = rules.next();
        }
        if (status != FrameReader.Status.DAMAGED) {
            // An unfinished unit at the end did not happen.
            starts.cutOpenUnit();
        }
        return status;
    }

    /**
     * Each file by itself, whatever verifies.
     *
     * @param damaged the rules of a start say so: frames may be missing behind the last one, too
     */
    private void scanFiles(FileWorker reader, int shard, ShardLog log, long nodeId, boolean damaged)
            throws IOException {
        UnitStarts starts = new UnitStarts(shard, log);
        Path lastFile = log.files.getFirst();
        long lastFrameEnd = WalFileLayout.BLOCK_BYTES;
        for (Path file : log.files) {
            try (FileScan scan = new FileScan(reader.io, 0)) {
                reader.handle((token, result) -> scan.onFile((int) token, result));
                scan.open(file, nodeId, shard, 0);
                long end = Objects.requireNonNull(log.fileEnds.get(file));
                long offset = WalFileLayout.BLOCK_BYTES;
                FrameReader.Status status = scan.next();
                while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                    if (status == FrameReader.Status.PENDING) {
                        reader.await();
                    } else if (scan.seqno() < end && scan.seqno() >= log.fromSeqno) {
                        long missing = scan.seqno() - Math.max(log.end() + 1, log.fromSeqno);
                        if (missing >= WalFileLayout.LOG_SEQNOS) {
                            report.lost(
                                    "L",
                                    file,
                                    offset,
                                    "what changed before frame "
                                            + scan.seqno()
                                            + " was not logged: appendonly was off",
                                    -1);
                            report.lostTail = true;
                        } else if (missing > 0 && log.fromSeqno > 0) {
                            report.lost(
                                    "L",
                                    file,
                                    offset,
                                    "frames "
                                            + (scan.seqno() - missing)
                                            + " to "
                                            + (scan.seqno() - 1)
                                            + " do not verify; the next that does is at offset "
                                            + scan.offset(),
                                    missing);
                            report.lostFrames += missing;
                        }
                        starts.frame(scan.seqno(), scan.flags(), scan.payload(), scan.length());
                        offset = scan.offset() + FrameLayout.HEADER_BYTES + scan.length();
                        lastFile = file;
                        lastFrameEnd = offset;
                    }
                    job.checkCancelled();
                    status = scan.next();
                }
                if (status == FrameReader.Status.DAMAGED) {
                    report.lost("L", Objects.requireNonNull(scan.damage()));
                }
            }
        }
        starts.cutOpenUnit();
        if (damaged) {
            // Where frames behind the damage verify, the last ones may be lost all the same.
            report.lostTail = true;
            report.lost(
                    "L",
                    lastFile,
                    lastFrameEnd,
                    "the log of shard "
                            + shard
                            + " ends here with frame "
                            + log.end()
                            + "; how much followed is not known: keys may be as they were before it",
                    -1);
        }
    }

    /** Notes runs of frames, and parts of units over several shards. */
    private static final class UnitStarts {
        private final int shard;
        private final ShardLog log;
        private long unitFirst;
        private long last = -1;

        UnitStarts(int shard, ShardLog log) {
            this.shard = shard;
            this.log = log;
        }

        void frame(long seqno, int flags, long payload, int length) {
            if (seqno < log.fromSeqno || seqno <= last) {
                return;
            }
            if (seqno == last + 1 && !log.runs.isEmpty()) {
                log.runs.getLast()[1] = seqno;
            } else {
                log.runs.add(new long[] {seqno, seqno});
                unitFirst = 0;
            }
            last = seqno;
            unitFirst = unitFirst == 0 ? seqno : unitFirst;
            if ((flags & FrameLayout.MORE) != 0) {
                return;
            }
            if ((flags & FrameLayout.PARTS) != 0) {
                List<long[]> all = new ArrayList<>();
                for (int i = 0; i < FrameLayout.parts(payload, length); i++) {
                    all.add(
                            new long[] {
                                FrameLayout.partShard(payload, length, i),
                                FrameLayout.partSeqno(payload, length, i)
                            });
                }
                log.parts.add(new Part(shard, unitFirst, all));
            }
            unitFirst = 0;
        }

        void cutOpenUnit() {
            if (unitFirst != 0) {
                long[] run = log.runs.getLast();
                run[1] = unitFirst - 1;
                if (run[1] < run[0]) {
                    log.runs.removeLast();
                }
            }
        }
    }

    /** Row N: cuts before the first unit that lacks a part behind some log's end, until no cut moves. */
    private void cutUnits() {
        boolean moved = true;
        while (moved) {
            moved = false;
            for (ShardLog log : logs) {
                for (Part part : log.parts) {
                    boolean lacks =
                            part.all.stream().anyMatch(p -> p[1] > ends[Math.toIntExact(p[0])]);
                    if (lacks && part.first <= ends[part.shard]) {
                        report.decide(
                                "N",
                                "shard "
                                        + part.shard
                                        + ": the log is cut before frame "
                                        + part.first
                                        + ": a transaction over several shards is not whole");
                        ends[part.shard] = part.first - 1;
                        moved = true;
                    }
                }
            }
        }
    }

    /** Row O: whether all parts are there of the unit whose last frame this is. */
    boolean isWhole(long payload, int length) {
        for (int i = 0; i < FrameLayout.parts(payload, length); i++) {
            int shard = FrameLayout.partShard(payload, length, i);
            if (shard < 0
                    || shard >= logs.size()
                    || !logs.get(shard).has(FrameLayout.partSeqno(payload, length, i))) {
                return false;
            }
        }
        return true;
    }

    /** Of a shard: frames before do not count, or the image has them; 0: not known. */
    long fromSeqno(int number) {
        return logs.get(number).fromSeqno;
    }

    /** Reads a shard's log again: gives those of its frames that count, in their order. */
    void forEachFrame(FileWorker reader, int number, Consumer<FileScan> frames) throws IOException {
        ShardLog log = logs.get(number);
        long end = ends[number];
        for (Path file : log.files) {
            try (FileScan scan = new FileScan(reader.io, 0)) {
                reader.handle((token, result) -> scan.onFile((int) token, result));
                scan.open(file, choice.nodeId(), number, 0);
                long fileEnd = Objects.requireNonNull(log.fileEnds.get(file));
                long readBefore = 0;
                FrameReader.Status status = scan.next();
                while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                    if (status == FrameReader.Status.PENDING) {
                        reader.await();
                        job.progress().did(scan.bytesRead() - readBefore);
                        readBefore = scan.bytesRead();
                        job.progress().show();
                        job.checkCancelled();
                    } else if (scan.seqno() >= log.fromSeqno
                            && scan.seqno() <= end
                            && scan.seqno() < fileEnd
                            && log.has(scan.seqno())) {
                        frames.accept(scan);
                    }
                    status = scan.next();
                }
            }
        }
    }
}
