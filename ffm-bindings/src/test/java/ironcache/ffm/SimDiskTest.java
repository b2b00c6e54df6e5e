package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What the simulated disk does, and what it never does. Each fault is seen to happen, and not to happen where it is off. */
class SimDiskTest {
    private static final int SEEDS = 200;
    private static final int BLOCK = SimDisk.BLOCK_BYTES;
    private static final Path DIRECTORY = Path.of("data");
    private static final Path FILE = DIRECTORY.resolve("file");
    private static final Path OTHER = DIRECTORY.resolve("other");

    private interface Body {
        void run(SimStore store) throws IOException;
    }

    private static SimDisk disk() {
        return new SimDisk(4 << 20);
    }

    private static void with(long seed, SimDisk disk, Body body) throws IOException {
        try (SimStore store = new SimStore(seed, disk)) {
            body.run(store);
        }
    }

    /** A file of so many blocks, block i full of {@code value + i}, durable, name and all. */
    private static int durable(SimStore store, Path path, int blocks, int value)
            throws IOException {
        int file = store.file(path);
        for (int i = 0; i < blocks; i++) {
            assertEquals(BLOCK, store.write(file, (long) i * BLOCK, BLOCK, value + i));
        }
        assertEquals(0, store.sync(file));
        assertEquals(0, store.syncDirectory(DIRECTORY));
        return file;
    }

    /** The values that are found in a range, at its bytes. */
    private static Set<Integer> values(byte[] contents, int from, int length) {
        Set<Integer> values = new TreeSet<>();
        for (int i = from; i < from + length; i++) {
            values.add((int) contents[i]);
        }
        return values;
    }

    private static int value(byte[] contents, int at) {
        return contents.length > at ? contents[at] : 0;
    }

    // Contents and crashes.

