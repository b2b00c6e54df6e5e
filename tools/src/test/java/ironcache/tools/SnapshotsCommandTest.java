package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** snapshots list, restore and prune, on directories with several snapshots; what is restored is served by a server. */
final class SnapshotsCommandTest {
    private static final int COLD = 5_000;
    private static final String FILLING = "x".repeat(8_000);

    @TempDir Path temp;

    /** Three snapshots, some of each on the SSD tier, and a log behind the last. */
    private Path threeSnapshots() throws IOException {
        Path directory = temp.resolve("data");
        try (SnapshotFixture fixture = new SnapshotFixture(directory)) {
            fixture.fill("cold:", COLD, FILLING);
            fixture.set(3, "paged", "p".repeat(300_000), 0);
            fixture.set(0, "when", "first", 0);
            assertEquals(1, fixture.snapshot());
            assertFalse(fixture.segments(0).isEmpty());
            fixture.set(0, "when", "second", 0);
            fixture.set(0, "second", "only", 0);
            fixture.fill("cold:", COLD / 2, FILLING + "second");
            assertEquals(2, fixture.snapshot());
            fixture.set(0, "when", "third", 0);
            fixture.delete(0, "second");
            assertEquals(3, fixture.snapshot());
            fixture.set(0, "when", "after", 0);
            fixture.publish();
        }
        return directory;
    }

