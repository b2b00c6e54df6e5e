package ironcache.wal;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.Arrays;

/**
 * Where frames are built: chunks of memory, in which payloads are written where the kernel will take them from. Shared by {@link WalWriter} and {@link ImageFile}.
 *
 * <p>Frames stand back to back in a <i>region</i>: a stretch of one chunk that begins at a multiple of 4096 and is written as one. A closed region has its place in the
 * files (generation and offset) and waits in a queue; it is sealed (watermarks, checksums) when it is handed out, and its memory is used again when it was written.
 *
 * <pre>
 * chunk |  closed region (in flight) |  closed region    |  open region: frame frame [open frame       |            | reserve |
 *                                                          ^ region            ^ frame        ^ tail   ^ limit      ^ for a list of parts and an END frame
 * </pre>
 *
 * <p>Invariants: {@code region ≤ frame < tail ≤ limit} where a frame is open; all 0 where none is. Places are dealt in order, without gaps: {@code planOffset} of
 * {@code planGeneration} is where the open region goes. A region is only opened where its file has room for a whole chunk, so what is in the open region never moves to
 * the next file.
 *
 * <p>Owned like its shard: one thread at a time. Owns its chunks ({@link MemoryTag#WAL}).
 */
final class FrameBuffer implements AutoCloseable {
    /** Outside of units a frame is closed at this size, units are chained in pieces of it. Bounds what is copied where a unit moves to a chunk of its own. */
    static final int FRAME_BYTES = 256 << 10;

    /** At the end of each chunk: a list of parts and an END frame always find room. */
    private static final int RESERVE_BYTES =
            FrameLayout.partsBytes(FrameLayout.PARTS_MAX) + FrameLayout.HEADER_BYTES;

    /** An effect is smaller than this. */
    static final int APPEND_BYTES_MAX = 256 << 10;

    static final int CHUNK_BYTES_MIN = 16 << 10;

    /** From this size on an allocation is a mapping of its own, hence aligned to 4096 as direct writes want it; only chunks of tests are smaller. */
    static final int MAPPED_BYTES = 128 << 10;

    /** So many free chunks are kept; more go back. */
    private static final int SPARE_CHUNKS = 4;

    /** No time: nothing waits. */
    static final long NEVER = Long.MAX_VALUE;

    private static final int BLOCK_BYTES = WalFileLayout.BLOCK_BYTES;

    private final int chunkBytes;
    private final long segmentBytes;
    private final int frameBytes;
    private final int appendBytesMax;

    // The open frame. First, because each append reads them.
    private long tail;
    private long limit;
    private long frame;
    private int frameKind;
    private long frameSeqno;

    /** The first of the frames that are applied together with the open one or, where none is, the last. */
    private long chainFirst;

    /** The last closed frame is applied together with the next. */
    private boolean goesOn;

    // The open unit.
    private boolean inUnit;
    private boolean unitChained;

    /** Where the unit's first byte in the open frame is, or will be; 0 where no frame is open. */
    private long unitStart;

    private long nextSeqno;
    private long appendedSeqno;

    /** Of the last closed frame that completes what it belongs to. */
    private long wholeSeqno;

    // The open region.
    private long region;

    /** End of the region's closed frames; the next frame's place. */
    private long place;

    private long regionNanos = NEVER;

    // The chunk of the open region, and free ones.
    private long chunk;
    private long chunkEnd;
    private int chunkRegions;
    private final long[] spareChunks = new long[SPARE_CHUNKS];
    private int spareCount;

    // Where the open region goes.
    private long planGeneration;
    private long planOffset = BLOCK_BYTES;

    // Closed regions, oldest first: a ring. The oldest may be in flight.
    private int head;
    private int count;
    private long[] address = new long[8];
    private int[] length = new int[8];
    private int[] frameEnd = new int[8];
    private long[] generation = new long[8];
    private long[] offset = new long[8];
    private long[] lastSeqno = new long[8];
    private long[] lastWhole = new long[8];
    private long[] nanos = new long[8];

    /** A chunk that is left and becomes free with this region; 0 for none. */
    private long[] leaves = new long[8];

    private long queuedBytes;
    private long payloadBytes;

    /**
     * @param segmentBytes of a file; Long.MAX_VALUE for one that grows
     * @param generation of the file that the first frame goes to
     */
    FrameBuffer(int chunkBytes, long segmentBytes, long generation, long firstSeqno) {
        this.chunkBytes = chunkBytes;
        this.segmentBytes = segmentBytes;
        this.frameBytes = Math.min(FRAME_BYTES, chunkBytes / 2);
        this.appendBytesMax =
                Math.min(APPEND_BYTES_MAX, chunkBytes - FrameLayout.HEADER_BYTES - RESERVE_BYTES);
        this.planGeneration = generation;
        this.nextSeqno = firstSeqno;
        this.appendedSeqno = firstSeqno - 1;
        this.wholeSeqno = firstSeqno - 1;
    }

