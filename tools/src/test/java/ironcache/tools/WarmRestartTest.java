package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator sees of warm restarts, with servers in processes of their own. */
final class WarmRestartTest {
    private static final Path SHM = Path.of("/dev/shm");
    private static final int KEYS = 3000;
    private static final String[] SETTINGS = {"--maxmemory", "320mb", "--shards", "2"};

    @TempDir Path directory;

    private ServerProcess start(String... more) throws IOException {
        String[] settings = new String[SETTINGS.length + more.length];
        System.arraycopy(SETTINGS, 0, settings, 0, SETTINGS.length);
        System.arraycopy(more, 0, settings, SETTINGS.length, more.length);
        return ServerProcess.start("ironcache", directory, settings);
    }

    private static String call(ServerProcess server, String... args) throws IOException {
        try (RespClient client = server.connect()) {
            // A start is not over when the port is open.
            while (true) {
                String reply = String.valueOf(client.call(args).text());
                if (!reply.contains("LOADING")) {
                    return reply;
                }
            }
        }
    }

    private static void fill(ServerProcess server, String value) throws IOException {
        assertTrue(call(server, "PING").contains("PONG"));
        try (RespClient client = server.connect()) {
            for (int i = 0; i < KEYS; i++) {
                client.call("SET", "key:" + i, value + i + "x".repeat(i));
            }
            client.call("SET", "short", "lived", "EX", "1000");
            client.call("SELECT", "3");
            client.call("SETRANGE", "paged", "3000000", "end");
        }
    }

    private static void verify(ServerProcess server, String value) throws IOException {
        assertEquals(Integer.toString(KEYS + 1), call(server, "DBSIZE"));
        try (RespClient client = server.connect()) {
            for (int i = 0; i < KEYS; i++) {
                String expected = value + i + "x".repeat(i);
                assertEquals(expected, client.call("GET", "key:" + i).text(), "key:" + i);
            }
            assertTrue(client.call("TTL", "short").text().matches("9[0-9][0-9]|1000"));
            client.call("SELECT", "3");
            assertEquals("3000003", client.call("STRLEN", "paged").text());
            assertEquals("end", client.call("GETRANGE", "paged", "-3", "-1").text());
        }
    }

    @Test
    void aTermKeepsEverythingAndOnlyOnce() throws Exception {
        try (ServerProcess server = start()) {
            fill(server, "first");
            assertEquals(0, server.stop());
        }
        assertTrue(Files.exists(state(0)));
        try (ServerProcess server = start()) {
            verify(server, "first");
            assertFalse(Files.exists(state(0)));
            fill(server, "second");
            verify(server, "second");
            server.kill();
        }
        // Without log and snapshot a crash loses all; and what was before the restart is not made
        // up
        // again.
        try (ServerProcess server = start()) {
            assertEquals("0", call(server, "DBSIZE"));
            fill(server, "third");
            server.stop();
        }
        // With less memory, too: what no longer fits is tiered.
        try (ServerProcess server = start("--maxmemory", "256mb")) {
            verify(server, "third");
            call(server, "SHUTDOWN", "NOSAVE");
            server.stop();
        }
        assertFalse(Files.exists(state(0)));
    }

    private Path state(int shard) {
        return directory.resolve("shard-" + shard).resolve("state.iron");
    }

    @Test
    void stateAndLogGoTogether() throws Exception {
        Path copies = Files.createDirectory(directory.resolve("copies"));
        try (ServerProcess server = start("--appendonly", "yes", "--appendfsync", "always")) {
            fill(server, "first");
            assertEquals(0, server.stop());
        }
        for (int i = 0; i < 2; i++) {
            Files.copy(state(i), copies.resolve("" + i));
        }
        try (ServerProcess server = start("--appendonly", "yes", "--appendfsync", "always")) {
            verify(server, "first");
            assertTrue(server.logTail().contains("warm restart"), server.logTail());
            fill(server, "second");
            server.kill();
        }
        for (int i = 0; i < 2; i++) {
            Files.copy(copies.resolve("" + i), state(i), StandardCopyOption.REPLACE_EXISTING);
        }
        // As if the files' removal had been lost with the machine.
        try (ServerProcess server = start("--appendonly", "yes", "--appendfsync", "always")) {
            verify(server, "second");
            assertTrue(server.logTail().contains("the log went on"), server.logTail());
            assertEquals(0, server.stop());
        }
        try (ServerProcess server = start("--warm-restart", "no", "--appendonly", "yes")) {
            verify(server, "second");
            assertTrue(server.logTail().contains("warm-restart is off"), server.logTail());
        }
    }

    @Test
    void aLogBegunAfterARunWithoutOneHasEverything() throws Exception {
        try (ServerProcess server = start()) {
            fill(server, "first");
            assertEquals(0, server.stop());
        }
        try (ServerProcess server = start("--appendonly", "yes", "--appendfsync", "always")) {
            verify(server, "first");
            call(server, "SET", "key:0", "changed");
            server.kill();
        }
        try (ServerProcess server = start("--appendonly", "yes")) {
            assertEquals("changed", call(server, "GET", "key:0"));
            call(server, "SET", "key:0", "first0");
            verify(server, "first");
        }
    }

    @Test
    void aSettingThatIsNewerThanTheStateIsFollowed() throws Exception {
        try (ServerProcess server = start()) {
            fill(server, "first");
            assertEquals(0, server.stop());
        }
        Path shm = Files.createDirectory(directory.resolve("shm"));
        try (ServerProcess server = start()) {
            verify(server, "first");
        }
        try (ServerProcess server = start("--state-file", shm.toString())) {
            // The setting is newer than the state, which is where it always was.
            verify(server, "first");
            assertEquals(0, server.stop());
        }
        assertTrue(Files.exists(shm.resolve("state-1.iron")));
        try (ServerProcess server = start("--state-file", shm.toString())) {
            verify(server, "first");
        }
    }

    /** Of a state on a tmpfs the next process makes its memory. It writes to it, gives parts of it back, and leaves it to the next. */
    @Test
    void aStateInMemoryIsTheMemoryOfTheNextProcess() throws Exception {
        assumeTrue(Files.isDirectory(SHM), "SKIPPED: no " + SHM);
        Path memory = Files.createTempDirectory(SHM, "ironcache-test-");
        try {
            try (ServerProcess server = start("--state-file", memory.toString())) {
                fill(server, "first");
                assertEquals(0, server.stop());
            }
            try (ServerProcess server = start("--state-file", memory.toString())) {
                verify(server, "first");
                assertFalse(Files.exists(memory.resolve("state-0.iron")));
                assertTrue(maps(server).contains(memory + "/state-0.iron (deleted)"));
                fill(server, "second");
                assertEquals(0, server.stop());
            }
            try (ServerProcess server = start("--state-file", memory.toString())) {
                verify(server, "second");
                call(server, "FLUSHALL");
                fill(server, "third");
                verify(server, "third");
                assertEquals(0, server.stop());
            }
            // What has to go to a log first is moved out of the state instead.
            try (ServerProcess server =
                    start("--state-file", memory.toString(), "--appendonly", "yes")) {
                verify(server, "third");
                fill(server, "fourth");
                verify(server, "fourth");
            }
        } finally {
            deleteAll(memory);
        }
    }

    private static String maps(ServerProcess server) throws IOException {
        return Files.readString(Path.of("/proc", Long.toString(server.pid()), "maps"));
    }

    private static void deleteAll(Path flat) throws IOException {
        try (Stream<Path> files = Files.list(flat)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(flat);
    }
}
