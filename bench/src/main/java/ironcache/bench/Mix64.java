package ironcache.bench;

/**
 * Seeded pseudo-random numbers without allocation: Steele's SplitMix64. The same mixing function turns key numbers into
 * value content, so that everything a run sends follows from its seed. Owned by the load thread.
 */
final class Mix64 {
    /** 2^64 divided by the golden ratio: successive multiples are spread evenly over 64 bits. */
    static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private long state;

    Mix64(long seed) {
        state = mix(seed);
    }

    /** A bijection of 64 bits in which every input bit moves every output bit about half of the time. */
    static long mix(long word) {
        long z = (word ^ (word >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    long nextLong() {
        state += GOLDEN;
        return mix(state);
    }

    /** Uniform in [0, bound); the bias is below bound / 2^64. */
    long nextLong(long bound) {
        return Math.unsignedMultiplyHigh(nextLong(), bound);
    }

    /** Uniform in [0, 1) with 53 bits. */
    double nextDouble() {
        return (nextLong() >>> 11) * 0x1.0p-53;
    }
}
