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

    /** Filler as much as the memory of a server with 192mb, so that all that was written before is on the SSD. It is of the connection's database, under names of its own. */
    static void pushOut(RespClient client) {
        String filler = "f".repeat(50_000);
        for (int i = 0; i < 3500; i++) {
            client.call("SET", "filler" + i, filler);
        }
    }

    /** Blocks read from the SSD because a command wanted them. */
    static long coldReads(RespClient client) {
        String info = client.call("INFO", "ironcache").text();
        int at = info.indexOf("cold_reads:") + "cold_reads:".length();
        return Long.parseLong(info.substring(at, info.indexOf('\r', at)));
    }

    static long seed(long byDefault) {
        String given = System.getProperty("ironcache.seed", "");
        return given.isEmpty() ? byDefault : Long.parseLong(given);
    }
}
