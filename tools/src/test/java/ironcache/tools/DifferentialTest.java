package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ironcache.tools.CommandGen.Families;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The short form of {@link DifferentialRun} for every build, and the proof that it finds what it is there to find. */
class DifferentialTest extends ServerTestBase {
    private static final int EPOCHS = 2;

    @ParameterizedTest
    @ValueSource(strings = {"1", "4"})
    void repliesAreThoseOfTheOracle(String shards) throws Exception {
        long seed = seed(20261121);
        try (ServerProcess oracle = startOracle();
                ServerProcess subject = startSubject("--shards", shards, "--maxmemory", "384mb")) {
            for (int e = 0; e < EPOCHS; e++) {
                DifferentialRun.Result result =
                        DifferentialRun.epoch(
                                oracle.port(),
                                subject.port(),
                                DifferentialRun.epochSeed(seed, e),
                                DifferentialRun.EPOCH_COMMANDS,
                                Families.STRINGS);
                assertNull(result.mismatch(), () -> result.report() + "\n-Dironcache.seed=" + seed);
            }
        }
    }

    @Test
    void plantedBugIsFoundAndShrunk() throws Exception {
        try (ServerProcess oracle = startOracle();
                ServerProcess other = startOracle();
                PlantedBugProxy buggy = new PlantedBugProxy(other.port())) {
            DifferentialRun.Result result =
                    DifferentialRun.epoch(oracle.port(), buggy.port(), 7, 5_000, Families.STRINGS);
            assertNotNull(result.mismatch(), "the planted bug was not found");
            assertEquals("STRLEN", result.mismatch().op().name(), result.report());
            // One command is enough, as the comparison of the keyspaces at the end asks for the
            // length by itself.
            assertEquals(
                    List.of("APPEND"),
                    result.shrunk().stream().map(Op::name).toList(),
                    result.report());
            assertTrue(result.report().contains("--replay 7"), result.report());
        }
    }

    @Test
    void sameSeedGivesTheSameCommands() {
        List<Op> first = DifferentialRun.commands(3, 500, Families.STRINGS);
        List<Op> second = DifferentialRun.commands(3, 500, Families.STRINGS);
        int sameName = 0;
        for (int i = 0; i < first.size(); i++) {
            assertEquals(first.get(i).name(), second.get(i).name());
            sameName++;
        }
        assertEquals(500, sameName);
    }

    @Test
    void rulesLetPassWhatTheySayAndNoMore() {
        ReplyRules rules = new ReplyRules();
        byte[][] pttl = RespClient.bytes("pttl", "k");
        assertNull(rules.difference(pttl, reply(":5000\r\n"), reply(":5900\r\n")));
        assertNotNull(rules.difference(pttl, reply(":5000\r\n"), reply(":9000\r\n")));
        assertNotNull(rules.difference(pttl, reply(":-1\r\n"), reply(":-2\r\n")));
        assertNotNull(rules.difference(pttl, reply(":-1\r\n"), reply(":0\r\n")));
        byte[][] keys = RespClient.bytes("KEYS", "*");
        assertNull(
                rules.difference(
                        keys,
                        reply("*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
                        reply("*2\r\n$1\r\nb\r\n$1\r\na\r\n")));
        assertNotNull(
                rules.difference(
                        keys,
                        reply("*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
                        reply("*2\r\n$1\r\nb\r\n$1\r\nb\r\n")));
        byte[][] info = RespClient.bytes("INFO");
        assertNotNull(rules.difference(info, reply("-ERR a\r\n"), reply("-ERR b\r\n")));
        byte[][] get = RespClient.bytes("GET", "k");
        assertNotNull(rules.difference(get, reply("$-1\r\n"), reply("_\r\n")));
    }

    @Test
    void documentListsEveryException() throws Exception {
        Path document =
                Path.of(System.getProperty("user.dir"), "..", "docs", "compatibility.md")
                        .normalize();
        assumeTrue(Files.exists(document), "SKIPPED: " + document + " is not there");
        String text = Files.readString(document);
        for (ReplyRules.Rule rule : new ReplyRules().all()) {
            String row = "| " + rule.command() + " | " + rule.how() + " | " + rule.reason() + " |";
            assertTrue(text.contains(row), document + " lacks the row: " + row);
        }
        assertFalse(new ReplyRules().all().isEmpty());
    }

    private static Reply reply(String wire) {
        return new Reply(wire.getBytes());
    }
}