    // Appending.

    /** See {@link WalWriter#append}. */
    long append(int bytes) {
        assert (bytes & 7) == 0 : bytes;
        long at = tail;
        long end = at + bytes;
        if (end > limit) {
            return appendToNewFrame(bytes);
        }
        tail = end;
        return at;
    }

    private long appendToNewFrame(int bytes) {
        if (bytes <= 0 || (bytes & 7) != 0 || bytes > appendBytesMax) {
            throw new IllegalArgumentException("append of " + bytes + " bytes");
        }
        if (frame != 0) {
            if (!hasUnit()) {
                closeFrame(0);
            } else if (unitStart > frame + FrameLayout.HEADER_BYTES) {
                // Whole units before this one in the frame would have to wait for it.
                moveUnit();
                return append(bytes);
            } else {
                closeFrame(FrameLayout.MORE);
                unitChained = true;
            }
        }
        openFrame(FrameLayout.EFFECTS, bytes);
        long at = tail;
        tail += bytes;
        return at;
    }

    void beginUnit() {
        if (!inUnit) {
            inUnit = true;
            unitStart = tail;
        }
    }

    void endUnit() {
        inUnit = false;
        unitChained = false;
    }

    boolean hasUnit() {
        return inUnit && (unitChained || tail != unitStart);
    }

    /** Ends the unit with the list of its parts, which closes the frame. @return its seqno */
    long endUnit(int parts, int[] shards, long[] seqnos) {
        if (!inUnit || parts <= 0 || parts > FrameLayout.PARTS_MAX) {
            throw new IllegalStateException("a unit of " + parts + " parts");
        }
        if (frame == 0) {
            openFrame(FrameLayout.EFFECTS, 0);
        }
        // The reserve behind the limit is there for this.
        FrameLayout.putParts(tail, parts, shards, seqnos);
        tail += FrameLayout.partsBytes(parts);
        endUnit();
        long seqno = frameSeqno;
        closeFrame(FrameLayout.PARTS);
        return seqno;
    }

    /** Of the first frame that is whole only with the one that the open unit ends in: it may have the end of another unit, too. */
    long unitFirstSeqno() {
        return frame == 0 && !goesOn ? nextSeqno : chainFirst;
    }

    long unitSeqno() {
        return frame == 0 ? nextSeqno : frameSeqno;
    }

    /** A frame by itself. @return address of its payload */
    long mark(int bytes) {
        if (hasUnit() || bytes < 0 || (bytes & 7) != 0 || bytes > appendBytesMax) {
            throw new IllegalStateException("mark of " + bytes + " bytes, in a unit: " + inUnit);
        }
        if (frame != 0) {
            closeFrame(0);
        }
        openFrame(FrameLayout.MARK, bytes);
        long at = tail;
        tail += bytes;
        closeFrame(0);
        return at;
    }

    long appendedSeqno() {
        return appendedSeqno;
    }

    /** Of the last frame, whatever it holds. */
    long lastSeqno() {
        return nextSeqno - 1;
    }

    /** Appended and not yet written. */
    long pendingBytes() {
        return queuedBytes + openBytes();
    }

    /** Whether a commit would have something: not where all that is pending is a unit that is still open. */
    boolean hasCommittable() {
        return count > 0
                || region != 0
                        && (place > region
                                || frame != 0
                                        && (!hasUnit()
                                                || unitStart > frame + FrameLayout.HEADER_BYTES));
    }

    /** Of the open region. */
    private long openBytes() {
        return region == 0 ? 0 : (frame == 0 ? place : tail) - region;
    }

    long payloadBytes() {
        return payloadBytes;
    }

    // Frames and regions.

    private void openFrame(int kind, int bytes) {
        if (region == 0) {
            openRegion();
        }
        if (place + FrameLayout.HEADER_BYTES + bytes + RESERVE_BYTES > chunkEnd) {
            closeRegion(false);
            leaveChunk();
            openRegion();
        }
        frame = place;
        frameKind = kind;
        frameSeqno = nextSeqno++;
        chainFirst = goesOn ? chainFirst : frameSeqno;
        appendedSeqno = frameSeqno;
        tail = place + FrameLayout.HEADER_BYTES;
        limit = Math.max(tail + bytes, Math.min(tail + frameBytes, chunkEnd - RESERVE_BYTES));
        if (inUnit) {
            unitStart = tail;
        }
    }

