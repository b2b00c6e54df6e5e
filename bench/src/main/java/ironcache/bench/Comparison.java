package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Several servers under the same loads: 1 M keys with 64-byte values, all servers up and loaded; while one is measured the
 * others idle. Rounds interleave, every second one in reverse (A B C, C B A, ...), so whatever else the machine does, in a
 * burst or by and by, falls on all alike. Owned by the main thread.
 */
final class Comparison {
    static final long KEYS = 1_000_000;
    static final int VALUE_SIZE = 64;

    private static final double AT_ITS_LIMIT = 0.9;

    /** Share of the machine that, once taken by others, is said to be missing. */
    private static final double DISTURBED = 0.1;

    /**
     * What is measured once per round and server.
     *
     * @param counted the operation whose replies are counted and timed, where one stands for several; null: all of them
     * @param spreadShards as {@code bench/load --spread-shards}
     */
    record Cell(
            String title,
            String operations,
            int pipeline,
            @Nullable Operation counted,
            int spreadShards) {

        /** One operation, uniform keys. */
        static Cell of(String operation, int pipeline) {
            return new Cell(
                    operation.toUpperCase(Locale.ROOT) + " P" + pipeline,
                    operation,
                    pipeline,
                    null,
                    0);
        }

        /** GET and SET at each of the depths. */
        static List<Cell> getAndSet(List<Integer> pipelines) {
            return pipelines.stream()
                    .flatMap(depth -> List.of(of("get", depth), of("set", depth)).stream())
                    .toList();
        }
    }

    /** One run; busy is in cores. */
    record Figures(
            double perSecond,
            double p50Us,
            double p999Us,
            double busy,
            double clientBusy,
            double machineBusy) {

        double perCpuSecond() {
            return perSecond / busy;
        }

        /** Other processes, the kernel's threads and interrupts, the hypervisor's other guests. */
        double othersBusy() {
            return machineBusy - busy - clientBusy;
        }
    }

    /** The columns. */
    enum Measure {
        PER_CPU_SECOND("requests per CPU-second", "%,.0f", Figures::perCpuSecond),
        CPU_US("server's CPU us per request", "%.2f", figures -> 1e6 / figures.perCpuSecond()),
        PER_SECOND("requests/s", "%,.0f", Figures::perSecond),
        P50_US("p50 us", "%,.0f", Figures::p50Us),
        P999_US("p99.9 us", "%,.0f", Figures::p999Us),
        BUSY("server busy", "%.2f", Figures::busy),
        CLIENT_BUSY("client busy", "%.2f", Figures::clientBusy),
        OTHERS_BUSY("others busy", "%.2f", Figures::othersBusy);

        final String title;
        final String format;
        private final ToDoubleFunction<Figures> value;

        Measure(String title, String format, ToDoubleFunction<Figures> value) {
            this.title = title;
            this.format = format;
            this.value = value;
        }
    }

    private final Harness harness;
    private final List<Cell> cells;
    private final Map<String, ServerProcess> servers = new LinkedHashMap<>();
    private final Map<String, Map<Cell, List<Figures>>> found = new LinkedHashMap<>();

    Comparison(Harness harness, List<Cell> cells) {
        this.harness = harness;
        this.cells = cells;
    }

    /** Starts a server and loads it; a kind that {@code --servers} does not name stays out. */
    void add(String title, ServerProcess.Kind kind, String... settings) throws IOException {
        if (harness.options().servers().contains(kind)) {
            ServerProcess server = harness.start(kind, settings);
            harness.load(server, KEYS, Integer.toString(VALUE_SIZE));
            servers.put(title, server);
            found.put(title, new LinkedHashMap<>());
        }
    }

    /** IronCache, with memory enough for all keys. */
    void addIronCache(String title, String... settings) throws IOException {
        List<String> all = new ArrayList<>(List.of("--maxmemory", "1gb"));
        all.addAll(List.of(settings));
        add(title, ServerProcess.Kind.IRONCACHE, all.toArray(new String[0]));
    }

    /** IronCache with so many shards; returns its title. */
    String addIronCache(int shards) throws IOException {
        String title = "IronCache, " + shards + (shards == 1 ? " shard" : " shards");
        addIronCache(title, "--shards", Integer.toString(shards));
        return title;
    }

