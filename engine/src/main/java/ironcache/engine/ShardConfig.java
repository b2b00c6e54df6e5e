package ironcache.engine;

import java.nio.file.Path;

/**
 * What a shard is given.
 *
 * @param directory where its segment files live
 * @param shards how many share what is accounted for the whole process
 * @param memoryBytes bound on index, log, staging and tables together (the frontend takes heap, code and connections off maxmemory first)
 * @param maxDiskBytes bound on segment files; 0: what the file system has
 * @param hashSeed secret of the key hash
 */
public record ShardConfig(
        Path directory, int shards, long memoryBytes, long maxDiskBytes, long hashSeed) {}
