package ironcache.tiering;

import ironcache.ffm.Mapping;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/**
 * How often a key was asked for lately, approximately: a count-min sketch of 4-bit counters with aging, as in TinyLFU (Einziger,
 * Friedman, Manes 2017). A key has four counters, all in one cache line, two words apart from each other; its frequency is the least of them.
 *
 * <p>Aging halves all counters once per {@link #INCREMENTS_PER_LINE} times lines increments. It is not done in one go, which would be a pause of
 * milliseconds, but line by line: every so many increments the next line is halved.
 *
 * <p>One owner thread; allocates nothing after construction. Memory is tagged OTHER: a power of two, at most what is asked for.
 */
public final class FrequencySketch implements AutoCloseable {
    /** Greatest frequency told. */
    public static final int FREQUENCY_MAX = 15;

    private static final int LINE_BYTES = 64;
    private static final int COUNTERS_PER_KEY = 4;

    /** A line has 128 counters, thus serves 8 keys at 16 counters each, and ages after 10 increments per key. */
    private static final int INCREMENTS_PER_LINE = 80;

    /** Clears the bit that halving shifts in from the next counter. */
    private static final long HALF_MASK = 0x7777777777777777L;

    private final Mapping mapping;
    private final long lines;
    private long increments;
    private long nextToAge;

    /** @param bytes budget; at least 64 are taken */
    public FrequencySketch(long bytes) {
        lines = Math.max(1, Long.highestOneBit(bytes / LINE_BYTES));
        mapping = Mapping.reserve(lines * LINE_BYTES, MemoryTag.OTHER);
        mapping.commit(mapping.bytes());
    }

    /** Counts one use of the key. */
    public void increment(long hash) {
        long mixed = mix(hash);
        long line = line(mixed);
        boolean counted = false;
        for (int i = 0; i < COUNTERS_PER_KEY; i++) {
            long word = wordOf(line, mixed, i);
            int shift = shiftOf(mixed, i);
            long counters = Memory.getLong(word);
            if ((counters >>> shift & FREQUENCY_MAX) != FREQUENCY_MAX) {
                Memory.putLong(word, counters + (1L << shift));
                counted = true;
            }
        }
        // What is saturated already adds nothing, and a few hot keys must not age all others.
        if (counted && ++increments == INCREMENTS_PER_LINE) {
            increments = 0;
            ageNextLine();
        }
    }

    /** Uses of the key lately, 0 to {@link #FREQUENCY_MAX}; others that share all its counters may add to it. */
    public int frequency(long hash) {
        long mixed = mix(hash);
        long line = line(mixed);
        int frequency = FREQUENCY_MAX;
        for (int i = 0; i < COUNTERS_PER_KEY; i++) {
            long counters = Memory.getLong(wordOf(line, mixed, i));
            frequency = Math.min(frequency, (int) (counters >>> shiftOf(mixed, i)) & FREQUENCY_MAX);
        }
        return frequency;
    }

    /** Bytes held. */
    public long bytes() {
        return mapping.bytes();
    }

    private void ageNextLine() {
        long line = mapping.address() + nextToAge * LINE_BYTES;
        for (long word = line; word < line + LINE_BYTES; word += 8) {
            Memory.putLong(word, Memory.getLong(word) >>> 1 & HALF_MASK);
        }
        nextToAge = nextToAge + 1 & lines - 1;
    }

    /** The index takes its tag and bucket from the hash as it is; here its bits must be independent of those. */
    private static long mix(long hash) {
        long mixed = (hash ^ hash >>> 32) * 0x9FB21C651E98DF25L;
        return mixed ^ mixed >>> 29;
    }

    /** Above the 20 bits that choose the counters. */
    private long line(long mixed) {
        return mapping.address() + (mixed >>> 24 & lines - 1) * LINE_BYTES;
    }

    /** Counter {@code i} lies in one of the words {@code 2 * i} and {@code 2 * i + 1}. */
    private static long wordOf(long line, long mixed, int i) {
        return line + 16L * i + (mixed >>> 5 * i + 4 & 1) * 8;
    }

    private static int shiftOf(long mixed, int i) {
        return (int) (mixed >>> 5 * i & 15) << 2;
    }

    @Override
    public void close() {
        mapping.close();
    }
}
