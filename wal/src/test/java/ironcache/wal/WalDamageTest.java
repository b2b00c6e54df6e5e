package ironcache.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Damage to a log that says of everything in it that it was acknowledged: found, or without consequence; never wrong data, never less than there was. */
final class WalDamageTest {
    private static final Path FIRST = WalFileLayout.logFile(WalSim.DIRECTORY, 1);
    private static final Path SECOND = WalFileLayout.logFile(WalSim.DIRECTORY, 2);
    private static final Path THIRD = WalFileLayout.logFile(WalSim.DIRECTORY, 3);

    /** Flips of each so-manieth byte; 1 for all of them. */
    private static final int STRIDE = Integer.getInteger("ironcache.walFlipStride", 5);

    /** Three segments, of which the last is being filled; at rest, so that its witness vouches for all of it. */
    private static WalSim threeSegments() {
        WalSim sim = new WalSim(1, new WalOptions(48 << 10, 16 << 10, SyncPolicy.ALWAYS));
        for (int i = 0; sim.writer.segmentGeneration() < 3; i++) {
            sim.appendUnit(1 + i % 3, 1500);
            sim.turn();
        }
        for (int i = 0; i < 3; i++) {
            sim.appendUnit(2, 300);
            sim.settle();
        }
        sim.run(1_000_000_000);
        // What is in the last segment is vouched for by its own frames and its witness alone.
        assertEquals(3, sim.writer.segmentGeneration());
        return sim;
    }

    private static void checkHarmlessOrFound(WalSim sim, SimDisk disk, String what, int[] counts) {
        WalSim.Found found = WalSim.readDisk(disk, 1);
        if (found.status == FrameReader.Status.DAMAGED) {
            assertNotNull(found.damage);
            counts[0]++;
        } else {
            assertEquals(sim.units.size(), found.units.size(), what + ": " + found.status);
            counts[1]++;
        }
    }

    @Test
    void flips() {
        int[] counts = new int[2];
        try (WalSim sim = threeSegments()) {
            Prng prng = new Prng(2);
            for (Path file : List.of(FIRST, SECOND, THIRD)) {
                for (long at = prng.nextInt(STRIDE); at < sim.disk.bytes(file); at += STRIDE) {
                    SimDisk copy = sim.disk.copy();
                    int bit = prng.nextInt(8);
                    copy.flipBit(file, at * 8 + bit);
                    checkHarmlessOrFound(sim, copy, file + " byte " + at + " bit " + bit, counts);
                }
            }
        }
        assertTrue(counts[0] > 1000 && counts[1] > 100, counts[0] + " found, " + counts[1]);
    }

    @Test
    void blocksThatAreZeroedSwappedOrCutOff() {
        int[] counts = new int[2];
        try (WalSim sim = threeSegments()) {
            Prng prng = new Prng(3);
            List<Path> files = List.of(FIRST, SECOND, THIRD);
            for (int i = 0; i < 2000; i++) {
                SimDisk copy = sim.disk.copy();
                Path file = files.get(prng.nextInt(3));
                Path other = files.get(prng.nextInt(3));
                long block = prng.nextInt(12);
                long otherBlock = prng.nextInt(12);
                String what = i % 3 + ": " + file + " " + block + " " + other + " " + otherBlock;
                switch (i % 3) {
                    case 0 -> copy.zero(file, prng.nextInt(96) * 512L, 512);
                    case 1 -> copy.swapBlocks(file, block, other, otherBlock);
                    // Every other one so short that its header is not whole.
                    default ->
                            copy.truncate(
                                    file, prng.nextLong(i % 2 == 0 ? 4096 : sim.disk.bytes(file)));
                }
                checkHarmlessOrFound(sim, copy, what, counts);
            }
        }
        assertTrue(counts[0] > 500, counts[0] + " found, " + counts[1]);
    }

    @Test
    void filesThatAreMissingOrSwapped() {
        try (WalSim sim = threeSegments()) {
            SimDisk missing = sim.disk.copy();
            missing.remove(SECOND);
            WalSim.Found found = WalSim.readDisk(missing, 1);
            assertEquals(
                    SECOND
                            + ", offset 0, field file: expected a log segment, actual nothing: it is missing",
                    String.valueOf(found.damage));
            for (List<Path> pair :
                    List.of(
                            List.of(FIRST, SECOND),
                            List.of(SECOND, THIRD),
                            List.of(FIRST, THIRD))) {
                SimDisk swapped = sim.disk.copy();
                byte[] one = swapped.contents(pair.get(0));
                swapped.put(pair.get(0), swapped.contents(pair.get(1)));
                swapped.put(pair.get(1), one);
                found = WalSim.readDisk(swapped, 1);
                assertEquals(FrameReader.Status.DAMAGED, found.status);
                assertEquals("generation", found.damage.field());
            }
        }
    }

