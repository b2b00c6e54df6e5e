package ironcache.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.HdrHistogram.Histogram;

/** Counts and latencies of the running phase. Owned by the load thread; grows by one slot per second, nothing per request. */
final class LoadStats {
    private static final long LATENCY_NS_MAX = 600_000_000_000L;
    private static final int ERRORS_KEPT = 5;

    /** Of one operation. */
    static final class PerOperation {
        final Operation operation;
        final Histogram latencyNs = new Histogram(100, LATENCY_NS_MAX, 3);
        long replies;
        long hits;
        long misses;
        long errors;
        long mismatches;

        PerOperation(Operation operation) {
            this.operation = operation;
        }

        void reset() {
            latencyNs.reset();
            replies = hits = misses = errors = mismatches = 0;
        }
    }

    private final PerOperation[] byOperation = new PerOperation[Operation.values().length];
    private final List<String> errorSamples = new ArrayList<>();
    private long[] repliesBySecond = new long[64];
    private int seconds;
    private long startNs;
    private long lastReplyNs;
    private long stallNsMax;
    private long replies;
    private boolean frozen;

    LoadStats(List<Operation> operations) {
        for (Operation op : operations) {
            byOperation[op.ordinal()] = new PerOperation(op);
        }
    }

    void start(long nowNs) {
        for (PerOperation op : byOperation) {
            if (op != null) {
                op.reset();
            }
        }
        errorSamples.clear();
        Arrays.fill(repliesBySecond, 0);
        seconds = 0;
        stallNsMax = 0;
        replies = 0;
        startNs = nowNs;
        lastReplyNs = nowNs;
        frozen = false;
    }

    /** What comes later is drained, not counted. */
    void freeze() {
        frozen = true;
    }

    PerOperation of(Operation op) {
        return byOperation[op.ordinal()];
    }

    /** Requests that were sent and answered together share one recording. */
    void record(Operation op, long latencyNs, int count) {
        if (!frozen) {
            PerOperation per = byOperation[op.ordinal()];
            per.replies += count;
            per.latencyNs.recordValueWithCount(
                    Math.min(Math.max(latencyNs, 0), LATENCY_NS_MAX), count);
        }
    }

    void repliesArrived(long nowNs, int count) {
        if (frozen) {
            return;
        }
        stallNsMax = Math.max(stallNsMax, nowNs - lastReplyNs);
        lastReplyNs = nowNs;
        replies += count;
        int second = (int) ((nowNs - startNs) / 1_000_000_000L);
        if (second >= repliesBySecond.length) {
            repliesBySecond = Arrays.copyOf(repliesBySecond, second * 2);
        }
        seconds = second;
        repliesBySecond[second] += count;
    }

    /** Nothing was in flight until now, so silence before it is no stall. */
    void busyAgain(long nowNs) {
        lastReplyNs = Math.max(lastReplyNs, nowNs);
    }

    void error(Operation op, String message) {
        if (!frozen) {
            byOperation[op.ordinal()].errors++;
            if (errorSamples.size() < ERRORS_KEPT && !errorSamples.contains(message)) {
                errorSamples.add(message);
            }
        }
    }

    boolean isFrozen() {
        return frozen;
    }

    long replies() {
        return replies;
    }

    long stallNsMax() {
        return stallNsMax;
    }

    List<String> errorSamples() {
        return errorSamples;
    }

    List<PerOperation> operations() {
        return Arrays.stream(byOperation).filter(op -> op != null).toList();
    }

    /** Replies of each full second. */
    long[] repliesBySecond() {
        return Arrays.copyOf(repliesBySecond, seconds);
    }
}