    /** Files and checksums of what is in them. */
    static Map<Path, Long> filesOf(Path directory) throws IOException {
        Map<Path, Long> files = new HashMap<>();
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                CRC32C crc = new CRC32C();
                crc.update(Files.readAllBytes(file));
                files.put(directory.relativize(file), crc.getValue());
            }
        }
        return files;
    }

    private static void assertServes(Path directory, String when, String second, String cold)
            throws IOException {
        try (ServerProcess server =
                        ServerProcess.start(
                                "ironcache",
                                directory,
                                "--maxmemory",
                                "224mb",
                                "--shards",
                                "1",
                                "--warm-restart",
                                "no");
                RespClient client = server.connect()) {
            awaitLoaded(client);
            assertEquals(when, client.call("GET", "when").text());
            assertEquals(second, String.valueOf(client.call("GET", "second").text()));
            for (int i = 0; i < COLD; i += 97) {
                String expected = FILLING + (i < COLD / 2 ? cold : "") + i;
                assertEquals(expected, client.call("GET", "cold:" + i).text());
            }
            client.call("SELECT", "3");
            assertEquals("300000", client.call("STRLEN", "paged").text());
        }
    }

    private static void awaitLoaded(RespClient client) {
        while (client.call("PING").toString().contains("LOADING")) {
            Thread.onSpinWait();
        }
    }

    @Test
    void eachSnapshotIsRestoredAsItWas() throws Exception {
        Path directory = threeSnapshots();
        ToolRun list = ToolRun.of("snapshots", "list", directory, "--json");
        assertEquals(ExitCode.FINE, list.code(), list.err());
        assertEquals(4, list.out().split("\"missing_files\":0").length, list.out());
        Map<Path, Long> before = filesOf(directory);
        String[] when = {"first", "second", "third"};
        String[] cold = {"", "second", "second"};
        for (int n = 1; n <= 3; n++) {
            Path target = temp.resolve("restored-" + n);
            ToolRun run =
                    ToolRun.of("snapshots", "restore", directory, n, "--to", target, "--json");
            assertEquals(ExitCode.FINE, run.code(), run.err() + run.out());
            assertTrue(run.out().contains("\"ok\":true"), run.out());
            assertEquals(ExitCode.FINE, ToolRun.of("verify", target).code());
            assertServes(target, when[n - 1], n == 2 ? "only" : "null", cold[n - 1]);
            CorruptionRun.delete(target);
        }
        assertEquals(before, filesOf(directory));
    }

    @Test
    void whatCannotBeRestoredIsSaid() throws Exception {
        Path directory = threeSnapshots();
        Path target = temp.resolve("new");
        ToolRun none = ToolRun.of("snapshots", "restore", directory, 9, "--to", target);
        assertEquals(ExitCode.FAILED, none.code());
        assertTrue(none.err().contains("no snapshot 9; there are 1, 2, 3"), none.err());
        assertFalse(Files.exists(target));
        Files.createDirectories(target);
        Files.writeString(target.resolve("mine"), "here");
        assertEquals(
                ExitCode.FAILED,
                ToolRun.of("snapshots", "restore", directory, 1, "--to", target).code());
        assertEquals(
                ExitCode.FAILED,
                ToolRun.of("snapshots", "restore", directory, 1, "--to", directory.resolve("in"))
                        .code());
        assertEquals(ExitCode.USAGE, ToolRun.of("snapshots", "restore", directory, 1).code());
        Files.delete(target.resolve("mine"));

        Path image = directory.resolve("shard-0/image-0000000000000002.iron");
        flip(image, 5000);
        ToolRun damaged =
                ToolRun.of("snapshots", "restore", directory, 2, "--to", target, "--json");
        assertEquals(ExitCode.DAMAGE, damaged.code(), damaged.err());
        assertTrue(damaged.out().contains("\"offset\":"), damaged.out());
        assertTrue(Files.exists(target.resolve(NewDirectory.MARKER)));

        Files.delete(image);
        ToolRun missing =
                ToolRun.of("snapshots", "restore", directory, 2, "--to", temp.resolve("other"));
        assertEquals(ExitCode.DAMAGE, missing.code());
        assertTrue(missing.err().contains(image + ", offset 0, field file"), missing.err());
        assertFalse(Files.exists(temp.resolve("other")));
        assertEquals(ExitCode.DAMAGE, ToolRun.of("snapshots", "list", directory).code());
    }

    static void flip(Path file, long offset) throws IOException {
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.seek(offset);
            int value = open.read();
            open.seek(offset);
            open.write(value ^ 0x10);
        }
    }

    @Test
    void pruneLeavesTheNewest() throws Exception {
        Path directory = threeSnapshots();
        ToolRun nothing = ToolRun.of("snapshots", "prune", "--keep", 3, directory);
        assertEquals(ExitCode.FINE, nothing.code(), nothing.err());
        assertTrue(nothing.out().contains("nothing to do"));
        assertEquals(
                ExitCode.USAGE, ToolRun.of("snapshots", "prune", "--keep", 0, directory).code());
        Map<Path, Long> before = filesOf(directory);
        ToolRun two = ToolRun.of("snapshots", "prune", "--keep", 2, directory, "--json");
        assertEquals(ExitCode.FINE, two.code(), two.err());
        assertTrue(two.out().contains("\"dropped\":[1],\"kept\":[2,3]"), two.out());
        assertFalse(Files.exists(directory.resolve("shard-0/image-0000000000000001.iron")));
        assertTrue(filesOf(directory).size() < before.size());
        ToolRun verified = ToolRun.of("verify", directory);
        assertEquals(ExitCode.FINE, verified.code(), verified.out());
        Path target = temp.resolve("second");
        assertEquals(
                ExitCode.FINE,
                ToolRun.of("snapshots", "restore", directory, 2, "--to", target).code());
        assertServes(target, "second", "only", "second");
        assertEquals(
                ExitCode.FINE, ToolRun.of("snapshots", "prune", "--keep", 1, directory).code());
        assertEquals(ExitCode.FINE, ToolRun.of("verify", directory).code());
        assertServes(directory, "after", "null", "second");
    }

    @Test
    void pruneIsForStoppedServersWithoutAState() throws Exception {
        Path directory = threeSnapshots();
        Map<Path, Long> before = filesOf(directory);
        try (ServerProcess server =
                        ServerProcess.start(
                                "ironcache",
                                directory,
                                "--maxmemory",
                                "224mb",
                                "--appendonly",
                                "yes");
                RespClient client = server.connect()) {
            awaitLoaded(client);
            ToolRun held = ToolRun.of("snapshots", "prune", "--keep", 1, directory);
            assertEquals(ExitCode.FAILED, held.code());
            assertTrue(held.err().contains("a running server holds it"), held.err());
            assertEquals(0, server.stop());
        }
        assertTrue(Files.exists(directory.resolve("shard-0/state.iron")));
        ToolRun state = ToolRun.of("snapshots", "prune", "--keep", 1, directory);
        assertEquals(ExitCode.FAILED, state.code());
        assertTrue(state.err().contains("--drop-state"), state.err());
        ToolRun dropped = ToolRun.of("snapshots", "prune", "--keep", 1, directory, "--drop-state");
        assertEquals(ExitCode.FINE, dropped.code(), dropped.err());
        assertFalse(Files.exists(directory.resolve("shard-0/state.iron")));
        assertServes(directory, "after", "null", "second");
        assertTrue(before.size() > filesOf(directory).size());
    }

    @Test
    void theLockIsHeldWhilePruning() throws Exception {
        Path directory = threeSnapshots();
        Path lock = directory.resolve("ironcache.lock");
        try (FileChannel channel =
                        FileChannel.open(
                                lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock held = channel.lock()) {
            assertTrue(held.isValid());
            assertEquals(
                    ExitCode.FAILED,
                    ToolRun.of("snapshots", "prune", "--keep", 1, directory).code());
        }
        ToolRun free = ToolRun.of("snapshots", "prune", "--keep", 1, directory);
        assertEquals(ExitCode.FINE, free.code(), free.err());
    }
}