    @Test
    void damageSaysWhere() {
        try (WalSim sim = threeSegments()) {
            SimDisk copy = sim.disk.copy();
            copy.flipBit(FIRST, (4096 + 100) * 8L);
            Damage damage = WalSim.readDisk(copy, 1).damage;
            assertEquals(FIRST, damage.file());
            assertEquals(4096, damage.offset());
            assertEquals("crc32c", damage.field());
        }
    }

    /** Whatever goes with the end, all of it too: its blocks hold nothing, or what was there before they were written. */
    @Test
    void theEndOfTheLog() {
        for (boolean stale : new boolean[] {false, true}) {
            try (WalSim sim = stale ? usedAgain() : threeSegments()) {
                Path last = WalFileLayout.logFile(WalSim.DIRECTORY, sim.writer.begunGeneration());
                int end = stale ? 1 + COMMITS : 12;
                byte[] contents = sim.disk.contents(last);
                while (allZero(contents, end - 1)) {
                    end--;
                }
                assertTrue(end > COMMITS - 1, "blocks: " + end);
                for (int from = end - 1; from >= 1; from--) {
                    SimDisk copy = sim.disk.copy();
                    for (int block = from; block < end; block++) {
                        if (!stale) {
                            copy.zero(last, block * 4096L, 4096);
                        } else {
                            assertTrue(copy.revertBlock(last, block));
                        }
                    }
                    WalSim.Found found = WalSim.readDisk(copy, sim.from);
                    assertEquals(FrameReader.Status.DAMAGED, found.status, "from block " + from);
                    assertEquals(last, found.damage.file());
                    assertEquals(from * 4096L, found.damage.offset());
                }
            }
        }
    }

    /** Where a log ends shows in its last segments: those before, all of them acknowledged, need not be read for that. */
    @Test
    void theEndIsFoundWithoutAllOfTheLog() {
        try (WalSim sim = threeSegments()) {
            SimDisk unsaid = sim.disk.copy();
            for (Path file : sim.segments(1)) {
                unsaid.zero(file, WalFileLayout.WITNESS_OFFSET, Long.BYTES);
            }
            WalSim.End all = WalSim.readEnd(unsaid);
            assertEquals(0, all.passedOver());
            assertEquals(sim.writer.lastSeqno(), all.frames());
            assertEquals(sim.writer.lastSeqno(), all.lastSeqno());

            WalSim.End last = WalSim.readEnd(sim.disk);
            assertTrue(last.passedOver() > 0);
            assertEquals(sim.writer.lastSeqno() - last.passedOver(), last.frames());
            assertEquals(sim.writer.lastSeqno(), last.lastSeqno());
        }
    }

    private static boolean allZero(byte[] contents, int block) {
        return IntStream.range(block * 4096, (block + 1) * 4096).allMatch(i -> contents[i] == 0);
    }

    private static final int COMMITS = 4;

    /** The last segment is one that was used before, and has {@link #COMMITS}, each a block. */
    private static WalSim usedAgain() {
        WalSim sim = new WalSim(1, new WalOptions(48 << 10, 16 << 10, SyncPolicy.ALWAYS));
        for (int round = 0; round < 6; round++) {
            for (int i = 0; i < COMMITS; i++) {
                sim.appendUnit(2, 300);
                sim.settle();
            }
            if (round < 5) {
                sim.dropAll();
            }
        }
        sim.run(1_000_000_000);
        return sim;
    }

    /** Whatever becomes of a witness that the power failed in, it takes nothing, and claims nothing that was not there. */
    @Test
    void aWitnessInAPowerLoss() {
        Set<Long> left = new TreeSet<>();
        for (int seed = 0; seed < 200; seed++) {
            try (WalSim sim =
                    new WalSim(seed, new WalOptions(256 << 10, 16 << 10, SyncPolicy.ALWAYS))) {
                sim.settle();
                Prng prng = new Prng(seed);
                for (int unit = 1; unit <= 3; unit++) {
                    sim.appendUnit(1, 64);
                    sim.await(unit);
                    // Nothing but the witness follows.
                    int[] taken = {0};
                    sim.disk.setObserver(
                            (call, moment) -> {
                                SimDisk copy = sim.disk.copy();
                                copy.crash(prng.split());
                                left.add(WalSim.witness(copy, FIRST));
                                sim.check(WalSim.readDisk(copy, 1), sim.writer.stableSeqno());
                                taken[0]++;
                            });
                    sim.run(WalSegments.WITNESS_NANOS);
                    sim.disk.setObserver((call, moment) -> {});
                    assertEquals(2, taken[0], "one write");
                    assertEquals(unit, WalSim.witness(sim.disk, FIRST));
                }
            }
        }
        assertEquals(Set.of(0L, 1L, 2L, 3L), left, "the one before, and the new one");
    }

