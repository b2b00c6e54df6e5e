package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.resp.SimulatedNode.Bug;
import ironcache.tools.HistoryChecker.SessionOrder;
import ironcache.tools.SimulatedRun.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** The short form of {@code tools/conformance histories --simulated} for every build. */
class SimulatedRunTest {
    private static Outcome play(long seed) {
        return SimulatedRun.play(seed, 0, Bug.NONE, SessionOrder.ALL);
    }

    @Test
    void shardsHaveOneOrder() {
        long first = ServerTestBase.seed(1);
        long lockWaits = 0;
        long coldReads = 0;
        long holds = 0;
        for (long seed = first; seed < first + 60; seed++) {
            Outcome outcome = play(seed);
            assertEquals(List.of(), outcome.failures(), "-Dironcache.seed=" + seed);
            assertEquals(List.of(), outcome.anomalies(), "-Dironcache.seed=" + seed);
            assertTrue(outcome.units() > 100, outcome.toString());
            lockWaits += outcome.lockWaits();
            coldReads += outcome.coldReads();
            holds += outcome.transactionHolds();
        }
        assertTrue(lockWaits > 100, "threads did not meet");
        assertTrue(coldReads > 100, "nothing was cold");
        assertTrue(holds > 0, "no EXEC waited in the middle of its work");
    }

    /** With memory of any seed: nothing of the one before is left that could matter. */
    @Test
    void sameSeedGivesTheSameTrace() {
        List<Outcome> first = new ArrayList<>();
        for (long seed = 1; seed <= 10; seed++) {
            first.add(play(seed));
        }
        for (int seed = 10; seed >= 1; seed--) {
            assertEquals(first.get(seed - 1), play(seed), "seed " + seed);
        }
    }

    @Test
    void earlyReleaseShowsInHistories() {
        assertCaught(Bug.RELEASE_BEFORE_LAST_WRITE, outcome -> !outcome.anomalies().isEmpty());
    }

    @Test
    void forgottenWatchShowsInHistories() {
        assertCaught(Bug.DEAF_WATCH, outcome -> !outcome.anomalies().isEmpty());
    }

    @Test
    void lostWakeIsNoticed() {
        assertCaught(
                Bug.LOST_WAKE,
                outcome -> outcome.failures().stream().anyMatch(f -> f.startsWith("nobody")));
    }

    /** The bug has to be seen within a few seeds. */
    private static void assertCaught(Bug bug, Predicate<Outcome> seen) {
        List<Long> caught = new ArrayList<>();
        for (long seed = 1; seed <= 20; seed++) {
            if (seen.test(SimulatedRun.play(seed, 4, bug, SessionOrder.ALL))) {
                caught.add(seed);
            }
        }
        System.out.println(bug + ": caught with seeds " + caught + " of 1 to 20");
        assertTrue(!caught.isEmpty(), "not caught with any of 20 seeds");
    }
}
