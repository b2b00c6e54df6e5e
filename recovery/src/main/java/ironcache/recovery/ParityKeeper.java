package ironcache.recovery;

import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.parity.ParityId;
import ironcache.parity.ParityLayout;
import ironcache.parity.Repair;
import ironcache.tiering.SegmentStore;
import ironcache.wal.Manifest;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A node's parity: one thread, with an {@link Io} of its own, that makes parity of files that are written no more, and repairs files. It is started when there is something for it
 * to do. Repairs come first; what was being protected is begun anew afterwards.
 *
 * <pre>
 * shards → full segments, repairs (queues) → the thread → what came of a repair (to the shard)
 * once a second: log segments whose successor is begun, images that the manifest names; parity of files that are gone is deleted
 * </pre>
 *
 * <p>What is not said to be of one thread may be called from any.
 */
public final class ParityKeeper {
    private static final long LOOK_NANOS = 1_000_000_000;
    private static final long RETRY_NANOS = 10_000_000_000L;

    /** The log of a snapshot has no successor that says that it is written no more: so often it is seen at rest first. */
    private static final int LOOKS_AT_REST = 3;

    /** The process that it runs in. */
    public interface Host {
        /** Runs it on a thread of its own, with an Io of its own, which is closed when it has returned. */
        void start(Consumer<Io> work);
    }

    /** What the node knows of its files. */
    public interface Node {
        long nodeId();

        /** That is in force. */
        @Nullable Manifest manifest();
    }

    private record FullSegment(int shard, int number, long generation, int pages) {}

    private record Request(
            ParityId id, Path file, long fromByte, long toByte, Consumer<Repair> after) {}

    private final Path directory;
    private final int shards;
    private final int parityBlocks;
    private final Clock clock;
    private final Node node;
    private final Consumer<String> log;

    // Guarded by this.
    private @Nullable Host host;
    private boolean started;
    private boolean looksAfterFiles;
    private final ArrayDeque<FullSegment> segments = new ArrayDeque<>();
    private final ArrayDeque<Request> requests = new ArrayDeque<>();

    private volatile @Nullable Io io;
    private volatile boolean stopping;
    private volatile boolean isMendWanted;

    // The thread's own.
    private @Nullable Protection protection;
    private final Set<Path> done = new HashSet<>();
    private final Map<Path, Integer> atRest = new HashMap<>();
    private long lookNanos;
    private long retryNanos;
    private boolean isMending;

    // What INFO says.
    private final AtomicLong files = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();
    private final AtomicLong repaired = new AtomicLong();
    private final AtomicLong unrepairable = new AtomicLong();

    /**
     * Of a node that is being made.
     *
     * @param directory has a subdirectory for each shard
     * @param parityBlocks of each stripe; 0: no parity is made, and what is there is used
     */
    public ParityKeeper(
            Path directory,
            int shards,
            int parityBlocks,
            Clock clock,
            Node node,
            Consumer<String> log) {
        this.directory = directory;
        this.shards = shards;
        this.parityBlocks = parityBlocks;
        this.clock = clock;
        this.node = node;
        this.log = log;
    }

    /** Before that nothing is repaired and nothing made. */
    public void setHost(Host newHost) {
        synchronized (this) {
            host = newHost;
        }
        if (looksAfterFiles()) {
            wake();
        }
    }

    /** Gives the memory back of a thread that was stopped in the middle and will never go on, as simulated ones may be. */
    public void abandon() {
        Protection left = protection;
        if (left != null) {
            left.close();
        }
    }

    public int parityBlocks() {
        return parityBlocks;
    }

    /** The node has read back what there was: from now on its files get parity, where that is wanted. */
    public void lookAfterFiles() {
        if (parityBlocks > 0) {
            synchronized (this) {
                looksAfterFiles = true;
            }
            wake();
        }
    }

    /** A segment of the SSD tier is written, and stays as it is until it is freed. */
    void segmentFull(int shard, int number, long generation, int pages) {
        if (parityBlocks > 0) {
            synchronized (this) {
                segments.add(new FullSegment(shard, number, generation, pages));
            }
            wake();
        }
    }

    /**
     * Asks for a repair.
     *
     * @param after is called on this one's thread
     * @return false: there is no thread for it
     */
    boolean mend(ParityId id, Path file, long fromByte, long toByte, Consumer<Repair> after) {
        synchronized (this) {
            if (host == null || stopping) {
                return false;
            }
            requests.add(new Request(id, file, fromByte, toByte, after));
            isMendWanted = true;
        }
        wake();
        return true;
    }

    /** The thread ends soon. */
    public void stop() {
        stopping = true;
        Io running = io;
        if (running != null) {
            running.wake();
        }
    }

