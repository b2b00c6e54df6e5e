package ironcache.wal;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads the segments of one shard's log, or an image, frame by frame, and decides what a frame that does not verify means.
 *
 * <table>
 * <caption>Decisions</caption>
 * <tr><td>A</td><td>a segment's header does not verify, and it is the first, or a later one follows</td><td>DAMAGED: the manifest, or that later one, vouches for it</td></tr>
 * <tr><td>B</td><td>the header of the last segment does not verify, but one of its frames does</td><td>DAMAGED: frames follow only a durable header</td></tr>
 * <tr><td>C</td><td>the same, and its header is that of another segment from the first one on</td><td>DAMAGED: swapped; only segments older than that are recycled</td></tr>
 * <tr><td>D</td><td>the header of the last segment does not verify, otherwise</td><td>it was made ready and not begun: skipped</td></tr>
 * <tr><td>M</td><td>the last segment is shorter than a header</td><td>DAMAGED: it gets its name when its length is durable</td></tr>
 * <tr><td>E</td><td>a frame at or beyond the first seqno of a later segment</td><td>skipped: a cut that recovery made stays made</td></tr>
 * <tr><td>F</td><td>a frame before that does not verify</td><td>DAMAGED: a segment is begun when the one before it is durable</td></tr>
 * <tr><td>G</td><td>a frame of the last segment does not verify, and a later one or a witness ({@link WalFileLayout}) says that it was durable</td><td>DAMAGED</td></tr>
 * <tr><td>H</td><td>the same, and none does</td><td>TORN where there is something, END where nothing was begun</td></tr>
 * <tr><td>I</td><td>padding between frames is not zero, but the next frame is where it should be</td><td>goes on</td></tr>
 * <tr><td>J</td><td>the file is shorter than its header says</td><td>DAMAGED: it was allocated before the header was written</td></tr>
 * <tr><td>K</td><td>an image does not verify up to its END frame</td><td>DAMAGED: it was finished before any manifest named it</td></tr>
 * <tr><td>L</td><td>a file cannot be opened or read</td><td>DAMAGED</td></tr>
 * </table>
 *
 * <p>Never gives a frame whose checksum, place or seqno is not as it should. A unit whose frames have the flag MORE may still lack its end at the end of the log:
 * that is for the caller to see. So is a last segment that is missing: only what the manifest knows to be stable tells that it was there.
 *
 * <p>Owned by one thread. Owns 3 MiB of memory.
 */
public final class FrameReader implements AutoCloseable {
    /** What {@link #next} found. */
    public enum Status {
        /** A frame: see the accessors. */
        FRAME,
        /** To be called again after completions. */
        PENDING,
        /** There are no more frames, as it should be. */
        END,
        /** The same, and behind the last frame is the rest of a write that a crash cut off, at {@link #file} and {@link #offset}. */
        TORN,
        /** See {@link #damage}. */
        DAMAGED
    }

    /** What it does at the moment. */
    private enum Phase {
        /** Nothing was given yet. */
        UNUSED,
        /** Reads block 0 of each file. */
        HEADERS,
        /** Looks for frames in a last file whose header does not verify. */
        UNBEGUN,
        /** Gives frames. */
        FRAMES,
        /** Behind the last good frame: looks for one that says that more was durable. */
        EVIDENCE,
        /** Has said how it ends. */
        DONE
    }

    /** What was found where a frame was looked for. */
    private enum Found {
        VALID,
        /** No frame of this file that belongs here; {@link #reason} says why. */
        INVALID,
        /** Its bytes are not here yet. */
        PENDING,
        /** The file ends before. */
        BEYOND,
        FAILED
    }

    private static final int BLOCK_BYTES = WalFileLayout.BLOCK_BYTES;

    /** A file of the chain. */
    private static final class Segment {
        final Path path;
        final long generation;
        boolean begun;

        /** From the header, where it verifies. */
        long firstSeqno;

        long fileBytes = Long.MAX_VALUE;
        long witness;

        /** Why it is not begun. */
        @Nullable Damage damage;

        /** Whatever follows or not, no crash explains it. */
        boolean fatal;

        /** The seqno at which the next segment that counts begins; Long.MAX_VALUE in the last one. */
        long endSeqno = Long.MAX_VALUE;

        Segment(Path path, long generation) {
            this.path = path;
            this.generation = generation;
        }
    }

    /** Not where a test plants the bug of a recovery that believes its disk: then the frame that is expected counts as it is. */
    @SuppressWarnings("NonFinalStaticField")
    static boolean verifiesFrames = true;

