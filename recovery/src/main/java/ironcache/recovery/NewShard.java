package ironcache.recovery;

import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.ffm.SystemClock;
import ironcache.wal.ImageFile;
import ironcache.wal.Manifest;
import ironcache.wal.Peers;
import ironcache.wal.SyncPolicy;
import ironcache.wal.WalOptions;
import ironcache.wal.WalWriter;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * A shard of the engine in a directory that is being made: is filled, and leaves a snapshot behind. Owned by one thread; owns the shard.
 */
public final class NewShard implements AutoCloseable {
    private static final long IMAGE_TOKEN = Shard.FIRST_FOREIGN_TOKEN | 1L << 48;
    private static final int LOG_SEGMENT_BYTES = 2 << 20;

    private final FileWorker worker;
    private final ShardConfig config;
    private final int number;
    private final Shard shard;
    private final ShardTurns turns;
    private @Nullable ImageFile image;
    private @Nullable WalWriter log;

    /** @param check run often: throws where the job is to end */
    public NewShard(FileWorker worker, int number, ShardConfig config, Runnable check)
            throws IOException {
        this.worker = worker;
        this.number = number;
        this.config = config;
        turns = new ShardTurns(worker, check);
        shard = new Shard(worker.io, SystemClock.INSTANCE, config, turns);
        worker.handle(this::onFile);
    }

    private void onFile(long token, int result) {
        ImageFile writing = image;
        if (token >= Shard.FIRST_FOREIGN_TOKEN) {
            if (writing != null) {
                writing.onFile((int) token, result);
            }
        } else {
            shard.fileHandler().onFile(token, result);
        }
    }

    /** What {@link #write} is about. */
    public Shard shard() {
        return shard;
    }

    private void turn() {
        turns.turn(shard);
    }

    /** Runs a command to its end, however often it misses. */
    public void write(Runnable command) {
        turns.write(shard, command);
    }

    /** Makes a snapshot of the shard as it is. */
    public Manifest.SnapshotPart snapshot(long nodeId, long generation) throws IOException {
        WalWriter newLog =
                new WalWriter(
                        worker.io,
                        config.directory(),
                        number,
                        nodeId,
                        new WalOptions(LOG_SEGMENT_BYTES, SyncPolicy.ALWAYS),
                        Shard.logToken(),
                        Peers.NONE,
                        1,
                        1);
        log = newLog;
        shard.keepLog(newLog);
        ImageFile newImage =
                new ImageFile(
                        worker.io, config.directory(), number, nodeId, generation, IMAGE_TOKEN);
        image = newImage;
        Snapshot node = new Snapshot(generation, 1);
        ShardSnapshot part = new ShardSnapshot(node, shard, newLog, newImage);
        while (node.phase() != Snapshot.Phase.SYNCED) {
            if (node.phase() == Snapshot.Phase.CUTTING) {
                part.cut();
                node.cut();
            } else if (node.phase() == Snapshot.Phase.FAILED) {
                throw new CannotWriteException(config.directory() + ": " + node.failure());
            }
            turn();
            part.step();
        }
        Manifest.SnapshotPart made =
                new Manifest.SnapshotPart(
                        generation,
                        part.beginSeqno(),
                        part.cutSeqno(),
                        part.firstLog(),
                        part.lastLog(),
                        part.segments());
        node.keep();
        part.end(true);
        // Its completions come through the shard, as long as that keeps it.
        while (!newLog.isQuiet()) {
            turn();
        }
        shard.keepLog(null);
        return made;
    }

    /** Of the snapshot. */
    public long imageBytes() {
        ImageFile made = image;
        return made == null ? 0 : made.writtenBytes();
    }

    /** Before the worker. */
    @Override
    public void close() {
        shard.close();
    }

    /** After the worker's Io is closed. */
    public void free() {
        if (image != null) {
            image.close();
        }
        if (log != null) {
            log.close();
        }
    }
}
