package ironcache.bench;

import ironcache.bench.Comparison.Cell;
import ironcache.bench.Comparison.Measure;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * MULTI, five SETs of keys of four shards, EXEC; one transaction outstanding per connection. Unpipelined: each of the seven
 * commands waits for the reply to the one before it. In one write: the seven are sent at once, as most clients do.
 */
final class ShardTransactionsScenario implements Scenario {
    private static final int SHARDS = 4;
    private static final String TRANSACTION = "multi+set+set+set+set+set+exec";
    private static final int COMMANDS = 7;
    private static final double RATIO_MIN = 0.7;

    @Override
    public void run(Harness harness) throws IOException {
        Report report = harness.report();
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Shards: transactions of 5 SETs over %d shards, %d-byte values, 1 M keys, %d connections",
                        SHARDS,
                        Comparison.VALUE_SIZE,
                        harness.options().connections()));
        Cell unpipelined = new Cell("unpipelined", TRANSACTION, 1, Operation.EXEC, SHARDS);
        Cell oneWrite = new Cell("in one write", TRANSACTION, COMMANDS, Operation.EXEC, SHARDS);
        Comparison comparison = new Comparison(harness, List.of(unpipelined, oneWrite));
        String ours = comparison.addIronCache(SHARDS);
        comparison.addIronCache(1);
        comparison.add(ServerProcess.Kind.VALKEY.title, ServerProcess.Kind.VALKEY);
        comparison.run();
        report.line(
                "A request is a transaction of %d commands. Latencies are EXEC's: unpipelined of it alone, in one write of all.",
                COMMANDS);
        comparison.writeCpuTable();
        List<List<String>> ratios = new ArrayList<>();
        for (Cell cell : comparison.cells()) {
            for (String title : comparison.titles()) {
                if (title.equals(ours)) {
                    continue;
                }
                Spread ratio = comparison.ratio(ours, title, cell, Measure.PER_SECOND);
                boolean demanded =
                        cell.equals(unpipelined) && title.equals(ServerProcess.Kind.VALKEY.title);
                String bar =
                        demanded
                                ? RATIO_MIN + (ratio.median() >= RATIO_MIN ? " met" : " MISSED")
                                : "-";
                ratios.add(
                        List.of(
                                cell.title(),
                                title,
                                ratio.toText("%.2f"),
                                bar,
                                comparison
                                        .ratio(ours, title, cell, Measure.PER_CPU_SECOND)
                                        .toText("%.2f")));
            }
        }
        report.line("Ratios %s / others, round by round:", ours);
        report.table(
                List.of("", "against", "transactions/s", "at least", "per CPU-second"), ratios);
        comparison.plot("Shards: transactions per second", Measure.PER_SECOND);
    }
}