    @Test
    void writesAfterASyncSurviveInAnySubsetAndTheSizeIsInDoubt() throws IOException {
        Set<String> outcomes = new TreeSet<>();
        Set<Integer> sizes = new TreeSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            SimDisk disk = disk();
            with(
                    seed,
                    disk,
                    store -> {
                        int file = durable(store, FILE, 2, 1);
                        store.write(file, 0, BLOCK, 11);
                        store.write(file, BLOCK, BLOCK, 12);
                        store.write(file, 2 * BLOCK, BLOCK, 13);
                    });
            disk.crash(new Prng(seed));
            byte[] after = disk.contents(FILE);
            sizes.add(after.length);
            outcomes.add(
                    value(after, 0) + " " + value(after, BLOCK) + " " + value(after, 2 * BLOCK));
            assertTrue(Set.of(1, 11).containsAll(values(after, 0, BLOCK)));
        }
        assertEquals(Set.of(2 * BLOCK, 3 * BLOCK), sizes);
        // 13 without a size cannot be seen; a size without 13 can.
        assertEquals(
                Set.of(
                        "1 2 0",
                        "11 2 0",
                        "1 12 0",
                        "11 12 0",
                        "1 2 13",
                        "11 2 13",
                        "1 12 13",
                        "11 12 13"),
                outcomes);
    }

    @Test
    void writesOfOnePlaceSurviveInAnyOrder() throws IOException {
        Set<Integer> last = new TreeSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            SimDisk disk = disk();
            with(
                    seed,
                    disk,
                    store -> {
                        int file = durable(store, FILE, 1, 1);
                        store.write(file, 0, 512, 2);
                        store.write(file, 0, 512, 3);
                    });
            disk.crash(new Prng(seed));
            last.add((int) disk.contents(FILE)[0]);
        }
        assertEquals(Set.of(1, 2, 3), last);
    }

    @Test
    void aSyncCoversWhatHadCompletedWhenItWasCalled() throws IOException {
        Set<Integer> found = new TreeSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            SimDisk disk = disk();
            with(
                    seed,
                    disk,
                    store -> {
                        int file = durable(store, FILE, 1, 1);
                        long write = store.begin(file, 0, BLOCK, 2);
                        store.sync(file);
                        store.await(write);
                    });
            disk.crash(new Prng(seed));
            found.add((int) disk.contents(FILE)[0]);
        }
        assertEquals(Set.of(1, 2), found, "the write was not waited for before the sync");
    }

    @Test
    void aWriteInFlightMayHaveReachedTheMedium() throws IOException {
        Set<Integer> afterCrash = new TreeSet<>();
        Set<Integer> afterKill = new TreeSet<>();
        Set<Integer> afterClose = new TreeSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            int ending = seed % 3;
            SimDisk disk = disk();
            Prng prng = new Prng(seed);
            with(
                    seed,
                    disk,
                    store -> {
                        int file = durable(store, FILE, 1, 1);
                        store.begin(file, 0, 512, 2);
                        if (ending == 0) {
                            disk.crash(prng);
                        } else if (ending == 1) {
                            disk.kill(prng);
                        }
                    });
            Set<Integer> found = List.of(afterCrash, afterKill, afterClose).get(ending);
            found.add((int) disk.contents(FILE)[0]);
        }
        assertEquals(
                List.of(Set.of(1, 2), Set.of(1, 2), Set.of(1, 2)),
                List.of(afterCrash, afterKill, afterClose));
    }

    @Test
    void aProcessThatEndsLosesNothingThatCompleted() throws IOException {
        for (int seed = 0; seed < 20; seed++) {
            SimDisk disk = disk();
            long crashSeed = seed;
            with(
                    seed,
                    disk,
                    store -> {
                        int file = store.file(FILE);
                        store.write(file, 0, BLOCK, 7);
                        store.io.renameFile(FILE, OTHER);
                        if (crashSeed % 2 == 0) {
                            disk.kill(new Prng(crashSeed));
                        }
                    });
            assertEquals(List.of(OTHER.toString()), disk.names());
            assertEquals(Set.of(7), values(disk.contents(OTHER), 0, BLOCK));
        }
    }

    @Test
    void allocationsAndTruncationsAreInDoubtUntilSynced() throws IOException {
        Set<Long> allocated = new TreeSet<>();
        Set<Long> truncated = new TreeSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            SimDisk disk = disk();
            with(
                    seed,
                    disk,
                    store -> {
                        int file = durable(store, FILE, 1, 1);
                        durable(store, OTHER, 2, 1);
                        store.allocate(file, 16 * BLOCK);
                        store.io.openFile(OTHER, Io.OpenMode.CREATE, false);
                    });
            disk.crash(new Prng(seed));
            allocated.add(disk.bytes(FILE));
            truncated.add(disk.bytes(OTHER));
            SimDisk synced = disk();
            with(
                    seed,
                    synced,
                    store -> {
                        int file = durable(store, FILE, 1, 1);
                        store.allocate(file, 16 * BLOCK);
                        store.sync(file);
                        // The same file, emptied: its name has been durable.
                        durable(store, OTHER, 2, 1);
                        int again = store.file(OTHER);
                        store.write(again, 0, 512, 9);
                        store.sync(again);
                    });
            synced.crash(new Prng(seed));
            assertEquals(16 * BLOCK, synced.bytes(FILE));
            assertEquals(512, synced.bytes(OTHER));
            assertEquals(Set.of(9), values(synced.contents(OTHER), 0, 512));
        }
        assertEquals(Set.of((long) BLOCK, 16L * BLOCK), allocated);
        assertEquals(Set.of(0L, 2L * BLOCK), truncated);
    }

    @Test
    void whatWasBeyondTheEndDoesNotComeBack() throws IOException {
        for (int seed = 0; seed < SEEDS; seed++) {
            SimDisk disk = disk();
            with(
                    seed,
                    disk,
                    store -> {
                        int file = durable(store, FILE, 1, 1);
                        store.write(file, BLOCK, 3 * BLOCK, 9);
                    });
            disk.crash(new Prng(seed));
            if (disk.bytes(FILE) == BLOCK) {
                with(
                        seed,
                        disk,
                        store -> {
                            int file = store.io.openFile(FILE, Io.OpenMode.READ_WRITE, false);
                            store.allocate(file, 4 * BLOCK);
                            byte[] contents = store.contents(FILE);
                            assertEquals(Set.of(0), values(contents, BLOCK, 3 * BLOCK));
                        });
            }
        }
    }

    // Names and crashes.

    @Test
    void namesAreInDoubtUntilTheirDirectoryIsSynced() throws IOException {
        Set<String> outcomes = new TreeSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            SimDisk disk = disk();
            with(
                    seed,
                    disk,
                    store -> {
                        durable(store, DIRECTORY.resolve("old"), 1, 1);
                        durable(store, DIRECTORY.resolve("from"), 1, 1);
                        store.file(DIRECTORY.resolve("new"));
                        store.io.renameFile(DIRECTORY.resolve("from"), DIRECTORY.resolve("to"));
                        store.io.deleteFile(DIRECTORY.resolve("old"));
                    });
            disk.crash(new Prng(seed));
            outcomes.add(String.join(" ", disk.names()).replace("data/", ""));
            SimDisk synced = disk();
            with(
                    seed,
                    synced,
                    store -> {
                        durable(store, OTHER, 1, 1);
                        store.file(FILE);
                        store.io.renameFile(OTHER, DIRECTORY.resolve("to"));
                        store.io.deleteFile(FILE);
                        store.syncDirectory(DIRECTORY);
                    });
            synced.crash(new Prng(seed));
            assertEquals(List.of("data/to"), synced.names());
        }
        assertEquals(
                Set.of(
                        "from old",
                        "from",
                        "old to",
                        "to",
                        "from new old",
                        "from new",
                        "new old to",
                        "new to"),
                outcomes);
    }

    @Test
    void aRenameMaySurviveWithoutWhatIsInTheFile() throws IOException {
        int empty = 0;
        int whole = 0;
        int torn = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            SimDisk disk = disk();
            with(
                    seed,
                    disk,
                    store -> {
                        store.write(store.file(FILE), 0, BLOCK, 1);
                        store.io.renameFile(FILE, OTHER);
                        store.syncDirectory(DIRECTORY);
                    });
            disk.crash(new Prng(seed));
            assertEquals(List.of(OTHER.toString()), disk.names());
            byte[] contents = disk.contents(OTHER);
            Set<Integer> values = values(contents, 0, contents.length);
            empty += contents.length == 0 ? 1 : 0;
            torn += values.equals(Set.of(0, 1)) ? 1 : 0;
            whole += values.equals(Set.of(1)) ? 1 : 0;
        }
        assertTrue(
                empty > 0 && torn > 0 && whole > 0,
                empty + " empty, " + torn + " torn, " + whole + " whole");
    }

    @Test
    void aRenameBetweenDirectoriesNeedsBothSynced() throws IOException {
        Path far = Path.of("far", "file");
        int[] there = new int[3];
        for (int seed = 0; seed < 3 * SEEDS; seed++) {
            SimDisk disk = disk();
            int syncs = seed % 3;
            with(
                    seed,
                    disk,
                    store -> {
                        durable(store, FILE, 1, 1);
                        store.io.openDirectory(far.getParent());
                        store.io.renameFile(FILE, far);
                        for (int i = 0; i < syncs; i++) {
                            store.syncDirectory(i == 0 ? DIRECTORY : far.getParent());
                        }
                    });
            disk.crash(new Prng(seed));
            assertEquals(1, disk.names().size());
            there[syncs] += disk.names().contains(far.toString()) ? 1 : 0;
        }
        assertTrue(there[0] > 0 && there[0] < SEEDS, there[0] + " with no sync");
        assertTrue(there[1] > 0 && there[1] < SEEDS, there[1] + " with one sync");
        assertEquals(SEEDS, there[2]);
    }

    // Faults.

    /** How many of many single-block reads are wrong under a fault, and of so many more when it is off again. */
    private static int[] wrongReads(SimFaults faults, Runnable on, Runnable off)
            throws IOException {
        try (SimStore store = new SimStore(5, disk(), faults)) {
            int file = durable(store, FILE, 16, 1);
            durable(store, OTHER, 16, 100);
            for (int i = 0; i < 16; i++) {
                store.write(file, (long) i * BLOCK, BLOCK, 51 + i);
            }
            int[] wrong = new int[2];
            for (int round = 0; round < 2; round++) {
                (round == 0 ? on : off).run();
                for (int i = 0; i < 160; i++) {
                    long offset = (i % 16) * (long) BLOCK;
                    assertEquals(BLOCK, store.read(file, offset, BLOCK));
                    byte[] bytes = new byte[BLOCK];
                    Memory.copyOut(store.in, bytes, 0, BLOCK);
                    wrong[round] += values(bytes, 0, BLOCK).equals(Set.of(51 + i % 16)) ? 0 : 1;
                }
            }
            return wrong;
        }
    }

    @Test
    void readsThatLie() throws IOException {
        SimFaults faults = new SimFaults();
        int[] flips =
                wrongReads(faults, () -> faults.readBitFlip = 0.3, () -> faults.readBitFlip = 0);
        assertTrue(flips[0] > 20 && flips[1] == 0, flips[0] + " flips, then " + flips[1]);
        int[] rot =
                wrongReads(
                        faults, () -> faults.mediumBitFlip = 0.05, () -> faults.mediumBitFlip = 0);
        assertTrue(rot[0] > 5 && rot[1] > 5, rot[0] + " rotten, then " + rot[1]);
        int[] astray =
                wrongReads(
                        faults,
                        () -> faults.misdirectedRead = 0.3,
                        () -> faults.misdirectedRead = 0);
        assertTrue(astray[0] > 20 && astray[1] == 0, astray[0] + " astray, then " + astray[1]);
        int[] stale = wrongReads(faults, () -> faults.staleRead = 0.3, () -> faults.staleRead = 0);
        assertTrue(stale[0] > 20 && stale[1] == 0, stale[0] + " stale, then " + stale[1]);
        assertEquals("faults: none", faults.describe());
    }

    @Test
    void writesThatLie() throws IOException {
        SimFaults faults = new SimFaults();
        for (int fault = 0; fault < 3; fault++) {
            faults.writeBitFlip = fault == 0 ? 0.3 : 0;
            faults.misdirectedWrite = fault == 1 ? 0.3 : 0;
            faults.lostWrite = fault == 2 ? 0.3 : 0;
            SimDisk disk = disk();
            try (SimStore store = new SimStore(fault, disk, faults)) {
                int file = store.file(FILE);
                assertEquals(0, store.allocate(file, 64 * BLOCK));
                for (int i = 0; i < 64; i++) {
                    assertEquals(BLOCK, store.write(file, (long) i * BLOCK, BLOCK, 1 + i));
                }
            }
            byte[] contents = disk.contents(FILE);
            int wrong = 0;
            int untouched = 0;
            for (int i = 0; i < 64; i++) {
                Set<Integer> values = values(contents, i * BLOCK, BLOCK);
                wrong += values.equals(Set.of(1 + i)) ? 0 : 1;
                untouched += values.equals(Set.of(0)) ? 1 : 0;
            }
            assertTrue(wrong > 5, "fault " + fault + ": " + wrong + " blocks wrong");
            assertEquals(fault != 0, untouched > 0, "fault " + fault + ": " + untouched);
        }
    }

    @Test
    void errorsThatAreReported() throws IOException {
        SimFaults faults = new SimFaults();
        SimDisk disk = disk();
        try (SimStore store = new SimStore(1, disk, faults)) {
            int file = durable(store, FILE, 1, 1);
            faults.readError = 1;
            assertEquals(-Errno.EIO, store.read(file, 0, BLOCK));
            assertEquals(BLOCK, store.write(file, 0, BLOCK, 1));
            assertEquals(0, store.sync(file));
            faults.readError = 0;
            faults.writeError = 1;
            assertEquals(-Errno.EIO, store.write(file, 0, BLOCK, 1));
            assertEquals(-Errno.EIO, store.allocate(file, 8 * BLOCK));
            assertEquals(0, store.sync(file));
            faults.writeError = 0;
            faults.syncError = 1;
            assertEquals(-Errno.EIO, store.sync(file));
            assertEquals(-Errno.EIO, store.syncDirectory(DIRECTORY));
            assertEquals(BLOCK, store.read(file, 0, BLOCK));
            faults.syncError = 0;
            faults.shortTransfer = 1;
            int read = store.read(file, 0, BLOCK);
            int written = store.write(file, 0, BLOCK, 1);
            assertTrue(read > 0 && read < BLOCK && read % 512 == 0, read + " read");
            assertTrue(written > 0 && written < BLOCK && written % 512 == 0, written + " written");
            faults.shortTransfer = 0;
            faults.noSpace = 1;
            assertEquals(-Errno.ENOSPC, store.write(file, 0, BLOCK, 1));
            assertEquals(-Errno.ENOSPC, store.allocate(file, 8 * BLOCK));
            faults.noSpace = 0;
            disk.setCapacity(2 * BLOCK);
            assertEquals(BLOCK, store.write(file, BLOCK, BLOCK, 1));
            assertEquals(-Errno.ENOSPC, store.write(file, 2 * BLOCK, BLOCK, 1));
            assertEquals(BLOCK, store.write(file, BLOCK, BLOCK, 1));
            assertEquals(0, disk.freeBytes());
        }
    }

    @Test
    void afterAFailedSyncTheDataIsGoneWhateverTheNextOneSays() throws IOException {
        int kept = 0;
        int evicted = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            SimFaults faults = new SimFaults();
            SimDisk disk = disk();
            try (SimStore store = new SimStore(seed, disk, faults)) {
                int file = durable(store, FILE, 1, 1);
                store.write(file, 0, BLOCK, 2);
                faults.syncError = 1;
                faults.syncErrorDrops = seed % 2;
                assertEquals(-Errno.EIO, store.sync(file));
                faults.syncError = 0;
                assertEquals(0, store.sync(file));
                evicted += store.contents(FILE)[0] == 1 ? 1 : 0;
            }
            disk.crash(new Prng(seed));
            assertEquals(Set.of(2 - seed % 2), values(disk.contents(FILE), 0, BLOCK));
            kept += disk.contents(FILE)[0] == 2 ? 1 : 0;
        }
        assertEquals(SEEDS / 2, kept);
        assertTrue(evicted > 10 && evicted < SEEDS / 2 - 10, evicted + " evicted");
    }

    @Test
    void someOperationsAreSlowAndOrderIsNotKept() throws IOException {
        SimFaults faults = new SimFaults();
        faults.readLatency = new SimFaults.Latency(50_000, 90_000);
        faults.syncLatency = new SimFaults.Latency(1_000_000, 2_000_000);
        assertEquals(
                "faults: readLatency 50000..90000 ns, syncLatency 1000000..2000000 ns",
                faults.describe());
        try (SimStore store = new SimStore(1, disk(), faults)) {
            int file = durable(store, FILE, 4, 1);
            long before = store.clock.nanoTime();
            store.read(file, 0, BLOCK);
            long read = store.clock.nanoTime() - before;
            assertTrue(read >= 50_000 && read <= 90_000, read + " ns");
            before = store.clock.nanoTime();
            store.sync(file);
            assertTrue(store.clock.nanoTime() - before >= 1_000_000);
            faults.slow = 0.05;
            faults.slowNanosMax = 50_000_000;
            int slow = 0;
            for (int i = 0; i < 200; i++) {
                before = store.clock.nanoTime();
                store.read(file, 0, BLOCK);
                slow += store.clock.nanoTime() - before > 90_000 ? 1 : 0;
            }
            assertTrue(slow > 2 && slow < 30, slow + " of 200 are slow");
        }
    }

    @Test
    void mistakesOfTheCaller() throws IOException {
        with(
                1,
                disk(),
                store -> {
                    int file = durable(store, FILE, 4, 1);
                    store.begin(file, 0, BLOCK, 2);
                    assertThrows(IllegalStateException.class, () -> store.io.closeFile(file));
                });
        with(
                1,
                disk(),
                store -> {
                    int file = durable(store, FILE, 4, 1);
                    long token = store.begin(file, 0, BLOCK, 2);
                    Memory.fill(store.out, BLOCK, (byte) 3);
                    assertThrows(IllegalStateException.class, () -> store.await(token));
                });
    }

    // What a test does to the medium.

    @Test
    void damageByHand() throws IOException {
        SimDisk disk = disk();
        with(
                1,
                disk,
                store -> {
                    int file = durable(store, FILE, 4, 1);
                    store.write(file, 0, BLOCK, 21);
                    store.sync(file);
                });
        SimDisk copy = disk.copy();
        disk.flipBit(FILE, 8);
        disk.zero(FILE, BLOCK - 8, 16);
        disk.swapBlocks(FILE, 2, FILE, 3);
        disk.crash(new Prng(1));
        byte[] contents = disk.contents(FILE);
        assertEquals(21 ^ 1, contents[1]);
        assertEquals(Set.of(0), values(contents, BLOCK - 8, 16));
        assertEquals(Set.of(4), values(contents, 2 * BLOCK, BLOCK));
        assertEquals(Set.of(3), values(contents, 3 * BLOCK, BLOCK));
        disk.truncate(FILE, 100);
        assertEquals(100, disk.bytes(FILE));
        disk.remove(FILE);
        assertEquals(List.of(), disk.names());

        assertEquals(Set.of(21), values(copy.contents(FILE), 0, BLOCK));
        assertTrue(copy.revertBlock(FILE, 0));
        assertFalse(copy.revertBlock(FILE, 1));
        copy.put(OTHER, new byte[] {1, 2, 3});
        copy.crash(new Prng(1));
        assertEquals(Set.of(1), values(copy.contents(FILE), 0, BLOCK));
        assertArrayEquals(new byte[] {1, 2, 3}, copy.contents(OTHER));
        assertThrows(IllegalArgumentException.class, () -> copy.bytes(DIRECTORY));
    }

    @Test
    void aCopyKnowsWhatIsInDoubt() throws IOException {
        SimDisk disk = disk();
        with(
                1,
                disk,
                store -> {
                    int file = durable(store, FILE, 1, 1);
                    store.write(file, 0, 512, 2);
                    store.io.renameFile(FILE, OTHER);
                });
        Set<String> outcomes = new TreeSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            SimDisk copy = disk.copy();
            copy.crash(new Prng(seed));
            Path path = Path.of(copy.names().getFirst());
            outcomes.add(path.getFileName() + " " + copy.contents(path)[0]);
        }
        assertEquals(Set.of("file 1", "file 2", "other 1", "other 2"), outcomes);
        assertEquals(2, disk.contents(OTHER)[0]);
    }

    // Calls.

    @Test
    void thePowerFailsAtACall() throws IOException {
        for (SimDisk.Moment moment : SimDisk.Moment.values()) {
            SimDisk disk = disk();
            List<String> log = new ArrayList<>();
            disk.setLog(log::add);
            with(
                    1,
                    disk,
                    store -> {
                        int file = durable(store, FILE, 1, 1);
                        store.write(file, 0, BLOCK, 2);
                        assertEquals(5, disk.calls());
                        disk.crashAt(6, moment);
                        assertThrows(SimStore.PowerFailure.class, () -> store.sync(file));
                        assertTrue(disk.isDead());
                        assertThrows(IOException.class, () -> store.io.renameFile(FILE, OTHER));
                        assertThrows(IOException.class, () -> store.io.deleteFile(FILE));
                        assertThrows(IOException.class, () -> store.file(OTHER));
                        assertThrows(
                                UncheckedIOException.class,
                                () -> store.io.openDirectory(DIRECTORY));
                        assertThrows(SimStore.PowerFailure.class, () -> store.read(file, 0, 512));
                        assertThrows(IllegalStateException.class, () -> new SimStore(2, disk));
                        disk.crash(new Prng(7));
                        assertFalse(disk.isDead());
                        // The machine that was switched off stays off.
                        assertThrows(SimStore.PowerFailure.class, () -> store.read(file, 0, 512));
                    });
            assertEquals(6, disk.calls());
            assertEquals("1 CREATE data/file: 0", log.getFirst());
            assertEquals("5 WRITE data/file 0+4096: 4096", log.get(4));
            assertEquals("6 SYNC data/file: the power fails " + moment, log.getLast());
            if (moment == SimDisk.Moment.AFTER) {
                assertEquals(Set.of(2), values(disk.contents(FILE), 0, BLOCK));
            }
            with(2, disk, store -> assertNotNull(store.contents(FILE)));
        }
    }

    @Test
    void oneCallFails() throws IOException {
        SimDisk disk = disk();
        with(
                1,
                disk,
                store -> {
                    int file = durable(store, FILE, 1, 1);
                    disk.failAt(5, SimDisk.Failure.SHORT);
                    disk.failAt(6, SimDisk.Failure.NO_SPACE);
                    disk.failAt(7, SimDisk.Failure.IO_ERROR);
                    disk.failAt(9, SimDisk.Failure.IO_ERROR_DROPPING);
                    disk.failAt(11, SimDisk.Failure.IO_ERROR);
                    disk.failAt(13, SimDisk.Failure.NO_SPACE);
                    assertEquals(BLOCK / 2, store.write(file, 0, BLOCK, 2));
                    assertEquals(-Errno.ENOSPC, store.write(file, 0, BLOCK, 3));
                    assertEquals(-Errno.EIO, store.write(file, 0, BLOCK, 4));
                    assertEquals(BLOCK, store.write(file, 0, BLOCK, 5));
                    assertEquals(-Errno.EIO, store.sync(file));
                    assertEquals(0, store.sync(file));
                    assertThrows(FileSystemException.class, () -> store.io.renameFile(FILE, OTHER));
                    store.io.renameFile(FILE, OTHER);
                    FileSystemException full =
                            assertThrows(FileSystemException.class, () -> store.file(FILE));
                    assertEquals(-Errno.ENOSPC, FileErrors.errnoOf(full));
                    assertNull(store.contents(FILE));
                });
        disk.crash(new Prng(1));
        assertEquals(Set.of(1), values(disk.contents(Path.of(disk.names().getFirst())), 0, BLOCK));
    }

    @Test
    void aLinkedWriteAndSyncAreTwoCalls() throws IOException {
        Set<Integer> between = new TreeSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            SimDisk disk = disk();
            int call = 5 + seed % 2;
            with(
                    seed,
                    disk,
                    store -> {
                        int file = durable(store, FILE, 1, 1);
                        disk.crashAt(call, SimDisk.Moment.AFTER);
                        Memory.fill(store.out, 512, (byte) 2);
                        long token = store.token();
                        store.io.writeAndSync(file, 0, store.out, 512, Io.UNREGISTERED, token);
                        assertThrows(SimStore.PowerFailure.class, () -> store.await(token));
                    });
            disk.crash(new Prng(seed));
            if (call == 5) {
                between.add((int) disk.contents(FILE)[0]);
            } else {
                assertEquals(2, disk.contents(FILE)[0]);
            }
        }
        assertEquals(Set.of(1, 2), between);
    }

    // Determinism.

    /** Three processes on one disk under all faults, with crashes. @return all that can be seen */
    private static List<Object> chaos(long seed) throws IOException {
        List<Object> seen = new ArrayList<>();
        Prng prng = new Prng(seed);
        SimDisk disk = disk();
        disk.setLog(seen::add);
        SimFaults faults = new SimFaults();
        for (int life = 0; life < 4; life++) {
            faults.ioError = 0.02;
            faults.readError = faults.writeError = faults.syncError = 0.02;
            faults.syncErrorDrops = 0.5;
            faults.noSpace = 0.02;
            faults.shortTransfer = 0.05;
            faults.readBitFlip = faults.mediumBitFlip = 0.02;
            faults.misdirectedRead = faults.misdirectedWrite = 0.02;
            faults.staleRead = faults.writeBitFlip = faults.lostWrite = 0.02;
            faults.slow = 0.1;
            List<SimStore> stores = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                stores.add(new SimStore(prng.nextLong(), disk, faults));
            }
            disk.crashAt(disk.calls() + 1 + prng.nextInt(400), SimDisk.Moment.AFTER);
            try {
                for (int step = 0; step < 200; step++) {
                    SimStore store = stores.get(prng.nextInt(3));
                    Path path = DIRECTORY.resolve("f" + prng.nextInt(5));
                    int file = store.file(path);
                    store.begin(file, prng.nextInt(16) * 512L, 512 * (1 + prng.nextInt(16)), step);
                    store.drain();
                    if (prng.chance(0.5)) {
                        seen.add(store.sync(file));
                    }
                    seen.add(store.read(file, 0, 16 * BLOCK));
                    seen.add(new Crc32c().of(store.in, 16 * BLOCK));
                    store.io.closeFile(file);
                    if (prng.chance(0.3)) {
                        store.io.renameFile(path, DIRECTORY.resolve("f" + prng.nextInt(5)));
                    }
                    if (prng.chance(0.1)) {
                        seen.add(store.syncDirectory(DIRECTORY));
                    }
                }
            } catch (IOException | SimStore.PowerFailure e) {
                seen.add(String.valueOf(e.getMessage()));
            }
            disk.crash(prng);
            for (SimStore store : stores) {
                seen.add(store.io.traceHash());
                store.close();
            }
            for (String name : disk.names()) {
                seen.add(name);
                seen.add(java.util.Arrays.hashCode(disk.contents(Path.of(name))));
            }
        }
        seen.add(disk.traceHash());
        return seen;
    }

    @Test
    void aSeedReplays() throws IOException {
        for (int seed = 0; seed < 20; seed++) {
            assertEquals(chaos(seed), chaos(seed), "-Dironcache.seed=" + seed);
        }
        assertNotEquals(chaos(1), chaos(2));
    }
}
