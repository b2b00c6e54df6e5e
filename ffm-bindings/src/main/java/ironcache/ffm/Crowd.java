package ironcache.ffm;

/**
 * How many requests a turn waits for. Where many clients are served unpipelined, their requests trickle in one by one, and a turn for each
 * two or three of them costs more than the requests: a system call, a sleep, a wake-up. Waiting a moment for more makes fewer, fuller turns,
 * as a network card moderates its interrupts.
 *
 * <p>Nobody waits for a crowd that is not there:
 *
 * <ul>
 *   <li>A thread with time to spare answers at once. It waits from {@value #BUSY_PERCENT} % of its share of the cores on, until below
 *       {@value #IDLE_PERCENT} %.
 *   <li>It waits for a quarter of the active connections of its core at most, so that clients and server never stand still for each other: where several
 *       threads share a core, the others work meanwhile.
 *   <li>A turn that brought more than it waited for raises the number by a quarter of the surplus; one that ran out of patience lowers it to
 *       three quarters of what came, so that one vain wait is the last.
 * </ul>
 *
 * <p>docs/adr/0009-crowd.md has the measurements. Owned by the thread that polls.
 */
final class Crowd {
    private static final int PATIENCE_MICROS = 200;

    /** Beyond this, fuller turns save nothing more and cost latency. */
    private static final int REQUESTS_MAX = 32;

    private static final int CONNECTIONS_PER_REQUEST = 4;
    private static final int BUSY_PERCENT = 40;
    private static final int IDLE_PERCENT = 28;

    /** How many threads like this one there are to a core, at least one. */
    private final double threadsPerCore;

    private boolean busy;
    private int limit = 1;
    private int wanted = 1;
    private int arrived;

    /**
     * @param threads that share the cores
     * @param cores of the process
     */
    Crowd(int threads, int cores) {
        threadsPerCore = Math.max(1.0, (double) threads / cores);
    }

    /**
     * Looks at the last while, about every half second.
     *
     * @param connections how many sent something
     * @param cpuNanos CPU time that the thread took
     */
    void look(int connections, long cpuNanos, long wallNanos) {
        busy = cpuNanos * threadsPerCore * 100 >= wallNanos * (busy ? IDLE_PERCENT : BUSY_PERCENT);
        limit =
                busy
                        ? Math.clamp(
                                (long) (connections * threadsPerCore) / CONNECTIONS_PER_REQUEST,
                                1,
                                REQUESTS_MAX)
                        : 1;
    }

    /** How long a turn waits for more requests, at most. */
    int patienceMicros() {
        return (int) (PATIENCE_MICROS * threadsPerCore);
    }

    /** A request, or several in one piece, came with this turn. */
    void arrived() {
        arrived++;
    }

    /** Ends the count of one turn. @return requests to wait for in the next, from 1 on */
    int next() {
        if (arrived > wanted) {
            wanted += Math.max(1, (arrived - wanted) / 4);
        } else if (arrived < wanted) {
            wanted = Math.max(1, arrived * 3 / 4);
        }
        wanted = Math.min(wanted, limit);
        arrived = 0;
        return wanted;
    }
}
