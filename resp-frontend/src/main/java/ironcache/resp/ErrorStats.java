package ironcache.resp;

import java.util.SortedMap;
import java.util.TreeMap;

/** Errors by code, for INFO errorstats; bounded, as in Valkey, against clients that make codes up. Counted by one shard's thread, or a sum. */
final class ErrorStats {
    static final int MOST_CODES = 128;

    private final TreeMap<String, long[]> counts = new TreeMap<>();
    private long total;

    void count(String code) {
        total++;
        long[] count = counts.get(code);
        if (count == null) {
            if (counts.size() >= MOST_CODES) {
                return;
            }
            count = new long[1];
            counts.put(code, count);
        }
        count[0]++;
    }

    /** Adds another thread's counts; the caller has its shard. */
    void add(ErrorStats other) {
        total += other.total;
        other.counts.forEach((code, count) -> counts.merge(code, count.clone(), ErrorStats::sum));
    }

    private static long[] sum(long[] a, long[] b) {
        return new long[] {a[0] + b[0]};
    }

    /** For INFO. */
    SortedMap<String, long[]> counts() {
        return counts;
    }

    long total() {
        return total;
    }

    void clear() {
        counts.clear();
        total = 0;
    }
}
