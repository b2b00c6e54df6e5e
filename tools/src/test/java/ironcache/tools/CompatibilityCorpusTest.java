package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Plays {@code compatibility-corpus.txt} to the server and to the oracle, in both protocols, and compares each reply. */
class CompatibilityCorpusTest extends ServerTestBase {
    private static final String RESOURCE = "/ironcache/tools/compatibility-corpus.txt";
    private static final int FEWEST_COMMANDS = 600;

    /** Fields of INFO and CLIENT LIST, keys of MEMORY STATS, that IronCache leaves out on purpose. */
    private static final String ABSENT_FIELDS = "/ironcache/tools/absent-fields.txt";

    private record Line(int number, int connection, String rule, byte[][] command, String shown) {}

    private record Group(List<Line> lines) {}

    @Test
    void repliesAreThoseOfTheOracle() throws Exception {
        List<Group> groups = parse();
        ReplyRules rules = new ReplyRules();
        Set<String> absent = absentFields();
        List<String> different = new ArrayList<>();
        int compared = 0;
        try (ServerProcess oracle = startOracle("--enable-debug-command", "no");
                ServerProcess subject = startSubject()) {
            for (Group group : groups) {
                for (int protocol = 2; protocol <= 3; protocol++) {
                    compared += play(group, protocol, oracle, subject, rules, absent, different);
                }
            }
            assertTrue(subject.isAlive(), subject.logTail());
        }
        assertTrue(compared > FEWEST_COMMANDS * 2, compared + " replies compared");
        assertEquals(
                "",
                String.join("\n", different),
                different.size() + " of " + compared + " replies differ");
    }

    private static int play(
            Group group,
            int protocol,
            ServerProcess oracle,
            ServerProcess subject,
            ReplyRules rules,
            Set<String> absent,
            List<String> different)
            throws IOException {
        int compared = 0;
        RespClient[] left = {oracle.connect(), oracle.connect()};
        RespClient[] right = {subject.connect(), subject.connect()};
        try {
            for (RespClient[] side : new RespClient[][] {left, right}) {
                for (RespClient client : side) {
                    client.call("HELLO", Integer.toString(protocol));
                }
                side[0].call("FLUSHALL");
            }
            for (Line line : group.lines) {
                Reply expected = left[line.connection].call(line.command);
                Reply actual = right[line.connection].call(line.command);
                compared++;
                if (!agrees(line, expected, actual, rules, absent, different)) {
                    different.add(
                            "RESP"
                                    + protocol
                                    + " line "
                                    + line.number
                                    + ": "
                                    + line.shown
                                    + "\n    expected: "
                                    + expected.showDifference(actual, 500)
                                    + "\n    actual:   "
                                    + actual.showDifference(expected, 500));
                }
                if (actual == Reply.CLOSED && expected != Reply.CLOSED) {
                    // Go on with the rest of the group, so that one crash does not hide what
                    // follows.
                    right[line.connection].close();
                    right[line.connection] = subject.connect();
                    right[line.connection].call("HELLO", Integer.toString(protocol));
                }
            }
        } finally {
            for (int i = 0; i < 2; i++) {
                left[i].close();
                right[i].close();
            }
        }
        return compared;
    }

    private static boolean agrees(
            Line line,
            Reply expected,
            Reply actual,
            ReplyRules rules,
            Set<String> absent,
            List<String> notes) {
        if (line.rule == null) {
            return rules.difference(line.command, expected, actual) == null;
        }
        switch (line.rule) {
            case "ignore" -> {
                return actual != Reply.CLOSED && actual != Reply.TIMED_OUT;
            }
            case "fields", "keys" -> {
                if (actual.type() != expected.type()) {
                    return false;
                }
                boolean map = line.rule.equals("keys");
                Set<String> missing =
                        new TreeSet<>(map ? mapKeys(expected) : fieldNames(expected.text()));
                missing.removeAll(map ? mapKeys(actual) : fieldNames(actual.text()));
                missing.removeAll(absent);
                if (!missing.isEmpty()) {
                    notes.add("line " + line.number + ": " + line.shown + " lacks " + missing);
                }
                return true;
            }
            default -> {
                return expected.equals(actual)
                        || (!expected.isError() && ReplyRules.agrees(line.rule, expected, actual));
            }
        }
    }

    private static Set<String> mapKeys(Reply reply) {
        Set<String> keys = new HashSet<>();
        List<Reply> elements = reply.elements();
        for (int i = 0; i < elements.size(); i += 2) {
            keys.add(elements.get(i).text());
        }
        return keys;
    }

    /** "# Section" and "name:value" lines of INFO; "name=value" words of CLIENT LIST. */
    private static Set<String> fieldNames(String text) {
        Set<String> names = new HashSet<>();
        for (String row : text.split("\r?\n")) {
            if (row.startsWith("#")) {
                names.add(row.substring(2));
            } else if (row.contains(":") && !row.startsWith("id=")) {
                names.add(row.substring(0, row.indexOf(':')));
            } else {
                for (String word : row.split(" ")) {
                    if (word.contains("=")) {
                        names.add(word.substring(0, word.indexOf('=')) + "=");
                    }
                }
            }
        }
        return names;
    }

    private static Set<String> absentFields() throws IOException {
        Set<String> names = new HashSet<>();
        for (String line : resource(ABSENT_FIELDS).split("\n")) {
            if (!line.isBlank() && !line.startsWith("#")) {
                names.add(line.strip());
            }
        }
        return names;
    }

    private static List<Group> parse() throws IOException {
        List<Group> groups = new ArrayList<>();
        List<Line> lines = new ArrayList<>();
        int number = 0;
        for (String line : resource(RESOURCE).split("\n")) {
            number++;
            if (line.isBlank() && !lines.isEmpty()) {
                groups.add(new Group(lines));
                lines = new ArrayList<>();
            }
            if (!line.isBlank() && !line.startsWith("#")) {
                lines.add(parse(number, line));
            }
        }
        groups.add(new Group(lines));
        return groups;
    }

    private static Line parse(int number, String line) {
        String rest = line;
        String rule = null;
        int connection = 0;
        if (rest.startsWith("~")) {
            int colon = rest.indexOf(": ");
            rule = rest.substring(1, colon);
            rest = rest.substring(colon + 2);
        }
        if (rest.startsWith("2> ")) {
            connection = 1;
            rest = rest.substring(3);
        }
        return new Line(number, connection, rule, words(rest), line);
    }

    private static byte[][] words(String text) {
        List<byte[]> words = new ArrayList<>();
        int i = 0;
        while (i < text.length()) {
            if (text.charAt(i) == ' ') {
                i++;
                continue;
            }
            ByteArrayOutputStream word = new ByteArrayOutputStream();
            boolean quoted = text.charAt(i) == '"';
            i += quoted ? 1 : 0;
            while (i < text.length() && text.charAt(i) != (quoted ? '"' : ' ')) {
                char c = text.charAt(i++);
                if (c == '\\') {
                    char escaped = text.charAt(i++);
                    switch (escaped) {
                        case 'n' -> word.write('\n');
                        case 'r' -> word.write('\r');
                        case 'x' -> {
                            word.write(Integer.parseInt(text.substring(i, i + 2), 16));
                            i += 2;
                        }
                        default -> word.write(escaped);
                    }
                } else {
                    word.write(c);
                }
            }
            i += quoted ? 1 : 0;
            words.add(word.toByteArray());
        }
        return words.toArray(byte[][]::new);
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = CompatibilityCorpusTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