    private final Io io;
    private final ReadAhead window;
    private final Crc32c crc = new Crc32c();

    private Segment[] segments = {};
    private int type;
    private int shard;
    private long nodeId;
    private long fromSeqno;

    private Phase phase = Phase.UNUSED;
    private Status outcome = Status.END;
    private int index;
    private boolean isOpen;
    private boolean closing;
    private long position;
    private long expectedSeqno;
    private boolean ended;
    private @Nullable Damage damage;

    /** The first place where the frame that is looked for did not verify; null where none was tried. */
    private @Nullable Damage bad;

    /** Something was begun there or behind, that a crash cut off. */
    private boolean torn;

    /** Why what was examined last is no frame, and whether its header names the seqno that was expected. */
    private @Nullable Damage reason;

    private boolean reasonIsTorn;

    private boolean reasonIsZero;

    // The frame given last.
    private long frame;
    private long frameOffset;
    private int frameLength;

    private long lastGeneration;
    private long witness;

    /** Only the segments that can be cut are read. */
    private boolean endOnly;

    private long passedOver;

    /** @param tokenBase of tokens of its reads, low 32 bits zero */
    public FrameReader(Io io, long tokenBase) {
        this.io = io;
        this.window = new ReadAhead(io, tokenBase);
    }

    /**
     * Begins with the segments of a log.
     *
     * @param files by generation, from the one that the manifest names on, all that there are
     * @param newNodeId of the manifest
     * @param firstSeqno that the first must begin with; 0 where it is not known
     */
    public void openLog(List<Path> files, int newShard, long newNodeId, long firstSeqno) {
        segments = new Segment[files.size()];
        for (int i = 0; i < segments.length; i++) {
            segments[i] = new Segment(files.get(i), WalFileLayout.logGeneration(files.get(i)));
        }
        open(WalFileLayout.TYPE_LOG, newShard, newNodeId, firstSeqno);
        for (int i = 1; i < segments.length; i++) {
            long expected = segments[i - 1].generation + 1;
            if (segments[i].generation != expected) {
                Path missing =
                        segments[i].path.resolveSibling(
                                WalFileLayout.logFile(Path.of(""), expected).toString());
                damaged(new Damage(missing, 0, "file", "a log segment", "nothing: it is missing"));
                return;
            }
        }
    }

    /**
     * Begins with the end of a log: segments of which a witness says that all of them was acknowledged are passed over, but for their headers. Nothing in them can be cut, whatever other
     * logs lack; so whoever wants to know where the log ends need not read them.
     *
     * @see #passedOver
     */
    public void openLogEnd(List<Path> files, int newShard, long newNodeId, long firstSeqno) {
        openLog(files, newShard, newNodeId, firstSeqno);
        endOnly = true;
    }

    /** Begins with an image. */
    public void openImage(Path file, int newShard, long newNodeId) {
        segments = new Segment[] {new Segment(file, WalFileLayout.imageGeneration(file))};
        open(WalFileLayout.TYPE_IMAGE, newShard, newNodeId, 1);
    }

    private void open(int newType, int newShard, long newNodeId, long firstSeqno) {
        if (isOpen || phase != Phase.UNUSED && phase != Phase.DONE) {
            throw new IllegalStateException("the reader is in use");
        }
        type = newType;
        shard = newShard;
        nodeId = newNodeId;
        fromSeqno = firstSeqno;
        index = 0;
        damage = null;
        bad = null;
        torn = false;
        ended = false;
        lastGeneration = 0;
        witness = 0;
        endOnly = false;
        passedOver = 0;
        expectedSeqno = firstSeqno;
        outcome = Status.END;
        phase = segments.length == 0 ? Phase.DONE : Phase.HEADERS;
    }

    /** The next frame, or how it ends; the frame given before is not valid any more. */
    public Status next() {
        while (true) {
            if (closing) {
                if (!window.closeFile()) {
                    return Status.PENDING;
                }
                closing = false;
                isOpen = false;
            }
            Status status =
                    switch (phase) {
                        case UNUSED -> throw new IllegalStateException("nothing to read");
                        case HEADERS -> readHeader();
                        case UNBEGUN -> searchUnbegun();
                        case FRAMES -> nextFrame();
                        case EVIDENCE -> searchEvidence();
                        case DONE -> outcome;
                    };
            if (status != null) {
                return status;
            }
        }
    }

