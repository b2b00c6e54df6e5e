package ironcache.recovery;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class CrossShardUnitsTest {
    private final CrossShardUnits units = new CrossShardUnits();

    /** A unit whose parts are single frames. */
    private void unit(int[] shards, long... seqnos) {
        for (int i = 0; i < shards.length; i++) {
            units.add(new CrossShardUnits.Part(shards[i], seqnos[i], shards, seqnos));
        }
    }

    private long[] cut(long... ends) {
        units.cut(ends);
        return ends;
    }

    @Test
    void whatIsWholeStays() {
        unit(new int[] {0, 1}, 5, 7);
        assertArrayEquals(new long[] {9, 8}, cut(9, 8));
    }

    @Test
    void whatLacksAPartGoesWithAllBehindIt() {
        unit(new int[] {0, 1}, 5, 7);
        assertArrayEquals(new long[] {4, 6}, cut(9, 6));
    }

    @Test
    void aCutTakesPartsFromOthers() {
        unit(new int[] {0, 1}, 5, 7);
        unit(new int[] {1, 2}, 8, 3);
        unit(new int[] {2, 3}, 4, 2);
        // Shard 0 has lost its part of the first: 1 is cut before 7, so 2 before 3, so 3 before 2.
        assertArrayEquals(new long[] {4, 6, 2, 1}, cut(4, 20, 20, 20));
        for (int shard = 0; shard < 4; shard++) {
            assertEquals(0, units.cause(shard));
        }
    }

    @Test
    void aPartThatConsistsOfSeveralFramesGoesAsAWhole() {
        int[] shards = {0, 1};
        long[] seqnos = {9, 4};
        units.add(new CrossShardUnits.Part(0, 6, shards, seqnos));
        units.add(new CrossShardUnits.Part(1, 4, shards, seqnos));
        assertArrayEquals(new long[] {5, 3}, cut(12, 3));
    }

    /** Whatever is lost: what is left has every unit whole or not at all, and no cut goes further than it must. */
    @Test
    void leavesWholeUnitsOnly() {
        long seed = Long.getLong("ironcache.seed", 1);
        for (int round = 0; round < 200; round++) {
            Prng prng = new Prng(seed + round);
            CrossShardUnits all = new CrossShardUnits();
            int shards = 2 + prng.nextInt(4);
            long[] next = new long[shards];
            List<long[]> made = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                int a = prng.nextInt(shards);
                int b = (a + 1 + prng.nextInt(shards - 1)) % shards;
                next[a] += 1 + prng.nextInt(3);
                next[b] += 1 + prng.nextInt(3);
                int[] over = {a, b};
                long[] seqnos = {next[a], next[b]};
                all.add(new CrossShardUnits.Part(a, next[a], over, seqnos));
                all.add(new CrossShardUnits.Part(b, next[b], over, seqnos));
                made.add(new long[] {a, b, next[a], next[b]});
            }
            long[] ends = new long[shards];
            for (int s = 0; s < shards; s++) {
                ends[s] = next[s] - prng.nextInt(20);
            }
            long[] cut = ends.clone();
            all.cut(cut);
            for (long[] unit : made) {
                boolean first = unit[2] <= cut[(int) unit[0]];
                boolean second = unit[3] <= cut[(int) unit[1]];
                assertTrue(first == second, "-Dironcache.seed=" + (seed + round));
            }
            for (int s = 0; s < shards; s++) {
                assertTrue(cut[s] <= ends[s]);
            }
        }
    }
}
