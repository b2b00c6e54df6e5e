package ironcache.bench;

import ironcache.bench.Comparison.Cell;
import ironcache.bench.Comparison.Measure;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What the log costs: SET with everysec and with always against the same server without a log, and against the others' AOF
 * in the same mode. All logs are on one file system, and none is rewritten while it is measured.
 */
final class DurabilityThroughputScenario implements Scenario {
    private static final String EVERYSEC = "everysec";
    private static final String ALWAYS = "always";
    private static final double EVERYSEC_OF_NO_LOG_MIN = 0.85;
    private static final double ALWAYS_OF_THEIRS_MIN = 2;

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Durability: SET with a log, %d-byte values, 1 M uniform keys, %d connections",
                        Comparison.VALUE_SIZE,
                        options.connections()));
        report.line("Data on %s.", harness.dataFileSystem());
        Comparison comparison =
                new Comparison(harness, List.of(Cell.of("set", 16), Cell.of("set", 1)));
        String ours = ServerProcess.Kind.IRONCACHE.title;
        String noLog = ours + ", no log";
        comparison.addIronCache(noLog, "--appendonly", "no");
        for (ServerProcess.Kind kind : options.servers()) {
            for (String policy : List.of(EVERYSEC, ALWAYS)) {
                if (kind == ServerProcess.Kind.IRONCACHE) {
                    comparison.addIronCache(title(kind.title, policy), logged(policy));
                } else {
                    comparison.add(title(kind.title, policy), kind, logged(policy));
                }
            }
        }
        comparison.run();
        comparison.writeCpuTable();
        List<List<String>> rows = new ArrayList<>();
        for (Cell cell : comparison.cells()) {
            rows.add(row(comparison, cell, title(ours, EVERYSEC), noLog, EVERYSEC_OF_NO_LOG_MIN));
            rows.add(row(comparison, cell, title(ours, ALWAYS), noLog, Double.NaN));
            for (ServerProcess.Kind kind : options.servers()) {
                if (kind != ServerProcess.Kind.IRONCACHE) {
                    for (String policy : List.of(EVERYSEC, ALWAYS)) {
                        rows.add(
                                row(
                                        comparison,
                                        cell,
                                        title(ours, policy),
                                        title(kind.title, policy),
                                        policy.equals(ALWAYS) ? ALWAYS_OF_THEIRS_MIN : Double.NaN));
                    }
                }
            }
        }
        report.line("Ratios, round by round:");
        report.table(
                List.of("", "of", "in terms of", "requests/s", "at least", "CPU per request"),
                rows);
        comparison.writeLimits(title -> 1);
        comparison.plot("Durability: SETs per second", Measure.PER_SECOND);
        comparison.plot("Durability: CPU per request", Measure.CPU_US);
    }

    private static String title(String server, String policy) {
        return server + ", " + policy;
    }

    private static String[] logged(String policy) {
        return new String[] {
            "--appendonly", "yes", "--appendfsync", policy, "--auto-aof-rewrite-percentage", "0"
        };
    }

    /** @param bar of the ratio of requests/s; NaN: nothing is demanded */
    private static List<String> row(
            Comparison comparison, Cell cell, String numerator, String denominator, double bar) {
        Spread perSecond = comparison.ratio(numerator, denominator, cell, Measure.PER_SECOND);
        return List.of(
                cell.title(),
                numerator,
                denominator,
                perSecond.toText("%.2f"),
                Double.isNaN(bar) ? "-" : perSecond.atLeast(bar, "%.2f"),
                comparison.ratio(numerator, denominator, cell, Measure.CPU_US).toText("%.2f"));
    }
}