    /** The operation whose token was {@code tokenBase | op} has completed. */
    public void onFile(int op, int result) {
        window.onFile(op, result);
    }

    // Each of the following returns null where it is to be asked again, in whatever phase it left.

    private @Nullable Status readHeader() {
        Segment segment = segments[index];
        if (!isOpen && !openFile(segment, BLOCK_BYTES)) {
            return null;
        }
        long block = window.window(0, BLOCK_BYTES);
        if (block == ReadAhead.PENDING) {
            return Status.PENDING;
        }
        if (block == ReadAhead.FAILED) {
            return damaged(unreadable(segment));
        }
        if (block == ReadAhead.BEYOND_END) {
            segment.damage = truncated(segment, BLOCK_BYTES + " at least");
            segment.fatal = true;
        } else {
            evaluateHeader(segment, block);
        }
        closing = true;
        if (++index == segments.length) {
            return chain();
        }
        return null;
    }

    private void evaluateHeader(Segment segment, long block) {
        Damage broken = WalFileLayout.checkWhole(block, segment.path, crc);
        Damage foreign =
                broken != null
                        ? null
                        : WalFileLayout.checkPlace(
                                block, segment.path, type, shard, segment.generation, nodeId);
        if (broken != null) {
            segment.damage = broken;
            segment.fatal = broken.field().equals("version");
        } else if (foreign != null) {
            segment.damage = foreign;
            // A recycled file keeps the header of its former life until it is begun again; but only
            // what is older than the whole chain is recycled.
            segment.fatal =
                    !foreign.field().equals("generation")
                            || WalFileLayout.generation(block) >= segments[0].generation;
        } else {
            segment.begun = true;
            segment.firstSeqno = WalFileLayout.firstSeqno(block);
            long bytes = WalFileLayout.fileBytes(block);
            segment.fileBytes = bytes == 0 ? Long.MAX_VALUE : bytes;
            segment.witness = WalFileLayout.witness(block, crc);
        }
    }

    /** All headers are known: which segments count, and where each ends. */
    private @Nullable Status chain() {
        int count = segments.length;
        for (int i = 0; i < count; i++) {
            Damage broken = segments[i].damage;
            if (broken != null && (i == 0 || i < count - 1 || segments[i].fatal)) {
                return damaged(broken);
            }
        }
        if (fromSeqno != 0 && segments[0].firstSeqno != fromSeqno) {
            return damaged(
                    new Damage(
                            segments[0].path,
                            0,
                            "firstSeqno",
                            "" + fromSeqno,
                            "" + segments[0].firstSeqno));
        }
        if (!segments[count - 1].begun) {
            phase = Phase.UNBEGUN;
            index = count - 1;
            position = BLOCK_BYTES;
            return null;
        }
        long end = Long.MAX_VALUE;
        int kept = count;
        for (int i = count - 1; i >= 0; i--) {
            if (segments[i].firstSeqno < end) {
                segments[i].endSeqno = end;
                end = segments[i].firstSeqno;
                witness = Math.max(witness, segments[i].witness);
                segments[--kept] = segments[i];
            }
        }
        lastGeneration = segments[count - 1].generation;
        segments = Arrays.copyOfRange(segments, kept, count);
        index = 0;
        while (endOnly && index + 1 < segments.length && segments[index].endSeqno <= witness + 1) {
            index++;
        }
        expectedSeqno = segments[index].firstSeqno;
        passedOver = endOnly ? expectedSeqno - 1 : 0;
        position = BLOCK_BYTES;
        phase = Phase.FRAMES;
        return null;
    }

    private @Nullable Status searchUnbegun() {
        Segment segment = segments[index];
        if (!isOpen && !openFile(segment, Long.MAX_VALUE)) {
            return null;
        }
        switch (examine(segment)) {
            case PENDING -> {
                return Status.PENDING;
            }
            case FAILED -> {
                return damaged(unreadable(segment));
            }
            case VALID -> {
                Damage header = Objects.requireNonNull(segment.damage);
                return damaged(header);
            }
            case INVALID -> position += BLOCK_BYTES;
            case BEYOND -> {
                closing = true;
                segments = Arrays.copyOf(segments, index);
                return chain();
            }
        }
        return null;
    }

