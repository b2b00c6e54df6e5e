package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Restarts at a full memory budget: a set half as large again as {@code maxmemory}, then a start with the same and one with half
 * of it, after an orderly stop (the state file) and after kill -9 (the log). Every key is read, and keys are written.
 */
final class RestartBudgetScenario implements Scenario {
    private static final double SET_OF_MEMORY = 1.5;

    /** As in row 1: 590 MB for 512mb. */
    private static final double RSS_OF_BUDGET_MAX = 1.1;

    private static final double MIB = 1 << 20;

    /** Shares are of maxmemory. */
    private record Looked(boolean right, double peakShare, double lastingShare) {}

    @Override
    public boolean onAllCores() {
        return true;
    }

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        // Half of it has to be enough for a start.
        long leastMb = 2 * harness.memoryMbMin(harness.machineCores());
        StoredSet set =
                StoredSet.ofGigabytes(
                        Math.max(options.gigabytes(), leastMb * MIB * SET_OF_MEMORY / 1e9));
        long fullMb = Math.max(leastMb, Math.round(set.bytes() / SET_OF_MEMORY / MIB));
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Durability: restart of %s with %,d and %,d MB of maxmemory",
                        set.title(),
                        fullMb,
                        fullMb / 2));
        report.line("Data on %s.", harness.dataFileSystem());
        List<List<String>> rows = new ArrayList<>();
        boolean right = true;
        double peakMax = 0;
        double lastingMax = 0;
        for (boolean orderly : new boolean[] {true, false}) {
            String[] durability =
                    orderly
                            ? new String[] {"--appendonly", "no"}
                            : new String[] {
                                "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"
                            };
            long budgetMb = fullMb;
            ServerProcess server =
                    harness.start(ServerProcess.Kind.IRONCACHE, settings(budgetMb, durability));
            set.load(harness, server);
            Looked loaded = look(harness, set, server, "loaded", budgetMb, 0, Double.NaN, rows);
            right &= loaded.right;
            for (long nextMb : new long[] {fullMb, fullMb / 2}) {
                budgetMb = nextMb;
                double stopSeconds = 0;
                if (orderly) {
                    stopSeconds = server.terminate();
                } else {
                    ServerProcess.pauseMs(2000);
                    server.kill();
                }
                server = harness.restart(server, settings(budgetMb, durability));
                double firstGetSeconds = set.firstGetSeconds(server);
                Looked looked =
                        look(
                                harness,
                                set,
                                server,
                                orderly ? "SIGTERM, start" : "kill -9, start",
                                budgetMb,
                                stopSeconds,
                                firstGetSeconds,
                                rows);
                right &= looked.right;
                peakMax = Math.max(peakMax, looked.peakShare);
                lastingMax = Math.max(lastingMax, looked.lastingShare);
            }
            harness.stop(server);
        }
        report.table(
                List.of(
                        "",
                        "maxmemory, MB",
                        "stop s",
                        "first GET s",
                        "read back",
                        "errors of GET and SET",
                        "used_memory, MB",
                        "peak RSS, MB",
                        "RSS in the end, MB",
                        "of it anonymous, MB",
                        "on disk, MB"),
                rows);
        report.line(
                "Every value right, no errors, used_memory at most maxmemory: %s. RSS at most %.1f of maxmemory: in the end %.2f, %s; "
                        + "at its peak %.2f (a state file that is mapped counts as resident until its pages are moved or sealed).",
                right ? "met" : "MISSED",
                RSS_OF_BUDGET_MAX,
                lastingMax,
                lastingMax <= RSS_OF_BUDGET_MAX ? "met" : "MISSED",
                peakMax);
    }

    private static String[] settings(long budgetMb, String[] durability) {
        List<String> all = new ArrayList<>(List.of("--maxmemory", budgetMb + "mb"));
        all.addAll(List.of(durability));
        return all.toArray(new String[0]);
    }

    /** Adds a row. */
    private static Looked look(
            Harness harness,
            StoredSet set,
            ServerProcess server,
            String title,
            long budgetMb,
            double stopSeconds,
            double firstGetSeconds,
            List<List<String>> rows)
            throws IOException {
        String readBack = set.readAll(harness, server);
        LoadOptions mixed = set.requests(harness, server, "get:50,set:50");
        mixed.durationSeconds = harness.options().warmupSeconds();
        long errors = harness.run(server, mixed).load().errors();
        Map<String, String> info;
        try (AdminClient client = server.connect()) {
            info = client.info();
        }
        double usedMb = Double.parseDouble(info.getOrDefault("used_memory", "NaN")) / MIB;
        double lastingMb = server.figures().rssBytes() / MIB;
        double peakMb = server.figures().rssPeakBytes() / MIB;
        rows.add(
                List.of(
                        title,
                        Long.toString(budgetMb),
                        String.format(Locale.ROOT, "%.2f", stopSeconds),
                        String.format(Locale.ROOT, "%.2f", firstGetSeconds),
                        readBack,
                        Long.toString(errors),
                        String.format(Locale.ROOT, "%,.1f", usedMb),
                        String.format(Locale.ROOT, "%,.1f", peakMb),
                        String.format(Locale.ROOT, "%,.1f", lastingMb),
                        String.format(
                                Locale.ROOT, "%,.1f", server.figures().rssAnonymousBytes() / MIB),
                        String.format(
                                Locale.ROOT,
                                "%,.0f",
                                Double.parseDouble(info.getOrDefault("disk_bytes", "NaN")) / MIB)));
        System.err.println(String.join("  ", rows.getLast()));
        return new Looked(
                readBack.equals("all right") && errors == 0 && usedMb <= budgetMb,
                peakMb / budgetMb,
                lastingMb / budgetMb);
    }
}
