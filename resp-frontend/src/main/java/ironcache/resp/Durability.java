package ironcache.resp;

import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.ffm.Prng;
import ironcache.recovery.ParityKeeper;
import ironcache.recovery.Recovery;
import ironcache.recovery.RecoveryException;
import ironcache.recovery.ShardSnapshot;
import ironcache.recovery.Snapshot;
import ironcache.recovery.WarmState;
import ironcache.wal.Manifest;
import ironcache.wal.Manifests;
import ironcache.wal.SyncPolicy;
import ironcache.wal.WalOptions;
import ironcache.wal.WalWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What the node does so that its data outlive it: reads them back at the start, keeps logs, makes snapshots. Here is what concerns all shards; {@link ShardDurability} is
 * each shard's part. The first shard's thread owns it, and its Io the manifests; what others ask is volatile or set before the threads start.
 */
final class Durability implements ParityKeeper.Node {
    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final long LOAD_POLL_NANOS = 100_000_000;

    /** Between two lines that say how far the loading is. */
    private static final long PROGRESS_NANOS = 2 * NANOS_PER_SECOND;

    /** After a snapshot that failed, how long until the next one is begun by itself. */
    private static final long RETRY_NANOS = 5 * NANOS_PER_SECOND;

    /** Of what is written, this part counts even if it is padding. */
    private static final int PADDING_SHARE = 4;

    private final Node node;
    private final Clock clock;
    private final Manifests manifests;
    private final long freshSeed;
    private final LogSizes logSizes;
    private final ParityKeeper parity;
    private final List<ShardDurability> shards = new ArrayList<>();

    private volatile @Nullable Manifest manifest;

    /** What the last shutdown left, until it is taken over. */
    private @Nullable WarmState warm;

    /** The state was taken over, and is to be made into the snapshot that a log begins with: clients are served when it is durable. */
    private boolean rewriting;

    /** The loading has no end: what clients will be served from is made elsewhere. */
    private boolean keepsLoading;

    /** On its way, or not looked at yet. */
    private volatile @Nullable Manifest publishing;

    /** It is not known which of two manifests is in force: nothing that either names may be deleted. */
    private volatile boolean inDoubt;

    private final long epoch;
    private volatile long nodeId;

    /** {@code appendonly} at the start: until clients are served it is what counts. */
    private final boolean startsWithLog;

    /** {@code appendonly}. Other than at the start, the manifest follows with the next snapshot, which is begun for that where a log is wanted. */
    private volatile boolean logWanted;

    /** All shards' logs ended together, and changes came after that: the log that the manifest names, if any, must not go on. */
    private volatile boolean gap;

    private volatile SyncPolicy policy = SyncPolicy.EVERYSEC;

    // The start.
    private final Recovery recovery;
    private final AtomicInteger recovering = new AtomicInteger();
    private final long startNanos;
    private long progressNanos;

    /** Who wanted a snapshot: a save, or a rewrite of the log. For the user they differ by name. */
    enum Kind {
        SAVE,
        REWRITE
    }

    // Snapshots.
    private volatile @Nullable Snapshot snapshot;
    private Kind kind = Kind.SAVE;
    private @Nullable Kind scheduled;

    /** Counts the snapshots that were begun. */
    private long number;

    /** The last one that succeeded. */
    private long succeeded;

    /** Changes of the data set that the last one has. */
    private long savedChanges;

    private long cutChanges;

    /** As {@link #grownBytes}, at the last snapshot and at the cut of the one that is being made. */
    private long grownBefore;

    private long grownCut;
    private long snapshotEndNanos;
    private volatile List<Manifest.Snapshot> dropped = List.of();
    private List<Manifest.Snapshot> surplus = List.of();
    private long keys;
    private final List<Connection> waiters = new ArrayList<>();

    // What INFO says.
    private long snapshots;
    private boolean lastFailed;
    private long lastNanos = -1;
    private long snapshotStartNanos;

