package ironcache.tools;

import ironcache.engine.EffectVisitor;
import ironcache.engine.KeyHash;
import ironcache.engine.LoggedEffects;
import ironcache.engine.RootLayout;
import ironcache.engine.ShardConfig;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Record;
import ironcache.recovery.FileWorker;
import ironcache.recovery.RebuiltNode;
import ironcache.tiering.PageCheck;
import ironcache.tiering.SegmentStore;
import ironcache.wal.Damage;
import ironcache.wal.FileScan;
import ironcache.wal.FrameLayout;
import ironcache.wal.FrameReader;
import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Saves what can be read of a damaged data directory into a new one. Never writes to its input. All that is loaded was verified by a checksum that covers its place; what
 * cannot be known to be right is left out and named.
 *
 * <table>
 * <caption>Decisions</caption>
 * <tr><td>A</td><td>the newest manifest verifies</td><td>it says what counts</td></tr>
 * <tr><td>B</td><td>it does not, an older one does</td><td>that one says whose files these are; what it names may be gone since, so what counts is as in C</td></tr>
 * <tr><td>C</td><td>none does</td><td>the files themselves: the newest images that all shards have finished, and all of the log, on which effects come right when all of them are applied
 * in order, however early they begin</td></tr>
 * <tr><td>D</td><td>all that the newest snapshot needs verifies</td><td>it is loaded, then the log from its begin</td></tr>
 * <tr><td>E</td><td>not so, but all that an older one needs does, and the log goes on from its begin to the end</td><td>the older one: nothing is lost</td></tr>
 * <tr><td>F</td><td>otherwise</td><td>the newest, what verifies of it</td></tr>
 * <tr><td>G</td><td>there is no snapshot</td><td>the log alone</td></tr>
 * <tr><td>H</td><td>a frame of an image does not verify</td><td>passed over: its keys are lost, and their names with them</td></tr>
 * <tr><td>I</td><td>an image refers to a record in a block, or a page, that does not verify</td><td>lost: counted by page; its name went with it. Other blocks of the page count</td></tr>
 * <tr><td>J</td><td>a note says that the record there is superseded</td><td>left out: an old value must not come back, even where the new one is lost</td></tr>
 * <tr><td>K</td><td>the log's tail is torn, nothing says that it was durable</td><td>cut there, as a start does</td></tr>
 * <tr><td>L</td><td>a frame does not verify, and others follow</td><td>passed over. From there on what a frame puts or deletes as a whole counts; a key that is only changed (a part, its
 * expiry), and was not put as a whole since, is removed and named: what it was is not known</td></tr>
 * <tr><td>M</td><td>a unit of several frames lacks one</td><td>left out as a whole, then as L: a transaction is there or it is not</td></tr>
 * <tr><td>N</td><td>a unit over several shards lacks a part behind a log's end</td><td>the logs are cut before it, as a start does</td></tr>
 * <tr><td>O</td><td>it lacks a part in a gap</td><td>left out in all shards, then as L</td></tr>
 * <tr><td>P</td><td>pages of objects may be lost (H, I), and an object lacks one</td><td>removed and named: it might have zeros where it had bytes</td></tr>
 * <tr><td>Q</td><td>an object is changed after a gap, and was not written as a whole since</td><td>removed and named</td></tr>
 * <tr><td>R</td><td>a file has parity, and blocks of it are damaged</td><td>what parity restores is copied first, and the copy is read instead</td></tr>
 * </table>
 *
 * <p>One thread. Memory: 16 bytes for each reference of the shard that is being loaded, and what {@code --memory} gives the new shard.
 */
final class Salvage {
    private static final int BATCH_BYTES = 1 << 20;
    private static final int PAGES_IN_FLIGHT = 8;

    private final DataDirectory from;
    private final Path to;
    private final long memoryBytes;
    private final ToolProgress progress;
    final SalvageReport report = new SalvageReport();
    private volatile boolean cancelled;

    // What counts.

    /** The newest, where it verifies. */
    private @Nullable Manifest manifest;

    /** The newest that verifies: whose directory it is. */
    private @Nullable Manifest identity;

