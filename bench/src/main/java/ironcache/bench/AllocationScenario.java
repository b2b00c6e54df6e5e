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
        ServerProcess server = harness.start(ServerProcess.Kind.IRONCACHE, "--maxmemory", "1gb");
        harness.load(server, 1_000_000, "64");
        List<List<String>> rows = new ArrayList<>();
        for (int pipeline : options.pipelines()) {
            for (String operation : List.of("get", "set")) {
                rows.add(measure(harness, server, operation, pipeline));
            }
        }
        report.table(
                List.of("", "requests", "collections", "bytes allocated by the shard", "bytes/request"), rows);
        harness.stop(server);
    }

    private static List<String> measure(Harness harness, ServerProcess server, String operation, int pipeline)
            throws IOException {
        SideBySide options = harness.options();
        LoadOptions load = new LoadOptions();
        load.port = server.port();
        load.connections = options.connections();
        load.pipeline = pipeline;
        load.operations = operation;
        load.durationSeconds = Math.max(WARMUP_SECONDS_MIN * options.scale(), options.warmupSeconds());
        load.label = "warm up " + operation + " P" + pipeline;
        harness.run(server, load);

        load.durationSeconds = Math.max(SECONDS_MIN * options.scale(), options.seconds());
        load.label = operation + " P" + pipeline;
        long collections = collections(server);
        long allocated = allocated(server);
        // The two questions allocate something themselves; it is spread over all requests of the run.
        LoadResult result = harness.run(server, load).load();
        long allocatedBytes = allocated < 0 ? -1 : allocated(server) - allocated;
        return List.of(
                operation.toUpperCase(Locale.ROOT) + " P" + pipeline,
                String.format(Locale.ROOT, "%,d", result.replies()),
                collections < 0 ? "no log" : Long.toString(collections(server) - collections),
                allocated < 0 ? "no DEBUG ALLOCATED" : String.format(Locale.ROOT, "%,d", allocatedBytes),
                allocated < 0
                        ? "-"
                        : String.format(Locale.ROOT, "%.5f", (double) allocatedBytes / result.replies()));
    }

    private static long allocated(ServerProcess server) throws IOException {
        try (AdminClient client = server.connect()) {
            return client.integer("DEBUG", "ALLOCATED");
        } catch (AdminClient.ServerError e) {
            return -1;
        }
    }

    /** Pauses so far; -1 where the log is absent, because the launcher keeps JDK_JAVA_OPTIONS from the java command. */
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
