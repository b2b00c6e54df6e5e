package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Replies of 5 million elements to a reader who takes what comes and to one who reads some MB a second: whether they are right, how much the server grows meanwhile, and how long others wait, who
 * send GETs at a rate that is no load. Both readers go on for as long as the others are measured.
 */
final class LongReplyScenario implements Scenario {
    private static final long ELEMENTS = 5_000_000;
    private static final int ELEMENTS_PER_COMMAND = 100;
    private static final double RATE = 5000;
    private static final long KEYS = 100_000;
    private static final double EXTRA_MB_MAX = 8;
    private static final double LATENCY_RATIO_MAX = 2;
    private static final double MIB = 1 << 20;

    private record Shape(String fill, String[] command, int bytes, boolean paired) {}

    private static final List<Shape> SHAPES =
            List.of(
                    new Shape("HSET", new String[] {"HGETALL", "HSET"}, 16, true),
                    new Shape("SADD", new String[] {"SMEMBERS", "SADD"}, 16, false),
                    new Shape("RPUSH", new String[] {"LRANGE", "RPUSH", "0", "-1"}, 32, false));

    /** Watches the server's memory while others are served. */
    private static final class MemoryWatch implements LoadRun.Observer {
        private final ServerProcess server;
        private long rssBytesMax;

        MemoryWatch(ServerProcess server) {
            this.server = server;
        }

        @Override
        public boolean isEnough() {
            try {
                rssBytesMax = Math.max(rssBytesMax, server.figures().rssBytes());
                return false;
            } catch (IOException e) {
                return true;
            }
        }
    }

    @Override
    public void run(Harness harness) throws IOException {
        Report report = harness.report();
        long elements = harness.scaled(ELEMENTS);
        double seconds = harness.options().seconds();
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Long replies: %,d elements; others send %,.0f GETs a second",
                        elements,
                        RATE));
        ServerProcess server = harness.start(ServerProcess.Kind.IRONCACHE, "--maxmemory", "4gb");
        harness.load(server, KEYS, "64");
        List<List<String>> rows = new ArrayList<>();
        for (Shape shape : SHAPES) {
            long expected = fill(server, shape, elements);
            harness.goFirst();
            // What the server compiles, on the core that serves, is no matter of replies; nor is
            // what it keeps once it had a long one.
            for (boolean slow : new boolean[] {false, true}) {
                try (LongReply reply = new LongReply(server, slow, shape.command)) {
                    others(harness, server, "warm-up", harness.options().warmupSeconds());
                    reply.finish();
                }
            }
            for (boolean slow : new boolean[] {false, true}) {
                Harness.Sample idle = others(harness, server, "others alone", seconds).sample;
                long before = server.figures().rssBytes();
                try (LongReply reply = new LongReply(server, slow, shape.command)) {
                    Others busy = others(harness, server, "others meanwhile", seconds);
                    reply.finish();
                    rows.add(
                            row(
                                    shape,
                                    slow,
                                    reply.elements
                                                    == reply.replies
                                                            * elements
                                                            * (shape.paired ? 2 : 1)
                                            && reply.sum == reply.replies * expected,
                                    Math.max(0, busy.rssBytesMax - before) / MIB,
                                    idle,
                                    busy.sample));
                    System.err.println(String.join("  ", rows.getLast()));
                }
            }
            harness.goAlong();
        }
        report.table(
                List.of(
                        "",
                        "reader",
                        "all elements right",
                        "more RSS, MB",
                        "at most",
                        "p99.9 of others idle, us",
                        "p99.9 meanwhile, us",
                        "ratio",
                        "at most",
                        "longest, us"),
                rows);
    }

    private record Others(Harness.Sample sample, long rssBytesMax) {}

    private static Others others(
            Harness harness, ServerProcess server, String label, double seconds)
            throws IOException {
        LoadOptions load = new LoadOptions();
        load.port = server.port();
        load.keys = KEYS;
        load.connections = 16;
        load.rate = RATE;
        load.durationSeconds = seconds;
        load.label = label;
        MemoryWatch watch = new MemoryWatch(server);
        Harness.Sample sample = harness.run(server, load, watch);
        return new Others(sample, watch.rssBytesMax);
    }

    private static List<String> row(
            Shape shape,
            boolean slow,
            boolean isRight,
            double extraMb,
            Harness.Sample idle,
            Harness.Sample busy) {
        double idleUs =
                idle.load().operations().getFirst().latencyNs().getValueAtPercentile(99.9) / 1e3;
        double busyUs =
                busy.load().operations().getFirst().latencyNs().getValueAtPercentile(99.9) / 1e3;
        return List.of(
                String.join(" ", shape.command),
                slow ? "slow" : "fast",
                isRight ? "yes" : "**NO**",
                String.format(Locale.ROOT, "**%.1f**", extraMb),
                Spread.of(extraMb).atMost(EXTRA_MB_MAX, "%.0f"),
                String.format(Locale.ROOT, "%,.0f", idleUs),
                String.format(Locale.ROOT, "%,.0f", busyUs),
                String.format(Locale.ROOT, "**%.2f**", busyUs / idleUs),
                Spread.of(busyUs / idleUs).atMost(LATENCY_RATIO_MAX, "%.0f"),
                String.format(
                        Locale.ROOT,
                        "%,.0f",
                        busy.load().operations().getFirst().latencyNs().getMaxValue() / 1e3));
    }

    /** @return the sum of all that the reply will have */
    private static long fill(ServerProcess server, Shape shape, long elements) throws IOException {
        long sum = 0;
        try (CommandPipe pipe = new CommandPipe(server)) {
            List<String> words = new ArrayList<>();
            for (long e = 0; e < elements; ) {
                words.clear();
                words.addAll(List.of(shape.fill, shape.fill));
                for (int i = 0; i < ELEMENTS_PER_COMMAND && e < elements; i++, e++) {
                    words.add(Elements.text(e, shape.bytes));
                    if (shape.paired) {
                        words.add(Elements.text(~e, shape.bytes));
                    }
                }
                for (String element : words.subList(2, words.size())) {
                    sum += LongReply.sumOf(element);
                }
                pipe.send(words.toArray(new String[0]));
            }
            pipe.finish();
        }
        return sum;
    }
}
