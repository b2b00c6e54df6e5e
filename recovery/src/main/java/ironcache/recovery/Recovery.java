package ironcache.recovery;

import ironcache.wal.Damage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The recovery of a node: what its shards, each on its own thread ({@link ShardRecovery}), tell each other. When all logs have been read to their ends, it is known
 * how far each is applied ({@link CrossShardUnits}).
 *
 * <pre>
 * reading (each shard)  →  cut (when the last has read)  →  applying (each shard)  →  done
 * </pre>
 */
public final class Recovery {
    private final CrossShardUnits units = new CrossShardUnits();
    private final long[] ends;
    private final LogEnd[] logs;
    private int shardsToRead;
    private int shardsToApply;
    private boolean cut;

    // Bytes of all images and logs; of the logs twice, to verify them and to apply them.
    private long totalBytes;
    private long doneBytes;

    public Recovery(int shards) {
        ends = new long[shards];
        logs = new LogEnd[shards];
        shardsToRead = shards;
        shardsToApply = shards;
    }

    /** A shard's log has been read. */
    synchronized void read(LogEnd end) {
        logs[end.shard()] = end;
        ends[end.shard()] = end.lastWhole();
        end.parts().forEach(units::add);
        if (--shardsToRead == 0) {
            units.cut(ends);
            cut = true;
        }
    }

    /** What keeps the shard's log from being applied as far as it has to be, or null. */
    synchronized @Nullable Damage damage(int shard) {
        return logs[shard].damage(ends, logs[units.cause(shard)]);
    }

    /** Whether {@link #end} is known. */
    synchronized boolean isCut() {
        return cut;
    }

    /** The last frame of the shard's log that is applied. */
    synchronized long end(int shard) {
        return ends[shard];
    }

    /** A shard has applied its log. @return whether it was the last */
    synchronized boolean applied() {
        return --shardsToApply == 0;
    }

    /** A shard has so much to read, about. */
    public synchronized void addTotal(long bytes) {
        totalBytes += bytes;
    }

    synchronized void addDone(long bytes) {
        doneBytes += bytes;
    }

    /** What is to be read, about: logs are allocated in whole segments. */
    public synchronized long totalBytes() {
        return totalBytes;
    }

    public synchronized long doneBytes() {
        return doneBytes;
    }

    @Override
    public synchronized String toString() {
        return "recovery, logs to frame " + Arrays.toString(ends);
    }
}
