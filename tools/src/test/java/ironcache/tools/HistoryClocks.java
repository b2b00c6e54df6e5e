package ironcache.tools;

import ironcache.tools.History.Unit;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * Vector clocks over the units of a history: answers at once whether one comes before another. A chain is a row of
 * units of which each had returned before the next was invoked, so it has one hand on the clock; there are as many
 * chains as units were ever under way at the same time. Memory: nodes x chains x 8 bytes.
 */
final class HistoryClocks {
    private final int[] chain;
    private final int[] index;
    private final int chains;
    private int[] ticks = new int[0];
    private int[] before = new int[0];
    private int settings;

    /**
     * @param byInvocation the units that happened; the others are in no chain
     * @param returned of each unit, as far as is known
     */
    HistoryClocks(List<Unit> units, int[] byInvocation, long[] returned) {
        chain = new int[units.size()];
        index = new int[units.size()];
        Arrays.fill(chain, -1);
        PriorityQueue<Integer> last =
                new PriorityQueue<>(Comparator.comparingLong(u -> returned[u]));
        int count = 0;
        for (int u : byInvocation) {
            if (!last.isEmpty() && returned[last.element()] < units.get(u).invokedNs()) {
                int before = last.remove();
                chain[u] = chain[before];
                index[u] = index[before] + 1;
            } else {
                chain[u] = count++;
            }
            last.add(u);
        }
        chains = Math.max(1, count);
    }

    int chains() {
        return chains;
    }

    int chain(int unit) {
        return chain[unit];
    }

    int index(int unit) {
        return index[unit];
    }

    /** Sets the clocks by a graph without cycles whose components are known. */
    void set(HistoryGraph graph) {
        int size = Math.multiplyExact(graph.nodes(), chains);
        int[] reused = before;
        before = ticks;
        ticks = reused.length == size ? reused : new int[size];
        settings++;
        Arrays.fill(ticks, -1);
        for (int n : graph.order()) {
            int mine = n * chains;
            if (n < chain.length && chain[n] >= 0) {
                ticks[mine + chain[n]] = index[n];
            }
            for (int i = graph.firstOut(n); i < graph.firstOut(n + 1); i++) {
                int theirs = graph.to(graph.out(i)) * chains;
                for (int c = 0; c < chains; c++) {
                    ticks[theirs + c] = Math.max(ticks[theirs + c], ticks[mine + c]);
                }
            }
        }
    }

    /** Whether the clocks were set once only. */
    boolean first() {
        return settings == 1;
    }

    /** Whether the last setting made a difference to this unit. */
    boolean changed(int unit) {
        int from = unit * chains;
        return first() || !Arrays.equals(ticks, from, from + chains, before, from, from + chains);
    }

    /** Place in the chain of the last unit there that comes before this one, or is it; -1 for none. */
    int tick(int unit, int ofChain) {
        return ticks[unit * chains + ofChain];
    }

    boolean precedes(int a, int b) {
        return ticks[b * chains + chain[a]] >= index[a];
    }
}
