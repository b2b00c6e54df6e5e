package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What clients notice of BGSAVE: an open loop of GETs and SETs at a quarter, at half and at a tenth of the closed loop's rate, in turns
 * without a snapshot and while one is made. An interval with snapshots begins with the first one's BGSAVE and ends when the last one is done. Half of what pipelined clients get at most
 * keeps a server busy by itself, since it comes in smaller pieces: there a snapshot shows by how much less is left to catch up with. A
 * tenth leaves it a quarter of its core: there it shows how long a slice of it is.
 */
final class SnapshotPauseScenario implements Scenario {
    private static final String OPERATIONS = "get:50,set:50";
    private static final double[] OPEN_LOOP_SHARES = {0.25, 0.5, 0.1};
    private static final double RATIO_MAX = 2;
    private static final double EXTRA_MB_MAX = 64;
    private static final double SECONDS_MAX = 600;

    private record Found(double p999Us, double silenceMs, double seconds, long rssBytesMax) {}

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        StoredSet set = StoredSet.ofGigabytes(options.gigabytes());
        report.heading("Durability: pauses while a snapshot of " + set.title() + " is made");
        report.line("Data on %s.", harness.dataFileSystem());
        ServerProcess server =
                harness.start(ServerProcess.Kind.IRONCACHE, "--maxmemory", set.memoryForAll());
        set.load(harness, server);

        LoadOptions load = set.requests(harness, server, OPERATIONS);
        load.warmupSeconds = options.warmupSeconds();
        load.durationSeconds = options.seconds();
        double closedPerSecond = harness.run(server, load).load().repliesPerSecond();
        load.durationSeconds = SECONDS_MAX;
        for (double share : OPEN_LOOP_SHARES) {
            load.rate = closedPerSecond * share;
            report.line(
                    "Closed loop: %,.0f per second. Open loop: %,.0f, %s.",
                    closedPerSecond, load.rate, OPERATIONS);
            compare(harness, server, load);
        }
        ServerCounters counters = new ServerCounters(server);
        counters.measureEnds();
        report.line(
                "Tiers at the end: %s bytes on disk beyond the snapshot (0: all was in RAM).",
                counters.infoAfter().getOrDefault("disk_bytes", "?"));
        harness.stop(server);
    }

    private static void compare(Harness harness, ServerProcess server, LoadOptions load)
            throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        int rounds = options.rounds();
        double[] p999Ratios = new double[rounds];
        double[] silenceRatios = new double[rounds];
        double[] extraMb = new double[rounds];
        List<List<String>> rows = new ArrayList<>();
        double seconds = options.seconds();
        long rssBytesBefore = 0;
        for (int round = 0; round < rounds; round++) {
            load.seed = 1000L + round;
            Found without = measure(harness, server, load, round, false, seconds, rows);
            if (round == 0) {
                // What the first snapshot leaves allocated counts in every round.
                rssBytesBefore = without.rssBytesMax;
            }
            Found with = measure(harness, server, load, round, true, options.seconds(), rows);
            p999Ratios[round] = with.p999Us / without.p999Us;
            silenceRatios[round] = with.silenceMs / without.silenceMs;
            extraMb[round] = (with.rssBytesMax - rssBytesBefore) / 1e6;
            // The longer one looks, the longer the longest pause.
            seconds = with.seconds;
        }
        report.table(
                List.of(
                        "",
                        "round",
                        "seconds",
                        "BGSAVEs",
                        "replies/s",
                        "p50 us",
                        "p99 us",
                        "p99.9 us",
                        "max us",
                        "longest silence ms",
                        "overdue",
                        "RSS, MB",
                        "server busy",
                        "others busy"),
                rows);
        Spread p999 = Spread.of(p999Ratios);
        Spread silence = Spread.of(silenceRatios);
        Spread extra = Spread.of(extraMb);
        report.table(
                List.of("with a snapshot", "", "at most"),
                List.of(
                        p999.rowAtMost("p99.9, times that without", "%.2f", RATIO_MAX, "%.0f"),
                        silence.rowAtMost(
                                "longest pause, times that without", "%.2f", RATIO_MAX, "%.0f"),
                        extra.rowAtMost(
                                "RSS above that before the first one, MB",
                                "%.1f",
                                EXTRA_MB_MAX,
                                "%.0f")));
    }

    private static Found measure(
            Harness harness,
            ServerProcess server,
            LoadOptions load,
            int round,
            boolean saves,
            double seconds,
            List<List<String>> rows)
            throws IOException {
        load.label = saves ? "with" : "without";
        SnapshotWatch watch = new SnapshotWatch(server, saves, seconds);
        Harness.Sample sample = harness.run(server, load, watch);
        LoadResult result = sample.load();
        Found found =
                new Found(
                        result.latencyUs(99.9),
                        result.stallNsMax() / 1e6,
                        result.seconds(),
                        watch.rssBytesMax());
        rows.add(
                List.of(
                        load.label,
                        Integer.toString(round + 1),
                        String.format(Locale.ROOT, "%.1f", found.seconds),
                        watch.saves(),
                        String.format(Locale.ROOT, "%,.0f", result.repliesPerSecond()),
                        String.format(Locale.ROOT, "%,.0f", result.latencyUs(50)),
                        String.format(Locale.ROOT, "%,.0f", result.latencyUs(99)),
                        String.format(Locale.ROOT, "%,.0f", found.p999Us),
                        String.format(Locale.ROOT, "%,.0f", result.latencyUs(100)),
                        String.format(Locale.ROOT, "%.1f", found.silenceMs),
                        String.format(Locale.ROOT, "%,d", result.backlogMax()),
                        String.format(Locale.ROOT, "%,.1f", found.rssBytesMax / 1e6),
                        String.format(Locale.ROOT, "%.2f", sample.serverBusy()),
                        String.format(
                                Locale.ROOT,
                                "%.2f",
                                sample.machineBusy() - sample.serverBusy() - result.clientBusy())));
        System.err.println(String.join("  ", rows.getLast()));
        return found;
    }
}
