package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.RedisProtocol;

/**
 * Programs over collections as applications write them, on unmodified clients and libraries: queues, leaderboards, session stores. Each finds the same on the oracle, on several shards,
 * and where what it wrote before each of its pauses is on the SSD.
 */
class CollectionProgramsTest extends ServerTestBase {
    /** Blocks that a program reads at least, where it is cold. */
    private static final long COLD_READS = 300;

    private interface Program {
        List<String> run(ServerProcess server, NodeProgram.Pause pause) throws Exception;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "queue.mjs",
                "kue.mjs",
                "leaderboard.mjs",
                "sessions.mjs",
                "session-stores.mjs"
            })
    void node(String name) throws Exception {
        NodeProgram.install();
        check((server, pause) -> NodeProgram.run(temp, pause, name, server.port()));
    }

    @ParameterizedTest
    @EnumSource(
            value = RedisProtocol.class,
            names = {"RESP2", "RESP3"})
    void jedisLeaderboard(RedisProtocol protocol) throws Exception {
        check((server, pause) -> Leaderboard.play(server, protocol, pause));
    }

    private void check(Program program) throws Exception {
        List<String> found;
        try (ServerProcess server = startSubject("--shards", "4", "--maxmemory", "384mb")) {
            found = program.run(server, () -> {});
        }
        if (subjectIsIronCache()) {
            assertEquals(String.join("\n", found), String.join("\n", cold(program)));
        }
        try (ServerProcess oracle = startOracle()) {
            List<String> expected = program.run(oracle, () -> {});
            assertEquals(String.join("\n", expected), String.join("\n", found));
        }
    }

    private List<String> cold(Program program) throws Exception {
        try (ServerProcess server = startSubject("--shards", "1", "--maxmemory", "192mb");
                RespClient client = server.connect()) {
            client.call("SELECT", "15");
            long[] reads = new long[1];
            List<String> found =
                    program.run(
                            server,
                            () -> {
                                long before = coldReads(client);
                                pushOut(client);
                                reads[0] -= coldReads(client) - before;
                            });
            reads[0] += coldReads(client);
            assertTrue(reads[0] >= COLD_READS, "only " + reads[0] + " blocks were read");
            return found;
        }
    }
}
