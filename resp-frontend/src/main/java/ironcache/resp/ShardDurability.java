package ironcache.resp;

import ironcache.engine.Shard;
import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.recovery.ParityKeeper;
import ironcache.recovery.RecoveryException;
import ironcache.recovery.ShardMender;
import ironcache.recovery.ShardRecovery;
import ironcache.recovery.ShardSnapshot;
import ironcache.recovery.ShardSource;
import ironcache.recovery.Snapshot;
import ironcache.recovery.StateKeeper;
import ironcache.recovery.WarmState;
import ironcache.wal.ImageFile;
import ironcache.wal.Manifest;
import ironcache.wal.Peers;
import ironcache.wal.WalFileLayout;
import ironcache.wal.WalWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One shard's part of the node's {@link Durability}: reads back what its directory holds, keeps its log, writes its images. All in slices, on the thread that owns the
 * shard and while it is in it.
 *
 * <p>Tokens of its file operations, those of the shard's own apart:
 *
 * <pre>
 * 0x70 (8) | part (8) | zero (16) | the part's own (32)
 * </pre>
 */
final class ShardDurability implements Io.FileHandler, Peers {
    private static final int PART_SHIFT = 48;
    private static final int RECOVERY = 0;
    private static final int IMAGE = 1;
    private static final int MANIFESTS = 2;
    private static final int STATE = 3;

    private static final long LOG_POLL_NANOS = 1_000_000;

    static final long MANIFESTS_TOKEN = Shard.FIRST_FOREIGN_TOKEN | (long) MANIFESTS << PART_SHIFT;

    private final Durability node;
    private final Partition partition;
    private final Io io;
    private final Clock clock;
    private final Path directory;
    private final ShardMender mender;

    private @Nullable ShardRecovery recovery;

    /** A log is to be begun, in the owner's thread. */
    private boolean logWanted;

    private volatile boolean logBegun;

    /** The log writes no frames before those of all shards are begun. */
    private boolean isHeld;

    private volatile @Nullable ShardSnapshot snapshot;

    /** The snapshot that it has taken part in last. */
    private @Nullable Snapshot snapshotSeen;

    /** The log's first segment as the manifest says. */
    private long manifestLog;

    /** First segment and frame of the log that is kept. */
    private long logGeneration;

    private long logSeqno;

    // Of the log that was kept last.
    private long lastGeneration;
    private long lastSeqno;

    ShardDurability(Durability node, Partition partition, Io io, Clock clock, Path directory) {
        this.node = node;
        this.partition = partition;
        this.io = io;
        this.clock = clock;
        this.directory = directory;
        mender =
                new ShardMender(
                        node.parity(),
                        node,
                        partition.number,
                        directory,
                        () -> partition.loop.io().wake());
        partition.shard.setMender(mender);
    }

    // At the start.

    /** Reads back what the manifest names; {@link #step} goes on with it. */
    void recover(Manifest manifest) throws IOException {
        restoreOlderImages(manifest);
        manifestLog = manifest.shards().get(partition.number).logFromGeneration();
        ShardSource source =
                ShardSource.of(
                        manifest,
                        manifest.newestSnapshot(),
                        partition.number,
                        directory,
                        io.openDirectory(directory),
                        true);
        // Its end is read twice: to find it, and to apply it.
        long logBytes = (1L + source.log().size()) * node.logSizes().segmentBytes();
        node.recovery().addTotal(logBytes + imageBytes(manifest));
        recovery =
                new ShardRecovery(
                        node.recovery(),
                        partition.number,
                        io,
                        partition.shard,
                        source,
                        manifest.nodeId(),
                        mender,
                        node::notice);
    }

    /**
     * Has what the last shutdown left.
     *
     * @param keepsLog whether the log goes on behind it
     * @param atRest whether nothing has to be done with it before it may be used
     */
    void takeOver(WarmState state, boolean keepsLog, boolean atRest) throws IOException {
        state.load(partition.number, partition.shard);
        if (atRest) {
            partition.shard.freeze();
        }
        lastGeneration = state.logGeneration(partition.number);
        lastSeqno = state.logSeqno(partition.number);
        goOn(keepsLog);
    }

    /** Deletes what does not count, and begins the log's next segment. */
    private void goOn(boolean keepsLog) throws IOException {
        partition.shard.deleteLeftovers();
        Manifest manifest = node.manifest();
        Set<Long> images = new HashSet<>();
        long oldestLog = manifest == null ? Long.MAX_VALUE : named(manifest, images);
        deleteUnnamed(images, oldestLog, lastGeneration);
        ParityKeeper.deleteOrphans(io, io.openDirectory(directory));
        partition.shard.offerFullSegments();
        if (keepsLog) {
            openLog(lastGeneration + 1, lastSeqno + 1);
        }
    }

