package ironcache.resp;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.Arrays;

/**
 * What a KEYS that waits for the SSD has found so far, and where it goes on. Belongs to its connection, which frees it; owned by the
 * shard's thread.
 *
 * <pre>
 * block: | length (4) | key | length (4) | key | ...        a key does not cross blocks
 * </pre>
 *
 * Blocks instead of one buffer: growing copies nothing, and the reply frees each as soon as it is written.
 */
final class FoundKeys implements AutoCloseable {
    private static final int BLOCK_BYTES = 256 << 10;
    private static final int LENGTH_BYTES = 4;

    /** Of the next step of the scan: shard, and cursor within it. */
    int shard;

    long cursor;

    /** The scan is over, the reply has begun. */
    boolean complete;

    private long[] blocks = new long[8];
    private int[] used = new int[8];
    private int firstBlock;
    private int endBlock;
    private long count;

    void add(long key, int length) {
        if (endBlock == 0 || used[endBlock - 1] + LENGTH_BYTES + length > BLOCK_BYTES) {
            addBlock();
        }
        long at = blocks[endBlock - 1] + used[endBlock - 1];
        Memory.putInt(at, length);
        Memory.copy(key, at + LENGTH_BYTES, length);
        used[endBlock - 1] += LENGTH_BYTES + length;
        count++;
    }

    private void addBlock() {
        if (endBlock == blocks.length) {
            blocks = Arrays.copyOf(blocks, 2 * endBlock);
            used = Arrays.copyOf(used, 2 * endBlock);
        }
        blocks[endBlock] = Memory.allocate(BLOCK_BYTES, MemoryTag.NETWORK);
        used[endBlock++] = 0;
    }

    /** All keys added. */
    long count() {
        return count;
    }

    /** Writes the next block's keys as bulk strings and frees it. @return false: there is none left */
    boolean replyBlock(ReplyWriter reply) {
        if (firstBlock == endBlock) {
            return false;
        }
        long at = blocks[firstBlock];
        long end = at + used[firstBlock];
        while (at < end) {
            int length = Memory.getInt(at);
            reply.bulk(at + LENGTH_BYTES, length);
            at += LENGTH_BYTES + length;
        }
        freeFirst();
        return true;
    }

    private void freeFirst() {
        Memory.free(blocks[firstBlock++], BLOCK_BYTES, MemoryTag.NETWORK);
    }

    @Override
    public void close() {
        while (firstBlock < endBlock) {
            freeFirst();
        }
    }
}
