package ironcache.recovery;

import java.util.Arrays;

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
    private int shardsToRead;
    private int shardsToApply;
    private boolean cut;

    // Bytes of all images and logs; of the logs twice, to verify them and to apply them.
    private long totalBytes;
    private long doneBytes;

    public Recovery(int shards) {
        ends = new long[shards];
        shardsToRead = shards;
        shardsToApply = shards;
    }

    /** A unit over several shards was read. */
    synchronized void found(CrossShardUnits.Part part) {
        units.add(part);
    }

    /**
     * A shard's log has been read.
     *
     * @param end its last frame whose unit is whole as far as this log can tell
     */
    synchronized void read(int shard, long end) {
        ends[shard] = end;
        if (--shardsToRead == 0) {
            units.cut(ends);
            cut = true;
        }
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
