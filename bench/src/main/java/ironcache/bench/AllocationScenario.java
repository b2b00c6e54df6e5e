package ironcache.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Row 3: the load of row 2 for {@code --seconds} (60 where that is less) after warm-up. Collections are counted in the
 * server's own {@code -Xlog:gc}, allocation by {@code DEBUG ALLOCATED}: the bytes that the shard's thread ever allocated.
 */
final class AllocationScenario implements Scenario {
    private static final double SECONDS_MIN = 60;
    private static final double WARMUP_SECONDS_MIN = 15;

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.heading("Row 3: garbage collections and allocation per request");
        ServerProcess server =
                harness.start(
                        ServerProcess.Kind.IRONCACHE,
                        "--maxmemory",
                        "1gb",
                        "--enable-debug-command",
                        "yes");
        harness.load(server, 1_000_000, "64");
        List<List<String>> rows = new ArrayList<>();
        for (int pipeline : options.pipelines()) {
            for (String operation : List.of("get", "set")) {
                rows.add(measure(harness, server, operation, pipeline));
            }
        }
        report.table(
                List.of(
                        "",
                        "requests",
                        "collections",
                        "bytes allocated by the shard",
                        "bytes/request"),
                rows);
        harness.stop(server);
    }

    private static List<String> measure(
            Harness harness, ServerProcess server, String operation, int pipeline)
            throws IOException {
        SideBySide options = harness.options();
        LoadOptions load = new LoadOptions();
        load.port = server.port();
        load.connections = options.connections();
        load.pipeline = pipeline;
        load.operations = operation;
        load.warmupSeconds =
                Math.max(WARMUP_SECONDS_MIN * options.scale(), options.warmupSeconds());
        load.durationSeconds = Math.max(SECONDS_MIN * options.scale(), options.seconds());
        load.label = operation + " P" + pipeline;
        long[] allocated = new long[2];
        long[] collections = new long[2];
        LoadResult result;
        try (AdminClient client = server.connect()) {
            // Asked while all connections stand, so that what a connection costs is not counted.
            LoadRun.Observer observer =
                    new LoadRun.Observer() {
                        @Override
                        public void measureStarts() throws IOException {
                            allocated[0] = allocated(client);
                            collections[0] = collections(server);
                        }

                        @Override
                        public void measureEnds() throws IOException {
                            allocated[1] = allocated(client);
                            collections[1] = collections(server);
                        }
                    };
            result = harness.run(server, load, observer).load();
        }
        long bytes = allocated[1] - allocated[0];
        boolean known = allocated[1] >= 0;
        return List.of(
                operation.toUpperCase(Locale.ROOT) + " P" + pipeline,
                String.format(Locale.ROOT, "%,d", result.replies()),
                collections[1] < 0 ? "no log" : Long.toString(collections[1] - collections[0]),
                known ? String.format(Locale.ROOT, "%,d", bytes) : "no DEBUG ALLOCATED",
                known
                        ? String.format(Locale.ROOT, "%.5f", (double) bytes / result.replies())
                        : "-");
    }

    /** Bytes that the shard's thread has allocated so far; -1 where the server does not tell. */
    private static long allocated(AdminClient client) throws IOException {
        try {
            return client.integer("DEBUG", "ALLOCATED");
        } catch (AdminClient.ServerError e) {
            return -1;
        }
    }

    /** Pauses so far; -1 where the log is absent, because IRONCACHE_JVM_OPTIONS did not reach the server. */
    private static long collections(ServerProcess server) throws IOException {
        Path log = server.gcLog();
        if (!Files.exists(log)) {
            return -1;
        }
        try (var lines = Files.lines(log)) {
            return lines.filter(line -> line.contains("Pause ")).count();
        }
    }
}
