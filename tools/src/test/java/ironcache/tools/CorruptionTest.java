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
    private static final int FEW_KEYS = 6_000;
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

    @Test
    void serverThatSkipsPagesIsCaught() throws IOException {
        assertCaught(Bug.SERVER_SKIPS_PAGES);
    }

    @Test
    void serverThatSkipsFramesIsCaught() throws IOException {
        assertCaught(Bug.SERVER_SKIPS_FRAMES);
    }

    /** One page in a hundred, and one block in a hundred: all else is saved, and what is not is named. */
    @Test
    void allKeysInSoundPagesAreSaved() throws IOException {
        long seed = ServerTestBase.seed(1);
        try (CorruptionPages pages = new CorruptionPages(FEW_KEYS, seed)) {
            for (CorruptionPages.Where where : CorruptionPages.Where.values()) {
                CorruptionPages.Result result = pages.play(where, 0.01);
                System.out.println(CorruptionPages.table(List.of(result)));
                assertEquals(List.of(), result.failures, "-Dironcache.seed=" + seed);
                assertEquals(pages.keys(), result.keys);
                assertTrue(result.within > 0);
            }
        }
    }

    private static void assertCaught(Bug bug) throws IOException {
        int recoverEvery = bug == Bug.RECOVER_IS_MUTE ? 1 : Integer.MAX_VALUE;
        Outcome outcome = CorruptionRun.play(CASES, 30, 1, recoverEvery, bug);
        assertFalse(
                outcome.failures.isEmpty(),
                bug + " is not caught by " + outcome.cases() + " cases");
        if (bug.isOfServer()) {
            String failure = outcome.failures.getFirst();
            assertTrue(failure.contains("WRONG VALUE"), failure);
        }
        System.out.println(
                bug
                        + ": caught by case "
                        + outcome.cases()
                        + ": "
                        + outcome.failures.getFirst().lines().findFirst().orElse(""));
    }
}
