package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** restart, of a server in a process of its own. */
final class RestartCommandTest {
    private static final Pattern PID = Pattern.compile("\"process\":(\\d+)");

    @TempDir Path directory;

    @Test
    void theServerComesBackWithItsData() throws Exception {
        try (ServerProcess server =
                        ServerProcess.start(
                                "ironcache",
                                directory,
                                "--maxmemory",
                                "224mb",
                                "--proto-max-bulk-len",
                                "77mb");
                RespClient client = server.connect()) {
            client.call("SET", "key", "value");
            ToolRun run = ToolRun.of("restart", "127.0.0.1:" + server.port(), "--json");
            assertEquals(ExitCode.FINE, run.code(), run.err() + run.out());
            Matcher pid = PID.matcher(run.out());
            assertTrue(pid.find(), run.out());
            assertTrue(run.out().contains("\"warm_restart\":true"), run.out());
            assertFalse(server.isAlive());
            ProcessHandle again = ProcessHandle.of(Long.parseLong(pid.group(1))).orElseThrow();
            try (RespClient second = new RespClient(server.port())) {
                assertEquals("value", second.call("GET", "key").text());
                assertTrue(
                        second.call("CONFIG", "GET", "proto-max-bulk-len")
                                .toString()
                                .contains("" + (77 << 20)));
            } finally {
                again.destroy();
                again.onExit().get(60, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void whatIsNoServerIsSaid() throws Exception {
        ToolRun none = ToolRun.of("restart", "127.0.0.1:" + ServerProcess.freePort());
        assertEquals(ExitCode.FAILED, none.code());
        assertTrue(none.err().contains("no server at 127.0.0.1:"), none.err());
        assertEquals(ExitCode.USAGE, ToolRun.of("restart", "here:there").code());
    }
}
