package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import ironcache.ffm.SimDisk;
import ironcache.parity.ParityLayout;
import ironcache.tools.CorruptionDamage.Target;
import ironcache.tools.CorruptionData.Origin;
import ironcache.tools.CorruptionData.Served;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * The server on the simulated disk, with parity: one place of its files is damaged, as {@link CorruptionDamage} does it, and where that is within what is promised, a start serves everything
 * as if nothing had happened; else it does as without parity, and serves no wrong value.
 */
final class ParitySimulationTest {
    private static final int CASES_PER_DIRECTORY = 25;
    private static final int FEW_CASES = 12;
    private static final int MANY_KEYS = 24_000;
    private static final int PERCENT = 10;

    @Test
    void whatIsWithinThePromiseIsNotNoticed() throws IOException {
        long seed = ServerTestBase.seed(1);
        Map<Target, Integer> restored = new EnumMap<>(Target.class);
        for (Origin origin :
                new Origin[] {Origin.LOG_AT_REST, Origin.SNAPSHOT_ALONE, Origin.STATE_AND_LOG}) {
            try (CorruptionData data = new CorruptionData(origin, 0, PERCENT, seed)) {
                play(data, seed, CASES_PER_DIRECTORY, EnumSet.allOf(Target.class), restored);
            }
        }
        // So many that segments are full.
        try (CorruptionData data =
                new CorruptionData(Origin.LOG_AT_REST, MANY_KEYS, PERCENT, seed)) {
            play(data, seed, FEW_CASES, EnumSet.of(Target.SEGMENT), restored);
        }
        System.out.println("parity: restored " + restored);
        assertTrue(restored.getOrDefault(Target.SEGMENT, 0) > 0, "" + restored);
        assertTrue(restored.getOrDefault(Target.LOG, 0) > 0, "" + restored);
        assertTrue(restored.getOrDefault(Target.IMAGE, 0) > 0, "" + restored);
    }

    private static void play(
            CorruptionData data,
            long seed,
            int cases,
            Set<Target> targets,
            Map<Target, Integer> restored) {
        CorruptionDamage.Files files = new CorruptionDamage.Files(data.disk);
        Prng prng = new Prng(seed + data.origin.ordinal());
        for (int i = 0; i < cases; ) {
            SimDisk disk = data.disk.copy();
            CorruptionDamage damage = CorruptionDamage.make(disk, files, prng);
            if (!targets.contains(damage.target)) {
                continue;
            }
            i++;
            Served served = data.serve(disk, seed + i, true, CorruptionData.NOTHING);
            String what = "seed " + seed + ", " + data.origin + ", case " + i + ": " + damage;
            assertEquals("[]", "" + served.failures(), what);
            if (isWithin(data.disk, damage)) {
                assertTrue(served.isAll(), what + ": " + served);
                restored.merge(damage.target, 1, Integer::sum);
            }
        }
    }

    /** Whether each touched file has parity, and the run of blocks in it is no longer than what comes back. */
    private static boolean isWithin(SimDisk before, CorruptionDamage damage) {
        for (Map.Entry<Path, long[]> touched : damage.touched.entrySet()) {
            Path file = touched.getKey();
            if (!before.names().contains(ParityLayout.parityFile(file).toString())) {
                return false;
            }
            long blocks = before.bytes(file) / ParityLayout.BLOCK_BYTES;
            long stripes = (Math.min(blocks, 4096) + 99) / 100;
            long first = touched.getValue()[0] / ParityLayout.BLOCK_BYTES;
            long last = (touched.getValue()[1] - 1) / ParityLayout.BLOCK_BYTES;
            boolean isOneZone = first / 4096 == last / 4096;
            if (!isOneZone || last - first + 1 > Math.min(PERCENT * stripes, blocks / 2)) {
                return false;
            }
        }
        return true;
    }
}
