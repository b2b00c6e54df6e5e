package ironcache.resp;

import static ironcache.resp.CommandFlag.ADMIN;
import static ironcache.resp.CommandFlag.LOADING;
import static ironcache.resp.CommandFlag.NOSCRIPT;
import static ironcache.resp.CommandFlag.STALE;

import java.util.Iterator;
import java.util.Map;

/** SLOWLOG and LATENCY. Stateless; runs on the shard's thread. */
final class LatencyCommands {
    private static final ErrorReply BAD_COUNT =
            new ErrorReply("ERR count should be greater than or equal to -1");

    private LatencyCommands() {}

    static void register(CommandTable t) {
        CommandRow slowlog =
                t.container("SLOWLOG")
                        .group("server")
                        .since("2.2.12")
                        .complexity("Depends on subcommand.")
                        .summary("A container for slow log commands.");
        t.sub(slowlog, "GET", LatencyCommands::slowlogGet)
                .arity(-2)
                .wholeNode()
                .flags(ADMIN, LOADING, STALE)
                .since("2.2.12")
                .complexity("O(N) where N is the number of entries returned")
                .summary("Returns the slow log's entries.")
                .tips("request_policy:all_nodes", "nondeterministic_output")
                .history("4.0.0", "Added client IP address, port and name to the reply.")
                .args(Arg.integer("count").optional());
        t.sub(slowlog, "LEN", LatencyCommands::slowlogLength)
                .arity(2)
                .wholeNode()
                .flags(ADMIN, LOADING, STALE)
                .since("2.2.12")
                .complexity("O(1)")
                .summary("Returns the number of entries in the slow log.")
                .tips(
                        "request_policy:all_nodes",
                        "response_policy:agg_sum",
                        "nondeterministic_output");
        t.sub(slowlog, "RESET", LatencyCommands::slowlogReset)
                .arity(2)
                .wholeNode()
                .flags(ADMIN, LOADING, STALE)
                .since("2.2.12")
                .complexity("O(N) where N is the number of entries in the slowlog")
                .summary("Clears all entries from the slow log.")
                .tips("request_policy:all_nodes", "response_policy:all_succeeded");
        t.sub(slowlog, "HELP", c -> Help.reply(c, "SLOWLOG", SLOWLOG_HELP))
                .arity(2)
                .flags(LOADING, STALE)
                .since("6.2.0")
                .complexity("O(1)")
                .summary("Show helpful text about the different subcommands");
        CommandRow latency =
                t.container("LATENCY")
                        .group("server")
                        .since("2.8.13")
                        .complexity("Depends on subcommand.")
                        .summary("A container for latency diagnostics commands.");
        t.sub(latency, "LATEST", LatencyCommands::latest)
                .arity(2)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.8.13")
                .complexity("O(1)")
                .summary("Returns the latest latency samples for all events.")
                .tips(
                        "nondeterministic_output",
                        "request_policy:all_nodes",
                        "response_policy:special");
        t.sub(latency, "HISTORY", LatencyCommands::history)
                .arity(3)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.8.13")
                .complexity("O(1)")
                .summary("Returns timestamp-latency samples for an event.")
                .tips(
                        "nondeterministic_output",
                        "request_policy:all_nodes",
                        "response_policy:special")
                .args(Arg.string("event"));
        t.sub(latency, "RESET", LatencyCommands::reset)
                .arity(-2)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.8.13")
                .complexity("O(1)")
                .summary("Resets the latency data for one or more events.")
                .tips("request_policy:all_nodes", "response_policy:agg_sum")
                .args(Arg.string("event").optional().multiple());
        t.sub(latency, "GRAPH", LatencyCommands::graph)
                .arity(3)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.8.13")
                .complexity("O(1)")
                .summary("Returns a latency graph for an event.")
                .tips(
                        "nondeterministic_output",
                        "request_policy:all_nodes",
                        "response_policy:special")
                .args(Arg.string("event"));
        t.sub(latency, "DOCTOR", LatencyCommands::doctor)
                .arity(2)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.8.13")
                .complexity("O(1)")
                .summary("Returns a human-readable latency analysis report.")
                .tips(
                        "nondeterministic_output",
                        "request_policy:all_nodes",
                        "response_policy:special");
        t.sub(latency, "HISTOGRAM", LatencyCommands::histogram)
                .arity(-2)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("7.0.0")
                .complexity(
                        "O(N) where N is the number of commands with latency information being retrieved.")
                .summary(
                        "Returns the cumulative distribution of latencies of a subset or all commands.")
                .tips(
                        "nondeterministic_output",
                        "request_policy:all_nodes",
                        "response_policy:special")
                .args(Arg.string("command").optional().multiple());
        t.sub(latency, "HELP", c -> Help.reply(c, "LATENCY", LATENCY_HELP))
                .arity(2)
                .flags(LOADING, STALE)
                .since("2.8.13")
                .complexity("O(1)")
                .summary("Returns helpful text about the different subcommands.");
    }