    // Stale frames.

    /** A file with the header of a generation, and at a place a frame that was sealed for another, or for the same. */
    private static WalSim.Found readFrame(
            long nodeId, long generation, long offset, long seqno, boolean ofSealed) {
        SimDisk disk = new SimDisk(1 << 20);
        long memory = Memory.allocate(128 << 10, MemoryTag.OTHER);
        try {
            Crc32c crc = new Crc32c();
            int bytes = 32 << 10;
            WalFileLayout.put(
                    memory,
                    WalFileLayout.TYPE_LOG,
                    WalSim.SHARD,
                    2,
                    50,
                    WalSim.NODE_ID,
                    bytes,
                    crc);
            long frame = memory + 4096;
            FrameLayout.put(frame, seqno, FrameLayout.MARK, 0, 8);
            Memory.putLong(frame + FrameLayout.HEADER_BYTES, 77);
            FrameLayout.seal(frame, 49, 49, nodeId, WalSim.SHARD, generation, offset, crc);
            if (!ofSealed) {
                // The planted bug: a checksum of header and payload that leaves the place out.
                Memory.putInt(frame + FrameLayout.CRC_OFFSET, 0);
                Memory.putInt(frame + FrameLayout.CRC_OFFSET, crc.of(frame, 48));
            }
            byte[] contents = new byte[bytes];
            Memory.copyOut(memory, contents, 0, bytes);
            disk.put(SECOND, contents);
            try (SimIo io = new SimIo(1, new SimClock(), disk)) {
                return WalSim.read(io, List.of(SECOND), false);
            }
        } finally {
            Memory.free(memory, 128 << 10, MemoryTag.OTHER);
        }
    }

    @Test
    void aFrameCountsOnlyInItsPlace() {
        assertEquals(List.of(77L), readFrame(WalSim.NODE_ID, 2, 4096, 50, true).marks);
        assertEquals(List.of(), readFrame(WalSim.NODE_ID, 1, 4096, 50, true).marks);
        assertEquals(List.of(), readFrame(WalSim.NODE_ID, 2, 8192, 50, true).marks);
        assertEquals(List.of(), readFrame(WalSim.NODE_ID + 1, 2, 4096, 50, true).marks);
        assertEquals(List.of(), readFrame(WalSim.NODE_ID, 2, 4096, 51, true).marks);
        assertEquals(List.of(), readFrame(WalSim.NODE_ID, 2, 4096, 50, false).marks);
    }

    /** A recycled segment is full of frames whose seqnos were right once; the next life of the file must not see any, wherever it stops. */
    @Test
    void aRecycledSegmentShowsNothingOfItsFormerLife() {
        for (int seed = 0; seed < 50; seed++) {
            try (WalSim sim =
                    new WalSim(seed, new WalOptions(32 << 10, 16 << 10, SyncPolicy.ALWAYS))) {
                int recycled = 0;
                for (int round = 0; round < 6; round++) {
                    for (int i = 0; i < 30; i++) {
                        sim.appendUnit(1, 600);
                    }
                    sim.settle();
                    sim.dropAll();
                    for (int i = 0; i < sim.prng.nextInt(20); i++) {
                        sim.appendUnit(1, 600);
                        sim.turn();
                    }
                    long stable = sim.writer.stableSeqno();
                    SimDisk copy = sim.disk.copy();
                    copy.crash(sim.prng.split());
                    WalSim.Found found = WalSim.readDisk(copy, sim.from);
                    sim.check(found, stable);
                    recycled += sim.from > 3 ? 1 : 0;
                }
                assertTrue(recycled > 3);
            }
        }
    }

    @Test
    void theReaderLivesWithShortReads() {
        try (WalSim sim = threeSegments()) {
            for (int seed = 0; seed < 30; seed++) {
                try (SimIo io = new SimIo(seed, new SimClock(), sim.disk.copy())) {
                    io.faults().shortTransfer = 0.5;
                    WalSim.Found found = WalSim.read(io, WalSim.segments(io, 1), false);
                    assertEquals(sim.units.size(), found.units.size(), () -> "" + found.damage);
                }
            }
        }
    }
}
