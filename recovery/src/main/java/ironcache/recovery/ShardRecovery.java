package ironcache.recovery;

import ironcache.engine.Shard;
import ironcache.ffm.Clock;
import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.parity.ParityId;
import ironcache.parity.Repair;
import ironcache.tiering.DamagedBlockException;
import ironcache.wal.Damage;
import ironcache.wal.FrameLayout;
import ironcache.wal.FrameReader;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Recovers one shard, in slices on its owner's thread. First its log's end is read, as far back as it might have to be cut; then, on top of the image where there is one, all of it is
 * read, and its effects are applied up to where all shards agreed ({@link Recovery}). Files are not changed by that, so that a start may find damage at any time and end.
 *
 * <pre>
 * READING → SYNCING → AGREEING → IMAGE → TABLES → APPLYING → DONE
 * </pre>
 */
public final class ShardRecovery implements Io.FileHandler, AutoCloseable {
    private enum State {
        /** The log's end is read. */
        READING,
        /** What was read becomes durable: a process that was killed leaves writes that no sync followed, and nobody is to be shown what could still be lost. */
        SYNCING,
        /** Other shards still read theirs. */
        AGREEING,
        /** The image is loaded. */
        IMAGE,
        /** The pages that it refers to are looked at. */
        TABLES,
        /** Effects are applied. */
        APPLYING,
        /** The shard is as it was. */
        DONE
    }

    /** The operation that is none of the reader's. */
    private static final int SYNC = Integer.MAX_VALUE;

    /** Frames between two looks at the clock. */
    private static final int FRAMES_PER_CHECK = 16;

    private final Recovery node;
    private final int number;
    private final Shard shard;
    private final Consumer<String> log;
    private final Io io;
    private final ShardSource source;
    private final long nodeId;
    private final FileMender mender;

    private State state = State.READING;
    private FrameReader reader;
    private boolean isReading = true;

    /** Bytes that earlier readers read, and those that the node was told of. */
    private long bytesBefore;

    private long bytesTold;

    // READING.
    private LogEnd logEnd;

    // Repairs.
    /** A file is being mended; what was read of it is read again then. */
    private boolean mending;

    private final Set<Path> mended = new HashSet<>();
    private String mendedNote = "";

    /** IMAGE, APPLYING: the last frame that was given. */
    private long lastGiven;

    /** IMAGE, APPLYING: frames up to this one were applied before their file was mended. */
    private long appliedTo;

    // SYNCING: the last segment of the log, earlier ones are durable; -1: not opened yet.
    private int syncing = -1;
    private boolean isSynced;

    // APPLYING: of the current frame.
    private boolean inFrame;
    private int applied;
    private long end;
    private long lastGeneration;

    /**
     * @param source what there is to recover from
     * @param mender is asked where a file is damaged
     * @param log for what the operator should know
     */
    public ShardRecovery(
            Recovery node,
            int number,
            Io io,
            Shard shard,
            ShardSource source,
            long nodeId,
            FileMender mender,
            Consumer<String> log) {
        this.node = node;
        this.number = number;
        this.io = io;
        this.shard = shard;
        this.source = source;
        this.nodeId = nodeId;
        this.mender = mender;
        this.log = log;
        logEnd = newEnd();
        reader = openLogEnd();
        shard.beginReplay();
    }

    private LogEnd newEnd() {
        return new LogEnd(number, source.log(), source.firstSeqno(), source.cutSeqno());
    }

    private FrameReader openLogEnd() {
        FrameReader fresh = new FrameReader(io, Shard.FIRST_FOREIGN_TOKEN);
        fresh.openLogEnd(source.log(), number, nodeId, source.firstSeqno());
        return fresh;
    }

    private FrameReader openLog() {
        FrameReader fresh = new FrameReader(io, Shard.FIRST_FOREIGN_TOKEN);
        fresh.openLog(source.log(), number, nodeId, source.firstSeqno());
        return fresh;
    }

    /** Where the shard's log ends: the last frame that was applied. */
    public long end() {
        return end;
    }