    /**
     * Reads the newest manifest, and waits for it.
     *
     * @param io the first shard's, which nobody uses yet
     * @param warm what the last shutdown left and is used, or null
     * @throws RecoveryException where there is a manifest that cannot be read
     */
    Durability(
            Node node,
            Clock clock,
            Io io,
            Path directory,
            int shardCount,
            long freshSeed,
            LogSizes logSizes,
            @Nullable WarmState warm)
            throws IOException {
        this.node = node;
        this.clock = clock;
        this.warm = warm;
        this.freshSeed = warm == null ? freshSeed : warm.hashSeed();
        this.logSizes = logSizes;
        int parityBlocks = (int) node.config.number("parity-percent");
        parity = new ParityKeeper(directory, shardCount, parityBlocks, clock, this, node.log::warn);
        manifests = new Manifests(io, directory, ShardDurability.MANIFESTS_TOKEN);
        io.setHandlers(Io.SocketHandler.NONE, (token, result) -> manifests.onFile(result));
        manifests.load();
        while (manifests.isBusy()) {
            io.poll(LOAD_POLL_NANOS);
        }
        if (manifests.damage() != null) {
            throw new RecoveryException(manifests.damage() + "; " + RecoveryException.WHAT_TO_RUN);
        }
        manifest = manifests.newest();
        startsWithLog = node.config.get("appendonly").isYes();
        Manifest before = manifest;
        epoch = before == null ? 1 : before.epoch() + 1;
        recovery = new Recovery(shardCount);
        startNanos = clock.nanoTime();
        progressNanos = startNanos;
        Manifest found = manifest;
        nodeId =
                found != null
                        ? found.nodeId()
                        : warm != null ? warm.nodeId() : new Prng(freshSeed ^ 0x1D).nextLong();
        if (found != null && found.shards().size() != shardCount) {
            throw new RecoveryException(
                    "dir "
                            + directory
                            + " holds the data of "
                            + found.shards().size()
                            + " shards: start with --shards "
                            + found.shards().size());
        }
        configChanged();
    }

    long hashSeed() {
        Manifest found = manifest;
        return found == null ? freshSeed : found.hashSeed();
    }

    /** 0: as the disk's size says. */
    int segmentPages() {
        WarmState state = warm;
        if (state != null) {
            return state.segmentPages();
        }
        Manifest found = manifest;
        return found == null ? 0 : found.shards().get(0).segmentPages();
    }

    void add(ShardDurability shard) {
        shards.add(shard);
    }

    /** All shards are there, their threads do not run yet: what the directory holds will be read back, or a log begun. */
    void begin() throws IOException {
        WarmState state = warm;
        if (state != null) {
            node.loading = true;
            rewriting = startsWithLog && (!state.logWasKept() || manifest == null);
            gap = rewriting;
            for (ShardDurability shard : shards) {
                shard.takeOver(state, startsWithLog && !rewriting, !rewriting);
            }
            return;
        }
        Manifest found = manifest;
        if (found != null) {
            node.loading = true;
            recovering.set(shards.size());
            for (ShardDurability shard : shards) {
                shard.recover(found);
            }
            return;
        }
        node.loading = startsWithLog;
        for (ShardDurability shard : shards) {
            shard.beginAnew(startsWithLog);
        }
        if (!startsWithLog) {
            parity.lookAfterFiles();
        }
    }

    /** Nothing is read back, and clients get -LOADING to the end. Before the threads run. */
    void keepLoading() {
        keepsLoading = true;
        node.loading = true;
    }

    private Manifest manifestOf(
            long generation, List<Manifest.ShardFiles> files, List<Manifest.Snapshot> kept) {
        return new Manifest(generation, nodeId, hashSeed(), epoch, files, kept);
    }

    // Asked by the shards.

    Recovery recovery() {
        return recovery;
    }

    @Override
    public long nodeId() {
        return nodeId;
    }

