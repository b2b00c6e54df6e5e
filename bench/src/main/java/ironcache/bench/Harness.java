package ironcache.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileStore;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What the scenarios share: the servers that they start, the loads that they run, the report. Owned by the main thread. */
final class Harness implements AutoCloseable {
    /** One load run together with what the server spent on it. */
    record Sample(LoadResult load, CpuClocks.Spent cpu) {
        /** Cores that the server's process was busy on; below 1 the client was the limit. */
        double serverBusy() {
            return cpu.serverBusy();
        }

        /** Cores of the machine that were busy, whoever used them. */
        double machineBusy() {
            return cpu.machineBusy();
        }
    }

    /** Reads the clocks where the measured interval begins and ends. */
    private static final class CpuObserver implements LoadRun.Observer {
        private final ServerProcess server;
        private final LoadRun.Observer further;
        private CpuClocks.@Nullable Spent spent;
        private @Nullable CpuClocks clocks;

        CpuObserver(ServerProcess server, LoadRun.Observer further) {
            this.server = server;
            this.further = further;
        }

        @Override
        public void measureStarts() throws IOException {
            further.measureStarts();
            clocks = new CpuClocks(server.figures());
        }

        @Override
        public void measureEnds() throws IOException {
            spent = Objects.requireNonNull(clocks).spent();
            further.measureEnds();
        }

        @Override
        public boolean isEnough() {
            return further.isEnough();
        }

        CpuClocks.Spent spent() {
            return Objects.requireNonNull(spent);
        }
    }

    /** The least that IronCache takes: so much, and so much for each shard. */
    private static final long MEMORY_MB_MIN = 168;

    private static final long SHARD_MEMORY_MB_MIN = 24;

    private final SideBySide options;
    private final Report report;
    private final Path dataDirectory;
    private final List<ServerProcess> servers = new ArrayList<>();
    private final String pid = Long.toString(ProcessHandle.current().pid());
    private final String clientCores;
    private String serverCores = SideBySide.SERVER_CORES;
    private @Nullable ServerProcess coldServer;

    Harness(SideBySide options, Report report) throws IOException {
        this.options = options;
        this.report = report;
        dataDirectory = Files.createDirectories(options.dataDirectory());
        clientCores = ProcessFigures.ownCores();
    }

    /**
     * Says where the next scenario's servers and its client run: the servers on the cores of the command line, the client where
     * the launcher put it; or both on all cores, as far as the user did not choose.
     */
    void place(boolean onAllCores) throws IOException {
        String servers = options.serverCores();
        serverCores = servers != null ? servers : onAllCores ? allCores() : SideBySide.SERVER_CORES;
        boolean chosen = servers != null || System.getenv("CLIENT_CORE") != null;
        String client = onAllCores && !chosen ? allCores() : clientCores;
        if (!client.equals(ProcessFigures.ownCores())) {
            output(List.of("taskset", "--all-tasks", "--cpu-list", "--pid", client, pid));
        }
        report.line("- servers on cores %s, client on cores %s", serverCores, client);
    }

    private static String allCores() throws IOException {
        return Files.readString(Path.of("/sys/devices/system/cpu/online")).trim();
    }

    /** Of the whole machine, whatever this process is pinned to. */
    int machineCores() throws IOException {
        return ProcessFigures.machineCores();
    }

    SideBySide options() {
        return options;
    }

    Report report() {
        return report;
    }

    /** A number of keys or requests, scaled down by {@code --scale} for a trial. */
    long scaled(long number) {
        return Math.max(1, Math.round(number * options.scale()));
    }

    /** Same, for the server's {@code --maxmemory}, rounded up to whole MB. */
    String scaledMb(long megabytes) {
        return scaledMb(megabytes, 1);
    }

    String scaledMb(long megabytes, int shards) {
        return Math.max(memoryMbMin(shards), (long) Math.ceil(megabytes * options.scale())) + "mb";
    }

    /** The least {@code --maxmemory} that IronCache starts with. */
    long memoryMbMin(int shards) {
        return MEMORY_MB_MIN + SHARD_MEMORY_MB_MIN * shards;
    }

    /** Where servers run, as taskset takes it. */
    String serverCores() {
        return serverCores;
    }

    Path dataDirectory() {
        return dataDirectory;
    }

    /** What the data directory is on, in words; memory will not do where a disk is to be measured. */
    String dataFileSystem() throws IOException {
        FileStore store = Files.getFileStore(dataDirectory);
        if (store.type().matches("tmpfs|ramfs")) {
            throw new IllegalArgumentException(
                    dataDirectory + " is on " + store.type() + ": name a disk by --data");
        }
        return String.format(
                Locale.ROOT,
                "%s (%s), %.0f GB free",
                store.name(),
                store.type(),
                store.getUsableSpace() / 1e9);
    }

    /** Starts a server with an empty data directory; it runs until {@link #stop} or the harness ends. */
    ServerProcess start(ServerProcess.Kind kind, String... settings) throws IOException {
        return start(kind, serverCores, true, settings);
    }

    /** Same, as a user starts it: on all cores, and with nothing that only a measurement wants. */
    ServerProcess startPlainly(ServerProcess.Kind kind) throws IOException {
        return start(kind, allCores(), false);
    }

    private ServerProcess start(
            ServerProcess.Kind kind, String cores, boolean logGc, String... settings)
            throws IOException {
        Path dir =
                dataDirectory.resolve(kind.name().toLowerCase(Locale.ROOT) + "-" + servers.size());
        deleteTree(dir);
        return start(kind, dir, cores, logGc, settings);
    }

