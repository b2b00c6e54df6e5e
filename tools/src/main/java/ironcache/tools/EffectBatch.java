package ironcache.tools;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/** Effects on their way to the shard that is rebuilt. Owned by one thread; owns the memory that they wait in. */
final class EffectBatch implements AutoCloseable {
    private static final int BYTES = (1 << 20) + (1 << 19);

    final ShardRebuild shard;
    private final long memory = Memory.allocate(BYTES, MemoryTag.STAGING);
    private int length;

    EffectBatch(ShardRebuild shard) {
        this.shard = shard;
    }

    /** Room for an effect. */
    long reserve(int bytes) {
        if (length + bytes > BYTES) {
            flush();
        }
        long at = memory + length;
        length += bytes;
        return at;
    }

    void copy(long effect, int bytes) {
        Memory.copy(effect, reserve(bytes), bytes);
    }

    /** All of it is applied. */
    void flush() {
        shard.apply(memory, length);
        length = 0;
    }

    @Override
    public void close() {
        Memory.free(memory, BYTES, MemoryTag.STAGING);
    }
}