    private @Nullable Status nextFrame() {
        Segment segment = segments[index];
        if (expectedSeqno == segment.endSeqno) {
            closing = isOpen;
            index++;
            position = BLOCK_BYTES;
            ended = false;
            return null;
        }
        if (ended) {
            return segment.endSeqno == Long.MAX_VALUE
                    ? done(Status.END)
                    : damaged(
                            new Damage(
                                    segment.path,
                                    frameOffset,
                                    "kind",
                                    "frames up to seqno " + (segment.endSeqno - 1),
                                    "END at seqno " + (expectedSeqno - 1)));
        }
        if (!isOpen && !openFile(segment, segment.fileBytes)) {
            return null;
        }
        Found found = examine(segment);
        if (found == Found.VALID && FrameLayout.seqno(frame) != expectedSeqno) {
            found = invalid(segment, "seqno", "" + expectedSeqno, "" + FrameLayout.seqno(frame));
        }
        switch (found) {
            case PENDING -> {
                return Status.PENDING;
            }
            case FAILED -> {
                return damaged(unreadable(segment));
            }
            case BEYOND -> {
                return damaged(truncated(segment, fileBytes(segment)));
            }
            case VALID -> {
                bad = null;
                torn = false;
                expectedSeqno++;
                position = frameOffset + FrameLayout.HEADER_BYTES + frameLength;
                ended = FrameLayout.kind(frame) == FrameLayout.END;
                return Status.FRAME;
            }
            case INVALID -> {
                return missed(segment);
            }
        }
        return null;
    }

    /** No frame at the position: perhaps at the next block; else the chain ends here. */
    private @Nullable Status missed(Segment segment) {
        boolean betweenCommits = (position & BLOCK_BYTES - 1) != 0;
        if (bad == null && !(betweenCommits && reasonIsZero)) {
            bad = reason;
            torn = reasonIsTorn;
        }
        if (betweenCommits) {
            position = position + BLOCK_BYTES - 1 & -BLOCK_BYTES;
            return null;
        }
        if (type == WalFileLayout.TYPE_IMAGE || segment.endSeqno != Long.MAX_VALUE) {
            return damaged(bad());
        }
        if (witness >= expectedSeqno) {
            return damaged(bad());
        }
        phase = Phase.EVIDENCE;
        return null;
    }

    private Damage bad() {
        return Objects.requireNonNull(bad);
    }

    private @Nullable Status searchEvidence() {
        Segment segment = segments[index];
        if (position + FrameLayout.HEADER_BYTES > segment.fileBytes) {
            return done(torn ? Status.TORN : Status.END);
        }
        Found found = examine(segment);
        switch (found) {
            case PENDING -> {
                return Status.PENDING;
            }
            case FAILED -> {
                return damaged(unreadable(segment));
            }
            case BEYOND -> {
                return damaged(truncated(segment, fileBytes(segment)));
            }
            case VALID -> {
                if (FrameLayout.durable(frame) >= expectedSeqno) {
                    return damaged(bad());
                }
                torn |= FrameLayout.seqno(frame) > expectedSeqno;
            }
            case INVALID -> {}
        }
        position += BLOCK_BYTES;
        return null;
    }

    /** Looks for a frame of this file at the position, whatever its seqno. */
    private Found examine(Segment segment) {
        if (position + FrameLayout.HEADER_BYTES > segment.fileBytes) {
            reasonIsZero = true;
            return invalid(segment, "seqno", "" + expectedSeqno, "the end of the file");
        }
        long at = window.window(position, FrameLayout.HEADER_BYTES);
        if (at <= 0) {
            return absent(at);
        }
        reasonIsZero = FrameLayout.isAbsent(at);
        reasonIsTorn = !reasonIsZero && FrameLayout.seqno(at) == expectedSeqno;
        if (!FrameLayout.isPlausible(at)) {
            return invalid(segment, "kind", "1 to 3", "" + FrameLayout.kind(at));
        }
        int bytes = FrameLayout.HEADER_BYTES + FrameLayout.length(at);
        if (bytes > segment.fileBytes - position) {
            return invalid(segment, "length", "the end in the file", "" + FrameLayout.length(at));
        }
        at = window.window(position, bytes);
        if (at == ReadAhead.BEYOND_END && phase == Phase.UNBEGUN) {
            return Found.INVALID;
        }
        if (at <= 0) {
            return absent(at);
        }
        int expected =
                FrameLayout.expectedCrc(at, nodeId, shard, segment.generation, position, crc);
        if (expected != FrameLayout.crc32c(at)
                && (verifiesFrames || FrameLayout.seqno(at) != expectedSeqno)) {
            return invalid(
                    segment,
                    "crc32c",
                    WalFileLayout.hex(expected),
                    WalFileLayout.hex(FrameLayout.crc32c(at)));
        }
        frame = at;
        frameOffset = position;
        frameLength = bytes - FrameLayout.HEADER_BYTES;
        return Found.VALID;
    }

