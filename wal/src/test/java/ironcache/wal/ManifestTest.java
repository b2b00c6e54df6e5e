package ironcache.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Io;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ManifestTest {
    private static final Path DIRECTORY = Path.of("/sim");
    private static final Path FILE = Manifests.file(DIRECTORY, 7);

    private static Manifest manifest(long generation) {
        return new Manifest(
                generation,
                0x8123_4567_89AB_CDEFL,
                -1,
                3,
                List.of(
                        new Manifest.ShardFiles(64, 12, 0, 30_012, 30_480),
                        new Manifest.ShardFiles(0, 0, 0, 0, 0)),
                List.of(
                        new Manifest.Snapshot(
                                4,
                                1_767_225_600_000L,
                                1_000_000,
                                73_400_320,
                                List.of(
                                        new Manifest.SnapshotPart(
                                                4,
                                                30_012,
                                                30_400,
                                                12,
                                                13,
                                                BitSet.valueOf(new long[] {0b10001111})),
                                        new Manifest.SnapshotPart(5, 1, 2, 3, 4, new BitSet()))),
                        new Manifest.Snapshot(5, 0, 0, 0, List.of())));
    }

    @Test
    void theTextIsPinned() {
        String text = new String(manifest(7).toBytes(), StandardCharsets.US_ASCII);
        assertTrue(
                text.startsWith(
                        """
                        format = 1
                        generation = 7
                        node-id = 0x8123456789abcdef
                        hash-seed = 0xffffffffffffffff
                        epoch = 3
                        shards = 2
                        snapshots = 2

                        [shard 0]
                        segment-pages = 64
                        log-from-generation = 12
                        log-to-generation = 0
                        log-from-seqno = 30012
                        stable-seqno = 30480

                        [shard 1]
                        """),
                text);
        assertTrue(text.contains("\nssd-segments = 0-3,7\n"), text);
        assertTrue(text.contains("\n[snapshot 4 shard 1]\nimage-generation = 5\n"), text);
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        assertEquals(manifest(7), Manifest.parse(FILE, manifest(7).toBytes()));
    }

    @Test
    void eachFlipAndEachTruncationIsNoticed() {
        byte[] bytes = manifest(7).toBytes();
        for (int i = 0; i < bytes.length; i++) {
            for (int bit = 0; bit < 8; bit++) {
                byte[] flipped = bytes.clone();
                flipped[i] ^= (byte) (1 << bit);
                assertThrows(DamagedManifestException.class, () -> Manifest.parse(FILE, flipped));
            }
            byte[] shorter = java.util.Arrays.copyOf(bytes, i);
            assertThrows(DamagedManifestException.class, () -> Manifest.parse(FILE, shorter));
        }
    }

    /** Somebody edited it, and made the checksum right. */
    private static String refusal(String from, String to) {
        String text = new String(manifest(7).toBytes(), StandardCharsets.US_ASCII);
        String body = text.substring(0, text.indexOf("crc32c")).replace(from, to);
        java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
        crc.update(body.getBytes(StandardCharsets.US_ASCII));
        byte[] edited =
                (body + "crc32c = 0x" + String.format("%08x", crc.getValue()) + "\n")
                        .getBytes(StandardCharsets.US_ASCII);
        return assertThrows(DamagedManifestException.class, () -> Manifest.parse(FILE, edited))
                .getMessage();
    }

    @Test
    void errorsSayWhere() {
        assertEquals(
                FILE + ", offset 0, field format: expected 1 (too new), actual 2",
                refusal("format = 1\n", "format = 2\n")
                        .replace(" (line 2)", "")
                        .replaceFirst("offset \\d+", "offset 0"));
        assertTrue(
                refusal("epoch = 3", "epoch = x")
                        .endsWith("field epoch (line 6): expected a number, actual x"));
        assertTrue(refusal("epoch = 3\n", "").contains("expected epoch = ..., actual shards = 2"));
        assertTrue(refusal("[shard 1]", "[shard 2]").contains("expected [shard 1]"));
        assertTrue(refusal("snapshots = 2", "snapshots = 1").contains("end of the sections"));
    }

    // Publishing.

    private static void drain(SimIo io, Manifests manifests) {
        while (manifests.isBusy() && io.hasEvents()) {
            io.poll(-1);
        }
    }

    private static Manifests open(SimIo io) {
        Manifests manifests = new Manifests(io, DIRECTORY, 0);
        io.setHandlers(Io.SocketHandler.NONE, (token, result) -> manifests.onFile(result));
        return manifests;
    }

    @Test
    void theNewestTwoAreKept() throws IOException {
        SimDisk disk = new SimDisk(1 << 24);
        try (SimIo io = new SimIo(1, new SimClock(), disk);
                Manifests manifests = open(io)) {
            manifests.load();
            assertFalse(manifests.isBusy());
            assertNull(manifests.newest());
            for (long generation = 1; generation < 20; generation += 1 + generation % 3) {
                manifests.publish(manifest(generation));
                drain(io, manifests);
                assertEquals(manifest(generation), manifests.newest());
            }
            long kept =
                    io.openDirectory(DIRECTORY).stream()
                            .filter(file -> Manifests.generation(file) >= 0)
                            .count();
            assertEquals(2, kept);
            assertEquals(2, io.openDirectory(DIRECTORY).size(), "temporary files are left");
        }
        assertEquals(0, MemoryTag.WAL.bytes());
    }

    @Test
    void aCrashAtAnyCallLeavesTheOldOneOrTheNewOne() throws IOException {
        for (int seed = 0; seed < 20; seed++) {
            SimDisk disk = new SimDisk(1 << 24);
            Prng prng = new Prng(seed);
            long[] published = {0};
            int[] cases = {0};
            disk.setObserver(
                    (call, moment) -> {
                        SimDisk copy = disk.copy();
                        copy.crash(prng.split());
                        long found = newestOn(copy);
                        assertTrue(
                                found == published[0] || found == published[0] + 1,
                                "found " + found + ", published " + published[0]);
                        cases[0]++;
                    });
            try (SimIo io = new SimIo(seed, new SimClock(), disk);
                    Manifests manifests = open(io)) {
                io.openDirectory(DIRECTORY);
                for (long generation = 1; generation < 6; generation++) {
                    manifests.publish(manifest(generation));
                    drain(io, manifests);
                    assertNull(manifests.failure());
                    published[0] = generation;
                }
            }
            assertTrue(cases[0] > 40, "cases " + cases[0]);
        }
    }

    /** Whoever loads one may act on it: the process that published it may have been killed before its name was durable. */
    @Test
    void whatWasLoadedIsThereAfterACrash() throws IOException {
        for (int seed = 0; seed < 20; seed++) {
            SimDisk disk = new SimDisk(1 << 24);
            Prng prng = new Prng(seed);
            int[] newer = {0};
            disk.setObserver(
                    (call, moment) -> {
                        SimDisk copy = disk.copy();
                        copy.kill(prng.split());
                        long found = newestOn(copy);
                        copy.crash(prng.split());
                        assertEquals(found, newestOn(copy), "call " + call + ", " + moment);
                        newer[0] += found == 2 ? 1 : 0;
                    });
            try (SimIo io = new SimIo(seed, new SimClock(), disk);
                    Manifests manifests = open(io)) {
                io.openDirectory(DIRECTORY);
                for (long generation = 1; generation <= 2; generation++) {
                    manifests.publish(manifest(generation));
                    drain(io, manifests);
                }
            }
            assertTrue(newer[0] > 1, "the newer one was found " + newer[0] + " times");
        }
    }

    private static long newestOn(SimDisk disk) {
        try (SimIo io = new SimIo(1, new SimClock(), disk);
                Manifests manifests = open(io)) {
            manifests.load();
            drain(io, manifests);
            assertNull(manifests.damage());
            Manifest newest = manifests.newest();
            return newest == null ? 0 : newest.generation();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aDamagedNewestIsRefused() throws IOException {
        SimDisk disk = new SimDisk(1 << 24);
        try (SimIo io = new SimIo(1, new SimClock(), disk);
                Manifests manifests = open(io)) {
            manifests.publish(manifest(1));
            drain(io, manifests);
            manifests.publish(manifest(2));
            drain(io, manifests);
            disk.flipBit(Manifests.file(DIRECTORY, 2), 100);
            manifests.load();
            drain(io, manifests);
            assertNull(manifests.newest());
            assertNotNull(manifests.damage());
        }
    }

    @Test
    void faultsAreToldAndNothingIsLost() throws IOException {
        List<String> failures = new ArrayList<>();
        for (int seed = 0; seed < 200; seed++) {
            SimDisk disk = new SimDisk(1 << 24);
            try (SimIo io = new SimIo(seed, new SimClock(), disk);
                    Manifests manifests = open(io)) {
                manifests.publish(manifest(1));
                drain(io, manifests);
                io.faults().ioError = 0.3;
                io.faults().noSpace = 0.1;
                io.faults().shortTransfer = 0.3;
                manifests.publish(manifest(2));
                drain(io, manifests);
                String failure = manifests.failure();
                if (failure != null) {
                    failures.add(failure);
                }
                assertEquals(failure == null ? 2 : 1, manifests.newest().generation());
                boolean failed = manifests.isFailed();
                io.faults().ioError = 0;
                io.faults().noSpace = 0;
                if (failure != null && !failed) {
                    manifests.publish(manifest(2));
                    drain(io, manifests);
                    assertEquals(2, manifests.newest().generation());
                }
                disk.crash(new Prng(seed));
                long found = newestOn(disk);
                assertTrue(failed ? found == 1 || found == 2 : found == 2, "found " + found);
            }
        }
        assertTrue(failures.size() > 50, "failures " + failures.size());
    }
}