    private void closeFrame(int flags) {
        int bytes = (int) (tail - frame) - FrameLayout.HEADER_BYTES;
        FrameLayout.put(frame, frameSeqno, frameKind, flags, bytes);
        payloadBytes += bytes;
        goesOn = (flags & FrameLayout.MORE) != 0;
        if (!goesOn) {
            wholeSeqno = frameSeqno;
        }
        place = tail;
        frame = 0;
        tail = 0;
        limit = 0;
        unitStart = 0;
    }

    private void openRegion() {
        if (chunk == 0) {
            chunk = takeChunk();
            chunkEnd = chunk + chunkBytes;
            place = chunk;
        } else if (count == 0) {
            place = chunk; // Nothing of it is in use: its first blocks are in the cache.
        } else if (place + FrameLayout.HEADER_BYTES + RESERVE_BYTES > chunkEnd) {
            leaveChunk();
            openRegion();
            return;
        }
        region = place;
        regionNanos = NEVER;
    }

    /** Gives the region its place and queues it; with an END frame where the file has no room for another one, or where it shall end. */
    private void closeRegion(boolean endFile) {
        if (place == region && !endFile) {
            region = 0;
            return;
        }
        long next = planOffset + blocks(place + FrameLayout.HEADER_BYTES - region);
        boolean ends = endFile || segmentBytes - next < chunkBytes;
        if (ends) {
            FrameLayout.put(place, nextSeqno, FrameLayout.END, 0, 0);
            if (!unitChained) {
                wholeSeqno = nextSeqno;
            }
            nextSeqno++;
            place += FrameLayout.HEADER_BYTES;
        }
        int bytes = (int) (place - region);
        int padded = (int) blocks(bytes);
        Memory.fill(place, padded - bytes, (byte) 0);
        enqueue(bytes, padded);
        place = region + padded;
        region = 0;
        planOffset += padded;
        if (ends) {
            planGeneration++;
            planOffset = BLOCK_BYTES;
        }
    }

    private static long blocks(long bytes) {
        return bytes + BLOCK_BYTES - 1 & -BLOCK_BYTES;
    }

    /**
     * Copies what the open unit has in the open frame to a new chunk, and closes frame and region before it. Nobody holds an address of it: what append gave was filled
     * before this call.
     */
    private void moveUnit() {
        long from = unitStart;
        int bytes = (int) (tail - from);
        long fresh = takeChunk();
        Memory.copy(from, fresh + FrameLayout.HEADER_BYTES, bytes);
        if (from > frame + FrameLayout.HEADER_BYTES) {
            tail = from;
            closeFrame(0);
        } else {
            // All of the frame is the unit's: it was not begun, then.
            place = frame;
            frame = 0;
            tail = 0;
            limit = 0;
            nextSeqno--;
        }
        closeRegion(false);
        leaveChunk();
        chunk = fresh;
        chunkEnd = fresh + chunkBytes;
        place = fresh;
        openRegion();
        openFrame(FrameLayout.EFFECTS, bytes);
        tail += bytes;
    }

    /**
     * Closes what can be written: all, but for the unit that is open.
     *
     * @return whether there is something
     */
    boolean closeForCommit() {
        if (frame != 0) {
            if (!hasUnit()) {
                closeFrame(0);
            } else if (unitStart > frame + FrameLayout.HEADER_BYTES || place > region) {
                moveUnit();
                return count > 0;
            }
        }
        if (region != 0 && frame == 0) {
            closeRegion(false);
        }
        return count > 0;
    }

    /** The next frame begins a new file; does nothing where it does so anyway. */
    void endFile() {
        if (hasUnit()) {
            throw new IllegalStateException("a file does not end in a unit");
        }
        if (frame != 0) {
            closeFrame(0);
        }
        boolean open = region != 0 && place > region;
        if (!open && planOffset == BLOCK_BYTES && segmentBytes != Long.MAX_VALUE) {
            return;
        }
        if (region == 0) {
            openRegion();
        }
        closeRegion(true);
    }

    /** Of the file that the next frame goes to. */
    long planGeneration() {
        return planGeneration;
    }

    long planOffset() {
        return planOffset;
    }

    /** Notes when what is in the regions was first seen. */
    void stamp(long nowNanos) {
        if (regionNanos == NEVER && openBytes() > 0) {
            regionNanos = nowNanos;
        }
        for (int i = count - 1; i >= 0 && nanos[head + i & nanos.length - 1] == NEVER; i--) {
            nanos[head + i & nanos.length - 1] = nowNanos;
        }
    }