    /** The last segment of the log that was begun. */
    public long lastGeneration() {
        return lastGeneration;
    }

    /**
     * Goes on for about {@code budgetNanos}; the caller is in the shard.
     *
     * @return whether it got anywhere; else it waits for a completion, for memory, or for another shard
     */
    public boolean step(long budgetNanos, Clock clock) {
        long deadline = clock.nanoTime() + budgetNanos;
        boolean any = false;
        int frames = 0;
        while (state != State.DONE && !mending) {
            boolean on =
                    switch (state) {
                        case READING -> read();
                        case SYNCING -> sync();
                        case AGREEING -> agree();
                        case IMAGE, APPLYING -> apply();
                        case TABLES -> look();
                        case DONE -> false;
                    };
            if (!on) {
                break;
            }
            any = true;
            if (++frames % FRAMES_PER_CHECK == 0 && clock.nanoTime() - deadline >= 0) {
                break;
            }
        }
        tellProgress();
        return any;
    }

    private void tellProgress() {
        long bytes = bytesBefore + (isReading ? reader.bytesRead() : 0);
        node.addDone(bytes - bytesTold);
        bytesTold = bytes;
    }

    private void closeReader() {
        bytesBefore += reader.bytesRead();
        isReading = false;
        reader.close();
    }

    private void read(FrameReader next) {
        reader = next;
        isReading = true;
    }

    public boolean isDone() {
        return state == State.DONE;
    }

    // READING.

    private boolean read() {
        switch (reader.next()) {
            case PENDING -> {
                return false;
            }
            case FRAME -> logEnd.frame(reader);
            case TORN -> {
                log.accept(
                        "shard "
                                + number
                                + ": the log's tail was torn by the crash and is cut at "
                                + reader.file()
                                + ", offset "
                                + reader.offset());
                readToEnd();
            }
            case END -> readToEnd();
            case DAMAGED -> mend();
        }
        return true;
    }

    private void readToEnd() {
        logEnd.passOver(reader.passedOver());
        if (logEnd.isInUnit()) {
            log.accept(
                    "shard "
                            + number
                            + ": the last transaction was not logged to its end, and did not happen");
        }
        if (logEnd.lastWhole() < source.cutSeqno()) {
            throw new RecoveryException(
                    "shard "
                            + number
                            + ", the log from "
                            + source.log()
                            + ": ends with frame "
                            + logEnd.lastWhole()
                            + ", expected one up to "
                            + source.cutSeqno()
                            + " at least, which the manifest says was durable; "
                            + RecoveryException.WHAT_TO_RUN);
        }
        state = State.SYNCING;
    }

    // SYNCING.

    private boolean sync() {
        lastGeneration = reader.lastGeneration();
        Path last = lastSegment();
        if (last != null && !isSynced) {
            return syncing < 0 && open(last);
        }
        node.read(logEnd);
        state = State.AGREEING;
        return true;
    }

    private @Nullable Path lastSegment() {
        for (Path file : source.log()) {
            if (WalFileLayout.logGeneration(file) == lastGeneration) {
                return file;
            }
        }
        return null;
    }

    private boolean open(Path file) {
        try {
            syncing = io.openFile(file, Io.OpenMode.READ_WRITE, true);
        } catch (IOException e) {
            throw new RecoveryException(String.valueOf(e.getMessage()));
        }
        io.sync(syncing, Shard.FIRST_FOREIGN_TOKEN | SYNC);
        return true;
    }

    private void onSync(int result) {
        io.closeFile(syncing);
        if (result < 0) {
            throw new RecoveryException(
                    lastSegment() + ": cannot be synced: " + Errno.name(result));
        }
        isSynced = true;
    }

    // Repairs.

