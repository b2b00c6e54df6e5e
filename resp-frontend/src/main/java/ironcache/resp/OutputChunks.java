package ironcache.resp;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/**
 * Pool of the off-heap chunks that replies are written into. Owned by the shard's thread.
 *
 * <pre>
 * 0      8          12     16
 * | next | capacity | used | data ... |
 * </pre>
 *
 * Ordinary chunks hold {@value #DATA_BYTES} bytes; their stride is an odd number of cache lines, so that the first lines of many
 * connections' chunks don't fall into one set of the cache. Bigger ones, for big values, are allocated and freed as needed.
 */
final class OutputChunks implements AutoCloseable {
    static final int HEADER_BYTES = 16;
    static final int DATA_BYTES = (16 << 10) + 64 - HEADER_BYTES;

    /** Most that one chunk holds: a bigger value spans several. */
    static final int MAX_DATA_BYTES = 1 << 20;

    private static final int CHUNK_BYTES = HEADER_BYTES + DATA_BYTES;
    private static final int NEXT = 0;
    private static final int CAPACITY = 8;
    private static final int USED = 12;

    /** Free ordinary chunks, last freed first. */
    private long[] free = new long[64];

    private int freeCount;
    private final int keepFree;
    private long bytes;

    /** @param keepFree ordinary chunks kept when not in use */
    OutputChunks(int keepFree) {
        this.keepFree = keepFree;
    }

    /** A chunk that holds at least {@code dataBytes} (bounded by {@link #MAX_DATA_BYTES}). */
    long take(int dataBytes) {
        long chunk;
        int capacity;
        if (dataBytes <= DATA_BYTES) {
            capacity = DATA_BYTES;
            if (freeCount > 0) {
                chunk = free[--freeCount];
            } else {
                chunk = Memory.allocate(CHUNK_BYTES, MemoryTag.NETWORK);
                bytes += CHUNK_BYTES;
            }
        } else {
            capacity = Math.min(dataBytes, MAX_DATA_BYTES);
            chunk = Memory.allocate(HEADER_BYTES + capacity, MemoryTag.NETWORK);
            bytes += HEADER_BYTES + capacity;
        }
        Memory.putLong(chunk + NEXT, 0);
        Memory.putInt(chunk + CAPACITY, capacity);
        Memory.putInt(chunk + USED, 0);
        return chunk;
    }

    void give(long chunk) {
        int capacity = capacity(chunk);
        if (capacity == DATA_BYTES && freeCount < keepFree) {
            if (freeCount == free.length) {
                free = java.util.Arrays.copyOf(free, freeCount * 2);
            }
            free[freeCount++] = chunk;
        } else {
            Memory.free(chunk, HEADER_BYTES + capacity, MemoryTag.NETWORK);
            bytes -= HEADER_BYTES + capacity;
        }
    }

    /** Bytes held, free ones included. */
    long bytes() {
        return bytes;
    }

    /** Bytes held, free ones not included. */
    long usedBytes() {
        return bytes - (long) freeCount * CHUNK_BYTES;
    }

    static long data(long chunk) {
        return chunk + HEADER_BYTES;
    }

    static int capacity(long chunk) {
        return Memory.getInt(chunk + CAPACITY);
    }

    static int used(long chunk) {
        return Memory.getInt(chunk + USED);
    }

    static void setUsed(long chunk, int used) {
        Memory.putInt(chunk + USED, used);
    }

    static long next(long chunk) {
        return Memory.getLong(chunk + NEXT);
    }

    static void setNext(long chunk, long next) {
        Memory.putLong(chunk + NEXT, next);
    }

    @Override
    public void close() {
        while (freeCount > 0) {
            Memory.free(free[--freeCount], CHUNK_BYTES, MemoryTag.NETWORK);
            bytes -= CHUNK_BYTES;
        }
    }
}