    /** Makes parity, and repairs files from it. */
    ParityKeeper parity() {
        return parity;
    }

    SyncPolicy policy() {
        return policy;
    }

    LogSizes logSizes() {
        return logSizes;
    }

    /** For a log that is begun now. */
    WalOptions logOptions() {
        return logSizes.options(policy);
    }

    /** Gives the memory back; no thread runs any more, and the first shard's I/O is closed. */
    void close() {
        manifests.close();
    }

    boolean isLoading() {
        return node.loading;
    }

    boolean startsWithLog() {
        return startsWithLog;
    }

    /** {@code appendonly}. */
    boolean isLogWanted() {
        return logWanted;
    }

    /** Whether a start would find in the log all that is logged. Where it would not, logs are for the snapshot that is being made. */
    boolean isLogKept() {
        return logWanted && !gap && isLogNamed();
    }

    /** Whether the manifest names a log that goes on, and the next one, if that is on its way, too. */
    private boolean isLogNamed() {
        Manifest next = publishing;
        Manifest found = manifest;
        return found != null && namesLog(found) && (next == null || namesLog(next));
    }

    private static boolean namesLog(Manifest any) {
        Manifest.ShardFiles files = any.shards().get(0);
        return files.logFromGeneration() != 0 && files.logToGeneration() == 0;
    }

    /** Whether the log that the manifest in force names has ended. */
    private boolean isLogOver() {
        Manifest found = manifest;
        return gap && found != null && namesLog(found);
    }

    Partition partition(int shard) {
        return node.shards.all[shard];
    }

    @Override
    public @Nullable Manifest manifest() {
        return manifest;
    }

    /** The one that is being made, or null. */
    @Nullable Snapshot snapshot() {
        return manifest == null || isLogOver() ? null : snapshot;
    }

    /** Whether it is open which manifest a crash would leave in force. */
    boolean isInDoubt() {
        return inDoubt;
    }

    /** Snapshots that the newest manifest names no more. */
    List<Manifest.Snapshot> dropped() {
        return dropped;
    }

    void notice(String line) {
        node.log.notice(line);
    }

    /** All loops have something to look at. */
    void wakeAll() {
        for (Partition partition : node.shards.all) {
            partition.loop.io().wake();
        }
    }

    /** The first shard's loop has something to look at here. */
    void wakeFirst() {
        node.shards.all[0].loop.io().wake();
    }

    void onManifest(int result) {
        manifests.onFile(result);
    }

    /** A shard has read back all that there was. */
    void recovered() {
        if (recovering.decrementAndGet() == 0) {
            wakeFirst();
        }
    }

    // Settings.

    /** Who asks has all turns. */
    void configChanged() {
        policy =
                switch (node.config.value("appendfsync")) {
                    case "always" -> SyncPolicy.ALWAYS;
                    case "no" -> SyncPolicy.NO;
                    default -> SyncPolicy.EVERYSEC;
                };
        for (Partition partition : node.shards.all) {
            WalWriter log = partition.log;
            if (log != null) {
                log.setPolicy(policy);
            }
        }
        boolean wanted = node.config.get("appendonly").isYes();
        boolean switched = wanted != logWanted;
        logWanted(wanted);
        if (switched && !shards.isEmpty()) {
            everySecond();
            wakeAll();
        }
    }

    private synchronized void logWanted(boolean wanted) {
        logWanted = wanted;
        logChanged();
    }

    /** Replies wait for a log only where it is one that counts. The settings are changed by any thread, the manifest by the first shard's. */
    private synchronized void logChanged() {
        node.waitsForLog = isLogKept() && policy == SyncPolicy.ALWAYS;
    }

    // The first shard's turn.

