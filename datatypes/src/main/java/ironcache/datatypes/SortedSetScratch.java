package ironcache.datatypes;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.tiering.CommandMemoryException;

/**
 * Where the result of a union, intersection or difference is made: entries in the order in which they came, found by their member where they are to be merged, and sorted at the end. Off-heap memory of any
 * size.
 *
 * <pre>
 * entries  as in {@link SortedSetEntries}, one behind the other
 * order    where each entry begins in there, 8 bytes each
 * hashes   of each entry's member, 8 bytes each, where it is merged; the sort's other half
 * table    open addressing: upper 24 bits of the member's hash, then one more than the entry's number (40 bits); 0: empty
 * </pre>
 *
 * <p>One per thread; {@link #clear} gives back what an extraordinary command made it grow to.
 */
public final class SortedSetScratch implements AutoCloseable {
    private static final long ORDINARY_ENTRY_BYTES = 16 << 10;
    private static final long ORDINARY_ENTRIES = 512;
    private static final int NUMBER_BITS = 40;
    private static final long NUMBER_MASK = (1L << NUMBER_BITS) - 1;

    /** What becomes of the scores of a member that is in several sets. */
    public enum Aggregate {
        SUM,
        MIN,
        MAX;

        /** Valkey's: infinities that cancel out are zero. */
        public double of(double a, double b) {
            return switch (this) {
                case SUM -> Double.isNaN(a + b) ? 0 : a + b;
                case MIN -> b < a ? b : a;
                case MAX -> b > a ? b : a;
            };
        }
    }

    private long entries;
    private long entriesCapacity;
    private long entryBytes;

    private long order;
    private long orderCapacity;
    private long count;

    /** Twice as many slots as {@link #orderCapacity}, a power of two; there once something is merged. */
    private long table;

    private long slots;
    private int longestMember;

    private long bytesMax = Long.MAX_VALUE;

    public SortedSetScratch() {
        allocate();
    }

    /** Whoever gathers more is unwound by {@link CommandMemoryException}. */
    public void limit(long newBytesMax) {
        bytesMax = newBytesMax;
    }

    private void check(long newEntriesCapacity, long newOrderCapacity) {
        // The table has two slots for each of the order's places.
        if (newEntriesCapacity + 4 * Long.BYTES * newOrderCapacity > bytesMax) {
            throw CommandMemoryException.SIGNAL;
        }
    }

    private void allocate() {
        entriesCapacity = ORDINARY_ENTRY_BYTES;
        entries = Memory.allocateUnset(entriesCapacity, MemoryTag.OTHER);
        orderCapacity = ORDINARY_ENTRIES;
        order = Memory.allocateUnset(2 * Long.BYTES * orderCapacity, MemoryTag.OTHER);
    }

    /** Empties it. */
    public void clear() {
        if (entriesCapacity > ORDINARY_ENTRY_BYTES || orderCapacity > ORDINARY_ENTRIES) {
            close();
            allocate();
        } else {
            freeTable();
        }
        entryBytes = 0;
        count = 0;
        longestMember = 0;
    }

    public long count() {
        return count;
    }

    /** Of all entries. */
    public long bytes() {
        return entryBytes;
    }

    /** Length of the longest member. */
    public int longestMember() {
        return longestMember;
    }

    /** Adds a member that is not there. */
    public void add(long member, int memberLength, double score) {
        int bytes = SortedSetEntries.bytes(memberLength);
        if (entriesCapacity - entryBytes < bytes) {
            growEntries(bytes);
        }
        if (count == orderCapacity) {
            growOrder();
        }
        SortedSetEntries.put(entries + entryBytes, score, member, memberLength);
        Memory.putLong(order + count * Long.BYTES, entryBytes);
        entryBytes += bytes;
        count++;
        longestMember = Math.max(longestMember, memberLength);
    }

    /**
     * Adds a member, or aggregates its score with the one that it has.
     *
     * @param hash of the member
     */
    public void merge(long member, int memberLength, long hash, double score, Aggregate aggregate) {
        if (table == 0) {
            makeTable();
        }
        long slot = hash & slots - 1;
        long word;
        while ((word = word(slot)) != 0) {
            if ((word ^ hash) >>> NUMBER_BITS == 0) {
                long entry = entry((word & NUMBER_MASK) - 1);
                if (SortedSetEntries.isOf(entry, member, memberLength)) {
                    double own = SortedSetEntries.score(entry);
                    SortedSetEntries.putScore(entry, aggregate.of(own, score));
                    return;
                }
            }
            slot = slot + 1 & slots - 1;
        }
        long capacity = orderCapacity;
        add(member, memberLength, score);
        Memory.putLong(hashes() + (count - 1) * Long.BYTES, hash);
        if (orderCapacity == capacity) {
            Memory.putLong(table + slot * Long.BYTES, hash & ~NUMBER_MASK | count);
        } else {
            freeTable();
            makeTable();
        }
    }

