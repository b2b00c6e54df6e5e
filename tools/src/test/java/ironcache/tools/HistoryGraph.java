package ironcache.tools;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.PriorityQueue;

/**
 * A graph of what must come before what: nodes are units of a history, and a few behind them that stand for moments.
 * Finds its strongly connected components (Tarjan's algorithm without recursion) and short cycles in them. All arrays:
 * a million of nodes is a matter of tenths of a second. Owned by the checker's thread.
 */
final class HistoryGraph {
    /** Why one comes before the other. */
    enum Why {
        /** It had returned before the other was invoked. */
        TIME,
        /** Both on one connection, in this order. */
        SESSION,
        /** The other's write of the key followed its own. */
        WRITE_WRITE,
        /** The other read what it had written. */
        WRITE_READ,
        /** It read what the other overwrote. */
        READ_WRITE,
        /** Inferred: its write comes before a read that saw the other's write, so it comes before that write. */
        BEFORE_READ,
        /** Inferred: it read a write that comes before the other's write. */
        OVERWRITTEN;

        boolean inferred() {
            return this == BEFORE_READ || this == OVERWRITTEN;
        }

        /** In a search for what is easily understood: the inferred need more words. */
        int weight() {
            return this == BEFORE_READ ? 5 : this == OVERWRITTEN ? 3 : 2;
        }
    }

    private static final long SEARCH_BUDGET_EDGES = 30_000_000;

    final int units;
    private int nodes;
    private int edges;
    private int[] from = new int[1 << 12];
    private int[] to = new int[1 << 12];
    private Why[] why = new Why[1 << 12];
    private String[] key = new String[1 << 12];
    private int[] via = new int[1 << 12];

    // Built by components(): edges by their source, and the component of each node.
    private int[] firstOut;
    private int[] out;
    private int[] component;
    private int[] order;
    private int components;

    HistoryGraph(int units) {
        this.units = units;
        nodes = units;
    }

    /** A node that is no unit. */
    int moment() {
        return nodes++;
    }

    int nodes() {
        return nodes;
    }

    int edges() {
        return edges;
    }

    void edge(int a, int b, Why reason, String ofKey, int witness) {
        if (edges == from.length) {
            int larger = edges * 2;
            from = Arrays.copyOf(from, larger);
            to = Arrays.copyOf(to, larger);
            why = Arrays.copyOf(why, larger);
            key = Arrays.copyOf(key, larger);
            via = Arrays.copyOf(via, larger);
        }
        from[edges] = a;
        to[edges] = b;
        why[edges] = reason;
        key[edges] = ofKey;
        via[edges++] = witness;
    }

    int from(int edge) {
        return from[edge];
    }

    int to(int edge) {
        return to[edge];
    }

    Why why(int edge) {
        return why[edge];
    }

    String key(int edge) {
        return key[edge];
    }

    int via(int edge) {
        return via[edge];
    }

    /** Finds the components of the edges so far; returns whether there is a cycle. */
    boolean findComponents() {
        firstOut = new int[nodes + 1];
        for (int e = 0; e < edges; e++) {
            firstOut[from[e] + 1]++;
        }
        for (int n = 0; n < nodes; n++) {
            firstOut[n + 1] += firstOut[n];
        }
        out = new int[edges];
        int[] next = Arrays.copyOf(firstOut, nodes);
        for (int e = 0; e < edges; e++) {
            out[next[from[e]]++] = e;
        }
        component = new int[nodes];
        Arrays.fill(component, -1);
        components = 0;
        order = new int[nodes];
        int ordered = nodes;
        int[] number = new int[nodes];
        int[] low = new int[nodes];
        int[] open = new int[nodes];
        int[] path = new int[nodes];
        int[] at = Arrays.copyOf(firstOut, nodes);
        int opened = 0;
        int numbered = 0;
        for (int root = 0; root < nodes; root++) {
            if (number[root] != 0) {
                continue;
            }
            int depth = 0;
            path[0] = root;
            number[root] = low[root] = ++numbered;
            open[opened++] = root;
            while (depth >= 0) {
                int n = path[depth];
                if (at[n] < firstOut[n + 1]) {
                    int m = to[out[at[n]++]];
                    if (number[m] == 0) {
                        number[m] = low[m] = ++numbered;
                        open[opened++] = m;
                        path[++depth] = m;
                    } else if (component[m] < 0) {
                        low[n] = Math.min(low[n], number[m]);
                    }
                    continue;
                }
                if (low[n] == number[n]) {
                    int m;
                    do {
                        m = open[--opened];
                        component[m] = components;
                        order[--ordered] = m;
                    } while (m != n);
                    components++;
                }
                depth--;
                if (depth >= 0) {
                    low[path[depth]] = Math.min(low[path[depth]], low[n]);
                }
            }
        }
        // Every edge joins two nodes: as many components as nodes is no cycle, as nobody precedes
        // itself.
        return components < nodes;
    }

