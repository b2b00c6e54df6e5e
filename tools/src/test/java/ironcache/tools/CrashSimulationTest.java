package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.tools.CrashChecker.Policy;
import ironcache.tools.CrashSimulation.Bug;
import ironcache.tools.CrashSimulation.Outcome;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The short form of {@code tools/conformance crashes --simulated} for every build. */
class CrashSimulationTest {
    @Test
    void whatWasAcknowledgedIsThere() {
        long first = ServerTestBase.seed(1);
        int crashes = 0;
        int inRecovery = 0;
        long snapshots = 0;
        long coldReads = 0;
        for (long seed = first; seed < first + 40; seed++) {
            Outcome outcome = CrashSimulation.play(seed, 0, null, Bug.NONE);
            assertEquals(List.of(), outcome.failures(), "-Dironcache.seed=" + seed);
            crashes += outcome.crashes();
            inRecovery += outcome.crashesInRecovery();
            snapshots += outcome.snapshots();
            coldReads += outcome.coldReads();
        }
        assertTrue(crashes > 80, "crashes: " + crashes);
        assertTrue(inRecovery > 10, "crashes in recovery: " + inRecovery);
        assertTrue(snapshots > 5, "snapshots: " + snapshots);
        assertTrue(coldReads > 100, "nothing was cold");
    }

    /** What a crash leaves of older snapshots is what they showed. */
    @Test
    void snapshotsThatAreKeptCanBeRestored() {
        long first = ServerTestBase.seed(1);
        int restored = 0;
        int exactly = 0;
        for (long seed = first; seed < first + 15; seed++) {
            Outcome outcome = CrashSimulation.play(seed, 0, null, Bug.NONE, 2 + (int) (seed % 2));
            assertEquals(List.of(), outcome.failures(), "-Dironcache.seed=" + seed);
            restored += outcome.restored();
            exactly += outcome.restoredExactly();
        }
        assertTrue(restored > 30, "restored: " + restored);
        assertTrue(exactly > 10, "with known contents: " + exactly);
    }

    /** Seeds that showed bugs: torn transactions, replies before their time, keys that came back or that nobody wrote, starts that were refused. */
    @Test
    void seedsThatOnceFailed() {
        for (long seed :
                new long[] {
                    5000, 5118, 5126, 5263, 5282, 5370, 5455, 5694, 5934, 6012, 6014, 20181, 20286,
                    20689, 20748, 21143, 21320, 103339, 728, 1_015_504
                }) {
            assertEquals(
                    List.of(),
                    CrashSimulation.play(seed, 0, null, Bug.NONE).failures(),
                    "seed " + seed);
        }
    }

    @Test
    void sameSeedGivesTheSameTrace() {
        for (long seed = 1; seed <= 5; seed++) {
            Outcome first = CrashSimulation.play(seed, 0, null, Bug.NONE);
            assertEquals(first, CrashSimulation.play(seed, 0, null, Bug.NONE), "seed " + seed);
        }
    }

    @Test
    void skippedSyncIsCaught() {
        assertCaught(Bug.IGNORED_SYNC, 3);
    }

    @Test
    void skippedSyncOfDirectoryIsCaught() {
        assertCaught(Bug.IGNORED_DIRECTORY_SYNC, 5);
    }

    @Test
    void renameBeforeContentsIsCaught() {
        assertCaught(Bug.REORDERED_RENAME, 400);
    }

    @Test
    void repliesThatDoNotWaitAreCaught() {
        assertCaught(Bug.EARLY_REPLIES, 10);
    }

    /** The bug has to be seen within so many seeds. */
    private static void assertCaught(Bug bug, int seeds) {
        for (long seed = 1; seed <= seeds; seed++) {
            Outcome outcome = CrashSimulation.play(seed, 0, Policy.ALWAYS, bug);
            if (!outcome.clean()) {
                System.out.println(
                        bug
                                + ": caught with seed "
                                + seed
                                + ": "
                                + outcome.failures().getFirst().lines().findFirst().orElse(""));
                return;
            }
        }
        throw new AssertionError(bug + " is not caught with any of " + seeds + " seeds");
    }
}