    /** Starts a server that has ended again, in the same directory; which settings it gets is up to the caller. */
    ServerProcess restart(ServerProcess ended, String... settings) throws IOException {
        return start(ended.kind(), ended.dir(), serverCores, true, settings);
    }

    private ServerProcess start(
            ServerProcess.Kind kind, Path dir, String cores, boolean logGc, String... settings)
            throws IOException {
        List<String> all = new ArrayList<>(List.of(settings));
        if (kind == ServerProcess.Kind.IRONCACHE) {
            all.addAll(options.serverSettings());
        }
        ServerProcess server =
                ServerProcess.start(
                        kind,
                        options.home(kind),
                        ServerProcess.freePort(),
                        dir,
                        cores,
                        logGc,
                        all.toArray(new String[0]));
        servers.add(server);
        return server;
    }

    /** Stops the server and frees the disk that its data takes. */
    void stop(ServerProcess server) throws IOException {
        server.close();
        deleteTree(server.dir());
        if (server == coldServer) {
            coldServer = null;
        }
    }

    /**
     * IronCache with the set of the rows 5 to 7: ten times as many bytes in 1 KiB values as it has memory. Loaded once, kept
     * for the scenarios that follow in the same command.
     */
    ServerProcess coldServer() throws IOException {
        ServerProcess server = coldServer;
        if (server == null) {
            server = start(ServerProcess.Kind.IRONCACHE, "--maxmemory", scaledMb(1024));
            LoadOptions load = coldLoad(server);
            load.load = true;
            load.connections = 16;
            load.pipeline = 16;
            load.label = "load the cold set";
            LoadResult result = run(server, load).load();
            report.line(
                    "Cold set: %,d keys with 1 KiB, incompressible, loaded at %,.0f per second, %d errors.",
                    load.keys, result.repliesPerSecond(), result.errors());
            coldServer = server;
        }
        return server;
    }

    /** A load over the cold set's keys. */
    LoadOptions coldLoad(ServerProcess server) {
        LoadOptions load = new LoadOptions();
        load.port = server.port();
        load.keys = scaled(10L << 20);
        load.valueSize = "1024";
        return load;
    }

    Sample run(ServerProcess server, LoadOptions load) throws IOException {
        return run(server, load, new LoadRun.Observer() {});
    }

    /** Runs a load and reads the server's CPU clock exactly where its measured interval begins and ends. */
    Sample run(ServerProcess server, LoadOptions load, LoadRun.Observer further)
            throws IOException {
        CpuObserver observer = new CpuObserver(server, further);
        try (LoadRun run = new LoadRun(load, observer)) {
            LoadResult result = run.run();
            for (String error : result.errorSamples()) {
                report.line("**%s, %s: error reply** `%s`", server.kind().title, load.label, error);
            }
            return new Sample(result, observer.spent());
        }
    }

    /** Loads all keys; a load that fails ends the scenario. */
    void load(ServerProcess server, long keys, String valueSize) throws IOException {
        LoadOptions load = new LoadOptions();
        load.port = server.port();
        load.keys = keys;
        load.valueSize = valueSize;
        load.pipeline = 16;
        load.load = true;
        load.label = "load " + server.kind().title;
        LoadResult result = run(server, load).load();
        if (result.errors() > 0) {
            throw new IOException(
                    load.label
                            + ": "
                            + result.errors()
                            + " errors, first "
                            + result.errorSamples());
        }
    }

    /** Reads every key once and compares its value. */
    LoadResult readAll(ServerProcess server, long keys, String valueSize) throws IOException {
        LoadOptions read = new LoadOptions();
        read.port = server.port();
        read.keys = keys;
        read.valueSize = valueSize;
        read.operations = "get";
        read.requests = keys;
        read.keyDistribution = "sequential";
        read.pipeline = 16;
        read.verify = true;
        read.requireHits = true;
        read.label = "read back every value";
        return run(server, read).load();
    }

    /**
     * Has the threads that this process has by now run before all else on their cores, the kernel's own included, so that what a load is said to wait for is the server. For an open loop, which naps: one that
     * spins would keep the kernel's threads from their work. All have one priority: a thread of the JVM that spins until
     * another one has done its part must not keep that from its core. Threads that come later, and processes, are as usual. Needs root; without it the report says so.
     */
    void goFirst() throws IOException {
        try {
            output(List.of("chrt", "--all-tasks", "--reset-on-fork", "--fifo", "--pid", "1", pid));
        } catch (IOException e) {
            report.line("The client waits for its core like others: %s", e);
        }
    }

    /** From now on they wait for their turn again. */
    void goAlong() throws IOException {
        output(List.of("chrt", "--all-tasks", "--other", "--pid", "0", pid));
    }

    /** Runs a program to its end and returns its standard output; what it says on standard error is passed on. */
    static String output(List<String> command) throws IOException {
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        process.getOutputStream().close();
        String text =
                new String(
                        process.getInputStream().readAllBytes(),
                        java.nio.charset.StandardCharsets.UTF_8);
        try {
            if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new IOException(String.join(" ", command) + " failed:\n" + text);
            }
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
        return text;
    }

    static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path directory, @Nullable IOException e) throws IOException {
                        if (e != null) {
                            throw e;
                        }
                        Files.delete(directory);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    /** Stops all servers and deletes their data; their logs move to the report. */
    @Override
    public void close() {
        try {
            for (ServerProcess server : servers) {
                server.close();
            }
            try (var files = Files.list(dataDirectory)) {
                for (Path log : files.filter(f -> f.toString().endsWith(".log")).toList()) {
                    Files.move(
                            log,
                            report.directory().resolve(log.getFileName()),
                            StandardCopyOption.REPLACE_EXISTING);
                }
            }
            deleteTree(dataDirectory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
