package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How much the server's process grows per element of a collection, all in RAM: many small collections and few large ones. Elements come one to a command, round by round over
 * the collections of a shape, as they do where collections grow while they are used.
 */
final class CollectionMemoryScenario implements Scenario {
    private record Shape(
            String title,
            String command,
            long collections,
            long elements,
            int fieldBytes,
            int valueBytes,
            double ratioMax) {}

    private static final List<Shape> SHAPES =
            List.of(
                    new Shape("hashes of 10, 8 + 16 bytes", "HSET", 200_000, 10, 8, 16, 1),
                    new Shape("sets of 20, 16 bytes", "SADD", 200_000, 20, 16, 0, 1),
                    new Shape("sorted sets of 20, 16 bytes", "ZADD", 200_000, 20, 16, 0, 1),
                    new Shape("a sorted set, 16 bytes", "ZADD", 1, 2_000_000, 16, 0, 0.6),
                    new Shape("a hash, 16 + 16 bytes", "HSET", 1, 2_000_000, 16, 16, 0.6),
                    new Shape("a list, 32 bytes", "RPUSH", 1, 5_000_000, 32, 0, 1));

    private static final int SETTLE_MS = 3000;

    @Override
    public void run(Harness harness) throws IOException {
        Report report = harness.report();
        report.heading("Collections: memory per element");
        List<List<String>> rows = new ArrayList<>();
        for (Shape shape : SHAPES) {
            double other = measure(harness, ServerProcess.Kind.VALKEY, shape);
            double own = measure(harness, ServerProcess.Kind.IRONCACHE, shape);
            double ratio = own / other;
            rows.add(
                    List.of(
                            shape.title,
                            String.format(Locale.ROOT, "%,d", shape.collections),
                            String.format(Locale.ROOT, "%.1f", other),
                            String.format(Locale.ROOT, "**%.1f**", own),
                            String.format(
                                    Locale.ROOT,
                                    "%.2f, at most %.1f: %s",
                                    ratio,
                                    shape.ratioMax,
                                    ratio <= shape.ratioMax ? "met" : "MISSED")));
            System.err.println(String.join("  ", rows.getLast()));
        }
        report.table(
                List.of("", "collections", "Valkey, bytes/element", "IronCache", "ratio"), rows);
    }

    /** @return bytes that the process grew per element */
    private static double measure(Harness harness, ServerProcess.Kind kind, Shape shape)
            throws IOException {
        ServerProcess server =
                kind == ServerProcess.Kind.IRONCACHE
                        ? harness.start(kind, "--maxmemory", "4gb")
                        : harness.start(kind);
        long collections = shape.collections == 1 ? 1 : harness.scaled(shape.collections);
        long elements = shape.collections == 1 ? harness.scaled(shape.elements) : shape.elements;
        // The first commands bring code and connection buffers into memory that belong to no
        // element; so few of them that what they leave behind is not worth counting.
        fill(server, shape, "warm:", 100, 100);
        try (AdminClient client = server.connect()) {
            client.command("FLUSHALL");
        }
        ServerProcess.pauseMs(SETTLE_MS);
        long before = server.figures().rssBytes();
        fill(server, shape, "key:", collections, elements);
        ServerProcess.pauseMs(SETTLE_MS);
        long after = server.figures().rssBytes();
        harness.stop(server);
        return (double) (after - before) / (collections * elements);
    }

    private static void fill(
            ServerProcess server, Shape shape, String prefix, long collections, long elements)
            throws IOException {
        try (CommandPipe pipe = new CommandPipe(server)) {
            for (long element = 0; element < elements; element++) {
                for (long key = 0; key < collections; key++) {
                    long number = element * collections + key;
                    String text = Elements.text(number, shape.fieldBytes);
                    if (shape.command.equals("ZADD")) {
                        pipe.send(shape.command, prefix + key, Elements.score(number), text);
                    } else if (shape.valueBytes > 0) {
                        String value = Elements.text(~number, shape.valueBytes);
                        pipe.send(shape.command, prefix + key, text, value);
                    } else {
                        pipe.send(shape.command, prefix + key, text);
                    }
                }
            }
            pipe.finish();
        }
    }
}
