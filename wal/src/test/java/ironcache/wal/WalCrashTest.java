package ironcache.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import ironcache.ffm.SimDisk;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Whatever was acknowledged is there after a crash, units are whole, and nothing that is torn is read. */
final class WalCrashTest {
    private static final int SEEDS = Integer.getInteger("ironcache.walSeeds", 300);

    private static WalOptions options(Prng prng) {
        SyncPolicy[] policies = SyncPolicy.values();
        int chunk = 16 << 10 << prng.nextInt(3);
        return new WalOptions(
                chunk * (2L + prng.nextInt(4)), chunk, policies[prng.nextInt(policies.length)]);
    }

    private static void step(WalSim sim) {
        switch (sim.prng.nextInt(20)) {
            case 0, 1, 2, 3, 4, 5, 6 -> sim.appendUnit(1 + sim.prng.nextInt(3), 500);
            case 7 -> sim.appendUnit(1 + sim.prng.nextInt(40), 3000);
            case 8 -> sim.writer.rotate();
            case 9 -> sim.writer.setPolicy(SyncPolicy.values()[sim.prng.nextInt(3)]);
            case 10 -> sim.run(sim.prng.nextLong(200_000_000));
            case 11 -> sim.run(sim.prng.nextLong(2_000_000_000));
            case 12 -> sim.dropAll();
            default -> sim.turn();
        }
    }

    private static void run(long seed, boolean faults) {
        Prng prng = new Prng(seed);
        try (WalSim sim = new WalSim(seed, options(prng))) {
            for (int life = 0; life < 4; life++) {
                if (faults) {
                    sim.io.faults().shortTransfer = 0.1;
                    sim.io.faults().noSpace = 0.1;
                }
                int steps = prng.nextInt(200);
                for (int i = 0; i < steps; i++) {
                    step(sim);
                }
                long stable = sim.writer.stableSeqno();
                sim.crash(prng.chance(0.7));
                WalSim.Found found = sim.read(sim.from);
                if (found.lastGeneration == 0 && found.status == FrameReader.Status.DAMAGED) {
                    // Not even the first segment was begun: a server has no manifest that names it,
                    // then.
                    assertEquals(0, stable);
                    assertEquals(0, life);
                    return;
                }
                sim.check(found, stable);
                for (WalSim.Unit unit : sim.units) {
                    assertEquals(
                            unit.seqno() < found.nextSeqno,
                            found.units.contains(unit.id()),
                            "unit " + unit);
                }
                sim.restart(found);
                // Until its first segment is begun there is nothing that a further crash could
                // take.
                sim.settle();
            }
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("-Dironcache.seed=" + seed + " faults " + faults, e);
        }
    }

    @Test
    void whatWasAcknowledgedIsThere() {
        Long seed = Long.getLong("ironcache.seed");
        if (seed != null) {
            run(seed, false);
            run(seed, true);
            return;
        }
        for (int i = 0; i < SEEDS; i++) {
            run(i, i % 2 == 0);
        }
    }

    /**
     * A unit goes over several segments, and the crash comes before its end: it is cut where it began, which is before segments that were begun and are valid. The segment
     * that is begun then says so, for good.
     */
    @Test
    void aCutReachesBackOverSegments() {
        int reached = 0;
        for (int turns = 1; turns < 60; turns++) {
            try (WalSim sim =
                    new WalSim(turns, new WalOptions(32 << 10, 16 << 10, SyncPolicy.ALWAYS))) {
                sim.settle();
                sim.appendUnit(1, 100);
                sim.appendUnit(60, 3000);
                for (int i = 0; i < turns; i++) {
                    sim.turn();
                }
                long stable = sim.writer.stableSeqno();
                long begun = sim.writer.begunGeneration();
                for (int life = 0; life < 3; life++) {
                    sim.crash(true);
                    WalSim.Found found = sim.read(1);
                    sim.check(found, stable);
                    if (life == 0 && found.units.size() == 1 && begun > 2) {
                        reached++;
                    }
                    sim.restart(found);
                    sim.appendUnit(3, 1000);
                    sim.settle();
                    stable = sim.writer.stableSeqno();
                }
            }
        }
        assertTrue(reached > 5, "reached " + reached);
    }

    /** One run, and the plug pulled at each of its calls to the disk. */
    @Test
    void atEachCall() {
        int[] cases = {0};
        try (WalSim sim = new WalSim(11, new WalOptions(64 << 10, 16 << 10, SyncPolicy.ALWAYS))) {
            Prng prng = new Prng(12);
            sim.settle();
            sim.disk.setObserver(
                    (call, moment) -> {
                        SimDisk copy = sim.disk.copy();
                        copy.crash(prng.split());
                        WalSim.Found found = WalSim.readDisk(copy, sim.from);
                        sim.check(found, sim.writer.stableSeqno());
                        cases[0]++;
                    });
            for (int i = 0; i < 400; i++) {
                if (i % 8 == 0) {
                    sim.writer.setPolicy(SyncPolicy.values()[i / 8 % 3]);
                }
                sim.appendUnit(1 + sim.prng.nextInt(3), 700);
                sim.turn();
                if (i % 100 == 50) {
                    sim.dropAll();
                }
            }
            assertTrue(sim.writer.segmentGeneration() > 6);
        }
        assertTrue(cases[0] > 300, "crashes: " + cases[0]);
    }

    /** The simulated disk only pretends to sync: the test above must notice that. */
    @Test
    void aSyncThatDoesNothingIsNoticed() {
        int noticed = 0;
        for (int seed = 0; seed < 20; seed++) {
            try (WalSim sim =
                    new WalSim(seed, new WalOptions(64 << 10, 16 << 10, SyncPolicy.ALWAYS))) {
                sim.settle();
                sim.io.faults().ignoreSync = true;
                for (int i = 0; i < 20; i++) {
                    sim.appendUnit(1, 700);
                    sim.turn();
                }
                sim.settle();
                long stable = sim.writer.stableSeqno();
                sim.crash(true);
                WalSim.Found found = sim.read(1);
                try {
                    sim.check(found, stable);
                } catch (AssertionError expected) {
                    noticed++;
                }
            }
        }
        assertTrue(noticed > 10, "noticed " + noticed + " of 20");
    }

    /** A name that is not durable takes the whole segment with it. */
    @Test
    void aDirectorySyncThatDoesNothingIsNoticed() {
        int noticed = 0;
        for (int seed = 0; seed < 40; seed++) {
            try (WalSim sim =
                    new WalSim(seed, new WalOptions(64 << 10, 16 << 10, SyncPolicy.ALWAYS))) {
                sim.settle();
                sim.io.faults().ignoreDirectorySync = true;
                for (int i = 0; i < 200; i++) {
                    sim.appendUnit(1, 700);
                    sim.turn();
                }
                sim.settle();
                long stable = sim.writer.stableSeqno();
                sim.crash(true);
                WalSim.Found found = sim.read(1);
                try {
                    sim.check(found, stable);
                } catch (AssertionError expected) {
                    noticed++;
                }
            }
        }
        assertTrue(noticed > 10, "noticed " + noticed + " of 40");
    }

    /** Two runs of a seed do the same. */
    @Test
    void aSeedReplays() {
        List<Long> hashes = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            try (WalSim sim =
                    new WalSim(5, new WalOptions(64 << 10, 16 << 10, SyncPolicy.EVERYSEC))) {
                for (int step = 0; step < 300; step++) {
                    step(sim);
                }
                hashes.add(sim.io.traceHash());
            }
        }
        assertEquals(hashes.get(0), hashes.get(1));
    }
}
