package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class WarmRestartScenarioTest {
    @Test
    void theFirstSecondThatReachesTheShareCounts() {
        double[] shares = {0.1, 0.89, 0.9, 0.2};
        assertEquals(4.5, WarmRestartScenario.recovered(shares, 1.5));
        assertEquals(2.5, WarmRestartScenario.recovered(new double[] {1.2}, 1.5));
    }

    @Test
    void aShareThatIsNeverReachedIsNoFigure() {
        assertEquals(
                Double.POSITIVE_INFINITY,
                WarmRestartScenario.recovered(new double[] {0.5, 0.8}, 1.5));
    }
}
