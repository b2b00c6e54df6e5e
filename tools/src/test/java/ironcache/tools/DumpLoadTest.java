package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** dump and load, end to end: from a directory that a server left, into servers of both kinds and into a directory. */
final class DumpLoadTest {
    private static final int KEYS = 3_000;
    private static final String[] SETTINGS = {"--maxmemory", "256mb", "--shards", "2"};

    @TempDir Path temp;

    private static ServerProcess start(Path directory, String... more) throws IOException {
        Files.createDirectories(directory);
        return ServerProcess.start(
                "ironcache",
                directory,
                Stream.concat(Stream.of(SETTINGS), Stream.of(more)).toArray(String[]::new));
    }

    private static void awaitLoaded(RespClient client) {
        while (client.call("PING").toString().contains("LOADING")) {
            Thread.onSpinWait();
        }
    }

    /** What there is: values and times. */
    private static Map<String, String> fill(RespClient client, String prefix) {
        Map<String, String> model = new TreeMap<>();
        for (int i = 0; i < KEYS; i++) {
            String value = prefix + i + "\r\n\u00ff" + "y".repeat(i % 500);
            client.call("SET", "key:" + i, value);
            model.put("0 key:" + i, value);
        }
        String paged = "long".repeat(100_000);
        client.call("SELECT", "7");
        client.call("SET", "paged\u0000name", paged);
        model.put("7 paged\u0000name", paged);
        client.call("SETRANGE", "sparse", "200000", "end");
        model.put("7 sparse", "\u0000".repeat(200_000) + "end");
        client.call("SET", "timed", "t", "PXAT", "4000000000000");
        model.put("7 timed", "t");
        client.call("SET", "gone", "g", "PX", "1");
        client.call("SET", "empty", "");
        model.put("7 empty", "");
        client.call("SELECT", "0");
        return model;
    }

    private static void assertHolds(int port, Map<String, String> model) throws IOException {
        try (RespClient client = new RespClient(port)) {
            awaitLoaded(client);
            int sevens = (int) model.keySet().stream().filter(k -> k.startsWith("7 ")).count();
            assertEquals("" + (model.size() - sevens), client.call("DBSIZE").text());
            for (Map.Entry<String, String> entry : model.entrySet()) {
                client.call("SELECT", entry.getKey().substring(0, 1));
                String key = entry.getKey().substring(2);
                assertEquals(entry.getValue(), client.call("GET", key).text(), key);
            }
            assertEquals("4000000000000", client.call("PEXPIRETIME", "timed").text());
            assertEquals("" + sevens, client.call("DBSIZE").text());
        }
    }

    @Test
    void whatAShutdownLeftComesBackElsewhere() throws Exception {
        Path data = temp.resolve("data");
        Map<String, String> model;
        try (ServerProcess server = start(data);
                RespClient client = server.connect()) {
            model = fill(client, "first");
            ToolRun held = ToolRun.of("dump", data, "--to", temp.resolve("none"));
            assertEquals(ExitCode.FAILED, held.code());
            assertTrue(held.err().contains("a running server holds it"), held.err());
            assertEquals(0, server.stop());
        }
        Path file = temp.resolve("all.resp");
        Map<Path, Long> before = SnapshotsCommandTest.filesOf(data);
        ToolRun dump = ToolRun.of("dump", data, "--to", file, "--json");
        assertEquals(ExitCode.FINE, dump.code(), dump.err() + dump.out());
        assertTrue(dump.out().contains("\"keys\":" + model.size()), dump.out());
        assertTrue(dump.out().contains("the state of the last shutdown"), dump.out());
        assertEquals(before, SnapshotsCommandTest.filesOf(data));
        ToolRun again = ToolRun.of("dump", data, "--to", file);
        assertEquals(ExitCode.FAILED, again.code(), again.err());

        // The server takes it over as if nobody had looked.
        try (ServerProcess server = start(data)) {
            assertHolds(server.port(), model);
        }

        try (ServerProcess other = start(temp.resolve("other"))) {
            ToolRun load = ToolRun.of("load", file, "--to", "127.0.0.1:" + other.port(), "--json");
            assertEquals(ExitCode.FINE, load.code(), load.err() + load.out());
            assertTrue(load.out().contains("\"errors\":0"), load.out());
            assertHolds(other.port(), model);
        }

        Path made = temp.resolve("made");
        ToolRun directory = ToolRun.of("load", file, "--to", made, "--shards", 2);
        assertEquals(ExitCode.FINE, directory.code(), directory.err());
        assertEquals(ExitCode.FINE, ToolRun.of("verify", made).code());
        try (ServerProcess server = start(made)) {
            assertHolds(server.port(), model);
        }
    }

