package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.tiering.CommandMemoryException;

/**
 * Strings that a command puts in order, each with a weight: a number, a string of its own, or none. One per thread; owns its memory, of which {@link #clear} keeps a little.
 *
 * <pre>
 * entry, 16 bytes:
 * 0        8        16
 * | string | weight |     offset of the string; a double, or one more than the offset of a string (0: none)
 * </pre>
 */
public final class SortBuffer implements Arguments, AutoCloseable {
    /** What decides the order; where it does not, entries stay as they are. */
    public enum Order {
        /** The weights as numbers; the strings where those are equal. */
        NUMBERS,
        /** The strings, up to a zero byte, as C compares them. */
        C_STRINGS,
        /** The strings. */
        STRINGS,
        /** The weights as strings, up to a zero byte; none comes first. */
        C_WEIGHTS,
        /** The weights as strings; none comes first. */
        WEIGHTS
    }

    private static final int ENTRY_BYTES = 2 * Long.BYTES;
    private static final long ENTRIES_KEPT = 1024;

    private final ElementBuffer strings = new ElementBuffer();
    private long capacity = ENTRIES_KEPT;
    private long entries = Memory.allocateUnset(capacity * ENTRY_BYTES, MemoryTag.OTHER);
    private long count;
    private Order order = Order.NUMBERS;
    private boolean descending;
    private long bytesMax = Long.MAX_VALUE;

    /** So much it may take. */
    public void limit(long newBytesMax) {
        bytesMax = newBytesMax;
        strings.limit(newBytesMax);
    }

    public void clear() {
        strings.clear();
        count = 0;
        if (capacity > ENTRIES_KEPT) {
            resize(ENTRIES_KEPT);
        }
    }

    private void resize(long wanted) {
        long to = Memory.allocateUnset(wanted * ENTRY_BYTES, MemoryTag.OTHER);
        Memory.copy(entries, to, count * ENTRY_BYTES);
        Memory.free(entries, capacity * ENTRY_BYTES, MemoryTag.OTHER);
        entries = to;
        capacity = wanted;
    }

    public long count() {
        return count;
    }

    /** Bytes of all strings, about. */
    public long bytes() {
        return strings.bytes();
    }

    // Strings.

    /** Adds a string. */
    public void add(long text, int length) {
        addEntry(putString(text, length));
    }

    /**
     * Adds the string that an element stands for. May miss where it is spilled.
     *
     * @param object whose pages it is on then
     */
    public void add(long element, Shard shard, long object) {
        addEntry(putElement(element, shard, object));
    }

    /** Adds a string whose bytes the caller writes at once. @return where */
    public long room(int length) {
        long offset = strings.bytes();
        int bytes = Element.stringBytes(length);
        long to = Element.putLength(strings.room(bytes), length);
        strings.put(bytes);
        addEntry(offset);
        return to;
    }

    private void addEntry(long offset) {
        if (count == capacity) {
            // Twice: for the sort.
            if (2 * 2 * capacity * ENTRY_BYTES + strings.bytes() > bytesMax) {
                throw CommandMemoryException.SIGNAL;
            }
            resize(2 * capacity);
        }
        long entry = entries + count++ * ENTRY_BYTES;
        Memory.putLong(entry, offset);
        Memory.putLong(entry + Long.BYTES, 0);
    }

    private long putString(long text, int length) {
        long offset = strings.bytes();
        strings.put(Element.putString(strings.room(Element.stringBytes(length)), text, length));
        return offset;
    }

    private long putElement(long element, Shard shard, long object) {
        long offset = strings.bytes();
        if (Element.isNumber(element)) {
            long number = Element.number(element);
            int length = LongText.length(number);
            int bytes = Element.stringBytes(length);
            LongText.format(number, Element.putLength(strings.room(bytes), length), length);
            strings.put(bytes);
        } else if (Element.isSpilled(element)) {
            strings.put(Spill.gather(shard, object, element, strings));
        } else {
            putString(Element.text(element), Element.length(element));
        }
        return offset;
    }

    /** Where a string's bytes are; valid until the next is added. */
    public long text(long i) {
        return Element.text(string(i));
    }

    public int length(long i) {
        return Element.length(string(i));
    }

