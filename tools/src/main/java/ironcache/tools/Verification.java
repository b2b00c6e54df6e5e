package ironcache.tools;

import ironcache.engine.EffectVisitor;
import ironcache.engine.LoggedEffects;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Address;
import ironcache.parity.ParityFiles;
import ironcache.parity.ParityId;
import ironcache.parity.ParityLayout;
import ironcache.parity.Repair;
import ironcache.recovery.FileWorker;
import ironcache.recovery.LogEnd;
import ironcache.recovery.WarmState;
import ironcache.tiering.PageCheck;
import ironcache.tiering.SegmentStore;
import ironcache.wal.Damage;
import ironcache.wal.FileScan;
import ironcache.wal.FrameLayout;
import ironcache.wal.FrameReader;
import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Reads everything that counts in a data directory and says what is wrong with it. Changes nothing.
 *
 * <pre>
 * manifests → state files, logs, images (a job each) → segment files that images refer to (a job each)
 *             each file that has parity is compared with it (a job each)
 * </pre>
 *
 * <p>Each job runs on one thread with an {@link Io} of its own; as many threads as there are cores. A log is read by the rules of {@link FrameReader}; behind the first
 * damage each frame that verifies by itself is counted, so that all of it is found and not only the first.
 */
final class Verification {
    /** Of segment files: so many pages are being read at a time. */
    private static final int PAGES_IN_FLIGHT = 8;

    private static final int FINDINGS_MAX = 100_000;

    /** A job: what to do, and what is told where it cannot be done. */
    private record Job(Path subject, Work work) {}

    private interface Work {
        void run(FileWorker worker) throws IOException;
    }

    private final DataDirectory directory;
    private final ToolProgress progress;
    private final Queue<Job> jobs = new ArrayDeque<>();
    private int running;
    private volatile boolean cancelled;
    private @Nullable Throwable failure;

    private final List<Damage> findings = Collections.synchronizedList(new ArrayList<>());
    private final AtomicLong findingCount = new AtomicLong();
    private final List<String> notes = Collections.synchronizedList(new ArrayList<>());
    private final Map<ParityId, Repair> repairs = new ConcurrentHashMap<>();
    private final List<PageSet> pages = new ArrayList<>();

    /** By shard, what its log says of its end; null where it is damaged or has not been read. */
    private final List<@Nullable LogEnd> logEnds = Collections.synchronizedList(new ArrayList<>());

    private final NavigableMap<Integer, Integer> imagesLeft = new TreeMap<>();

    final AtomicLong files = new AtomicLong();
    final AtomicLong frames = new AtomicLong();
    final AtomicLong pagesRead = new AtomicLong();
    final AtomicLong records = new AtomicLong();
    private @Nullable Manifest manifest;

    Verification(DataDirectory directory, ToolProgress progress) {
        this.directory = directory;
        this.progress = progress;
    }

    /** From another thread: {@link #run} returns soon. */
    void cancel() {
        cancelled = true;
    }

    boolean isCancelled() {
        return cancelled;
    }

    /** What is wrong, in no order. */
    List<Damage> findings() {
        return List.copyOf(findings);
    }

    /** All that was found, also what was too much to keep. */
    long findingCount() {
        return findingCount.get();
    }

    /** What is worth telling and is no damage. */
    List<String> notes() {
        return List.copyOf(notes);
    }

    /** What parity says of the files that have some. */
    Map<ParityId, Repair> repairs() {
        return Map.copyOf(repairs);
    }

    /** The newest one that verifies. */
    @Nullable Manifest manifest() {
        return manifest;
    }

    private void found(Damage damage) {
        findingCount.incrementAndGet();
        if (findings.size() < FINDINGS_MAX) {
            findings.add(damage);
        }
    }

    /** Runs to the end, or until {@link #cancel}. */
    void run(int threads) {
        manifests();
        states();
        if (manifest != null) {
            plan(manifest);
        }
        runJobs(threads);
        List<LogEnd> ends = new ArrayList<>();
        for (LogEnd end : logEnds) {
            if (end != null) {
                ends.add(end);
            }
        }
        if (ends.size() == logEnds.size()) {
            LogEnd.damages(ends).forEach(this::found);
        }
    }

