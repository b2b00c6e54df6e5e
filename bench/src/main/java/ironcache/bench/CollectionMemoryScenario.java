package ironcache.bench;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
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

    private static final int BATCH = 500;
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
        // element.
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
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            OutputStream out = new BufferedOutputStream(socket.getOutputStream(), 1 << 18);
            InputStream in = socket.getInputStream();
            byte[] replies = new byte[1 << 16];
            int waiting = 0;
            StringBuilder text = new StringBuilder();
            for (long element = 0; element < elements; element++) {
                for (long key = 0; key < collections; key++) {
                    request(text, shape, prefix + key, element * collections + key);
                    out.write(text.toString().getBytes(StandardCharsets.ISO_8859_1));
                    if (++waiting == BATCH) {
                        receive(out, in, replies, waiting);
                        waiting = 0;
                    }
                }
            }
            receive(out, in, replies, waiting);
        }
    }

    private static void request(StringBuilder to, Shape shape, String key, long number) {
        to.setLength(0);
        boolean scored = shape.command.equals("ZADD");
        boolean paired = shape.valueBytes > 0;
        to.append(scored || paired ? "*4\r\n" : "*3\r\n");
        bulk(to, shape.command);
        bulk(to, key);
        if (scored) {
            bulk(to, Long.toString(Mix64.mix(number) >>> 44));
        }
        bulk(to, text(number, shape.fieldBytes));
        if (paired) {
            bulk(to, text(~number, shape.valueBytes));
        }
    }

    private static void bulk(StringBuilder to, String text) {
        to.append('$').append(text.length()).append("\r\n").append(text).append("\r\n");
    }

    /** Different texts for different numbers, in no order, and none of them a number. */
    private static String text(long number, int bytes) {
        StringBuilder text = new StringBuilder(bytes + 16);
        text.append('x');
        for (long seed = number; text.length() < bytes; seed += 0x9E3779B97F4A7C15L) {
            text.append(Long.toString(Mix64.mix(seed) >>> 1, 36));
        }
        if (bytes < 12) {
            // Too short for a hash of the number not to meet another one: the number itself.
            String digits = Long.toString(number & 0xFFFF_FFFFL, 36);
            return "x" + "0".repeat(Math.max(0, bytes - 1 - digits.length())) + digits;
        }
        return text.substring(0, bytes);
    }

    private static void receive(OutputStream out, InputStream in, byte[] replies, int count)
            throws IOException {
        out.flush();
        int lines = 0;
        while (lines < count) {
            int got = in.read(replies);
            if (got < 0) {
                throw new IOException("the server closed the connection");
            }
            for (int i = 0; i < got; i++) {
                if (replies[i] == '-') {
                    throw new IOException(
                            new String(replies, i, got - i, StandardCharsets.ISO_8859_1));
                }
                lines += replies[i] == '\n' ? 1 : 0;
            }
        }
    }
}