    /** Snapshots but the newest keep what they refer to: before what is read back needs space and could take it. */
    private void restoreOlderImages(Manifest manifest) {
        List<Manifest.Snapshot> snapshots = manifest.snapshots();
        for (int i = 0; i < snapshots.size() - 1; i++) {
            Manifest.Snapshot snapshot = snapshots.get(i);
            try {
                partition.shard.restoreImage(snapshot.parts().get(partition.number).segments());
            } catch (UncheckedIOException e) {
                throw new RecoveryException(
                        "snapshot "
                                + snapshot.number()
                                + ", which is kept, lacks a file: "
                                + e.getMessage()
                                + "; to go on with the newest one only: ironcache-tool snapshots prune --keep 1 DIR");
            }
        }
    }

    /** Of the newest snapshot, or null. */
    private Manifest.@Nullable SnapshotPart part(Manifest manifest) {
        Manifest.Snapshot newest = manifest.newestSnapshot();
        return newest == null ? null : newest.parts().get(partition.number);
    }

    /** An equal share of the newest snapshot's: the shards' are about as large. */
    private static long imageBytes(Manifest manifest) {
        Manifest.Snapshot newest = manifest.newestSnapshot();
        return newest == null ? 0 : newest.bytes() / manifest.shards().size();
    }

    // The log.

    /**
     * From now on effects are logged. The caller is in the shard.
     *
     * @param generation of its first segment
     */
    void openLog(long generation, long firstSeqno) throws IOException {
        WalWriter log =
                new WalWriter(
                        io,
                        directory,
                        partition.number,
                        node.nodeId(),
                        node.logOptions(),
                        Shard.logToken(),
                        this,
                        generation,
                        firstSeqno);
        logGeneration = generation;
        logSeqno = firstSeqno;
        partition.shard.keepLog(log);
        partition.log = log;
    }

    /**
     * There is no manifest, so the directory holds nothing that counts: there is one before there is any log or image.
     *
     * @param keepsLog whether a log is begun when there is one
     */
    void beginAnew(boolean keepsLog) throws IOException {
        for (Path file : io.openDirectory(directory)) {
            if (WalFileLayout.imageGeneration(file) >= 0
                    || WalFileLayout.logGeneration(file) >= 0) {
                throw new RecoveryException(
                        file
                                + ", field file: expected a manifest that names it, actual none: it is missing; "
                                + RecoveryException.WHAT_TO_RUN);
            }
        }
        logWanted = keepsLog;
        partition.shard.deleteLeftovers();
        ParityKeeper.deleteOrphans(io, io.openDirectory(directory));
    }

    /** Deletes images that are not among these, and segments of the log that are not from here to there. */
    private void deleteUnnamed(Set<Long> images, long firstLog, long lastLog) throws IOException {
        for (Path file : io.openDirectory(directory)) {
            long image = WalFileLayout.imageGeneration(file);
            long segment = WalFileLayout.logGeneration(file);
            if (image >= 0 && !images.contains(image)
                    || segment >= 0 && (segment < firstLog || segment > lastLog)) {
                io.deleteFile(file);
            }
        }
    }

    /** Whether a manifest may name the log that is kept. Any thread. */
    boolean isLogBegun() {
        return logBegun;
    }

    /** Effects are logged no more, if they were; replies go on to wait for those that were. The caller is in the shard, and no unit is open. */
    void endLog() {
        if (isLogOpen()) {
            partition.shard.keepLog(null);
            partition.isLogEnding = true;
        }
    }

    /** Whether effects are logged. Any thread. */
    boolean isLogOpen() {
        return partition.log != null && !partition.isLogEnding;
    }

    /** Whether a transaction waits that has been logged in part. The caller is in the shard. */
    boolean isInUnit() {
        WalWriter log = partition.log;
        return log != null && !partition.isLogEnding && log.hasUnit();
    }

    /** Whether none is kept, and the last one is durable as far as {@link #lastGeneration}. Any thread. */
    boolean isLogClosed() {
        return partition.log == null;
    }

    /** Why a log that ends does not become durable now, or null. Any thread. */
    @Nullable String endFailure() {
        WalWriter log = partition.log;
        return log == null ? null : log.failure();
    }

    @Override
    public long readySeqno(int shard) {
        WalWriter log = node.partition(shard).log;
        return log == null ? 0 : log.readySeqno();
    }

    @Override
    public boolean isFailed(int shard) {
        WalWriter log = node.partition(shard).log;
        return log != null && log.isFailed();
    }

    @Override
    public void wake(int shard) {
        node.partition(shard).loop.io().wake();
    }

    // The turn.

    /** Whether it wants to be called again soon, completions or not. */
    boolean isBusy() {
        return recovery != null
                || logWanted
                || snapshot != null
                || partition.isLogEnding
                || isHeld
                || node.isLoading() && partition.log != null && !logBegun;
    }