    /** When the oldest of what is not written was first seen; {@link #NEVER} where there is nothing. */
    long oldestNanos() {
        return count > 0 ? nanos[head] : openBytes() > 0 ? regionNanos : NEVER;
    }

    // The queue.

    private void enqueue(int bytes, int padded) {
        if (count == address.length) {
            grow();
        }
        int at = head + count & address.length - 1;
        address[at] = region;
        length[at] = padded;
        frameEnd[at] = bytes;
        generation[at] = planGeneration;
        offset[at] = planOffset;
        lastSeqno[at] = nextSeqno - 1;
        lastWhole[at] = wholeSeqno;
        nanos[at] =
                regionNanos; // NEVER until the next stamp where it was begun and closed within a
        // turn.
        leaves[at] = 0;
        count++;
        chunkRegions++;
        queuedBytes += padded;
    }

    private void grow() {
        int capacity = address.length;
        address = unrolled(address);
        generation = unrolled(generation);
        offset = unrolled(offset);
        lastSeqno = unrolled(lastSeqno);
        lastWhole = unrolled(lastWhole);
        nanos = unrolled(nanos);
        leaves = unrolled(leaves);
        length = unrolled(length);
        frameEnd = unrolled(frameEnd);
        assert address.length == 2 * capacity;
        head = 0;
    }

    private long[] unrolled(long[] ring) {
        long[] wider = Arrays.copyOfRange(ring, head, head + 2 * ring.length);
        System.arraycopy(ring, 0, wider, ring.length - head, head);
        return wider;
    }

    private int[] unrolled(int[] ring) {
        int[] wider = Arrays.copyOfRange(ring, head, head + 2 * ring.length);
        System.arraycopy(ring, 0, wider, ring.length - head, head);
        return wider;
    }

    /** Closed regions that were not released. */
    int regions() {
        return count;
    }

    long regionAddress() {
        return address[head];
    }

    int regionLength() {
        return length[head];
    }

    long regionGeneration() {
        return generation[head];
    }

    long regionOffset() {
        return offset[head];
    }

    long regionLastSeqno() {
        return lastSeqno[head];
    }

    long regionWholeSeqno() {
        return lastWhole[head];
    }

    long regionNanos() {
        return nanos[head];
    }

    /** The oldest region is about to be written: watermarks and checksums. */
    void sealRegion(long durable, long stable, long nodeId, int shard, Crc32c crc) {
        long start = address[head];
        long end = start + frameEnd[head];
        for (long at = start; at < end; ) {
            FrameLayout.seal(
                    at,
                    durable,
                    stable,
                    nodeId,
                    shard,
                    generation[head],
                    offset[head] + at - start,
                    crc);
            at += FrameLayout.HEADER_BYTES + FrameLayout.length(at);
        }
    }

    /** The oldest region was written. */
    void releaseRegion() {
        long from = address[head];
        if (from >= chunk && from < chunkEnd) {
            chunkRegions--;
        }
        if (leaves[head] != 0) {
            giveChunk(leaves[head]);
        }
        queuedBytes -= length[head];
        head = head + 1 & address.length - 1;
        count--;
    }

    /** Forgets all closed regions: they will never be written. None may be in flight. */
    void discard() {
        closeForCommit();
        while (count > 0) {
            releaseRegion();
        }
    }

    // Chunks.

    /** The chunk is full: it is freed with the last of its regions. The next region takes another. */
    private void leaveChunk() {
        if (chunkRegions == 0) {
            giveChunk(chunk);
        } else {
            leaves[head + count - 1 & address.length - 1] = chunk;
        }
        chunk = 0;
        chunkEnd = 0;
        chunkRegions = 0;
    }

    private long takeChunk() {
        return spareCount > 0
                ? spareChunks[--spareCount]
                : Memory.allocate(Math.max(chunkBytes, MAPPED_BYTES), MemoryTag.WAL);
    }

    private void giveChunk(long freed) {
        if (spareCount < SPARE_CHUNKS) {
            spareChunks[spareCount++] = freed;
        } else {
            free(freed);
        }
    }

    private void free(long freed) {
        Memory.free(freed, Math.max(chunkBytes, MAPPED_BYTES), MemoryTag.WAL);
    }

    /** Frees the chunks; the kernel must have done with them. */
    @Override
    public void close() {
        while (count > 0) {
            releaseRegion();
        }
        if (chunk != 0) {
            free(chunk);
            chunk = 0;
        }
        while (spareCount > 0) {
            free(spareChunks[--spareCount]);
        }
        frame = 0;
        region = 0;
        tail = 0;
        limit = 0;
    }
}
