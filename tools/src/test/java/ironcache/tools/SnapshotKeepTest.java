package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.tiering.SegmentStore;
import ironcache.wal.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Snapshots that are kept behind the newest, with servers in processes of their own and more data than fit in RAM. */
final class SnapshotKeepTest {
    private static final int SHARDS = 2;
    private static final int KEYS = 1000;
    private static final int VALUE_BYTES = 100_000;
    private static final String FILLING = "x".repeat(VALUE_BYTES);

    @TempDir Path temp;

    private static ServerProcess start(Path directory, String... more) throws IOException {
        List<String> settings = new ArrayList<>();
        settings.addAll(List.of("--maxmemory", "256mb", "--shards", "" + SHARDS));
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

    /** Every so many keys get this value. */
    private static void fill(RespClient client, String value, int every) throws IOException {
        for (int i = 0; i < KEYS; i += every) {
            assertEquals("OK", call(client, "SET", "key:" + i, value + i + FILLING));
        }
    }

    /** @param others the value of those that are not the every-th */
    private static void verify(RespClient client, String value, int every, String others)
            throws IOException {
        assertEquals("" + KEYS, call(client, "DBSIZE"));
        for (int i = 0; i < KEYS; i++) {
            String expected = (i % every == 0 ? value : others) + i;
            String found = call(client, "GET", "key:" + i);
            assertEquals(expected, found.substring(0, Math.min(found.length(), expected.length())));
            assertEquals(expected.length() + VALUE_BYTES, found.length());
        }
    }

    private static void save(RespClient client) throws IOException {
        assertEquals("OK", call(client, "SAVE"));
    }

    private static List<String> files(Path directory, String prefix) throws IOException {
        try (Stream<Path> all = Files.list(directory.resolve("shard-0"))) {
            return all.map(file -> "" + file.getFileName())
                    .filter(name -> name.startsWith(prefix))
                    .sorted()
                    .toList();
        }
    }

    private static long newest(Path directory) {
        return DataDirectory.open(directory).manifest().snapshots().getLast().number();
    }

    @Test
    void anOlderSnapshotIsRestoredAsItWasWithALog() throws Exception {
        anOlderSnapshotIsRestoredAsItWas("yes");
    }

    @Test
    void anOlderSnapshotIsRestoredAsItWasWithoutALog() throws Exception {
        anOlderSnapshotIsRestoredAsItWas("no");
    }

    private void anOlderSnapshotIsRestoredAsItWas(String log) throws Exception {
        Path data = Files.createDirectory(temp.resolve("data"));
        String[] settings = {
            "--appendonly", log, "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"
        };
        try (ServerProcess server = start(data, settings);
                RespClient client = server.connect()) {
            assertEquals("OK", call(client, "CONFIG", "SET", "snapshot-keep", "2"));
            fill(client, "first:", 1);
            save(client);
            fill(client, "second:", 2);
            save(client);
            server.kill();
        }
        long second = newest(data);
        settings =
                new String[] {
                    "--appendonly",
                    log,
                    "--appendfsync",
                    "always",
                    "--snapshot-keep",
                    "2",
                    "--auto-aof-rewrite-percentage",
                    "0"
                };
        try (ServerProcess server = start(data, settings);
                RespClient client = server.connect()) {
            verify(client, "second:", 2, "first:");
            fill(client, "third:", 1);
            // The first one goes.
            save(client);
            assertEquals(2, files(data, "image-").size());
            fill(client, "fourth:", 2);
            server.kill();
        }
        // Now only older snapshots refer to some segments; and so after a warm restart.
        try (ServerProcess server = start(data, settings);
                RespClient client = server.connect()) {
            verify(client, log.equals("yes") ? "fourth:" : "third:", 2, "third:");
            fill(client, "fifth:", 1);
            assertEquals(0, server.stop());
        }
        try (ServerProcess server = start(data, settings);
                RespClient client = server.connect()) {
            verify(client, "fifth:", 1, "");
            fill(client, "sixth:", 1);
            server.kill();
        }
        ToolRun verified = ToolRun.of("verify", data);
        assertEquals(ExitCode.FINE, verified.code(), verified.out());
        Path target = temp.resolve("restored");
        ToolRun run = ToolRun.of("snapshots", "restore", data, second, "--to", target);
        assertEquals(ExitCode.FINE, run.code(), run.err() + run.out());
        try (ServerProcess server = start(target);
                RespClient client = server.connect()) {
            verify(client, "second:", 2, "first:");
            server.kill();
        }
        CorruptionRun.delete(target);
        try (ServerProcess server = start(data, settings);
                RespClient client = server.connect()) {
            verify(client, log.equals("yes") ? "sixth:" : "third:", 1, "");
            int before = files(data, "segment-").size();
            assertEquals("OK", call(client, "CONFIG", "SET", "snapshot-keep", "1"));
            save(client);
            save(client);
            assertEquals(1, files(data, "image-").size());
            int after = files(data, "segment-").size();
            assertTrue(after < before, before + " segments before, " + after + " after");
            int logs = files(data, "wal-").size();
            assertTrue(logs < 10, files(data, "wal-").toString());
            server.kill();
        }
        verified = ToolRun.of("verify", data);
        assertEquals(ExitCode.FINE, verified.code(), verified.out());
    }

    /** What an older snapshot needs is not missed silently: it could be taken for something else. */
    @Test
    void aStartSaysWhatAnOlderSnapshotLacks() throws Exception {
        Path data = Files.createDirectory(temp.resolve("data"));
        try (ServerProcess server = start(data, "--snapshot-keep", "2");
                RespClient client = server.connect()) {
            fill(client, "first:", 1);
            save(client);
            fill(client, "second:", 1);
            fill(client, "third:", 1);
            save(client);
            server.kill();
        }
        List<Manifest.Snapshot> snapshots = DataDirectory.open(data).manifest().snapshots();
        BitSet only = (BitSet) snapshots.get(0).parts().get(0).segments().clone();
        only.andNot(snapshots.get(1).parts().get(0).segments());
        assertTrue(only.cardinality() > 0, "nothing was evicted");
        Path file = SegmentStore.file(data.resolve("shard-0"), only.nextSetBit(0));
        Files.delete(file);
        IOException e = assertThrows(IOException.class, () -> start(data).close());
        String message = String.valueOf(e.getMessage());
        assertTrue(message.contains("which is kept, lacks a file"), message);
        assertTrue(message.contains(file.toString()), message);
        ToolRun pruned = ToolRun.of("snapshots", "prune", "--keep", 1, data);
        assertEquals(ExitCode.FINE, pruned.code(), pruned.err());
        try (ServerProcess server = start(data);
                RespClient client = server.connect()) {
            verify(client, "third:", 1, "");
        }
    }
}
