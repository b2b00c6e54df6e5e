package ironcache.bench;

import ironcache.bench.Comparison.Cell;
import ironcache.bench.Comparison.Measure;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What shards cost: CPU time of the whole server process per request with 1, 2 and 4 shards, uniform keys, pipeline 16. Of
 * N shards' requests all but one in N arrive at a shard that does not own their key.
 */
final class ShardCpuScenario implements Scenario {
    private static final int PIPELINE = 16;
    private static final double RATIO_MAX = 1.4;

    @Override
    public boolean onAllCores() {
        return true;
    }

    @Override
    public void run(Harness harness) throws IOException {
        Report report = harness.report();
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Shards: CPU per request, %d-byte values, 1 M uniform keys, %d connections, pipeline %d",
                        Comparison.VALUE_SIZE,
                        harness.options().connections(),
                        PIPELINE));
        Comparison comparison = new Comparison(harness, Cell.getAndSet(List.of(PIPELINE)));
        String one = comparison.addIronCache(1);
        String two = comparison.addIronCache(2);
        String four = comparison.addIronCache(4);
        comparison.run();
        comparison.writeCpuTable();
        List<List<String>> rows = new ArrayList<>();
        for (Cell cell : comparison.cells()) {
            Spread ratio = comparison.ratio(four, one, cell, Measure.CPU_US);
            double oneUs = comparison.spread(one, cell, Measure.CPU_US).median();
            double fourUs = comparison.spread(four, cell, Measure.CPU_US).median();
            rows.add(
                    List.of(
                            cell.title(),
                            comparison.ratio(two, one, cell, Measure.CPU_US).toText("%.2f"),
                            ratio.toText("%.2f"),
                            String.format(
                                    Locale.ROOT,
                                    "%.1f %s",
                                    RATIO_MAX,
                                    ratio.median() <= RATIO_MAX ? "met" : "MISSED"),
                            onPaper(oneUs, fourUs, 16),
                            onPaper(oneUs, fourUs, 64)));
        }
        report.line(
                "Ratios of CPU per request, round by round. On paper: requests/s of a machine that gives each shard a core, "
                        + "if CPU per request goes on as it did from 1 shard to 4 (a constant, and one for each key of another shard).");
        report.table(
                List.of(
                        "",
                        "2 shards / 1",
                        "4 shards / 1",
                        "at most",
                        "on paper, 16 cores",
                        "on paper, 64 cores"),
                rows);
        comparison.plot("Shards: CPU per request", Measure.CPU_US);
    }

    private static String onPaper(double oneUs, double fourUs, int cores) {
        return String.format(
                Locale.ROOT, "%,.0f", cores * 1e6 / cpuUsOnPaper(oneUs, fourUs, cores));
    }

    /**
     * CPU per request with more shards: c(N) = own + (1 - 1/N) x foreign, the price of a key of another shard. It leaves out
     * what cannot be seen with two cores: caches and memory shared by more of them, a second socket, smaller batches where
     * connections are not more too.
     */
    static double cpuUsOnPaper(double oneUs, double fourUs, int shards) {
        double foreignUs = (fourUs - oneUs) / (1 - 1.0 / 4);
        return oneUs + (1 - 1.0 / shards) * foreignUs;
    }
}
