package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * One hash, one sorted set and one list of 20 million elements with 256 MB of memory: reads of the SSD per operation, the 99th percentile at 32 connections, resident memory. Then what it takes to
 * delete the sorted set, and to let it expire, and what becomes of its space. They are filled with plenty of memory; the server is started again with little.
 */
final class ColdCollectionScenario implements Scenario {
    private static final long ELEMENTS = 20_000_000;
    private static final int ELEMENTS_PER_COMMAND = 100;

    /** So many that none is sent twice in one measurement: what was read before would be in RAM. */
    private static final int REQUESTS = 1 << 21;

    private static final int CONNECTIONS = 32;
    private static final int SMALL_SETS = 2000;
    private static final int SMALL_SET_ELEMENTS = 200;
    private static final double P99_US_MAX = 5000;

    /** As in row 1: 590 MB for 512mb. */
    private static final double RSS_OF_BUDGET_MAX = 1.1;

    private static final double MIB = 1 << 20;
    private static final long MEMORY_MB = 256;
    private static final long SETTLE_SECONDS_MAX = 60;
    private static final long GONE_SECONDS_MAX = 300;

    private static final double DELETE_MS_MAX = 1;

    /** The space law: what is on disk is at most so many times what is alive, and so much more. */
    private static final double SPACE_FACTOR = 1.3;

    private static final long MAX_DISK_MB = 6144;
    private static final double SPACE_SLACK_MB = MAX_DISK_MB / 16.0;

    private record Cell(String command, double readsMax) {}

    private enum Type {
        HASH("HSET", new Cell("HGET", 1.1), new Cell("HSET", 1.1)),
        ZSET(
                "ZADD",
                new Cell("ZSCORE", 3),
                new Cell("ZRANK", 3),
                new Cell("ZRANGE", 3),
                new Cell("ZADD", 3)),
        LIST("RPUSH", new Cell("LPOP", 1));

        final String fill;
        final List<Cell> cells;

        Type(String fill, Cell... cells) {
            this.fill = fill;
            this.cells = List.of(cells);
        }
    }