    /** Goes on with what concerns all shards. The caller is in no shard. */
    void step(Executor executor) {
        if (keepsLoading) {
            return;
        }
        if (node.loading && !rewriting) {
            finishLoading();
            return;
        }
        if (rewriting && snapshot == null) {
            save(Kind.REWRITE);
        }
        Snapshot current = snapshot;
        if (current == null) {
            if (!node.loading && !isLogKept() && shards.get(0).isLogOpen()) {
                executor.inWholeNode(this::endLogs);
            }
            if (scheduled != null) {
                executor.inWholeNode(this::saveScheduled);
            }
            return;
        }
        if (current.phase() == Snapshot.Phase.SCANNING && !mayBegin(current)) {
            return;
        }
        switch (current.phase()) {
            case CUTTING -> executor.inWholeNode(() -> cut(current));
            case SYNCED -> publish(current);
            case KEPT, FAILED -> finish(current);
            case SCANNING, SYNCING -> {}
        }
    }

    private void finishLoading() {
        if (recovering.get() > 0) {
            tellProgress();
            return;
        }
        if (!startsWithLog && manifest == null) {
            loaded();
            return;
        }
        if (!hasManifest() || !isPublished()) {
            if (publishing == null) {
                throw new RecoveryException(String.valueOf(manifests.failure()));
            }
            return;
        }
        for (ShardDurability shard : shards) {
            if (startsWithLog && !shard.isLogBegun()) {
                return;
            }
        }
        Manifest found = Objects.requireNonNull(manifest);
        List<Manifest.ShardFiles> files = new ArrayList<>();
        for (int i = 0; i < shards.size(); i++) {
            files.add(filesNow(found.shards().get(i), shards.get(i), startsWithLog));
        }
        if (files.equals(found.shards())) {
            loaded();
        } else {
            // Clients are served when it is durable: it names the logs that they will write to.
            publish(manifestOf(found.generation() + 1, files, found.snapshots()));
        }
    }

    /**
     * There is a manifest before there is any image; and what is logged while a snapshot is made must not look like a part of a log that ended before.
     *
     * @return false: the manifest that says so is on its way
     */
    private boolean mayBegin(Snapshot current) {
        if (!isPublished()) {
            return publishing == null && current.fail(String.valueOf(manifests.failure()));
        }
        Manifest found = manifest;
        if (found == null) {
            return hasManifest();
        }
        if (!isLogOver()) {
            return true;
        }
        List<Manifest.ShardFiles> files = new ArrayList<>();
        for (int i = 0; i < shards.size(); i++) {
            ShardDurability shard = shards.get(i);
            if (!shard.isLogClosed()) {
                String failure = shard.endFailure();
                return failure != null && current.fail(failure);
            }
            files.add(filesNow(found.shards().get(i), shard, false));
        }
        publish(manifestOf(found.generation() + 1, files, found.snapshots()));
        return false;
    }

    /** Logs that are kept no more end at one moment: what is one unit over several shards is in all of them or in none. The caller is in all shards. */
    private void endLogs() {
        if (snapshot != null || isLogKept()) {
            return;
        }
        for (ShardDurability shard : shards) {
            if (shard.isInUnit()) {
                return;
            }
        }
        for (ShardDurability shard : shards) {
            shard.endLog();
        }
        gap = true;
        wakeAll();
    }

    private void tellProgress() {
        long now = clock.nanoTime();
        if (now - progressNanos >= PROGRESS_NANOS) {
            progressNanos = now;
            node.log.notice(
                    "loading: "
                            + (recovery.doneBytes() >> 20)
                            + " of about "
                            + (recovery.totalBytes() >> 20)
                            + " MB read");
        }
    }

    /** There is a manifest before there is any log or image: where there are some without one, it was lost. @return false: it is on its way, or it failed */
    private boolean hasManifest() {
        if (manifest == null && publishing == null) {
            List<Manifest.ShardFiles> files = new ArrayList<>();
            for (ShardDurability shard : shards) {
                files.add(new Manifest.ShardFiles(shard.segmentPages(), 0, 0, 0, 0));
            }
            publish(manifestOf(1, files, List.of()));
            return false;
        }
        return manifest != null || isPublished();
    }

