package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ironcache.tools.CommandGen.Families;
import ironcache.tools.LockStep.Mismatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random commands on collections, snapshots made meanwhile, an end and a start: the server has what the oracle has, to which nothing happened. Two thirds of the ends are those
 * of kill -9, so that the log is applied to images that have some of it already.
 */
final class CollectionRecoveryTest extends ServerTestBase {
    private static final int COMMANDS = 2_500;
    private static final int ROUNDS = 2;

    @ParameterizedTest
    @CsvSource({"kill, true", "kill, false", "stop, true"})
    void whatWasThereIsThereAgain(String end, boolean snapshots) throws Exception {
        assumeTrue(
                ServerProcess.command("valkey") != null,
                "SKIPPED: no valkey here; " + ServerProcess.whyAbsent("valkey"));
        long seed = seed(20261124);
        Path directory = Files.createTempDirectory(temp, "data");
        try (ServerProcess oracle = startOracle()) {
            for (int round = 0; round < ROUNDS; round++) {
                String where = "round " + round + ", -Dironcache.seed=" + seed;
                try (ServerProcess subject = start(directory)) {
                    Mismatch found =
                            snapshots
                                    ? playWithSnapshots(oracle, subject, seed + round)
                                    : play(oracle, subject, seed + round);
                    assertNull(found, where);
                    if (end.equals("kill")) {
                        subject.kill();
                    } else {
                        subject.stop();
                    }
                }
                try (ServerProcess subject = start(directory);
                        LockStep servers = new LockStep(oracle.port(), subject.port())) {
                    assertNull(servers.compareKeyspaces(COMMANDS), "after the start, " + where);
                }
            }
        }
    }

    private static ServerProcess start(Path directory) throws IOException {
        ServerProcess server =
                ServerProcess.start(
                        "ironcache",
                        directory,
                        "--shards",
                        "2",
                        "--maxmemory",
                        "320mb",
                        "--appendonly",
                        "yes",
                        "--appendfsync",
                        "always");
        server.awaitLoaded();
        return server;
    }

    private static Mismatch play(ServerProcess oracle, ServerProcess subject, long seed)
            throws IOException {
        try (LockStep servers = new LockStep(oracle.port(), subject.port())) {
            return servers.play(DifferentialRun.commands(seed, COMMANDS, Families.COLLECTIONS));
        }
    }

    /** One snapshot after another is made while the commands run. */
    private static Mismatch playWithSnapshots(
            ServerProcess oracle, ServerProcess subject, long seed) throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        Thread saver =
                new Thread(
                        () -> {
                            try (RespClient client = subject.connect()) {
                                while (!over.get()) {
                                    client.call("BGSAVE");
                                }
                            } catch (IOException e) {
                                throw new AssertionError(e);
                            }
                        });
        saver.start();
        try {
            return play(oracle, subject, seed);
        } finally {
            over.set(true);
            saver.join();
        }
    }
}