    @Override
    public void run(Harness harness) throws IOException {
        Report report = harness.report();
        long elements = harness.scaled(ELEMENTS);
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Cold collections: %,d elements with %d MB, %d connections",
                        elements,
                        MEMORY_MB,
                        CONNECTIONS));
        report.line("Data on %s.", harness.dataFileSystem());
        List<List<String>> rows = new ArrayList<>();
        List<List<String>> deletions = new ArrayList<>();
        for (Type type : Type.values()) {
            ServerProcess server = harness.start(ServerProcess.Kind.IRONCACHE, settings(4096));
            fill(server, type, "big", elements);
            if (type == Type.ZSET) {
                fill(server, type, "other", elements);
            }
            server.terminate();
            server = harness.restart(server, settings(MEMORY_MB));
            awaitSettled(server, report);
            for (Cell cell : type.cells) {
                rows.add(measure(harness, server, cell, elements));
                System.err.println(String.join("  ", rows.getLast()));
            }
            if (type == Type.ZSET) {
                warmDeletion(server);
                deletions.add(delete(server, elements, false));
                deletions.add(delete(server, elements, true));
            }
            harness.stop(server);
        }
        report.table(
                List.of(
                        "",
                        "requests/s",
                        "SSD reads per request",
                        "at most",
                        "bytes read per request",
                        "p50 us",
                        "p99 us",
                        "at most",
                        "RSS, MB",
                        "at most"),
                rows);
        report.table(
                List.of(
                        "",
                        "ms",
                        "at most",
                        "on disk before, MB",
                        "on disk after, MB",
                        "seconds until then"),
                deletions);
    }

    /** The state file of the stop is mapped, and counts as resident once it is touched, until its pages are on the SSD. */
    private static void awaitSettled(ServerProcess server, Report report) throws IOException {
        long untilNs = System.nanoTime() + SETTLE_SECONDS_MAX * 1_000_000_000L;
        try (AdminClient client = server.connect()) {
            while (true) {
                double usedMb = megabytes(client, "used_memory");
                double rssMb = server.figures().rssBytes() / MIB;
                if (usedMb <= MEMORY_MB && rssMb <= RSS_OF_BUDGET_MAX * MEMORY_MB) {
                    return;
                }
                if (System.nanoTime() - untilNs >= 0) {
                    report.line(
                            "Not settled after %d s: used memory %.0f MB, RSS %.0f MB.",
                            SETTLE_SECONDS_MAX, usedMb, rssMb);
                    return;
                }
                ServerProcess.pauseMs(100);
            }
        }
    }

    private static String[] settings(long memoryMb) {
        return new String[] {"--maxmemory", memoryMb + "mb", "--maxdisk", MAX_DISK_MB + "mb"};
    }

    private static void fill(ServerProcess server, Type type, String key, long elements)
            throws IOException {
        try (CommandPipe pipe = new CommandPipe(server)) {
            List<String> words = new ArrayList<>();
            for (long e = 0; e < elements; ) {
                words.clear();
                words.addAll(List.of(type.fill, key));
                for (int i = 0; i < ELEMENTS_PER_COMMAND && e < elements; i++, e++) {
                    switch (type) {
                        case HASH -> {
                            words.add(Elements.text(e, 16));
                            words.add(Elements.text(~e, 16));
                        }
                        case ZSET -> {
                            words.add(Elements.score(e));
                            words.add(Elements.text(e, 16));
                        }
                        case LIST -> words.add(Elements.text(e, 32));
                    }
                }
                pipe.send(words.toArray(new String[0]));
            }
            pipe.finish();
        }
    }

    private static CommandTrace trace(Cell cell, long elements) {
        SplittableRandom random = new SplittableRandom(cell.command.hashCode());
        CommandTrace trace = new CommandTrace();
        for (int i = 0; i < REQUESTS; i++) {
            long e = random.nextLong(elements);
            String text = Elements.text(e, 16);
            switch (cell.command) {
                case "HSET" -> trace.add("HSET", "big", text, Elements.text(i, 16));
                case "ZADD" -> trace.add("ZADD", "big", Elements.score(~(long) i), text);
                case "ZRANGE" -> {
                    long from = random.nextLong(elements - 10);
                    trace.add("ZRANGE", "big", Long.toString(from), Long.toString(from + 9));
                }
                case "LPOP" -> trace.add("LPOP", "big");
                default -> trace.add(cell.command, "big", text);
            }
        }
        return trace;
    }

    private static List<String> measure(
            Harness harness, ServerProcess server, Cell cell, long elements) throws IOException {
        ServerCounters counters = new ServerCounters(server);
        TraceLoad.Result result;
        try (TraceLoad load = new TraceLoad(server, trace(cell, elements), CONNECTIONS, 1)) {
            result =
                    load.run(
                            harness.options().warmupSeconds(),
                            harness.options().seconds(),
                            counters);
        }
        double reads = (double) counters.delta("cold_reads") / result.requests();
        double rssMb = server.figures().rssBytes() / MIB;
        double rssMbMax = MEMORY_MB * RSS_OF_BUDGET_MAX;
        return List.of(
                cell.command,
                String.format(Locale.ROOT, "%,.0f", result.perSecond()),
                String.format(Locale.ROOT, "**%.2f**", reads),
                new Spread(reads, reads, reads).atMost(cell.readsMax, "%.1f"),
                String.format(
                        Locale.ROOT,
                        "%,.0f",
                        (double) counters.delta("cold_read_bytes") / result.requests()),
                String.format(Locale.ROOT, "%,.0f", result.percentileUs(50)),
                String.format(Locale.ROOT, "**%,.0f**", result.percentileUs(99)),
                Spread.of(result.percentileUs(99)).atMost(P99_US_MAX, "%,.0f"),
                String.format(Locale.ROOT, "**%.0f**", rssMb),
                Spread.of(rssMb).atMost(rssMbMax, "%.0f"));
    }

    /** What deletes and expires has run before. */
    private static void warmDeletion(ServerProcess server) throws IOException {
        try (CommandPipe pipe = new CommandPipe(server)) {
            for (int i = 0; i < SMALL_SETS; i++) {
                String key = "small:" + i;
                for (long e = 0; e < SMALL_SET_ELEMENTS; e++) {
                    pipe.send("ZADD", key, Elements.score(e), Elements.text(e, 16));
                }
                if (i % 2 == 0) {
                    pipe.send("DEL", key);
                } else {
                    pipe.send("PEXPIRE", key, "1");
                }
            }
            pipe.finish();
        }
    }

    /** @param expires not by DEL but by its time */
    private static List<String> delete(ServerProcess server, long elements, boolean expires)
            throws IOException {
        try (AdminClient client = server.connect()) {
            long before = client.integer("ZCARD", expires ? "other" : "big");
            if (before < elements) {
                throw new IOException(before + " elements, expected " + elements);
            }
            double beforeMb = megabytes(client, "disk_bytes");
            double beforeLiveMb = megabytes(client, "disk_live_bytes");
            double ms = expires ? expireMs(client) : deleteMs(client);
            long fromNs = System.nanoTime();
            double seconds = 0;
            double afterMb = beforeMb;
            boolean isLawful = false;
            while (!isLawful && seconds < GONE_SECONDS_MAX) {
                ServerProcess.pauseMs(100);
                seconds = (System.nanoTime() - fromNs) / 1e9;
                double liveMb = megabytes(client, "disk_live_bytes");
                afterMb = megabytes(client, "disk_bytes");
                isLawful =
                        liveMb <= (expires ? 0.1 : 0.6) * beforeLiveMb
                                && afterMb <= SPACE_FACTOR * liveMb + SPACE_SLACK_MB;
            }
            return List.of(
                    expires ? "expiry" : "DEL",
                    ms == 0 ? "**below 1**" : String.format(Locale.ROOT, "**%.2f**", ms),
                    Spread.of(ms).atMost(DELETE_MS_MAX, "%.1f"),
                    String.format(Locale.ROOT, "%,.0f", beforeMb),
                    String.format(Locale.ROOT, "%,.0f", afterMb),
                    isLawful
                            ? String.format(Locale.ROOT, "%.1f", seconds)
                            : String.format(Locale.ROOT, "not within %d", GONE_SECONDS_MAX));
        }
    }

    /** As a client sees it. */
    private static double deleteMs(AdminClient client) throws IOException {
        long fromNs = System.nanoTime();
        client.command("DEL", "big");
        return (System.nanoTime() - fromNs) / 1e6;
    }

    /** The longest slice of active expiry as the server's latency monitor has it, which tells those of a millisecond or more; 0: there was none. */
    private static double expireMs(AdminClient client) throws IOException {
        client.command("CONFIG", "SET", "latency-monitor-threshold", "1");
        client.command("LATENCY", "RESET");
        long expired = expiredKeys(client);
        client.command("PEXPIRE", "other", "50");
        long untilNs = System.nanoTime() + SETTLE_SECONDS_MAX * 1_000_000_000L;
        while (expiredKeys(client) == expired) {
            if (System.nanoTime() - untilNs >= 0) {
                throw new IOException("nothing expired within " + SETTLE_SECONDS_MAX + " s");
            }
            ServerProcess.pauseMs(10);
        }
        double longestMs = 0;
        if (client.command("LATENCY", "HISTORY", "expire-cycle") instanceof List<?> samples) {
            for (Object sample : samples) {
                Object ms = ((List<?>) sample).get(1); // 0 is when.
                longestMs = Math.max(longestMs, Double.parseDouble(ms.toString()));
            }
        }
        return longestMs;
    }

    private static long expiredKeys(AdminClient client) throws IOException {
        return Long.parseLong(client.info().get("expired_keys"));
    }

    private static double megabytes(AdminClient client, String field) throws IOException {
        return Double.parseDouble(client.info().getOrDefault(field, "NaN")) / MIB;
    }
}
