package ironcache.bench;

import java.io.IOException;
import java.util.List;

/** Row 7: blind SETs over the cold set must run at 70 % at least of the speed of SETs of new keys; rounds interleave. */
final class BlindSetScenario implements Scenario {
    private static final double SHARE_MIN = 0.7;

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.heading("Row 7: blind SETs over the cold set against SETs of new keys");
        ServerProcess server = harness.coldServer();
        double[] blind = new double[options.rounds()];
        double[] fresh = new double[options.rounds()];
        LoadOptions load = harness.coldLoad(server);
        long coldKeys = load.keys;
        long nextNewKey = coldKeys;
        long coldReads = 0;
        for (int round = 0; round < options.rounds(); round++) {
            load = base(harness, server);
            load.label = "SET of cold keys";
            load.seed = 2000L + round;
            ServerCounters counters = new ServerCounters(server);
            blind[round] = harness.run(server, load, counters).load().repliesPerSecond();
            coldReads += counters.delta("cold_reads");

            load = base(harness, server);
            load.label = "SET of new keys";
            load.keyDistribution = "shuffled";
            load.firstKey = nextNewKey;
            // More than can be sent in the time, so that no key comes twice.
            load.keys = (long) (2_000_000 * options.seconds());
            nextNewKey += load.keys;
            fresh[round] = harness.run(server, load).load().repliesPerSecond();
        }
        Spread ratio = Spread.ofRatios(blind, fresh);
        report.table(
                List.of("", "SETs per second"),
                List.of(
                        List.of("of cold keys", Spread.of(blind).toText("%,.0f")),
                        List.of("of new keys", Spread.of(fresh).toText("%,.0f"))));
        report.line(
                "Ratio: %s; at least %.2f: %s.",
                ratio.toText("%.2f"), SHARE_MIN, ratio.median() >= SHARE_MIN ? "met" : "MISSED");
        try (AdminClient client = server.connect()) {
            report.line(
                    "Cold reads during the SETs of cold keys (settling): %,d. DBSIZE afterwards: %,d.",
                    coldReads, client.integer("DBSIZE"));
        }
    }

    private static LoadOptions base(Harness harness, ServerProcess server) {
        LoadOptions load = harness.coldLoad(server);
        load.connections = 16;
        load.pipeline = 16;
        load.operations = "set";
        // Without warm-up: it would write the keys that must be cold, or new.
        load.durationSeconds = harness.options().seconds();
        return load;
    }
}
