package ironcache.engine;

import java.nio.file.Path;

/**
 * What a shard is given.
 *
 * @param directory where its segment files live
 * @param shards how many share what is accounted for the whole process
 * @param memoryBytes bound on index, log, staging and tables together (the frontend takes heap, code and connections off maxmemory first);
 *     {@link #LEAST_MEMORY_BYTES} at least
 * @param maxDiskBytes bound on segment files; 0: what the file system has
 * @param segmentPages of a segment file; 0: by what the disk has
 * @param hashSeed secret of the key hash
 * @param framesUsed of a state that will be loaded ({@link Shard#loadState}); as many are mapped at least
 * @param notesUsed of such a state: shadows
 */
public record ShardConfig(
        Path directory,
        int shards,
        long memoryBytes,
        long maxDiskBytes,
        int segmentPages,
        long hashSeed,
        int framesUsed,
        int notesUsed) {
    /** Of a shard that begins without a state. */
    public ShardConfig(
            Path directory,
            int shards,
            long memoryBytes,
            long maxDiskBytes,
            int segmentPages,
            long hashSeed) {
        this(directory, shards, memoryBytes, maxDiskBytes, segmentPages, hashSeed, 0, 0);
    }

    /** With less, what every shard takes for its buffers would leave the index and the log no room to work in. */
    public static final long LEAST_MEMORY_BYTES = 32L << 20;
}