    /**
     * Goes on; the caller is in the shard.
     *
     * @return whether it got anywhere with something that does not wait for completions
     */
    boolean step(long budgetNanos) {
        mender.step();
        ShardRecovery reading = recovery;
        if (reading != null) {
            return recover(reading, budgetNanos);
        }
        beginWantedLog();
        closeEndedLog();
        takePart();
        return false;
    }

    private void beginWantedLog() {
        if (logWanted && node.manifest() != null) {
            logWanted = false;
            try {
                openLog(1, 1);
            } catch (IOException e) {
                throw new RecoveryException(String.valueOf(e.getMessage()));
            }
        }
        WalWriter log = partition.log;
        if (log != null && !logBegun && node.isLoading()) {
            if (log.failure() != null) {
                throw new RecoveryException(log.failure());
            }
            logBegun = log.isBegun();
        }
        if (log != null && isHeld && !node.isLoading()) {
            isHeld = false;
            log.hold(false);
        }
    }

    private void closeEndedLog() {
        WalWriter log = partition.log;
        if (log == null || !partition.isLogEnding) {
            return;
        }
        log.commit(clock.nanoTime());
        if (log.isQuiet()) {
            lastGeneration = log.segmentGeneration();
            lastSeqno = log.lastSeqno();
            log.closeFiles();
            partition.log = null;
            partition.isLogEnding = false;
            log.close();
            deleteOld();
            // Replies may have waited for it.
            node.wakeAll();
        }
    }

    private boolean recover(ShardRecovery reading, long budgetNanos) {
        boolean on = reading.step(budgetNanos, clock);
        if (reading.isDone()) {
            recovery = null;
            lastGeneration = Math.max(reading.lastGeneration(), manifestLog - 1);
            lastSeqno = reading.end();
            try {
                goOn(node.startsWithLog());
                WalWriter log = partition.log;
                if (log != null) {
                    log.hold(true);
                    isHeld = true;
                }
            } catch (IOException e) {
                throw new RecoveryException(String.valueOf(e.getMessage()));
            }
            node.recovered();
        }
        return on;
    }

    /** The log that was begun in this process. */
    Manifest.ShardFiles nextLog() {
        return new Manifest.ShardFiles(
                partition.shard.segmentPages(), logGeneration, 0, logSeqno, logSeqno - 1);
    }

    /** The last segment of a log that is kept no more; 0: there is none. */
    long lastGeneration() {
        return lastGeneration;
    }

    // The end.

    /**
     * Writes the shard's state, on its thread, when no thread runs commands any more. The caller is in the shard; it waits for completions.
     *
     * @throws IOException why it is not there
     */
    long keepState(Path file, Path dataDirectory, long shutdown, int shardCount)
            throws IOException {
        StateKeeper keeper =
                new StateKeeper(io, Shard.FIRST_FOREIGN_TOKEN | (long) STATE << PART_SHIFT);
        Io.FileHandler shard = partition.shard.fileHandler();
        io.setHandlers(
                Io.SocketHandler.NONE,
                (token, result) -> {
                    // The thread is in the shard. While the state is written, nothing else may
                    // change that.
                    if (token >= Shard.FIRST_FOREIGN_TOKEN
                            && ((int) (token >>> PART_SHIFT) & 0xFF) == STATE) {
                        keeper.onFile((int) token, result);
                    } else if (token < Shard.FIRST_FOREIGN_TOKEN && !keeper.isWriting()) {
                        shard.onFile(token, result);
                    }
                });
        settleLog();
        WalWriter log = partition.log;
        if (log != null && log.begunGeneration() != 0) {
            lastGeneration = log.begunGeneration();
            lastSeqno = log.lastSeqno();
        }
        return keeper.keep(
                partition.shard,
                file,
                new StateKeeper.Identity(
                        dataDirectory,
                        partition.number,
                        shardCount,
                        node.nodeId(),
                        node.hashSeed(),
                        shutdown,
                        node.manifestGeneration(),
                        lastGeneration,
                        lastSeqno,
                        node.isLogKept()));
    }

    /** Waits until all of the log is durable. */
    private void settleLog() throws IOException {
        WalWriter log = partition.log;
        while (log != null && !log.isQuiet()) {
            String failure = log.failure();
            if (failure != null) {
                throw new IOException(failure);
            }
            log.commit(clock.nanoTime());
            io.poll(LOG_POLL_NANOS);
        }
        if (log != null && log.isFailed()) {
            throw new IOException(String.valueOf(log.failure()));
        }
    }

    // Snapshots.

