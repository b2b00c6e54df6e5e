package ironcache.wal;

import static ironcache.wal.FrameBuffer.NEVER;
import static ironcache.wal.WalFailures.RETRY_NANOS;
import static ironcache.wal.WalFailures.hasCome;

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
 * The segment files of a log: makes the next one ready, begins it, keeps the witness of the one that is open, uses old ones again or deletes them.
 *
 * <p>{@link WalWriter} says when, and writes the frames: to {@link #file}, the open one. Segments are numbered without a gap, and the next is the one behind the open one.
 *
 * <pre>
 * new file   ALLOCATING → FILLING → SYNCING → NAMING ┐                                       ┌ kept as a spare
 *                                                    ├ PREPARED → BEGINNING → BEGUN → closed ┤
 * a spare    ALLOCATING → FILLING ──────────→ NAMING ┘                                       └ deleted
 * </pre>
 *
 * <p>Invariants: what has the name of a segment is never shorter than one, so a new file gets its name when its length is durable. A segment is begun, which makes its header durable, when its
 * name is durable and all frames before it are. No witness is in flight while a segment is being begun: it never speaks of frames that are not in its segment or an earlier one. One operation for
 * the next segment is in flight at a time, and one witness.
 *
 * <p>The witness, how far the log is stable, is written to block 0 of the open segment with its header: without it, damage to the end of the log could not be told from a torn write. It is not
 * synced and nothing waits for it, but that the next segment is begun and that the log is closed.
 *
 * <p>Owned like its log: one thread is in it at a time; methods marked <i>owner</i> are for the thread that owns the {@link Io}. Owns the files of the segments and {@value #UNNAMED}, of which two are
 * open at most; three blocks; and 1 MiB of zeros while a segment is being filled ({@link MemoryTag#WAL}).
 */
final class WalSegments implements AutoCloseable {
    static final long WITNESS_NANOS = 100_000_000;

    /** Old segments that are kept to be used again: writing over them needs no new extents, so their syncs are cheaper. */
    static final int SPARE_SEGMENTS = 2;

    private static final int FILL_BYTES = 1 << 20;

    /** A new segment until it is made; one that a crash left is overwritten. */
    private static final String UNNAMED = "wal-next.tmp";

    private static final int BLOCK_BYTES = WalFileLayout.BLOCK_BYTES;

    // Operations: low bits of tokens. Smaller ones are the writer's.
    static final int OPERATION_MIN = 4;
    private static final int ALLOCATE = OPERATION_MIN;
    private static final int EXTEND = 5;
    private static final int FILL = 6;
    private static final int MADE = 7;
    private static final int DIRECTORY = 8;
    static final int HEADER = 9;
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

    private final Io io;
    private final Path directory;
    private final int shard;
    private final long nodeId;
    private final long segmentBytes;
    private final long tokenBase;
    private final Crc32c crc = new Crc32c();
    private final long headerBlock;

    /** Stays zero. */
    private final long zeroBlock;

    /** Block 0 of the open segment. */
    private final long witnessBlock;

    /** Zeros, while a segment is being filled; 0: none is. */
    private long zeros;

    private @Nullable Segment current;
    private @Nullable Segment next;

    /** Of the segment behind the open one. */
    private long nextGeneration;

    /** Closed segments, oldest first, and those of them that nothing refers to any more. */
    private final List<Long> older;

    private final List<Long> spares = new ArrayList<>();

    // What is in flight.
    private boolean preparing;
    private boolean witnessing;

    /** What the witness in flight says, and the last one that was written. */
    private long witnessSeqno;

    private long witnessedSeqno;

    /** When the next witness may be written; {@link FrameBuffer#NEVER}: at once. */
    private long witnessNanos = NEVER;

    /** When making the next segment is tried again; {@link FrameBuffer#NEVER} where it did not fail. */
    private long makeNanos = NEVER;

    /** Why the next segment could not be made or begun; null since the last was begun. */
    private @Nullable String failure;

    private boolean failed;

    /**
     * Finds the segments that are there.
     *
     * @param generation of the first segment to begin; those that are there come before it, or are unused and overwritten
     * @param stableSeqno the first segment's header vouches for it
     */
    WalSegments(
            Io io,
            Path directory,
            int shard,
            long nodeId,
            long segmentBytes,
            long tokenBase,
            long generation,
            long stableSeqno)
            throws IOException {
        this.io = io;
        this.directory = directory;
        this.shard = shard;
        this.nodeId = nodeId;
        this.segmentBytes = segmentBytes;
        this.tokenBase = tokenBase;
        older = findBefore(io, directory, generation);
        nextGeneration = generation;
        witnessedSeqno = stableSeqno;
        headerBlock = Memory.allocate(FrameBuffer.MAPPED_BYTES, MemoryTag.WAL);
        zeroBlock = headerBlock + BLOCK_BYTES;
        witnessBlock = zeroBlock + BLOCK_BYTES;
    }

    private static List<Long> findBefore(Io io, Path directory, long generation)
            throws IOException {
        List<Long> found = new ArrayList<>();
        for (Path file : io.openDirectory(directory)) {
            long old = WalFileLayout.logGeneration(file);
            if (old > generation) {
                throw new IOException(
                        file
                                + " exists already, but the log shall go on with segment "
                                + generation);
            }
            if (old >= 0 && old < generation) {
                found.add(old);
            }
        }
        found.sort(null);
        return found;
    }

    // What is known.

    /** Whether a segment is open for frames: its header and its name are durable. */
    boolean isBegun() {
        return current != null;
    }

    boolean isOpen(long generation) {
        Segment open = current;
        return open != null && open.generation == generation;
    }

    /** Of the segment that is open for frames; 0 where none is. */
    long begunGeneration() {
        Segment open = current;
        return open == null ? 0 : open.generation;
    }

    /** The segment that is open for frames. */
    int file() {
        return Objects.requireNonNull(current).file;
    }

    /** Of the segment that is open for frames. */
    Path path() {
        return Objects.requireNonNull(current).path;
    }

    /** The next segment waits to be begun. */
    boolean isPrepared() {
        return next != null && next.state == State.PREPARED;
    }

    /** Whether an operation for the next segment is in flight. */
    boolean isPreparing() {
        return preparing;
    }

    boolean isWitnessing() {
        return witnessing;
    }

    /** Whether it was written that the log is stable up to here. */
    boolean isWitnessed(long stableSeqno) {
        return stableSeqno <= witnessedSeqno;
    }

    /** Why the next segment could not be made or begun; null since one was begun. */
    @Nullable String failure() {
        return failure;
    }

    /** Why there is no next segment; null where there is one, or it was not tried. */
    @Nullable String makeFailure() {
        return next == null ? failure : null;
    }

    /** {@link #failure} is for good. */
    boolean isFailed() {
        return failed;
    }

    /** Bytes of the segments that are there, in use or spare. */
    long diskBytes() {
        int segments =
                older.size() + spares.size() + (current == null ? 0 : 1) + (next == null ? 0 : 1);
        return segments * segmentBytes;
    }

    // Old segments.

    /** Owner. Nothing refers to segments before this one: up to {@value #SPARE_SEGMENTS} become spares, the others are deleted. */
    void deleteBefore(long generation) {
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

    // Making the next segment.

    /**
     * Owner. Begins to make the next segment, unless there is one or making it failed a moment ago.
     *
     * @param filled it is written once before its use; see {@link State#FILLING}
     */
    void makeNext(boolean filled, long nowNanos) {
        if (next != null || !hasCome(makeNanos, nowNanos)) {
            return;
        }
        Path path = WalFileLayout.logFile(directory, nextGeneration);
        try {
            int file;
            boolean used = !spares.isEmpty();
            if (!used) {
                file = io.openFile(unnamed(), Io.OpenMode.CREATE, true);
            } else {
                io.renameFile(WalFileLayout.logFile(directory, spares.remove(0)), path);
                file = io.openFile(path, Io.OpenMode.READ_WRITE, true);
            }
            Segment segment = new Segment(nextGeneration, path, file);
            segment.named = used;
            segment.filledBytes = used || !filled ? segmentBytes : 0;
            next = segment;
            preparing = true;
            io.allocate(file, 0, segmentBytes, tokenBase | ALLOCATE);
        } catch (IOException e) {
            failure = WalFailures.text(String.valueOf(e.getMessage()), path, 0);
            makeNanos = nowNanos + RETRY_NANOS;
        }
    }

    /** When {@link #makeNext} is to be tried again; {@link FrameBuffer#NEVER} where it did not fail. */
    long makeNanos() {
        return next == null ? makeNanos : NEVER;
    }

    private Path unnamed() {
        return directory.resolve(UNNAMED);
    }

    private void onAllocated(Segment segment, int result, long nowNanos) {
        if (result == -Errno.EOPNOTSUPP) {
            // Then at least its length is right, which a reader wants to know.
            io.write(
                    segment.file,
                    segmentBytes - BLOCK_BYTES,
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
        long left = segmentBytes - segment.filledBytes;
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

    private void onMade(Segment segment, int result, long nowNanos) {
        if (WalFailures.isDiskFull(result)) {
            abandon(segment, result, nowNanos);
            return;
        }
        if (result < 0) {
            preparing = false;
            failForGood(result, unnamed());
            return;
        }
        try {
            io.renameFile(unnamed(), segment.path);
            segment.named = true;
        } catch (IOException e) {
            String cause = String.valueOf(e.getMessage());
            abandon(segment, WalFailures.text(cause, segment.path, 0), nowNanos);
            return;
        }
        name(segment);
    }

    private void name(Segment segment) {
        segment.state = State.NAMING;
        io.syncDirectory(directory, tokenBase | DIRECTORY);
    }

    private void onNamed(Segment segment, int result) {
        preparing = false;
        if (result < 0) {
            failForGood(result, directory);
        } else {
            segment.state = State.PREPARED;
            makeNanos = NEVER;
        }
    }

    private void abandon(Segment segment, int result, long nowNanos) {
        abandon(segment, WalFailures.text(result, segment.path, 0), nowNanos);
    }

    private void abandon(Segment segment, String why, long nowNanos) {
        io.closeFile(segment.file);
        try {
            io.deleteFile(segment.named ? segment.path : unnamed());
        } catch (IOException e) {
            // If it stays: the next attempt overwrites it.
        }
        failure = why;
        preparing = false;
        next = null;
        makeNanos = nowNanos + RETRY_NANOS;
    }

    private void failForGood(int result, Path path) {
        failure = WalFailures.text(result, path, 0);
        failed = true;
    }

    // Beginning it.

    /**
     * Owner. Writes and syncs the header of the segment that {@link #isPrepared}. All frames before it are durable, and no witness is in flight.
     *
     * @param firstSeqno of its first frame
     */
    void begin(long firstSeqno) {
        assert isPrepared() && !witnessing;
        Segment segment = making();
        segment.state = State.BEGINNING;
        preparing = true;
        WalFileLayout.put(
                headerBlock,
                WalFileLayout.TYPE_LOG,
                shard,
                segment.generation,
                firstSeqno,
                nodeId,
                segmentBytes,
                crc);
        io.writeAndSync(
                segment.file, 0, headerBlock, BLOCK_BYTES, Io.UNREGISTERED, tokenBase | HEADER);
    }

    private void onHeader(Segment segment, int result) {
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
            nextGeneration++;
            Memory.copy(headerBlock, witnessBlock, BLOCK_BYTES);
            failure = null;
            makeNanos = NEVER;
        } else if (result >= 0 || WalFailures.isDiskFull(result)) {
            segment.state = State.PREPARED;
            failure = WalFailures.ofWrite(result, BLOCK_BYTES, segment.path, 0);
        } else {
            failForGood(result, segment.path);
        }
    }

    // The witness.

    /** The disk says less than how far the log is stable, and can be told. */
    private boolean isWitnessWanted(long stableSeqno) {
        return !witnessing
                && !isWitnessed(stableSeqno)
                && current != null
                && (next == null || next.state != State.BEGINNING);
    }

    /** When {@link #witness} has something to write; {@link FrameBuffer#NEVER}: before that, something else has to come. */
    long witnessNanos(long stableSeqno) {
        return isWitnessWanted(stableSeqno) ? witnessNanos : NEVER;
    }

    /** Owner. Writes how far the log is stable, where that has moved and {@link #WITNESS_NANOS} have passed since the last time. */
    void witness(long stableSeqno, long nowNanos) {
        if (!isWitnessWanted(stableSeqno) || !hasCome(witnessNanos, nowNanos)) {
            return;
        }
        witnessing = true;
        witnessSeqno = stableSeqno;
        witnessNanos = nowNanos + WITNESS_NANOS;
        WalFileLayout.putWitness(witnessBlock, witnessSeqno, crc);
        io.write(file(), 0, witnessBlock, BLOCK_BYTES, Io.UNREGISTERED, tokenBase | WITNESS);
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

    // Completions.

    /** Owner. The operation whose token was {@code tokenBase | op} has completed; {@link #isFailed} and, after {@link #HEADER}, {@link #failure} tell whether it was in vain. */
    void onFile(int op, int result, long nowNanos) {
        switch (op) {
            case ALLOCATE -> onAllocated(making(), result, nowNanos);
            case EXTEND ->
                    onAllocated(
                            making(),
                            result >= 0 && result < BLOCK_BYTES ? -Errno.ENOSPC : result,
                            nowNanos);
            case FILL -> onFilled(making(), result, nowNanos);
            case MADE -> onMade(making(), result, nowNanos);
            case DIRECTORY -> onNamed(making(), result);
            case HEADER -> onHeader(making(), result);
            case WITNESS -> onWitness(result, nowNanos);
            default -> throw new IllegalArgumentException("operation " + op);
        }
    }

    /** Owner. As {@link #onFile}, of a log that has failed: nothing counts any more, no other operation follows. */
    void onFileAfterFailure(int op) {
        if (op == WITNESS) {
            witnessing = false;
        } else {
            preparing = false;
        }
    }

    private Segment making() {
        return Objects.requireNonNull(next);
    }

    /** Owner. Nothing is in flight. */
    void closeFiles() {
        if (current != null) {
            io.closeFile(current.file);
        }
        if (next != null) {
            io.closeFile(next.file);
        }
        current = null;
        next = null;
    }

    /** Frees the memory; once. After {@link #closeFiles}, or after the {@link Io} is closed, which closes the files. */
    @Override
    public void close() {
        freeZeros();
        Memory.free(headerBlock, FrameBuffer.MAPPED_BYTES, MemoryTag.WAL);
    }
}
