package ironcache.resp;

import ironcache.datatypes.StringPieces;
import ironcache.datatypes.Strings;
import ironcache.hybridlog.Record;

/** Strings of any length as bulk replies, and the limit on their length. */
final class StringReplies {
    /** From this length on, a reply is sent while it is being made. */
    private static final long STREAM_BYTES = 1 << 20;

    // State of a streaming reply: one more than the bytes done, and the low bits of the string's
    // version.
    private static final int DONE_BITS = 40;
    private static final long DONE_MASK = (1L << DONE_BITS) - 1;
    private static final int VERSION_MASK = (1 << 63 - DONE_BITS) - 1;

    private StringReplies() {}

    /** Whether a string of this length may be; if not, the error is written. A negative length is one that overflowed. */
    static boolean fits(CommandContext c, long length) {
        if (length < 0 || length > maxBytes(c)) {
            c.reply().error(Errors.STRING_TOO_LONG);
            return false;
        }
        return true;
    }

    /** Longest string that clients may make. */
    static long maxBytes(CommandContext c) {
        return c.node().config.maxBulkBytes;
    }

    /** The whole string, in one go. May miss; before the first write of the command. */
    static void bulk(CommandContext c, long record) {
        if (Record.isPaged(record)) {
            bulkPaged(c, record, 0, Strings.length(record));
        } else {
            c.reply().bulk(Record.value(record), Record.valueLength(record));
        }
    }

    private static void bulkPaged(CommandContext c, long record, long offset, long bytes) {
        Strings.load(c.shard(), record, offset, bytes);
        c.reserveOutput(bytes);
        c.reply().bulkBegin(bytes);
        pieces(c, record, offset, bytes);
        c.reply().bulkEnd();
    }

    private static void pieces(CommandContext c, long record, long offset, long bytes) {
        StringPieces pieces = new StringPieces(c.shard(), record, offset, bytes);
        while (pieces.next()) {
            c.reply().bulkPiece(pieces.address(), pieces.length());
        }
    }

    /** A range of the string as the command's only reply; a long one leaves in pieces as the client takes them. May miss. */
    static void stream(CommandContext c, long record, long offset, long bytes) {
        if (!Record.isPaged(record)) {
            c.reply().bulk(Record.value(record) + offset, (int) bytes);
        } else if (bytes <= STREAM_BYTES) {
            bulkPaged(c, record, offset, bytes);
        } else {
            streamPaged(c, record, offset, bytes);
        }
    }

    private static void streamPaged(CommandContext c, long record, long offset, long bytes) {
        long version = (long) (Strings.version(record) & VERSION_MASK) << DONE_BITS;
        long done = 0;
        if (c.progress() == 0) {
            c.reply().bulkBegin(bytes);
        } else {
            if ((c.progress() & ~DONE_MASK) != version) {
                broken(c);
                return;
            }
            done = (c.progress() & DONE_MASK) - 1;
        }
        while (done < bytes) {
            long window = Math.min(bytes - done, c.buffers().streamBytes());
            Strings.load(c.shard(), record, offset + done, window);
            pieces(c, record, offset + done, window);
            done += window;
            c.checkpoint(version | done + 1);
            c.awaitOutput();
        }
        c.reply().bulkEnd();
    }

    /** Whether the command stands in the middle of {@link #stream}, so that nothing but the same string can go on with it. */
    static boolean isStreaming(CommandContext c) {
        return c.progress() != 0;
    }

    /**
     * Someone changed the string while half of it was sent. Neither the old nor the new value can be completed, so the
     * connection ends rather than deliver a value that never was.
     */
    static void broken(CommandContext c) {
        c.connection().state = Connection.State.DRAINING;
    }
}
