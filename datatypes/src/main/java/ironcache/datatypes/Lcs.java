package ironcache.datatypes;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/**
 * Longest common subsequence of two byte strings in memory: its length, its bytes, and the matching ranges of both strings.
 *
 * <p>Row i of the classic table grows by 0 or 1 from column to column, so one bit per cell holds it all, and a row is calculated 64
 * cells at a time (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004): an nth of the time and a 32nd of the memory
 * of a table of ints. The walk back takes the same turns as Valkey's, so equally long subsequences are told apart in its way.
 *
 * <p>Owned by one thread; off-heap memory of about {@code aLength * bLength / 8} bytes until {@link #close}. The strings stay where
 * they are meanwhile.
 */
public final class Lcs implements AutoCloseable {
    /** Receives the matching ranges, from the last to the first; ends are inclusive. */
    @FunctionalInterface
    public interface RangeVisitor {
        void range(long aStart, long aEnd, long bStart, long bEnd);
    }

    private static final RangeVisitor NOBODY = (aStart, aEnd, bStart, bEnd) -> {};

    private final long a;
    private final long aLength;
    private final long b;
    private final long bLength;

    /** For each byte of a, one bit per byte of b: 0 where the table's value grows in that column. */
    private final long rows;

    private final long rowsBytes;
    private final long rowStride;
    private final long length;

    public Lcs(long a, long aLength, long b, long bLength) {
        this.a = a;
        this.aLength = aLength;
        this.b = b;
        this.bLength = bLength;
        rowStride = (bLength + 7) / 8;
        // Words are stored whole, past the last row too.
        rowsBytes = aLength * rowStride + 8;
        rows = Memory.allocate(rowsBytes, MemoryTag.OTHER);
        length = aLength == 0 || bLength == 0 ? 0 : fill();
    }

    private long fill() {
        long words = (bLength + 63) / 64;
        int[] maskOf = new int[256];
        int masks = 0;
        for (long i = 0; i < aLength && masks < 256; i++) {
            int c = Byte.toUnsignedInt(Memory.getByte(a + i));
            if (maskOf[c] == 0) {
                maskOf[c] = ++masks;
            }
        }
        // One mask of b per distinct byte of a, then the row in work.
        long scratchBytes = (masks + 1) * words * 8;
        long scratch = Memory.allocate(scratchBytes, MemoryTag.OTHER);
        try {
            for (long j = 0; j < bLength; j++) {
                int mask = maskOf[Byte.toUnsignedInt(Memory.getByte(b + j))];
                if (mask != 0) {
                    long word = scratch + ((mask - 1) * words + j / 64) * 8;
                    Memory.putLong(word, Memory.getLong(word) | 1L << j);
                }
            }
            long row = scratch + masks * words * 8;
            Memory.fill(row, words * 8, (byte) 0xff);
            for (long i = 0; i < aLength; i++) {
                int mask = maskOf[Byte.toUnsignedInt(Memory.getByte(a + i))];
                step(row, scratch + (mask - 1) * words * 8, words);
                Memory.copy(row, rows + i * rowStride, rowStride);
            }
            long same = 0;
            for (long word = 0; word < words; word++) {
                same += Long.bitCount(Memory.getLong(row + word * 8));
            }
            return words * 64 - same;
        } finally {
            Memory.free(scratch, scratchBytes, MemoryTag.OTHER);
        }
    }

    /** The next row from the one before, in place. Bits past the end of b stay set: no mask has them. */
    private static void step(long row, long mask, long words) {
        long carry = 0;
        for (long word = 0; word < words; word++) {
            long old = Memory.getLong(row + word * 8);
            long matches = Memory.getLong(mask + word * 8);
            long low = old & matches;
            long sum = old + low;
            long carried = sum + carry;
            // Either addition may overflow, never both.
            carry =
                    (Long.compareUnsigned(sum, old) < 0 || Long.compareUnsigned(carried, sum) < 0)
                            ? 1
                            : 0;
            Memory.putLong(row + word * 8, carried | old & ~matches);
        }
    }

    /** Bytes of the longest common subsequence. */
    public long length() {
        return length;
    }

    /** Writes the subsequence, {@link #length} bytes. */
    public void copyTo(long to) {
        walk(to, 0, NOBODY);
    }

    /** The ranges of at least {@code minLength} bytes. */
    public void ranges(long minLength, RangeVisitor visitor) {
        walk(0, minLength, visitor);
    }

    /** How many ranges {@link #ranges} visits. */
    public long countRanges(long minLength) {
        long[] count = new long[1];
        walk(0, minLength, (aStart, aEnd, bStart, bEnd) -> count[0]++);
        return count[0];
    }

    private void walk(long to, long minLength, RangeVisitor visitor) {
        long i = aLength;
        long j = bLength;
        long left = length;
        // No range is open while aStart is aLength.
        long aStart = aLength;
        long aEnd = 0;
        long bStart = 0;
        long bEnd = 0;
        while (i > 0 && j > 0) {
            boolean complete = false;
            byte last = Memory.getByte(a + i - 1);
            if (last == Memory.getByte(b + j - 1)) {
                left--;
                if (to != 0) {
                    Memory.putByte(to + left, last);
                }
                if (aStart == aLength) {
                    aStart = i - 1;
                    aEnd = aStart;
                    bStart = j - 1;
                    bEnd = bStart;
                } else if (aStart == i && bStart == j) {
                    aStart--;
                    bStart--;
                } else {
                    complete = true;
                }
                complete |= aStart == 0 || bStart == 0;
                i--;
                j--;
            } else {
                if (grows(i, j)) {
                    i--;
                } else {
                    j--;
                }
                complete = aStart != aLength;
            }
            if (complete) {
                if (aEnd - aStart + 1 >= minLength) {
                    visitor.range(aStart, aEnd, bStart, bEnd);
                }
                aStart = aLength;
            }
        }
    }

    /** Whether the table's value at (i, j) is above that at (i, j - 1): where the bytes differ, it came from (i - 1, j) then. */
    private boolean grows(long i, long j) {
        int bits = Memory.getByte(rows + (i - 1) * rowStride + (j - 1) / 8);
        return (bits >>> ((j - 1) & 7) & 1) == 0;
    }

    @Override
    public void close() {
        Memory.free(rows, rowsBytes, MemoryTag.OTHER);
    }
}
