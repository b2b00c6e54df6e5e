package ironcache.tools;

import ironcache.tools.History.KeyOp;
import ironcache.tools.History.Unit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * The list keys of one history: puts the appends of each key in their order by what was read and by the places that
 * replies told, complains of what fits no order, and draws the edges that the order means. Used by one check, on its
 * thread.
 */
final class HistoryLists {
    private record Append(int unit, String key, String token, int place) {}

    private record Read(int unit, int length) {}

    private static final class Key {
        final String name;
        String longest = "";
        int longestBy = -1;
        boolean broken;
        final List<Append> appends = new ArrayList<>();

        /** What units read before their own appends. */
        final List<Read> reads = new ArrayList<>();

        Key(String name) {
            this.name = name;
        }
    }

    /** What a unit knows of a key in the midst of its work. */
    private static final class Local {
        final String key;
        String known;
        String own = "";

        Local(String key) {
            this.key = key;
        }
    }

    private final List<Unit> units;
    private final HistoryReport report;
    private final Map<String, Key> keys = new LinkedHashMap<>();
    private final Map<String, Append> appends = new HashMap<>();

    HistoryLists(List<Unit> units, HistoryReport report) {
        this.units = units;
        this.report = report;
    }

    int keys() {
        return keys.size();
    }

    private Key key(String name) {
        return keys.computeIfAbsent(name, Key::new);
    }

    /** First: takes in the operations of a unit, whatever its outcome. */
    void take(int u) {
        Unit unit = units.get(u);
        List<Local> locals = new ArrayList<>(4);
        for (KeyOp op : unit.ops()) {
            switch (op.kind()) {
                case APPEND -> append(u, op, local(locals, op.key()));
                case LIST -> {
                    if (unit.happened()) {
                        read(u, op, local(locals, op.key()));
                    }
                }
                default -> {}
            }
        }
    }

    private static Local local(List<Local> locals, String key) {
        for (Local local : locals) {
            if (local.key.equals(key)) {
                return local;
            }
        }
        Local local = new Local(key);
        locals.add(local);
        return local;
    }

    private void append(int u, KeyOp op, Local local) {
        Append append = new Append(u, op.key(), op.value(), op.place());
        key(op.key()).appends.add(append);
        if (appends.put(op.value(), append) != null) {
            throw new IllegalArgumentException("the workload used a token twice: " + op.value());
        }
        local.own += op.value();
        int expected =
                local.known == null
                        ? 0
                        : (local.known.length() + local.own.length()) / History.TOKEN_CHARS;
        if (expected > 0 && op.place() > 0 && op.place() != expected) {
            report.add(
                    "unrepeatable read",
                    "a unit read "
                            + op.key()
                            + " and then appended as #"
                            + op.place()
                            + " instead of #"
                            + expected,
                    u);
        }
    }

    private void read(int u, KeyOp op, Local local) {
        Key key = key(op.key());
        String value = op.value();
        if (value.length() % History.TOKEN_CHARS != 0) {
            key.broken = true;
            report.add("garbage", "the value of " + key.name + " is no row of tokens: " + value, u);
            return;
        }
        if (value.length() > key.longest.length()) {
            key.longest = value;
            key.longestBy = u;
        }
        if (local.known != null) {
            if (!value.equals(local.known + local.own)) {
                report.add(
                        "unrepeatable read",
                        "two reads of " + key.name + " in one unit do not agree",
                        u);
            }
        } else if (!value.endsWith(local.own)) {
            report.add(
                    "own write not seen", "a unit does not see its own append to " + key.name, u);
        } else {
            key.reads.add(new Read(u, (value.length() - local.own.length()) / History.TOKEN_CHARS));
        }
        local.known = value;
        local.own = "";
    }

    /**
     * Second: whoever's append was seen has happened, also where no reply said so.
     *
     * @param seenBy by unit: the earliest return of one who saw a write of it; lowered here
     */
    void findSeen(long[] seenBy) {
        for (Key key : keys.values()) {
            int length = key.longest.length() / History.TOKEN_CHARS;
            long[] earliest = new long[length + 1];
            Arrays.fill(earliest, History.NEVER);
            for (Read read : key.reads) {
                if (read.length <= length) {
                    earliest[read.length] =
                            Math.min(earliest[read.length], units.get(read.unit).returnedNs());
                }
            }
            if (key.longestBy >= 0) {
                earliest[length] =
                        Math.min(earliest[length], units.get(key.longestBy).returnedNs());
            }
            for (int place = length; place > 0; place--) {
                Append append = appends.get(token(key, place));
                if (append != null) {
                    seenBy[append.unit] = Math.min(seenBy[append.unit], earliest[place]);
                }
                earliest[place - 1] = Math.min(earliest[place - 1], earliest[place]);
            }
        }
    }