    /** Where no manifest says it, the images that count; 0: in each shard the newest. */
    private long imageGeneration;

    private int shardCount;
    private Manifest.@Nullable Snapshot snapshot;

    /** By shard. */
    private final List<ShardLog> logs = new ArrayList<>();

    private long[] ends = {};

    Salvage(DataDirectory from, Path to, long memoryBytes, ToolProgress progress) {
        this.from = from;
        this.to = to;
        this.memoryBytes = memoryBytes;
        this.progress = progress;
    }

    void cancel() {
        cancelled = true;
    }

    boolean isCancelled() {
        return cancelled;
    }

    private void checkCancelled() {
        if (cancelled) {
            throw new ToolException("interrupted; " + to + " is not whole, and is marked so");
        }
    }

    /** All of it, as below. */
    void run(List<Damage> damage) throws IOException {
        run(damage, () -> {});
    }

    /**
     * All of it.
     *
     * @param damage what {@link Verification} found
     * @param read is called when nothing of the input is read any more
     */
    void run(List<Damage> damage, Done read) throws IOException {
        chooseManifest();
        chooseSnapshot(damage);
        try (FileWorker reader = new FileWorker()) {
            chooseImages(reader);
            readLogs(reader);
        }
        NewDirectory made = NewDirectory.begin(to, "recover");
        long nodeId = new Prng(Prng.freshSeed()).nextLong();
        long hashSeed = identity == null ? Prng.freshSeed() : identity.hashSeed();
        RebuiltNode node = new RebuiltNode(nodeId, hashSeed);
        int segmentPages = 0;
        for (int i = 0; i < shardCount; i++) {
            checkCancelled();
            FileWorker writer = new FileWorker();
            ShardRebuild rebuild = null;
            try (writer) {
                Path directory = to.resolve("shard-" + i);
                Files.createDirectories(directory);
                rebuild =
                        new ShardRebuild(
                                writer,
                                i,
                                new ShardConfig(
                                        directory, 1, memoryBytes, 0, segmentPages, hashSeed),
                                () -> cancelled);
                try (ShardRebuild shard = rebuild) {
                    load(i, shard);
                    node.add(shard.made());
                    segmentPages = shard.segmentPages();
                }
            } finally {
                if (rebuild != null) {
                    rebuild.free();
                }
            }
        }
        report.keys = node.keys();
        read.run();
        made.publish(node.manifest());
        made.complete();
    }

    /** What is left to do. */
    interface Done {
        void run() throws IOException;
    }

