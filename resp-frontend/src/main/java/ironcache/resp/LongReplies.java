package ironcache.resp;

import ironcache.hybridlog.Record;

/**
 * Replies of any length that are sent while they are being made: a window at a time ({@link ConnectionBuffers#streamBytes}), each as the client takes the one before. The
 * state between two windows is how much is done, and the version of what is replied:
 *
 * <pre>
 * version, low 23 bits | one more than what is done, 40 bits
 * </pre>
 *
 * <pre>
 * long done = LongReplies.done(c, version);         at each run of the handler
 * if (done == LongReplies.BROKEN) { LongReplies.broken(c); return; }
 * if (!LongReplies.isStreaming(c)) { the reply's begin }
 * ... a window ...
 * LongReplies.pause(c, version, done);              addresses of records are no longer valid
 * </pre>
 */
final class LongReplies {
    private static final int DONE_BITS = 40;
    private static final long DONE_MASK = (1L << DONE_BITS) - 1;
    private static final int VERSION_MASK = (1 << 63 - DONE_BITS) - 1;

    /** Someone changed what is half replied. */
    static final long BROKEN = -1;

    private LongReplies() {}

    /** Whether the command stands in the middle of its reply, so that nothing but the same value can go on with it. */
    static boolean isStreaming(CommandContext c) {
        return c.progress() != 0;
    }

    /** Whether the command stands in the middle of its reply, and its key has nothing of that type any more: then the connection ends. */
    static boolean isLost(CommandContext c, long record, int type) {
        if (isStreaming(c) && (record == 0 || Record.type(record) != type)) {
            broken(c);
            return true;
        }
        return false;
    }

    private static long versionBits(int version) {
        return (long) (version & VERSION_MASK) << DONE_BITS;
    }

    /** What was done before this run, 0 where the reply begins; or {@link #BROKEN}. */
    static long done(CommandContext c, int version) {
        long state = c.progress();
        if (state == 0) {
            return 0;
        }
        return (state & ~DONE_MASK) == versionBits(version) ? (state & DONE_MASK) - 1 : BROKEN;
    }

    /** So much is done: waits until most of it is sent. What was read for it may go; addresses of records are no longer valid. */
    static void pause(CommandContext c, int version, long done) {
        // What CLIENT REPLY drops must not be sent in part.
        if ((c.connection().checks & Connection.CHECK_REPLY_MODE) == 0) {
            c.checkpoint(versionBits(version) | done + 1);
            c.awaitOutput();
            c.shard().releaseReads();
        }
    }

    /** So much was looked at, and nothing replied: a later miss does not lead back behind it. What was read for it may go; addresses of records are no longer valid. */
    static void passed(CommandContext c, int version, long done) {
        c.checkpoint(versionBits(version) | done + 1);
        c.shard().releaseReads();
    }

    /**
     * Someone changed the value while half of it was sent. Neither the old nor the new one can be completed, so the
     * connection ends rather than deliver a value that never was.
     */
    static void broken(CommandContext c) {
        c.connection().state = Connection.State.DRAINING;
    }
}
