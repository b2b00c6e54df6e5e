package ironcache.wal;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A shard's log: takes effects, writes them in commits to segment files, says what is durable.
 *
 * <p>Owned like its shard: one thread is in it at a time. Methods marked <i>owner</i> are for the thread that owns the {@link Io}; {@link #stableSeqno}, {@link
 * #readySeqno}, {@link #failure} and {@link #isFailed} may be read by any thread. Owns the chunks of its {@link FrameBuffer} and one block for headers.
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
 *
 * <p>How far the log is stable is written to block 0 of the segment that is open, its witness, whenever that has moved and {@link #WITNESS_NANOS} have passed since the last time: without it, damage
 * to the end of the log could not be told from a torn write. It is not synced and nothing waits for it, but that the next segment is begun and that the log is closed; so a witness never speaks of
 * frames that are not in its segment or an earlier one.
 */
public final class WalWriter implements AutoCloseable {
    /** From here on a commit does not wait for more: {@link SyncPolicy#EVERYSEC} and {@link SyncPolicy#NO}. */
    private static final int GATHER_BYTES = 64 << 10;

    private static final long GATHER_NANOS = 10_000_000;
    private static final long SYNC_NANOS = 1_000_000_000;
    private static final long RETRY_NANOS = 1_000_000_000;
    static final long WITNESS_NANOS = 100_000_000;

    /** Old segments that are kept to be used again: writing over them needs no new extents, so their syncs are cheaper. */
    private static final int SPARE_SEGMENTS = 2;

    private static final int FILL_BYTES = 1 << 20;
    private static final String UNNAMED = "wal-next.tmp";

    private static final long NEVER = FrameBuffer.NEVER;
    private static final int BLOCK_BYTES = WalFileLayout.BLOCK_BYTES;

    // Operations: low bits of tokens.
    private static final int WRITE = 1;
    private static final int SYNC = 2;
    private static final int HEADER = 3;
    private static final int ALLOCATE = 4;
    private static final int EXTEND = 5;
    private static final int DIRECTORY = 6;
    private static final int FILL = 7;
    private static final int MADE = 8;
    private static final int WRITE_AND_SYNC = 9;
    private static final int WITNESS = 10;

    /** What a segment that is being made waits for. */
    private enum State {
        /** Its space is being allocated. */
        ALLOCATING,
        /**
         * It is written once, where each commit is synced: a sync of what was never written before waits for the file system's journal as well. Else that would only take from the disk's
         * rate, and make those wait who fill the segment before.
         */
        FILLING,
        /** It is being synced before it gets its name, so that what has the name of a segment is never shorter than one. */
        SYNCING,
        /** The directory is being synced, so that its name is durable. */
        NAMING,
        /** Ready to be begun. */
        PREPARED,
        /** Its header is being written and synced. */
        BEGINNING,
        /** Frames go to it. */
        BEGUN
    }

    private static final class Segment {
        final long generation;
        final Path path;
        final int file;

        /** Whether it has its name; not yet where it is new. */
        boolean named;

        State state = State.ALLOCATING;

        /** Bytes from the start that were written once, or need not be. */
        long filledBytes;

        Segment(long generation, Path path, int file) {
            this.generation = generation;
            this.path = path;
            this.file = file;
        }
    }

    private final FrameBuffer buffer;
    private final Io io;
    private final Path directory;
    private final int shard;
    private final long nodeId;
    private final WalOptions options;
    private final long tokenBase;
    private final Peers peers;
    private final Crc32c crc = new Crc32c();
    private final long headerBlock = Memory.allocate(FrameBuffer.MAPPED_BYTES, MemoryTag.WAL);

    /** Stays zero. */
    private final long zeroBlock = headerBlock + BLOCK_BYTES;

    /** Block 0 of the current segment. */
    private final long witnessBlock = zeroBlock + BLOCK_BYTES;

    private SyncPolicy policy;

    /** Zeros, while a segment is being filled; 0: none is. */
    private long zeros;

    // Segments.
    private @Nullable Segment current;
    private @Nullable Segment next;

    /** Closed segments, oldest first, and those of them that nothing refers to any more. */
    private final List<Long> older = new ArrayList<>();

    private final List<Long> spares = new ArrayList<>();

    // What is in flight.
    private boolean writing;

    /** Bytes of the oldest region that short writes have brought to the file. */
    private int regionDone;

    private boolean regionSealed;
    private boolean syncing;
    private boolean preparing;
    private boolean witnessing;

    // Watermarks.
    private long writtenSeqno;
    private long writtenWhole;
    private long syncedSeqno;
    private long durableSeqno;
    private long syncSeqno;
    private long syncWhole;
    private volatile long readySeqno;
    private volatile long stableSeqno;

    /** What the witness in flight says, and the last one that was written. */
    private long witnessSeqno;

    private long witnessedSeqno;

    // Times.
    private long writtenSinceNanos = NEVER;
    private long syncSinceNanos = NEVER;
    private long syncedNanos = NEVER;

    /** When the next witness may be written; {@link #NEVER}: at once. */
    private long witnessNanos = NEVER;

    /** When a failed write, or making a segment, is tried again; {@link #NEVER} where nothing failed. */
    private long retryNanos = NEVER;

    private long prepareNanos = NEVER;

    // Units over several shards that are not stable, oldest first: the first frame that is whole
    // only with it, its last frame, n, n times (shard, the last frame there).
    private static final int UNIT_LAST = 1;
    private static final int UNIT_COUNT = 2;
    private static final int UNIT_PARTS = 3;
    private long[] units = new long[256];
    private int unitsFrom;
    private int unitsTo;

    /** Whether the parts of the first of these units were told that this one is ready. */
    private boolean partsWoken;

    // Failures.
    private volatile @Nullable String failure;
    private volatile boolean failed;
    private @Nullable String prepareFailure;

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
        this.directory = directory;
        this.shard = shard;
        this.nodeId = nodeId;
        this.options = options;
        this.tokenBase = tokenBase;
        this.peers = peers;
        this.policy = options.policy();
        this.buffer =
                new FrameBuffer(
                        options.chunkBytes(), options.segmentBytes(), generation, firstSeqno);
        writtenSeqno = firstSeqno - 1;
        writtenWhole = writtenSeqno;
        syncedSeqno = writtenSeqno;
        durableSeqno = writtenSeqno;
        readySeqno = durableSeqno;
        stableSeqno = durableSeqno;
        witnessedSeqno = stableSeqno; // The first segment's header vouches for it.
        findOldSegments(generation);
    }

    private void findOldSegments(long generation) throws IOException {
        for (Path file : io.openDirectory(directory)) {
            long old = WalFileLayout.logGeneration(file);
            if (old > generation) {
                throw new IOException(
                        file
                                + " exists already, but the log shall go on with segment "
                                + generation);
            }
            if (old >= 0 && old < generation) {
                older.add(old);
            }
        }
        older.sort(null);
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
        int words = UNIT_PARTS + 2 * parts;
        if (unitsTo + words > units.length) {
            makeRoomForUnit(words);
        }
        units[unitsTo] = first;
        units[unitsTo + UNIT_LAST] = last;
        units[unitsTo + UNIT_COUNT] = parts;
        for (int i = 0; i < parts; i++) {
            units[unitsTo + UNIT_PARTS + 2 * i] = shards[i];
            units[unitsTo + UNIT_PARTS + 2 * i + 1] = seqnos[i];
        }
        unitsTo += words;
    }

    private void makeRoomForUnit(int words) {
        int used = unitsTo - unitsFrom;
        long[] from = units;
        if (used + words > units.length / 2) {
            units = new long[2 * (used + words)];
        }
        System.arraycopy(from, unitsFrom, units, 0, used);
        unitsFrom = 0;
        unitsTo = used;
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
        return stableSeqno;
    }

    /** Durable, and before the first unit over several shards that is not stable, or its frame. Any thread. */
    public long readySeqno() {
        return readySeqno;
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
        return current != null;
    }

    /** Of the segment that is open for frames; 0 where none is. A manifest may name no later one as the first that counts: its header might not be there after a crash. */
    public long begunGeneration() {
        Segment open = current;
        return open == null ? 0 : open.generation;
    }

    /** All that was appended is synced, and nothing is in flight: the log may be closed. */
    public boolean isQuiet() {
        return !writing
                && !syncing
                && !preparing
                && !witnessing
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
        int segments =
                older.size() + spares.size() + (current == null ? 0 : 1) + (next == null ? 0 : 1);
        return segments * options.segmentBytes();
    }

    /** Owner. Segments before this one are not needed: no manifest that counts names them. Up to {@value #SPARE_SEGMENTS} are kept for reuse. */
    public void deleteBefore(long generation) {
        for (int i = 0; i < older.size() && older.get(i) < generation; ) {
            long old = older.get(i);
            if (spares.size() < SPARE_SEGMENTS) {
                spares.add(old);
                older.remove(i);
            } else if (delete(old)) {
                older.remove(i);
            } else {
                i++; // To be tried again; it does no harm.
            }
        }
    }

    private boolean delete(long generation) {
        try {
            io.deleteFile(WalFileLayout.logFile(directory, generation));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** A new segment until it is made; one that a crash left is overwritten. */
    private Path unnamed() {
        return directory.resolve(UNNAMED);
    }

    /** Makes the file of the next segment. */
    private void prepare(long generation, long nowNanos) {
        Path path = WalFileLayout.logFile(directory, generation);
        try {
            int file;
            boolean used = !spares.isEmpty();
            if (!used) {
                file = io.openFile(unnamed(), Io.OpenMode.CREATE, true);
            } else {
                io.renameFile(WalFileLayout.logFile(directory, spares.remove(0)), path);
                file = io.openFile(path, Io.OpenMode.READ_WRITE, true);
            }
            next = new Segment(generation, path, file);
            next.named = used;
            next.filledBytes = used || policy != SyncPolicy.ALWAYS ? options.segmentBytes() : 0;
            preparing = true;
            io.allocate(file, 0, options.segmentBytes(), tokenBase | ALLOCATE);
        } catch (IOException e) {
            prepareFailure = text(String.valueOf(e.getMessage()), path, 0);
            prepareNanos = nowNanos + RETRY_NANOS;
        }
    }

    private void onAllocated(Segment segment, int result, long nowNanos) {
        if (result == -Errno.EOPNOTSUPP) {
            // Then at least its length is right, which a reader wants to know.
            io.write(
                    segment.file,
                    options.segmentBytes() - BLOCK_BYTES,
                    zeroBlock,
                    BLOCK_BYTES,
                    Io.UNREGISTERED,
                    tokenBase | EXTEND);
        } else if (result < 0) {
            abandon(segment, result, nowNanos);
        } else {
            segment.state = State.FILLING;
            fill(segment);
        }
    }

    private void fill(Segment segment) {
        long left = options.segmentBytes() - segment.filledBytes;
        if (left > 0) {
            if (zeros == 0) {
                zeros = Memory.allocateUnset(FILL_BYTES, MemoryTag.WAL);
                Memory.fill(zeros, FILL_BYTES, (byte) 0);
            }
            io.write(
                    segment.file,
                    segment.filledBytes,
                    zeros,
                    (int) Math.min(FILL_BYTES, left),
                    Io.UNREGISTERED,
                    tokenBase | FILL);
            return;
        }
        freeZeros();
        if (segment.named) {
            name(segment);
        } else {
            segment.state = State.SYNCING;
            io.sync(segment.file, tokenBase | MADE);
        }
    }

    private void onMade(Segment segment, int result, long nowNanos) {
        if (isDiskFull(result)) {
            abandon(segment, result, nowNanos);
            return;
        }
        if (result < 0) {
            preparing = false;
            failForGood(result, unnamed(), 0);
            return;
        }
        try {
            io.renameFile(unnamed(), segment.path);
            segment.named = true;
        } catch (IOException e) {
            abandon(segment, text(String.valueOf(e.getMessage()), segment.path, 0), nowNanos);
            return;
        }
        name(segment);
    }

    private void name(Segment segment) {
        segment.state = State.NAMING;
        io.syncDirectory(directory, tokenBase | DIRECTORY);
    }

    private void onFilled(Segment segment, int result, long nowNanos) {
        int written = result & -BLOCK_BYTES;
        if (result < 0 || written == 0) {
            freeZeros();
            abandon(segment, result < 0 ? result : -Errno.ENOSPC, nowNanos);
        } else {
            segment.filledBytes += written;
            fill(segment);
        }
    }

    private void freeZeros() {
        if (zeros != 0) {
            Memory.free(zeros, FILL_BYTES, MemoryTag.WAL);
            zeros = 0;
        }
    }

    private void abandon(Segment segment, int result, long nowNanos) {
        abandon(segment, text(Errno.name(result), segment.path, 0), nowNanos);
    }

    private void abandon(Segment segment, String cause, long nowNanos) {
        io.closeFile(segment.file);
        try {
            io.deleteFile(segment.named ? segment.path : unnamed());
        } catch (IOException e) {
            // If it stays: the next attempt overwrites it.
        }
        prepareFailure = cause;
        preparing = false;
        next = null;
        prepareNanos = nowNanos + RETRY_NANOS;
    }

    /**
     * Brings the segments on: the next one is made in time, and begun when frames for it are due.
     *
     * @return whether the segment that the oldest region goes to, or the next frame, is open
     */
    private boolean isSegmentOpen(long nowNanos) {
        long wanted = buffer.regions() > 0 ? buffer.regionGeneration() : buffer.planGeneration();
        Segment open = current;
        long following = open == null ? wanted : open.generation + 1;
        boolean isOpen = open != null && open.generation == wanted;
        boolean soon =
                !isOpen
                        || buffer.planGeneration() > wanted
                        || buffer.planOffset() > options.segmentBytes() / 2;
        if (next == null && soon && hasCome(prepareNanos, nowNanos)) {
            prepare(following, nowNanos);
        }
        if (isOpen) {
            return true;
        }
        Segment prepared = next;
        if (prepared == null && prepareFailure != null) {
            failure = prepareFailure;
        }
        if (writing || syncing || witnessing) {
            return false;
        }
        if (writtenSeqno != syncedSeqno) {
            submitSync(nowNanos);
        } else if (prepared != null
                && prepared.state == State.PREPARED
                && hasCome(retryNanos, nowNanos)) {
            begin(prepared);
        }
        return false;
    }

    private void begin(Segment segment) {
        segment.state = State.BEGINNING;
        preparing = true;
        WalFileLayout.put(
                headerBlock,
                WalFileLayout.TYPE_LOG,
                shard,
                segment.generation,
                writtenSeqno + 1,
                nodeId,
                options.segmentBytes(),
                crc);
        io.writeAndSync(
                segment.file, 0, headerBlock, BLOCK_BYTES, Io.UNREGISTERED, tokenBase | HEADER);
    }

    private void onHeader(Segment segment, int result, long nowNanos) {
        preparing = false;
        if (result == BLOCK_BYTES) {
            segment.state = State.BEGUN;
            Segment before = current;
            if (before != null) {
                io.closeFile(before.file);
                older.add(before.generation);
            }
            current = segment;
            next = null;
            Memory.copy(headerBlock, witnessBlock, BLOCK_BYTES);
            prepareFailure = null;
            prepareNanos = NEVER;
            failure = null;
            retryNanos = NEVER;
        } else if (result >= 0 || isDiskFull(result)) {
            segment.state = State.PREPARED;
            failWrite(result, BLOCK_BYTES, segment.path, 0, nowNanos);
        } else {
            failForGood(result, segment.path, 0);
        }
    }

    // Committing.

    /**
     * Owner; once a turn, and when {@link #nextNanos} has come. Hands what is due to the kernel, and looks whether units over several shards became stable.
     *
     * @return whether there is something left that another call would do at once
     */
    public boolean commit(long nowNanos) {
        if (failed) {
            if (!writing) {
                buffer.discard();
            }
            return false;
        }
        buffer.stamp(nowNanos);
        if (unitsFrom < unitsTo) {
            advanceWatermarks();
            if (failed) {
                return false;
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
        if (isWitnessWanted() && hasCome(witnessNanos, nowNanos)) {
            submitWitness(nowNanos);
        }
        return false;
    }

    private static boolean hasCome(long retryAtNanos, long nowNanos) {
        return retryAtNanos == NEVER || nowNanos - retryAtNanos >= 0;
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

    /** The disk says less than how far the log is stable, and can be told. */
    private boolean isWitnessWanted() {
        Segment following = next;
        return !witnessing
                && !isWitnessed()
                && current != null
                && (following == null || following.state != State.BEGINNING);
    }

    /** Whether it was written how far the log is stable. */
    public boolean isWitnessed() {
        return stableSeqno <= witnessedSeqno;
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
        if (next == null) {
            at = Math.min(at, prepareNanos);
        }
        if (!writing && !preparing) {
            // What may be tried again is a header, which waits for the witness of the segment
            // before.
            at = witnessing ? at : Math.min(at, retryNanos);
            if (retryNanos == NEVER && current != null && !held && buffer.hasCommittable()) {
                at = Math.min(at, dueNanos());
            }
        }
        if (isWitnessWanted()) {
            at = Math.min(at, witnessNanos);
        }
        return at;
    }

    /** When the oldest of what may be committed has gathered long enough. */
    private long dueNanos() {
        long oldest = buffer.oldestNanos();
        return oldest == NEVER || current != null && current.generation != buffer.planGeneration()
                ? NEVER
                : policy == SyncPolicy.ALWAYS ? oldest : oldest + GATHER_NANOS;
    }

    private void submitWrite() {
        Segment segment = Objects.requireNonNull(current);
        assert segment.generation == buffer.regionGeneration();
        if (!regionSealed) {
            buffer.sealRegion(durableSeqno, stableSeqno, nodeId, shard, crc);
            regionSealed = true;
        }
        writing = true;
        long offset = buffer.regionOffset() + regionDone;
        long address = buffer.regionAddress() + regionDone;
        int length = buffer.regionLength() - regionDone;
        if (policy == SyncPolicy.ALWAYS && !syncing && writtenSeqno == syncedSeqno) {
            io.writeAndSync(
                    segment.file,
                    offset,
                    address,
                    length,
                    Io.UNREGISTERED,
                    tokenBase | WRITE_AND_SYNC);
        } else {
            io.write(segment.file, offset, address, length, Io.UNREGISTERED, tokenBase | WRITE);
        }
    }

    private void submitWitness(long nowNanos) {
        Segment segment = Objects.requireNonNull(current);
        witnessing = true;
        witnessSeqno = stableSeqno;
        witnessNanos = nowNanos + WITNESS_NANOS;
        WalFileLayout.putWitness(witnessBlock, witnessSeqno, crc);
        io.write(segment.file, 0, witnessBlock, BLOCK_BYTES, Io.UNREGISTERED, tokenBase | WITNESS);
    }

    /** A failure is none of the log's: it is only evidence, which is tried again. */
    private void onWitness(int result, long nowNanos) {
        witnessing = false;
        if (result == BLOCK_BYTES) {
            witnessedSeqno = witnessSeqno;
        } else {
            witnessNanos = nowNanos + RETRY_NANOS;
        }
    }

    /** @param durably it was synced as well */
    private void onWritten(int result, boolean durably, long nowNanos) {
        writing = false;
        Segment segment = Objects.requireNonNull(current);
        int wanted = buffer.regionLength() - regionDone;
        if (result == wanted) {
            written(durably);
        } else if (result >= 0) {
            // What is left is written again, from the last block boundary that was reached.
            int progress = result & -BLOCK_BYTES;
            failWrite(result, wanted, segment.path, buffer.regionOffset() + regionDone, nowNanos);
            regionDone += progress;
            if (progress > 0) {
                retryNanos = nowNanos; // There is room again, or still.
            }
        } else if (durably && !isDiskFull(result)) {
            failForGood(result, segment.path, buffer.regionOffset() + regionDone);
        } else {
            failWrite(result, wanted, segment.path, buffer.regionOffset() + regionDone, nowNanos);
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
        Segment segment = Objects.requireNonNull(current);
        syncing = true;
        syncSeqno = writtenSeqno;
        syncWhole = writtenWhole;
        syncSinceNanos = writtenSinceNanos;
        writtenSinceNanos = NEVER;
        syncedNanos = nowNanos;
        io.sync(segment.file, tokenBase | SYNC);
    }

    private void onSynced(int result) {
        syncing = false;
        syncSinceNanos = NEVER;
        if (result < 0) {
            Segment segment = Objects.requireNonNull(current);
            failForGood(result, segment.path, 0);
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

    /**
     * From durable to ready to stable. Whoever of several shards is the last to publish that its part is ready sees that all are: each publishes before it looks.
     */
    private void advanceWatermarks() {
        while (true) {
            boolean waits = unitsFrom < unitsTo;
            long unit = waits ? units[unitsFrom + UNIT_LAST] : NEVER;
            long ready = Math.min(durableSeqno, unit);
            if (ready != readySeqno) {
                readySeqno = ready;
            }
            if (unit > durableSeqno) {
                publishStable(durableSeqno);
                return;
            }
            int parts = (int) units[unitsFrom + UNIT_COUNT];
            if (!partsWoken) {
                partsWoken = true;
                for (int i = 0; i < parts; i++) {
                    int part = (int) units[unitsFrom + UNIT_PARTS + 2 * i];
                    if (part != shard) {
                        peers.wake(part);
                    }
                }
            }
            for (int i = 0; i < parts; i++) {
                int part = (int) units[unitsFrom + UNIT_PARTS + 2 * i];
                if (part == shard) {
                    continue;
                }
                // In this order: what fails is ready no more.
                boolean partFailed = peers.isFailed(part);
                if (peers.readySeqno(part) < units[unitsFrom + UNIT_PARTS + 2 * i + 1]) {
                    publishStable(units[unitsFrom] - 1);
                    if (partFailed) {
                        failWithPart(part);
                    }
                    return;
                }
            }
            partsWoken = false;
            unitsFrom += UNIT_PARTS + 2 * parts;
            if (unitsFrom == unitsTo) {
                unitsFrom = 0;
                unitsTo = 0;
            }
        }
    }

    private void publishStable(long stable) {
        if (stable != stableSeqno) {
            stableSeqno = stable;
        }
    }

    // Completions.

    /** Owner. The operation whose token was {@code tokenBase | op} has completed. */
    public void onFile(int op, int result, long nowNanos) {
        if (failed) {
            // Nothing counts any more; only what is in flight is to be known.
            boolean write = op == WRITE || op == WRITE_AND_SYNC;
            writing &= !write;
            syncing &= op != SYNC;
            witnessing &= op != WITNESS;
            preparing &= write || op == SYNC || op == WITNESS;
            return;
        }
        switch (op) {
            case WRITE -> onWritten(result, false, nowNanos);
            case WRITE_AND_SYNC -> onWritten(result, true, nowNanos);
            case SYNC -> onSynced(result);
            case ALLOCATE -> onAllocated(making(), result, nowNanos);
            case EXTEND ->
                    onAllocated(
                            making(),
                            result >= 0 && result < BLOCK_BYTES ? -Errno.ENOSPC : result,
                            nowNanos);
            case FILL -> onFilled(making(), result, nowNanos);
            case MADE -> onMade(making(), result, nowNanos);
            case DIRECTORY -> onNamed(making(), result);
            case HEADER -> onHeader(making(), result, nowNanos);
            case WITNESS -> onWitness(result, nowNanos);
            default -> throw new IllegalArgumentException("operation " + op);
        }
    }

    private Segment making() {
        return Objects.requireNonNull(next);
    }

    private void onNamed(Segment segment, int result) {
        preparing = false;
        if (result < 0) {
            failForGood(result, directory, 0);
        } else {
            segment.state = State.PREPARED;
            prepareNanos = NEVER;
        }
    }

    // Failures.

    private static boolean isDiskFull(int result) {
        return result == -Errno.ENOSPC || result == -Errno.EDQUOT;
    }

    private void failWrite(int result, int wanted, Path path, long offset, long nowNanos) {
        failure =
                text(
                        result < 0
                                ? Errno.name(result)
                                : "short write, " + result + " of " + wanted + " bytes",
                        path,
                        offset);
        retryNanos = nowNanos + RETRY_NANOS;
    }

    private void failForGood(int result, Path path, long offset) {
        failForGood(text(Errno.name(result), path, offset));
    }

    /** Recovery cuts this log before the first unit that lacks a part: what comes behind it can never be acknowledged. */
    private void failWithPart(int part) {
        failForGood(
                "Errors writing to the AOF file: the log of shard "
                        + part
                        + " has failed, and with it a transaction over shards "
                        + part
                        + " and "
                        + shard);
    }

    private void failForGood(String why) {
        failure = why;
        failed = true;
        // Those whose units wait for a part of this log have failed as well.
        for (int unit = unitsFrom; unit < unitsTo; ) {
            int parts = (int) units[unit + UNIT_COUNT];
            for (int i = 0; i < parts; i++) {
                int part = (int) units[unit + UNIT_PARTS + 2 * i];
                if (part != shard) {
                    peers.wake(part);
                }
            }
            unit += UNIT_PARTS + 2 * parts;
        }
    }

    private static String text(String cause, Path path, long offset) {
        return "Errors writing to the AOF file: "
                + cause
                + " ("
                + path
                + ", offset "
                + offset
                + ")";
    }

    /** Owner. Closes the files, when {@link #isQuiet}; for a log that ends while its {@link Io} goes on. */
    public void closeFiles() {
        if (!isQuiet()) {
            throw new IllegalStateException("operations are in flight, or wait");
        }
        if (current != null) {
            io.closeFile(current.file);
        }
        if (next != null) {
            io.closeFile(next.file);
        }
        current = null;
        next = null;
    }

    /** Frees the memory. After {@link #closeFiles}, or after the {@link Io} is closed, which closes the files. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            freeZeros();
            buffer.close();
            Memory.free(headerBlock, FrameBuffer.MAPPED_BYTES, MemoryTag.WAL);
        }
    }
}
