package ironcache.engine;

import ironcache.ffm.Mapping;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.Arrays;

/**
 * Blocks of the {@link TimingWheel}, one page each, named by small numbers. A page and not less, because blocks of different slots lie
 * mixed: with eight to a page hardly a page would become free before all its slots have fired. A free block's page goes
 * back to the system, a few excepted that are kept for the next to come. Owned by the shard's thread.
 *
 * <pre>
 * 0      4       8           8 + 8 * 408       8 + 10 * 408   4096
 * | next | count | words ... | offsets ...     | unused       |
 * </pre>
 */
final class WheelBlocks implements AutoCloseable {
    static final int NONE = -1;

    static final int BYTES = 4096;

    /** Entries of a block. */
    static final int ENTRIES = 408;

    private static final long NEXT = 0;
    private static final long COUNT = 4;
    private static final long WORDS = 8;
    private static final long OFFSETS = WORDS + 8L * ENTRIES;

    private static final int REGION_BLOCK_BITS = 12;
    private static final int REGION_BLOCKS = 1 << REGION_BLOCK_BITS;

    /** Free blocks that stay backed by memory. */
    private static final int KEPT = 16;

    private final MemoryTag tag;
    private Mapping[] regions = new Mapping[0];
    private int blocks;

    private final int[] kept = new int[KEPT];
    private int keptCount;
    private int[] released = new int[0];
    private int releasedCount;

    WheelBlocks(MemoryTag tag) {
        this.tag = tag;
    }

    /** Bytes backed by memory. */
    long bytes() {
        return (long) (blocks - releasedCount) * BYTES;
    }

    long address(int block) {
        return regions[block >>> REGION_BLOCK_BITS].address()
                + (long) (block & REGION_BLOCKS - 1) * BYTES;
    }

    /** An empty block in front of the chain that begins with {@code next}. */
    int allocate(int next) {
        int block;
        if (keptCount > 0) {
            block = kept[--keptCount];
        } else {
            if (releasedCount == 0) {
                addRegion();
            }
            block = released[--releasedCount];
            regions[block >>> REGION_BLOCK_BITS].commit(BYTES);
        }
        long address = address(block);
        Memory.putInt(address + NEXT, next);
        Memory.putInt(address + COUNT, 0);
        return block;
    }

    void free(int block) {
        if (keptCount < KEPT) {
            kept[keptCount++] = block;
            return;
        }
        Mapping region = regions[block >>> REGION_BLOCK_BITS];
        region.release((long) (block & REGION_BLOCKS - 1) * BYTES, BYTES);
        region.commit(-BYTES);
        released[releasedCount++] = block;
    }

    private void addRegion() {
        Mapping region = Mapping.reserve((long) REGION_BLOCKS * BYTES, tag);
        regions = Arrays.copyOf(regions, regions.length + 1);
        regions[regions.length - 1] = region;
        released = Arrays.copyOf(released, blocks + REGION_BLOCKS);
        for (int i = REGION_BLOCKS - 1; i >= 0; i--) {
            released[releasedCount++] = blocks + i;
        }
        blocks += REGION_BLOCKS;
    }

    /** Gives everything back to the system. */
    @Override
    public void close() {
        for (Mapping region : regions) {
            region.close();
        }
        regions = new Mapping[0];
        blocks = 0;
        keptCount = 0;
        released = new int[0];
        releasedCount = 0;
    }

    static int next(long address) {
        return Memory.getInt(address + NEXT);
    }

    static void link(long address, int next) {
        Memory.putInt(address + NEXT, next);
    }

    static int count(long address) {
        return Memory.getInt(address + COUNT);
    }

    static void push(long address, long word, int offset) {
        int count = count(address);
        Memory.putLong(address + WORDS + 8L * count, word);
        Memory.putShort(address + OFFSETS + 2L * count, (short) offset);
        Memory.putInt(address + COUNT, count + 1);
    }

    static long word(long address, int i) {
        return Memory.getLong(address + WORDS + 8L * i);
    }

    static int offset(long address, int i) {
        return Short.toUnsignedInt(Memory.getShort(address + OFFSETS + 2L * i));
    }

    static long lastWord(long address) {
        return Memory.getLong(address + WORDS + 8L * (count(address) - 1));
    }

    static int lastOffset(long address) {
        return Short.toUnsignedInt(Memory.getShort(address + OFFSETS + 2L * (count(address) - 1)));
    }

    /** Removes the last entry. Returns how many are left. */
    static int pop(long address) {
        int count = count(address) - 1;
        Memory.putInt(address + COUNT, count);
        return count;
    }
}
