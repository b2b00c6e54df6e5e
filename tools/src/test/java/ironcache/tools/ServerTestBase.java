package ironcache.tools;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/**
 * For tests against running servers. The server under test is IronCache; {@code -Dironcache.subject=valkey} puts an oracle
 * in its place, which shows whether a red test is the server's fault or the test's.
 */
abstract class ServerTestBase {
    @TempDir Path temp;

    static String subjectName() {
        return System.getProperty("ironcache.subject", "ironcache");
    }

    static boolean subjectIsIronCache() {
        return subjectName().equals("ironcache");
    }

    ServerProcess startSubject(String... settings) throws IOException {
        return startOrSkip(subjectName(), settings);
    }

    ServerProcess startOracle(String... settings) throws IOException {
        return startOrSkip("valkey", settings);
    }

    private ServerProcess startOrSkip(String what, String... settings) throws IOException {
        assumeTrue(
                ServerProcess.command(what) != null,
                "SKIPPED: no " + what + " here; " + ServerProcess.whyAbsent(what));
        return ServerProcess.start(
                what, Files.createTempDirectory(temp, what.replaceAll("\\W+", "-")), settings);
    }

    static long seed(long byDefault) {
        String given = System.getProperty("ironcache.seed", "");
        return given.isEmpty() ? byDefault : Long.parseLong(given);
    }
}
