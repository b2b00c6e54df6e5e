package ironcache.tools;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * A server in a process of its own on a free loopback port: IronCache, or an oracle with the same command line. Ready
 * when its log says so. Stopped by its process id with SIGTERM, as an operator would. Owned by the test that started it.
 */
public final class ServerProcess implements AutoCloseable {
    private static final int START_TIMEOUT_S = 180;
    private static final int LOG_LINES_KEPT = 200;

    private final Process process;
    private final int port;
    private final String name;
    private final List<String> command;
    private final Deque<String> log = new ArrayDeque<>();
    private final CompletableFuture<Void> ready = new CompletableFuture<>();

    /** All that it has said has been read. */
    private final CompletableFuture<Void> ended = new CompletableFuture<>();

    private ServerProcess(String name, List<String> command, int port, Path dir)
            throws IOException {
        this.name = name;
        this.command = command;
        this.port = port;
        process =
                new ProcessBuilder(command)
                        .directory(dir.toFile())
                        .redirectErrorStream(true)
                        .start();
        Thread reader = new Thread(this::readLog, "log of " + name);
        reader.setDaemon(true);
        reader.start();
    }

    /**
     * Starts a server and returns when it accepts connections.
     *
     * @param what {@code ironcache}, {@code valkey}, {@code redis}, or a command line that takes {@code --port N --dir DIR}
     */
    public static ServerProcess start(String what, Path dir, String... settings)
            throws IOException {
        // Another process may take the port between our probe and the server's bind: then choose
        // again.
        for (int attempt = 1; ; attempt++) {
            ServerProcess server = launch(what, dir, settings);
            try {
                server.ready.get(START_TIMEOUT_S, TimeUnit.SECONDS);
                return server;
            } catch (ExecutionException | TimeoutException e) {
                server.close();
                if (attempt == 3 || !server.logTail().contains("in use")) {
                    throw new IOException(
                            server.command + " did not become ready; its log:\n" + server.logTail(),
                            e);
                }
            } catch (InterruptedException e) {
                server.close();
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }
    }

    /** As {@link #start}, but does not wait until the server is ready, or finds that it cannot be. */
    static ServerProcess launch(String what, Path dir, String... settings) throws IOException {
        List<String> prefix = command(what);
        if (prefix == null) {
            throw new IOException("no server '" + what + "' here: " + whyAbsent(what));
        }
        int port = freePort();
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of("--port", Integer.toString(port), "--dir", dir.toString()));
        if (prefix.getFirst().endsWith("valkey-server")
                || prefix.getFirst().endsWith("redis-server")) {
            command.addAll(List.of("--save", "", "--bind", "127.0.0.1"));
        }
        command.addAll(List.of(settings));
        return new ServerProcess(what, command, port, dir);
    }

