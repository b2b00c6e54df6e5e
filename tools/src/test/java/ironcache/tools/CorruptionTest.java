package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.tools.CorruptionRun.Bug;
import ironcache.tools.CorruptionRun.Outcome;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The short form of {@code tools/conformance corruption} for every build. */
class CorruptionTest {
    private static final int CASES = 250;
    private static final int PER_DIRECTORY = 50;

    @Test
    void damageIsFoundOrHarmless() throws IOException {
        long seed = ServerTestBase.seed(1);
        Outcome outcome = CorruptionRun.play(CASES, PER_DIRECTORY, seed, 5, Bug.NONE);
        System.out.println(
                "corruption: -Dironcache.seed=" + seed + System.lineSeparator() + outcome.table());
        assertEquals(List.of(), outcome.failures, "-Dironcache.seed=" + seed);
        assertEquals(CASES, outcome.cases());
        assertTrue(outcome.recovered() >= CASES / 5 - 5, "recovered: " + outcome.recovered());
    }

    @Test
    void verifyThatSkipsPagesIsCaught() throws IOException {
        assertCaught(Bug.VERIFY_SKIPS_PAGES);
    }

    @Test
    void verifyThatSkipsFramesIsCaught() throws IOException {
        assertCaught(Bug.VERIFY_SKIPS_FRAMES);
    }

    @Test
    void verifyThatSkipsStatesIsCaught() throws IOException {
        assertCaught(Bug.VERIFY_SKIPS_STATE);
    }

    @Test
    void recoverThatIsMuteIsCaught() throws IOException {
        assertCaught(Bug.RECOVER_IS_MUTE);
    }

    private static void assertCaught(Bug bug) throws IOException {
        Outcome outcome = CorruptionRun.play(CASES, 30, 1, 1, bug);
        assertFalse(
                outcome.failures.isEmpty(),
                bug + " is not caught by " + outcome.cases() + " cases");
        System.out.println(
                bug
                        + ": caught by case "
                        + outcome.cases()
                        + ": "
                        + outcome.failures.getFirst().lines().findFirst().orElse(""));
    }
}
