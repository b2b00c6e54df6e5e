package ironcache.bench;

/**
 * When each request of an open loop is due: request n at start + n / rate, whatever became of the requests before it. A
 * request that had to wait for a free slot keeps the time at which it was due, so a server's pause shows in the latency of
 * all the requests that fell into it (no coordinated omission).
 */
final class OpenLoopSchedule {
    private final double intervalNs;
    private long startNs;
    private long issued;

    OpenLoopSchedule(double requestsPerSecond) {
        if (!(requestsPerSecond > 0)) {
            throw new IllegalArgumentException(
                    "--rate " + requestsPerSecond + ": requests per second, above 0");
        }
        intervalNs = 1e9 / requestsPerSecond;
    }

    void start(long nowNs) {
        startNs = nowNs;
        issued = 0;
    }

    /** The next request's due time. It is computed from the start, so rounding never adds up. */
    long dueNs() {
        return startNs + (long) (issued * intervalNs);
    }

    void advance() {
        issued++;
    }

    /** Requests that are due but not sent. */
    long backlog(long nowNs) {
        return Math.max(0, (long) ((nowNs - startNs) / intervalNs) + 1 - issued);
    }
}
