package ironcache.resp;

/**
 * Whose time it was. Time is read once per group of commands where all are brief, and shared among them equally, to spare each its clock reads (their cost here is not
 * measured yet). A command not flagged BRIEF is timed by itself, and every command is while slowlog-log-slower-than is below
 * {@value #TIME_EACH_BELOW_MICROS} µs.
 *
 * <p>Owned by the shard's thread. Allocates nothing.
 */
final class CommandTimes {
    static final long TIME_EACH_BELOW_MICROS = 1000;

    private final Node node;
    private final TurnClock clock;

    /** Commands whose time is not attributed yet: all that ran since sinceNanos. */
    private final CommandRow[] group = new CommandRow[Batch.MOST_COMMANDS];

    private int groupSize;
    private long sinceNanos;

    CommandTimes(Node node, TurnClock clock) {
        this.node = node;
        this.clock = clock;
    }

    /** Whether a command of this row is timed by itself. */
    boolean isTimed(CommandRow row) {
        return node.timeEach || (row.flags & CommandFlag.BRIEF.bit()) == 0;
    }

    /** Commands begin to run. */
    void begin() {
        groupSize = 0;
        sinceNanos = clock.nanoTime();
    }

    /** A brief command ran. */
    void ran(CommandRow row) {
        group[groupSize++] = row;
    }

    /** The group ends: its time is shared out. */
    void end() {
        int count = groupSize;
        if (count == 0) {
            return;
        }
        long now = clock.nanoTime();
        long each = (now - sinceNanos) / count;
        int bucket = LatencyHistogram.bucket(each);
        boolean histograms = node.latencyTracking;
        for (int i = 0; i < count; i++) {
            CommandRow row = group[i];
            row.nanos += each;
            if (histograms) {
                row.addLatency(bucket);
            }
        }
        groupSize = 0;
        sinceNanos = now;
    }

    /** A timed command ran, alone since {@link #end}. */
    void ranAlone(CommandContext command, CommandRow row) {
        long now = clock.nanoTime();
        long nanos = now - sinceNanos;
        sinceNanos = now;
        add(command, row, nanos);
        if (nanos > 1_000_000) {
            clock.refresh();
        }
    }

    /** A command took so long. */
    void add(CommandContext command, CommandRow row, long nanos) {
        row.nanos += nanos;
        if (node.latencyTracking) {
            row.addLatency(LatencyHistogram.bucket(nanos));
        }
        if (nanos >= node.slowNanos) {
            node.commandWasSlow(command, row, nanos);
        }
    }
}
