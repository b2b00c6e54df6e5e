package ironcache.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * SIGTERM and a start: from exec to the first right GET, and how soon the throughput is what it was. The set is loaded once and
 * lives on from round to round.
 */
final class WarmRestartScenario implements Scenario {
    private static final String OPERATIONS = "get:80,set:20";
    private static final Path SHM = Path.of("/dev/shm");
    private static final double FIRST_GET_SECONDS_MAX = 1.5;
    private static final double SHARE_MIN = 0.9;
    private static final double RECOVERED_SECONDS_MAX = 5;

    /** What is looked at after a start; twice as long as may pass, so that a miss has a figure too. */
    private static final int SECONDS_AFTER = 10;

    @Override
    public boolean onAllCores() {
        return true;
    }

    @Override
    public void run(Harness harness) throws IOException {
        StoredSet set = StoredSet.ofGigabytes(harness.options().gigabytes());
        harness.report().heading("Durability: warm restart of " + set.title() + " in RAM");
        restarts(harness, set, "in the data directory");
        if (!Files.isDirectory(SHM)) {
            harness.report().line("A state in memory: not measured, there is no %s.", SHM);
            return;
        }
        Path memory = Files.createTempDirectory(SHM, "ironcache-bench-");
        try {
            restarts(harness, set, "in memory", "--state-file", memory.toString());
        } finally {
            Files.delete(memory);
        }
    }

    private static void restarts(Harness harness, StoredSet set, String where, String... more)
            throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.line("The state file is %s.", where);
        List<String> all = new ArrayList<>(List.of("--maxmemory", set.memoryForAll()));
        all.addAll(List.of(more));
        String[] settings = all.toArray(new String[0]);
        ServerProcess server = harness.start(ServerProcess.Kind.IRONCACHE, settings);
        set.load(harness, server);

        int rounds = options.rounds();
        double[] firstGetSeconds = new double[rounds];
        double[] recoveredSeconds = new double[rounds];
        List<List<String>> rows = new ArrayList<>();
        Map<String, double[]> perSecond = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            LoadOptions load = set.requests(harness, server, OPERATIONS);
            load.seed = 1000L + round;
            load.warmupSeconds = options.warmupSeconds();
            load.durationSeconds = options.seconds();
            double before = harness.run(server, load).load().repliesPerSecond();

            double stopSeconds = server.terminate();
            server = harness.restart(server, settings);
            double pongSeconds = server.startMs() / 1e3;
            firstGetSeconds[round] = set.firstGetSeconds(server);
            double cpuSeconds = server.figures().cpuNs() / 1e9;

            load = set.requests(harness, server, OPERATIONS);
            load.seed = 2000L + round;
            load.durationSeconds = SECONDS_AFTER + 1;
            double[] loadFrom = new double[1];
            ServerProcess started = server;
            LoadRun.Observer observer =
                    new LoadRun.Observer() {
                        @Override
                        public void measureStarts() {
                            loadFrom[0] = started.sinceStartSeconds();
                        }
                    };
            LoadResult after = harness.run(server, load, observer).load();
            double[] shares =
                    Arrays.stream(after.repliesBySecond())
                            .mapToDouble(replies -> replies / before)
                            .toArray();
            recoveredSeconds[round] = recovered(shares, loadFrom[0]);
            perSecond.put("round " + (round + 1), shares);
            rows.add(
                    List.of(
                            Integer.toString(round + 1),
                            String.format(Locale.ROOT, "%,.0f", before),
                            String.format(Locale.ROOT, "%.2f", stopSeconds),
                            String.format(Locale.ROOT, "%.2f", pongSeconds),
                            String.format(Locale.ROOT, "%.2f", firstGetSeconds[round]),
                            String.format(Locale.ROOT, "%.2f", cpuSeconds),
                            String.format(Locale.ROOT, "%.2f", loadFrom[0]),
                            percent(shares),
                            String.format(Locale.ROOT, "%.1f", recoveredSeconds[round]),
                            Long.toString(after.errors())));
            System.err.println(String.join("  ", rows.getLast()));
        }
        report.table(
                List.of(
                        "round",
                        "before, replies/s",
                        "stop s",
                        "PONG s",
                        "first GET s",
                        "its CPU s until then",
                        "load from s",
                        "each second after, % of before",
                        "90 % s",
                        "errors"),
                rows);
        report.line("After the last start: %s.", set.readAll(harness, server));
        Spread first = Spread.of(firstGetSeconds);
        Spread recovered = Spread.of(recoveredSeconds);
        report.table(
                List.of("seconds from exec", "", "at most"),
                List.of(
                        first.rowAtMost(
                                "to the first right GET", "%.2f", FIRST_GET_SECONDS_MAX, "%.1f"),
                        recovered.rowAtMost(
                                "to the end of the first second with 90 % of the throughput before",
                                "%.1f", RECOVERED_SECONDS_MAX, "%.0f")));
        report.lines(
                "Durability: throughput after a warm restart, state file " + where,
                "share of that before",
                1,
                perSecond);
        harness.stop(server);
    }

    /** Seconds from exec to the end of the first second in which the share was reached; infinite where it was not. */
    static double recovered(double[] shares, double loadFromSeconds) {
        for (int second = 0; second < shares.length; second++) {
            if (shares[second] >= SHARE_MIN) {
                return loadFromSeconds + second + 1;
            }
        }
        return Double.POSITIVE_INFINITY;
    }

    private static String percent(double[] shares) {
        List<String> words = new ArrayList<>();
        for (double share : shares) {
            words.add(String.format(Locale.ROOT, "%.0f", share * 100));
        }
        return String.join(" ", words);
    }
}
