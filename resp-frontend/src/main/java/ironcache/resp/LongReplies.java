package ironcache.resp;

import ironcache.engine.PageView;
import org.jspecify.annotations.Nullable;

/**
 * Replies of any length that are sent while they are being made: a window at a time ({@link #SLICE_BYTES}; of strings {@link ConnectionBuffers#streamBytes}), each as the client takes the one before. What they reply is the value of the moment at which
 * the command began, whoever changes it meanwhile: from the first pause on it is read through a {@link PageView}. The state between two windows is one more than what is done.
 *
 * <pre>
 * long record = LongReplies.record(c, key);         at each run of the handler
 * if (record == LongReplies.LOST) { return; }
 * if (!LongReplies.isStreaming(c)) { the reply's begin }
 * long done = LongReplies.done(c);
 * ... a window ...
 * LongReplies.pause(c, key, done, pages);           addresses of records are no longer valid
 * record = c.resume(key);
 * </pre>
 */
final class LongReplies {
    /** Too much was changed to be kept ({@link PageView#isBroken}): the connection ends. */
    static final long LOST = -1;

    /** What one run adds to a reply, before others have their turn: much more would make them wait for a reader who takes all that comes. */
    static final int SLICE_BYTES = 128 << 10;

    // Of a search: version, low 23 bits | one more than what is done, 40 bits.
    private static final int DONE_BITS = 40;
    private static final long DONE_MASK = (1L << DONE_BITS) - 1;
    private static final int VERSION_MASK = (1 << 63 - DONE_BITS) - 1;

    private LongReplies() {}

    /** Whether the command stands in the middle of its reply. */
    static boolean isStreaming(CommandContext c) {
        return c.progress() != 0;
    }

    /** What was done before this run, 0 where the reply begins. */
    static long done(CommandContext c) {
        return Math.max(0, c.progress() - 1);
    }

    /**
     * What is to be replied of a key. May miss.
     *
     * @return its record, as it was when the reply began; 0: there is none; {@link #LOST}: the command has ended
     */
    static long record(CommandContext c, int key) {
        PageView view = c.connection().view;
        if (view == null && !isStreaming(c)) {
            return c.read(key);
        }
        if (view != null && view.isBroken()) {
            // Neither the old nor the new value can be completed: the connection ends rather than
            // deliver one that never was.
            c.connection().state = Connection.State.DRAINING;
            return LOST;
        }
        return c.resume(key);
    }

    /**
     * From now on the command reads the key's value as it is now.
     *
     * @return null where it cannot change meanwhile: nobody else runs, or the reply is dropped and made in one go
     */
    static @Nullable PageView keep(CommandContext c, int key) {
        Connection connection = c.connection();
        if (connection.view == null && !connection.isExecuting() && !isDropped(c)) {
            c.openView(key);
        }
        return connection.view;
    }

    /** What CLIENT REPLY drops must not be sent in part. */
    private static boolean isDropped(CommandContext c) {
        return (c.connection().checks & Connection.CHECK_REPLY_MODE) != 0;
    }

    /** So much is done: waits until most of it is sent. What was read for it may go; addresses of records are no longer valid, {@link CommandContext#resume} has new ones. */
    static void pause(CommandContext c, int key, long done) {
        pause(c, key, done, 0, 0);
    }

    /**
     * As above.
     *
     * @param evenPages pages of the object with lower even numbers will not be read again
     * @param oddPages pages of the object with lower odd numbers will not be read again
     */
    static void pause(CommandContext c, int key, long done, long evenPages, long oddPages) {
        if (isDropped(c)) {
            return;
        }
        PageView view = keep(c, key);
        if (view != null) {
            view.passed(evenPages, oddPages);
        }
        c.checkpoint(done + 1);
        c.awaitOutput(SLICE_BYTES);
        c.shard().releaseReads();
    }

    /** So much of what is kept was looked at, and nothing replied. Else as {@link #pause}. */
    static void looked(CommandContext c, long done) {
        c.checkpoint(done + 1);
        c.shard().releaseReads();
    }

    // Searches that go on in the value as it is, and begin anew where it was changed.

    private static long versionBits(int version) {
        return (long) (version & VERSION_MASK) << DONE_BITS;
    }

    /** What was looked at before this run; 0 where the search begins, or has to begin anew. */
    static long searched(CommandContext c, int version) {
        long state = c.progress();
        return state != 0 && (state & ~DONE_MASK) == versionBits(version)
                ? (state & DONE_MASK) - 1
                : 0;
    }

    /** So much was looked at, and nothing replied: a later miss does not lead back behind it. What was read for it may go; addresses of records are no longer valid. */
    static void passed(CommandContext c, int version, long done) {
        c.checkpoint(versionBits(version) | done + 1);
        c.shard().releaseReads();
    }
}
