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

    private static long witness(WalSim sim, long generation) {
        return WalSim.witness(sim.disk, WalFileLayout.logFile(WalSim.DIRECTORY, generation));
    }

    @Test
    void anIdleLogRecordsWhatWasAcknowledged() {
        try (WalSim sim = new WalSim(4, small(SyncPolicy.ALWAYS))) {
            sim.appendUnit(1, 64);
            sim.settle();
            sim.run(SECOND / 100);
            assertEquals(1, witness(sim, 1), "the last one is long ago");
            sim.appendUnit(1, 64);
            sim.await(2);
            sim.run(WalSegments.WITNESS_NANOS / 2);
            assertEquals(1, witness(sim, 1));
            sim.run(WalSegments.WITNESS_NANOS);
            assertEquals(2, witness(sim, 1));
            assertTrue(sim.writer.isWitnessed());
            long calls = sim.disk.calls();
            sim.run(10 * SECOND);
            assertEquals(calls, sim.disk.calls(), "once is enough");
            assertEquals(Long.MAX_VALUE, sim.writer.nextNanos(), "and it sleeps");
            WalSim.Found found = sim.read(1);
            assertEquals(2, found.frames);
        }
    }

    @ParameterizedTest
    @EnumSource(SyncPolicy.class)
    void aBusyLogRecordsIt(SyncPolicy policy) {
        try (WalSim sim = new WalSim(4, new WalOptions(4 << 20, 64 << 10, policy))) {
            sim.settle();
            long told = 0;
            long witnessed = 0;
            for (int i = 0; i < 400; i++) {
                sim.appendUnit(1, 64);
                sim.run(SECOND / 100);
                long witness = witness(sim, 1);
                assertTrue(witness >= witnessed && witness <= sim.writer.stableSeqno());
                told += witness > witnessed ? 1 : 0;
                witnessed = witness;
            }
            assertEquals(1, sim.writer.begunGeneration());
            long least = policy == SyncPolicy.ALWAYS ? 30 : policy == SyncPolicy.EVERYSEC ? 3 : 0;
            long most = policy == SyncPolicy.NO ? 0 : 41;
            assertTrue(told >= least && told <= most, "witnesses in four seconds: " + told);
        }
    }

    @Test
    void aWitnessDoesNotOutliveItsSegment() {
        try (WalSim sim = new WalSim(4, small(SyncPolicy.ALWAYS))) {
            int used = 0;
            for (int round = 0; round < 8; round++) {
                sim.appendUnit(20, 1000);
                sim.settle();
                sim.run(SECOND);
                assertEquals(
                        sim.writer.stableSeqno(), witness(sim, sim.writer.segmentGeneration()));
                int files = sim.segments(0).size();
                sim.dropAll();
                // Before it has one of its own.
                assertEquals(0, witness(sim, sim.writer.segmentGeneration()));
                used += sim.segments(0).size() == files ? 1 : 0;
            }
            assertTrue(used > 3, "segments that were used again: " + used);
        }
    }

    @Test
    void aWitnessThatCannotBeWrittenIsNoFailure() {
        try (WalSim sim = new WalSim(4, small(SyncPolicy.ALWAYS))) {
            sim.settle();
            sim.appendUnit(1, 64);
            sim.await(1);
            sim.io.faults().noSpace = 1;
            sim.run(10 * SECOND);
            assertEquals(0, witness(sim, 1));
            assertFalse(sim.writer.isFailed());
            assertNull(sim.writer.failure());
            assertTrue(sim.writer.isQuiet());
            sim.io.faults().noSpace = 0;
            sim.run(2 * SECOND);
            assertEquals(1, witness(sim, 1));
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
