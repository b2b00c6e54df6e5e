package ironcache.resp;

import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Latency spikes by event, as in Valkey's latency monitor: the last 160 samples of each, at most one per second. Any thread adds; who
 * reads has all shards.
 */
final class LatencyMonitor {
    static final int SAMPLES = 160;

    /** One event's samples, a ring. */
    static final class Event {
        final long[] seconds = new long[SAMPLES];
        final long[] millis = new long[SAMPLES];
        int next;
        long maxMillis;
        long sumMillis;
        long count;

        int latest() {
            return (next + SAMPLES - 1) % SAMPLES;
        }
    }

    private final TreeMap<String, Event> events = new TreeMap<>();

    synchronized void add(String name, long millis, long nowSeconds) {
        Event event = events.computeIfAbsent(name, k -> new Event());
        event.maxMillis = Math.max(event.maxMillis, millis);
        int latest = event.latest();
        if (event.seconds[latest] == nowSeconds) {
            event.millis[latest] = Math.max(event.millis[latest], millis);
            return;
        }
        event.seconds[event.next] = nowSeconds;
        event.millis[event.next] = millis;
        event.next = (event.next + 1) % SAMPLES;
        event.sumMillis += millis;
        event.count++;
    }

    SortedMap<String, Event> events() {
        return events;
    }

    /** @return whether it was there */
    boolean reset(String name) {
        return events.remove(name) != null;
    }

    int resetAll() {
        int size = events.size();
        events.clear();
        return size;
    }
}
