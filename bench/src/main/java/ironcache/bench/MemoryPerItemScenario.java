package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Row 4: how much the server's process grows per item, all in RAM: 5 M keys of 16 bytes with 32-byte values, 1 M with 1 KiB.
 * What is resident before the first key is shown too, so that memory touched in advance cannot flatter.
 */
final class MemoryPerItemScenario implements Scenario {
    private record Shape(String title, long keys, String valueSize, long bytesMax) {}

    private static final List<Shape> SHAPES =
            List.of(
                    new Shape("16-byte keys, 32-byte values", 5_000_000, "32", 72),
                    new Shape("16-byte keys, 1 KiB values", 1_000_000, "1024", 1090));

    @Override
    public void run(Harness harness) throws IOException {
        Report report = harness.report();
        report.heading("Row 4: memory per item");
        List<List<String>> rows = new ArrayList<>();
        for (Shape shape : SHAPES) {
            for (ServerProcess.Kind kind : harness.options().servers()) {
                rows.add(measure(harness, kind, shape));
            }
        }
        report.table(
                List.of(
                        "",
                        "server",
                        "items",
                        "RSS before, MB",
                        "RSS after, MB",
                        "bytes/item of growth",
                        "of all RSS",
                        "at most"),
                rows);
    }

    private static List<String> measure(Harness harness, ServerProcess.Kind kind, Shape shape)
            throws IOException {
        long keys = harness.scaled(shape.keys);
        ServerProcess server =
                kind == ServerProcess.Kind.IRONCACHE
                        ? harness.start(kind, "--maxmemory", "4gb")
                        : harness.start(kind);
        // The first commands bring code and connection buffers into memory that belong to no item.
        LoadOptions ping = new LoadOptions();
        ping.port = server.port();
        ping.operations = "ping";
        ping.pipeline = 16;
        ping.requests = 100_000;
        ping.quiet = true;
        harness.run(server, ping);
        long before = server.figures().rssBytes();
        harness.load(server, keys, shape.valueSize);
        ServerProcess.pauseMs(2000);
        long after = server.figures().rssBytes();
        long items;
        try (AdminClient client = server.connect()) {
            items = client.integer("DBSIZE");
        }
        harness.stop(server);
        double perItem = (double) (after - before) / keys;
        String bar =
                kind != ServerProcess.Kind.IRONCACHE
                        ? "-"
                        : shape.bytesMax + (perItem <= shape.bytesMax ? " met" : " MISSED");
        return List.of(
                shape.title,
                kind.title,
                String.format(Locale.ROOT, "%,d", items),
                String.format(Locale.ROOT, "%,.0f", before / 1e6),
                String.format(Locale.ROOT, "%,.0f", after / 1e6),
                String.format(Locale.ROOT, "**%.1f**", perItem),
                String.format(Locale.ROOT, "%.1f", (double) after / keys),
                bar);
    }
}