    /** All rounds; stops the servers. */
    void run() throws IOException {
        List<String> order = new ArrayList<>(servers.keySet());
        for (int round = 0; round < harness.options().rounds(); round++) {
            List<String> turn = round % 2 == 0 ? order : order.reversed();
            for (Cell cell : cells) {
                for (String title : turn) {
                    Figures figures = measure(title, cell);
                    System.err.printf(
                            Locale.ROOT,
                            "round %d %-12s %-21s %,10.0f per CPU-second %,10.0f per second, server %3.0f %% busy,"
                                    + " client %3.0f %%, p50 %.0f us, p99.9 %.0f us%n",
                            round + 1,
                            cell.title(),
                            title,
                            figures.perCpuSecond(),
                            figures.perSecond,
                            figures.busy * 100,
                            figures.clientBusy * 100,
                            figures.p50Us,
                            figures.p999Us);
                    runs(title).computeIfAbsent(cell, c -> new ArrayList<>()).add(figures);
                }
            }
        }
        for (ServerProcess server : servers.values()) {
            harness.stop(server);
        }
    }

    private Figures measure(String title, Cell cell) throws IOException {
        SideBySide options = harness.options();
        ServerProcess server = servers.get(title);
        if (server == null) {
            throw new IllegalArgumentException(title + " is not among the servers");
        }
        if (options.client() == SideBySide.Client.VALKEY_BENCHMARK) {
            return measureByStockClient(options, server, cell);
        }
        LoadOptions load = new LoadOptions();
        load.port = server.port();
        load.connections = options.connections();
        load.pipeline = cell.pipeline;
        load.operations = cell.operations;
        load.spreadShards = cell.spreadShards;
        load.keys = KEYS;
        load.valueSize = Integer.toString(VALUE_SIZE);
        load.warmupSeconds = options.warmupSeconds();
        load.durationSeconds = options.seconds();
        load.verify = true;
        load.requireHits = true;
        load.quiet = true;
        load.label = cell.title;
        Harness.Sample sample = harness.run(server, load);
        LoadResult result = sample.load();
        Histogram latencyNs =
                cell.counted == null ? result.latencyNs() : result.latencyNs(cell.counted);
        return new Figures(
                latencyNs.getTotalCount() / result.seconds(),
                latencyNs.getValueAtPercentile(50) / 1e3,
                latencyNs.getValueAtPercentile(99.9) / 1e3,
                sample.serverBusy(),
                result.clientBusy(),
                sample.machineBusy());
    }

    /** The warm-up runs as a process of its own, so that the CPU clocks are read around the measured part alone. */
    private static Figures measureByStockClient(SideBySide options, ServerProcess server, Cell cell)
            throws IOException {
        if (cell.counted != null) {
            throw new IllegalArgumentException(cell.title + " is beyond --client valkey-benchmark");
        }
        stockClient(options, server, cell, options.warmupSeconds());
        CpuClocks clocks = new CpuClocks(server.figures());
        String csv = stockClient(options, server, cell, options.seconds());
        CpuClocks.Spent spent = clocks.spent();
        // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95...","p99...","max..."
        String[] fields =
                csv.lines()
                        .reduce((first, last) -> last)
                        .orElseThrow()
                        .replace("\"", "")
                        .split(",");
        return new Figures(
                Double.parseDouble(fields[1]),
                Double.parseDouble(fields[4]) * 1000,
                Double.NaN,
                spent.serverBusy(),
                spent.childrenBusy(),
                spent.machineBusy());
    }

