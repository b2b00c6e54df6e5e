package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import ironcache.parity.ParityLayout;
import ironcache.tiering.SegmentStore;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers in processes of their own whose files are damaged, running and at rest: with parity nothing is lost, and what is too much is refused as ever. */
final class ParityTest {
    private static final int KEYS = 120_000;
    private static final int VALUE_BYTES = 1000;
    private static final int BATCH = 1000;
    private static final int PERCENT = 5;
    private static final int BLOCK = ParityLayout.BLOCK_BYTES;

    /** Of a whole zone. */
    private static final int STRIPES = 41;

    private static final long LIMIT_NANOS = 120_000_000_000L;

    @TempDir Path directory;

    private final long seed = ServerTestBase.seed(Prng.freshSeed());
    private final Prng prng = new Prng(seed);

    private Path data() {
        return directory.resolve("data");
    }

    private ServerProcess start(Path on, String... more) throws IOException {
        Files.createDirectories(on);
        List<String> settings =
                new ArrayList<>(
                        List.of(
                                "--maxmemory",
                                "256mb",
                                "--maxdisk",
                                "1gb",
                                "--shards",
                                "1",
                                "--appendonly",
                                "yes",
                                "--auto-aof-rewrite-percentage",
                                "0",
                                "--warm-restart",
                                "no"));
        settings.addAll(List.of(more));
        ServerProcess server =
                ServerProcess.launch("ironcache", on, settings.toArray(String[]::new));
        String refusal = server.awaitLoaded();
        if (refusal != null) {
            server.close();
            throw new IOException(refusal);
        }
        return server;
    }

    private static String value(int key) {
        return (key + ":").repeat(VALUE_BYTES / (Integer.toString(key).length() + 1));
    }

    private static void fill(RespClient client, int from, int to) {
        for (int first = from; first < to; first += BATCH) {
            List<byte[][]> commands = new ArrayList<>();
            for (int i = first; i < Math.min(to, first + BATCH); i++) {
                commands.add(RespClient.bytes("SET", "key" + i, value(i)));
            }
            client.pipeline(commands).forEach(reply -> assertEquals("OK", reply.text()));
        }
    }

    private void verify(RespClient client) {
        for (int first = 0; first < KEYS; first += BATCH) {
            List<byte[][]> commands = new ArrayList<>();
            for (int i = first; i < first + BATCH; i++) {
                commands.add(RespClient.bytes("GET", "key" + i));
            }
            List<Reply> replies = client.pipeline(commands);
            for (int i = 0; i < BATCH; i++) {
                assertEquals(value(first + i), replies.get(i).text(), "seed " + seed);
            }
        }
    }

    private static long info(RespClient client, String name) {
        String text = client.call("INFO", "everything").text();
        for (String line : text.split("\r\n")) {
            if (line.startsWith(name + ":")) {
                return Long.parseLong(line.substring(name.length() + 1));
            }
        }
        throw new AssertionError(name + " is not in INFO");
    }

    private interface Condition {
        boolean holds() throws IOException;
    }

    private static void await(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + LIMIT_NANOS;
        while (!condition.holds()) {
            assertTrue(System.nanoTime() < deadline, what + " does not come to be");
            assertFalse(new CountDownLatch(1).await(50, TimeUnit.MILLISECONDS));
        }
    }

    /** Files that have parity. */
    private List<Path> guarded(Predicate<Path> kind) throws IOException {
        try (Stream<Path> files = Files.list(data().resolve("shard-0"))) {
            return files.filter(kind)
                    .filter(file -> Files.exists(ParityLayout.parityFile(file)))
                    .sorted()
                    .toList();
        }
    }

    private static boolean isSegment(Path file) {
        return SegmentStore.number(file) >= 0;
    }

    private static boolean isLog(Path file) {
        return WalFileLayout.logGeneration(file) >= 0;
    }

    private static boolean isImage(Path file) {
        return WalFileLayout.imageGeneration(file) >= 0;
    }

