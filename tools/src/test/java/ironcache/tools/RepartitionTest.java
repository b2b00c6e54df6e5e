package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A start with another number of shards, with servers in processes of their own: data in RAM and on the SSD, times to live, several databases. */
final class RepartitionTest {
    private static final int KEYS = 20_000;
    private static final int VALUE_BYTES = 8000;
    private static final String PAGED = "0123456789abcdef".repeat(200_000);

    @TempDir Path directory;

    private ServerProcess start(int shards, String... more) throws IOException {
        return ServerProcess.start("ironcache", directory, settings(shards, more));
    }

    private static String[] settings(int shards, String... more) {
        List<String> settings = new ArrayList<>(List.of("--maxmemory", "288mb"));
        if (shards > 0) {
            settings.addAll(List.of("--shards", "" + shards));
        }
        settings.addAll(List.of(more));
        return settings.toArray(String[]::new);
    }

    private static void await(RespClient client) throws IOException {
        while (String.valueOf(client.call("PING").text()).contains("LOADING")) {
            Thread.onSpinWait();
        }
    }

    private static void awaitLine(ServerProcess server, String line) {
        while (!server.logTail().contains(line)) {
            assertTrue(server.isAlive(), server::logTail);
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static String value(int i) {
        return (i + "/").repeat(VALUE_BYTES / (Integer.toString(i).length() + 1));
    }

    private static long deadline;

    private static void fill(ServerProcess server) throws IOException {
        try (RespClient client = server.connect()) {
            await(client);
            for (int i = 0; i < KEYS; i++) {
                client.call("SET", "key:" + i, value(i));
            }
            for (int i = 0; i < KEYS; i += 7) {
                client.call("DEL", "key:" + i);
            }
            deadline = System.currentTimeMillis() / 1000 + 5000;
            client.call("SET", "int", "41");
            client.call("INCR", "int");
            client.call("APPEND", "raw", "1");
            client.call("APPEND", "raw", "2");
            for (int db : new int[] {3, 15}) {
                client.call("SELECT", "" + db);
                for (int i = 0; i < 500; i++) {
                    client.call("SET", "timed:" + i, "in " + db, "EXAT", "" + (deadline + i));
                }
                client.call("SET", "paged", PAGED + db, "EXAT", "" + deadline);
                client.call("SETRANGE", "holes", "5000000", "end");
            }
            client.call("SWAPDB", "3", "4");
        }
    }

    private static int keys() {
        return KEYS - (KEYS + 6) / 7 + 2;
    }

    private static void verify(ServerProcess server, int shards) throws IOException {
        try (RespClient client = server.connect()) {
            await(client);
            assertTrue(
                    server.logTail().contains(shards == 1 ? "1 shard" : shards + " shards"),
                    server.logTail());
            assertEquals("" + keys(), client.call("DBSIZE").text());
            for (int i = 0; i < KEYS; i++) {
                String expected = i % 7 == 0 ? null : value(i);
                assertEquals(expected, client.call("GET", "key:" + i).text(), "key:" + i);
            }
            assertEquals("42", client.call("GET", "int").text());
            assertEquals("int", client.call("OBJECT", "ENCODING", "int").text());
            assertEquals("raw", client.call("OBJECT", "ENCODING", "raw").text());
            for (int db : new int[] {4, 15}) {
                int made = db == 4 ? 3 : db;
                client.call("SELECT", "" + db);
                assertEquals("502", client.call("DBSIZE").text());
                for (int i = 0; i < 500; i++) {
                    String key = "timed:" + i;
                    assertEquals("in " + made, client.call("GET", key).text());
                    assertEquals("" + (deadline + i), client.call("EXPIRETIME", key).text(), key);
                }
                assertEquals(PAGED + made, client.call("GET", "paged").text());
                assertEquals("" + deadline, client.call("EXPIRETIME", "paged").text());
                assertEquals("5000003", client.call("STRLEN", "holes").text());
                assertEquals("\0end", client.call("GETRANGE", "holes", "-4", "-1").text());
            }
            client.call("SELECT", "3");
            assertEquals("0", client.call("DBSIZE").text());
        }
    }

    private void checkClean(int shards) throws IOException {
        assertFalse(Files.exists(directory.resolve("repartition")));
        assertFalse(Files.exists(directory.resolve("repartition.tmp")));
        try (Stream<Path> all = Files.list(directory)) {
            assertEquals(
                    shards,
                    all.filter(f -> f.getFileName().toString().startsWith("shard-")).count());
        }
    }

    @Test
    void stateOfAShutdownWithoutALog() throws Exception {
        try (ServerProcess server = start(1)) {
            fill(server);
            assertEquals(0, server.stop());
        }
        try (ServerProcess server = ServerProcess.launch("ironcache", directory, settings(2))) {
            awaitLine(server, "re-partitioning: ");
            assertEquals(0, server.stop());
            assertFalse(server.logTail().contains("Ready"), "stopped too late");
            checkWithTool();
        }
        try (ServerProcess server = ServerProcess.launch("ironcache", directory, settings(3))) {
            awaitLine(server, "re-partitioning: ");
            assertTrue(server.logTail().contains("cut off is thrown away"), server.logTail());
            try (RespClient client = server.connect()) {
                assertTrue(client.call("GET", "key:1").text().startsWith("LOADING"));
                String info = client.call("INFO", "persistence").text();
                assertTrue(info.contains("loading:1\r\n"), info);
                assertFalse(info.contains("loading_total_bytes:0\r\n"), info);
            }
            awaitLine(server, "Ready to accept");
            verify(server, 3);
            checkClean(3);
            assertEquals(0, server.stop());
        }
        // Not told, it keeps the number that there is.
        Path shm = Files.createDirectory(directory.resolve("shm"));
        try (ServerProcess server = start(0, "--state-file", shm.toString())) {
            verify(server, 3);
            assertFalse(server.logTail().contains("re-partitioning"), server.logTail());
            assertEquals(0, server.stop());
        }
        try (ServerProcess server = start(2, "--state-file", shm.toString())) {
            verify(server, 2);
            checkClean(2);
            assertFalse(Files.exists(shm.resolve("state-0.iron")));
            server.kill();
        }
        // It was made durable by the way.
        try (ServerProcess server = start(2)) {
            verify(server, 2);
        }
    }

    @Test
    void snapshotAndLog() throws Exception {
        try (ServerProcess server = start(1, "--appendonly", "yes")) {
            fill(server);
            try (RespClient client = server.connect()) {
                client.call("SAVE");
                client.call("SET", "late", "one");
                client.call("CONFIG", "SET", "appendfsync", "always");
                client.call("DEL", "late");
            }
            server.kill();
        }
        try (ServerProcess server = start(3, "--appendonly", "yes", "--appendfsync", "always")) {
            verify(server, 3);
            checkClean(3);
            try (RespClient client = server.connect()) {
                client.call("SET", "late", "two");
            }
            server.kill();
        }
        try (ServerProcess server = start(2, "--appendonly", "yes", "--appendfsync", "always")) {
            try (RespClient client = server.connect()) {
                await(client);
                assertEquals("two", client.call("GET", "late").text());
                client.call("DEL", "late");
            }
            verify(server, 2);
            assertEquals(0, server.stop());
        }
        try (ServerProcess server = start(3, "--appendonly", "yes")) {
            verify(server, 3);
            checkClean(3);
        }
    }

    @Test
    void killedInTheMiddle() throws Exception {
        try (ServerProcess server = start(2, "--appendonly", "yes")) {
            fill(server);
            assertEquals(0, server.stop());
        }
        int cut = 0;
        for (int i = 0; i < 8; i++) {
            int shards = i % 2 == 0 ? 3 : 1;
            ServerProcess server = ServerProcess.launch("ironcache", directory, settings(shards));
            String line = i < 6 ? "re-partitioning" : "keys are in their places";
            awaitLine(server, line);
            LockSupport.parkNanos(i % 6 * 150_000_000L);
            cut += server.logTail().contains("Ready to accept") ? 0 : 1;
            server.kill();
            checkWithTool();
        }
        assertNotEquals(0, cut);
        try (ServerProcess server = start(3, "--appendonly", "yes")) {
            verify(server, 3);
            checkClean(3);
        }
    }

    /** What is left after a crash verifies as a whole, or is known to be in between. */
    private void checkWithTool() {
        ToolRun run = ToolRun.of("verify", directory);
        if (Files.exists(directory.resolve("repartition"))) {
            assertEquals(ExitCode.FAILED, run.code(), run.out());
            assertTrue(run.err().contains("a start of the server finishes it"), run.err());
        } else {
            assertEquals(ExitCode.FINE, run.code(), () -> run.out() + run.err());
        }
    }

    @Test
    void toolsTellOneLayoutFromTheOther() throws Exception {
        try (ServerProcess server = start(1, "--appendonly", "yes");
                RespClient client = server.connect()) {
            await(client);
            client.call("SET", "key", "value");
        }
        Path building = Files.createDirectories(directory.resolve("repartition.tmp/shard-0"));
        Files.writeString(building.resolve("image-0000000000000002.iron"), "half of it");
        checkWithTool();
        Files.move(directory.resolve("repartition.tmp"), directory.resolve("repartition"));
        checkWithTool();
        ToolRun dump = ToolRun.of("dump", directory, "--to", directory.resolve("dump"));
        assertEquals(ExitCode.FAILED, dump.code(), dump.out());
    }

    @Test
    void writesThatFailMeanwhileChangeNothing() throws Exception {
        try (ServerProcess server = start(2)) {
            fill(server);
            assertEquals(0, server.stop());
        }
        Path script = directory.resolve("limited");
        Files.writeString(
                script,
                "#!/bin/bash\nulimit -f 32768\nexec "
                        + String.join(" ", ServerProcess.command("ironcache"))
                        + " \"$@\"\n");
        assertTrue(script.toFile().setExecutable(true));
        IOException e =
                assertThrows(
                        IOException.class,
                        () ->
                                ServerProcess.start(script.toString(), directory, settings(1))
                                        .close());
        assertTrue(String.valueOf(e.getMessage()).contains("nothing was changed"), e::toString);
        checkClean(2);
        try (ServerProcess server = start(0)) {
            verify(server, 2);
        }
    }

    @Test
    void aDiskWithTooLittleSpaceChangesNothing() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(directory, 220)) {
            assumeTrue(disk != null, "SKIPPED: nobody may mount here");
            Path small = Files.createDirectory(disk.root().resolve("data"));
            try (ServerProcess server = ServerProcess.start("ironcache", small, settings(1))) {
                try (RespClient client = server.connect()) {
                    for (int i = 0; i < 8000; i++) {
                        client.call("SET", "key:" + i, value(i));
                    }
                }
                assertEquals(0, server.stop());
            }
            IOException e =
                    assertThrows(
                            IOException.class,
                            () -> ServerProcess.start("ironcache", small, settings(2)).close());
            assertTrue(String.valueOf(e.getMessage()).contains("nothing was changed"), e::toString);
            try (ServerProcess server = ServerProcess.start("ironcache", small, settings(0));
                    RespClient client = server.connect()) {
                await(client);
                assertEquals("8000", client.call("DBSIZE").text());
                assertEquals(value(7999), client.call("GET", "key:7999").text());
            }
        }
    }
}
