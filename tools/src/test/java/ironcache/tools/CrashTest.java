package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ironcache.tools.CrashChecker.Policy;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The short form of {@link CrashRun} for every build. */
class CrashTest extends ServerTestBase {
    /** The sanity of the tool: a store that is known to survive. */
    @ParameterizedTest
    @EnumSource(names = {"ALWAYS", "EVERYSEC"})
    void oracleSurvives(Policy policy) throws Exception {
        CrashRun.Options options = options("valkey");
        options.policy = policy;
        options.snapshots = true;
        options.cycles = 3;
        CrashRun run = new CrashRun(temp, options);
        CrashRun.Figures figures = run.run();
        assertEquals(List.of(), run.violations(), "-Dironcache.seed=" + options.seed);
        assertTrue(figures.acknowledged() > 100, figures.toString());
    }

    /** The canary: an acknowledged write is gone after the crash. */
    @Test
    void lostWriteIsCaught() throws Exception {
        CrashRun.Options options = options("valkey");
        options.planted = CrashPlant.LOST_WRITE;
        options.cycles = 1;
        CrashRun run = new CrashRun(temp, options);
        run.run();
        assertTrue(
                run.violations().stream().anyMatch(v -> v.kind().equals("lost write")),
                run.violations()::toString);
    }

    private static CrashRun.Options options(String server) {
        assumeTrue(
                ServerProcess.command(server) != null,
                "SKIPPED: no " + server + " here; " + ServerProcess.whyAbsent(server));
        CrashRun.Options options = new CrashRun.Options();
        options.server = server;
        options.seed = seed(20261122);
        options.secondsMax = 0.6;
        return options;
    }
}