    // What counts.

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
                    checkCancelled();
                } else {
                    ended |= scan.kind() == FrameLayout.END;
                }
                status = scan.next();
            }
        }
        return ended;
    }

    /** 0: not known. */
    private long nodeId() {
        return identity == null ? 0 : identity.nodeId();
    }

    // Logs, to know what is there.

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

    private void readLogs(FileWorker reader) throws IOException {
        for (int i = 0; i < shardCount; i++) {
            checkCancelled();
            logs.add(readLog(reader, i));
        }
        ends = logs.stream().mapToLong(ShardLog::end).toArray();
        cutUnits();
    }

    private ShardLog readLog(FileWorker reader, int shard) throws IOException {
        ShardLog log = new ShardLog();
        Manifest found = manifest;
        Manifest.Snapshot base = snapshot;
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
            log.files.addAll(from.shard(shard).logs.subMap(first, true, last, true).values());
        }
        if (found == null && imageFile(shard) != null) {
            dropSpares(log.files);
        }
        ends(reader, log);
        Damage tear = scan(reader, shard, log, nodeId());
        Manifest known = identity;
        long need = Math.max(cut, known == null ? 0 : known.shards().get(shard).stableSeqno());
        if (log.end() < need) {
            Path file = log.files.isEmpty() ? from.shard(shard).path : log.files.getLast();
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
        Damage damaged = null;
        if (nodeId != 0) {
            FrameReader rules = new FrameReader(reader.io, 0);
            reader.handle((token, result) -> rules.onFile((int) token, result));
            rules.openLog(log.files, shard, nodeId, 0);
            FrameReader.Status status = rules.next();
            UnitStarts starts = new UnitStarts(shard, log);
            while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                if (status == FrameReader.Status.PENDING) {
                    reader.await();
                } else {
                    starts.frame(rules.seqno(), rules.flags(), rules.payload(), rules.length());
                }
                checkCancelled();
                status = rules.next();
            }
            rules.close();
            if (status != FrameReader.Status.DAMAGED) {
                // An unfinished unit at the end did not happen.
                starts.cutOpenUnit();
                return status == FrameReader.Status.TORN ? rules.tear() : null;
            }
            Damage damage = Objects.requireNonNull(rules.damage());
            report.lost("L", damage);
            damaged = damage;
            log.runs.clear();
            log.parts.clear();
        }
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
                    checkCancelled();
                    status = scan.next();
                }
                if (status == FrameReader.Status.DAMAGED) {
                    report.lost("L", Objects.requireNonNull(scan.damage()));
                }
            }
        }
        starts.cutOpenUnit();
        if (damaged != null) {
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
        return null;
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

    /** Row O. */
    private boolean isWhole(long payload, int length) {
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

    // Loading.

    private void load(int number, ShardRebuild shard) throws IOException {
        Batch batch = new Batch(shard);
        try (FileWorker reader = new FileWorker();
                batch) {
            Image image = new Image();
            Path file = imageFile(number);
            if (file != null) {
                shard.beginImage();
                loadImage(reader, number, batch, file, image);
                batch.flush();
                loadPages(reader, number, batch, image);
                batch.flush();
            }
            LogReplay replay = new LogReplay(batch, logs.get(number).fromSeqno, image.lastObject);
            loadLog(reader, number, replay);
            batch.flush();
            shard.endReplay();
            boolean pagesLost = image.framesLost || image.objectPagesLost;
            if (pagesLost || !replay.unsureObjects.isEmpty()) {
                shard.removeBroken(replay.unsureObjects::contains, pagesLost)
                        .forEach(report::removed);
            }
        }
    }

    private @Nullable Path imageFile(int number) {
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

    /** Effects on their way to the shard. */
    private static final class Batch implements AutoCloseable {
        private static final int BYTES = BATCH_BYTES + (1 << 19);
        private final ShardRebuild shard;
        private final long memory = Memory.allocate(BYTES, MemoryTag.STAGING);
        private int length;

        Batch(ShardRebuild shard) {
            this.shard = shard;
        }

        /** Room for an effect. */
        long reserve(int bytes) {
            if (length + bytes > BYTES) {
                flush();
            }
            long at = memory + length;
            length += bytes;
            return at;
        }

        void copy(long effect, int bytes) {
            Memory.copy(effect, reserve(bytes), bytes);
        }

        void flush() {
            shard.apply(memory, length);
            length = 0;
        }

        @Override
        public void close() {
            Memory.free(memory, BYTES, MemoryTag.STAGING);
        }
    }

    /** What of an image is not effects that stand for themselves. */
    private static final class Image implements EffectVisitor {
        /** address 40 | keyspace 8 | page 1, with the address on top, so that they sort by it. */
        long[] references = new long[1 << 10];

        int referenceCount;
        final NavigableMap<Integer, PageSet.Segment> segments = new TreeMap<>();

        /** By address: keyspace, hash, second hash. */
        final Map<Long, long[]> notes = new HashMap<>();

        int segmentPages;
        boolean framesLost;
        boolean objectPagesLost;
        long lastObject;
        final int[] databaseOf = new int[256];

        @Override
        public void put(long record) {
            if (Record.isPaged(record)) {
                lastObject = Math.max(lastObject, RootLayout.object(Record.value(record)));
            }
        }

        @Override
        public void keyspaces(long numbers, int count) {
            Arrays.fill(databaseOf, -1);
            for (int db = 0; db < count; db++) {
                databaseOf[Memory.getByte(numbers + db) & 0xFF] = db;
            }
        }

        @Override
        public void segment(int number, int pages, long generation) {
            segments.put(number, new PageSet.Segment(number, pages, generation));
            segmentPages = pages;
        }

        @Override
        public void reference(int keyspace, boolean page, long address, long entryHash) {
            if (referenceCount == references.length) {
                references = Arrays.copyOf(references, 2 * referenceCount);
            }
            references[referenceCount++] = address << 9 | keyspace << 1 | (page ? 1 : 0);
        }

        @Override
        public void note(int keyspace, long address, long hash, long secondHash) {
            notes.put(address, new long[] {keyspace, hash, secondHash});
        }

        @Override
        public void object(long object, long pages) {
            lastObject = Math.max(lastObject, object);
        }
    }

    private void loadImage(FileWorker reader, int number, Batch batch, Path file, Image image) {
        long expected = 1;
        long end = WalFileLayout.BLOCK_BYTES;
        boolean ended = false;
        try (FileScan scan = new FileScan(reader.io, 0)) {
            reader.handle((token, result) -> scan.onFile((int) token, result));
            scan.open(file, nodeId(), number, 0);
            FrameReader.Status status = scan.next();
            long readBefore = 0;
            while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                if (status == FrameReader.Status.PENDING) {
                    reader.await();
                    progress.did(scan.bytesRead() - readBefore);
                    readBefore = scan.bytesRead();
                    progress.show();
                    checkCancelled();
                } else {
                    if (scan.seqno() != expected) {
                        lostFrames(file, end, expected, scan.seqno() - 1, image);
                    }
                    expected = scan.seqno() + 1;
                    end = scan.offset() + FrameLayout.HEADER_BYTES + scan.length();
                    ended |= scan.kind() == FrameLayout.END;
                    imageFrame(scan, batch, image);
                }
                status = scan.next();
            }
            if (!ended) {
                image.framesLost = true;
                report.lost("H", file, end, "the image ends without its END frame", -1);
            }
        } catch (IOException e) {
            image.framesLost = true;
            report.lost("H", file, 0, "cannot be read: " + e, -1);
        }
    }

    private void lostFrames(Path file, long offset, long first, long last, Image image) {
        image.framesLost = true;
        report.lostFrames += last - first + 1;
        report.lost(
                "H",
                file,
                offset,
                "frames "
                        + first
                        + " to "
                        + last
                        + " of the image do not verify: their keys are lost",
                -1);
    }

    private static void imageFrame(FileScan scan, Batch batch, Image image) {
        long payload = scan.payload();
        int length = FrameLayout.effectsBytes(payload, scan.length(), scan.flags());
        int at = 0;
        while (at < length) {
            int bytes = LoggedEffects.bytes(payload + at);
            if (bytes == 0) {
                return;
            }
            LoggedEffects.visitOne(payload + at, image);
            if (LoggedEffects.isPortable(payload + at)) {
                batch.copy(payload + at, bytes);
            }
            at += bytes;
        }
    }

    // Pages.

    private void loadPages(FileWorker reader, int number, Batch batch, Image image)
            throws IOException {
        Arrays.sort(image.references, 0, image.referenceCount);
        Manifest found = identity;
        KeyHash first = found == null ? null : new KeyHash(found.hashSeed());
        KeyHash second = found == null ? null : LoggedEffects.secondHash(found.hashSeed());
        int pagesOfSegment = image.segmentPages;
        if (pagesOfSegment == 0) {
            pagesOfSegment = found == null ? 0 : found.shards().get(number).segmentPages();
        }
        if (pagesOfSegment == 0) {
            return;
        }
        int at = 0;
        while (at < image.referenceCount) {
            int page = pageOf(image.references[at]);
            int segment = PageCheck.segmentOf(page, pagesOfSegment);
            int end = at;
            BitSet wanted = new BitSet();
            Map<Integer, int[]> ranges = new HashMap<>();
            while (end < image.referenceCount
                    && PageCheck.segmentOf(pageOf(image.references[end]), pagesOfSegment)
                            == segment) {
                int index = PageCheck.indexInSegment(pageOf(image.references[end]), pagesOfSegment);
                wanted.set(index);
                int begin = end;
                ranges.computeIfAbsent(index, i -> new int[] {begin, begin})[1] = ++end;
            }
            loadSegment(
                    reader,
                    number,
                    segment,
                    pagesOfSegment,
                    wanted,
                    ranges,
                    batch,
                    image,
                    first,
                    second);
            at = end;
        }
    }

    private static int pageOf(long reference) {
        return Address.page(reference >>> 9);
    }

    private void loadSegment(
            FileWorker reader,
            int number,
            int segment,
            int pagesOfSegment,
            BitSet wanted,
            Map<Integer, int[]> ranges,
            Batch batch,
            Image image,
            @Nullable KeyHash first,
            @Nullable KeyHash second) {
        Path file = from.actual(SegmentStore.file(from.shard(number).path, segment));
        PageSet.Segment known = image.segments.get(segment);
        PageCheck check = new PageCheck();
        BitSet seen = new BitSet();
        try (PageReads reads = new PageReads(reader, file, wanted, PAGES_IN_FLIGHT)) {
            while (reads.next()) {
                checkCancelled();
                progress.did(Address.PAGE_BYTES);
                progress.show();
                seen.set(reads.index());
                int[] range = Objects.requireNonNull(ranges.get(reads.index()));
                int page = PageCheck.firstPage(segment, pagesOfSegment) + reads.index();
                List<PageCheck.Flaw> flaws =
                        check.check(
                                reads.address(),
                                reads.bytes(),
                                page,
                                known == null ? 0 : known.generation());
                long lost = 0;
                for (int i = range[0]; i < range[1]; i++) {
                    if (!loadRecord(check, image.references[i], batch, image, first, second)) {
                        lost++;
                        image.objectPagesLost |= (image.references[i] & 1) != 0;
                    }
                }
                if (lost > 0) {
                    report.lostReferences += lost;
                    report.lost(
                            "I",
                            file,
                            (long) reads.index() << Address.PAGE_SHIFT,
                            lost
                                    + " of "
                                    + (range[1] - range[0])
                                    + " records of the page"
                                    + (flaws.isEmpty() ? "" : "; " + flaws.getFirst()),
                            lost);
                }
            }
        } catch (IOException e) {
            report.lost("I", file, 0, "cannot be read: " + e, -1);
        }
        for (Map.Entry<Integer, int[]> unread : ranges.entrySet()) {
            if (!seen.get(unread.getKey())) {
                int[] range = unread.getValue();
                int lost = range[1] - range[0];
                report.lostReferences += lost;
                for (int i = range[0]; i < range[1]; i++) {
                    image.objectPagesLost |= (image.references[i] & 1) != 0;
                }
                report.lost(
                        "I",
                        file,
                        (long) unread.getKey() << Address.PAGE_SHIFT,
                        lost + " records of a page that cannot be read",
                        lost);
            }
        }
    }

    /** @return false: it is lost */
    private static boolean loadRecord(
            PageCheck check,
            long reference,
            Batch batch,
            Image image,
            @Nullable KeyHash first,
            @Nullable KeyHash second) {
        long address = reference >>> 9;
        int keyspace = (int) (reference >>> 1) & 0xFF;
        boolean page = (reference & 1) != 0;
        long record = check.record(Address.offset(address));
        if (record == 0
                || Record.keyspace(record) != keyspace
                || Record.type(record) == Record.TYPE_PAGE != page) {
            return false;
        }
        long[] note = image.notes.get(address);
        if (note != null && !page) {
            if (first == null || second == null) {
                // Without the seed nobody can say whose note it is: what is there already is newer.
                int db = image.databaseOf[keyspace];
                batch.flush();
                if (db < 0 || batch.shard.has(db, record)) {
                    return true;
                }
            } else {
                long key = Record.key(record);
                int length = Record.keyLength(record);
                if (first.of(key, length) == note[1] && second.of(key, length) == note[2]) {
                    return true;
                }
            }
        }
        if (Record.isPaged(record)) {
            image.lastObject = Math.max(image.lastObject, RootLayout.object(Record.value(record)));
        }
        int bytes = LoggedEffects.putBytes(record);
        LoggedEffects.put(batch.reserve(bytes), record);
        int timedBytes = LoggedEffects.timedBytes(record);
        if (timedBytes > 0) {
            LoggedEffects.timed(batch.reserve(timedBytes), record);
        }
        return true;
    }

    // The log.

    private void loadLog(FileWorker reader, int number, LogReplay replay) throws IOException {
        ShardLog log = logs.get(number);
        long end = ends[number];
        for (Path file : log.files) {
            try (FileScan scan = new FileScan(reader.io, 0)) {
                reader.handle((token, result) -> scan.onFile((int) token, result));
                scan.open(file, nodeId(), number, 0);
                long fileEnd = Objects.requireNonNull(log.fileEnds.get(file));
                long readBefore = 0;
                FrameReader.Status status = scan.next();
                while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                    if (status == FrameReader.Status.PENDING) {
                        reader.await();
                        progress.did(scan.bytesRead() - readBefore);
                        readBefore = scan.bytesRead();
                        progress.show();
                        checkCancelled();
                    } else if (scan.seqno() >= log.fromSeqno
                            && scan.seqno() <= end
                            && scan.seqno() < fileEnd
                            && log.has(scan.seqno())) {
                        replay.frame(scan);
                    }
                    status = scan.next();
                }
            }
        }
        replay.end();
    }

    /** Applies units of a log in their order, and knows what is sure behind a gap. */
    private final class LogReplay implements EffectVisitor {
        private final Batch batch;
        private final KeyHash hash = new KeyHash(0x5A17A6E);
        private long lastSeqno;

        /** Of the frame that is to come; 0: not known. */
        private long nextSeqno;

        private long lastObject;

        /** Some of the log before is missing. */
        private boolean gapped;

        /** Keys that were put or deleted as a whole since the last gap. */
        private final LongSet known = new LongSet();

        private final LongSet knownObjects = new LongSet();
        final LongSet unsureObjects = new LongSet();

        // The unit that is gathered.
        private long unit;
        private int unitCapacity;
        private int unitBytes;
        private boolean unitOpen;

        // Of the unit: pages put, by object, and roots put.
        private final Map<Long, Long> pagesPut = new HashMap<>();
        private final Map<Long, Long> rootsPut = new HashMap<>();
        private boolean pass;

        LogReplay(Batch batch, long firstSeqno, long lastObject) {
            this.batch = batch;
            nextSeqno = firstSeqno;
            this.lastObject = lastObject;
        }

        void frame(FileScan scan) {
            if (nextSeqno != 0 && scan.seqno() != nextSeqno) {
                gap();
            }
            lastSeqno = scan.seqno();
            nextSeqno = lastSeqno + 1;
            long payload = scan.payload();
            int length = scan.length();
            boolean more = (scan.flags() & FrameLayout.MORE) != 0;
            int bytes = FrameLayout.effectsBytes(payload, length, scan.flags());
            if (scan.kind() == FrameLayout.EFFECTS) {
                if (more || unitOpen) {
                    gather(payload, bytes);
                    payload = unit;
                    bytes = unitBytes;
                }
                unitOpen = more;
                if (more) {
                    return;
                }
                boolean whole =
                        (scan.flags() & FrameLayout.PARTS) == 0
                                || isWhole(scan.payload(), scan.length());
                if (whole) {
                    applyUnit(payload, bytes);
                } else {
                    report.lost(
                            "O",
                            from.path,
                            0,
                            "a transaction over several shards that ends in frame "
                                    + scan.seqno()
                                    + " lacks a part",
                            -1);
                    gap();
                }
                unitBytes = 0;
            }
        }

        private void gap() {
            if (unitOpen) {
                report.lost(
                        "M",
                        from.path,
                        0,
                        "a unit before frame " + lastSeqno + " is not whole",
                        -1);
            }
            gapped = true;
            known.clear();
            knownObjects.clear();
            unitOpen = false;
            unitBytes = 0;
        }

        private void gather(long payload, int bytes) {
            if (unitBytes + bytes > unitCapacity) {
                int wider = Math.max(2 * unitCapacity, unitBytes + bytes + (1 << 20));
                long memory = Memory.allocate(wider, MemoryTag.STAGING);
                if (unitCapacity > 0) {
                    Memory.copy(unit, memory, unitBytes);
                    Memory.free(unit, unitCapacity, MemoryTag.STAGING);
                }
                unit = memory;
                unitCapacity = wider;
            }
            Memory.copy(payload, unit + unitBytes, bytes);
            unitBytes += bytes;
        }

        private void applyUnit(long effects, int length) {
            pagesPut.clear();
            rootsPut.clear();
            int at = 0;
            while (at < length) {
                int bytes = LoggedEffects.bytes(effects + at);
                if (bytes == 0) {
                    break;
                }
                pass = true;
                LoggedEffects.visitOne(effects + at, this);
                if (pass && LoggedEffects.isPortable(effects + at)) {
                    batch.copy(effects + at, bytes);
                }
                at += bytes;
            }
            if (gapped) {
                judgeObjects();
            }
        }

        /** Row Q. */
        private void judgeObjects() {
            rootsPut.forEach(
                    (object, pages) -> {
                        boolean whole =
                                object > lastObject
                                        && pagesPut.getOrDefault(object, 0L).equals(pages);
                        if (whole) {
                            knownObjects.add(object);
                        } else if (!knownObjects.contains(object)) {
                            unsureObjects.add(object);
                        }
                        lastObject = Math.max(lastObject, object);
                    });
            pagesPut.keySet()
                    .forEach(
                            object -> {
                                if (!knownObjects.contains(object)) {
                                    unsureObjects.add(object);
                                }
                            });
        }

        private long id(int keyspace, long key, int keyLength) {
            return hash.of(key, keyLength) + keyspace * 0x9E3779B97F4A7C15L;
        }

        @Override
        public void put(long record) {
            long key = Record.key(record);
            if (Record.type(record) == Record.TYPE_PAGE) {
                if (gapped) {
                    pagesPut.merge(Memory.getLong(key), 1L, Long::sum);
                }
                return;
            }
            if (Record.isPaged(record)) {
                long object = RootLayout.object(Record.value(record));
                if (gapped) {
                    rootsPut.put(object, RootLayout.pages(Record.value(record)));
                } else {
                    lastObject = Math.max(lastObject, object);
                }
            }
            if (gapped) {
                known.add(id(Record.keyspace(record), key, Record.keyLength(record)));
            }
        }

        @Override
        public void delete(int keyspace, long key, int keyLength, boolean page) {
            if (!gapped) {
                return;
            }
            if (page) {
                long object = Memory.getLong(key);
                if (!knownObjects.contains(object)) {
                    unsureObjects.add(object);
                }
            } else {
                known.add(id(keyspace, key, keyLength));
            }
        }

        @Override
        public void patch(
                int keyspace,
                long key,
                int keyLength,
                boolean page,
                int fromByte,
                long bytes,
                int count) {
            if (!gapped) {
                return;
            }
            if (page) {
                long object = Memory.getLong(key);
                if (!knownObjects.contains(object)) {
                    unsureObjects.add(object);
                }
            } else if (!known.contains(id(keyspace, key, keyLength))) {
                remove(keyspace, key, keyLength);
            }
        }

        @Override
        public void expire(int keyspace, long key, int keyLength, long millis, boolean fields) {
            if (gapped && !known.contains(id(keyspace, key, keyLength))) {
                remove(keyspace, key, keyLength);
            }
        }

        /** Row L: what it was before this change is not known. */
        private void remove(int keyspace, long key, int keyLength) {
            pass = false;
            report.removed("keyspace " + keyspace + " " + InspectCommand.text(key, keyLength, 256));
            LoggedEffects.delete(
                    batch.reserve(LoggedEffects.deleteBytes(keyLength)), keyspace, key, keyLength);
        }

        void end() {
            if (unitCapacity > 0) {
                Memory.free(unit, unitCapacity, MemoryTag.STAGING);
                unitCapacity = 0;
            }
        }
    }
}