    @Override
    public long arg(int i) {
        return text(i);
    }

    @Override
    public int argLength(int i) {
        return length(i);
    }

    private long string(long i) {
        return strings.begin() + Memory.getLong(entries + i * ENTRY_BYTES);
    }

    // Weights.

    public void weigh(long i, double weight) {
        Memory.putLong(entries + i * ENTRY_BYTES + Long.BYTES, Double.doubleToRawLongBits(weight));
    }

    public void weigh(long i, long text, int length) {
        Memory.putLong(entries + i * ENTRY_BYTES + Long.BYTES, putString(text, length) + 1);
    }

    // Order.

    public void sort(Order by, boolean descends) {
        order = by;
        descending = descends;
        if (count < 2) {
            return;
        }
        long bytes = count * ENTRY_BYTES;
        long other = Memory.allocateUnset(bytes, MemoryTag.OTHER);
        long from = entries;
        long to = other;
        for (long run = 1; run < count; run *= 2) {
            for (long at = 0; at < count; at += 2 * run) {
                merge(from, to, at, Math.min(at + run, count), Math.min(at + 2 * run, count));
            }
            long swap = from;
            from = to;
            to = swap;
        }
        if (from != entries) {
            Memory.copy(from, entries, bytes);
        }
        Memory.free(other, bytes, MemoryTag.OTHER);
    }

    /** Two runs of entries, the second from {@code middle} on. */
    private void merge(long from, long to, long begin, long middle, long end) {
        long left = begin;
        long right = middle;
        for (long at = begin; at < end; at++) {
            boolean takesLeft =
                    left < middle
                            && (right == end
                                    || compare(
                                                    from + left * ENTRY_BYTES,
                                                    from + right * ENTRY_BYTES)
                                            <= 0);
            long taken = from + (takesLeft ? left++ : right++) * ENTRY_BYTES;
            Memory.putLong(to + at * ENTRY_BYTES, Memory.getLong(taken));
            Memory.putLong(to + at * ENTRY_BYTES + Long.BYTES, Memory.getLong(taken + Long.BYTES));
        }
    }

    private int compare(long left, long right) {
        int compared =
                switch (order) {
                    case NUMBERS -> compareNumbers(left, right);
                    case C_STRINGS -> compareStrings(left, right, true);
                    case STRINGS -> compareStrings(left, right, false);
                    case C_WEIGHTS -> compareWeights(left, right, true);
                    case WEIGHTS -> compareWeights(left, right, false);
                };
        return descending ? -compared : compared;
    }

    private int compareNumbers(long left, long right) {
        double a = Double.longBitsToDouble(Memory.getLong(left + Long.BYTES));
        double b = Double.longBitsToDouble(Memory.getLong(right + Long.BYTES));
        return a < b ? -1 : a > b ? 1 : compareStrings(left, right, false);
    }

    private int compareStrings(long left, long right, boolean upToZero) {
        return compareTexts(
                strings.begin() + Memory.getLong(left),
                strings.begin() + Memory.getLong(right),
                upToZero);
    }

    private int compareWeights(long left, long right, boolean upToZero) {
        long a = Memory.getLong(left + Long.BYTES);
        long b = Memory.getLong(right + Long.BYTES);
        if (a == 0 || b == 0) {
            return a == b ? 0 : a == 0 ? -1 : 1;
        }
        return compareTexts(strings.begin() + a - 1, strings.begin() + b - 1, upToZero);
    }

    private static int compareTexts(long a, long b, boolean upToZero) {
        long left = Element.text(a);
        long right = Element.text(b);
        int leftLength = Element.length(a);
        int rightLength = Element.length(b);
        return upToZero
                ? Memory.compare(
                        left,
                        lengthUpToZero(left, leftLength),
                        right,
                        lengthUpToZero(right, rightLength))
                : Memory.compare(left, leftLength, right, rightLength);
    }

    private static int lengthUpToZero(long text, int length) {
        int at = 0;
        while (at < length && Memory.getByte(text + at) != 0) {
            at++;
        }
        return at;
    }

    @Override
    public void close() {
        strings.close();
        Memory.free(entries, capacity * ENTRY_BYTES, MemoryTag.OTHER);
    }
}
