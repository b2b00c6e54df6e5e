package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.tools.HistoryChecker.SessionOrder;
import ironcache.tools.ModelStore.Bug;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The workloads and the checker against a model of shards that is right, and against one that has a bug. */
class SteppedRunTest {
    private static final int CLIENTS = 6;
    private static final int SENDS = 150;

    private static SteppedRun play(long seed, int shards, Bug bug) {
        SteppedRun run = new SteppedRun(new ModelStore(shards, seed, bug), seed, CLIENTS);
        run.play(SENDS);
        return run;
    }

    @Test
    void modelIsRight() {
        long first = ServerTestBase.seed(1);
        for (long seed = first; seed < first + 300; seed++) {
            SteppedRun run = play(seed, 1 + (int) (seed % 5), Bug.NONE);
            assertEquals(List.of(), run.failures(), "seed " + seed);
            List<HistoryReport.Anomaly> found = run.judge(SessionOrder.ALL);
            assertEquals(List.of(), found, "-Dironcache.seed=" + seed);
        }
    }

    /** The bugs have to be seen within a few seeds. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void plantedBugIsCaught(Bug bug) {
        Map<String, Integer> names = new TreeMap<>();
        List<Long> caught = new ArrayList<>();
        String first = null;
        for (long seed = 1; seed <= 20; seed++) {
            List<HistoryReport.Anomaly> found = play(seed, 4, bug).judge(SessionOrder.PER_KEY);
            found.forEach(anomaly -> names.merge(anomaly.name(), 1, Integer::sum));
            if (!found.isEmpty()) {
                caught.add(seed);
                first = first == null ? "with seed " + seed + ", " + found.getFirst() : first;
            }
        }
        System.out.println(bug + ": caught with seeds " + caught + " of 1 to 20, as " + names);
        System.out.println(first);
        assertTrue(!caught.isEmpty(), "not caught with any of 20 seeds");
    }

    @Test
    void sameSeedGivesTheSameHistory() {
        for (long seed = 1; seed <= 5; seed++) {
            Bug bug = Bug.RELEASE_BEFORE_LAST_WRITE;
            assertEquals(
                    play(seed, 3, bug).history().units(), play(seed, 3, bug).history().units());
        }
    }

    @Test
    void allKindsOfUnitsOccur() {
        Map<History.Outcome, Integer> outcomes = new TreeMap<>();
        Map<String, Integer> how = new TreeMap<>();
        for (long seed = 1; seed <= 10; seed++) {
            for (History.Unit unit : play(seed, 3, Bug.NONE).history().units()) {
                outcomes.merge(unit.outcome(), 1, Integer::sum);
                how.merge(unit.how().replaceAll(" .*", ""), 1, Integer::sum);
            }
        }
        assertEquals(3, outcomes.size(), outcomes.toString());
        assertTrue(outcomes.values().stream().allMatch(n -> n >= 20), outcomes.toString());
        assertTrue(
                how.keySet()
                        .containsAll(
                                List.of(
                                        "APPEND", "GET", "GETSET", "MGET", "MSET", "MULTI", "SET",
                                        "after")),
                how.toString());
    }
}