    /** @return false: what is being published is on its way, or it failed, and is not in {@link #publishing} any more */
    private boolean isPublished() {
        Manifest next = publishing;
        if (next == null) {
            return true;
        }
        if (manifests.isBusy()) {
            return false;
        }
        inDoubt = manifests.isFailed();
        boolean published = next.equals(manifests.newest());
        manifest = published ? next : manifest;
        publishing = null;
        return published;
    }

    /** What goes on with a shard's files, now that a log is kept, or none. */
    private static Manifest.ShardFiles filesNow(
            Manifest.ShardFiles before, ShardDurability shard, boolean keepsLog) {
        if (keepsLog && before.logFromGeneration() == 0) {
            return shard.nextLog();
        }
        boolean closed = before.logToGeneration() != 0;
        if (before.logFromGeneration() == 0 || keepsLog != closed) {
            return before;
        }
        return new Manifest.ShardFiles(
                before.segmentPages(),
                before.logFromGeneration(),
                keepsLog ? 0 : shard.lastGeneration(),
                before.logFromSeqno(),
                before.stableSeqno());
    }

    private void publish(Manifest next) {
        publishing = next;
        manifests.publish(next);
    }

    private void loaded() {
        WarmState state = warm;
        if (state != null) {
            consume(state);
            warm = null;
        }
        node.loading = false;
        logChanged();
        parity.lookAfterFiles();
        if (recovery.doneBytes() > 0) {
            node.log.notice(
                    "data read back in " + (clock.nanoTime() - startNanos) / 1_000_000 + " ms");
        }
    }

    /** The state's files go before the first client is served. */
    private void consume(WarmState state) {
        long bytes = state.bytes();
        try {
            state.consume(node.shards.all[0].loop.io());
        } catch (IOException e) {
            throw new RecoveryException("the state file cannot be removed: " + e.getMessage());
        }
        for (Partition partition : node.shards.all) {
            partition.shard.ownState();
        }
        node.log.notice(
                "warm restart: "
                        + (bytes >> 20)
                        + " MB taken over in "
                        + (clock.nanoTime() - startNanos) / 1_000_000
                        + " ms");
    }

    /** Of the manifest in force; 0: there is none. */
    long manifestGeneration() {
        Manifest found = manifest;
        return found == null ? 0 : found.generation();
    }

    // Snapshots.

    /** Whether one is being made. */
    boolean isSaving() {
        return snapshot != null;
    }

    boolean runs(Kind wanted) {
        return isSaving() && kind == wanted;
    }

    /** Of the snapshot that was begun last. */
    long number() {
        return number;
    }

    boolean succeeded(long ofNumber) {
        return succeeded >= ofNumber;
    }

    // Who calls one of these has all turns.

    /** Begins a snapshot; there is none being made. */
    void save(Kind newKind) {
        Manifest last = manifest;
        kind = newKind;
        number++;
        snapshotStartNanos = clock.nanoTime();
        long generation = last == null ? 1 : last.generation();
        // The first manifest is one without a snapshot, and so is one that ends a log.
        generation += isLogOver() ? 2 : 1;
        snapshot = new Snapshot(generation, shards.size());
        if (inDoubt) {
            snapshot.fail(String.valueOf(manifests.failure()));
        }
        wakeAll();
    }

    /** Begins one as soon as none is being made. */
    void schedule(Kind wanted) {
        scheduled = wanted;
    }

    /** Gives up a save that is being made or was scheduled. @return whether there was one */
    boolean cancel() {
        boolean any = scheduled == Kind.SAVE;
        scheduled = any ? null : scheduled;
        Snapshot current = snapshot;
        if (current != null && kind == Kind.SAVE) {
            return current.fail("cancelled");
        }
        return any;
    }

    /** The connection's command runs again when the snapshot that is being made is over. */
    void await(Connection c) {
        waiters.add(c);
    }

