package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.tiering.CommandMemoryException;

/**
 * Elements that a command gathers before it writes or replies, one behind the other, none of them spilled. Where it takes each element once only, they are found by a table of
 * offsets; of a few elements each is looked at. One per thread and purpose; owns its memory, of which {@link #clear} keeps a little.
 *
 * <pre>
 * slot of the table, 8 bytes, open addressing:
 * 0            40          64
 * | offset + 1 | hash 24   |     0: free
 * </pre>
 */
final class ElementBuffer implements AutoCloseable {
    private static final long BYTES_KEPT = 64 << 10;

    /** So many elements need no table. */
    private static final int FEW = 16;

    private static final int OFFSET_BITS = 40;
    private static final long OFFSET_MASK = (1L << OFFSET_BITS) - 1;
    private static final long HASH_MASK = ~OFFSET_MASK;
    private static final long FIRST_SLOTS = 64;

    private long capacity = 4 << 10;
    private long address = Memory.allocateUnset(capacity, MemoryTag.OTHER);
    private long used;
    private long count;
    private long table;
    private long slots;
    private long bytesMax = Long.MAX_VALUE;

    /** Whoever gathers more is unwound by {@link CommandMemoryException}. */
    void limit(long newBytesMax) {
        bytesMax = newBytesMax;
    }

    /** Forgets all elements. */
    void clear() {
        used = 0;
        count = 0;
        freeTable();
        if (capacity > BYTES_KEPT) {
            Memory.free(address, capacity, MemoryTag.OTHER);
            capacity = BYTES_KEPT;
            address = Memory.allocateUnset(capacity, MemoryTag.OTHER);
        }
    }

    private void freeTable() {
        if (slots > 0) {
            Memory.free(table, slots * Long.BYTES, MemoryTag.OTHER);
            slots = 0;
        }
    }

    long count() {
        return count;
    }

    long bytes() {
        return used;
    }

    /** Where the first element is; valid until the next is put. */
    long begin() {
        return address;
    }

    long end() {
        return address + used;
    }

    /** Room behind the last element, for one that {@link #put} or {@link #putOnce} then takes. */
    long room(long bytes) {
        if (capacity - used < bytes) {
            if (used + bytes > bytesMax) {
                throw CommandMemoryException.SIGNAL;
            }
            long wider = Math.max(Math.min(2 * capacity, bytesMax), used + bytes);
            long to = Memory.allocateUnset(wider, MemoryTag.OTHER);
            Memory.copy(address, to, used);
            Memory.free(address, capacity, MemoryTag.OTHER);
            address = to;
            capacity = wider;
        }
        return address + used;
    }

    /** The element that was written to the {@link #room} is one. */
    void put(long bytes) {
        used += bytes;
        count++;
    }

    /** As {@link #put}, unless an equal one is there. @return whether it was taken */
    boolean putOnce(Shard shard, int bytes) {
        long element = address + used;
        if (count < FEW) {
            if (Element.findEqual(address, element, element) != 0) {
                return false;
            }
            put(bytes);
            return true;
        }
        if (2 * (count + 1) > slots) {
            rebuild(shard);
        }
        long hash = shard.hash(element, bytes);
        long at = find(element, bytes, hash);
        if (Memory.getLong(at) != 0) {
            return false;
        }
        Memory.putLong(at, hash & HASH_MASK | used + 1);
        put(bytes);
        return true;
    }

    /** The slot of an element, or the free one where it would be. */
    private long find(long element, int bytes, long hash) {
        long mask = slots - 1;
        for (long slot = hash & mask; ; slot = slot + 1 & mask) {
            long at = table + slot * Long.BYTES;
            long word = Memory.getLong(at);
            if (word == 0
                    || ((word ^ hash) & HASH_MASK) == 0
                            && isElement(address + (word & OFFSET_MASK) - 1, element, bytes)) {
                return at;
            }
        }
    }

    private static boolean isElement(long there, long element, int bytes) {
        return Element.bytes(there) == bytes && Memory.equal(there, element, bytes);
    }

    private void rebuild(Shard shard) {
        long wider = Math.max(FIRST_SLOTS, 2 * slots);
        if (used + wider * Long.BYTES > bytesMax) {
            throw CommandMemoryException.SIGNAL;
        }
        freeTable();
        slots = wider;
        table = Memory.allocate(slots * Long.BYTES, MemoryTag.OTHER);
        long end = address + used;
        for (long at = address; at < end; at += Element.bytes(at)) {
            int bytes = Element.bytes(at);
            long hash = shard.hash(at, bytes);
            Memory.putLong(find(at, bytes, hash), hash & HASH_MASK | at - address + 1);
        }
    }

    @Override
    public void close() {
        freeTable();
        Memory.free(address, capacity, MemoryTag.OTHER);
    }
}