    private long hashes() {
        return order + orderCapacity * Long.BYTES;
    }

    private long word(long slot) {
        return Memory.getLong(table + slot * Long.BYTES);
    }

    /** Of all entries, whose hashes are there. */
    private void makeTable() {
        slots = 2 * orderCapacity;
        table = Memory.allocate(slots * Long.BYTES, MemoryTag.OTHER);
        for (long i = 0; i < count; i++) {
            long hash = Memory.getLong(hashes() + i * Long.BYTES);
            long slot = hash & slots - 1;
            while (word(slot) != 0) {
                slot = slot + 1 & slots - 1;
            }
            Memory.putLong(table + slot * Long.BYTES, hash & ~NUMBER_MASK | i + 1);
        }
    }

    private void freeTable() {
        if (table != 0) {
            Memory.free(table, slots * Long.BYTES, MemoryTag.OTHER);
            table = 0;
        }
    }

    /** Memory address of an entry by its number: as they came, or once sorted, in their order. */
    private long entry(long number) {
        return entries + Memory.getLong(order + number * Long.BYTES);
    }

    public long member(long number) {
        return Element.text(SortedSetEntries.member(entry(number)));
    }

    public int memberLength(long number) {
        return Element.length(SortedSetEntries.member(entry(number)));
    }

    public double score(long number) {
        return SortedSetEntries.score(entry(number));
    }

    private void growEntries(int bytes) {
        check(entryBytes + bytes, orderCapacity);
        long capacity = Math.max(Math.min(2 * entriesCapacity, bytesMax), entryBytes + bytes);
        long to = Memory.allocateUnset(capacity, MemoryTag.OTHER);
        Memory.copy(entries, to, entryBytes);
        Memory.free(entries, entriesCapacity, MemoryTag.OTHER);
        entries = to;
        entriesCapacity = capacity;
    }

    private void growOrder() {
        long capacity = 2 * orderCapacity;
        check(entryBytes, capacity);
        long to = Memory.allocateUnset(2 * Long.BYTES * capacity, MemoryTag.OTHER);
        Memory.copy(order, to, count * Long.BYTES);
        Memory.copy(hashes(), to + capacity * Long.BYTES, count * Long.BYTES);
        Memory.free(order, 2 * Long.BYTES * orderCapacity, MemoryTag.OTHER);
        order = to;
        orderCapacity = capacity;
    }

    // Sorting: runs are merged from one half of the order to the other, and back.

    /** Puts the entries in order. Nothing is added afterwards. */
    public void sort() {
        freeTable();
        long source = order;
        long target = hashes();
        for (long run = 1; run < count; run *= 2) {
            for (long begin = 0; begin < count; begin += 2 * run) {
                long middle = Math.min(begin + run, count);
                mergeRuns(source, target, begin, middle, Math.min(middle + run, count));
            }
            long swap = source;
            source = target;
            target = swap;
        }
        if (source != order) {
            Memory.copy(source, order, count * Long.BYTES);
        }
    }

    private void mergeRuns(long source, long target, long begin, long middle, long end) {
        if (middle == end || isInOrder(at(source, middle - 1), at(source, middle))) {
            Memory.copy(
                    source + begin * Long.BYTES,
                    target + begin * Long.BYTES,
                    (end - begin) * Long.BYTES);
            return;
        }
        long left = begin;
        long right = middle;
        for (long i = begin; i < end; i++) {
            boolean takeLeft =
                    right == end || left < middle && isInOrder(at(source, left), at(source, right));
            long taken = takeLeft ? left++ : right++;
            Memory.putLong(target + i * Long.BYTES, at(source, taken));
        }
    }

    private static long at(long offsets, long i) {
        return Memory.getLong(offsets + i * Long.BYTES);
    }

    private boolean isInOrder(long offset, long otherOffset) {
        long other = entries + otherOffset;
        long member = SortedSetEntries.member(other);
        return SortedSetEntries.compare(
                        entries + offset,
                        SortedSetEntries.score(other),
                        Element.text(member),
                        Element.length(member))
                <= 0;
    }

    @Override
    public void close() {
        freeTable();
        Memory.free(entries, entriesCapacity, MemoryTag.OTHER);
        Memory.free(order, 2 * Long.BYTES * orderCapacity, MemoryTag.OTHER);
    }
}
