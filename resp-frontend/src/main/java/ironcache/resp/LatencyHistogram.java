package ironcache.resp;

/**
 * Counts of durations, for LATENCY HISTOGRAM and INFO latencystats: 16 linear steps per power of two of nanoseconds, from 1 ns to 1 s,
 * so percentiles are right to within 6.25 %. 16 x 28 counters, 3.5 KiB. Owned by the shard's thread.
 */
final class LatencyHistogram {
    private static final int STEP_BITS = 4;
    private static final int STEPS = 1 << STEP_BITS;
    private static final int BUCKETS = STEPS * 28;
    private static final long MAX_NANOS = 1_000_000_000L;

    private final long[] counts = new long[BUCKETS];
    private long total;

    /** The counter that a duration belongs to. */
    static int bucket(long nanos) {
        long clamped = Math.min(Math.max(nanos, 1), MAX_NANOS);
        int exponent = 63 - Long.numberOfLeadingZeros(clamped);
        if (exponent < STEP_BITS) {
            return (int) clamped;
        }
        return (exponent - STEP_BITS + 1 << STEP_BITS)
                + ((int) (clamped >>> exponent - STEP_BITS) & STEPS - 1);
    }

    /** Highest duration that falls into the bucket. */
    static long highest(int bucket) {
        if (bucket < STEPS) {
            return bucket;
        }
        int exponent = (bucket >>> STEP_BITS) - 1;
        return ((long) (bucket & STEPS - 1 | STEPS) + 1 << exponent) - 1;
    }

    void add(int bucket) {
        counts[bucket]++;
        total++;
    }

    long total() {
        return total;
    }

    /** Calls that took at most {@code nanos}. */
    long countUpTo(long nanos) {
        long sum = 0;
        for (int i = 0; i < BUCKETS && highest(i) <= nanos; i++) {
            sum += counts[i];
        }
        return sum;
    }

    long maxNanos() {
        for (int i = BUCKETS - 1; i >= 0; i--) {
            if (counts[i] != 0) {
                return highest(i);
            }
        }
        return 0;
    }

    long percentileNanos(double percentile) {
        long wanted = Math.max(1, (long) Math.ceil(total * percentile / 100));
        long sum = 0;
        for (int i = 0; i < BUCKETS; i++) {
            sum += counts[i];
            if (sum >= wanted) {
                return highest(i);
            }
        }
        return 0;
    }

    void addAll(LatencyHistogram other) {
        for (int i = 0; i < BUCKETS; i++) {
            counts[i] += other.counts[i];
        }
        total += other.total;
    }

    void clear() {
        java.util.Arrays.fill(counts, 0);
        total = 0;
    }
}
