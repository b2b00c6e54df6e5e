package ironcache.bench;

import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One load run: connects, warms up, measures, drains. A single thread drives all connections without blocking, so the run
 * costs one core and measures itself by one clock.
 *
 * <p>Closed loop: each connection keeps its pipeline full. Open loop ({@code --rate}): requests become due by schedule, go
 * to the next connection with room and are timed from when they were due. While nothing is due the thread naps: one that
 * spins uses its slice of the scheduler up, and is put behind whoever shares its core for as long as a slice lasts (4 ms
 * seen), where one that wakes goes first. Nothing is allocated per request.
 */
final class LoadRun implements AutoCloseable {
    /** Told when the measured interval begins and ends, on the load thread; the harness reads the server's CPU clock there. */
    interface Observer {
        default void measureStarts() throws IOException {}

        default void measureEnds() throws IOException {}

        /** Asked ten times a second: whether the measured interval may end before its time. */
        default boolean isEnough() {
            return false;
        }
    }

    private static final long DRAIN_NS = 30_000_000_000L;
    private static final long PROGRESS_NS = 100_000_000L;

    /** Of an open loop where nothing has arrived, and nothing is due before it is over. */
    private static final long NAP_NS = 20_000;

    private final LoadOptions options;
    private final Observer observer;
    private final OperationMix mix;

    /** Null in a closed loop. */
    private final @Nullable OpenLoopSchedule schedule;

    private final LoadStats stats;
    private final Selector selector;
    private final LoadConnection[] connections;
    private final Consumer<SelectionKey> onReady = this::onReady;

    // Set by each phase.
    @SuppressWarnings("NullAway.Init")
    private KeySequence keys;

    @SuppressWarnings("NullAway.Init")
    private Mix64 random;

    private boolean issuing;
    private long requestsLeft;
    private long inFlight;
    private int nextConnection;
    private long backlogMax;
    private @Nullable IOException failure;