    /** Begins a snapshot where a save point says so, where a log is to begin with it, or where the log has grown too long. */
    void everySecond() {
        if (node.loading
                || isSaving()
                || lastFailed && clock.nanoTime() - snapshotEndNanos < RETRY_NANOS) {
            return;
        }
        if (logWanted && !isLogKept() || isLogLong()) {
            save(Kind.REWRITE);
        } else if (isSavePointReached()) {
            save(Kind.SAVE);
        }
    }

    /** Pairs of seconds since the last save and changes since then. */
    private boolean isSavePointReached() {
        String[] points = Config.words(node.config.value("save"));
        long seconds = clock.currentTimeMillis() / 1000 - node.lastSaveSeconds;
        long changes = points.length == 0 ? 0 : node.stats().dirty - savedChanges;
        for (int i = 0; i + 1 < points.length; i += 2) {
            if (seconds >= Long.parseLong(points[i]) && changes >= Long.parseLong(points[i + 1])) {
                return true;
            }
        }
        return false;
    }

    private boolean isLogLong() {
        long percentage = node.config.number("auto-aof-rewrite-percentage");
        if (!isLogKept() || percentage == 0) {
            return false;
        }
        Manifest last = manifest;
        long image =
                last == null || last.snapshots().isEmpty()
                        ? 0
                        : last.snapshots().get(last.snapshots().size() - 1).bytes();
        long grown = grownBytes() - grownBefore;
        return grown >= node.config.number("auto-aof-rewrite-min-size")
                && grown >= image / 100 * percentage;
    }

    /** What was logged since the start; where commits are small, most of what they write is padding, and that counts too, in part. */
    private long grownBytes() {
        long bytes = 0;
        for (Partition partition : node.shards.all) {
            WalWriter log = partition.log;
            bytes +=
                    log == null
                            ? 0
                            : Math.max(log.appendedBytes(), log.writtenBytes() / PADDING_SHARE);
        }
        return bytes;
    }

    private void cut(Snapshot current) {
        if (current.phase() != Snapshot.Phase.CUTTING) {
            return;
        }
        for (ShardDurability shard : shards) {
            if (Objects.requireNonNull(shard.snapshot()).isInUnit()) {
                return;
            }
        }
        keys = 0;
        cutChanges = node.stats().dirty;
        grownCut = grownBytes();
        for (ShardDurability shard : shards) {
            keys += shard.imageKeys();
            Objects.requireNonNull(shard.snapshot()).cut();
        }
        current.cut();
    }

    private void publish(Snapshot current) {
        if (publishing == null) {
            publishNext(current);
        } else if (isPublished()) {
            dropped = surplus;
            gap = false;
            logChanged();
            current.keep();
        } else if (publishing == null) {
            current.failPublished(String.valueOf(manifests.failure()));
        }
    }

    /** Whoever asks for a log after this is not promised one that the manifest on its way does not name. */
    private synchronized void publishNext(Snapshot current) {
        publish(manifestWith(current));
    }

    private Manifest manifestWith(Snapshot current) {
        Manifest last = manifest;
        boolean keepsLog = logWanted;
        List<Manifest.SnapshotPart> parts = new ArrayList<>();
        List<Manifest.ShardFiles> files = new ArrayList<>();
        long bytes = 0;
        for (ShardDurability shard : shards) {
            ShardSnapshot part = Objects.requireNonNull(shard.snapshot());
            bytes += part.image().writtenBytes();
            parts.add(
                    new Manifest.SnapshotPart(
                            current.generation(),
                            part.beginSeqno(),
                            part.cutSeqno(),
                            part.firstLog(),
                            part.lastLog(),
                            part.segments()));
            files.add(
                    new Manifest.ShardFiles(
                            shard.segmentPages(),
                            keepsLog ? part.firstLog() : 0,
                            0,
                            keepsLog ? part.beginSeqno() : 0,
                            part.cutSeqno()));
        }
        List<Manifest.Snapshot> kept = new ArrayList<>(last == null ? List.of() : last.snapshots());
        kept.add(
                new Manifest.Snapshot(
                        current.generation(), clock.currentTimeMillis(), keys, bytes, parts));
        int over = Math.max(0, kept.size() - (int) node.config.number("snapshot-keep"));
        surplus = List.copyOf(kept.subList(0, over));
        return manifestOf(current.generation(), files, kept.subList(over, kept.size()));
    }

