package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Row 12: from exec to the first PONG, once built. One start before the first round warms the file cache. */
final class StartScenario implements Scenario {
    private static final double START_MS_MAX = 500;

    @Override
    public void run(Harness harness) throws IOException {
        Report report = harness.report();
        report.heading("Row 12: exec to the first PONG");
        List<List<String>> rows = new ArrayList<>();
        for (ServerProcess.Kind kind : harness.options().servers()) {
            double[] startMs = new double[harness.options().rounds()];
            for (int round = -1; round < startMs.length; round++) {
                ServerProcess server = harness.startPlainly(kind);
                if (round >= 0) {
                    startMs[round] = server.startMs();
                }
                harness.stop(server);
            }
            Spread spread = Spread.of(startMs);
            String bar =
                    kind != ServerProcess.Kind.IRONCACHE
                            ? "-"
                            : String.format(
                                    Locale.ROOT,
                                    "%.0f %s",
                                    START_MS_MAX,
                                    spread.median() <= START_MS_MAX ? "met" : "MISSED");
            rows.add(List.of(kind.title, spread.toText("%.0f"), bar));
        }
        report.table(List.of("server", "ms", "at most"), rows);
    }
}