    static void slowlogGet(CommandContext c) {
        long count = 10;
        if (c.argc() > 3) {
            c.reply()
                    .error(
                            "ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.");
            return;
        }
        if (c.argc() == 3) {
            if (!c.isLong(2) || c.longValue() < -1) {
                c.reply().error(BAD_COUNT);
                return;
            }
            count = c.longValue();
        }
        SlowLog log = c.node().slowLog;
        long shown = count == -1 ? log.size() : Math.min(count, log.size());
        ReplyWriter reply = c.reply();
        reply.array(shown);
        Iterator<SlowLog.Entry> entries = log.newestFirst();
        for (long i = 0; i < shown; i++) {
            SlowLog.Entry entry = entries.next();
            reply.array(6);
            reply.integer(entry.id());
            reply.integer(entry.seconds());
            reply.integer(entry.micros());
            reply.array(entry.arguments().length);
            for (byte[] argument : entry.arguments()) {
                reply.bulk(argument, argument.length);
            }
            reply.bulk(entry.peer());
            String name = entry.name();
            reply.bulk(name == null ? "" : name);
        }
    }

    static void slowlogLength(CommandContext c) {
        c.reply().integer(c.node().slowLog.size());
    }

    static void slowlogReset(CommandContext c) {
        c.node().slowLog.clear();
        c.reply().ok();
    }

    static void latest(CommandContext c) {
        Map<String, LatencyMonitor.Event> events = c.node().latencyMonitor.events();
        c.reply().array(events.size());
        for (Map.Entry<String, LatencyMonitor.Event> entry : events.entrySet()) {
            LatencyMonitor.Event event = entry.getValue();
            c.reply().array(6);
            c.reply().bulk(entry.getKey());
            c.reply().integer(event.seconds[event.latest()]);
            c.reply().integer(event.millis[event.latest()]);
            c.reply().integer(event.maxMillis);
            c.reply().integer(event.sumMillis);
            c.reply().integer(event.count);
        }
    }

    static void history(CommandContext c) {
        LatencyMonitor.Event event = c.node().latencyMonitor.events().get(c.argLatin1(2));
        if (event == null) {
            c.reply().array(0);
            return;
        }
        long count = Math.min(event.count, LatencyMonitor.SAMPLES);
        c.reply().array(count);
        for (int i = 0; i < LatencyMonitor.SAMPLES; i++) {
            int at = (event.next + i) % LatencyMonitor.SAMPLES;
            if (event.seconds[at] != 0) {
                c.reply().array(2);
                c.reply().integer(event.seconds[at]);
                c.reply().integer(event.millis[at]);
            }
        }
    }

    static void reset(CommandContext c) {
        LatencyMonitor monitor = c.node().latencyMonitor;
        int reset = 0;
        if (c.argc() == 2) {
            reset = monitor.resetAll();
        }
        for (int i = 2; i < c.argc(); i++) {
            reset += monitor.reset(c.argLatin1(i)) ? 1 : 0;
        }
        c.reply().integer(reset);
    }

    static void graph(CommandContext c) {
        String name = c.argLatin1(2);
        LatencyMonitor.Event event = c.node().latencyMonitor.events().get(name);
        if (event == null) {
            c.reply().error("ERR No samples available for event '" + name + "'");
            return;
        }
        StringBuilder text =
                new StringBuilder(name)
                        .append(" - high ")
                        .append(event.maxMillis)
                        .append(" ms, last ")
                        .append(event.millis[event.latest()])
                        .append(" ms\n");
        for (int i = 0; i < LatencyMonitor.SAMPLES; i++) {
            int at = (event.next + i) % LatencyMonitor.SAMPLES;
            if (event.seconds[at] != 0) {
                int bars = (int) (40 * event.millis[at] / Math.max(1, event.maxMillis));
                text.repeat('#', Math.max(1, bars))
                        .append(' ')
                        .append(event.millis[at])
                        .append(" ms\n");
            }
        }
        c.reply().verbatim(text.toString());
    }

