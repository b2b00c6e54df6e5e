package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a signal leaves: processes of the tool that are held up at a known place, and then told to end. */
final class ToolInterruptTest {
    @TempDir Path temp;

    private Process start(Object... arguments) throws IOException {
        List<String> command = new ArrayList<>(ServerProcess.command("ironcache"));
        assertEquals("ironcache.resp.Server", command.removeLast(), "no server of another build");
        command.add("ironcache.tools.IronCacheTool");
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        return new ProcessBuilder(command)
                .redirectOutput(temp.resolve("out").toFile())
                .redirectError(temp.resolve("err").toFile())
                .start();
    }

    private void assertInterrupted(Process tool, String message) throws Exception {
        tool.toHandle().destroy();
        assertTrue(tool.waitFor(60, TimeUnit.SECONDS));
        String err = Files.readString(temp.resolve("err"));
        assertEquals(ExitCode.INTERRUPTED, tool.exitValue(), err);
        assertTrue(err.contains(message), err);
    }

    @Test
    void aLoadThatTheServerDoesNotAnswerIsEnded() throws Exception {
        Path file = temp.resolve("commands");
        String set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n";
        Files.writeString(file, set.repeat(50_000));
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Process tool = start("load", file, "--to", "127.0.0.1:" + server.getLocalPort());
            try (Socket socket = server.accept();
                    InputStream in = socket.getInputStream()) {
                byte[] some = in.readNBytes(set.length() * 100);
                assertTrue(new String(some, StandardCharsets.US_ASCII).startsWith(set));
                assertInterrupted(tool, "commands were sent, and stay");
            }
        }
    }

    @Test
    void aDirectoryThatIsBeingMadeIsMarked() throws Exception {
        // Standard input has a beginning and no end.
        Path made = temp.resolve("made");
        Process tool = start("load", "-", "--to", made);
        tool.getOutputStream().write("*1\r\n".getBytes(StandardCharsets.US_ASCII));
        tool.getOutputStream().flush();
        while (!Files.exists(made.resolve(NewDirectory.MARKER))) {
            assertTrue(tool.isAlive());
            Thread.onSpinWait();
        }
        assertInterrupted(tool, "interrupted");
        assertTrue(Files.exists(made.resolve(NewDirectory.MARKER)));
        IOException refused = null;
        try {
            ServerProcess.start("ironcache", made).close();
        } catch (IOException e) {
            refused = e;
        }
        assertTrue(String.valueOf(refused).contains("was cut off while it wrote this"));
    }

    /** Until the command was told to end, and that is being waited for: before that it might still come to its end. */
    private static void awaitInterrupt(Process tool) throws IOException {
        while (true) {
            assertTrue(tool.isAlive());
            try (Stream<Path> tasks = Files.list(Path.of("/proc", tool.pid() + "", "task"))) {
                for (Path task : tasks.toList()) {
                    String stat = Files.exists(task) ? Files.readString(task.resolve("stat")) : "";
                    if (stat.contains("(interrupt) S")) {
                        return;
                    }
                }
            } catch (NoSuchFileException e) {
                // A thread has ended meanwhile.
            }
        }
    }

    @Test
    void aDumpThatIsEndedHasNoFile() throws Exception {
        Path data = temp.resolve("data");
        try (SnapshotFixture fixture = new SnapshotFixture(data)) {
            fixture.fill("k:", 30_000, "value");
            fixture.snapshot();
            fixture.publish();
        }
        // Nobody reads the pipe: the dump stops in the middle.
        Path pipe = temp.resolve("all.resp.partial");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        Process tool = start("dump", data, "--to", temp.resolve("all.resp"));
        try (InputStream in = Files.newInputStream(pipe)) {
            assertTrue(in.readNBytes(1000).length == 1000);
            tool.toHandle().destroy();
            awaitInterrupt(tool);
            in.readAllBytes();
            assertTrue(tool.waitFor(60, TimeUnit.SECONDS));
        }
        String err = Files.readString(temp.resolve("err"));
        assertEquals(ExitCode.INTERRUPTED, tool.exitValue(), err);
        assertTrue(err.contains("all.resp was not written"), err);
        assertFalse(Files.exists(temp.resolve("all.resp")));
        assertFalse(Files.exists(pipe));
    }
}