    private void takePart() {
        ShardSnapshot mine = snapshot;
        if (mine == null) {
            Snapshot current = node.snapshot();
            if (current == null || current == snapshotSeen) {
                return;
            }
            if (!partition.isLogEnding) {
                snapshotSeen = current;
                begin(current);
                return;
            }
            String failure = endFailure();
            if (failure != null && current.fail(failure)) {
                node.wakeFirst();
            }
        } else if (mine.node().phase().isOver()) {
            end(mine, mine.node().phase() == Snapshot.Phase.KEPT);
        } else if (mine.step()) {
            node.wakeFirst();
        }
    }

    private void begin(Snapshot current) {
        if (current.phase().isOver()) {
            return;
        }
        try {
            if (partition.log == null) {
                // Not all that changed since the last one was logged.
                openLog(lastGeneration + 1, lastSeqno + 1 + WalFileLayout.LOG_SEQNOS);
            }
            ImageFile image =
                    new ImageFile(
                            io,
                            directory,
                            partition.number,
                            node.nodeId(),
                            current.generation(),
                            Shard.FIRST_FOREIGN_TOKEN | (long) IMAGE << PART_SHIFT);
            snapshot =
                    new ShardSnapshot(
                            current, partition.shard, Objects.requireNonNull(partition.log), image);
        } catch (IOException e) {
            current.fail(String.valueOf(e.getMessage()));
            node.wakeFirst();
        }
    }

    private void end(ShardSnapshot mine, boolean kept) {
        ImageFile image = mine.image();
        if (!kept) {
            image.giveUp();
        }
        if (image.isBusy()) {
            return;
        }
        boolean inDoubt = node.isInDoubt();
        mine.end(kept || inDoubt);
        snapshot = null;
        if (kept) {
            for (Manifest.Snapshot dropped : node.dropped()) {
                partition.shard.releaseImage(dropped.parts().get(partition.number).segments());
            }
        }
        if (!kept && !inDoubt) {
            try {
                image.abandon();
            } catch (IOException e) {
                node.notice("an image cannot be deleted: " + e.getMessage());
            }
        }
        deleteOld();
        image.close();
        node.wakeFirst();
    }

    /** Images and segments of the log that the manifest names no more. Those of a log that is being closed may still be written to: they go when it is. */
    private void deleteOld() {
        Manifest manifest = node.manifest();
        if (manifest == null || node.isInDoubt()) {
            return;
        }
        Set<Long> images = new HashSet<>();
        long oldestLog = named(manifest, images);
        WalWriter log = partition.log;
        if (log != null) {
            log.deleteBefore(oldestLog);
        }
        boolean isClosed = log == null;
        try {
            deleteUnnamed(
                    images,
                    isClosed ? oldestLog : 0,
                    isClosed ? lastNamed(manifest) : Long.MAX_VALUE);
        } catch (IOException e) {
            node.notice("what a snapshot replaced cannot be deleted: " + e.getMessage());
        }
    }

    /** @return the first segment of the log that the manifest has a use for */
    private long named(Manifest manifest, Set<Long> images) {
        long oldestLog = manifest.shards().get(partition.number).logFromGeneration();
        oldestLog = oldestLog == 0 ? Long.MAX_VALUE : oldestLog;
        for (Manifest.Snapshot kept : manifest.snapshots()) {
            Manifest.SnapshotPart part = kept.parts().get(partition.number);
            images.add(part.imageGeneration());
            oldestLog = Math.min(oldestLog, part.firstLogGeneration());
        }
        return oldestLog;
    }

    /** @return the last segment of the log that the manifest has a use for, where no log is kept */
    private long lastNamed(Manifest manifest) {
        Manifest.ShardFiles files = manifest.shards().get(partition.number);
        Manifest.SnapshotPart part = part(manifest);
        if (files.logFromGeneration() != 0) {
            return files.logToGeneration() == 0 ? Long.MAX_VALUE : files.logToGeneration();
        }
        return part == null ? 0 : part.lastLogGeneration();
    }

    int segmentPages() {
        return partition.shard.segmentPages();
    }

    /** Keys in the image that is being made. */
    long imageKeys() {
        return partition.shard.imageKeys();
    }

    /** Of the snapshot that is being made, or null. */
    @Nullable ShardSnapshot snapshot() {
        return snapshot;
    }

    /** Gives the memory back, whatever was under way; the I/O is closed. */
    void close() {
        if (recovery != null) {
            recovery.close();
        }
        if (snapshot != null) {
            snapshot.image().close();
        }
        if (partition.log != null) {
            partition.log.close();
        }
        if (partition.number == 0) {
            node.close();
        }
    }

    @Override
    public void onFile(long token, int result) {
        switch ((int) (token >>> PART_SHIFT) & 0xFF) {
            case RECOVERY -> {
                ShardRecovery reading = recovery;
                if (reading != null) {
                    reading.onFile(token, result);
                }
            }
            case IMAGE -> {
                ShardSnapshot writing = snapshot;
                if (writing != null) {
                    writing.image().onFile((int) token, result);
                }
            }
            default -> node.onManifest(result);
        }
    }
}
