package ironcache.bench;

/**
 * A seeded pseudo-random permutation of [0, count): scatters the hot ranks of a Zipf distribution over the key space (as
 * YCSB's "scrambled" Zipf, but one to one, so no two ranks fall on the same key), and shuffles the order of a load. A
 * four-round Feistel network over the next even number of bits, walked until it lands inside: at most 4 steps on average.
 */
final class KeyPermutation {
    private final long count;
    private final int halfBits;
    private final long halfMask;
    private final long seed;

    KeyPermutation(long count, long seed) {
        this.count = count;
        int bits = Math.max(2, 64 - Long.numberOfLeadingZeros(count - 1));
        halfBits = (bits + 1) / 2;
        halfMask = (1L << halfBits) - 1;
        this.seed = Mix64.mix(seed);
    }

    long apply(long index) {
        long x = index;
        do {
            long left = x >>> halfBits;
            long right = x & halfMask;
            for (int round = 0; round < 4; round++) {
                long mixed = left ^ (Mix64.mix(right + seed + round * Mix64.GOLDEN) & halfMask);
                left = right;
                right = mixed;
            }
            x = left << halfBits | right;
        } while (x >= count);
        return x;
    }
}
