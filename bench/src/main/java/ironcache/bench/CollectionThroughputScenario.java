package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Commands on elements of many small collections and of one large one each, side by side, pipelines of 16: requests per second of the server's CPU. Both servers hold all the collections, all in
 * RAM; the size of none changes by what is measured, but for what is added and removed again.
 */
final class CollectionThroughputScenario implements Scenario {
    private static final long SMALL_COLLECTIONS = 50_000;
    private static final int SMALL_ELEMENTS = 10;
    private static final long LARGE_ELEMENTS = 1_000_000;
    private static final int REQUESTS = 1 << 18;
    private static final int PIPELINE = 16;
    private static final double SMALL_RATIO_MIN = 1.5;
    private static final double LARGE_RATIO_MIN = 1.2;

    private enum Command {
        LPUSH_LPOP("LPUSH, LPOP"),
        HSET("HSET"),
        HGET("HGET"),
        SADD_SREM("SADD, SREM"),
        SISMEMBER("SISMEMBER"),
        ZADD("ZADD"),
        ZRANGE("ZRANGE of 10"),
        ZRANK("ZRANK"),
        ZSCORE("ZSCORE");

        final String title;

        Command(String title) {
            this.title = title;
        }
    }

    private record Cell(Command command, boolean large) {
        String title() {
            return command.title + (large ? ", large" : ", small");
        }