    private void finish(Snapshot current) {
        for (ShardDurability shard : shards) {
            if (shard.snapshot() != null) {
                return;
            }
        }
        String failure = current.failure();
        lastFailed = failure != null;
        snapshotEndNanos = clock.nanoTime();
        lastNanos = snapshotEndNanos - snapshotStartNanos;
        if (lastFailed) {
            node.log.warn("snapshot failed: " + failure);
        } else {
            snapshots++;
            succeeded = number;
            savedChanges = cutChanges;
            grownBefore = grownCut;
            node.lastSaveSeconds = clock.currentTimeMillis() / 1000;
            node.log.notice("snapshot " + current.generation() + " is durable");
        }
        snapshot = null;
        if (rewriting) {
            if (lastFailed) {
                throw new RecoveryException(
                        "the log cannot begin, because a snapshot failed: " + failure);
            }
            rewriting = false;
            loaded();
        }
        for (Connection c : waiters) {
            node.shards.resume(c, node.shards.all[0]);
        }
        waiters.clear();
        wakeAll();
    }

    private void saveScheduled() {
        Kind next = scheduled;
        if (next != null && snapshot == null) {
            scheduled = null;
            save(next);
        }
    }

    // What INFO says. Who asks has all turns.

    boolean lastFailed() {
        return lastFailed;
    }

    long snapshots() {
        return snapshots;
    }

    long savedChanges() {
        return savedChanges;
    }

    /** Also the one that a log begins with, after a failure. */
    boolean isRewriteScheduled() {
        return scheduled == Kind.REWRITE
                || logWanted && !isLogKept() && !runs(Kind.REWRITE) && !node.loading;
    }

    /** Keys in the images that are being made. */
    long imageKeys() {
        long sum = 0;
        for (ShardDurability shard : shards) {
            sum += shard.imageKeys();
        }
        return sum;
    }

    /** How long the last one took; -1: there was none. */
    long lastSeconds() {
        return lastNanos < 0 ? -1 : lastNanos / NANOS_PER_SECOND;
    }

    long currentSeconds() {
        return (clock.nanoTime() - snapshotStartNanos) / NANOS_PER_SECOND;
    }

    /** Why some shard's log does not take writes, or null. */
    @Nullable String logFailure() {
        String failure = null;
        for (Partition partition : node.shards.all) {
            String one = partition.logFailure();
            failure = one != null ? one : failure;
        }
        return failure;
    }

    /** Payload that was logged since the start. */
    long logBytes() {
        long bytes = 0;
        for (Partition partition : node.shards.all) {
            WalWriter log = partition.log;
            bytes += log == null ? 0 : log.appendedBytes();
        }
        return bytes;
    }

    /** What of the log is still in memory only. */
    long pendingBytes() {
        long bytes = 0;
        for (Partition partition : node.shards.all) {
            WalWriter log = partition.log;
            bytes += log == null ? 0 : log.pendingBytes();
        }
        return bytes;
    }

    /** Receives lines of INFO. */
    interface Lines {
        void line(String name, long value);
    }

    void loadingLines(Lines lines) {
        lines.line("loading_start_time", node.startMillis / 1000);
        lines.line("loading_total_bytes", recovery.totalBytes());
        lines.line("loading_loaded_bytes", recovery.doneBytes());
        lines.line(
                "loading_loaded_perc",
                recovery.totalBytes() == 0
                        ? 0
                        : 100 * recovery.doneBytes() / recovery.totalBytes());
    }
}
