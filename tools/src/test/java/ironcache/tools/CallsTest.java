package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.SimDisk.Moment;
import ironcache.tools.CallSimulation.Event;
import ironcache.tools.CallSimulation.Result;
import ironcache.tools.CallsRun.Fault;
import ironcache.tools.CallsRun.Options;
import ironcache.tools.CrashChecker.Policy;
import ironcache.tools.CrashSimulation.Bug;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** The short form of {@code tools/conformance crashes --every-call} for every build: some calls instead of all, others with each seed. */
class CallsTest {
    private static final long SEED = ServerTestBase.seed(1);

    @Test
    void crashAtSomeCalls() {
        assertEquals(List.of(), CallsRun.run(Options.of(SEED, Policy.ALWAYS, 211, Set.of())));
    }

    @Test
    void crashAtSomeCallsEverysec() {
        assertEquals(List.of(), CallsRun.run(Options.of(SEED, Policy.EVERYSEC, 97, Set.of())));
    }

    @Test
    void failureOfSomeCalls() {
        assertEquals(
                List.of(),
                CallsRun.run(Options.of(SEED, Policy.ALWAYS, 607, EnumSet.allOf(Fault.class))));
    }

    @Test
    void failureOfSomeCallsEverysec() {
        assertEquals(
                List.of(),
                CallsRun.run(Options.of(SEED, Policy.EVERYSEC, 307, EnumSet.allOf(Fault.class))));
    }

    @Test
    void skippedSyncIsCaught() {
        assertCaught(Bug.IGNORED_SYNC, call -> call.equals("SYNC wal"));
    }

    @Test
    void skippedSyncOfDirectoryIsCaught() {
        assertCaught(Bug.IGNORED_DIRECTORY_SYNC, call -> call.equals("SYNC_DIRECTORY data"));
    }

    @Test
    void renameBeforeContentsIsCaught() {
        assertCaught(Bug.REORDERED_RENAME, call -> call.equals("RENAME manifest"));
    }

    /** By crashes right behind some calls. */
    private static void assertCaught(Bug bug, Predicate<String> after) {
        for (long seed = SEED; seed < SEED + 3; seed++) {
            List<String> calls = play(seed, bug, Event.NONE).calls();
            assertTrue(calls.size() > 100, "calls: " + calls.size());
            for (int call = 1; call <= calls.size(); call++) {
                if (after.test(calls.get(call - 1))) {
                    Result result = play(seed, bug, new Event(call, Moment.AFTER, null, false));
                    if (!result.failures().isEmpty()) {
                        System.out.println(
                                bug + ": caught behind call " + call + " of seed " + seed);
                        return;
                    }
                }
            }
        }
        throw new AssertionError(bug + " is not caught");
    }

    private static Result play(long seed, Bug bug, Event event) {
        return CallSimulation.play(seed, 2, Policy.ALWAYS, bug, 300, event);
    }
}
