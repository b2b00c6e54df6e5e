package ironcache.tools;

import ironcache.ffm.MemoryTag;
import ironcache.resp.SimulatedNode;
import ironcache.tools.HistoryChecker.SessionOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The server's own shards under {@link SteppedRun}'s workloads, seed by seed.
 *
 * <pre>tools/conformance histories --simulated 10000 --seed 1</pre>
 */
final class SimulatedRun {
    private static final int MOST_SHARDS = 5;
    private static final int CLIENTS = 8;
    private static final int SENDS = 200;
    private static final double PROGRESS_EVERY_SECONDS = 60;

    /**
     * What one seed led to.
     *
     * @param failures of the server to go on, or replies that no server should give
     * @param traceHash of all that happened
     * @param planted how often the bug struck
     */
    record Outcome(
            List<String> failures,
            List<String> anomalies,
            long traceHash,
            int units,
            long lockWaits,
            long parks,
            long coldReads,
            long transactionHolds,
            long planted) {
        boolean clean() {
            return failures.isEmpty() && anomalies.isEmpty();
        }

        /** For counting: of what kind the first complaint is. */
        private String kind() {
            String first = (anomalies.isEmpty() ? failures : anomalies).getFirst();
            return first.lines().findFirst().orElse("").replaceAll("[\\[:(0-9].*", "");
        }
    }

    static {
        // The first server of a process leaves constants behind.
        for (long seed = 1; seed <= 2; seed++) {
            Outcome _ = play(seed, 2, SimulatedNode.Bug.NONE, SessionOrder.ALL);
        }
    }

    private SimulatedRun() {}

    /** @param shards 0: 1 to 5, as the seed says */
    static Outcome play(long seed, int shards, SimulatedNode.Bug bug, SessionOrder session) {
        int count = shards > 0 ? shards : 1 + Math.floorMod(seed, MOST_SHARDS);
        List<String> failures = new ArrayList<>();
        List<String> anomalies = new ArrayList<>();
        long bytes = offHeapBytes();
        Outcome outcome;
        try (SimulatedStore store = new SimulatedStore(count, seed, bug)) {
            SteppedRun run = new SteppedRun(store, seed, CLIENTS);
            try {
                run.play(SENDS);
                store.node().stop();
            } catch (RuntimeException | Error e) {
                StackTraceElement[] stack = e.getStackTrace();
                failures.add(e + (stack.length == 0 ? "" : " at " + stack[0]));
            }
            if (store.stalls() > 0) {
                failures.add("nobody was woken, " + store.stalls() + " times");
            }
            failures.addAll(run.failures());
            failures.addAll(store.failures());
            run.judge(session).forEach(anomaly -> anomalies.add(anomaly.toString()));
            SimulatedNode node = store.node();
            outcome =
                    new Outcome(
                            failures,
                            anomalies,
                            store.traceHash(),
                            run.history().size(),
                            node.lockWaits(),
                            node.parks(),
                            node.coldReads(),
                            node.transactionHolds(),
                            node.planted());
        }
        if (offHeapBytes() != bytes) {
            failures.add("memory that nobody gave back: " + (offHeapBytes() - bytes) + " bytes");
        }
        return outcome;
    }

    private static long offHeapBytes() {
        long sum = 0;
        for (MemoryTag tag : MemoryTag.values()) {
            sum += tag.bytes();
        }
        return sum;
    }

    /** Plays so many seeds and says what was found; returns how many of them were not clean. */
    static int run(
            long firstSeed, int seeds, int shards, SimulatedNode.Bug bug, SessionOrder session) {
        long started = System.nanoTime();
        long told = started;
        long units = 0;
        long lockWaits = 0;
        long parks = 0;
        long coldReads = 0;
        long holds = 0;
        int struck = 0;
        int bad = 0;
        Map<String, Integer> kinds = new TreeMap<>();
        for (long seed = firstSeed; seed < firstSeed + seeds; seed++) {
            Outcome outcome = play(seed, shards, bug, session);
            units += outcome.units;
            lockWaits += outcome.lockWaits;
            parks += outcome.parks;
            coldReads += outcome.coldReads;
            holds += outcome.transactionHolds;
            struck += outcome.planted > 0 ? 1 : 0;
            if (!outcome.clean()) {
                bad++;
                if (kinds.merge(outcome.kind(), 1, Integer::sum) == 1) {
                    System.out.println("seed " + seed + ":");
                    outcome.failures.forEach(System.out::println);
                    outcome.anomalies.forEach(System.out::println);
                }
            }
            if ((System.nanoTime() - told) / 1e9 > PROGRESS_EVERY_SECONDS) {
                told = System.nanoTime();
                System.out.println(seed + 1 - firstSeed + " seeds, " + bad + " not clean");
            }
        }
        System.out.printf(
                "%,d seeds from %d in %.1f s: %,d units, %,d waits for locks, %,d commands parked, %,d cold reads,"
                        + " %,d transactions held%n",
                seeds,
                firstSeed,
                (System.nanoTime() - started) / 1e9,
                units,
                lockWaits,
                parks,
                coldReads,
                holds);
        if (bug != SimulatedNode.Bug.NONE) {
            System.out.printf("the bug struck in %,d seeds%n", struck);
        }
        System.out.printf("%,d seeds with anomalies or failures %s%n", bad, bad == 0 ? "" : kinds);
        return bad;
    }
}