    private static Found absent(long window) {
        return window == ReadAhead.PENDING
                ? Found.PENDING
                : window == ReadAhead.FAILED ? Found.FAILED : Found.BEYOND;
    }

    private Found invalid(Segment segment, String field, String expected, String actual) {
        // Strings only where they will be shown: a search tries each block of a file, and behind
        // most commits is padding.
        boolean isPadding = reasonIsZero && (position & BLOCK_BYTES - 1) != 0;
        if (phase == Phase.FRAMES && !isPadding) {
            reason = new Damage(segment.path, position, field, expected, actual);
        }
        return Found.INVALID;
    }

    private boolean openFile(Segment segment, long limit) {
        try {
            // Past the page cache: its memory would have to be found, too, and be copied from.
            window.open(io.openFile(segment.path, Io.OpenMode.READ, true), limit);
            isOpen = true;
            return true;
        } catch (IOException e) {
            damaged(new Damage(segment.path, 0, "file", "readable", String.valueOf(e)));
            return false;
        }
    }

    private Damage unreadable(Segment segment) {
        return new Damage(
                segment.path,
                window.failedOffset(),
                "read",
                "the bytes there",
                Errno.name(window.errno()));
    }

    private Damage truncated(Segment segment, String expected) {
        return new Damage(
                segment.path, window.endOffset(), "fileBytes", expected, "" + window.endOffset());
    }

    private static String fileBytes(Segment segment) {
        return segment.fileBytes == Long.MAX_VALUE ? "an END frame" : "" + segment.fileBytes;
    }

    private @Nullable Status damaged(Damage found) {
        damage = found;
        return done(Status.DAMAGED);
    }

    /** The outcome is told when the file is closed. */
    private @Nullable Status done(Status status) {
        outcome = status;
        phase = Phase.DONE;
        closing = isOpen;
        return null;
    }

    // The frame given last.

    public long seqno() {
        return FrameLayout.seqno(frame);
    }

    public long durable() {
        return FrameLayout.durable(frame);
    }

    public long stable() {
        return FrameLayout.stable(frame);
    }

    public int kind() {
        return FrameLayout.kind(frame);
    }

    public int flags() {
        return FrameLayout.flags(frame);
    }

    /** Address of the payload; valid until the next call of {@link #next}. */
    public long payload() {
        return frame + FrameLayout.HEADER_BYTES;
    }

    /** Bytes of the payload, the list of parts included. */
    public int length() {
        return frameLength;
    }

    /**
     * With or after the first frame: the last one that was acknowledged, as the witnesses of the segments that count say; 0: none says anything. No witness says more than what its own segment holds and those
     * before it, and no cut that recovery makes goes back behind what was acknowledged. So those of earlier segments are as true, and a log that was ended, whose last segments are gone or that is a snapshot's own
     * is not expected to hold more than it has.
     */
    public long witness() {
        return witness;
    }

    /** With or after the first frame: the last one that was passed over; 0: none was. */
    public long passedOver() {
        return passedOver;
    }

    // Where it is.

    /** The file of the frame given last; after TORN that of the torn write. */
    public Path file() {
        return segments[index].path;
    }

    public long generation() {
        return segments[index].generation;
    }

    /** Where the frame given last begins in its file; after TORN, where the frame is torn. */
    public long offset() {
        Damage torn = bad;
        return torn == null ? frameOffset : torn.offset();
    }

    /** After DAMAGED. */
    public @Nullable Damage damage() {
        return damage;
    }

    /** After TORN: what is wrong with the first frame that does not count. */
    public @Nullable Damage tear() {
        return bad;
    }

    /** Of the frame after the last one given. */
    public long nextSeqno() {
        return expectedSeqno;
    }

    /** After END and TORN: the last segment that was begun; a {@link WalWriter} goes on with the one after it. 0 where there is none. */
    public long lastGeneration() {
        return lastGeneration;
    }

    /** Read from files so far, for progress. */
    public long bytesRead() {
        return window.bytesRead();
    }

    /** Frees the memory. Nothing may be in flight: after a status other than FRAME and PENDING, or after the {@link Io} is closed. */
    @Override
    public void close() {
        window.close();
    }
}
