package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ComparisonTest {
    @Test
    void bottlenecksAreNamed() {
        assertEquals("client", bottleneck(0.6, 0.95, 1.6));
        assertEquals("server", bottleneck(0.97, 0.5, 1.5));
        assertEquals("client, server, all cores", bottleneck(0.97, 0.97, 1.98));
        assertEquals("all cores", bottleneck(0.9 - 0.01, 0.85, 1.9));
        assertEquals("all cores, others among them", bottleneck(0.5, 0.5, 2));
        assertEquals("none: they wait for each other", bottleneck(0.5, 0.5, 1.1));
    }

    private static String bottleneck(double server, double client, double machine) {
        return Comparison.bottleneck(
                new Comparison.Figures(1, 1, 1, server, client, machine), 1, 1, 2);
    }

    /** With 4 shards 3 of 4 keys are another shard's, with 64 all but one in 64. */
    @Test
    void cpuGrowsWithTheShareOfForeignKeys() {
        assertEquals(1.0, ShardCpuScenario.cpuUsOnPaper(1.0, 1.3, 1), 1e-9);
        assertEquals(1.2, ShardCpuScenario.cpuUsOnPaper(1.0, 1.3, 2), 1e-9);
        assertEquals(1.3, ShardCpuScenario.cpuUsOnPaper(1.0, 1.3, 4), 1e-9);
        assertEquals(1.0 + 0.4 * 63 / 64, ShardCpuScenario.cpuUsOnPaper(1.0, 1.3, 64), 1e-9);
    }
}