    /** Overwrites blocks with noise. */
    private void damage(Path file, int block, int blocks) throws IOException {
        byte[] noise = new byte[blocks * BLOCK];
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (byte) prng.nextInt(256);
        }
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.seek((long) block * BLOCK);
            open.write(noise);
        }
    }

    /** A run as long as is promised, in each zone but the last. */
    private void damageAsPromised(Path file) throws IOException {
        int blocks = (int) (Files.size(file) / BLOCK);
        int run = PERCENT * STRIPES;
        for (int zone = 0; zone + 4096 <= blocks; zone += 4096) {
            damage(file, zone + prng.nextInt(4096 - run), run);
        }
        if (blocks < 4096) {
            damage(file, prng.nextInt(Math.max(1, blocks / 2)), 1);
        }
    }

    @Test
    void whatIsDamagedComesBack() throws Exception {
        try (ServerProcess server = start(data(), "--parity-percent", "" + PERCENT);
                RespClient client = server.connect()) {
            fill(client, 0, KEYS / 2);
            assertEquals("OK", client.call("SAVE").text());
            fill(client, KEYS / 2, KEYS);
            await("parity of segments", () -> guarded(ParityTest::isSegment).size() >= 2);
            await("parity of the log", () -> !guarded(ParityTest::isLog).isEmpty());
            await("parity of the image", () -> !guarded(ParityTest::isImage).isEmpty());
            await("an end", () -> info(client, "parity_segments_waiting") == 0);
            assertEquals(0, info(client, "parity_errors"));
            // While it runs.
            for (Path file : guarded(ParityTest::isSegment)) {
                damageAsPromised(file);
            }
            verify(client);
            assertTrue(info(client, "parity_repaired_blocks") > 0, "seed " + seed);
            assertEquals(0, info(client, "parity_unrepairable_blocks"));
            server.kill();
        }
        int damaged = 0;
        for (Path file : guarded(file -> true)) {
            damageAsPromised(file);
            damaged++;
        }
        assertTrue(damaged >= 4, "" + damaged);
        ToolRun verify = ToolRun.of("verify", data());
        assertEquals(ExitCode.DAMAGE, verify.code(), verify.out());
        assertTrue(verify.out().contains("within what parity restores"), verify.out());
        assertFalse(verify.out().contains("beyond it"), verify.out());
        Path saved = directory.resolve("saved");
        ToolRun recover = ToolRun.of("recover", data(), "--to", saved);
        assertEquals(ExitCode.FINE, recover.code(), recover.out() + recover.err());
        assertTrue(recover.out().contains("[R] from parity"), recover.out());
        assertFalse(Files.exists(saved.resolve("recover-mended")));
        try (ServerProcess server = start(saved);
                RespClient client = server.connect()) {
            verify(client);
        }
        // The input was not written to; a start mends it.
        assertEquals(ExitCode.DAMAGE, ToolRun.of("verify", data()).code());
        try (ServerProcess server = start(data());
                RespClient client = server.connect()) {
            verify(client);
            assertTrue(server.logTail().contains("repaired from parity"), server.logTail());
        }
        verify = ToolRun.of("verify", data());
        assertEquals(ExitCode.FINE, verify.code(), verify.out());
    }

    @Test
    void whatIsTooMuchIsRefusedAsEver() throws Exception {
        try (ServerProcess server = start(data(), "--parity-percent", "1");
                RespClient client = server.connect()) {
            fill(client, 0, 3 * BATCH);
            assertEquals("OK", client.call("SAVE").text());
            await("parity of the image", () -> !guarded(ParityTest::isImage).isEmpty());
            server.kill();
        }
        Path image = guarded(ParityTest::isImage).get(0);
        damage(image, 3, 60);
        IOException e = assertThrows(IOException.class, () -> start(data()).close());
        String text = String.valueOf(e.getMessage());
        assertTrue(text.contains(image + ", offset "), text);
        assertTrue(text.contains("its parity says: "), text);
        assertTrue(text.contains("beyond it the one at offset"), text);
        assertTrue(text.contains("ironcache-tool recover"), text);
        ToolRun verify = ToolRun.of("verify", data(), "--json");
        assertEquals(ExitCode.DAMAGE, verify.code());
        assertTrue(verify.out().contains("\"lost_blocks\""), verify.out());
    }
}
