package ironcache.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Stand-in, on the heap, until the off-heap wheel lands. */
final class TimingWheel implements AutoCloseable {
    interface Consumer {
        void accept(long word);
    }

    private final TreeMap<Long, List<Long>> words = new TreeMap<>();

    TimingWheel(long nowMillis) {
        assert nowMillis >= 0;
    }

    void add(long deadlineMillis, long word) {
        words.computeIfAbsent(deadlineMillis, key -> new ArrayList<>()).add(word);
    }

    boolean isEmpty() {
        return words.isEmpty();
    }

    /** @return words that fired, at most {@code budget} */
    int advance(long nowMillis, int budget, Consumer consumer) {
        int fired = 0;
        while (fired < budget && !words.isEmpty() && words.firstKey() <= nowMillis) {
            Map.Entry<Long, List<Long>> first = words.firstEntry();
            long word = first.getValue().removeLast();
            if (first.getValue().isEmpty()) {
                words.remove(first.getKey());
            }
            consumer.accept(word);
            fired++;
        }
        return fired;
    }

    @Override
    public void close() {}
}
