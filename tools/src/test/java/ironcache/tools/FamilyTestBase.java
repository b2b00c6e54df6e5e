package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** For tests of a family of commands beside the oracle: its rows of the command table, and the same random commands to both servers, batch by batch. */
abstract class FamilyTestBase extends ServerTestBase {
    final long seed = seed(Prng.freshSeed());
    final Prng random = new Prng(seed);

    /** What a test does with both servers. */
    interface Comparison {
        void run(RespClient oracle, RespClient subject) throws Exception;
    }

    /** @param settings of the subject */
    void besideTheOracle(Comparison comparison, String... settings) throws Exception {
        try (ServerProcess oracle = startOracle();
                ServerProcess subject = startSubject(settings);
                RespClient left = oracle.connect();
                RespClient right = subject.connect()) {
            comparison.run(left, right);
            assertTrue(subject.isAlive(), subject.logTail());
        }
    }

    /** @param names apart by blanks */
    void compareRows(String names) throws Exception {
        besideTheOracle(
                (oracle, subject) -> {
                    for (String name : names.split(" ")) {
                        Reply expected = oracle.call("COMMAND", "INFO", name);
                        Reply actual = subject.call("COMMAND", "INFO", name);
                        assertTrue(
                                ReplyRules.agrees("commandinfo", expected, actual),
                                () ->
                                        name
                                                + "\nexpected: "
                                                + expected.show(4000)
                                                + "\nactual:   "
                                                + actual.show(4000));
                        assertEquals(
                                argumentsOf(oracle.call("COMMAND", "DOCS", name)),
                                argumentsOf(subject.call("COMMAND", "DOCS", name)),
                                name);
                    }
                });
    }

    /** Of COMMAND DOCS, but for the summaries, which are each server's own prose, and key_spec_index, which Valkey gives some counts as well. */
    private static String argumentsOf(Reply docs) {
        List<Reply> fields = docs.elements().get(1).elements();
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < fields.size(); i += 2) {
            if (fields.get(i).text().equals("arguments")) {
                addOutline(text, fields.get(i + 1));
            }
        }
        return text.toString();
    }

    private static void addOutline(StringBuilder to, Reply reply) {
        if (!reply.isAggregate()) {
            to.append(reply.show(100)).append(' ');
            return;
        }
        to.append('[');
        List<Reply> elements = reply.elements();
        for (int i = 0; i < elements.size(); i++) {
            Reply element = elements.get(i);
            String name = element.isAggregate() ? "" : element.show(100);
            if (name.contains("summary") || name.contains("key_spec_index")) {
                i++;
            } else {
                addOutline(to, element);
            }
        }
        to.append(']');
    }

    /** Sends the commands to both, and wants equal replies. */
    void compare(RespClient oracle, RespClient subject, List<byte[][]> commands) {
        List<Reply> expected = oracle.pipeline(commands);
        List<Reply> actual = subject.pipeline(commands);
        for (int i = 0; i < commands.size(); i++) {
            compare(commands.get(i), expected.get(i), actual.get(i));
        }
    }

    /** Families that have commands by chance, or without an order, look at these otherwise. */
    void compare(byte[][] command, Reply expected, Reply actual) {
        assertEquals(expected.show(2000), actual.show(2000), () -> show(command));
        assertTrue(expected.equals(actual), () -> show(command));
    }

    /** A command, shortened, and the seed that it comes from. */
    final String show(byte[][] command) {
        StringBuilder text = new StringBuilder();
        for (byte[] word : command) {
            String shown = new String(word, StandardCharsets.ISO_8859_1);
            text.append(shown.length() > 80 ? shown.substring(0, 80) + "..." : shown).append(' ');
        }
        return text + "-Dironcache.seed=" + seed;
    }

    static void add(List<byte[][]> to, String... words) {
        to.add(RespClient.bytes(words));
    }

    /** Fewer than {@code bound} of these characters. */
    final String letters(String from, int bound) {
        StringBuilder text = new StringBuilder();
        for (int left = random.nextInt(bound); left > 0; left--) {
            text.append(from.charAt(random.nextInt(from.length())));
        }
        return text.toString();
    }
}