    @Test
    void snapshotsAndLogsAreDumpedAndValkeyTakesThem() throws Exception {
        Path data = temp.resolve("data");
        Map<String, String> model;
        try (ServerProcess server = start(data, "--appendonly", "yes", "--appendfsync", "always");
                RespClient client = server.connect()) {
            awaitLoaded(client);
            fill(client, "first");
            client.call("BGSAVE");
            while (client.call("INFO", "persistence").toString().contains("bgsave_in_progress:1")) {
                Thread.onSpinWait();
            }
            model = fill(client, "second");
            client.call("DEL", "key:5");
            model.remove("0 key:5");
            server.kill();
        }
        Path file = temp.resolve("all.resp");
        ToolRun dump = ToolRun.of("dump", data, "--to", file);
        assertEquals(ExitCode.FINE, dump.code(), dump.err());
        assertTrue(dump.out().contains("and the log behind it"), dump.out());

        assumeTrue(
                ServerProcess.command("valkey") != null,
                "SKIPPED: no valkey here; " + ServerProcess.whyAbsent("valkey"));
        Path empty = Files.createDirectory(temp.resolve("valkey"));
        try (ServerProcess valkey = ServerProcess.start("valkey", empty)) {
            Process pipe =
                    new ProcessBuilder(
                                    ServerProcess.oracle("valkey-cli").toString(),
                                    "-p",
                                    "" + valkey.port(),
                                    "--pipe")
                            .redirectInput(file.toFile())
                            .redirectErrorStream(true)
                            .start();
            try (InputStream out = pipe.getInputStream()) {
                String said = new String(out.readAllBytes(), StandardCharsets.UTF_8);
                assertTrue(said.contains("errors: 0"), said);
            }
            assertHolds(valkey.port(), model);
        }
        Path second = Files.createDirectory(temp.resolve("valkey2"));
        try (ServerProcess valkey = ServerProcess.start("valkey", second)) {
            ToolRun load = ToolRun.of("load", file, "--to", "127.0.0.1:" + valkey.port());
            assertEquals(ExitCode.FINE, load.code(), load.err());
            assertHolds(valkey.port(), model);
        }
    }

    @Test
    void anOlderSnapshotIsDumped() throws Exception {
        Path data = temp.resolve("data");
        try (SnapshotFixture fixture = new SnapshotFixture(data)) {
            fixture.fill("cold:", 5_000, "x".repeat(8_000));
            fixture.set(0, "when", "first", 0);
            fixture.snapshot();
            fixture.set(0, "when", "second", 0);
            fixture.snapshot();
            fixture.set(0, "when", "after", 0);
            fixture.publish();
        }
        for (int n = 0; n <= 2; n++) {
            Path file = temp.resolve("dump-" + n);
            ToolRun dump =
                    n == 0
                            ? ToolRun.of("dump", data, "--to", file)
                            : ToolRun.of("dump", data, "--to", file, "--snapshot", n);
            assertEquals(ExitCode.FINE, dump.code(), dump.err());
            String text = Files.readString(file, StandardCharsets.ISO_8859_1);
            String[] when = {"after", "first", "second"};
            assertTrue(text.contains("$4\r\nwhen\r\n$" + when[n].length() + "\r\n" + when[n]));
            assertTrue(text.contains("ironcache-dump end keys=5001 "));
        }
        // One damaged block on the SSD tier.
        Path segment = data.resolve("shard-0/segment-00000000.iron");
        byte[] zeros = new byte[1 << 19];
        try (RandomAccessFile open = new RandomAccessFile(segment.toFile(), "rw")) {
            open.seek(1 << 16);
            open.write(zeros);
        }
        Path file = temp.resolve("damaged");
        ToolRun dump = ToolRun.of("dump", data, "--to", file, "--json");
        assertEquals(ExitCode.DAMAGE, dump.code(), dump.err() + dump.out());
        assertTrue(dump.err().contains("segment-00000000.iron"), dump.err());
        assertFalse(Files.exists(file));
        assertFalse(Files.exists(temp.resolve("damaged.partial")));
    }

    @Test
    void whatIsCutOffOrChangedIsNotLoaded() throws Exception {
        Path data = temp.resolve("data");
        try (SnapshotFixture fixture = new SnapshotFixture(data)) {
            fixture.fill("k:", 100, "value");
            fixture.snapshot();
            fixture.publish();
        }
        Path file = temp.resolve("all.resp");
        assertEquals(ExitCode.FINE, ToolRun.of("dump", data, "--to", file).code());
        byte[] whole = Files.readAllBytes(file);
        String text = new String(whole, StandardCharsets.ISO_8859_1);
        try (ServerProcess server = start(temp.resolve("other"))) {
            String to = "127.0.0.1:" + server.port();
            Path broken = temp.resolve("broken.resp");
            int last = text.lastIndexOf("*2\r\n$4\r\nECHO");
            int[] cuts = {last, last + 10, whole.length / 2, whole.length - 1};
            for (int cut : cuts) {
                Files.write(broken, java.util.Arrays.copyOf(whole, cut));
                ToolRun run = ToolRun.of("load", broken, "--to", to);
                assertEquals(ExitCode.DAMAGE, run.code(), cut + ": " + run.err());
                assertTrue(run.err().contains("cut off"), run.err());
            }
            Files.writeString(
                    broken, text.replace("value42", "value24"), StandardCharsets.ISO_8859_1);
            ToolRun changed = ToolRun.of("load", broken, "--to", to, "--json");
            assertEquals(ExitCode.DAMAGE, changed.code());
            assertTrue(changed.out().contains("\"field\":\"end\""), changed.out());
            Path made = temp.resolve("made");
            assertEquals(ExitCode.DAMAGE, ToolRun.of("load", broken, "--to", made).code());
            assertFalse(Files.exists(made));
            try (RespClient client = server.connect()) {
                assertEquals("0", client.call("DBSIZE").text());
            }

            Files.writeString(broken, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nNOPE\r\n");
            ToolRun refused = ToolRun.of("load", broken, "--to", to, "--json");
            assertEquals(ExitCode.FAILED, refused.code(), refused.err());
            assertTrue(
                    refused.out().contains("offset 20, 'NOPE': ERR unknown command"),
                    refused.out());
        }
        assertEquals(
                ExitCode.FAILED,
                ToolRun.of("load", file, "--to", "127.0.0.1:" + ServerProcess.freePort()).code());
        assertEquals(
                ExitCode.FAILED, ToolRun.of("load", temp.resolve("no"), "--to", "7000").code());
    }
}
