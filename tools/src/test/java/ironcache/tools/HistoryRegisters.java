package ironcache.tools;

import ironcache.tools.History.KeyOp;
import ironcache.tools.History.Outcome;
import ironcache.tools.History.Unit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The register keys of one history. Values are unique, so it is known who read from whom; the order of a key's writes
 * is only known where units read what they overwrite, and otherwise follows from what is known already. Two rules find
 * it, again and again until they find nothing new, for a read R of what W wrote and another write V of the key:
 *
 * <pre>
 * V comes before R   =>  V comes before W     (or R would have read V's)
 * W comes before V   =>  R comes before V     (likewise)
 * </pre>
 *
 * What comes before what is asked of vector clocks: {@link HistoryClocks}. Used by one check, on its thread.
 */
final class HistoryRegisters {
    private static final class Write {
        final int unit;

        /** Overwritten by the same unit: nobody else may see it. */
        boolean passing;

        final List<Integer> readers = new ArrayList<>(2);

        Write(int unit) {
            this.unit = unit;
        }
    }

    private record Add(int unit, long delta) {}

    private record Read(int unit, String value) {}

    private static final class Key {
        final String name;
        final Map<String, Write> writes = new LinkedHashMap<>();
        final List<Add> adds = new ArrayList<>(0);
        final List<Read> reads = new ArrayList<>();
        final List<Integer> readersOfNothing = new ArrayList<>();

        // By chain and place in it, so that the last write before a clock's tick is a binary search
        // away. Each
        // chain that has any has a segment, from its start to the next one's.
        Write[] inChains;
        int[] places;
        int[] chains;
        int[] starts;

        Key(String name) {
            this.name = name;
        }
    }

    private static final class Local {
        final String key;
        String value;
        Write own;

        Local(String key) {
            this.key = key;
        }
    }

    private final List<Unit> units;
    private final HistoryReport report;
    private final Map<String, Key> keys = new LinkedHashMap<>();
    private int ambiguous;
    private int undecided;

    HistoryRegisters(List<Unit> units, HistoryReport report) {
        this.units = units;
        this.report = report;
    }

    int keys() {
        return keys.size();
    }

    /** Values that were written twice by chance, whose reads are not judged. */
    int ambiguous() {
        return ambiguous;
    }

    /** Reads that may be of several unanswered additions. */
    int undecided() {
        return undecided;
    }

    /** First: takes in the operations of a unit, whatever its outcome. */
    void take(int u) {
        Unit unit = units.get(u);
        List<Local> locals = new ArrayList<>(4);
        for (KeyOp op : unit.ops()) {
            switch (op.kind()) {
                case WRITE -> write(u, op, locals);
                case READ -> {
                    if (unit.happened()) {
                        read(u, op, locals);
                    }
                }
                case ADD -> {
                    if (unit.outcome() == Outcome.UNKNOWN) {
                        key(op.key()).adds.add(new Add(u, Long.parseLong(op.value())));
                    }
                }
                default -> {}
            }
        }
    }

    private Key key(String name) {
        return keys.computeIfAbsent(name, Key::new);
    }

    private static Local find(List<Local> locals, String key) {
        for (Local local : locals) {
            if (local.key.equals(key)) {
                return local;
            }
        }
        return null;
    }

    private void write(int u, KeyOp op, List<Local> locals) {
        Key key = key(op.key());
        Write write = new Write(u);
        if (key.writes.put(op.value(), write) != null) {
            key.writes.put(op.value(), new Write(-1));
            ambiguous++;
        }
        Local local = find(locals, op.key());
        if (local == null) {
            local = new Local(op.key());
            locals.add(local);
        }
        if (local.own != null) {
            local.own.passing = true;
        }
        local.own = write;
        local.value = op.value();
    }

    private void read(int u, KeyOp op, List<Local> locals) {
        Local local = find(locals, op.key());
        if (local == null) {
            local = new Local(op.key());
            local.value = op.value();
            locals.add(local);
            key(op.key()).reads.add(new Read(u, op.value()));
        } else if (!same(local.value, op.value())) {
            report.add(
                    local.own == null ? "unrepeatable read" : "own write not seen",
                    "a unit read "
                            + op.key()
                            + " = "
                            + op.value()
                            + " where it had to be "
                            + local.value,
                    u);
        }
    }

    private static boolean same(String a, String b) {
        return a == null ? b == null : a.equals(b);
    }

    /** Second: who read from whom; a write that was seen has happened, also where no reply said so. */
    void findSeen(long[] seenBy) {
        for (Key key : keys.values()) {
            resolveAdds(key, seenBy);
            for (Read read : key.reads) {
                if (read.value == null) {
                    key.readersOfNothing.add(read.unit);
                    continue;
                }
                Write write = key.writes.get(read.value);
                if (write == null) {
                    if (key.adds.isEmpty()) {
                        report.add(
                                "garbage",
                                key.name + " had a value that nobody wrote: " + read.value,
                                read.unit);
                    } else {
                        undecided++;
                    }
                } else if (write.unit >= 0) {
                    seen(key, write, read, seenBy);
                }
            }
        }
    }

    private void seen(Key key, Write write, Read read, long[] seenBy) {
        if (write.unit == read.unit) {
            report.add(
                    "garbage", "a unit read from " + key.name + " what it wrote later", read.unit);
        } else if (units.get(write.unit).outcome() == Outcome.ABORTED) {
            report.add(
                    "aborted read",
                    key.name + " had the value " + read.value + " of a unit that was aborted",
                    write.unit,
                    read.unit);
        } else if (write.passing) {
            report.add(
                    "intermediate read",
                    key.name + " had the value " + read.value + ", which its unit had overwritten",
                    write.unit,
                    read.unit);
        } else {
            write.readers.add(read.unit);
            seenBy[write.unit] = Math.min(seenBy[write.unit], units.get(read.unit).returnedNs());
        }
    }

    /**
     * An addition without a reply has happened where its sum with a known value was read. Those that a lost connection had
     * pipelined follow each other, maybe with nobody looking in between: so the sum may be of a row of them.
     */
    private void resolveAdds(Key key, long[] seenBy) {
        if (key.adds.isEmpty()) {
            return;
        }
        key.adds.sort(
                Comparator.comparingLong((Add a) -> units.get(a.unit).connection())
                        .thenComparingInt(a -> a.unit));
        boolean found = true;
        while (found) {
            found = false;
            for (Read read : key.reads) {
                if (read.value != null
                        && !key.writes.containsKey(read.value)
                        && read.value.matches("-?\\d{1,18}")) {
                    found |= resolve(key, read, seenBy);
                }
            }
        }
    }

    private boolean resolve(Key key, Read read, long[] seenBy) {
        for (int i = 0; i < key.adds.size(); i++) {
            long connection = units.get(key.adds.get(i).unit).connection();
            long base = Long.parseLong(read.value);
            for (int j = i; j < key.adds.size(); j++) {
                Add last = key.adds.get(j);
                if (units.get(last.unit).connection() != connection) {
                    break;
                }
                base -= last.delta;
                Write before = key.writes.get(Long.toString(base));
                if (before == null) {
                    continue;
                }
                List<Add> row = key.adds.subList(i, j + 1);
                for (Add add : row) {
                    base += add.delta;
                    before.readers.add(add.unit);
                    before = new Write(add.unit);
                    key.writes.put(Long.toString(base), before);
                    seenBy[add.unit] =
                            Math.min(seenBy[add.unit], units.get(read.unit).returnedNs());
                }
                row.clear();
                return true;
            }
        }
        return false;
    }

    /** Third: edges from writes to those who read them. */
    void order(HistoryGraph graph, boolean[] happened) {
        for (Key key : keys.values()) {
            for (Write write : key.writes.values()) {
                if (write.unit < 0 || !happened[write.unit]) {
                    continue;
                }
                write.readers.removeIf(reader -> !happened[reader]);
                for (int reader : write.readers) {
                    graph.edge(write.unit, reader, HistoryGraph.Why.WRITE_READ, key.name, -1);
                }
            }
        }
    }

    /** Before the first inference: where the writes are in the chains. */
    void prepare(HistoryClocks clocks, boolean[] happened) {
        for (Key key : keys.values()) {
            key.inChains =
                    key.writes.values().stream()
                            .filter(w -> w.unit >= 0 && !w.passing && happened[w.unit])
                            .sorted(
                                    Comparator.comparingInt((Write w) -> clocks.chain(w.unit))
                                            .thenComparingInt(w -> clocks.index(w.unit)))
                            .toArray(Write[]::new);
            int count = key.inChains.length;
            key.places = new int[count];
            key.chains = new int[Math.min(count, clocks.chains())];
            key.starts = new int[key.chains.length + 1];
            int segments = 0;
            for (int i = 0; i < count; i++) {
                int chain = clocks.chain(key.inChains[i].unit);
                key.places[i] = clocks.index(key.inChains[i].unit);
                if (segments == 0 || key.chains[segments - 1] != chain) {
                    key.chains[segments] = chain;
                    key.starts[segments++] = i;
                }
            }
            key.chains = Arrays.copyOf(key.chains, segments);
            key.starts = Arrays.copyOf(key.starts, segments + 1);
            key.starts[segments] = count;
        }
    }

    /**
     * Adds what the two rules find by these clocks; returns whether there was anything. Where a clock is as it was at
     * the last call, nothing new can come of it.
     */
    boolean infer(HistoryGraph graph, HistoryClocks clocks) {
        int before = graph.edges();
        Write[] last = new Write[clocks.chains()];
        for (Key key : keys.values()) {
            for (Write write : key.inChains) {
                for (int reader : write.readers) {
                    if (clocks.changed(reader)) {
                        beforeRead(graph, clocks, key, write, reader, last);
                    }
                }
                if (clocks.changed(write.unit)) {
                    overwritten(graph, clocks, key, write, last);
                }
            }
            if (clocks.first()) {
                ofNothing(graph, clocks, key);
            }
        }
        return graph.edges() > before;
    }

    /** The last write of the key in each chain that comes before the unit, itself left out; returns how many. */
    private static int lastBefore(HistoryClocks clocks, Key key, int unit, Write[] last) {
        int found = 0;
        for (int s = 0; s < key.chains.length; s++) {
            int tick = clocks.tick(unit, key.chains[s]);
            if (key.chains[s] == clocks.chain(unit)) {
                tick--;
            }
            int start = key.starts[s];
            int end = key.starts[s + 1];
            if (tick < key.places[start]) {
                continue;
            }
            int at = end - 1;
            if (tick < key.places[at]) {
                at = Arrays.binarySearch(key.places, start, end, tick);
                at = at >= 0 ? at : -at - 2;
            }
            last[found++] = key.inChains[at];
        }
        return found;
    }

    private static void beforeRead(
            HistoryGraph graph,
            HistoryClocks clocks,
            Key key,
            Write write,
            int reader,
            Write[] last) {
        int count = lastBefore(clocks, key, reader, last);
        for (int i = 0; i < count; i++) {
            int other = last[i].unit;
            if (other != write.unit && !clocks.precedes(other, write.unit)) {
                graph.edge(other, write.unit, HistoryGraph.Why.BEFORE_READ, key.name, reader);
            }
        }
    }

    private static void overwritten(
            HistoryGraph graph, HistoryClocks clocks, Key key, Write write, Write[] last) {
        int count = lastBefore(clocks, key, write.unit, last);
        for (int i = 0; i < count; i++) {
            for (int reader : last[i].readers) {
                if (reader != write.unit && !clocks.precedes(reader, write.unit)) {
                    if (superseded(clocks, last, count, i)) {
                        break;
                    }
                    graph.edge(
                            reader,
                            write.unit,
                            HistoryGraph.Why.OVERWRITTEN,
                            key.name,
                            last[i].unit);
                }
            }
        }
    }

    /** Whether another of them comes after this one: then its readers come before that one, and so before the rest. */
    private static boolean superseded(HistoryClocks clocks, Write[] last, int count, int which) {
        for (int i = 0; i < count; i++) {
            if (i != which && clocks.precedes(last[which].unit, last[i].unit)) {
                return true;
            }
        }
        return false;
    }

    /** Who found the key absent comes before the first write of each chain, as nothing in a history deletes. */
    private static void ofNothing(HistoryGraph graph, HistoryClocks clocks, Key key) {
        for (int reader : key.readersOfNothing) {
            for (int s = 0; s < key.chains.length; s++) {
                int first = key.inChains[key.starts[s]].unit;
                if (first != reader && !clocks.precedes(reader, first)) {
                    graph.edge(reader, first, HistoryGraph.Why.READ_WRITE, key.name, -1);
                }
            }
        }
    }
}
