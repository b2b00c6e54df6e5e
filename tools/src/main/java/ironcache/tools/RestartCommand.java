package ironcache.tools;

import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code restart}: SHUTDOWN, which leaves the data in RAM in state files, then the same command line again, in the same directory and with the same environment, as /proc
 * says them. For servers that were started by hand; whoever supervises one (systemd) restarts it too.
 */
@Command(
        name = "restart",
        description = {
            "Stops the server in good order and starts it again with the same command line, directory and environment; then says how long that took.",
            "The server must run on this machine, under this user or with this tool as root. One that systemd or the like supervises is restarted by that."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:it serves again",
            "2:wrong usage",
            "3:it could not be stopped, or did not come back: the message says which, and the command line",
            "130:interrupted: the message says whether the server is stopped"
        })
final class RestartCommand implements Callable<Integer> {
    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final int WAIT_MILLIS = 5;
    private static final int REPLY_MILLIS = 10_000;
    private static final String INFO_PID = "process_id:";

    @Mixin private CommonOptions common = new CommonOptions();
    @Mixin private LoginOptions login = new LoginOptions();

    @Parameters(
            arity = "0..1",
            paramLabel = "HOST:PORT",
            converter = ServerAddress.Converter.class,
            defaultValue = "127.0.0.1:6379",
            description = "Where it listens (${DEFAULT-VALUE}).")
    private ServerAddress address = new ServerAddress("127.0.0.1", 6379);

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            description =
                    "How long the stop, and then the start, may take (${DEFAULT-VALUE}). Data that are read back from a log take their time.")
    private int timeoutSeconds = 600;

    @Option(
            names = "--output",
            paramLabel = "FILE",
            description =
                    "Where the new process's standard output goes. By itself to the file that the old one's went to; where that was none, nowhere: use the server's logfile then.")
    private @Nullable Path output;

    private final Cancellation cancellation = new Cancellation();

    /** The server's process, and what it needs to be started again. */
    private record Former(long pid, List<String> command, Path directory, List<String> variables) {
        /** To paste into a shell. */
        String commandLine() {
            StringBuilder text = new StringBuilder();
            for (String word : command) {
                boolean plain = word.matches("[\\w@%+=:,./-]+");
                text.append(text.isEmpty() ? "" : " ")
                        .append(plain ? word : "'" + word.replace("'", "'\\''") + "'");
            }
            return text.toString();
        }
    }

    @Override
    public Integer call() throws IOException {
        CommonOptions.onInterrupt(cancellation::cancel);
        try {
            restart();
        } finally {
            CommonOptions.done();
        }
        return ExitCode.FINE;
    }

    private void restart() throws IOException {
        Former former;
        boolean keepsState;
        ProcessHandle process;
        Path sink;
        long stopNanos = System.nanoTime();
        try (RespConnection connection = connect()) {
            connection.timeout(REPLY_MILLIS);
            former = former(connection);
            sink = sink(former.pid);
            keepsState = connection.call("CONFIG", "GET", "warm-restart").text().endsWith("\nyes");
            process =
                    ProcessHandle.of(former.pid)
                            .orElseThrow(() -> new ToolException("no process " + former.pid));
            cancellation.check();
            stopNanos = System.nanoTime();
            stop(connection);
        }
        say("stopping process " + former.pid);
        awaitEnd(process, former, stopNanos);
        long startNanos = System.nanoTime();
        Process started = start(former, sink);
        try {
            awaitService(started, former, startNanos);
        } catch (InterruptedToolException e) {
            throw new InterruptedToolException(
                    "interrupted: the server was started again and is not ready yet, process "
                            + started.pid());
        }
        report(former, started.pid(), keepsState, stopNanos, startNanos, System.nanoTime());
    }

    private RespConnection connect() {
        try {
            return login.connect(address);
        } catch (IOException e) {
            throw new ToolException("no server at " + address + ": " + e.getMessage());
        }
    }

    private Former former(RespConnection connection) throws IOException {
        RespConnection.Reply info = connection.call("INFO", "server");
        if (info.isError()) {
            throw new ToolException(address + ": " + info.text());
        }
        long pid =
                info.text()
                        .lines()
                        .filter(line -> line.startsWith(INFO_PID))
                        .mapToLong(
                                line -> Long.parseLong(line.substring(INFO_PID.length()).strip()))
                        .findFirst()
                        .orElseThrow(
                                () -> new ToolException(address + ": INFO says no process_id"));
        Path proc = Path.of("/proc", "" + pid);
        try {
            List<String> command = words(proc.resolve("cmdline"));
            boolean here =
                    command.stream().anyMatch(word -> word.contains("ironcache"))
                            && ProcessHandle.current().pid() != pid;
            if (!here) {
                throw new ToolException(
                        "process "
                                + pid
                                + " of this machine is not the server at "
                                + address
                                + ": run this where it runs");
            }
            return new Former(
                    pid, command, proc.resolve("cwd").toRealPath(), words(proc.resolve("environ")));
        } catch (IOException e) {
            throw new ToolException(
                    "process "
                            + pid
                            + " cannot be looked at: "
                            + e
                            + "; run this on the server's machine, as its user");
        }
    }

    /** Of a file of /proc in which each ends with a zero. */
    private static List<String> words(Path file) throws IOException {
        List<String> words = new ArrayList<>();
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        for (int at = 0; at < text.length(); ) {
            int end = text.indexOf('\0', at);
            end = end < 0 ? text.length() : end;
            byte[] bytes = text.substring(at, end).getBytes(StandardCharsets.ISO_8859_1);
            words.add(new String(bytes, StandardCharsets.UTF_8));
            at = end + 1;
        }
        return words;
    }

    /** Where the new process's output goes. */
    private Path sink(long pid) {
        Path nowhere = Path.of("/dev/null");
        if (output != null) {
            return output.toAbsolutePath();
        }
        try {
            Path former = Path.of("/proc", "" + pid, "fd", "1").toRealPath();
            return Files.isRegularFile(former) ? former : nowhere;
        } catch (IOException e) {
            return nowhere;
        }
    }

    private void stop(RespConnection connection) throws IOException {
        try {
            // Saves nothing by itself: what is in RAM is left in the state files, and the log has
            // its
            // own.
            connection.timeout(1000 * timeoutSeconds);
            RespConnection.Reply reply = connection.call("SHUTDOWN");
            throw new ToolException(address + " does not stop: " + reply.text());
        } catch (EOFException | SocketException e) {
            // So it ends.
        }
    }

    private void awaitEnd(ProcessHandle process, Former former, long sinceNanos) {
        while (process.isAlive()) {
            if (seconds(sinceNanos, System.nanoTime()) > timeoutSeconds) {
                throw new ToolException(
                        "process "
                                + former.pid
                                + " has not ended after "
                                + timeoutSeconds
                                + " s; it may still be writing its state. To start it afterwards: "
                                + former.commandLine());
            }
            pause();
            if (cancellation.isCancelled()) {
                throw new InterruptedToolException(
                        "interrupted: the server is stopping and is not started again. To start"
                                + " it: "
                                + former.commandLine());
            }
        }
    }

    private static Process start(Former former, Path sink) throws IOException {
        List<String> command = new ArrayList<>(former.command);
        Path setsid = Path.of("/usr/bin/setsid");
        if (Files.isExecutable(setsid)) {
            // A session of its own: it outlives this terminal, and Ctrl-C here.
            command.addFirst(setsid.toString());
        }
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.directory(former.directory.toFile());
        Map<String, String> environment = builder.environment();
        environment.clear();
        for (String variable : former.variables) {
            int equals = variable.indexOf('=');
            if (equals > 0) {
                environment.put(variable.substring(0, equals), variable.substring(equals + 1));
            }
        }
        builder.redirectInput(new File("/dev/null"));
        builder.redirectErrorStream(true);
        builder.redirectOutput(ProcessBuilder.Redirect.appendTo(sink.toFile()));
        try {
            return builder.start();
        } catch (IOException e) {
            throw new ToolException(
                    "the server is stopped and cannot be started: "
                            + e.getMessage()
                            + "; "
                            + former.commandLine());
        }
    }

    private void awaitService(Process started, Former former, long sinceNanos) {
        while (!serves()) {
            if (!started.isAlive()) {
                throw new ToolException(
                        "the server did not start (exit code "
                                + started.exitValue()
                                + "); its log says why. To start it by hand: "
                                + former.commandLine());
            }
            if (seconds(sinceNanos, System.nanoTime()) > timeoutSeconds) {
                throw new ToolException(
                        "the server, process "
                                + started.pid()
                                + ", does not serve after "
                                + timeoutSeconds
                                + " s; it goes on trying");
            }
            pause();
            cancellation.check();
        }
    }

    /** Whether it answers PING; while it reads back what it had, it says LOADING. */
    private boolean serves() {
        try (RespConnection connection = login.connect(address)) {
            connection.timeout(REPLY_MILLIS);
            RespConnection.Reply reply = connection.call("PING");
            return !reply.isError() || reply.text().startsWith("NOAUTH");
        } catch (IOException | ToolException e) {
            return false;
        }
    }

    private static void pause() {
        try {
            Thread.sleep(WAIT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static double seconds(long fromNanos, long toNanos) {
        return (double) (toNanos - fromNanos) / NANOS_PER_SECOND;
    }

    private void say(String line) {
        if (!common.silent()) {
            System.err.println(line);
        }
    }

    private void report(
            Former former,
            long pid,
            boolean keepsState,
            long stopNanos,
            long startNanos,
            long servesNanos) {
        if (common.json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("ok", true);
            result.put("address", address);
            result.put("former_process", former.pid);
            result.put("process", pid);
            result.put("warm_restart", keepsState);
            result.put("stop_seconds", seconds(stopNanos, startNanos));
            result.put("first_ping_seconds", seconds(startNanos, servesNanos));
            result.put("down_seconds", seconds(stopNanos, servesNanos));
            System.out.println(Json.of(result));
            return;
        }
        System.out.printf(
                Locale.ROOT,
                "process %d stopped in %.2f s, process %d answered its first PING after %.2f s;"
                        + " %.2f s in all%s%n",
                former.pid,
                seconds(stopNanos, startNanos),
                pid,
                seconds(startNanos, servesNanos),
                seconds(stopNanos, servesNanos),
                keepsState ? "" : "; warm-restart is off: what no log and no snapshot has is gone");
    }
}