    LoadRun(LoadOptions options, Observer observer) throws IOException {
        this.options = options;
        this.observer = observer;
        if (options.connections < 1 || options.pipeline < 1) {
            throw new IllegalArgumentException("--connections and --pipeline: at least 1");
        }
        mix = new OperationMix(options.operationSpec());
        schedule = options.rate > 0 ? new OpenLoopSchedule(options.rate) : null;
        stats = new LoadStats(mix.operations());
        ValueFunction values = options.values();
        RequestEncoder encoder =
                new RequestEncoder(options.keySize, options.firstKey + options.keys, values);
        selector = Selector.open();
        connections = new LoadConnection[options.connections];
        try {
            for (int i = 0; i < connections.length; i++) {
                connections[i] = new LoadConnection(options, mix, selector, encoder, values, stats);
            }
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    LoadResult run() throws IOException {
        if (schedule != null) {
            ProcessFigures.sleepExactly();
        }
        if (options.warmupSeconds > 0 && !options.load) {
            phase(
                    options.seed + 1,
                    Long.MAX_VALUE,
                    (long) (options.warmupSeconds * 1e9),
                    Progress.NONE);
            drain();
        }
        observer.measureStarts();
        long cpuNs = ProcessFigures.thisThreadCpuNs();
        long startNs = System.nanoTime();
        try (Progress progress = Progress.of(options)) {
            phase(options.seed, options.requestLimit(), options.durationNs(), progress);
        }
        long elapsedNs = System.nanoTime() - startNs;
        observer.measureEnds();
        cpuNs = ProcessFigures.thisThreadCpuNs() - cpuNs;
        stats.freeze();
        LoadResult result = LoadResult.of(options, stats, elapsedNs, cpuNs, backlogMax);
        drain();
        return result;
    }

    /** Issues requests until the limit is answered or the time is over; what is then in flight stays so. */
    private void phase(long seed, long requests, long durationNs, Progress progress)
            throws IOException {
        keys = KeySequence.of(options.keyDistributionSpec(), options.firstKey, options.keys, seed);
        random = new Mix64(seed ^ Mix64.GOLDEN);
        requestsLeft = requests;
        issuing = true;
        backlogMax = 0;
        long nowNs = System.nanoTime();
        long endNs = durationNs == Long.MAX_VALUE ? Long.MAX_VALUE : nowNs + durationNs;
        long nextProgressNs = nowNs + PROGRESS_NS;
        stats.start(nowNs);
        if (schedule != null) {
            schedule.start(nowNs);
        } else {
            for (LoadConnection connection : connections) {
                refill(connection, nowNs);
            }
        }
        boolean isEnough = false;
        while (!isEnough && nowNs < endNs && (requestsLeft > 0 || inFlight > 0)) {
            if (schedule != null) {
                issueDue(schedule, nowNs);
            }
            if (schedule == null) {
                poll(100);
            } else if (poll(0) == 0 && schedule.dueNs() - nowNs > NAP_NS) {
                LockSupport.parkNanos(NAP_NS);
            }
            nowNs = System.nanoTime();
            if (nowNs >= nextProgressNs) {
                progress.update(stats.replies(), nowNs);
                isEnough = observer.isEnough();
                nextProgressNs = nowNs + PROGRESS_NS;
            }
        }
        issuing = false;
    }

    private void drain() throws IOException {
        long endNs = System.nanoTime() + DRAIN_NS;
        while (inFlight > 0) {
            poll(100);
            if (System.nanoTime() > endNs) {
                throw new IOException(
                        inFlight
                                + " requests without a reply for "
                                + DRAIN_NS / 1_000_000_000
                                + " s");
            }
        }
    }

    /**
     * @param timeoutMs 0: does not wait
     * @return the number of connections that were ready
     */
    private int poll(long timeoutMs) throws IOException {
        int ready =
                timeoutMs == 0 ? selector.selectNow(onReady) : selector.select(onReady, timeoutMs);
        if (failure != null) {
            throw failure;
        }
        return ready;
    }

    private void onReady(SelectionKey key) {
        LoadConnection connection = (LoadConnection) key.attachment();
        try {
            if (key.isReadable()) {
                inFlight -= connection.receive();
                if (issuing && schedule == null) {
                    refill(connection, System.nanoTime());
                }
            }
            if (key.isWritable()) {
                connection.flush();
                if (issuing && schedule == null) {
                    refill(connection, System.nanoTime());
                }
            }
        } catch (IOException e) {
            failure = e;
        }
    }

    /** Closed loop: fills the pipeline, or waits until it is empty if it is to be filled in batches. */
    private void refill(LoadConnection connection, long nowNs) throws IOException {
        do {
            while (requestsLeft > 0 && connection.mayAdd()) {
                issue(connection, nowNs);
            }
            connection.flush();
            // Large values may fill the buffer before the pipeline is full; go on as long as the
            // socket takes them.
        } while (requestsLeft > 0 && !connection.hasUnsent() && connection.mayAdd());
    }

    /** Open loop: sends what is due as far as connections have room. */
    private void issueDue(OpenLoopSchedule schedule, long nowNs) throws IOException {
        while (requestsLeft > 0 && schedule.dueNs() <= nowNs) {
            LoadConnection connection = connectionWithRoom();
            if (connection == null) {
                backlogMax = Math.max(backlogMax, schedule.backlog(nowNs));
                break;
            }
            issue(connection, schedule.dueNs());
            schedule.advance();
            if (schedule.dueNs() > nowNs) {
                break;
            }
        }
        for (LoadConnection connection : connections) {
            connection.flush();
        }
    }

    private @Nullable LoadConnection connectionWithRoom() {
        for (int i = 0; i < connections.length; i++) {
            LoadConnection connection = connections[nextConnection];
            nextConnection = nextConnection + 1 == connections.length ? 0 : nextConnection + 1;
            if (connection.hasRoom()) {
                return connection;
            }
        }
        return null;
    }

    private void issue(LoadConnection connection, long startNs) {
        if (inFlight == 0) {
            stats.busyAgain(startNs);
        }
        connection.add(keys, random, startNs);
        inFlight++;
        requestsLeft--;
    }

    @Override
    public void close() throws IOException {
        for (LoadConnection connection : connections) {
            if (connection != null) {
                connection.close();
            }
        }
        selector.close();
    }
}
