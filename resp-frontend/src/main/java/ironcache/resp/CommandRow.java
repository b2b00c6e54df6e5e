package ironcache.resp;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One row of the command table: everything that is known of a command. Built with the chained setters while the table is filled,
 * not changed afterwards, except for its counters. Read on the shard's thread.
 */
final class CommandRow {
    private static final KeySpec[] NO_KEYS = {};
    private static final Arg[] NO_ARGS = {};
    private static final CommandRow[] NO_SUBS = {};
    private static final String[] NO_TEXT = {};

    /** Upper case; for a sub-command its own word. */
    final String name;

    /** Lower case, {@code container|sub} for a sub-command: as in ACL, INFO and COMMAND. */
    final String fullName;

    final @Nullable CommandRow parent;

    /** Null for a container. */
    final @Nullable CommandHandler handler;

    /** Dense number, sub-commands included. */
    int id;

    int arity = -1;
    long flags;
    long categories;
    KeySpec[] keySpecs = NO_KEYS;
    Arg[] args = NO_ARGS;
    CommandRow[] subcommands = NO_SUBS;
    String[] tips = NO_TEXT;
    String[] history = NO_TEXT;
    String since = "1.0.0";
    String summary = "";
    String group = "generic";
    String complexity = "";
    @Nullable String deprecatedSince;
    @Nullable String replacedBy;

    // The one contiguous range that all keys of this row lie in, for the executor: 0 where the row
    // has no keys there.
    int firstKey;
    int lastKey;
    int keyStep = 1;

    /** Some of its keys are told by a number among its arguments. */
    boolean countsKeys;

    /** Its keys are overwritten unseen, so that prefetching them from the SSD would be in vain. */
    boolean blindWrite;

    /** It is over all shards, whatever its keys. */
    boolean everyShard;

    /** Index of the argument that is an element of the first key's value; 0: none is. */
    int element;

    /** As {@link #everyShard}, and it looks at, or changes, what the node has, or its threads. */
    boolean wholeNode;

    /** Runs at once, even between MULTI and EXEC. */
    boolean neverQueued;

    // Counters for INFO commandstats, cleared by CONFIG RESETSTAT.
    long calls;
    long nanos;
    long rejectedCalls;
    long failedCalls;

    /** Durations by power-of-two bucket and sixteenths, see LatencyHistogram; made at the first call. */
    @Nullable LatencyHistogram histogram;

    CommandRow(@Nullable CommandRow parent, String name, @Nullable CommandHandler handler) {
        this.parent = parent;
        this.name = name;
        this.handler = handler;
        String lower = name.toLowerCase(Locale.ROOT);
        this.fullName = parent == null ? lower : parent.fullName + "|" + lower;
    }

    /** Number of arguments with the name(s); negative: at least. */
    CommandRow arity(int count) {
        arity = count;
        return this;
    }

    CommandRow flags(CommandFlag... list) {
        for (CommandFlag flag : list) {
            flags |= flag.bit();
        }
        return this;
    }

    /** Categories beyond those that follow from flags and group. */
    CommandRow categories(AclCategory... list) {
        for (AclCategory category : list) {
            categories |= category.bit();
        }
        return this;
    }

    /** A range of keys; {@code last} as in COMMAND INFO's legacy triple (absolute index, or negative from the end). */
    CommandRow keys(int first, int last, int step, KeyFlag... keyFlags) {
        return addKeySpec(
                new KeySpec(first, last < 0 ? last : last - first, step, false, keyFlags, null));
    }

    /** The argument that is looked for in the first key's value: the first, where there may be several. Loaded beforehand ({@link Batch#touch}); no more depends on it. */
    CommandRow element(int argument) {
        element = argument;
        return this;
    }

    /** As {@link #keys}, with the note that COMMAND INFO shows for it. */
    CommandRow keysWithNotes(String notes, int first, int last, int step, KeyFlag... keyFlags) {
        return addKeySpec(
                new KeySpec(first, last < 0 ? last : last - first, step, false, keyFlags, notes));
    }

    /** {@code numkeys key [key ...]} with {@code numkeys} at this index; keys are {@code step} arguments apart. */
    CommandRow countedKeys(int countIndex, int step, KeyFlag... keyFlags) {
        countsKeys = true;
        return addKeySpec(new KeySpec(countIndex, 0, step, true, keyFlags, null));
    }

    /** Keys whose names or places follow from data or from other arguments. */
    CommandRow unknownKeys(String notes, KeyFlag... keyFlags) {
        return addKeySpec(new KeySpec(0, 0, 0, false, keyFlags, notes));
    }

    private CommandRow addKeySpec(KeySpec spec) {
        keySpecs = java.util.Arrays.copyOf(keySpecs, keySpecs.length + 1);
        keySpecs[keySpecs.length - 1] = spec;
        if (!spec.counted() && !spec.isUnknown()) {
            int last = spec.last() < 0 ? spec.last() : spec.begin() + spec.last();
            if (keySpecs.length == 1) {
                firstKey = spec.begin();
                lastKey = last;
                keyStep = spec.step();
            } else {
                firstKey = Math.min(firstKey, spec.begin());
                lastKey =
                        lastKey < 0 || last < 0 ? Math.min(lastKey, last) : Math.max(lastKey, last);
                keyStep = 1;
            }
        }
        return this;
    }