    /** Has the damaged file mended, once, and reads on: the log from its begin while it is verified, else what was not applied yet. */
    private void mend() {
        Damage damage = Objects.requireNonNull(reader.damage());
        Path file = damage.file();
        long segment = WalFileLayout.logGeneration(file);
        ParityId id =
                segment >= 0
                        ? ParityId.log(number, nodeId, segment)
                        : ParityId.image(number, nodeId, WalFileLayout.imageGeneration(file));
        mending = mended.add(file) && mender.mend(id, file, this::mended);
        if (!mending) {
            throw new RecoveryException(damage + mendedNote + "; " + RecoveryException.WHAT_TO_RUN);
        }
    }

    private void mended(Repair repair) {
        mending = false;
        mendedNote =
                repair.outcome() == Repair.Outcome.ABSENT ? "" : "; its parity says: " + repair;
        closeReader();
        switch (state) {
            case READING -> {
                logEnd = newEnd();
                read(openLogEnd());
            }
            case IMAGE -> {
                appliedTo = lastGiven;
                read(openImage(Objects.requireNonNull(source.image())));
            }
            default -> {
                appliedTo = lastGiven;
                read(openLog());
            }
        }
    }

    // AGREEING.

    private boolean agree() {
        if (!node.isCut()) {
            return false;
        }
        end = node.end(number);
        Damage damage = node.damage(number);
        if (damage != null) {
            throw new RecoveryException(damage + "; " + RecoveryException.WHAT_TO_RUN);
        }
        if (end < logEnd.lastWhole()) {
            log.accept(
                    "shard "
                            + number
                            + ": "
                            + (logEnd.lastWhole() - end)
                            + " frames are not applied: a transaction over several shards is not whole in another's log");
        }
        closeReader();
        Path image = source.image();
        if (image == null) {
            read(openLog());
            state = State.APPLYING;
        } else {
            read(openImage(image));
            shard.beginImageReplay();
            state = State.IMAGE;
        }
        return true;
    }

    private FrameReader openImage(Path image) {
        FrameReader images = new FrameReader(io, Shard.FIRST_FOREIGN_TOKEN);
        images.openImage(image, number, nodeId);
        return images;
    }

    // IMAGE and TABLES.

    private boolean look() {
        try {
            if (!shard.endImageReplay()) {
                return false;
            }
        } catch (IllegalStateException e) {
            throw new RecoveryException(e.getMessage() + "; " + RecoveryException.WHAT_TO_RUN);
        }
        read(openLog());
        state = State.APPLYING;
        return true;
    }

    // APPLYING.

    private boolean apply() {
        if (!inFrame) {
            switch (reader.next()) {
                case PENDING -> {
                    return false;
                }
                case FRAME -> {
                    // What is cut off is read nevertheless: the reader reads ahead.
                    inFrame =
                            reader.length() > 0
                                    && (state == State.IMAGE || reader.seqno() <= end)
                                    && reader.seqno() > appliedTo;
                    lastGiven = reader.seqno();
                    applied = 0;
                }
                case END, TORN -> applied();
                case DAMAGED -> mend();
            }
            return true;
        }
        int length = FrameLayout.effectsBytes(reader.payload(), reader.length(), reader.flags());
        int before = applied;
        try {
            applied = shard.replay(reader.payload(), length, applied);
        } catch (DamagedBlockException e) {
            throw new RecoveryException(e.getMessage() + "; " + RecoveryException.WHAT_TO_RUN);
        } catch (IllegalStateException e) {
            throw new RecoveryException(
                    reader.file() + ", frame at offset " + reader.offset() + ", " + e.getMessage());
        }
        inFrame = applied < length;
        return applied > before || !inFrame;
    }

    private void applied() {
        if (state == State.IMAGE) {
            closeReader();
            lastGiven = 0;
            appliedTo = 0;
            state = State.TABLES;
        } else {
            done();
        }
    }

    private void done() {
        closeReader();
        shard.endReplay();
        state = State.DONE;
    }

    @Override
    public void onFile(long token, int result) {
        if ((int) token == SYNC) {
            onSync(result);
        } else {
            reader.onFile((int) token, result);
        }
    }

    @Override
    public void close() {
        if (isReading) {
            reader.close();
        }
    }
}
