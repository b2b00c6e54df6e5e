package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Row 2: GET and SET, 64-byte values, 1 M keys. All servers are up and loaded; while one is measured the others idle. The
 * rounds interleave (A B A B ...), so whatever else the machine does falls on all alike.
 */
final class ThroughputScenario implements Scenario {
    private static final long KEYS = 1_000_000;
    private static final int VALUE_SIZE = 64;

    /** What is measured once per round and server. */
    private record Cell(String operation, int pipeline) {
        String title() {
            return operation.toUpperCase(Locale.ROOT) + " P" + pipeline;
        }
    }

    /** One run. */
    private record Figures(
            double perCpuSecond,
            double perSecond,
            double p50Us,
            double p999Us,
            double busy,
            double clientBusy) {}

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Row 2: GET and SET, %d-byte values, 1 M keys, %d connections",
                        VALUE_SIZE,
                        options.connections()));
        Map<ServerProcess.Kind, ServerProcess> servers = new LinkedHashMap<>();
        for (ServerProcess.Kind kind : options.servers()) {
            ServerProcess server =
                    kind == ServerProcess.Kind.IRONCACHE
                            ? harness.start(kind, "--maxmemory", "1gb")
                            : harness.start(kind);
            harness.load(server, KEYS, Integer.toString(VALUE_SIZE));
            servers.put(kind, server);
        }
        List<Cell> cells = new ArrayList<>();
        for (int pipeline : options.pipelines()) {
            cells.add(new Cell("get", pipeline));
            cells.add(new Cell("set", pipeline));
        }
        Map<ServerProcess.Kind, Map<Cell, List<Figures>>> found = new LinkedHashMap<>();
        for (int round = 0; round < options.rounds(); round++) {
            for (Cell cell : cells) {
                for (ServerProcess server : servers.values()) {
                    Figures figures = measure(harness, server, cell);
                    System.err.printf(
                            Locale.ROOT,
                            "round %d %-7s %-9s %,10.0f per CPU-second %,10.0f per second, server %3.0f %% busy,"
                                    + " client %3.0f %%, p50 %.0f us, p99.9 %.0f us%n",
                            round + 1,
                            cell.title(),
                            server.kind().title,
                            figures.perCpuSecond,
                            figures.perSecond,
                            figures.busy * 100,
                            figures.clientBusy * 100,
                            figures.p50Us,
                            figures.p999Us);
                    found.computeIfAbsent(server.kind(), k -> new LinkedHashMap<>())
                            .computeIfAbsent(cell, c -> new ArrayList<>())
                            .add(figures);
                }
            }
        }
        write(report, cells, found);
        for (ServerProcess server : servers.values()) {
            harness.stop(server);
        }
    }

    private static Figures measure(Harness harness, ServerProcess server, Cell cell)
            throws IOException {
        SideBySide options = harness.options();
        if (options.client() == SideBySide.Client.VALKEY_BENCHMARK) {
            return measureByStockClient(options, server, cell);
        }
        LoadOptions load = new LoadOptions();
        load.port = server.port();
        load.connections = options.connections();
        load.pipeline = cell.pipeline;
        load.operations = cell.operation;
        load.keys = KEYS;
        load.valueSize = Integer.toString(VALUE_SIZE);
        load.warmupSeconds = options.warmupSeconds();
        load.durationSeconds = options.seconds();
        load.verify = true;
        load.requireHits = true;
        load.quiet = true;
        load.label = cell.title();
        Harness.Sample sample = harness.run(server, load);
        return new Figures(
                sample.perCpuSecond(),
                sample.load().repliesPerSecond(),
                sample.load().latencyUs(50),
                sample.load().latencyUs(99.9),
                sample.serverBusy(),
                sample.load().clientBusy());
    }

    /** The warm-up runs as a process of its own, so that the CPU clock is read around the measured part alone. */
    private static Figures measureByStockClient(SideBySide options, ServerProcess server, Cell cell)
            throws IOException {
        stockClient(options, server, cell, options.warmupSeconds());
        ProcessFigures process = server.figures();
        long cpuNs = process.cpuNs();
        long startNs = System.nanoTime();
        String csv = stockClient(options, server, cell, options.seconds());
        double seconds = (System.nanoTime() - startNs) / 1e9;
        double cpuSeconds = (process.cpuNs() - cpuNs) / 1e9;
        // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95...","p99...","max..."
        String[] fields =
                csv.lines()
                        .reduce((first, last) -> last)
                        .orElseThrow()
                        .replace("\"", "")
                        .split(",");
        double perSecond = Double.parseDouble(fields[1]);
        return new Figures(
                perSecond * seconds / cpuSeconds,
                perSecond,
                Double.parseDouble(fields[4]) * 1000,
                Double.NaN,
                cpuSeconds / seconds,
                Double.NaN);
    }

    private static String stockClient(
            SideBySide options, ServerProcess server, Cell cell, double seconds)
            throws IOException {
        return Harness.output(
                List.of(
                        options.oracleHome().resolve("bin/valkey-benchmark").toString(),
                        "-p",
                        Integer.toString(server.port()),
                        "-c",
                        Integer.toString(options.connections()),
                        "-P",
                        Integer.toString(cell.pipeline),
                        "-t",
                        cell.operation,
                        "-d",
                        Integer.toString(VALUE_SIZE),
                        "-r",
                        Long.toString(KEYS),
                        "--duration",
                        Long.toString(Math.max(1, Math.round(seconds))),
                        "--csv"));
    }

    private static void write(
            Report report,
            List<Cell> cells,
            Map<ServerProcess.Kind, Map<Cell, List<Figures>>> found)
            throws IOException {
        List<ServerProcess.Kind> kinds = List.copyOf(found.keySet());
        Map<String, List<Spread>> bars = new LinkedHashMap<>();
        Map<String, List<Spread>> clockBars = new LinkedHashMap<>();
        List<List<String>> rows = new ArrayList<>();
        List<List<String>> ratios = new ArrayList<>();
        for (Cell cell : cells) {
            for (ServerProcess.Kind kind : kinds) {
                List<Figures> runs = runs(found, kind, cell);
                Spread perCpuSecond = Spread.of(array(runs, Measure.PER_CPU_SECOND));
                Spread perSecond = Spread.of(array(runs, Measure.PER_SECOND));
                bars.computeIfAbsent(kind.title, k -> new ArrayList<>()).add(perCpuSecond);
                clockBars.computeIfAbsent(kind.title, k -> new ArrayList<>()).add(perSecond);
                rows.add(
                        List.of(
                                cell.title(),
                                kind.title,
                                perCpuSecond.toText("%,.0f"),
                                perSecond.toText("%,.0f"),
                                Spread.of(array(runs, Measure.P50_US)).toText("%,.0f"),
                                Spread.of(array(runs, Measure.P999_US)).toText("%,.0f"),
                                Spread.of(array(runs, Measure.BUSY)).toText("%.2f"),
                                Spread.of(array(runs, Measure.CLIENT_BUSY)).toText("%.2f")));
            }
            if (kinds.size() > 1) {
                List<Figures> ours = runs(found, kinds.get(0), cell);
                List<Figures> theirs = runs(found, kinds.get(1), cell);
                Spread perCpuSecond = ratio(ours, theirs, Measure.PER_CPU_SECOND);
                ratios.add(
                        List.of(
                                cell.title(),
                                perCpuSecond.toText("%.2f"),
                                target(cell, perCpuSecond.median()),
                                ratio(ours, theirs, Measure.PER_SECOND).toText("%.2f"),
                                ratio(ours, theirs, Measure.P999_US).toText("%.2f")));
            }
        }
        report.table(
                List.of(
                        "",
                        "server",
                        "requests per CPU-second",
                        "requests/s",
                        "p50 us",
                        "p99.9 us",
                        "server busy",
                        "client busy"),
                rows);
        if (!ratios.isEmpty()) {
            report.line("Ratios %s / %s, round by round:", kinds.get(0).title, kinds.get(1).title);
            report.table(
                    List.of("", "per CPU-second", "at least", "requests/s", "p99.9 (at most 1)"),
                    ratios);
        }
        List<String> categories = cells.stream().map(Cell::title).toList();
        report.bars(
                "Row 2: requests per CPU-second of the server",
                "requests per CPU-second",
                categories,
                bars);
        report.bars("Row 2: requests per second", "requests per second", categories, clockBars);
    }

    private static List<Figures> runs(
            Map<ServerProcess.Kind, Map<Cell, List<Figures>>> found,
            ServerProcess.Kind kind,
            Cell cell) {
        return found.getOrDefault(kind, Map.of()).getOrDefault(cell, List.of());
    }

    /** The bars for the ratio per CPU-second. */
    private static String target(Cell cell, double ratio) {
        boolean get = cell.operation.equals("get");
        double bar =
                switch (cell.pipeline) {
                    case 1 -> 1.3;
                    case 16 -> get ? 1.6 : 2.0;
                    case 64 -> get ? 2.0 : 2.5;
                    default -> Double.NaN;
                };
        return Double.isNaN(bar)
                ? "-"
                : String.format(Locale.ROOT, "%.1f %s", bar, ratio >= bar ? "met" : "MISSED");
    }

    private static Spread ratio(List<Figures> ours, List<Figures> theirs, Measure measure) {
        return Spread.ofRatios(array(ours, measure), array(theirs, measure));
    }

    private static double[] array(List<Figures> runs, Measure measure) {
        return runs.stream().mapToDouble(measure::of).toArray();
    }

    /** The columns. */
    private enum Measure {
        PER_CPU_SECOND,
        PER_SECOND,
        P50_US,
        P999_US,
        BUSY,
        CLIENT_BUSY;

        double of(Figures figures) {
            return switch (this) {
                case PER_CPU_SECOND -> figures.perCpuSecond;
                case PER_SECOND -> figures.perSecond;
                case P50_US -> figures.p50Us;
                case P999_US -> figures.p999Us;
                case BUSY -> figures.busy;
                case CLIENT_BUSY -> figures.clientBusy;
            };
        }
    }
}
