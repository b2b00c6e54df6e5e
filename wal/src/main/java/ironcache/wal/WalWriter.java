package ironcache.wal;

import static ironcache.wal.WalFailures.RETRY_NANOS;
import static ironcache.wal.WalFailures.hasCome;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Io;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A shard's log: takes effects, writes them in commits to segment files, says what is durable.
 *
 * <p>Made of three: {@link FrameBuffer} builds the frames, {@link WalSegments} has the files that they go to, {@link UnitWatermarks} says which of what is durable is ready and stable. This one decides
 * when something is written, synced, begun or tried again, and knows what has failed.
 *
 * <p>Owned like its shard: one thread is in it at a time. Methods marked <i>owner</i> are for the thread that owns the {@link Io}; {@link #stableSeqno}, {@link
 * #readySeqno}, {@link #failure} and {@link #isFailed} may be read by any thread. Owns those three, and by them its memory and files.
 *
 * <p>The watermarks, all in seqnos of this log:
 *
 * <pre>
 * stable ≤ ready ≤ durable ≤ synced ≤ written ≤ appended
 *
 * written   the kernel took it                     synced    a sync that began after it was written succeeded
 * durable   synced, and with it the end of the unit that it belongs to
 * ready     durable, and all units over several shards before it are stable
 * stable    before the first unit over several shards of which not all parts are ready: what replies wait for
 * </pre>
 *
 * <p>One write is in flight at a time, and one sync. {@link SyncPolicy#ALWAYS}: a write and its sync are one operation, and who comes while it is on its way goes with the next: of
 * several at once each is smaller, and what they cost is the same. Any error of it but that of a full disk counts as that of a sync, since nothing tells the two apart.
 */
public final class WalWriter implements AutoCloseable {
    /** From here on a commit does not wait for more: {@link SyncPolicy#EVERYSEC} and {@link SyncPolicy#NO}. */
    private static final int GATHER_BYTES = 64 << 10;

    private static final long GATHER_NANOS = 10_000_000;
    private static final long SYNC_NANOS = 1_000_000_000;
    private static final long NEVER = FrameBuffer.NEVER;
    private static final int BLOCK_BYTES = WalFileLayout.BLOCK_BYTES;

    // Operations: low bits of tokens. Those of the segments follow.
    private static final int WRITE = 1;
    private static final int SYNC = 2;
    private static final int WRITE_AND_SYNC = 3;

    private final FrameBuffer buffer;
    private final Io io;
    private final WalSegments segments;
    private final UnitWatermarks units;
    private final int shard;
    private final long nodeId;
    private final WalOptions options;
    private final long tokenBase;
    private final Crc32c crc = new Crc32c();
    private SyncPolicy policy;

    // What is in flight.
    private boolean writing;

    /** Bytes of the oldest region that short writes have brought to the file. */
    private int regionDone;

    private boolean regionSealed;
    private boolean syncing;

    // Watermarks.
    private long writtenSeqno;
    private long writtenWhole;
    private long syncedSeqno;
    private long durableSeqno;
    private long syncSeqno;
    private long syncWhole;

    // Times.
    private long writtenSinceNanos = NEVER;
    private long syncSinceNanos = NEVER;
    private long syncedNanos = NEVER;

    /** When a failed write, of frames or of a header, is tried again; {@link #NEVER} where none failed. */
    private long retryNanos = NEVER;

    // Failures.
    private volatile @Nullable String failure;
    private volatile boolean failed;

    /** Frames stay in memory. */
    private boolean held;

    private boolean closed;

    // Figures.
    private long fileBytesWritten;
    private long writes;
    private long syncs;

    /**
     * Takes effects at once; they are written when the first segment is begun.
     *
     * @param generation of the first segment to write: one more than the last that was begun, {@link FrameReader#lastGeneration}; 1 for a new log. An unused file of this
     *     generation is overwritten
     * @param firstSeqno of the first frame; what earlier segments hold up to here is durable, and what they hold from here on is cut by this
     * @param tokenBase high bits of the tokens of its operations, low 32 bits zero
     */
    public WalWriter(
            Io io,
            Path directory,
            int shard,
            long nodeId,
            WalOptions options,
            long tokenBase,
            Peers peers,
            long generation,
            long firstSeqno)
            throws IOException {
        this.io = io;
        this.shard = shard;
        this.nodeId = nodeId;
        this.options = options;
        this.tokenBase = tokenBase;
        this.policy = options.policy();
        this.buffer =
                new FrameBuffer(
                        options.chunkBytes(), options.segmentBytes(), generation, firstSeqno);
        writtenSeqno = firstSeqno - 1;
        writtenWhole = writtenSeqno;
        syncedSeqno = writtenSeqno;
        durableSeqno = writtenSeqno;
        units = new UnitWatermarks(shard, peers, durableSeqno);
        segments =
                new WalSegments(
                        io,
                        directory,
                        shard,
                        nodeId,
                        options.segmentBytes(),
                        tokenBase,
                        generation,
                        durableSeqno);
    }

    // Appending.

    /**
     * Room for an effect at the tail of the log. Never blocks and never fails; memory grows as needed, so the caller heeds {@link #pendingBytes}.
     *
     * @param bytes positive, a multiple of 8, at most {@link FrameBuffer#APPEND_BYTES_MAX}
     * @return address of so many bytes, to be filled, all of them, before any other call
     */
    public long append(int bytes) {
        return buffer.append(bytes);
    }

    /** What is appended until {@link #endUnit} is atomic. Where a unit is open already, goes on with it. */
    public void beginUnit() {
        buffer.beginUnit();
    }

    public void endUnit() {
        buffer.endUnit();
    }

    /** Whether a unit is open and has effects. */
    public boolean hasUnit() {
        return buffer.hasUnit();
    }

    /**
     * Ends a unit over several shards: the frame closes with the list of all parts, this one among them. The caller has asked each participant for {@link #unitSeqno}, and
     * neither appends nor commits in any of them between that and this.
     */
    public void endUnit(int parts, int[] shards, long[] seqnos) {
        long first = buffer.unitFirstSeqno();
        long last = buffer.endUnit(parts, shards, seqnos);
        units.add(first, last, parts, shards, seqnos);
    }

    /** Of the frame that ends the open unit if it is ended with parts now. */
    public long unitSeqno() {
        return buffer.unitSeqno();
    }

    /** Of the last frame that holds effects or a mark of the caller's, the open one included: with {@link #stableSeqno} tells when a reply may go. To be asked after the unit's end. */
    public long appendedSeqno() {
        return buffer.appendedSeqno();
    }

    /**
     * A MARK frame by itself; outside of units.
     *
     * @param bytes a multiple of 8, may be 0
     * @return address of its payload, to be filled before any other call; {@link #appendedSeqno} is its seqno
     */
    public long mark(int bytes) {
        return buffer.mark(bytes);
    }

    // What is known.

    /** Replies to commands whose effects are in frames up to here may go. Any thread. */
    public long stableSeqno() {
        return units.stableSeqno();
    }

    /** Durable, and before the first unit over several shards that is not stable, or its frame. Any thread. */
    public long readySeqno() {
        return units.readySeqno();
    }

    /** Of the last frame, whatever it holds. */
    public long lastSeqno() {
        return buffer.lastSeqno();
    }

    /** Whether the owner, if it sleeps, should be woken for a {@link #commit}: somebody waits, or it does not know yet when to write. */
    public boolean wantsCommit() {
        return !writing
                && buffer.hasCommittable()
                && (policy == SyncPolicy.ALWAYS || buffer.oldestNanos() == NEVER);
    }

    /** Bytes appended and not yet written: memory, which back-pressure of the caller bounds. */
    public long pendingBytes() {
        return buffer.pendingBytes();
    }

    /** About when the oldest of what is not synced was appended (to a turn); Long.MAX_VALUE where all is synced. */
    public long unsyncedSinceNanos() {
        return syncSinceNanos != NEVER
                ? syncSinceNanos
                : writtenSinceNanos != NEVER ? writtenSinceNanos : buffer.oldestNanos();
    }

    /** Age of the oldest of what is not synced; 0 where all is. */
    public long unsyncedNanos(long nowNanos) {
        long since = unsyncedSinceNanos();
        return since == NEVER ? 0 : nowNanos - since;
    }

    /** Bytes of payload since the start: what the log would hold without headers and padding. */
    public long appendedBytes() {
        return buffer.payloadBytes();
    }

    /** Bytes that went to files since the start. */
    public long writtenBytes() {
        return fileBytesWritten;
    }

    public long writes() {
        return writes;
    }

    public long syncs() {
        return syncs;
    }

    /** Whether a segment is open for frames: its header and its name are durable. */
    public boolean isBegun() {
        return segments.isBegun();
    }

    /** Of the segment that is open for frames; 0 where none is. A manifest may name no later one as the first that counts: its header might not be there after a crash. */
    public long begunGeneration() {
        return segments.begunGeneration();
    }

    /** All that was appended is synced, and nothing is in flight: the log may be closed. */
    public boolean isQuiet() {
        return !writing
                && !syncing
                && !segments.isPreparing()
                && !segments.isWitnessing()
                && buffer.pendingBytes() == 0
                && syncedSeqno == writtenSeqno;
    }

    /** Null, or why writes are refused now; goes away by itself unless {@link #isFailed}. Any thread. */
    public @Nullable String failure() {
        return failure;
    }

    /** A sync failed: nothing is written any more. Any thread. */
    public boolean isFailed() {
        return failed;
    }

    /** Owner. For files that are begun and written from the next call of {@link #commit} on. */
    public void setPolicy(SyncPolicy newPolicy) {
        policy = newPolicy;
    }

    /**
     * Owner. While a log is held its segment is begun, and nothing is written to it. For a log whose first frame may have the number of one that recovery cut off: until all shards
     * have begun theirs, another shard's log may still name that number as a part of a unit, which must not seem to be there.
     */
    public void hold(boolean hold) {
        held = hold;
    }

    public SyncPolicy policy() {
        return policy;
    }

    // Segments.

    /** Owner. The next frame begins a new segment. Outside of units with effects. */
    public void rotate() {
        buffer.endFile();
    }

    /** Of the segment that holds the next frame. */
    public long segmentGeneration() {
        return buffer.planGeneration();
    }

    /** Bytes of the segments that are there, in use or spare. */
    public long diskBytes() {
        return segments.diskBytes();
    }

    /** Owner. Segments before this one are not needed: no manifest that counts names them. Up to {@value WalSegments#SPARE_SEGMENTS} are kept for reuse. */
    public void deleteBefore(long generation) {
        segments.deleteBefore(generation);
    }

    /**
     * Brings the segments on: the next one is made in time, and begun when frames for it are due.
     *
     * @return whether the segment that the oldest region goes to, or the next frame, is open
     */
    private boolean isSegmentOpen(long nowNanos) {
        long wanted = buffer.regions() > 0 ? buffer.regionGeneration() : buffer.planGeneration();
        boolean isOpen = segments.isOpen(wanted);
        boolean soon =
                !isOpen
                        || buffer.planGeneration() > wanted
                        || buffer.planOffset() > options.segmentBytes() / 2;
        if (soon) {
            segments.makeNext(policy == SyncPolicy.ALWAYS, nowNanos);
        }
        if (isOpen) {
            return true;
        }
        String makeFailure = segments.makeFailure();
        if (makeFailure != null) {
            failure = makeFailure;
        }
        if (writing || syncing || segments.isWitnessing()) {
            return false;
        }
        if (writtenSeqno != syncedSeqno) {
            submitSync(nowNanos);
        } else if (segments.isPrepared() && hasCome(retryNanos, nowNanos)) {
            segments.begin(writtenSeqno + 1);
        }
        return false;
    }

    /** Frames wait for a header: its failure is the log's at once. They need not wait for a segment that could not be made; where they do, {@link #isSegmentOpen} finds out. */
    private void onSegment(int op, int result, long nowNanos) {
        segments.onFile(op, result, nowNanos);
        String segmentFailure = segments.failure();
        if (segments.isFailed()) {
            failForGood(Objects.requireNonNull(segmentFailure));
        } else if (op == WalSegments.HEADER) {
            failure = segmentFailure;
            retryNanos = segmentFailure == null ? NEVER : nowNanos + RETRY_NANOS;
        }
    }

    // Committing.

    /**
     * Owner; once a turn, and when {@link #nextNanos} has come. Hands what is due to the kernel, and looks whether units over several shards became stable.
     */
    public void commit(long nowNanos) {
        if (failed) {
            if (!writing) {
                buffer.discard();
            }
            return;
        }
        buffer.stamp(nowNanos);
        if (!units.isEmpty()) {
            advanceWatermarks();
            if (failed) {
                return;
            }
        }
        if (isSegmentOpen(nowNanos) && !writing && !held && hasCome(retryNanos, nowNanos)) {
            if (buffer.regions() == 0 && isCommitDue(nowNanos)) {
                buffer.closeForCommit();
            }
            if (buffer.regions() > 0) {
                submitWrite();
            }
        }
        if (isSyncDue(nowNanos)) {
            submitSync(nowNanos);
        }
        segments.witness(units.stableSeqno(), nowNanos);
    }

    private boolean isCommitDue(long nowNanos) {
        long pending = buffer.pendingBytes();
        return buffer.hasCommittable()
                && (policy == SyncPolicy.ALWAYS
                        || pending >= GATHER_BYTES
                        || nowNanos - buffer.oldestNanos() >= GATHER_NANOS);
    }

    private boolean isSyncDue(long nowNanos) {
        return !syncing
                && writtenSeqno != syncedSeqno
                && (policy == SyncPolicy.ALWAYS
                        || policy == SyncPolicy.EVERYSEC && isSyncTime(nowNanos));
    }

    private boolean isSyncTime(long nowNanos) {
        return syncedNanos == NEVER || nowNanos - syncedNanos >= SYNC_NANOS;
    }

    /** Whether it was written how far the log is stable. */
    public boolean isWitnessed() {
        return segments.isWitnessed(units.stableSeqno());
    }

    /**
     * When {@link #commit} has something to do without anything having happened; Long.MAX_VALUE for never. Completions are another reason to call it, and so are
     * appended effects.
     */
    public long nextNanos() {
        if (failed) {
            return NEVER;
        }
        long at = NEVER;
        if (!syncing && policy == SyncPolicy.EVERYSEC && writtenSeqno != syncedSeqno) {
            at = syncedNanos == NEVER ? writtenSinceNanos : syncedNanos + SYNC_NANOS;
        }
        at = Math.min(at, segments.makeNanos());
        if (!writing && !segments.isPreparing()) {
            // What may be tried again is a header, which waits for the witness of the segment
            // before.
            at = segments.isWitnessing() ? at : Math.min(at, retryNanos);
            if (retryNanos == NEVER && segments.isBegun() && !held && buffer.hasCommittable()) {
                at = Math.min(at, dueNanos());
            }
        }
        return Math.min(at, segments.witnessNanos(units.stableSeqno()));
    }

    /** When the oldest of what may be committed has gathered long enough. */
    private long dueNanos() {
        long oldest = buffer.oldestNanos();
        return oldest == NEVER || !segments.isOpen(buffer.planGeneration())
                ? NEVER
                : policy == SyncPolicy.ALWAYS ? oldest : oldest + GATHER_NANOS;
    }

    private void submitWrite() {
        assert segments.isOpen(buffer.regionGeneration());
        if (!regionSealed) {
            buffer.sealRegion(durableSeqno, units.stableSeqno(), nodeId, shard, crc);
            regionSealed = true;
        }
        writing = true;
        long offset = buffer.regionOffset() + regionDone;
        long address = buffer.regionAddress() + regionDone;
        int length = buffer.regionLength() - regionDone;
        if (policy == SyncPolicy.ALWAYS && !syncing && writtenSeqno == syncedSeqno) {
            io.writeAndSync(
                    segments.file(),
                    offset,
                    address,
                    length,
                    Io.UNREGISTERED,
                    tokenBase | WRITE_AND_SYNC);
        } else {
            io.write(segments.file(), offset, address, length, Io.UNREGISTERED, tokenBase | WRITE);
        }
    }

    /** @param durably it was synced as well */
    private void onWritten(int result, boolean durably, long nowNanos) {
        writing = false;
        int wanted = buffer.regionLength() - regionDone;
        long offset = buffer.regionOffset() + regionDone;
        if (result == wanted) {
            written(durably);
        } else if (result >= 0) {
            // What is left is written again, from the last block boundary that was reached.
            int progress = result & -BLOCK_BYTES;
            failWrite(result, wanted, offset, nowNanos);
            regionDone += progress;
            if (progress > 0) {
                retryNanos = nowNanos; // There is room again, or still.
            }
        } else if (durably && !WalFailures.isDiskFull(result)) {
            failForGood(WalFailures.text(result, segments.path(), offset));
        } else {
            failWrite(result, wanted, offset, nowNanos);
        }
    }

    private void written(boolean durably) {
        writes++;
        fileBytesWritten += buffer.regionLength();
        writtenSeqno = buffer.regionLastSeqno();
        writtenWhole = buffer.regionWholeSeqno();
        if (durably) {
            syncs++;
            synced(writtenSeqno, writtenWhole);
        } else if (writtenSinceNanos == NEVER) {
            writtenSinceNanos = buffer.regionNanos();
        }
        regionDone = 0;
        regionSealed = false;
        buffer.releaseRegion();
        if (!failed) {
            failure = null;
        }
        retryNanos = NEVER;
    }

    private void submitSync(long nowNanos) {
        syncing = true;
        syncSeqno = writtenSeqno;
        syncWhole = writtenWhole;
        syncSinceNanos = writtenSinceNanos;
        writtenSinceNanos = NEVER;
        syncedNanos = nowNanos;
        io.sync(segments.file(), tokenBase | SYNC);
    }

    private void onSynced(int result) {
        syncing = false;
        syncSinceNanos = NEVER;
        if (result < 0) {
            failForGood(WalFailures.text(result, segments.path(), 0));
        } else {
            syncs++;
            synced(syncSeqno, syncWhole);
        }
    }

    private void synced(long seqno, long whole) {
        syncedSeqno = seqno;
        durableSeqno = whole;
        advanceWatermarks();
    }

    private void advanceWatermarks() {
        int part = units.advance(durableSeqno);
        if (part != UnitWatermarks.NONE) {
            failWithPart(part);
        }
    }

    // Completions.

    /** Owner. The operation whose token was {@code tokenBase | op} has completed. */
    public void onFile(int op, int result, long nowNanos) {
        if (failed) {
            // Nothing counts any more; only what is in flight is to be known.
            switch (op) {
                case WRITE, WRITE_AND_SYNC -> writing = false;
                case SYNC -> syncing = false;
                default -> segments.onFileAfterFailure(op);
            }
            return;
        }
        switch (op) {
            case WRITE -> onWritten(result, false, nowNanos);
            case WRITE_AND_SYNC -> onWritten(result, true, nowNanos);
            case SYNC -> onSynced(result);
            default -> onSegment(op, result, nowNanos);
        }
    }

    // Failures.

    private void failWrite(int result, int wanted, long offset, long nowNanos) {
        failure = WalFailures.ofWrite(result, wanted, segments.path(), offset);
        retryNanos = nowNanos + RETRY_NANOS;
    }

    /** Recovery cuts this log before the first unit that lacks a part: what comes behind it can never be acknowledged. */
    private void failWithPart(int part) {
        failForGood(
                WalFailures.text(
                        "the log of shard "
                                + part
                                + " has failed, and with it a transaction over shards "
                                + part
                                + " and "
                                + shard));
    }

    private void failForGood(String why) {
        failure = why;
        failed = true;
        units.wakeAllParts();
    }

    /** Owner. Closes the files, when {@link #isQuiet}; for a log that ends while its {@link Io} goes on. */
    public void closeFiles() {
        if (!isQuiet()) {
            throw new IllegalStateException("operations are in flight, or wait");
        }
        segments.closeFiles();
    }

    /** Frees the memory. After {@link #closeFiles}, or after the {@link Io} is closed, which closes the files. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            segments.close();
            buffer.close();
        }
    }
}
