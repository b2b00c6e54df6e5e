package ironcache.bench;

import ironcache.bench.Comparison.Measure;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Row 2: GET and SET, 64-byte values, 1 M keys, IronCache against the others. */
final class ThroughputScenario implements Scenario {
    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Row 2: GET and SET, %d-byte values, 1 M keys, %d connections",
                        Comparison.VALUE_SIZE,
                        options.connections()));
        Comparison comparison =
                new Comparison(harness, Comparison.Cell.getAndSet(options.pipelines()));
        for (ServerProcess.Kind kind : options.servers()) {
            if (kind == ServerProcess.Kind.IRONCACHE) {
                comparison.addIronCache(kind.title);
            } else {
                comparison.add(kind.title, kind);
            }
        }
        comparison.run();
        comparison.writeTable(
                Measure.PER_CPU_SECOND,
                Measure.PER_SECOND,
                Measure.P50_US,
                Measure.P999_US,
                Measure.BUSY,
                Measure.CLIENT_BUSY);
        List<String> titles = comparison.titles();
        if (titles.size() > 1) {
            writeRatios(report, comparison, titles.get(0), titles.get(1));
        }
        comparison.plot("Row 2: requests per CPU-second of the server", Measure.PER_CPU_SECOND);
        comparison.plot("Row 2: requests per second", Measure.PER_SECOND);
    }

    private static void writeRatios(
            Report report, Comparison comparison, String ours, String theirs) throws IOException {
        List<List<String>> ratios = new ArrayList<>();
        for (Comparison.Cell cell : comparison.cells()) {
            Spread perCpuSecond = comparison.ratio(ours, theirs, cell, Measure.PER_CPU_SECOND);
            ratios.add(
                    List.of(
                            cell.title(),
                            perCpuSecond.toText("%.2f"),
                            target(cell, perCpuSecond.median()),
                            comparison.ratio(ours, theirs, cell, Measure.PER_SECOND).toText("%.2f"),
                            comparison.ratio(ours, theirs, cell, Measure.P999_US).toText("%.2f")));
        }
        report.line("Ratios %s / %s, round by round:", ours, theirs);
        report.table(
                List.of("", "per CPU-second", "at least", "requests/s", "p99.9 (at most 1)"),
                ratios);
    }

    /** The bars for the ratio per CPU-second. */
    private static String target(Comparison.Cell cell, double ratio) {
        boolean get = cell.operations().equals("get");
        double bar =
                switch (cell.pipeline()) {
                    case 1 -> 1.3;
                    case 16 -> get ? 1.6 : 2.0;
                    case 64 -> get ? 2.0 : 2.5;
                    default -> Double.NaN;
                };
        return Double.isNaN(bar)
                ? "-"
                : String.format(Locale.ROOT, "%.1f %s", bar, ratio >= bar ? "met" : "MISSED");
    }
}
