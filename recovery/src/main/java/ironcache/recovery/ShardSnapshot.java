package ironcache.recovery;

import ironcache.engine.Shard;
import ironcache.wal.ImageFile;
import ironcache.wal.WalWriter;
import java.util.BitSet;

/**
 * One shard's part of a {@link Snapshot}, in slices on its owner's thread. Memory is the image file's.
 *
 * <pre>
 * WAITING → SCANNING → FINISHING → SCANNED → CUT → SYNCED
 * </pre>
 */
public final class ShardSnapshot {
    private enum State {
        /** For a moment at which no unit of the log is open. */
        WAITING,
        /** The image is made and written. */
        SCANNING,
        /** The image's last frames are written and synced. */
        FINISHING,
        /** Other shards write theirs, or the cut is about to be made. */
        SCANNED,
        /** What it needs is being synced. */
        CUT,
        SYNCED
    }

    private final Snapshot node;
    private final Shard shard;
    private final WalWriter log;
    private final ImageFile image;

    private State state = State.WAITING;
    private boolean syncWanted;
    private long beginSeqno;
    private long firstLog;
    private long cutSeqno;
    private long lastLog;
    private BitSet segments = new BitSet();

    /**
     * @param log of the shard, to which its effects are appended already
     * @param image empty
     */
    public ShardSnapshot(Snapshot node, Shard shard, WalWriter log, ImageFile image) {
        this.node = node;
        this.shard = shard;
        this.log = log;
        this.image = image;
    }

    /**
     * Goes on; the caller is the owner and in the shard, between two commands.
     *
     * @return whether the node's phase changed by it
     */
    public boolean step() {
        String failure = image.failure();
        failure = failure != null ? failure : log.isFailed() ? log.failure() : shard.syncFailure();
        if (failure != null && node.fail(failure)) {
            return true;
        }
        switch (state) {
            case WAITING -> {
                if (!log.hasUnit()) {
                    begin();
                }
            }
            case SCANNING -> {
                image.commit();
                if (shard.isImageScanned()) {
                    image.finish();
                    state = State.FINISHING;
                }
            }
            case FINISHING -> {
                image.commit();
                if (image.isFinished()) {
                    state = State.SCANNED;
                    return node.done(Snapshot.Phase.SCANNING);
                }
            }
            case CUT -> {
                if (syncWanted) {
                    // The cut may have been another thread's, whose the files are not.
                    syncWanted = false;
                    shard.syncImage();
                }
                if (shard.isSynced() && log.stableSeqno() >= cutSeqno && failure == null) {
                    state = State.SYNCED;
                    segments = shard.imageSegments();
                    return node.done(Snapshot.Phase.SYNCING);
                }
            }
            case SCANNED, SYNCED -> {}
        }
        return false;
    }

    private void begin() {
        log.rotate();
        firstLog = log.segmentGeneration();
        beginSeqno = log.lastSeqno() + 1;
        shard.beginImage(image);
        state = State.SCANNING;
    }

    /** Whether the cut would come in the middle of a transaction, which waits for the SSD. The caller is in the shard. */
    public boolean isInUnit() {
        return log.hasUnit();
    }

    /** The caller is in all shards: this moment is the snapshot's. */
    public void cut() {
        cutSeqno = shard.markCut();
        lastLog = log.segmentGeneration();
        log.rotate();
        syncWanted = true;
        state = State.CUT;
    }

    /**
     * It is over; the caller is in the shard.
     *
     * @param kept whether it is one that may be restored from now on: then the segments that it refers to stay as they are
     */
    public void end(boolean kept) {
        if (state != State.WAITING) {
            shard.endImage(kept);
        }
    }

    // What the manifest says of it.

    /** First seqno of the log that belongs to it, the segments that hold it, and its last seqno. */
    public long beginSeqno() {
        return beginSeqno;
    }

    public long firstLog() {
        return firstLog;
    }

    public long cutSeqno() {
        return cutSeqno;
    }

    public long lastLog() {
        return lastLog;
    }

    /** What it is the shard's part of. */
    public Snapshot node() {
        return node;
    }

    /** Segments of the SSD tier that it refers to, once it is synced. */
    public BitSet segments() {
        return segments;
    }

    public ImageFile image() {
        return image;
    }
}