    /** Nodes in an order that all edges follow; where there is no cycle. */
    int[] order() {
        return order;
    }

    int firstOut(int node) {
        return firstOut[node];
    }

    int out(int index) {
        return out[index];
    }

    /** The shortest cycle found in each component that has one, as edges, the components with short cycles first. */
    List<int[]> cycles(int most) {
        int[] size = new int[components];
        for (int n = 0; n < nodes; n++) {
            size[component[n]]++;
        }
        int[][] members = new int[components][];
        int[] filled = new int[components];
        for (int n = 0; n < units; n++) {
            int c = component[n];
            if (size[c] > 1) {
                if (members[c] == null) {
                    members[c] = new int[size[c]];
                }
                members[c][filled[c]++] = n;
            }
        }
        List<int[]> found = new ArrayList<>();
        int searched = 0;
        for (int c = 0; c < components && searched < most * 4; c++) {
            if (size[c] > 1) {
                found.add(shortestCycle(members[c], filled[c]));
                searched++;
            }
        }
        found.sort((a, b) -> Integer.compare(a.length, b.length));
        return found.subList(0, Math.min(most, found.size()));
    }

    int cyclicComponents() {
        int[] size = new int[components];
        int cyclic = 0;
        for (int n = 0; n < nodes; n++) {
            if (++size[component[n]] == 2) {
                cyclic++;
            }
        }
        return cyclic;
    }

    private int[] shortestCycle(int[] members, int count) {
        int[] best = null;
        int bestCost = Integer.MAX_VALUE;
        Search search = new Search();
        for (int i = 0; i < count; i++) {
            int[] cycle = search.path(members[i], members[i], edges, bestCost);
            if (cycle != null) {
                best = cycle;
                bestCost = search.cost;
            }
            if (search.visited > SEARCH_BUDGET_EDGES && best != null) {
                break;
            }
        }
        if (best == null) {
            throw new IllegalStateException("a component without a cycle");
        }
        return best;
    }

    /** Why a comes before b, by the first {@code limit} edges: those that an inferred one was drawn from. */
    int[] path(int a, int b, int limit) {
        return new Search().path(a, b, limit, Integer.MAX_VALUE);
    }

    /** Dijkstra's algorithm, bounded. Edges to moments cost nothing. */
    private final class Search {
        private final int[] distance = new int[nodes];
        private final int[] cameBy = new int[nodes];
        private int[] touched = new int[64];
        private int touchedCount;
        private long visited;
        private int cost;

        Search() {
            Arrays.fill(distance, Integer.MAX_VALUE);
        }

        /**
         * Edges of the cheapest way that costs less than the bound; of at least one edge, so that a node leads to
         * itself.
         */
        int[] path(int a, int b, int limit, int bound) {
            PriorityQueue<long[]> queue = new PriorityQueue<>((x, y) -> Long.compare(x[0], y[0]));
            queue.add(new long[] {0, a});
            int[] result = null;
            while (!queue.isEmpty()) {
                long[] head = queue.remove();
                int n = (int) head[1];
                if (n == b && head[0] > 0) {
                    cost = (int) head[0];
                    result = walkBack(a, b);
                    break;
                }
                if (head[0] > 0 && head[0] > distance[n]) {
                    continue;
                }
                for (int i = firstOut[n]; i < firstOut[n + 1]; i++) {
                    int e = out[i];
                    visited++;
                    int m = to[e];
                    if (e >= limit || (a == b && component[m] != component[a])) {
                        continue;
                    }
                    int weight = m >= units ? 0 : why[e].weight();
                    int there = (int) head[0] + weight;
                    if (there < distance[m] && there < bound) {
                        if (distance[m] == Integer.MAX_VALUE) {
                            if (touchedCount == touched.length) {
                                touched = Arrays.copyOf(touched, touchedCount * 2);
                            }
                            touched[touchedCount++] = m;
                        }
                        distance[m] = there;
                        cameBy[m] = e;
                        queue.add(new long[] {there, m});
                    }
                }
            }
            while (touchedCount > 0) {
                distance[touched[--touchedCount]] = Integer.MAX_VALUE;
            }
            return result;
        }

        private int[] walkBack(int a, int b) {
            List<Integer> way = new ArrayList<>();
            int n = b;
            do {
                way.addFirst(cameBy[n]);
                n = from[cameBy[n]];
            } while (n != a);
            return way.stream().mapToInt(Integer::intValue).toArray();
        }
    }
}
