package ironcache.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class WalWriterTest {
    private static final long SECOND = 1_000_000_000L;

    private static WalOptions small(SyncPolicy policy) {
        return new WalOptions(256 << 10, 64 << 10, policy);
    }

    @ParameterizedTest
    @EnumSource(SyncPolicy.class)
    void whatWasAppendedIsRead(SyncPolicy policy) {
        try (WalSim sim = new WalSim(1, small(policy))) {
            for (int i = 0; i < 2000; i++) {
                sim.appendUnit(1 + sim.prng.nextInt(4), 1000);
                if (sim.prng.chance(0.1)) {
                    sim.turn();
                }
            }
            sim.settle();
            assertTrue(sim.writer.segmentGeneration() > 5, "segments must have been rotated");
            sim.crash(policy != SyncPolicy.NO);
            WalSim.Found found = sim.read(1);
            assertEquals(FrameReader.Status.END, found.status, () -> "" + found.damage);
            sim.check(found, Long.MAX_VALUE);
        }
    }

    @Test
    void alwaysAcknowledgesWithOneSyncACommit() {
        try (WalSim sim = new WalSim(2, small(SyncPolicy.ALWAYS))) {
            sim.settle();
            long syncs = sim.writer.syncs();
            sim.appendUnit(1, 64);
            sim.appendUnit(1, 64);
            long seqno = sim.writer.appendedSeqno();
            assertTrue(sim.writer.stableSeqno() < seqno);
            sim.await(seqno);
            assertEquals(1, sim.writer.syncs() - syncs);
            assertEquals(0, sim.writer.pendingBytes());
            assertEquals(Long.MAX_VALUE, sim.writer.unsyncedSinceNanos());
        }
    }

    @Test
    void everysecSyncsOnceASecond() {
        try (WalSim sim = new WalSim(3, small(SyncPolicy.EVERYSEC))) {
            sim.settle();
            long syncs = sim.writer.syncs();
            for (int i = 0; i < 500; i++) {
                sim.appendUnit(1, 64);
                sim.run(SECOND / 50);
                assertTrue(sim.writer.unsyncedNanos(sim.clock.nanoTime()) <= SECOND * 11 / 10);
            }
            long made = sim.writer.syncs() - syncs;
            assertTrue(made >= 9 && made <= 12, "syncs in ten seconds: " + made);
        }
    }

    @Test
    void anIdleLogRecordsWhatWasAcknowledged() {
        try (WalSim sim = new WalSim(4, small(SyncPolicy.ALWAYS))) {
            sim.appendUnit(1, 64);
            sim.settle();
            long appended = sim.writer.appendedSeqno();
            sim.run(SECOND);
            long written = sim.writer.writtenBytes();
            sim.run(10 * SECOND);
            assertEquals(written, sim.writer.writtenBytes(), "two marks are enough");
            assertEquals(appended, sim.writer.appendedSeqno(), "nobody waits for it");
            WalSim.Found found = sim.read(1);
            assertEquals(3, found.frames);
        }
    }

    @Test
    void aUnitLargerThanAChunkIsOneUnit() {
        try (WalSim sim = new WalSim(5, small(SyncPolicy.ALWAYS))) {
            sim.appendUnit(1, 64);
            sim.appendUnit(60, 20_000);
            sim.appendUnit(1, 64);
            sim.settle();
            sim.crash(true);
            WalSim.Found found = sim.read(1);
            assertEquals(FrameReader.Status.END, found.status, () -> "" + found.damage);
            sim.check(found, Long.MAX_VALUE);
        }
    }

    @Test
    void aUnitThatIsOpenDoesNotHoldUpWhatCameBefore() {
        try (WalSim sim = new WalSim(6, small(SyncPolicy.ALWAYS))) {
            sim.appendUnit(1, 64);
            long before = sim.writer.appendedSeqno();
            sim.writer.beginUnit();
            assertFalse(sim.writer.hasUnit());
            long id = sim.newUnit();
            sim.appendEffect(id, 0, 2, 48);
            assertTrue(sim.writer.hasUnit());
            sim.await(before);
            sim.run(SECOND);
            assertTrue(sim.writer.pendingBytes() > 0);
            sim.writer.beginUnit();
            sim.appendEffect(id, 1, 2, 48);
            sim.writer.endUnit();
            long after = sim.writer.appendedSeqno();
            assertTrue(after > before);
            sim.await(after);
            sim.crash(true);
            WalSim.Found found = sim.read(1);
            assertEquals(2, found.units.size());
        }
    }

    @Test
    void aFailedSyncIsForGood() {
        try (WalSim sim = new WalSim(7, small(SyncPolicy.ALWAYS))) {
            sim.settle();
            sim.io.faults().ioError = 1;
            sim.appendUnit(1, 64);
            long stable = sim.writer.stableSeqno();
            sim.run(SECOND);
            assertTrue(sim.writer.isFailed());
            assertEquals(
                    "Errors writing to the AOF file: EIO"
                            + " (/sim/shard-0/wal-0000000000000001.iron, offset 4096)",
                    sim.writer.failure());
            sim.io.faults().ioError = 0;
            sim.run(10 * SECOND);
            assertTrue(sim.writer.isFailed());
            assertEquals(stable, sim.writer.stableSeqno());
            assertEquals(0, sim.writer.pendingBytes(), "what will never be written is forgotten");
        }
    }

    @Test
    void aFullDiskRefusesWritesUntilThereIsRoom() {
        try (WalSim sim = new WalSim(8, small(SyncPolicy.ALWAYS))) {
            sim.settle();
            sim.io.faults().noSpace = 1;
            sim.appendUnit(1, 64);
            sim.run(3 * SECOND);
            assertFalse(sim.writer.isFailed());
            assertNotNull(sim.writer.failure());
            sim.io.faults().noSpace = 0;
            sim.run(2 * SECOND);
            assertNull(sim.writer.failure());
            assertTrue(sim.writer.stableSeqno() >= sim.writer.appendedSeqno());
        }
    }

    @Test
    void shortWritesAreCompletedBeforeTheyCount() {
        for (int seed = 0; seed < 20; seed++) {
            try (WalSim sim = new WalSim(seed, small(SyncPolicy.ALWAYS))) {
                sim.settle();
                sim.io.faults().shortTransfer = 0.7;
                for (int i = 0; i < 20; i++) {
                    sim.appendUnit(3, 10_000);
                    sim.turn();
                }
                sim.settle();
                long stable = sim.writer.stableSeqno();
                assertEquals(stable, sim.writer.appendedSeqno());
                sim.crash(true);
                WalSim.Found found = sim.read(1);
                sim.check(found, stable);
            }
        }
    }

    @Test
    void rotationBeginsASegmentWithTheNextFrame() {
        try (WalSim sim = new WalSim(9, small(SyncPolicy.EVERYSEC))) {
            sim.writer.rotate();
            assertEquals(1, sim.writer.segmentGeneration(), "nothing is in the first one yet");
            sim.appendUnit(1, 64);
            sim.writer.rotate();
            assertEquals(2, sim.writer.segmentGeneration());
            sim.writer.rotate();
            assertEquals(2, sim.writer.segmentGeneration());
            long at = sim.writer.mark(8);
            ironcache.ffm.Memory.putLong(at, 77);
            sim.appendUnit(1, 64);
            sim.settle();
            WalSim.Found found = sim.read(2);
            assertEquals(FrameReader.Status.END, found.status, () -> "" + found.damage);
            assertEquals(java.util.List.of(77L), found.marks);
            assertEquals(java.util.List.of(2L), found.units);
        }
    }

    @Test
    void segmentsAreRecycled() {
        try (WalSim sim = new WalSim(10, small(SyncPolicy.ALWAYS))) {
            for (int round = 0; round < 30; round++) {
                for (int i = 0; i < 20; i++) {
                    sim.appendUnit(1, 1000);
                }
                sim.settle();
                long generation = sim.writer.segmentGeneration();
                sim.writer.rotate();
                sim.settle();
                sim.writer.deleteBefore(generation);
            }
            assertTrue(sim.segments(0).size() <= 5, "files: " + sim.segments(0));
            sim.appendUnit(1, 64);
            sim.settle();
            long generation = sim.writer.segmentGeneration();
            WalSim.Found found = sim.read(generation);
            assertEquals(FrameReader.Status.END, found.status, () -> "" + found.damage);
            assertEquals(1, found.units.size());
        }
    }
}
