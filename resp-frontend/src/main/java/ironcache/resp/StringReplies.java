package ironcache.resp;

import ironcache.datatypes.StringPieces;
import ironcache.datatypes.Strings;
import ironcache.hybridlog.Record;

/** Strings of any length as bulk replies, and the limit on their length. */
final class StringReplies {
    /** From this length on, a reply is sent while it is being made. */
    private static final long STREAM_BYTES = 1 << 20;

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
        long done = LongReplies.done(c);
        if (!LongReplies.isStreaming(c)) {
            c.reply().bulkBegin(bytes);
        }
        long current = record;
        while (done < bytes) {
            long window = Math.min(bytes - done, c.buffers().streamBytes());
            Strings.load(c.shard(), current, offset + done, window);
            pieces(c, current, offset + done, window);
            done += window;
            long pages = Strings.pages(current, offset + done);
            LongReplies.pause(c, 1, done, pages, pages);
            current = c.resume(1);
        }
        c.reply().bulkEnd();
    }
}
