package ironcache.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.HdrHistogram.Histogram;

/** What a load run found. */
record LoadResult(
        String label,
        long replies,
        double seconds,
        double clientCpuSeconds,
        long stallNsMax,
        long backlogMax,
        List<OperationResult> operations,
        List<String> errorSamples,
        long[] repliesBySecond) {

    /** Of one operation; latencies are those of the requests of the measured interval. */
    record OperationResult(
            Operation operation,
            long replies,
            long hits,
            long misses,
            long errors,
            long mismatches,
            Histogram latencyNs) {}

    static LoadResult of(
            LoadOptions options, LoadStats stats, long elapsedNs, long cpuNs, long backlogMax) {
        List<OperationResult> operations = new ArrayList<>();
        for (LoadStats.PerOperation per : stats.operations()) {
            operations.add(
                    new OperationResult(
                            per.operation,
                            per.replies,
                            per.hits,
                            per.misses,
                            per.errors,
                            per.mismatches,
                            per.latencyNs.copy()));
        }
        return new LoadResult(
                options.label,
                stats.replies(),
                elapsedNs / 1e9,
                cpuNs / 1e9,
                stats.stallNsMax(),
                backlogMax,
                operations,
                List.copyOf(stats.errorSamples()),
                stats.repliesBySecond());
    }

    double repliesPerSecond() {
        return replies / seconds;
    }

    /** Share of the time that the load thread was on a core; near 1 the client was the limit, unless it polls for an open loop. */
    double clientBusy() {
        return clientCpuSeconds / seconds;
    }

    long errors() {
        return operations.stream().mapToLong(OperationResult::errors).sum();
    }

    long mismatches() {
        return operations.stream().mapToLong(OperationResult::mismatches).sum();
    }

    /** Share of the reads that found their key; NaN without reads. */
    double hitRate() {
        long hits = operations.stream().mapToLong(OperationResult::hits).sum();
        long misses = operations.stream().mapToLong(OperationResult::misses).sum();
        return (double) hits / (hits + misses);
    }

    /** Of all operations together. */
    Histogram latencyNs() {
        Histogram all = operations.getFirst().latencyNs().copy();
        for (OperationResult op : operations.subList(1, operations.size())) {
            all.add(op.latencyNs());
        }
        return all;
    }

    /** Of one operation. */
    Histogram latencyNs(Operation operation) {
        return operations.stream()
                .filter(op -> op.operation() == operation)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(label + " has no " + operation))
                .latencyNs();
    }

    double latencyUs(double percentile) {
        return latencyNs().getValueAtPercentile(percentile) / 1e3;
    }

    String toText() {
        StringBuilder text = new StringBuilder();
        text.append(
                String.format(
                        Locale.ROOT,
                        "%s: %,d replies in %.2f s = %,.0f per second, %d errors, longest silence %.1f ms, client busy %.2f%s%n",
                        label,
                        replies,
                        seconds,
                        repliesPerSecond(),
                        errors(),
                        stallNsMax / 1e6,
                        clientBusy(),
                        backlogMax > 0
                                ? String.format(
                                        Locale.ROOT, ", at most %,d requests overdue", backlogMax)
                                : ""));
        text.append(
                "  op       replies       hit rate   p50 us   p99 us   p99.9 us   max us   errors   wrong values\n");
        for (OperationResult op : operations) {
            Histogram h = op.latencyNs();
            long reads = op.hits() + op.misses();
            text.append(
                    String.format(
                            Locale.ROOT,
                            "  %-6s %,12d %12s %8.0f %8.0f %10.0f %8.0f %8d %14d%n",
                            op.operation(),
                            op.replies(),
                            reads == 0
                                    ? "-"
                                    : String.format(
                                            Locale.ROOT, "%.4f", (double) op.hits() / reads),
                            h.getValueAtPercentile(50) / 1e3,
                            h.getValueAtPercentile(99) / 1e3,
                            h.getValueAtPercentile(99.9) / 1e3,
                            h.getMaxValue() / 1e3,
                            op.errors(),
                            op.mismatches()));
        }
        for (String error : errorSamples) {
            text.append("  error: ").append(error).append('\n');
        }
        return text.toString();
    }

    /** One object on one line; times in microseconds. */
    String toJson() {
        StringBuilder json = new StringBuilder();
        json.append(
                String.format(
                        Locale.ROOT,
                        "{\"label\":%s,\"replies\":%d,\"seconds\":%.3f,\"per_second\":%.1f,\"errors\":%d,"
                                + "\"client_busy\":%.3f,\"longest_silence_us\":%.0f,\"backlog_max\":%d,\"operations\":[",
                        quote(label),
                        replies,
                        seconds,
                        repliesPerSecond(),
                        errors(),
                        clientBusy(),
                        stallNsMax / 1e3,
                        backlogMax));
        String separator = "";
        for (OperationResult op : operations) {
            Histogram h = op.latencyNs();
            json.append(separator)
                    .append(
                            String.format(
                                    Locale.ROOT,
                                    "{\"op\":\"%s\",\"replies\":%d,\"hits\":%d,\"misses\":%d,\"errors\":%d,\"wrong_values\":%d,"
                                            + "\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f}",
                                    op.operation(),
                                    op.replies(),
                                    op.hits(),
                                    op.misses(),
                                    op.errors(),
                                    op.mismatches(),
                                    h.getValueAtPercentile(50) / 1e3,
                                    h.getValueAtPercentile(99) / 1e3,
                                    h.getValueAtPercentile(99.9) / 1e3,
                                    h.getMaxValue() / 1e3));
            separator = ",";
        }
        return json.append("]}").toString();
    }

    private static String quote(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
