package ironcache.bench;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/**
 * Row 6: Zipf 0.99 over the cold set, 95 % GET and 5 % SET: first as fast as it goes, then as an open loop at 60 % of that,
 * which is what latencies are worth reading from. No reply may be silent for 50 ms.
 */
final class ZipfScenario implements Scenario {
    private static final double OPEN_LOOP_SHARE = 0.6;
    private static final double PAUSE_MS_MAX = 50;

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.heading("Row 6: Zipf 0.99, 95 % GET, 5 % SET");
        ServerProcess server = harness.coldServer();
        LoadOptions load = harness.coldLoad(server);
        load.connections = 16;
        load.pipeline = 16;
        load.window = LoadOptions.Window.SLIDING;
        load.keyDistribution = "zipf:0.99";
        load.readPercent = 95;
        load.verify = true;
        load.requireHits = true;
        // The hot keys have to find their way back into memory first.
        load.warmupSeconds = Math.max(30 * options.scale(), options.warmupSeconds());
        load.durationSeconds = Math.max(30 * options.scale(), options.seconds());
        load.label = "closed loop";
        Harness.Sample closed = measure(harness, server, load);

        load.rate = closed.load().repliesPerSecond() * OPEN_LOOP_SHARE;
        load.warmupSeconds = options.warmupSeconds();
        load.label = String.format(Locale.ROOT, "open loop, %,.0f requests/s", load.rate);
        Harness.Sample open = measure(harness, server, load);
        report.lines(
                "Row 6: replies per second",
                "replies per second",
                1,
                Map.of("closed loop", bySecond(closed), "open loop", bySecond(open)));
    }

    private static Harness.Sample measure(Harness harness, ServerProcess server, LoadOptions load)
            throws IOException {
        Report report = harness.report();
        ServerCounters counters = new ServerCounters(server);
        Harness.Sample sample = harness.run(server, load, counters);
        report.code(sample.load().toText());
        report.line(
                "From RAM: %.4f of the hits; disk reads per cold GET: %.3f. What the server counted meanwhile:",
                counters.ramHitRate(), counters.readsPerColdHit());
        report.code(counters.toText());
        double pauseMs = sample.load().stallNsMax() / 1e6;
        report.line(
                "Longest pause %.1f ms, at most %.0f ms: %s. Server busy: %.2f cores.",
                pauseMs,
                PAUSE_MS_MAX,
                pauseMs <= PAUSE_MS_MAX ? "met" : "MISSED",
                sample.serverBusy());
        return sample;
    }

    private static double[] bySecond(Harness.Sample sample) {
        return Arrays.stream(sample.load().repliesBySecond()).asDoubleStream().toArray();
    }
}