    /** Waits until it has read back what there is. @return its log where it has ended instead; else null */
    String awaitLoaded() throws IOException {
        try {
            ready.get(START_TIMEOUT_S, TimeUnit.SECONDS);
            try (RespClient client = connect()) {
                String reply = client.call("PING").toString();
                while (reply.contains("LOADING")) {
                    reply = client.call("PING").toString();
                }
                if (reply.contains("PONG")) {
                    return null;
                }
            } catch (IOException e) {
                // It has ended meanwhile, or else does not, which is noticed below.
            }
            ended.get(START_TIMEOUT_S, TimeUnit.SECONDS);
            return logTail();
        } catch (ExecutionException e) {
            return logTail();
        } catch (TimeoutException e) {
            throw new IOException(command + " did not become ready; its log:\n" + logTail(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** The program and its first arguments, or null where this machine does not have it. */
    static List<String> command(String what) {
        switch (what) {
            case "valkey", "redis" -> {
                Path binary = oracle(what + "-server");
                return binary == null ? null : List.of(binary.toString());
            }
            case "ironcache" -> {
                return ironcache();
            }
            default -> {
                return List.of(what.split(" +"));
            }
        }
    }

    static String whyAbsent(String what) {
        return what.equals("ironcache")
                ? "the server's main class is not on the class path and IRONCACHE_SERVER is not set"
                : "set IRONCACHE_ORACLE to the folder whose bin/ has " + what + "-server";
    }

    /** A program of the oracle folder (valkey-cli, redis-server …), or null. */
    static Path oracle(String program) {
        String folder = System.getProperty("ironcache.oracle", System.getenv("IRONCACHE_ORACLE"));
        if (folder == null || folder.isEmpty()) {
            return null;
        }
        Path binary = Path.of(folder, "bin", program).toAbsolutePath();
        return Files.isExecutable(binary) ? binary : null;
    }

    /**
     * IRONCACHE_SERVER where set (a whole command line such as {@code /path/ironcache server}); else the classes under
     * test in a second JVM, so that a build tests what it has just compiled and not an older jar.
     */
    private static List<String> ironcache() {
        String given = System.getProperty("ironcache.server", System.getenv("IRONCACHE_SERVER"));
        if (given != null && !given.isEmpty()) {
            return List.of(given.split(" +"));
        }
        String main = "ironcache.resp.Server";
        try {
            Class.forName(main, false, ServerProcess.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            return null;
        }
        String classPath =
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"));
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules",
                "jdk.incubator.vector",
                "-ea",
                "-XX:+UseSerialGC",
                // As small as the launcher's, so that what does not fit there fails here.
                "-Xmx48m",
                "-cp",
                absolute(classPath),
                main);
    }

    private static String absolute(String classPath) {
        List<String> parts = new ArrayList<>();
        for (String part : classPath.split(File.pathSeparator)) {
            parts.add(Path.of(part).toAbsolutePath().toString());
        }
        return String.join(File.pathSeparator, parts);
    }

    static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }

    private void readLog() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream()))) {
            for (String line; (line = lines.readLine()) != null; ) {
                synchronized (log) {
                    log.addLast(line);
                    if (log.size() > LOG_LINES_KEPT) {
                        log.removeFirst();
                    }
                }
                if (line.contains("Ready to accept connections")) {
                    ready.complete(null);
                }
            }
        } catch (IOException e) {
            // The stream ends with the process.
        }
        ready.completeExceptionally(new IOException("the process ended"));
        ended.complete(null);
    }

    public String logTail() {
        synchronized (log) {
            return String.join("\n", log);
        }
    }

    public int port() {
        return port;
    }

    public String name() {
        return name;
    }

    public long pid() {
        return server().pid();
    }

    /** Where a launcher script forked instead of exec'ing, the server is the descendant with the most memory. */
    private ProcessHandle server() {
        return Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .max(Comparator.comparingLong(p -> status(p.pid(), "VmRSS")))
                .orElse(process.toHandle());
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Resident memory now, in KiB. */
    public long rssKib() {
        return status(pid(), "VmRSS");
    }

    /** The most resident memory since the start, in KiB, as the kernel counted it. */
    public long peakRssKib() {
        return status(pid(), "VmHWM");
    }

    public int openFiles() throws IOException {
        try (Stream<Path> fds = Files.list(Path.of("/proc", Long.toString(pid()), "fd"))) {
            return (int) fds.count();
        }
    }

    private static long status(long pid, String field) {
        try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(pid), "status"))) {
            return lines.filter(line -> line.startsWith(field + ":"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }

    public RespClient connect() throws IOException {
        return new RespClient(port);
    }

    /** SIGTERM, and the exit code; killed where it does not end within a minute. */
    public int stop() {
        process.destroy();
        try {
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
                return -1;
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            return -1;
        }
    }

    /**
     * SIGKILL, as a crash of the process; what it forked goes with it. Returns when it has gone.
     *
     * @return when the signal was about to be sent, as {@link System#nanoTime}
     */
    long kill() throws InterruptedException {
        List<ProcessHandle> children = process.descendants().toList();
        long sentNs = System.nanoTime();
        process.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
        process.waitFor();
        return sentNs;
    }

    @Override
    public void close() {
        stop();
    }
}
