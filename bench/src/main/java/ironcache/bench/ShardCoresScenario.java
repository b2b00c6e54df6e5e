package ironcache.bench;

import ironcache.bench.Comparison.Cell;
import ironcache.bench.Comparison.Measure;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Two shards against one and against Valkey without and with I/O threads, the client on the same cores; who was at its limit
 * says what requests/s are worth.
 */
final class ShardCoresScenario implements Scenario {
    private static final String VALKEY = "Valkey";
    private static final String VALKEY_IO_THREADS = "Valkey, 2 I/O threads";

    @Override
    public boolean onAllCores() {
        return true;
    }

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Shards: two shards on the cores of the client, %d-byte values, 1 M uniform keys, %d connections",
                        Comparison.VALUE_SIZE,
                        options.connections()));
        Comparison comparison = new Comparison(harness, Cell.getAndSet(options.pipelines()));
        String two = comparison.addIronCache(2);
        comparison.addIronCache(1);
        comparison.add(VALKEY_IO_THREADS, ServerProcess.Kind.VALKEY, "--io-threads", "2");
        comparison.add(VALKEY, ServerProcess.Kind.VALKEY);
        comparison.run();
        comparison.writeCpuTable();
        writeRatios(report, comparison, two);
        comparison.writeLimits(
                title -> title.equals(two) || title.equals(VALKEY_IO_THREADS) ? 2 : 1);
        comparison.plot("Shards: requests per second", Measure.PER_SECOND);
        comparison.plot("Shards: CPU per request", Measure.CPU_US);
    }

    private static void writeRatios(Report report, Comparison comparison, String two)
            throws IOException {
        List<List<String>> ratios = new ArrayList<>();
        for (Cell cell : comparison.cells()) {
            for (String title : comparison.titles()) {
                if (!title.equals(two)) {
                    ratios.add(
                            List.of(
                                    cell.title(),
                                    title,
                                    comparison
                                            .ratio(two, title, cell, Measure.PER_SECOND)
                                            .toText("%.2f"),
                                    comparison
                                            .ratio(two, title, cell, Measure.PER_CPU_SECOND)
                                            .toText("%.2f")));
                }
            }
        }
        report.line("Ratios %s / others, round by round (nothing is demanded):", two);
        report.table(List.of("", "against", "requests/s", "per CPU-second"), ratios);
    }
}