    private static String token(Key key, int place) {
        int end = place * History.TOKEN_CHARS;
        return key.longest.substring(end - History.TOKEN_CHARS, end);
    }

    /** Third: reads that are no prefix of the longest one. */
    void compareReads() {
        for (int u = 0; u < units.size(); u++) {
            if (!units.get(u).happened()) {
                continue;
            }
            for (KeyOp op : units.get(u).ops()) {
                if (op.kind() == History.Kind.LIST) {
                    Key key = key(op.key());
                    if (!key.broken && !key.longest.startsWith(op.value())) {
                        key.broken = true;
                        report.add(
                                "incompatible order",
                                "two reads of "
                                        + key.name
                                        + " where none is the beginning of the other:\n      "
                                        + op.value()
                                        + "\n      "
                                        + key.longest,
                                u,
                                key.longestBy);
                    }
                }
            }
        }
    }

    /** Last: the order of each key, as edges between units that happened. */
    void order(HistoryGraph graph, boolean[] happened) {
        for (Key key : keys.values()) {
            if (!key.broken) {
                order(key, graph, happened);
            }
        }
    }

    private void order(Key key, HistoryGraph graph, boolean[] happened) {
        int length = key.longest.length() / History.TOKEN_CHARS;
        NavigableMap<Integer, Append> placed = new TreeMap<>();
        Map<String, Integer> places = new HashMap<>();
        for (int place = 1; place <= length; place++) {
            String token = token(key, place);
            Append append = appends.get(token);
            if (append == null || !append.key.equals(key.name)) {
                report.add(
                        "garbage",
                        key.name + " has a token that nobody appended to it: " + token,
                        key.longestBy);
            } else if (places.put(token, place) != null) {
                report.add(
                        "duplicated append",
                        key.name + " has " + token + " twice",
                        append.unit,
                        key.longestBy);
            } else if (!happened[append.unit]) {
                report.add(
                        "aborted read",
                        key.name + " has " + token + " of a unit that was aborted",
                        append.unit,
                        key.longestBy);
            } else {
                placed.put(place, append);
            }
        }
        List<Append> unplaced = new ArrayList<>();
        for (Append append : key.appends) {
            if (!happened[append.unit]) {
                continue;
            }
            Integer seenAt = places.get(append.token);
            if (append.place == 0) {
                if (seenAt == null) {
                    unplaced.add(append);
                }
            } else if (seenAt != null) {
                if (seenAt != append.place) {
                    report.add(
                            "incompatible order",
                            "the reply said #"
                                    + append.place
                                    + " for "
                                    + append.token
                                    + " in "
                                    + key.name
                                    + ", and it was read as #"
                                    + seenAt,
                            append.unit,
                            key.longestBy);
                }
            } else if (append.place <= length) {
                report.add(
                        "lost append",
                        append.token
                                + " was appended to "
                                + key.name
                                + " as #"
                                + append.place
                                + ", where the longest read has "
                                + token(key, append.place),
                        append.unit,
                        key.longestBy);
            } else {
                Append other = placed.putIfAbsent(append.place, append);
                if (other != null) {
                    report.add(
                            "lost append",
                            "two appends to "
                                    + key.name
                                    + " were both told that they are #"
                                    + append.place,
                            append.unit,
                            other.unit);
                }
            }
        }
        edges(key, graph, placed, unplaced, length);
    }

    private static void edges(
            Key key,
            HistoryGraph graph,
            NavigableMap<Integer, Append> placed,
            List<Append> unplaced,
            int length) {
        Append previous = null;
        for (Append append : placed.values()) {
            if (previous != null) {
                join(graph, previous.unit, append.unit, HistoryGraph.Why.WRITE_WRITE, key);
            }
            previous = append;
        }
        for (Read read : key.reads) {
            Map.Entry<Integer, Append> before = placed.floorEntry(read.length);
            if (before != null) {
                join(graph, before.getValue().unit, read.unit, HistoryGraph.Why.WRITE_READ, key);
            }
            Map.Entry<Integer, Append> after = placed.higherEntry(read.length);
            if (after != null) {
                join(graph, read.unit, after.getValue().unit, HistoryGraph.Why.READ_WRITE, key);
            }
        }
        // Appends that nobody saw and no reply placed come after all that was seen.
        for (Append append : unplaced) {
            Map.Entry<Integer, Append> last = placed.floorEntry(length);
            if (last != null) {
                join(graph, last.getValue().unit, append.unit, HistoryGraph.Why.WRITE_WRITE, key);
            }
            for (Read read : key.reads) {
                if (read.length == length) {
                    join(graph, read.unit, append.unit, HistoryGraph.Why.READ_WRITE, key);
                }
            }
        }
    }

    private static void join(HistoryGraph graph, int a, int b, HistoryGraph.Why why, Key key) {
        if (a != b) {
            graph.edge(a, b, why, key.name, -1);
        }
    }
}
