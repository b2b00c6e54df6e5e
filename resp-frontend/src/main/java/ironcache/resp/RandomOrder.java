package ironcache.resp;

/** The numbers from 0 on, each once, in an order that a seed decides: a Feistel network over the next power of four, numbers beyond left out. Takes no memory, however many there are. */
final class RandomOrder {
    private static final int ROUNDS = 4;

    private final long seed;
    private final long count;
    private final int halfBits;
    private long index;

    RandomOrder(long seed, long count) {
        this.seed = seed;
        this.count = count;
        halfBits = (Long.SIZE - Long.numberOfLeadingZeros(count) + 1) / 2;
    }

    /** The next number; to be called {@code count} times at most. */
    long next() {
        long number;
        do {
            number = mixed(index++);
        } while (number >= count);
        return number;
    }

    private long mixed(long number) {
        long mask = (1L << halfBits) - 1;
        long left = number >>> halfBits;
        long right = number & mask;
        for (int i = 0; i < ROUNDS; i++) {
            long hash = (right + seed + i) * 0x9E3779B97F4A7C15L;
            hash = (hash ^ hash >>> 29) * 0xBF58476D1CE4E5B9L;
            long next = left ^ hash >>> 32 & mask;
            left = right;
            right = next;
        }
        return left << halfBits | right;
    }
}
