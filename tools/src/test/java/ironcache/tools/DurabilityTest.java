package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator sees of logs and snapshots, with servers in processes of their own. */
final class DurabilityTest {
    private static final int KEYS = 2000;

    @TempDir Path directory;
    @TempDir Path elsewhere;

    private ServerProcess start(String... more) throws IOException {
        List<String> settings = new ArrayList<>(List.of("--maxmemory", "320mb", "--shards", "2"));
        settings.addAll(List.of(more));
        return ServerProcess.start("ironcache", directory, settings.toArray(String[]::new));
    }

    private static String call(RespClient client, String... args) throws IOException {
        while (true) {
            String reply = String.valueOf(client.call(args).text());
            if (!reply.contains("LOADING")) {
                return reply;
            }
        }
    }

    private static void fill(RespClient client) throws IOException {
        for (int i = 0; i < KEYS; i++) {
            assertEquals("OK", call(client, "SET", "key:" + i, "value:" + i));
        }
    }

    private static void verify(RespClient client) throws IOException {
        for (int i = 0; i < KEYS; i++) {
            assertEquals("value:" + i, call(client, "GET", "key:" + i));
        }
    }

    private List<Path> manifests() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().startsWith("manifest-"))
                    .toList();
        }
    }

    /** Without its manifest a directory is damaged, not empty. */
    @Test
    void aLostManifestStopsTheStart() throws Exception {
        for (String log : new String[] {"yes", "no"}) {
            try (ServerProcess server = start("--appendonly", log);
                    RespClient client = server.connect()) {
                fill(client);
                assertEquals("OK", call(client, "SAVE"));
                server.kill();
            }
            Path aside = Files.createDirectory(directory.resolve("aside-" + log));
            for (Path manifest : manifests()) {
                Files.move(manifest, aside.resolve(manifest.getFileName()));
            }
            IOException e =
                    assertThrows(IOException.class, () -> start("--appendonly", log).close());
            assertTrue(
                    String.valueOf(e.getMessage()).contains("expected a manifest"), e.getMessage());
            try (Stream<Path> moved = Files.list(aside)) {
                for (Path manifest : moved.toList()) {
                    Files.move(manifest, directory.resolve(manifest.getFileName()));
                }
            }
            try (ServerProcess server = start("--appendonly", log);
                    RespClient client = server.connect()) {
                verify(client);
            }
        }
    }

    /** Those of logs and images. */
    private static List<String> openFiles(ServerProcess server) throws IOException {
        List<String> open = new ArrayList<>();
        try (Stream<Path> files = Files.list(Path.of("/proc/" + server.pid() + "/fd"))) {
            for (Path file : files.toList()) {
                String name = Files.isSymbolicLink(file) ? Files.readSymbolicLink(file) + "" : "";
                if (name.contains("/wal-") || name.contains("/image-")) {
                    open.add(name);
                }
            }
        }
        return open;
    }

    /** The log is kept for as long as the snapshot is made; then its files are closed. */
    @Test
    void snapshotsWithoutLogLeaveNoFileOpen() throws Exception {
        try (ServerProcess server = start("--appendonly", "no");
                RespClient client = server.connect()) {
            fill(client);
            for (int i = 0; i < 3; i++) {
                assertEquals("OK", call(client, "SAVE"));
            }
            // Begins when the logs of the one before are closed.
            assertEquals("OK", call(client, "SAVE"));
            List<String> open = openFiles(server);
            // Of each shard at most the current segment and the next, of the last one's log.
            assertTrue(open.size() <= 4, open.toString());
        }
        try (ServerProcess server = start("--warm-restart", "no");
                RespClient client = server.connect()) {
            verify(client);
        }
    }

    private static String persistence(RespClient client, String field) throws IOException {
        for (String line : call(client, "INFO", "persistence").split("\r\n")) {
            if (line.startsWith(field + ":")) {
                return line.substring(field.length() + 1);
            }
        }
        throw new AssertionError("INFO persistence has no " + field);
    }

    private static void awaitLog(RespClient client) throws IOException {
        while (!persistence(client, "aof_rewrite_in_progress").equals("0")
                || !persistence(client, "aof_rewrite_scheduled").equals("0")) {
            Thread.onSpinWait();
        }
    }

    /** Switched on, it has what was there before and what comes then; switched off, it stays as it was. */
    @Test
    void theLogIsSwitchedAtRunTime() throws Exception {
        try (ServerProcess server = start("--appendonly", "no", "--appendfsync", "always");
                RespClient client = server.connect()) {
            fill(client);
            assertEquals("OK", call(client, "CONFIG", "SET", "appendonly", "yes"));
            assertEquals("1", persistence(client, "aof_enabled"));
            awaitLog(client);
            assertEquals("OK", call(client, "SET", "logged", "1"));
            server.kill();
        }
        try (ServerProcess server = start("--appendonly", "yes", "--appendfsync", "always");
                RespClient client = server.connect()) {
            verify(client);
            assertEquals("1", call(client, "GET", "logged"));
            assertEquals("OK", call(client, "CONFIG", "SET", "appendonly", "no"));
            assertEquals("0", persistence(client, "aof_enabled"));
            assertEquals("OK", call(client, "SET", "logged", "not any more"));
            assertEquals("OK", call(client, "CONFIG", "SET", "appendonly", "yes"));
            awaitLog(client);
            assertEquals("not any more", call(client, "GET", "logged"));
            assertEquals("OK", call(client, "CONFIG", "SET", "appendonly", "no"));
            server.kill();
        }
        try (ServerProcess server = start("--appendonly", "no");
                RespClient client = server.connect()) {
            verify(client);
            assertEquals("not any more", call(client, "GET", "logged"));
            assertEquals("OK", call(client, "SAVE"));
        }
    }

    /** With and without a word, also while a snapshot is being made; there is no reply. */
    @Test
    void shutdownSaves() throws Exception {
        String[] settings = {"--appendonly", "no", "--warm-restart", "no", "--save", "3600 1"};
        for (int i = 0; i < 3; i++) {
            try (ServerProcess server = start(settings);
                    RespClient client = server.connect()) {
                if (i == 0) {
                    fill(client);
                } else {
                    verify(client);
                    assertEquals("" + (i - 1), call(client, "GET", "round"));
                    assertEquals("Background saving started", call(client, "BGSAVE"));
                }
                assertEquals("OK", call(client, "SET", "round", "" + i));
                Reply reply = i == 2 ? client.call("SHUTDOWN") : client.call("SHUTDOWN", "SAVE");
                assertTrue(reply.text().contains("connection closed"), reply.show(200));
                assertEquals(0, server.stop());
            }
        }
        try (ServerProcess server = start(settings);
                RespClient client = server.connect()) {
            verify(client);
            assertEquals("2", call(client, "GET", "round"));
        }
    }

    /** From an older snapshot the log leads to where it was switched off, not on to what was logged after a snapshot that is lost. */
    @Test
    void recoverDoesNotGoOnBehindAGap() throws Exception {
        try (ServerProcess server =
                        start(
                                "--appendonly",
                                "yes",
                                "--appendfsync",
                                "always",
                                "--snapshot-keep",
                                "2");
                RespClient client = server.connect()) {
            fill(client);
            assertEquals("OK", call(client, "SET", "value", "a".repeat(500)));
            assertEquals("2", call(client, "RPUSH", "list", "a".repeat(500), "b"));
            assertEquals("OK", call(client, "SAVE"));
            assertEquals("OK", call(client, "CONFIG", "SET", "appendonly", "no"));
            while (!openFiles(server).isEmpty()) {
                Thread.onSpinWait();
            }
            assertEquals("OK", call(client, "SET", "value", "b".repeat(500)));
            assertEquals("1", call(client, "DEL", "list"));
            assertEquals("2", call(client, "RPUSH", "list", "c".repeat(500), "d"));
            assertEquals("OK", call(client, "CONFIG", "SET", "appendonly", "yes"));
            awaitLog(client);
            assertEquals("501", call(client, "APPEND", "value", "c"));
            assertEquals("3", call(client, "RPUSH", "list", "e"));
            server.kill();
        }
        List<Path> images;
        try (Stream<Path> files = Files.walk(directory)) {
            images =
                    files.filter(file -> file.getFileName().toString().startsWith("image-"))
                            .sorted(Comparator.comparing(Path::getFileName))
                            .toList();
        }
        assertEquals(4, images.size(), images.toString());
        for (Path newest : images.subList(2, 4)) {
            Files.delete(newest);
        }
        ToolRun verify = ToolRun.of("verify", directory.toString());
        assertEquals(1, verify.code(), verify.toString());
        assertEquals(
                List.of(),
                verify.out()
                        .lines()
                        .filter(line -> line.startsWith("DAMAGED") && !line.contains("/image-"))
                        .toList());
        Path recovered = elsewhere.resolve("recovered");
        ToolRun recover = ToolRun.of("recover", directory.toString(), "--to", recovered.toString());
        assertEquals(1, recover.code(), recover.toString());
        try (ServerProcess server =
                        ServerProcess.start(
                                "ironcache", recovered, "--maxmemory", "320mb", "--shards", "2");
                RespClient client = server.connect()) {
            verify(client);
            // They changed behind the gap, and what they were then is not known.
            assertEquals("null", call(client, "GET", "value"));
            assertEquals("0", call(client, "LLEN", "list"));
            assertTrue(recover.out().contains("REMOVED"), recover.out());
        }
    }

    /** Segments of the log are being made at that moment. */
    @Test
    void aTermRightBehindASnapshotEndsInGoodOrder() throws Exception {
        for (int i = 0; i < 4; i++) {
            try (ServerProcess server = start("--appendonly", "yes");
                    RespClient client = server.connect()) {
                if (i == 0) {
                    fill(client);
                } else {
                    verify(client);
                }
                assertEquals("Background saving started", call(client, "BGSAVE"));
                assertEquals(0, server.stop());
            }
        }
    }
}