    private void runJobs(int threads) {
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(this::work, "verify-" + i);
            workers.add(thread);
            thread.start();
        }
        for (Thread thread : workers) {
            while (thread.isAlive()) {
                try {
                    thread.join(200);
                } catch (InterruptedException e) {
                    cancelled = true;
                }
                progress.show();
            }
        }
        if (failure != null) {
            throw new IllegalStateException(failure);
        }
    }

    private void work() {
        try (FileWorker worker = new FileWorker()) {
            for (Job job = take(); job != null; job = take()) {
                try {
                    job.work.run(worker);
                } catch (IOException e) {
                    found(new Damage(job.subject, 0, "file", "readable", String.valueOf(e)));
                } finally {
                    finished();
                }
            }
        } catch (RuntimeException | Error e) {
            synchronized (jobs) {
                failure = e;
                cancelled = true;
                jobs.notifyAll();
            }
        }
    }

    private @Nullable Job take() {
        synchronized (jobs) {
            while (jobs.isEmpty() && running > 0 && !cancelled) {
                try {
                    jobs.wait();
                } catch (InterruptedException e) {
                    cancelled = true;
                }
            }
            if (jobs.isEmpty() || cancelled) {
                return null;
            }
            running++;
            return jobs.remove();
        }
    }

    private void finished() {
        synchronized (jobs) {
            running--;
            jobs.notifyAll();
        }
    }

    private void add(Path subject, long bytes, Work work) {
        progress.expect(bytes);
        synchronized (jobs) {
            jobs.add(new Job(subject, work));
            jobs.notifyAll();
        }
    }

    // Manifests.

    private void manifests() {
        for (Path file : directory.manifests.values()) {
            files.incrementAndGet();
            DataDirectory.ReadManifest read = DataDirectory.readManifest(file);
            if (read.damage() != null) {
                found(read.damage());
            }
            manifest = read.manifest() == null ? manifest : read.manifest();
            progress.did(size(file));
        }
        Manifest chosen = manifest;
        if (chosen != null && chosen.generation() < directory.manifests.lastKey()) {
            notes.add(
                    "the newest manifest does not verify: what manifest "
                            + chosen.generation()
                            + " names is looked at; some of it may rightly be gone");
        }
        if (directory.manifests.isEmpty()) {
            boolean images = directory.shards.values().stream().anyMatch(s -> !s.images.isEmpty());
            if (images) {
                notes.add(
                        "there are images but no manifest: the first snapshot was cut off, or the"
                                + " manifest is gone");
                found(new Damage(directory.path, 0, "manifest", "one", "none"));
            } else {
                notes.add("no manifest: nothing here was promised to be durable");
            }
        }
    }

    /** What an orderly shutdown left, where it is in the data directory itself. */
    private void states() {
        int shards = directory.shards.isEmpty() ? 0 : directory.shards.lastKey() + 1;
        Manifest found = manifest;
        boolean isKnown =
                directory.manifests.isEmpty()
                        || found != null && found.generation() == directory.manifests.lastKey();
        WarmState.checkHeaders(directory.path, shards, found, isKnown, notes::add)
                .forEach(this::found);
        for (int i = 0; i < shards; i++) {
            int shard = i;
            Path file = WarmState.file(directory.path, null, shard);
            if (Files.exists(file)) {
                files.incrementAndGet();
                add(
                        file,
                        size(file),
                        worker -> {
                            WarmState.checkBlocks(file, shard).forEach(this::found);
                            progress.did(size(file));
                        });
            }
        }
    }

    /** What the newest manifest names. */
    private void plan(Manifest found) {
        for (int i = 0; i < found.shards().size(); i++) {
            pages.add(new PageSet());
            logEnds.add(null);
            imagesLeft.put(i, 0);
        }
        List<Manifest.Snapshot> snapshots = found.snapshots();
        for (Manifest.Snapshot snapshot : snapshots) {
            for (int i = 0; i < snapshot.parts().size(); i++) {
                int shard = i;
                Manifest.SnapshotPart part = snapshot.parts().get(i);
                imagesLeft.merge(shard, 1, Integer::sum);
                long generation = part.imageGeneration();
                Path image =
                        directory.actual(
                                WalFileLayout.imageFile(directory.shard(shard).path, generation));
                compare(ParityId.image(shard, found.nodeId(), generation), image);
                add(image, size(image), worker -> image(worker, shard, image, part));
            }
        }
        for (int i = 0; i < found.shards().size(); i++) {
            int shard = i;
            DataDirectory.ShardDirectory files = directory.shard(shard);
            LogRange range = LogRange.of(found, shard);
            if (range != null) {
                List<Path> segments =
                        List.copyOf(
                                files.logs.subMap(range.from(), true, range.to(), true).values());
                Path first = WalFileLayout.logFile(files.path, range.from());
                if (segments.isEmpty() || !segments.getFirst().equals(first)) {
                    found(
                            new Damage(
                                    first,
                                    0,
                                    "file",
                                    "the log segment that the manifest names",
                                    "nothing: it is missing"));
                }
                for (Path segment : segments) {
                    long generation = WalFileLayout.logGeneration(segment);
                    compare(ParityId.log(shard, found.nodeId(), generation), segment);
                }
                long bytes = segments.stream().mapToLong(Verification::size).sum();
                add(first, bytes, worker -> log(worker, shard, segments, range));
            }
            unnamed(files, found, shard, range);
        }
    }

    private void unnamed(
            DataDirectory.ShardDirectory files,
            Manifest named,
            int shard,
            @Nullable LogRange range) {
        List<Path> others = new ArrayList<>(files.images.values());
        for (Manifest.Snapshot snapshot : named.snapshots()) {
            if (shard < snapshot.parts().size()) {
                long generation = snapshot.parts().get(shard).imageGeneration();
                others.remove(directory.actual(WalFileLayout.imageFile(files.path, generation)));
            }
        }
        files.logs.forEach(
                (generation, file) -> {
                    if (range == null || generation < range.from() || generation > range.to()) {
                        others.add(file);
                    }
                });
        if (!others.isEmpty()) {
            notes.add(others.size() + " files that no manifest names, not looked at: " + others);
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            return 0; // Whoever opens it says so.
        }
    }

    // Logs.

    private void log(FileWorker worker, int shard, List<Path> segments, LogRange range)
            throws IOException {
        files.addAndGet(segments.size());
        List<List<Path>> chains = LogChains.of(worker, segments);
        for (int i = 0; i < chains.size(); i++) {
            chain(worker, shard, chains.get(i), range, i == chains.size() - 1);
        }
    }

    /** @param last whether it has the frames that the manifest says are durable: of earlier ones only older snapshots need some */
    private void chain(
            FileWorker worker, int shard, List<Path> segments, LogRange range, boolean last) {
        Manifest named = Objects.requireNonNull(manifest);
        FrameReader reader = new FrameReader(worker.io, 0);
        worker.handle((token, result) -> reader.onFile((int) token, result));
        boolean whole = WalFileLayout.logGeneration(segments.getFirst()) == range.from();
        reader.openLog(segments, shard, named.nodeId(), whole ? range.firstSeqno() : 0);
        Manifest.Snapshot newest = named.newestSnapshot();
        LogEnd logEnd =
                new LogEnd(
                        shard,
                        segments,
                        range.firstSeqno(),
                        newest == null ? 0 : newest.parts().get(shard).cutSeqno());
        Damage damage = null;
        long lastWhole = -1;
        long readBefore = 0;
        boolean ended = false;
        while (!ended) {
            FrameReader.Status status = reader.next();
            switch (status) {
                case PENDING -> {
                    if (cancelled) {
                        return;
                    }
                    worker.await();
                    progress.did(reader.bytesRead() - readBefore);
                    readBefore = reader.bytesRead();
                }
                case FRAME -> {
                    frames.incrementAndGet();
                    logEnd.frame(reader);
                    effects(
                            reader.file(),
                            reader.offset(),
                            reader.payload(),
                            reader.length(),
                            reader.flags(),
                            new EffectVisitor() {});
                    if ((reader.flags() & FrameLayout.MORE) == 0) {
                        lastWhole = reader.seqno();
                    }
                }
                case TORN -> {
                    notes.add(
                            "shard "
                                    + shard
                                    + ": the log's tail is torn, as after a crash, and will be cut"
                                    + " at the next start: "
                                    + reader.tear());
                    ended = true;
                }
                case END -> ended = true;
                case DAMAGED -> {
                    damage = Objects.requireNonNull(reader.damage());
                    ended = true;
                }
            }
        }
        long next = reader.nextSeqno();
        reader.close();
        if (damage != null) {
            found(damage);
            behind(worker, segments, damage, named.nodeId(), shard, next, null);
        } else if (last && lastWhole >= range.needSeqno()) {
            logEnds.set(shard, logEnd);
        } else if (last) {
            found(
                    new Damage(
                            segments.getLast(),
                            0,
                            "seqno",
                            "frames up to "
                                    + range.needSeqno()
                                    + ", which the manifest says are durable",
                            lastWhole < 0 ? "none" : "the last one is " + lastWhole));
        }
    }

    /** Whether all of a frame's payload is effects. */
    private void effects(
            Path file, long offset, long payload, int length, int flags, EffectVisitor visitor) {
        int bytes = FrameLayout.effectsBytes(payload, length, flags);
        int visited = LoggedEffects.visit(payload, bytes, visitor);
        if (visited < bytes) {
            found(
                    new Damage(
                            file,
                            offset + FrameLayout.HEADER_BYTES + visited,
                            "op",
                            "an effect that this version knows",
                            "" + (Memory.getByte(payload + visited) & 0xFF)));
        }
    }

    /** Frames behind the first damage: which of them verify, and where more are missing. */
    private void behind(
            FileWorker worker,
            List<Path> segments,
            Damage first,
            long nodeId,
            int shard,
            long nextSeqno,
            @Nullable EffectVisitor visitor) {
        long expected = nextSeqno;
        int from = segments.indexOf(first.file());
        boolean scanning = from >= 0 && expected > 0;
        for (int i = Math.max(0, scanning ? from : 0); i < segments.size() && !cancelled; i++) {
            Path file = segments.get(i);
            try (FileScan scan = new FileScan(worker.io, 0)) {
                worker.handle((token, result) -> scan.onFile((int) token, result));
                scan.open(file, nodeId, shard, file.equals(first.file()) ? first.offset() : 0);
                long end = file.equals(first.file()) ? first.offset() : WalFileLayout.BLOCK_BYTES;
                for (FrameReader.Status status = scan.next();
                        status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING;
                        status = scan.next()) {
                    if (status == FrameReader.Status.PENDING) {
                        worker.await();
                        continue;
                    }
                    frames.incrementAndGet();
                    if (scan.seqno() > expected && expected > 0) {
                        found(
                                new Damage(
                                        file,
                                        end,
                                        "frames",
                                        "seqno " + expected + " to " + (scan.seqno() - 1),
                                        "none of these verifies; the next that does is at offset "
                                                + scan.offset()));
                    }
                    expected = scan.seqno() + 1;
                    end = scan.offset() + FrameLayout.HEADER_BYTES + scan.length();
                    if (visitor != null) {
                        effects(
                                file,
                                scan.offset(),
                                scan.payload(),
                                scan.length(),
                                scan.flags(),
                                visitor);
                    }
                }
                Damage header = scan.damage();
                if (header != null && i < segments.size() - 1 && !header.equals(first)) {
                    found(header);
                }
            } catch (IOException e) {
                found(new Damage(file, 0, "file", "readable", String.valueOf(e)));
            }
        }
    }

    // Images.

    /** Collects what an image refers to. */
    private final class References implements EffectVisitor {
        final BitSet referred = new BitSet();
        final Path image;
        final int shard;
        final int segmentPages;

        References(Path image, int shard, int segmentPages) {
            this.image = image;
            this.shard = shard;
            this.segmentPages = segmentPages;
        }

        @Override
        public void segment(int number, int count, long generation) {
            PageSet.Segment segment = new PageSet.Segment(number, count, generation);
            PageSet.Segment other = pages.get(shard).segment(segment);
            if (other != null || segmentPages != 0 && count != segmentPages) {
                found(
                        new Damage(
                                image,
                                0,
                                "segment " + number,
                                other == null ? segmentPages + " pages" : "" + other,
                                "" + segment));
            }
        }

        @Override
        public void reference(int keyspace, boolean page, long address, long entryHash) {
            records.incrementAndGet();
            referred.set(Address.page(address) - Address.FIRST_SSD_PAGE);
        }
    }

    private void image(FileWorker worker, int shard, Path file, Manifest.SnapshotPart part) {
        files.incrementAndGet();
        Manifest named = Objects.requireNonNull(manifest);
        References references =
                new References(file, shard, named.shards().get(shard).segmentPages());
        FrameReader reader = new FrameReader(worker.io, 0);
        worker.handle((token, result) -> reader.onFile((int) token, result));
        reader.openImage(file, shard, named.nodeId());
        Damage damage = null;
        long readBefore = 0;
        boolean ended = false;
        while (!ended) {
            switch (reader.next()) {
                case PENDING -> {
                    if (cancelled) {
                        return;
                    }
                    worker.await();
                    progress.did(reader.bytesRead() - readBefore);
                    readBefore = reader.bytesRead();
                }
                case FRAME -> {
                    frames.incrementAndGet();
                    effects(
                            file,
                            reader.offset(),
                            reader.payload(),
                            reader.length(),
                            reader.flags(),
                            references);
                }
                case END, TORN -> ended = true;
                case DAMAGED -> {
                    damage = Objects.requireNonNull(reader.damage());
                    ended = true;
                }
            }
        }
        long next = reader.nextSeqno();
        reader.close();
        if (damage != null) {
            found(damage);
            behind(worker, List.of(file), damage, named.nodeId(), shard, next, references);
        }
        pages.get(shard).add(references.referred);
        BitSet expected = part.segments();
        PageSet known = pages.get(shard);
        for (int n = expected.nextSetBit(0); n >= 0; n = expected.nextSetBit(n + 1)) {
            if (!known.segments().containsKey(n)) {
                found(
                        new Damage(
                                file,
                                0,
                                "segment",
                                "segment " + n + ", as the manifest says",
                                "none"));
            }
        }
        synchronized (imagesLeft) {
            if (imagesLeft.merge(shard, -1, Integer::sum) == 0) {
                for (PageSet.Segment segment : known.segments().values()) {
                    Path path =
                            directory.actual(
                                    SegmentStore.file(
                                            directory.shard(shard).path, segment.number()));
                    compare(
                            ParityId.segment(
                                    shard, named.nodeId(), segment.number(), segment.generation()),
                            path);
                    BitSet wanted = known.pagesOf(segment);
                    add(
                            path,
                            (long) wanted.cardinality() << Address.PAGE_SHIFT,
                            later -> segment(later, path, segment, wanted));
                }
            }
        }
    }

    // Parity.

    private void compare(ParityId id, Path file) {
        if (Files.exists(ParityLayout.parityFile(file))) {
            add(file, size(file), worker -> compareNow(id, file));
        }
    }

    private void compareNow(ParityId id, Path file) throws IOException {
        Repair seen;
        // A door of its own: the worker's completions go elsewhere.
        try (FileWorker own = new FileWorker();
                ParityFiles parity = new ParityFiles(own.io, () -> cancelled)) {
            seen = parity.inspect(id, file);
        } catch (InterruptedIOException e) {
            return;
        }
        files.incrementAndGet();
        progress.did(size(file));
        repairs.put(id, seen);
        Path parityFile = ParityLayout.parityFile(file);
        switch (seen.outcome()) {
            case ABSENT -> {}
            case FOREIGN -> notes.add(seen.toString());
            case UNREADABLE ->
                    found(new Damage(parityFile, 0, "header", "readable", seen.problem()));
            case COMPARED -> {
                if (!seen.damaged().isEmpty()) {
                    notes.add(
                            "parity of "
                                    + seen
                                    + (seen.helps()
                                            ? ": a start of the server repairs these, `recover` saves them"
                                            : ""));
                }
                if (seen.parityDamaged() > 0) {
                    found(
                            new Damage(
                                    parityFile,
                                    0,
                                    "blocks",
                                    "as their checksums say",
                                    seen.parityDamaged() + " that are not"));
                }
            }
        }
    }

    // Segment files.

    private void segment(FileWorker worker, Path path, PageSet.Segment segment, BitSet wanted)
            throws IOException {
        files.incrementAndGet();
        PageCheck check = new PageCheck();
        try (PageReads reads = new PageReads(worker, path, wanted, PAGES_IN_FLIGHT)) {
            while (reads.next() && !cancelled) {
                long offset = (long) reads.index() << Address.PAGE_SHIFT;
                if (reads.errno() != 0) {
                    found(new Damage(path, offset, "read", "the bytes there", reads.error()));
                } else {
                    int number =
                            PageCheck.firstPage(segment.number(), segment.pages()) + reads.index();
                    for (PageCheck.Flaw flaw :
                            check.check(
                                    reads.address(), reads.bytes(), number, segment.generation())) {
                        found(
                                new Damage(
                                        path,
                                        offset + flaw.offset(),
                                        flaw.field(),
                                        flaw.expected(),
                                        flaw.actual()));
                    }
                }
                pagesRead.incrementAndGet();
                progress.did(Address.PAGE_BYTES);
            }
        }
    }
}
