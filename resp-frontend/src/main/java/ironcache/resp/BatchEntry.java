package ironcache.resp;

import org.jspecify.annotations.Nullable;

/** One command of a {@link Batch}; reused. */
final class BatchEntry {
    /** What is wrong with it, whatever its row. */
    enum Problem {
        NONE,
        PROTOCOL_ERROR,
        UNKNOWN_SUBCOMMAND
    }

    /** Set whenever the entry is in the batch. */
    @SuppressWarnings("NullAway.Init")
    Connection connection;

    @Nullable CommandRow row;
    int firstArgument;
    int argc;

    /** Address of the request's first byte. */
    long start;

    /** Address of the first byte behind it. */
    long end;

    /** The bits of all its arguments' lengths. */
    int lengthBits;

    Problem problem = Problem.NONE;

    /** The set of shards that its arguments name; see {@link Batch#findShards}. */
    long over;

    /** Further shards, where it may serve those who wait for its keys; see {@link Visits}. */
    long wider;

    /** Whether it can be run and has keys where its row says. */
    boolean isKeyed() {
        CommandRow known = row;
        return known != null && known.firstKey != 0 && isRunnable();
    }

    boolean isBrief() {
        CommandRow known = row;
        return known == null || known.has(CommandFlag.BRIEF);
    }

    /** Whether its row can run it. */
    boolean isRunnable() {
        CommandRow known = row;
        return known != null
                && problem == Problem.NONE
                && known.arityFits(argc)
                && known.handler != null;
    }
}
