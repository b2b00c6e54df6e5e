package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Row 5: uniform GETs over the cold set, 16 connections with 16 requests in flight each and 256 with one, against what fio
 * reads from the same disk in 4 KiB at queue depth 64. fio runs before and after, for a virtual disk changes its mind.
 */
final class ColdReadScenario implements Scenario {
    private static final double SHARE_MIN = 0.6;
    private static final double READS_PER_COLD_GET_MAX = 1.05;

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.heading("Row 5: uniform GETs over a set ten times as large as memory");
        ServerProcess server = harness.coldServer();
        double[] fio = new double[options.rounds() + 1];
        fio[0] = fioReadsPerSecond(harness);
        List<List<String>> rows = new ArrayList<>();
        List<Double> pipelined = new ArrayList<>();
        List<Double> readsPerColdHit = new ArrayList<>();
        Map<String, double[]> perSecond = new LinkedHashMap<>();
        for (int round = 0; round < options.rounds(); round++) {
            for (int[] shape : new int[][] {{16, 16}, {256, 1}}) {
                LoadOptions load = harness.coldLoad(server);
                load.connections = shape[0];
                load.pipeline = shape[1];
                load.window = LoadOptions.Window.SLIDING;
                load.seed = 1000L + round;
                load.warmupSeconds = options.warmupSeconds();
                load.durationSeconds = options.seconds();
                load.verify = true;
                load.requireHits = true;
                load.label = shape[0] + " x P" + shape[1];
                rows.add(measure(harness, server, load, round, perSecond, readsPerColdHit));
                if (shape[1] > 1) {
                    pipelined.add(Double.parseDouble(rows.getLast().get(2).replace(",", "")));
                }
            }
            fio[round + 1] = fioReadsPerSecond(harness);
        }
        report.table(
                List.of(
                        "",
                        "round",
                        "GETs/s",
                        "found",
                        "p50 us",
                        "p99 us",
                        "p99.9 us",
                        "max us",
                        "server busy",
                        "from RAM",
                        "reads per cold GET",
                        "device reads per GET",
                        "bytes read per GET"),
                rows);
        Spread fioSpread = Spread.of(fio);
        Spread gets = Spread.of(pipelined.stream().mapToDouble(Double::doubleValue).toArray());
        if (Double.isNaN(fioSpread.median())) {
            report.line("fio is not installed: no reference.");
        } else {
            double share = gets.median() / fioSpread.median();
            report.line(
                    "fio, 4 KiB random reads at queue depth 64: %s per second. Pipelined GETs: %s per second, "
                            + "**%.0f %%** of it; at least %.0f %%: %s.",
                    fioSpread.toText("%,.0f"),
                    gets.toText("%,.0f"),
                    share * 100,
                    SHARE_MIN * 100,
                    share >= SHARE_MIN ? "met" : "MISSED");
        }
        Spread reads =
                Spread.of(readsPerColdHit.stream().mapToDouble(Double::doubleValue).toArray());
        report.line(
                "Disk reads per cold GET, as the server counts them: %s; at most %.2f: %s.",
                reads.toText("%.3f"),
                READS_PER_COLD_GET_MAX,
                reads.max() <= READS_PER_COLD_GET_MAX ? "met" : "MISSED");
        report.lines("Row 5: GETs per second", "GETs per second", 1, perSecond);
    }

    private static List<String> measure(
            Harness harness,
            ServerProcess server,
            LoadOptions load,
            int round,
            Map<String, double[]> perSecond,
            List<Double> readsPerColdHit)
            throws IOException {
        ProcessFigures process = server.figures();
        long[] before = new long[2];
        long[] after = new long[2];
        ServerCounters counters = new ServerCounters(server);
        LoadRun.Observer observer =
                new LoadRun.Observer() {
                    @Override
                    public void measureStarts() throws IOException {
                        counters.measureStarts();
                        sample(before);
                    }

                    @Override
                    public void measureEnds() throws IOException {
                        sample(after);
                        counters.measureEnds();
                    }

                    private void sample(long[] into) throws IOException {
                        into[0] = ProcessFigures.deviceReads(harness.dataDirectory());
                        into[1] = process.readBytes();
                    }
                };
        Harness.Sample sample = harness.run(server, load, observer);
        LoadResult result = sample.load();
        readsPerColdHit.add(counters.readsPerColdHit());
        perSecond.put(
                load.label + ", round " + (round + 1),
                Arrays.stream(result.repliesBySecond()).asDoubleStream().toArray());
        return List.of(
                load.label,
                Integer.toString(round + 1),
                String.format(Locale.ROOT, "%,.0f", result.repliesPerSecond()),
                String.format(Locale.ROOT, "%.4f", result.hitRate()),
                String.format(Locale.ROOT, "%,.0f", result.latencyUs(50)),
                String.format(Locale.ROOT, "%,.0f", result.latencyUs(99)),
                String.format(Locale.ROOT, "%,.0f", result.latencyUs(99.9)),
                String.format(Locale.ROOT, "%,.0f", result.latencyUs(100)),
                String.format(Locale.ROOT, "%.2f", sample.serverBusy()),
                String.format(Locale.ROOT, "%.3f", counters.ramHitRate()),
                String.format(Locale.ROOT, "%.3f", counters.readsPerColdHit()),
                String.format(
                        Locale.ROOT, "%.3f", (double) (after[0] - before[0]) / result.replies()),
                String.format(
                        Locale.ROOT, "%,.0f", (double) (after[1] - before[1]) / result.replies()));
    }

    /** NaN where fio is not installed. */
    private static double fioReadsPerSecond(Harness harness) throws IOException {
        if (!Fio.isInstalled()) {
            return Double.NaN;
        }
        return Fio.read(
                "iops",
                "--filename=" + harness.dataDirectory().resolve("fio.dat"),
                "--size=" + Math.max(64, harness.scaled(4096)) + "m",
                "--rw=randread",
                "--bs=4k",
                "--iodepth=64",
                "--refill_buffers=1",
                "--time_based=1",
                "--runtime=" + Math.round(Math.max(3, harness.options().seconds())));
    }
}
