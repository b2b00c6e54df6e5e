package ironcache.ffm;

/**
 * Seeded chance: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. Equal seeds give
 * equal sequences on every machine, which the simulator needs. Owned by one thread; {@link #split}
 * gives another owner an independent stream. Not for secrets.
 */
public final class Prng {
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    private long s0;
    private long s1;
    private long s2;
    private long s3;

    public Prng(long seed) {
        s0 = mix(seed + GOLDEN_GAMMA);
        s1 = mix(seed + 2 * GOLDEN_GAMMA);
        s2 = mix(seed + 3 * GOLDEN_GAMMA);
        s3 = mix(seed + 4 * GOLDEN_GAMMA);
    }

    /** The finalizer of splitmix64: a bijection that avalanches. */
    public static long mix(long value) {
        long z = value;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** A seed that differs from start to start, for servers. */
    public static long freshSeed() {
        return mix(
                System.nanoTime()
                        ^ mix(System.currentTimeMillis())
                        ^ mix(ProcessHandle.current().pid()));
    }

    /** An independent generator; advances this one by one step. */
    public Prng split() {
        return new Prng(nextLong());
    }

    public long nextLong() {
        long result = Long.rotateLeft(s1 * 5, 7) * 9;
        long t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = Long.rotateLeft(s3, 45);
        return result;
    }

    public int nextInt() {
        return (int) (nextLong() >>> 32);
    }

    /** Uniform in {@code [0, bound)}; the bias of the multiplication is below 2^-32. */
    public int nextInt(int bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("bound " + bound);
        }
        return (int) ((nextLong() >>> 32) * bound >>> 32);
    }

    /** Uniform in {@code [0, bound)}. */
    public long nextLong(long bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("bound " + bound);
        }
        return Math.unsignedMultiplyHigh(nextLong(), bound);
    }

    /** Uniform in {@code [0, 1)}. */
    public double nextDouble() {
        return (nextLong() >>> 11) * 0x1.0p-53;
    }

    /** True with the given probability. */
    public boolean chance(double probability) {
        return nextDouble() < probability;
    }

    /** Fills memory with random bytes. */
    public void fill(long address, long bytes) {
        long i = 0;
        for (; i + 8 <= bytes; i += 8) {
            Memory.putLong(address + i, nextLong());
        }
        if (i < bytes) {
            long word = nextLong();
            for (; i < bytes; i++) {
                Memory.putByte(address + i, (byte) word);
                word >>>= 8;
            }
        }
    }
}
