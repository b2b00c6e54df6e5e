package ironcache.engine;

import ironcache.ffm.Mapping;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import ironcache.hybridlog.Address;

/**
 * What blind writes left to settle. A blind SET of a key whose tag matches a cold entry cannot know whether that entry's record holds
 * the same key without reading it. It writes its new entry beside the old one at once, and notes here: "the record at
 * this SSD address is superseded if it holds the key with these two hashes". Lookups of that key skip the old entry from then on; lookups of any
 * other key do not. Settling reads the old record some time later, together with others of its page, and removes either the entry or just the note.
 *
 * <p>Key identity is the 64-bit hash and a second, independent 64-bit hash of the key read from the old record; the
 * chance that two different keys agree in both is below 2^-90 per pair, far below that of a flipped bit that CRC-32C misses
 * (docs/adr/0005-shadows.md). An old address has at most one note.
 *
 * <pre>
 * 0         8       16       24          32
 * | address | hash  | second | keyspace  |      address 0: free
 * </pre>
 *
 * <p>Open addressing with linear probing in one mapping of fixed capacity: nothing is ever rehashed in one go. One owner thread.
 */
final class Shadows implements AutoCloseable {
    private static final int NOTE_SHIFT = 5;
    private static final int HASH = 8;
    private static final int SECOND = 16;
    private static final int KEYSPACE = 24;

    private final Mapping mapping;
    private final long base;

    /** Notes by page of the SSD: where many are, the page is read whole. */
    private final Mapping pageCounts;

    private final int capacity;
    private final int limit;
    private int size;

    /** @param capacityWanted notes; rounded up to a power of two, filled to three quarters at most */
    Shadows(int capacityWanted) {
        capacity = capacity(capacityWanted);
        limit = capacity / 4 * 3;
        mapping = Mapping.reserve((long) capacity << NOTE_SHIFT, MemoryTag.OTHER);
        base = mapping.address();
        pageCounts = Mapping.reserve((long) Address.PAGES * Integer.BYTES, MemoryTag.OTHER);
    }

    private static int capacity(int wanted) {
        return Integer.highestOneBit(Math.max(64, wanted) - 1) << 1;
    }

    /** What a table for so many notes takes once all of it has been used. */
    static long bytes(int capacityWanted) {
        return (long) capacity(capacityWanted) << NOTE_SHIFT;
    }

    int size() {
        return size;
    }

    /** Whether there is no room for so many more. */
    boolean isFull(int more) {
        return size + more > limit;
    }

    /** The note on this address, or 0; valid until the next add or remove. */
    long find(long address) {
        for (int i = slot(address); ; i = i + 1 & capacity - 1) {
            long note = note(i);
            long at = Memory.getLong(note);
            if (at == address) {
                return note;
            }
            if (at == 0) {
                return 0;
            }
        }
    }

    static boolean isOf(long note, long hash, long secondHash) {
        return Memory.getLong(note + HASH) == hash && Memory.getLong(note + SECOND) == secondHash;
    }

    static long address(long note) {
        return Memory.getLong(note);
    }

    static long hash(long note) {
        return Memory.getLong(note + HASH);
    }

    static long second(long note) {
        return Memory.getLong(note + SECOND);
    }

    static int keyspace(long note) {
        return Memory.getInt(note + KEYSPACE);
    }

    void add(long address, long hash, long secondHash, int keyspace) {
        assert find(address) == 0 && !isFull(1);
        int i = slot(address);
        while (Memory.getLong(note(i)) != 0) {
            i = i + 1 & capacity - 1;
        }
        long note = note(i);
        Memory.putLong(note, address);
        Memory.putLong(note + HASH, hash);
        Memory.putLong(note + SECOND, secondHash);
        Memory.putInt(note + KEYSPACE, keyspace);
        count(address, 1);
    }

    void remove(long address) {
        long note = find(address);
        if (note == 0) {
            return;
        }
        count(address, -1);
        int gap = (int) (note - base >>> NOTE_SHIFT);
        for (int j = gap + 1 & capacity - 1;
                Memory.getLong(note(j)) != 0;
                j = j + 1 & capacity - 1) {
            int home = slot(Memory.getLong(note(j)));
            if ((j - home & capacity - 1) >= (j - gap & capacity - 1)) {
                Memory.copy(note(j), note(gap), 1 << NOTE_SHIFT);
                gap = j;
            }
        }
        Memory.putLong(note(gap), 0);
    }

    private void count(long address, int delta) {
        size += delta;
        mapping.commit((long) delta << NOTE_SHIFT);
        long at = pageCounts.address() + (long) Address.page(address) * Integer.BYTES;
        Memory.putInt(at, Memory.getInt(at) + delta);
    }

    /** Notes on addresses of this page. */
    int inPage(int page) {
        return Memory.getInt(pageCounts.address() + (long) page * Integer.BYTES);
    }

    /** The address of the first note at or after this position, or 0 where the table ends. */
    long addressFrom(int position) {
        for (int i = position; i < capacity; i++) {
            long address = Memory.getLong(note(i));
            if (address != 0) {
                return address;
            }
        }
        return 0;
    }

    /** Where the note on this address is, for {@link #addressFrom}. */
    int position(long address) {
        return (int) (find(address) - base >>> NOTE_SHIFT);
    }

    /** Writes all notes. */
    void save(StateOutput out) {
        out.putLong(size);
        for (int i = 0; i < capacity; i++) {
            if (Memory.getLong(note(i)) != 0) {
                out.put(note(i), 1 << NOTE_SHIFT);
            }
        }
    }

    /** Of a table without notes: takes over what another one saved. */
    void load(StateInput in) {
        int count = in.getInt(limit);
        long note = Memory.allocate(1 << NOTE_SHIFT, MemoryTag.OTHER);
        for (int i = 0; i < count; i++) {
            in.get(note, 1 << NOTE_SHIFT);
            add(address(note), hash(note), second(note), keyspace(note));
        }
        Memory.free(note, 1 << NOTE_SHIFT, MemoryTag.OTHER);
    }

    /** What a table must be made for so that so many notes can be loaded. */
    static int wantedFor(int notes) {
        return notes / 3 * 4 + 4;
    }

    private int slot(long address) {
        return (int) (address * 0x9E3779B97F4A7C15L >>> 32) & capacity - 1;
    }

    private long note(int i) {
        return base + ((long) i << NOTE_SHIFT);
    }

    @Override
    public void close() {
        mapping.close();
        pageCounts.close();
    }
}
