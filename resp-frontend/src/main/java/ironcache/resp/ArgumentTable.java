package ironcache.resp;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/**
 * The arguments of the commands of one batch: a flat off-heap array of entries, so that a command of a million arguments costs the heap
 * nothing. Owned by the shard's thread; grows while a batch is parsed and is emptied when it has run.
 *
 * <pre>
 * 0         8        12       16     24
 * | address | length | hashed | hash |
 * </pre>
 */
final class ArgumentTable implements AutoCloseable {
    static final int ENTRY_BYTES = 24;

    private static final int LENGTH = 8;
    private static final int HASHED = 12;
    private static final int HASH = 16;
    private static final int ORDINARY_ENTRIES = 4096;

    private long base = Memory.allocate((long) ORDINARY_ENTRIES * ENTRY_BYTES, MemoryTag.NETWORK);
    private int capacity = ORDINARY_ENTRIES;
    private int size;

    int size() {
        return size;
    }

    /** Forgets the entries from {@code newSize} on. */
    void truncate(int newSize) {
        size = newSize;
    }

    /** Empties the table and gives back what an extraordinary command made it grow to. */
    void clear() {
        size = 0;
        if (capacity > ORDINARY_ENTRIES) {
            shrink();
        }
    }

    private void shrink() {
        Memory.free(base, (long) capacity * ENTRY_BYTES, MemoryTag.NETWORK);
        capacity = ORDINARY_ENTRIES;
        base = Memory.allocate((long) capacity * ENTRY_BYTES, MemoryTag.NETWORK);
    }

    void add(long address, int length) {
        if (size == capacity) {
            grow();
        }
        long entry = base + (long) size++ * ENTRY_BYTES;
        Memory.putLong(entry, address);
        Memory.putLong(entry + LENGTH, length);
    }

    private void grow() {
        int newCapacity = Math.multiplyExact(capacity, 2);
        long newBase = Memory.allocate((long) newCapacity * ENTRY_BYTES, MemoryTag.NETWORK);
        Memory.copy(base, newBase, (long) size * ENTRY_BYTES);
        Memory.free(base, (long) capacity * ENTRY_BYTES, MemoryTag.NETWORK);
        base = newBase;
        capacity = newCapacity;
    }

    /** Address of an entry; valid until the next {@link #add}. */
    long entry(int i) {
        return base + (long) i * ENTRY_BYTES;
    }

    static long address(long entries, int i) {
        return Memory.getLong(entries + (long) i * ENTRY_BYTES);
    }

    static int length(long entries, int i) {
        return Memory.getInt(entries + (long) i * ENTRY_BYTES + LENGTH);
    }

    static boolean hashed(long entries, int i) {
        return Memory.getInt(entries + (long) i * ENTRY_BYTES + HASHED) != 0;
    }

    static long hash(long entries, int i) {
        return Memory.getLong(entries + (long) i * ENTRY_BYTES + HASH);
    }

    static void putHash(long entries, int i, long hash) {
        Memory.putInt(entries + (long) i * ENTRY_BYTES + HASHED, 1);
        Memory.putLong(entries + (long) i * ENTRY_BYTES + HASH, hash);
    }

    @Override
    public void close() {
        Memory.free(base, (long) capacity * ENTRY_BYTES, MemoryTag.NETWORK);
    }
}
