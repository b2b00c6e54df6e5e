package ironcache.tools;

import ironcache.tools.History.KeyOp;
import ironcache.tools.History.Unit;
import ironcache.tools.HistoryGraph.Why;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Collects what a check found, in words for an engineer. Used by one check, on its thread. */
final class HistoryReport {
    /** Counted beyond this, but no more described. */
    private static final int MOST_DESCRIBED = 10;

    private static final int MOST_OPS = 12;
    private static final int MOST_EXPLAINED = 12;

    /** @param text the units, and why they cannot be in any order */
    record Anomaly(String name, String text) {
        @Override
        public String toString() {
            return name + ": " + text;
        }
    }

    private final List<Unit> units;
    private final long started;
    private final List<Anomaly> anomalies = new ArrayList<>();
    private int count;

    HistoryReport(List<Unit> units) {
        this.units = units;
        started = units.stream().mapToLong(Unit::invokedNs).min().orElse(0);
    }

    List<Anomaly> anomalies() {
        return anomalies;
    }

    /** All that were found, also those that are not described. */
    int count() {
        return count;
    }

    void countMore(int more) {
        count += more;
    }

    /** Of something that no order of the units can explain. */
    void add(String name, String what, int... concerned) {
        count++;
        if (anomalies.size() >= MOST_DESCRIBED) {
            return;
        }
        StringBuilder text = new StringBuilder(what).append('\n');
        Names names = new Names();
        for (int u : concerned) {
            names.of(u);
        }
        names.describe(text);
        anomalies.add(new Anomaly(name, text.toString()));
    }

    /** Of a circle of units of which each comes before the next. */
    void addCycle(HistoryGraph graph, int[] cycle) {
        count++;
        if (anomalies.size() >= MOST_DESCRIBED) {
            return;
        }
        Names names = new Names();
        StringBuilder text = new StringBuilder();
        List<Integer> inferred = new ArrayList<>();
        int steps = say(graph, cycle, names, "  ", text, inferred);
        Set<Integer> explained = new LinkedHashSet<>();
        for (int i = 0; i < inferred.size() && explained.size() < MOST_EXPLAINED; i++) {
            int edge = inferred.get(i);
            if (explained.add(edge)) {
                explain(graph, edge, names, text, inferred);
            }
        }
        names.describe(text);
        anomalies.add(
                new Anomaly(
                        name(graph, cycle),
                        "each of " + steps + " units comes before the next\n" + text));
    }

    private static int say(
            HistoryGraph graph,
            int[] path,
            Names names,
            String indent,
            StringBuilder text,
            List<Integer> inferred) {
        int steps = 0;
        String since = null;
        for (int edge : path) {
            if (since == null) {
                since = names.of(graph.from(edge));
            }
            if (graph.to(edge) >= graph.units) {
                continue;
            }
            String next = names.of(graph.to(edge));
            text.append(indent).append(since).append(" before ").append(next).append(": ");
            text.append(reason(graph, edge, since, next, names)).append('\n');
            if (graph.why(edge).inferred()) {
                inferred.add(edge);
            }
            since = next;
            steps++;
        }
        return steps;
    }

    private static String reason(HistoryGraph graph, int edge, String a, String b, Names names) {
        String key = graph.key(edge);
        return switch (graph.why(edge)) {
            case TIME -> a + " had returned when " + b + " was invoked";
            case SESSION -> "the order of their connection";
            case WRITE_WRITE -> a + "'s write of " + key + " precedes " + b + "'s";
            case WRITE_READ -> b + " read what " + a + " wrote to " + key;
            case READ_WRITE -> a + " read " + key + " without what " + b + " wrote to it";
            case BEFORE_READ ->
                    "both wrote "
                            + key
                            + ", and "
                            + a
                            + " comes before "
                            + names.of(graph.via(edge))
                            + ", which read "
                            + b
                            + "'s";
            case OVERWRITTEN ->
                    a
                            + " read "
                            + key
                            + " as "
                            + names.of(graph.via(edge))
                            + " wrote it, which comes before "
                            + b
                            + ", which wrote it too";
        };
    }

    /** The way that an inference stands on; it is of edges that were there before it. */
    private static void explain(
            HistoryGraph graph, int edge, Names names, StringBuilder text, List<Integer> inferred) {
        boolean beforeRead = graph.why(edge) == Why.BEFORE_READ;
        int a = beforeRead ? graph.from(edge) : graph.via(edge);
        int b = beforeRead ? graph.via(edge) : graph.to(edge);
        int[] path = graph.path(a, b, edge);
        if (path != null && path.length > 0) {
            text.append("  where ")
                    .append(names.of(a))
                    .append(" comes before ")
                    .append(names.of(b))
                    .append(" as\n");
            say(graph, path, names, "    ", text, inferred);
        }
    }

    /** Names after Adya, Liskov and O'Neil where they have one that engineers use. */
    private static String name(HistoryGraph graph, int[] cycle) {
        Set<Why> reasons = EnumSet.noneOf(Why.class);
        Set<String> keys = new LinkedHashSet<>();
        int steps = 0;
        int antis = 0;
        for (int edge : cycle) {
            reasons.add(graph.why(edge));
            boolean anti = graph.why(edge) == Why.READ_WRITE || graph.why(edge) == Why.OVERWRITTEN;
            antis += anti ? 1 : 0;
            steps += graph.to(edge) < graph.units ? 1 : 0;
            if (graph.key(edge) != null) {
                keys.add(graph.key(edge));
            }
        }
        if (reasons.contains(Why.TIME) || reasons.contains(Why.SESSION)) {
            return steps == 2 && antis == 1 ? "stale read" : "real-time violation";
        }
        if (antis == 0) {
            return reasons.contains(Why.WRITE_READ)
                    ? "circular information flow (G1c)"
                    : "circular writes (G0)";
        }
        if (antis == 1) {
            return steps == 2 ? "fractured read (G-single)" : "read skew (G-single)";
        }
        return steps == 2 && keys.size() == 1 ? "lost update" : "write skew (G2)";
    }

    /** A, B, C … in the order in which they are spoken of. */
    private final class Names {
        private final Map<Integer, String> names = new LinkedHashMap<>();

        String of(int unit) {
            return names.computeIfAbsent(
                    unit,
                    u -> {
                        int n = names.size();
                        return (char) ('A' + n % 26) + (n < 26 ? "" : Integer.toString(n / 26));
                    });
        }

        void describe(StringBuilder text) {
            names.forEach(
                    (u, name) -> {
                        Unit unit = units.get(u);
                        text.append("  ").append(name).append(": client ").append(unit.client());
                        text.append(String.format(", %,d..", unit.invokedNs() - started));
                        text.append(
                                unit.returnedNs() == History.NEVER
                                        ? "never"
                                        : String.format("%,d", unit.returnedNs() - started));
                        text.append(unit.happened() ? ", " : ", " + unit.outcome() + ", ");
                        text.append(unit.how()).append('\n');
                        int shown = 0;
                        for (KeyOp op : unit.ops()) {
                            if (++shown > MOST_OPS) {
                                text.append("       … of ").append(unit.ops().size()).append('\n');
                                break;
                            }
                            text.append("       ").append(op).append('\n');
                        }
                    });
        }
    }
}
