package ironcache.tools;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Which replies may differ, and how far: read from {@code differential-exceptions.txt}. Where no rule is given replies
 * must be equal byte for byte, and errors must be so always.
 */
final class ReplyRules {
    static final String RESOURCE = "/ironcache/tools/differential-exceptions.txt";

    record Rule(String command, String how, String reason) {}

    private final Map<String, Rule> rules = new HashMap<>();
    private final List<Rule> inOrder = new ArrayList<>();

    ReplyRules() {
        try (InputStream in = ReplyRules.class.getResourceAsStream(RESOURCE);
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line; (line = lines.readLine()) != null; ) {
                if (!line.isBlank() && !line.startsWith("#")) {
                    String[] parts = line.split("\\|");
                    Rule rule = new Rule(parts[0].strip(), parts[1].strip(), parts[2].strip());
                    rules.put(rule.command, rule);
                    inOrder.add(rule);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<Rule> all() {
        return inOrder;
    }

    /** Null where the replies agree, else in what they do not. */
    String difference(byte[][] command, Reply expected, Reply actual) {
        if (expected.equals(actual)) {
            return null;
        }
        String name = text(command, 0);
        Rule rule = rules.get(name + " " + text(command, 1));
        if (rule == null) {
            rule = rules.get(name);
        }
        if (rule == null || expected.isError() || actual.isError()) {
            return "replies differ";
        }
        return agrees(rule.how, expected, actual)
                ? null
                : "replies differ beyond the rule '" + rule.how + "'";
    }

    static boolean agrees(String how, Reply a, Reply b) {
        String[] words = how.split(" ");
        switch (words[0]) {
            case "tolerance" -> {
                return isNear(a, b, Long.parseLong(words[1]));
            }
            case "either" -> {
                Set<String> names = new HashSet<>(Arrays.asList(words).subList(1, words.length));
                return a.type() == b.type() && names.contains(a.text()) && names.contains(b.text());
            }
            case "shape" -> {
                return a.type() == b.type() && a.isNull() == b.isNull();
            }
            case "unordered-pairs" -> {
                return a.type() == b.type() && sortedPairs(a).equals(sortedPairs(b));
            }
            case "unordered" -> {
                return a.type() == b.type() && sorted(a).equals(sorted(b));
            }
            case "mask" -> {
                Set<String> fields = new HashSet<>(Arrays.asList(words).subList(1, words.length));
                return masked(a, fields).equals(masked(b, fields));
            }
            case "commandinfo" -> {
                return a.type() == b.type() && normal(a, 0).equals(normal(b, 0));
            }
            default -> throw new IllegalStateException("no such rule: " + how);
        }
    }

    /** Integers, or arrays of them, that differ by so much at most; negative ones say something else and must be equal. */
    private static boolean isNear(Reply a, Reply b, long most) {
        if (a.equals(b)) {
            return true;
        }
        if (a.isAggregate()) {
            List<Reply> x = a.elements();
            List<Reply> y = b.elements();
            boolean near = a.type() == b.type() && x.size() == y.size();
            for (int i = 0; near && i < x.size(); i++) {
                near = isNear(x.get(i), y.get(i), most);
            }
            return near;
        }
        return a.type() == ':'
                && b.type() == ':'
                && a.integer() >= 0
                && b.integer() >= 0
                && Math.abs(a.integer() - b.integer()) <= most;
    }

    private static List<String> sortedPairs(Reply reply) {
        List<String> out = new ArrayList<>();
        List<Reply> elements = reply.elements();
        for (int i = 0; i + 1 < elements.size(); i += 2) {
            out.add(
                    new String(elements.get(i).raw(), StandardCharsets.ISO_8859_1)
                            + new String(elements.get(i + 1).raw(), StandardCharsets.ISO_8859_1));
        }
        out.sort(null);
        return out;
    }

    private static List<String> sorted(Reply reply) {
        List<String> out = new ArrayList<>();
        reply.elements().forEach(e -> out.add(new String(e.raw(), StandardCharsets.ISO_8859_1)));
        out.sort(null);
        return out;
    }

    private static List<String> masked(Reply reply, Set<String> fields) {
        List<String> out = new ArrayList<>();
        out.add(String.valueOf(reply.type()));
        boolean hide = false;
        for (Reply e : reply.elements()) {
            out.add(hide ? "?" : new String(e.raw(), StandardCharsets.ISO_8859_1));
            hide = !hide && !e.isAggregate() && e.text() != null && fields.contains(e.text());
        }
        return out;
    }

    /**
     * COMMAND INFO's tree as text in which sets, arrays of status replies (RESP2's form of the sets of flags) and the
     * subcommands are sorted.
     */
    private static String normal(Reply reply, int depth) {
        if (!reply.isAggregate() || reply.isNull()) {
            return new String(reply.raw(), StandardCharsets.ISO_8859_1);
        }
        List<Reply> elements = reply.elements();
        List<String> parts = new ArrayList<>();
        elements.forEach(e -> parts.add(normal(e, depth + 1)));
        boolean flags = reply.type() == '~' || elements.stream().allMatch(e -> e.type() == '+');
        boolean subcommands =
                depth == 2 && elements.stream().allMatch(e -> e.elements().size() == 10);
        if (flags || subcommands) {
            parts.sort(null);
        }
        return reply.type() + parts.toString();
    }

    private static String text(byte[][] command, int i) {
        return i < command.length
                ? new String(command[i], StandardCharsets.ISO_8859_1).toUpperCase(Locale.ROOT)
                : "";
    }
}
