package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * For how long shards are lent while their keys are cold: MGET and MSET of four keys and transactions, each over all shards,
 * on a set several times as large as memory. A disk read takes about as long as the bar: one under a lease would show.
 */
final class ShardHandOffScenario implements Scenario {
    private static final long KEYS = 3L << 20;
    private static final long MEMORY_MB = 512;
    private static final List<Integer> SHARDS = List.of(2, 4);
    private static final List<Integer> PIPELINES = List.of(1, 16);
    private static final String OPERATIONS = "mget:40,mset:40,multi+get+set+get+set+exec:20";
    private static final double HOLD_US_MAX = 200;

    /** A new server's counters start at 0; what reads INFO and is left after RESETSTAT are a few hand-offs of its own. */
    private static final long LEASES_AFTER_RESET_MAX = 1000;

    @Override
    public void run(Harness harness) throws IOException {
        Report report = harness.report();
        long keys = harness.scaled(KEYS);
        // The same for all, so at least what most shards need.
        String memory = harness.scaledMb(MEMORY_MB, Collections.max(SHARDS));
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Shards: hold times of hand-offs under cold keys, %,d keys with 1 KiB in %s of memory, %d connections",
                        keys,
                        memory,
                        harness.options().connections()));
        report.line("Load: %s, all over all shards.", OPERATIONS);
        List<List<String>> rows = new ArrayList<>();
        List<String> verdicts = new ArrayList<>();
        for (int shards : SHARDS) {
            ServerProcess server =
                    harness.start(
                            ServerProcess.Kind.IRONCACHE,
                            "--maxmemory",
                            memory,
                            "--shards",
                            Integer.toString(shards));
            harness.load(server, keys, "1024");
            for (int pipeline : PIPELINES) {
                double[] holdsUs = new double[harness.options().rounds()];
                for (int round = 0; round < holdsUs.length; round++) {
                    holdsUs[round] =
                            measure(
                                    harness,
                                    server,
                                    load(harness, server, shards, pipeline, keys),
                                    round,
                                    rows);
                }
                Spread hold = Spread.of(holdsUs);
                verdicts.add(
                        String.format(
                                Locale.ROOT,
                                "%d shards, pipeline %d: hold time p99.9 %s us; at most %.0f: %s.",
                                shards,
                                pipeline,
                                hold.toText("%,.1f"),
                                HOLD_US_MAX,
                                hold.median() <= HOLD_US_MAX ? "met" : "MISSED"));
            }
            harness.stop(server);
        }
        report.table(
                List.of(
                        "",
                        "round",
                        "replies/s",
                        "p99.9 us",
                        "hand-offs/s",
                        "cold reads/s",
                        "parked/s",
                        "held p50 us",
                        "p99 us",
                        "p99.9 us",
                        "max us",
                        "server busy",
                        "client busy",
                        "all busy"),
                rows);
        for (String verdict : verdicts) {
            report.line("%s", verdict);
        }
    }

    private static LoadOptions load(
            Harness harness, ServerProcess server, int shards, int pipeline, long keys) {
        LoadOptions load = new LoadOptions();
        load.port = server.port();
        load.connections = harness.options().connections();
        load.pipeline = pipeline;
        load.window = LoadOptions.Window.SLIDING;
        load.operations = OPERATIONS;
        load.spreadShards = shards;
        load.keys = keys;
        load.valueSize = "1024";
        load.warmupSeconds = harness.options().warmupSeconds();
        load.durationSeconds = harness.options().seconds();
        load.label = shards + " shards, P" + pipeline;
        return load;
    }

    /** Adds a row; returns the 99.9th percentile of the hold times, in microseconds. */
    private static double measure(
            Harness harness,
            ServerProcess server,
            LoadOptions load,
            int round,
            List<List<String>> rows)
            throws IOException {
        load.seed = 1000L + round;
        ServerCounters counters = new ServerCounters(server);
        LoadRun.Observer observer =
                new LoadRun.Observer() {
                    @Override
                    public void measureStarts() throws IOException {
                        try (AdminClient client = server.connect()) {
                            client.command("CONFIG", "RESETSTAT");
                        }
                        counters.measureStarts();
                    }

                    @Override
                    public void measureEnds() throws IOException {
                        counters.measureEnds();
                    }
                };
        Harness.Sample sample = harness.run(server, load, observer);
        LoadResult result = sample.load();
        if (counters.before("leases") > LEASES_AFTER_RESET_MAX) {
            harness.report()
                    .line(
                            "**%s: CONFIG RESETSTAT left %,d hand-offs counted; hold times are those since the start.**",
                            load.label, counters.before("leases"));
        }
        Map<String, String> info = counters.infoAfter();
        rows.add(
                List.of(
                        load.label,
                        Integer.toString(round + 1),
                        String.format(Locale.ROOT, "%,.0f", result.repliesPerSecond()),
                        String.format(Locale.ROOT, "%,.0f", result.latencyUs(99.9)),
                        perSecond(counters, "leases", result),
                        perSecond(counters, "cold_reads", result),
                        perSecond(counters, "parked_commands", result),
                        info.getOrDefault("lease_p50_usec", "-"),
                        info.getOrDefault("lease_p99_usec", "-"),
                        info.getOrDefault("lease_p99.9_usec", "-"),
                        info.getOrDefault("lease_max_usec", "-"),
                        String.format(Locale.ROOT, "%.2f", sample.serverBusy()),
                        String.format(Locale.ROOT, "%.2f", result.clientBusy()),
                        String.format(Locale.ROOT, "%.2f", sample.machineBusy())));
        return Double.parseDouble(info.getOrDefault("lease_p99.9_usec", "NaN"));
    }

    private static String perSecond(ServerCounters counters, String name, LoadResult result) {
        return String.format(Locale.ROOT, "%,.0f", counters.delta(name) / result.seconds());
    }
}
