package ironcache.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The side-by-side harness's command line: {@code bench/side-by-side row2 --rounds 5 --seconds 10}. */
@Command(
        name = "side-by-side",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Measures IronCache against an oracle server on this machine and writes a report.",
            "  row1   6 GB in 512 MB: load by a stock client, verify every value, peak RSS",
            "  row2   GET and SET, 64-byte values, pipeline 1, 16, 64: requests per CPU-second and per second",
            "  row3   the same load for a minute: garbage collections, bytes allocated per request",
            "  row4   bytes of process growth per item",
            "  row5   uniform GETs over a set ten times larger than memory, against fio on the same disk",
            "  row6   Zipf 0.99, 95 %% GET 5 %% SET over the same set",
            "  row7   blind SETs over the same cold set against SETs of new keys",
            "  row12  from exec to the first PONG",
            "  shards-cpu           CPU per request with 1, 2 and 4 shards, pipeline 16",
            "  shards-cores         two shards against one and against Valkey with I/O threads, client on the same cores",
            "  shards-transactions  MULTI, 5 SETs over 4 shards, EXEC against Valkey",
            "  shards-handoff       for how long shards are lent while their keys are cold",
            "  durability-throughput  SET with everysec and always against no log and against Valkey's AOF",
            "  snapshot-pause       latencies and memory while BGSAVE runs, against those without",
            "  warm-restart         SIGTERM and start: to the first GET, to the former throughput",
            "  recovery-rate        kill -9 and start: bytes of log per second, against the disk's rate",
            "  verify-rate          ironcache-tool verify against the disk's rate, and on one core from memory",
            "  collections-memory   bytes of process growth per element of collections",
            "  restart-budget       restarts at full maxmemory and with half of it, every value read",
            "Rows 5, 6 and 7 share one loaded set if they are named in one command."
        })
public final class SideBySide implements Callable<Integer> {
    /** Where servers run if neither the command line nor the scenario says otherwise. */
    static final String SERVER_CORES = "0";

    /** Who puts the load on in row 2. */
    enum Client {
        /** This module's load generator. */
        OWN,
        /** The stock client, as a cross-check; p99.9 is not compared then. */
        VALKEY_BENCHMARK
    }

    @Parameters(
            arity = "1..*",
            paramLabel = "SCENARIO",
            description = "row1 ... row12, shards-... and the others above")
    private List<String> scenarios = List.of();

