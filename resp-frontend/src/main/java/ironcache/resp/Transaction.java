package ironcache.resp;

import java.util.ArrayDeque;

/** The commands that a connection has queued since MULTI, and how far EXEC has come with them. Owned by the connection's thread; whoever ends the transaction closes it. */
final class Transaction extends CommandQueue {
    /** The set of shards that they are over; empty while there are none. While it runs, all that EXEC has. */
    long over;

    /** One of them is over the whole node. */
    boolean wholeNode;

    /** A command could not be queued: EXEC refuses them all. */
    boolean failed;

    /** EXEC has begun. What it has not run yet begins at {@link #next}. */
    boolean running;

    /** It holds its shards, or did before. */
    boolean held;

    /** Time for all its commands. */
    long nowMillis;

    /** While it holds shards: the lines of keys that it has made ready. */
    final ArrayDeque<WaitingLines.Line> ready = new ArrayDeque<>(0);

    private long next;

    long next() {
        return running ? next : first();
    }

    void setNext(long command) {
        next = command;
    }
}