    private void wake() {
        Host starts = null;
        synchronized (this) {
            if (!started && !stopping && host != null) {
                started = true;
                starts = host;
            }
        }
        if (starts != null) {
            starts.start(this::run);
        }
        Io running = io;
        if (running != null) {
            running.wake();
        }
    }

    // The thread.

    private void run(Io own) {
        try (Protection mine = new Protection(own, () -> stopping || isMendWanted && !isMending)) {
            protection = mine;
            io = own;
            lookNanos = clock.nanoTime() - LOOK_NANOS;
            retryNanos = lookNanos;
            while (!stopping) {
                if (!work(mine, own)) {
                    mine.release();
                    own.poll(looksAfterFiles() ? LOOK_NANOS : -1);
                }
            }
        } catch (RuntimeException | Error e) {
            log.accept("parity: no more is made, and nothing is repaired: " + e);
        } finally {
            protection = null;
            io = null;
            end();
        }
    }

    /** Whoever waits for a repair waits for nothing. */
    private void end() {
        stopping = true;
        for (Request left = nextRequest(); left != null; left = nextRequest()) {
            left.after.accept(failed(left.file, "nobody looks after parity any more"));
        }
    }

    private static Repair failed(Path file, String problem) {
        return new Repair(file, Repair.Outcome.UNREADABLE, problem, new BitSet(), new BitSet(), 0);
    }

    private synchronized boolean looksAfterFiles() {
        return looksAfterFiles;
    }

    /** @return whether there was something to do */
    private boolean work(Protection mine, Io own) {
        Request request = nextRequest();
        if (request != null) {
            isMending = true;
            mend(mine, request);
            isMending = false;
            return true;
        }
        if (!looksAfterFiles() || clock.nanoTime() - retryNanos < 0) {
            return false;
        }
        try {
            FullSegment segment = nextSegment();
            if (segment != null) {
                protect(mine, segment);
                return true;
            }
            if (clock.nanoTime() - lookNanos >= LOOK_NANOS) {
                lookNanos = clock.nanoTime();
                return look(mine, own);
            }
        } catch (InterruptedIOException e) {
            return true;
        } catch (IOException e) {
            if (!stopping) {
                errors.incrementAndGet();
                retryNanos = clock.nanoTime() + RETRY_NANOS;
                log.accept("parity: " + e.getMessage() + "; it is tried again");
            }
        }
        return false;
    }

    private synchronized @Nullable Request nextRequest() {
        Request next = requests.poll();
        isMendWanted = !requests.isEmpty();
        return next;
    }

    private synchronized @Nullable FullSegment nextSegment() {
        return segments.peek();
    }

    private void mend(Protection mine, Request request) {
        Repair repair;
        try {
            repair = mine.mend(request.id, request.file, request.fromByte, request.toByte);
        } catch (IOException e) {
            repair = failed(request.file, String.valueOf(e.getMessage()));
        }
        repaired.addAndGet(repair.restored());
        unrepairable.addAndGet(repair.lost().cardinality());
        if (repair.helps()) {
            log.accept("repaired from parity: " + repair);
        } else if (repair.outcome() != Repair.Outcome.ABSENT) {
            log.accept("not repaired from parity: " + repair);
        }
        request.after.accept(repair);
    }

    private Path shardDirectory(int shard) {
        return directory.resolve("shard-" + shard);
    }

    private void protect(Protection mine, FullSegment segment) throws IOException {
        Path file = SegmentStore.file(shardDirectory(segment.shard), segment.number);
        ParityId id =
                ParityId.segment(segment.shard, node.nodeId(), segment.number, segment.generation);
        try {
            if (mine.parityBlocks(id, file) != parityBlocks) {
                made(mine.segment(id, file, segment.pages, parityBlocks));
            }
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            // Where it was freed and deleted, that is all right; else it is tried again.
            if (exists(file)) {
                throw e;
            }
        }
        synchronized (this) {
            segments.remove();
        }
    }

    private boolean exists(Path file) {
        Io own = io;
        try {
            return own != null && own.openDirectory(shardDirectoryOf(file)).contains(file);
        } catch (IOException e) {
            return true;
        }
    }

    private Path shardDirectoryOf(Path file) {
        Path parent = file.getParent();
        return parent == null ? directory : parent;
    }

    private void made(long parityBytes) {
        if (parityBytes > 0) {
            files.incrementAndGet();
            bytes.addAndGet(parityBytes);
        }
    }

    /** Looks what there is. @return whether parity of a file was made; then there may be more */
    private boolean look(Protection mine, Io own) throws IOException {
        Manifest manifest = node.manifest();
        List<Path> all = new ArrayList<>();
        boolean any = false;
        for (int shard = 0; shard < shards; shard++) {
            List<Path> found = own.openDirectory(shardDirectory(shard));
            found.sort(null);
            all.addAll(found);
            deleteOrphans(own, found);
            if (manifest != null && shard < manifest.shards().size()) {
                any |= protectLogs(mine, shard, found, manifest);
                any |= protectImages(mine, shard, found, manifest);
            }
        }
        done.retainAll(all);
        atRest.keySet().retainAll(all);
        return any;
    }

