package ironcache.bench;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A server that the harness starts on the loopback address, pins to a core, observes and stops. */
final class ServerProcess implements AutoCloseable {
    static final String NOT_PINNED = "";

    private static final long START_NS_MAX = 300_000_000_000L;
    private static final long STOP_SECONDS_MAX = 300;

    /** Which server, and how it is started. */
    enum Kind {
        IRONCACHE("IronCache"),
        VALKEY("Valkey"),
        REDIS("Redis");

        final String title;

        Kind(String title) {
            this.title = title;
        }

        /** @param home the repository for IronCache, the folder that holds {@code bin} for the oracles */
        List<String> command(Path home, int port, Path dir) {
            List<String> command = new ArrayList<>();
            if (this == IRONCACHE) {
                command.add(home.resolve("ironcache").toString());
                command.add("server");
            } else {
                Path bin =
                        home.resolve("bin")
                                .resolve(this == VALKEY ? "valkey-server" : "redis-server");
                command.add(bin.toString());
                command.addAll(List.of("--save", "", "--appendonly", "no"));
            }
            command.addAll(
                    List.of(
                            "--port",
                            Integer.toString(port),
                            "--bind",
                            "127.0.0.1",
                            "--dir",
                            dir.toString()));
            return command;
        }
    }

    private final Kind kind;
    private final int port;
    private final Process process;
    private final long startedNs;
    private final long readyNs;
    private final Path dir;
    private final Path log;
    private final Path gcLog;

    private ServerProcess(
            Kind kind, int port, Process process, Path dir, Path log, Path gcLog, long startedNs)
            throws IOException {
        this.kind = kind;
        this.port = port;
        this.process = process;
        this.dir = dir;
        this.log = log;
        this.gcLog = gcLog;
        this.startedNs = startedNs;
        readyNs = awaitPong();
    }

    /**
     * Starts the server and waits for its first PONG.
     *
     * @param cores the list of cores it may run on, as taskset takes it, or {@link #NOT_PINNED}
     * @param dir where it keeps its data; created if absent
     * @param logGc IronCache's collections go to {@link #gcLog}
     * @param settings appended to its command line
     */
    static ServerProcess start(
            Kind kind,
            Path home,
            int port,
            Path dir,
            String cores,
            boolean logGc,
            String... settings)
            throws IOException {
        Files.createDirectories(dir);
        List<String> command = new ArrayList<>();
        if (!cores.equals(NOT_PINNED)) {
            command.addAll(List.of("taskset", "-c", cores));
        }
        command.addAll(kind.command(home, port, dir.toAbsolutePath()));
        command.addAll(Arrays.asList(settings));
        Path gcLog = dir.resolveSibling(dir.getFileName() + "-gc.log").toAbsolutePath();
        Path log = dir.resolveSibling(dir.getFileName() + "-server.log").toAbsolutePath();
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        if (kind == Kind.IRONCACHE && logGc) {
            String given = System.getenv().getOrDefault("IRONCACHE_JVM_OPTIONS", "");
            builder.environment().put("IRONCACHE_JVM_OPTIONS", given + " -Xlog:gc:file=" + gcLog);
        }
        long startedNs = System.nanoTime();
        Process process = builder.start();
        try {
            return new ServerProcess(kind, port, process, dir, log, gcLog, startedNs);
        } catch (IOException e) {
            process.destroyForcibly();
            throw e;
        }
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** Where it keeps its data. */
    Path dir() {
        return dir;
    }

    /** The log of the collector's pauses (IronCache only). */
    Path gcLog() {
        return gcLog;
    }

    private long awaitPong() throws IOException {
        while (process.isAlive() && System.nanoTime() - startedNs < START_NS_MAX) {
            try (AdminClient client = new AdminClient(port)) {
                if ("PONG".equals(client.command("PING"))) {
                    return System.nanoTime();
                }
            } catch (IOException | AdminClient.ServerError e) {
                // Not listening yet, or loading.
            }
            // Longer starts are measured more coarsely, so that asking costs the server nothing.
            pauseMs(Math.clamp((System.nanoTime() - startedNs) / 200_000_000, 1, 20));
        }
        throw new IOException(
                kind.title
                        + " did not come up on port "
                        + port
                        + ", see "
                        + log
                        + "\n"
                        + logTail());
    }

    private String logTail() throws IOException {
        List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 10), lines.size()));
    }

    static void pauseMs(long milliseconds) throws IOException {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }

    Kind kind() {
        return kind;
    }

    int port() {
        return port;
    }

    /** From exec to the first PONG. */
    double startMs() {
        return (readyNs - startedNs) / 1e6;
    }

    /** From exec until now. */
    double sinceStartSeconds() {
        return (System.nanoTime() - startedNs) / 1e9;
    }

    /** taskset and the launchers all become the server (exec), so the process that was started is the server itself. */
    ProcessFigures figures() {
        return new ProcessFigures(process.pid());
    }

    AdminClient connect() throws IOException {
        return new AdminClient(port);
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** An orderly stop: SIGTERM. Returns the seconds that it took; a server that does not end is killed and an error. */
    double terminate() throws IOException {
        long fromNs = System.nanoTime();
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS_MAX, TimeUnit.SECONDS)) {
                kill();
                throw new IOException(
                        kind.title + " did not end within " + STOP_SECONDS_MAX + " s of SIGTERM");
            }
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
        return (System.nanoTime() - fromNs) / 1e9;
    }

    /** SIGKILL. */
    void kill() throws IOException {
        try {
            process.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }

    /** SIGKILL: who is done with a server is done with its data, and an orderly stop would write all of it first. */
    @Override
    public void close() throws IOException {
        kill();
    }
}