    @Option(
            names = "--rounds",
            defaultValue = "5",
            description = "interleaved rounds (${DEFAULT-VALUE})")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "10",
            description = "measured seconds of a run (${DEFAULT-VALUE})")
    private double seconds;

    @Option(
            names = "--warmup",
            defaultValue = "2",
            description = "seconds before each measured run (${DEFAULT-VALUE})")
    private double warmupSeconds;

    @Option(
            names = "--servers",
            split = ",",
            defaultValue = "ironcache,valkey",
            description =
                    "which servers: ironcache, valkey, redis (${DEFAULT-VALUE}); ratios are to the second")
    private List<ServerProcess.Kind> servers = List.of();

    @Option(
            names = "--pipelines",
            split = ",",
            defaultValue = "1,16,64",
            description = "row2, row3, shards-cores: pipeline depths (${DEFAULT-VALUE})")
    private List<Integer> pipelines = List.of();

    @Option(
            names = "--connections",
            defaultValue = "50",
            description = "row2, row3, shards-...: connections (${DEFAULT-VALUE})")
    private int connections;

    @Option(
            names = "--client",
            defaultValue = "own",
            description =
                    "row2, shards-cpu, shards-cores: own or valkey-benchmark (${DEFAULT-VALUE})")
    private String client = "own";

    @Option(
            names = "--client-threads",
            defaultValue = "1",
            description = "of valkey-benchmark (${DEFAULT-VALUE})")
    private int clientThreads;

    @Option(
            names = "--oracle",
            description =
                    "folder that holds bin/valkey-server (the environment's IRONCACHE_ORACLE, else /usr)")
    private @Nullable Path oracle;

    @Option(
            names = "--server-cores",
            description =
                    "cores of the servers, as taskset takes them (0; shards-cpu, -cores and -handoff: all, and the client too)")
    private @Nullable String serverCores;

    @Option(
            names = "--server-setting",
            description =
                    "goes to IronCache's command line; repeat for more: --server-setting=--shards --server-setting=1")
    private List<String> serverSettings = new ArrayList<>();

    @Option(
            names = "--scale",
            defaultValue = "1",
            description = "shrinks key counts and memory for a trial")
    private double scale;

    @Option(
            names = "--gigabytes",
            defaultValue = "5",
            description =
                    "snapshot-pause, warm-restart, recovery-rate, verify-rate, restart-budget: values in all (${DEFAULT-VALUE})")
    private double gigabytes;

    @Option(
            names = "--data",
            description = "where servers keep their data, on the disk to measure (in the report)")
    private @Nullable Path data;

    @Option(names = "--report", description = "report directory (target/side-by-side/TIME)")
    private @Nullable Path reportDirectory;

    private SideBySide() {}

    public static void main(String[] args) {
        System.exit(LoadGenerator.commandLine(new SideBySide()).execute(args));
    }

    @Override
    public Integer call() throws IOException {
        Map<String, Scenario> all = Scenario.all();
        List<Scenario> chosen = new ArrayList<>();
        for (String name : scenarios) {
            Scenario scenario = all.get(name);
            if (scenario == null) {
                throw new IllegalArgumentException("scenario " + name + ": one of " + all.keySet());
            }
            chosen.add(scenario);
        }
        Client who = client();
        if (reportDirectory == null) {
            String time =
                    LocalDateTime.now(ZoneId.systemDefault())
                            .format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT));
            reportDirectory =
                    root().resolve(
                                    "target/side-by-side/"
                                            + String.join("-", scenarios)
                                            + "-"
                                            + time);
        }
        Report report = new Report(reportDirectory);
        report.line("# Side by side: %s", String.join(", ", scenarios));
        report.line("- machine: %s", machine());
        report.line(
                "- client: %s%s", who, clientThreads > 1 ? ", " + clientThreads + " threads" : "");
        report.line(
                "- %d rounds of %s s after %s s of warm-up, scale %s, %s GB",
                rounds, seconds, warmupSeconds, scale, gigabytes);
        report.line("- figures read: minimum – **median** – maximum of the rounds");
        try (Harness harness = new Harness(this, report)) {
            for (Scenario scenario : chosen) {
                harness.place(scenario.onAllCores());
                scenario.run(harness);
            }
        }
        System.out.println("report: " + reportDirectory.resolve("report.md"));
        return 0;
    }

    private static String machine() throws IOException {
        String model = "unknown processor";
        for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
            if (line.startsWith("model name")) {
                model = line.substring(line.indexOf(':') + 2);
            }
        }
        String kernel = Files.readString(Path.of("/proc/sys/kernel/osrelease")).trim();
        String load = Files.readString(Path.of("/proc/loadavg")).trim();
        String mode = scalingGovernor();
        return model
                + ", "
                + ProcessFigures.machineCores()
                + " core(s), Linux "
                + kernel
                + ", load average at start "
                + load
                + mode;
    }

    private static String scalingGovernor() throws IOException {
        Path governor = Path.of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
        return Files.exists(governor) ? ", governor " + Files.readString(governor).trim() : "";
    }

    static Path root() {
        return Path.of(System.getProperty("ironcache.root", ".")).toAbsolutePath().normalize();
    }

    Path home(ServerProcess.Kind kind) {
        return kind == ServerProcess.Kind.IRONCACHE ? root() : oracleHome();
    }

    Path oracleHome() {
        if (oracle != null) {
            return oracle;
        }
        String fromEnvironment = System.getenv("IRONCACHE_ORACLE");
        return Path.of(fromEnvironment == null ? "/usr" : fromEnvironment);
    }

    Path dataDirectory() {
        return data != null
                ? data.resolve("ironcache-bench-data")
                : reportDirectoryOrFail().resolve("data");
    }

    private Path reportDirectoryOrFail() {
        if (reportDirectory == null) {
            throw new IllegalStateException(
                    "the report directory is set before the harness starts");
        }
        return reportDirectory;
    }

    Client client() {
        String name = client.toUpperCase(Locale.ROOT).replace('-', '_');
        return Arrays.stream(Client.values())
                .filter(c -> c.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "--client " + client + ": own or valkey-benchmark"));
    }

    List<ServerProcess.Kind> servers() {
        return servers;
    }

    /** Whether IronCache is among the servers; most scenarios measure nothing else. */
    boolean withIronCache() {
        return servers.contains(ServerProcess.Kind.IRONCACHE);
    }

    int rounds() {
        return rounds;
    }

    double seconds() {
        return seconds;
    }

    double warmupSeconds() {
        return warmupSeconds;
    }

    List<Integer> pipelines() {
        return pipelines;
    }

    int connections() {
        return connections;
    }

    int clientThreads() {
        return clientThreads;
    }

    /** Null: the scenario decides. */
    @Nullable String serverCores() {
        return serverCores;
    }

    List<String> serverSettings() {
        return serverSettings;
    }

    double gigabytes() {
        return gigabytes;
    }

    double scale() {
        return scale;
    }
}