    private static String stockClient(
            SideBySide options, ServerProcess server, Cell cell, double seconds)
            throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                options.oracleHome().resolve("bin/valkey-benchmark").toString(),
                                "-p",
                                Integer.toString(server.port()),
                                "-c",
                                Integer.toString(options.connections()),
                                "-P",
                                Integer.toString(cell.pipeline),
                                "-t",
                                cell.operations,
                                "-d",
                                Integer.toString(VALUE_SIZE),
                                "-r",
                                Long.toString(KEYS),
                                "--duration",
                                Long.toString(Math.max(1, Math.round(seconds))),
                                "--csv"));
        if (options.clientThreads() > 1) {
            command.addAll(List.of("--threads", Integer.toString(options.clientThreads())));
        }
        return Harness.output(command);
    }

    List<String> titles() {
        return List.copyOf(servers.keySet());
    }

    List<Cell> cells() {
        return cells;
    }

    private Map<Cell, List<Figures>> runs(String title) {
        return found.getOrDefault(title, Map.of());
    }

    private double[] array(String title, Cell cell, Measure measure) {
        return runs(title).getOrDefault(cell, List.of()).stream()
                .mapToDouble(measure.value)
                .toArray();
    }

    Spread spread(String title, Cell cell, Measure measure) {
        return Spread.of(array(title, cell, measure));
    }

    /** Round by round; empty (NaN) where one of the servers did not take part. */
    Spread ratio(String numerator, String denominator, Cell cell, Measure measure) {
        return Spread.ofRatios(array(numerator, cell, measure), array(denominator, cell, measure));
    }

    /** {@link #writeTable} where CPU per request is what counts. */
    void writeCpuTable() throws IOException {
        writeTable(
                Measure.CPU_US,
                Measure.PER_SECOND,
                Measure.P50_US,
                Measure.P999_US,
                Measure.BUSY,
                Measure.CLIENT_BUSY,
                Measure.OTHERS_BUSY);
    }

    /** Every cell by every server. */
    void writeTable(Measure... measures) throws IOException {
        List<String> header = new ArrayList<>(List.of("", "server"));
        for (Measure measure : measures) {
            header.add(measure.title);
        }
        List<List<String>> rows = new ArrayList<>();
        for (Cell cell : cells) {
            for (String title : servers.keySet()) {
                List<String> row = new ArrayList<>(List.of(cell.title, title));
                for (Measure measure : measures) {
                    row.add(spread(title, cell, measure).toText(measure.format));
                }
                rows.add(row);
            }
        }
        harness.report().table(header, rows);
    }

    /** Who was at the limit of its cores, by the medians. */
    void writeLimits(ToIntFunction<String> serverThreads) throws IOException {
        int cores = harness.machineCores();
        List<List<String>> limits = new ArrayList<>();
        for (Cell cell : cells) {
            for (String title : servers.keySet()) {
                limits.add(
                        List.of(
                                cell.title,
                                title,
                                bottleneck(
                                        title,
                                        cell,
                                        serverThreads.applyAsInt(title),
                                        harness.options().clientThreads(),
                                        cores)));
            }
        }
        harness.report()
                .line(
                        "At its limit (90 %% of its threads' time or of the machine's %d cores), by the medians:",
                        cores);
        harness.report().table(List.of("", "server", "at its limit"), limits);
    }

    void plot(String title, Measure measure) throws IOException {
        Map<String, List<Spread>> bars = new LinkedHashMap<>();
        for (String server : servers.keySet()) {
            bars.put(server, cells.stream().map(cell -> spread(server, cell, measure)).toList());
        }
        harness.report().bars(title, measure.title, cells.stream().map(Cell::title).toList(), bars);
    }

    /**
     * Which limits a run was at; all in cores.
     *
     * @param serverThreads that execute commands
     * @param machineCores of the whole machine
     */
    static String bottleneck(
            Figures figures, int serverThreads, int clientThreads, int machineCores) {
        List<String> full = new ArrayList<>();
        if (figures.clientBusy >= AT_ITS_LIMIT * clientThreads) {
            full.add("client");
        }
        if (figures.busy >= AT_ITS_LIMIT * serverThreads) {
            full.add("server");
        }
        if (figures.machineBusy >= AT_ITS_LIMIT * machineCores) {
            full.add("all cores");
            if (figures.othersBusy() >= DISTURBED * machineCores) {
                full.add("others among them");
            }
        }
        return full.isEmpty() ? "none: they wait for each other" : String.join(", ", full);
    }

    /** {@link #bottleneck} of the medians. */
    private String bottleneck(
            String title, Cell cell, int serverThreads, int clientThreads, int machineCores) {
        double busy = spread(title, cell, Measure.BUSY).median();
        double clientBusy = spread(title, cell, Measure.CLIENT_BUSY).median();
        double othersBusy = spread(title, cell, Measure.OTHERS_BUSY).median();
        return bottleneck(
                new Figures(
                        Double.NaN,
                        Double.NaN,
                        Double.NaN,
                        busy,
                        clientBusy,
                        busy + clientBusy + othersBusy),
                serverThreads,
                clientThreads,
                machineCores);
    }
}