        double ratioMin() {
            return large ? LARGE_RATIO_MIN : SMALL_RATIO_MIN;
        }
    }

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Collections: %,d of %d elements, and one of %,d; %d connections, pipelines of %d",
                        harness.scaled(SMALL_COLLECTIONS),
                        SMALL_ELEMENTS,
                        harness.scaled(LARGE_ELEMENTS),
                        options.connections(),
                        PIPELINE));
        Map<ServerProcess.Kind, ServerProcess> servers = new LinkedHashMap<>();
        servers.put(ServerProcess.Kind.VALKEY, harness.start(ServerProcess.Kind.VALKEY));
        servers.put(
                ServerProcess.Kind.IRONCACHE,
                harness.start(ServerProcess.Kind.IRONCACHE, "--maxmemory", "3gb"));
        for (ServerProcess server : servers.values()) {
            fill(harness, server);
        }
        List<Cell> cells = new ArrayList<>();
        for (boolean large : new boolean[] {false, true}) {
            for (Command command : Command.values()) {
                cells.add(new Cell(command, large));
            }
        }
        Map<Cell, Map<ServerProcess.Kind, List<TraceLoad.Result>>> results = new LinkedHashMap<>();
        for (int round = 0; round < options.rounds(); round++) {
            for (Cell cell : cells) {
                CommandTrace trace = trace(harness, cell);
                List<ServerProcess> order = new ArrayList<>(servers.values());
                for (ServerProcess server : round % 2 == 0 ? order : order.reversed()) {
                    try (TraceLoad load =
                            new TraceLoad(server, trace, options.connections(), PIPELINE)) {
                        TraceLoad.Result result =
                                load.run(
                                        options.warmupSeconds(),
                                        options.seconds(),
                                        new LoadRun.Observer() {});
                        results.computeIfAbsent(cell, c -> new LinkedHashMap<>())
                                .computeIfAbsent(server.kind(), k -> new ArrayList<>())
                                .add(result);
                    }
                }
                System.err.println(
                        String.join("  ", row(cell, results.getOrDefault(cell, Map.of()))));
            }
        }
        List<List<String>> rows = new ArrayList<>();
        results.forEach((cell, found) -> rows.add(row(cell, found)));
        report.table(
                List.of(
                        "",
                        "CPU us, Valkey",
                        "CPU us, IronCache",
                        "ratio per CPU-second",
                        "at least",
                        "ratio per second",
                        "p99 us, Valkey",
                        "p99 us, IronCache"),
                rows);
    }

    private static List<String> row(
            Cell cell, Map<ServerProcess.Kind, List<TraceLoad.Result>> found) {
        List<TraceLoad.Result> theirs = found.getOrDefault(ServerProcess.Kind.VALKEY, List.of());
        List<TraceLoad.Result> ours = found.getOrDefault(ServerProcess.Kind.IRONCACHE, List.of());
        Spread ratio = Spread.ofRatios(perCpuSecond(ours), perCpuSecond(theirs));
        return List.of(
                cell.title(),
                String.format(Locale.ROOT, "%.2f", 1e6 / Spread.of(perCpuSecond(theirs)).median()),
                String.format(Locale.ROOT, "%.2f", 1e6 / Spread.of(perCpuSecond(ours)).median()),
                ratio.toText("%.2f"),
                ratio.atLeast(cell.ratioMin(), "%.1f"),
                Spread.ofRatios(perSecond(ours), perSecond(theirs)).toText("%.2f"),
                String.format(Locale.ROOT, "%.0f", p99Us(theirs)),
                String.format(Locale.ROOT, "%.0f", p99Us(ours)));
    }

    private static double[] perCpuSecond(List<TraceLoad.Result> results) {
        return results.stream().mapToDouble(TraceLoad.Result::perCpuSecond).toArray();
    }

    private static double[] perSecond(List<TraceLoad.Result> results) {
        return results.stream().mapToDouble(TraceLoad.Result::perSecond).toArray();
    }

    private static double p99Us(List<TraceLoad.Result> results) {
        return Spread.of(results.stream().mapToDouble(r -> r.percentileUs(99)).toArray()).median();
    }

    private static String key(String type, boolean large, long collection) {
        return large ? type + ":large" : type + ":" + collection;
    }

    private static void fill(Harness harness, ServerProcess server) throws IOException {
        try (CommandPipe pipe = new CommandPipe(server)) {
            for (boolean large : new boolean[] {false, true}) {
                long collections = large ? 1 : harness.scaled(SMALL_COLLECTIONS);
                long elements = large ? harness.scaled(LARGE_ELEMENTS) : SMALL_ELEMENTS;
                for (long c = 0; c < collections; c++) {
                    for (long e = 0; e < elements; e++) {
                        String text = Elements.text(e, 16);
                        pipe.send("RPUSH", key("list", large, c), Elements.text(e, 32));
                        pipe.send("HSET", key("hash", large, c), text, Elements.text(~e, 16));
                        pipe.send("SADD", key("set", large, c), text);
                        pipe.send("ZADD", key("zset", large, c), Elements.score(e), text);
                    }
                }
            }
            pipe.finish();
        }
    }

    private static CommandTrace trace(Harness harness, Cell cell) {
        boolean large = cell.large;
        long collections = harness.scaled(SMALL_COLLECTIONS);
        long elements = large ? harness.scaled(LARGE_ELEMENTS) : SMALL_ELEMENTS;
        SplittableRandom random = new SplittableRandom(cell.command.ordinal());
        CommandTrace trace = new CommandTrace();
        for (int i = 0; i < REQUESTS; i++) {
            long c = random.nextLong(collections);
            long e = random.nextLong(elements);
            String text = Elements.text(e, 16);
            switch (cell.command) {
                case LPUSH_LPOP -> {
                    // What is pushed to is popped from 64 requests later.
                    long there = (i / 128 * 64 + i % 64) % collections;
                    String key = key("list", large, there);
                    if (i / 64 % 2 == 0) {
                        trace.add("LPUSH", key, Elements.text(i, 32));
                    } else {
                        trace.add("LPOP", key);
                    }
                }
                case HSET -> trace.add("HSET", key("hash", large, c), text, Elements.text(i, 16));
                case HGET -> trace.add("HGET", key("hash", large, c), text);
                case SADD_SREM -> {
                    // What is new is added, and removed half the trace later.
                    long there = i % (REQUESTS / 2);
                    trace.add(
                            i < REQUESTS / 2 ? "SADD" : "SREM",
                            key("set", large, there % collections),
                            Elements.text(elements + there, 16));
                }
                case SISMEMBER -> trace.add("SISMEMBER", key("set", large, c), text);
                case ZADD -> {
                    // Each member twice, with different scores: no pass finds what it would write.
                    int there = i % (REQUESTS / 2);
                    long member = Mix64.mix(there) >>> 1;
                    trace.add(
                            "ZADD",
                            key("zset", large, member % collections),
                            Elements.score(~(long) i),
                            Elements.text(member % elements, 16));
                }
                case ZRANGE -> {
                    long from = large ? random.nextLong(elements - 10) : 0;
                    trace.add(
                            "ZRANGE",
                            key("zset", large, c),
                            Long.toString(from),
                            Long.toString(from + 9));
                }
                case ZRANK -> trace.add("ZRANK", key("zset", large, c), text);
                case ZSCORE -> trace.add("ZSCORE", key("zset", large, c), text);
            }
        }
        return trace;
    }
}
