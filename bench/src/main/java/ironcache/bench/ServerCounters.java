package ironcache.bench;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** How INFO's counters moved over the measured interval of a run. */
final class ServerCounters implements LoadRun.Observer {
    private final ServerProcess server;
    private Map<String, Long> before = Map.of();
    private Map<String, Long> after = Map.of();
    private Map<String, String> infoAfter = Map.of();

    ServerCounters(ServerProcess server) {
        this.server = server;
    }

    @Override
    public void measureStarts() throws IOException {
        before = integers(read());
    }

    @Override
    public void measureEnds() throws IOException {
        infoAfter = read();
        after = integers(infoAfter);
    }

    private Map<String, String> read() throws IOException {
        try (AdminClient client = server.connect()) {
            return client.info();
        }
    }

    private static Map<String, Long> integers(Map<String, String> info) {
        Map<String, Long> numbers = new LinkedHashMap<>();
        info.forEach(
                (name, value) -> {
                    if (value.matches("-?[0-9]{1,18}")) {
                        numbers.put(name, Long.parseLong(value));
                    }
                });
        return numbers;
    }

    /** What it was when the interval began; 0 where the server does not have it. */
    long before(String name) {
        return before.getOrDefault(name, 0L);
    }

    /** All fields as they were when the interval ended. */
    Map<String, String> infoAfter() {
        return infoAfter;
    }

    /** By how much it grew; 0 where the server does not have it. */
    long delta(String name) {
        return after.getOrDefault(name, 0L) - before.getOrDefault(name, 0L);
    }

    /** Reads of the disk for each GET that was answered from it; NaN where none was, or the server does not count them. */
    double readsPerColdHit() {
        return (double) delta("cold_reads") / delta("cold_hits");
    }

    /** Share of the hits that RAM answered; NaN where the server does not count cold hits. */
    double ramHitRate() {
        return after.containsKey("cold_hits")
                ? 1 - (double) delta("cold_hits") / delta("keyspace_hits")
                : Double.NaN;
    }

    /** Those about tiers that moved, one a line. */
    String toText() {
        StringBuilder text = new StringBuilder();
        for (String name : new TreeMap<>(after).keySet()) {
            boolean wanted =
                    name.matches(
                            "(cold|tier|disk|flushed|sealed|compact|promot|settled|in_place|copy_|keyspace_|evicted|write_err|checksum).*");
            if (wanted && delta(name) != 0) {
                text.append(name).append(": ").append(delta(name)).append('\n');
            }
        }
        return text.toString();
    }
}