    static void doctor(CommandContext c) {
        if (c.node().config.latencyMonitorMillis == 0) {
            c.reply()
                    .verbatim(
                            "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Valkey instance. You may use"
                                    + " \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it.\n");
            return;
        }
        Map<String, LatencyMonitor.Event> events = c.node().latencyMonitor.events();
        if (events.isEmpty()) {
            c.reply()
                    .verbatim(
                            "Dave, no latency spike was observed during the lifetime of this Valkey instance, not in the slightest"
                                    + " bit. I honestly think you ought to sit down calmly, take a stress pill, and think things over.\n");
            return;
        }
        StringBuilder text = new StringBuilder("Latency spikes were observed:\n");
        for (Map.Entry<String, LatencyMonitor.Event> entry : events.entrySet()) {
            LatencyMonitor.Event event = entry.getValue();
            text.append(entry.getKey())
                    .append(": ")
                    .append(event.count)
                    .append(" spikes, average ")
                    .append(event.sumMillis / Math.max(1, event.count))
                    .append(" ms, worst ")
                    .append(event.maxMillis)
                    .append(" ms\n");
        }
        c.reply().verbatim(text.toString());
    }

    static void histogram(CommandContext c) {
        CommandTable table = c.node().commands;
        long deferred = c.reply().beginDeferred();
        int count = 0;
        if (c.argc() == 2) {
            for (int i = 0; i < table.size(); i++) {
                count += histogram(c, table.row(i));
            }
        }
        for (int i = 2; i < c.argc(); i++) {
            CommandRow row = table.find(c.argLatin1(i));
            if (row != null) {
                count += histogram(c, row);
                for (CommandRow sub : row.subcommands) {
                    count += histogram(c, sub);
                }
            }
        }
        c.reply().endDeferredMap(deferred, count);
    }

    /** As Valkey: cumulative counts at powers of two of microseconds, where they change. */
    private static int histogram(CommandContext c, CommandRow row) {
        LatencyHistogram histogram = c.node().total(row).histogram;
        if (histogram == null || histogram.total() == 0) {
            return 0;
        }
        ReplyWriter reply = c.reply();
        reply.bulk(row.fullName);
        reply.map(2);
        reply.bulk("calls");
        reply.integer(histogram.total());
        reply.bulk("histogram_usec");
        int steps = 0;
        for (int pass = 0; pass < 2; pass++) {
            if (pass == 1) {
                reply.map(steps);
            }
            long before = 0;
            for (long nanos = 1024; before < histogram.total(); nanos *= 2) {
                long upTo = nanos > 1L << 31 ? histogram.total() : histogram.countUpTo(nanos);
                if (upTo > before) {
                    steps++;
                    if (pass == 1) {
                        // The end of the bucket that a histogram of two significant digits has
                        // there.
                        reply.integer((nanos + nanos / 128 - 1) / 1000);
                        reply.integer(upTo);
                    }
                }
                before = upTo;
            }
        }
        return 1;
    }

    private static final String[] SLOWLOG_HELP = {
        "GET [<count>]",
        "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
        "    Entries are made of:",
        "    id, timestamp, time in microseconds, arguments array, client IP and port,",
        "    client name",
        "LEN",
        "    Return the length of the slowlog.",
        "RESET",
        "    Reset the slowlog.",
    };

    private static final String[] LATENCY_HELP = {
        "DOCTOR",
        "    Return a human readable latency analysis report.",
        "GRAPH <event>",
        "    Return an ASCII latency graph for the <event> class.",
        "HISTORY <event>",
        "    Return time-latency samples for the <event> class.",
        "LATEST",
        "    Return the latest latency samples for all events.",
        "RESET [<event> ...]",
        "    Reset latency data of one or more <event> classes.",
        "    (default: reset all data for all event classes)",
        "HISTOGRAM [COMMAND ...]",
        "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
        "    If no commands are specified then all histograms are replied.",
    };
}
