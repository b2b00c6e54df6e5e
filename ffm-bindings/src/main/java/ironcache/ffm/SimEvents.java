package ironcache.ffm;

import java.util.PriorityQueue;

/** What a {@link SimIo} has still to come, in order of time and, at one time, of asking. Owned by the simulation's thread. */
final class SimEvents {
    /** Something that happens at a time. */
    interface Action {
        /** @return how many completions it delivered */
        int run();
    }

    private record Event(long nanos, long sequence, Action action) {}

    private final SimClock clock;
    private final PriorityQueue<Event> events =
            new PriorityQueue<>(
                    (a, b) ->
                            a.nanos != b.nanos
                                    ? Long.compare(a.nanos, b.nanos)
                                    : Long.compare(a.sequence, b.sequence));
    private long sequence;

    SimEvents(SimClock clock) {
        this.clock = clock;
    }

    void add(long delayNanos, Action action) {
        events.add(new Event(clock.nanoTime() + delayNanos, sequence++, action));
    }

    boolean isEmpty() {
        return events.isEmpty();
    }

    /** When the next thing is bound to happen; Long.MAX_VALUE where nothing is. */
    long nextNanos() {
        Event next = events.peek();
        return next == null ? Long.MAX_VALUE : next.nanos;
    }

    /** Lets happen what is due. @return completions delivered */
    int runDue() {
        int delivered = 0;
        // What these events cause comes later, even where the delay is zero.
        long bound = sequence;
        while (!events.isEmpty()
                && events.peek().nanos <= clock.nanoTime()
                && events.peek().sequence < bound) {
            delivered += events.poll().action.run();
        }
        return delivered;
    }

    void clear() {
        events.clear();
    }
}