    /** See {@link #neverQueued}. */
    CommandRow neverQueued() {
        neverQueued = true;
        return this;
    }

    /** Index of the last key argument of a command of {@code argc} arguments. */
    int lastKey(int argc) {
        int last = lastKey < 0 ? argc + lastKey : lastKey;
        return Math.min(last, argc - 1);
    }

    /** See {@link #everyShard}. */
    CommandRow everyShard() {
        everyShard = true;
        return this;
    }

    /** See {@link #wholeNode}. */
    CommandRow wholeNode() {
        wholeNode = true;
        everyShard = true;
        return this;
    }

    /** See {@link #blindWrite}. */
    CommandRow blindWrite() {
        blindWrite = true;
        return this;
    }

    CommandRow args(Arg... list) {
        args = list;
        return this;
    }

    CommandRow since(String version) {
        since = version;
        return this;
    }

    CommandRow summary(String text) {
        summary = text;
        return this;
    }

    /** COMMAND DOCS group: string, generic, connection, server ... */
    CommandRow group(String name) {
        group = name;
        return this;
    }

    CommandRow complexity(String text) {
        complexity = text;
        return this;
    }

    /** @param replacement in words, as COMMAND DOCS shows it */
    CommandRow deprecated(String version, String replacement) {
        deprecatedSince = version;
        replacedBy = replacement;
        return this;
    }

    /** Command tips, such as {@code nondeterministic_output}. */
    CommandRow tips(String... list) {
        tips = list;
        return this;
    }

    /** Pairs of version and change. */
    CommandRow history(String... pairs) {
        history = pairs;
        return this;
    }

    void addLatency(int bucket) {
        LatencyHistogram to = histogram;
        if (to == null) {
            to = new LatencyHistogram();
            histogram = to;
        }
        to.add(bucket);
    }

    boolean has(CommandFlag flag) {
        return (flags & flag.bit()) != 0;
    }

    /** Flags that COMMAND INFO shows: Valkey hides some on purpose, and so does it ours. */
    long listedFlags() {
        return flags
                & ~(CommandFlag.MAY_REPLICATE.bit()
                        | CommandFlag.PROTECTED.bit()
                        | CommandFlag.SKIP_SLOWLOG.bit()
                        | CommandFlag.BRIEF.bit());
    }

    boolean arityFits(int argc) {
        return arity >= 0 ? argc == arity : argc >= -arity;
    }

    /** Adds the counters of the same row of another thread's table. */
    void addCounters(CommandRow other) {
        calls += other.calls;
        nanos += other.nanos;
        rejectedCalls += other.rejectedCalls;
        failedCalls += other.failedCalls;
        if (other.histogram != null) {
            if (histogram == null) {
                histogram = new LatencyHistogram();
            }
            histogram.addAll(other.histogram);
        }
    }

    /** CONFIG RESETSTAT. */
    void resetCounters() {
        calls = 0;
        nanos = 0;
        rejectedCalls = 0;
        failedCalls = 0;
        histogram = null;
    }

    /** The categories that follow from flags and group, in addition to those given. */
    void deriveCategories() {
        if (has(CommandFlag.WRITE)) {
            categories(AclCategory.WRITE);
        }
        if (has(CommandFlag.READONLY)) {
            categories(AclCategory.READ);
        }
        if (has(CommandFlag.ADMIN)) {
            categories(AclCategory.ADMIN, AclCategory.DANGEROUS);
        }
        if (has(CommandFlag.PUBSUB)) {
            categories(AclCategory.PUBSUB);
        }
        if (has(CommandFlag.BLOCKING)) {
            categories(AclCategory.BLOCKING);
        }
        categories(has(CommandFlag.FAST) ? AclCategory.FAST : AclCategory.SLOW);
        if (isContainer() || name.equals("HELP") && parent != null) {
            return;
        }
        switch (group) {
            case "string" -> categories(AclCategory.STRING);
            case "hash" -> categories(AclCategory.HASH);
            case "set" -> categories(AclCategory.SET);
            case "list" -> categories(AclCategory.LIST);
            case "sorted-set" -> categories(AclCategory.SORTEDSET);
            case "generic" -> {
                // WAIT and SORT are of the generic group, but about the connection, and some types.
                if ((categories & (AclCategory.CONNECTION.bit() | AclCategory.SET.bit())) == 0) {
                    categories(AclCategory.KEYSPACE);
                }
            }
            case "connection" -> categories(AclCategory.CONNECTION);
            case "transactions" -> categories(AclCategory.TRANSACTION);
            default -> {}
        }
    }

    boolean isContainer() {
        return subcommands.length > 0;
    }

    void addSubcommand(CommandRow row) {
        subcommands = java.util.Arrays.copyOf(subcommands, subcommands.length + 1);
        subcommands[subcommands.length - 1] = row;
    }
}
