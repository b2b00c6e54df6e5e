package ironcache.tools;

import ironcache.tools.History.KeyOp;
import ironcache.tools.History.Outcome;
import ironcache.tools.History.Unit;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Judges a {@link History}: is there one order of all units, each at a moment between its invocation and its return,
 * in which every reply is what a single-threaded store would have said? That is strict serializability, and for units
 * of one key linearizability. After Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental
 * Observations" (VLDB 2020): what must come before what is a graph, and an order exists only where it has no cycle. A
 * cycle is a proof; it is printed.
 *
 * <p>Whatever it complains of is an anomaly. It can miss one only where several registers were written at the same
 * time by units that read none of them, as their order is then not known and finding one is NP-hard; for lists, and
 * registers that are read before they are written, the order is known and nothing is missed.
 */
final class HistoryChecker {
    private static final int MOST_CYCLES = 5;

    /** How far the order of a connection counts where commands were sent without waiting for replies. */
    enum SessionOrder {
        /** Only for units with a key in common. */
        PER_KEY,
        /** For all, as a server of one thread does it. */
        ALL
    }

    /**
     * @param count all anomalies, of which the first are described
     * @param undecided reads that were not judged, as several unanswered additions may explain them
     */
    record Verdict(
            int units,
            int aborted,
            int unanswered,
            long keyOps,
            int keys,
            int edges,
            int inferred,
            int undecided,
            int count,
            List<HistoryReport.Anomaly> anomalies) {
        boolean clean() {
            return count == 0;
        }

        String describe() {
            StringBuilder text = new StringBuilder();
            anomalies.forEach(a -> text.append("ANOMALY ").append(a).append('\n'));
            if (count > anomalies.size()) {
                text.append("and ").append(count - anomalies.size()).append(" more\n");
            }
            return text.toString();
        }
    }

    private HistoryChecker() {}

    static Verdict check(History history) {
        return check(history, SessionOrder.PER_KEY);
    }

    static Verdict check(History history, SessionOrder session) {
        List<Unit> units = history.units();
        HistoryReport report = new HistoryReport(units);
        HistoryLists lists = new HistoryLists(units, report);
        HistoryRegisters registers = new HistoryRegisters(units, report);
        for (int u = 0; u < units.size(); u++) {
            lists.take(u);
            registers.take(u);
        }
        long[] returned = new long[units.size()];
        Arrays.fill(returned, History.NEVER);
        lists.findSeen(returned);
        registers.findSeen(returned);
        boolean[] happened = new boolean[units.size()];
        for (int u = 0; u < units.size(); u++) {
            Unit unit = units.get(u);
            happened[u] =
                    unit.happened()
                            || (unit.outcome() == Outcome.UNKNOWN && returned[u] != History.NEVER);
            if (unit.happened()) {
                returned[u] = unit.returnedNs();
            }
        }
        lists.compareReads();
        HistoryGraph graph = new HistoryGraph(units.size());
        lists.order(graph, happened);
        registers.order(graph, happened);
        sessions(units, graph, happened, session);
        int[] byInvocation = byInvocation(units, happened);
        time(units, graph, byInvocation, returned);
        int given = graph.edges();
        boolean cyclic = graph.findComponents();
        if (!cyclic) {
            HistoryClocks clocks = new HistoryClocks(units, byInvocation, returned);
            registers.prepare(clocks, happened);
            clocks.set(graph);
            while (!cyclic && registers.infer(graph, clocks)) {
                cyclic = graph.findComponents();
                if (!cyclic) {
                    clocks.set(graph);
                }
            }
        }
        if (cyclic) {
            List<int[]> cycles = graph.cycles(MOST_CYCLES);
            cycles.forEach(cycle -> report.addCycle(graph, cycle));
            report.countMore(graph.cyclicComponents() - cycles.size());
        }
        return new Verdict(
                units.size(),
                (int) units.stream().filter(u -> u.outcome() == Outcome.ABORTED).count(),
                (int) units.stream().filter(u -> u.outcome() == Outcome.UNKNOWN).count(),
                units.stream().mapToLong(u -> u.ops().size()).sum(),
                lists.keys() + registers.keys(),
                graph.edges(),
                graph.edges() - given,
                registers.undecided() + registers.ambiguous(),
                report.count(),
                report.anomalies());
    }

    private static void sessions(
            List<Unit> units, HistoryGraph graph, boolean[] happened, SessionOrder session) {
        Map<Long, Integer> lastUnit = new HashMap<>();
        Map<Long, Map<String, Integer>> lastOfKey = new HashMap<>();
        for (int u = 0; u < units.size(); u++) {
            if (!happened[u]) {
                continue;
            }
            Unit unit = units.get(u);
            Integer before = lastUnit.put(unit.connection(), u);
            if (before == null) {
                lastOfKey.put(unit.connection(), new HashMap<>());
            } else if (session == SessionOrder.ALL) {
                graph.edge(before, u, HistoryGraph.Why.SESSION, null, -1);
                continue;
            }
            if (session == SessionOrder.PER_KEY) {
                perKey(units, graph, u, lastOfKey.get(unit.connection()));
            }
        }
    }

    private static void perKey(
            List<Unit> units, HistoryGraph graph, int u, Map<String, Integer> lastOfKey) {
        for (KeyOp op : units.get(u).ops()) {
            Integer before = lastOfKey.put(op.key(), u);
            // Where the one had returned, time says it already.
            if (before != null
                    && before != u
                    && units.get(before).returnedNs() >= units.get(u).invokedNs()) {
                graph.edge(before, u, HistoryGraph.Why.SESSION, null, -1);
            }
        }
    }

    private static int[] byInvocation(List<Unit> units, boolean[] happened) {
        return IntStream.range(0, units.size())
                .filter(u -> happened[u])
                .boxed()
                .sorted(Comparator.comparingLong(u -> units.get(u).invokedNs()))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /**
     * Who had returned comes before who was invoked later: not n x n edges, but a row of moments. Returns lead into
     * the next moment, which leads to the invocations that follow it and to the moment after it.
     */
    private static void time(
            List<Unit> units, HistoryGraph graph, int[] invocations, long[] returned) {
        int[] returns =
                Arrays.stream(invocations)
                        .filter(u -> returned[u] != History.NEVER)
                        .boxed()
                        .sorted(Comparator.comparingLong(u -> returned[u]))
                        .mapToInt(Integer::intValue)
                        .toArray();
        int moment = -1;
        int next = 0;
        for (int u : invocations) {
            if (next < returns.length && returned[returns[next]] < units.get(u).invokedNs()) {
                int later = graph.moment();
                if (moment >= 0) {
                    graph.edge(moment, later, HistoryGraph.Why.TIME, null, -1);
                }
                moment = later;
                while (next < returns.length
                        && returned[returns[next]] < units.get(u).invokedNs()) {
                    graph.edge(returns[next++], moment, HistoryGraph.Why.TIME, null, -1);
                }
            }
            if (moment >= 0) {
                graph.edge(moment, u, HistoryGraph.Why.TIME, null, -1);
            }
        }
    }
}