    /** Deletes parity of files that are gone, and what was cut off when it was made. No file is being protected. */
    public static void deleteOrphans(Io io, List<Path> directory) throws IOException {
        Set<Path> all = new HashSet<>(directory);
        for (Path path : directory) {
            Path of = ParityLayout.fileOf(path);
            if (of != null && (ParityLayout.isTemporary(path) || !all.contains(of))) {
                io.deleteFile(path);
            }
        }
    }

    private boolean protectImages(Protection mine, int shard, List<Path> found, Manifest manifest)
            throws IOException {
        boolean any = false;
        for (Manifest.Snapshot snapshot : manifest.snapshots()) {
            long generation = snapshot.parts().get(shard).imageGeneration();
            Path file = WalFileLayout.imageFile(shardDirectory(shard), generation);
            ParityId id = ParityId.image(shard, node.nodeId(), generation);
            if (found.contains(file) && isWanted(mine, id, file)) {
                finished(id, file, () -> mine.image(id, file, parityBlocks));
                any = true;
            }
        }
        return any;
    }

    private boolean protectLogs(Protection mine, int shard, List<Path> found, Manifest manifest)
            throws IOException {
        boolean any = false;
        long oldest = oldestLog(manifest, shard);
        for (Path file : found) {
            long generation = WalFileLayout.logGeneration(file);
            if (generation < oldest || done.contains(file)) {
                continue;
            }
            long end = endSeqno(mine, shard, file, generation, found, manifest);
            ParityId id = ParityId.log(shard, node.nodeId(), generation);
            if (end > 0 && isWanted(mine, id, file)) {
                finished(id, file, () -> mine.log(id, file, end, parityBlocks));
                any = true;
            }
        }
        return any;
    }

    /** The first segment that counts. */
    private static long oldestLog(Manifest manifest, int shard) {
        long oldest = manifest.shards().get(shard).logFromGeneration();
        oldest = oldest == 0 ? Long.MAX_VALUE : oldest;
        for (Manifest.Snapshot snapshot : manifest.snapshots()) {
            oldest = Math.min(oldest, snapshot.parts().get(shard).firstLogGeneration());
        }
        return oldest;
    }

    /** The first frame behind a log segment that is written no more; 0: it may still be. */
    private long endSeqno(
            Protection mine,
            int shard,
            Path file,
            long generation,
            List<Path> found,
            Manifest manifest)
            throws IOException {
        Path next = WalFileLayout.logFile(shardDirectory(shard), generation + 1);
        if (found.contains(next)) {
            return mine.firstSeqno(next, node.nodeId());
        }
        List<Manifest.Snapshot> snapshots = manifest.snapshots();
        if (manifest.shards().get(shard).logFromGeneration() != 0 || snapshots.isEmpty()) {
            return 0;
        }
        Manifest.SnapshotPart part = snapshots.get(snapshots.size() - 1).parts().get(shard);
        return generation == part.lastLogGeneration()
                        && atRest.merge(file, 1, Integer::sum) >= LOOKS_AT_REST
                ? part.cutSeqno() + 1
                : 0;
    }

    private boolean isWanted(Protection mine, ParityId id, Path file) {
        if (done.contains(file)) {
            return false;
        }
        if (mine.parityBlocks(id, file) == parityBlocks) {
            done.add(file);
            return false;
        }
        return true;
    }

    /** Makes parity. */
    private interface Making {
        long make() throws IOException;
    }

    private void finished(ParityId id, Path file, Making making) throws IOException {
        long parityBytes;
        try {
            parityBytes = making.make();
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            // A log segment may be deleted, or be used again under another name, at any time.
            if (exists(file)) {
                throw e;
            }
            return;
        }
        done.add(file);
        made(parityBytes);
        if (parityBytes == 0 && exists(file)) {
            errors.incrementAndGet();
            log.accept(
                    "parity: "
                            + file
                            + " ("
                            + id.kind()
                            + ") is not what was written, and gets none: run `ironcache-tool verify DIR`");
        }
    }

    // What INFO says.

    /** Receives lines of INFO. */
    public interface Lines {
        void line(String name, long value);
    }

    public void tell(Lines lines) {
        int waiting;
        synchronized (this) {
            waiting = segments.size();
        }
        lines.line("parity_files_made", files.get());
        lines.line("parity_bytes_written", bytes.get());
        lines.line("parity_segments_waiting", waiting);
        lines.line("parity_errors", errors.get());
        lines.line("parity_repaired_blocks", repaired.get());
        lines.line("parity_unrepairable_blocks", unrepairable.get());
    }
}
