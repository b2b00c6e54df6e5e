package ironcache.resp;

import ironcache.ffm.Memory;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes replies in RESP2 or RESP3 straight into the output chunks of the connection it is attached to. One per shard thread, attached to one
 * connection at a time. Nothing here allocates on the heap, except the methods that take a {@link String} not known to be short and ASCII.
 *
 * <p>A command's reply begins at a mark; a cold miss rolls back to it. {@link #checkpoint} moves the mark, so that a long reply can be
 * sent while it is still being made.
 */
final class ReplyWriter {
    private static final short CRLF = '\r' | '\n' << 8;
    private static final int MAX_HEADER_BYTES = 32;

    private static final long OK = preset("+OK\r\n");
    private static final long PONG = preset("+PONG\r\n");
    private static final long NULL_BULK = preset("$-1\r\n");

    private static final int LAST_PRESET_INTEGER = 9;

    private final OutputChunks chunks;
    private final ErrorStats errorStats;
    private @Nullable Connection connection;
    private long position;
    private long limit;
    private long markChunk;
    private long markPosition;
    private boolean resp3;
    private int errorCount;

    /** For the digits of doubles. */
    private final byte[] scratch = new byte[128];

    private final Grisu grisu = new Grisu();

    ReplyWriter(OutputChunks chunks, ErrorStats errorStats) {
        this.chunks = chunks;
        this.errorStats = errorStats;
    }

    /** Up to 8 bytes as one word. */
    private static long preset(String text) {
        long word = 0;
        for (int i = 0; i < text.length(); i++) {
            word |= (long) text.charAt(i) << (i << 3);
        }
        return word;
    }

    // Attachment.

    void attach(Connection to) {
        connection = to;
        resp3 = to.protocol == 3;
        long tail = to.outTail;
        if (tail == 0) {
            position = 0;
            limit = 0;
        } else {
            position = OutputChunks.data(tail) + OutputChunks.used(tail);
            limit = OutputChunks.data(tail) + OutputChunks.capacity(tail);
        }
        mark();
    }

    /** Publishes what was written to the connection. */
    void detach() {
        long tail = attached().outTail;
        if (tail != 0) {
            OutputChunks.setUsed(tail, (int) (position - OutputChunks.data(tail)));
        }
        connection = null;
    }

    boolean isAttached() {
        return connection != null;
    }

    @Nullable Connection connection() {
        return connection;
    }

    /** Whose reply this is: nothing but attaching is done to a writer that is not attached. */
    private Connection attached() {
        return Objects.requireNonNull(connection);
    }

    /** The reply of a command begins here. */
    void mark() {
        markChunk = attached().outTail;
        markPosition = position;
    }

    /** Forgets what was written since the mark. */
    void rollback() {
        Connection to = attached();
        if (to.outTail != markChunk) {
            long chunk;
            if (markChunk == 0) {
                chunk = to.outHead;
                to.outHead = 0;
            } else {
                chunk = OutputChunks.next(markChunk);
                OutputChunks.setNext(markChunk, 0);
            }
            while (chunk != 0) {
                long next = OutputChunks.next(chunk);
                to.outBytes -= OutputChunks.capacity(chunk);
                chunks.give(chunk);
                chunk = next;
            }
            to.outTail = markChunk;
            limit =
                    markChunk == 0
                            ? 0
                            : OutputChunks.data(markChunk) + OutputChunks.capacity(markChunk);
        }
        position = markPosition;
    }

    /** Whether something was written since the mark. */
    boolean hasReply() {
        return position != markPosition || attached().outTail != markChunk;
    }

    /**
     * What was written so far of this reply stays and may be sent although the command is not done: see {@link CommandContext#checkpoint}.
     */
    void checkpoint() {
        mark();
    }

    boolean isResp3() {
        return resp3;
    }

    void setProtocol(int version) {
        resp3 = version == 3;
    }

    /** Errors written since start; the executor compares before and after. */
    int errorCount() {
        return errorCount;
    }

    // Room.

    private void ensure(int bytes) {
        if (limit - position < bytes) {
            nextChunk(bytes);
        }
    }

    private void nextChunk(int bytes) {
        Connection to = attached();
        long tail = to.outTail;
        long chunk = chunks.take(bytes);
        if (tail == 0) {
            to.outHead = chunk;
        } else {
            OutputChunks.setUsed(tail, (int) (position - OutputChunks.data(tail)));
            OutputChunks.setNext(tail, chunk);
        }
        to.outTail = chunk;
        to.outBytes += OutputChunks.capacity(chunk);
        position = OutputChunks.data(chunk);
        limit = position + OutputChunks.capacity(chunk);
    }

    // Simple replies.

    void ok() {
        ensure(8);
        Memory.putLong(position, OK);
        position += 5;
    }

    void pong() {
        ensure(8);
        Memory.putLong(position, PONG);
        position += 7;
    }

    /** A status line; short ASCII without CR or LF. */
    void simple(String text) {
        ensure(text.length() + 3);
        Memory.putByte(position++, (byte) '+');
        ascii(text);
        crlf();
    }

    void error(ErrorReply error) {
        errorCount++;
        errorStats.count(error.code);
        raw(error.address, error.length);
    }

    /** A dynamic error: text with its code and without {@code -} and CRLF; line breaks in it become spaces. */
    void error(String text) {
        errorCount++;
        int space = text.indexOf(' ');
        errorStats.count(space < 0 ? text : text.substring(0, space));
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        int length = bytes.length;
        while (length > 0 && isLineBreak(bytes[length - 1])) {
            length--;
        }
        for (int i = 0; i < length; i++) {
            if (isLineBreak(bytes[i])) {
                bytes[i] = ' ';
            }
        }
        ensure(1);
        Memory.putByte(position++, (byte) '-');
        rawBytes(bytes, 0, length);
        ensure(2);
        crlf();
    }

    private static boolean isLineBreak(byte b) {
        return b == '\r' || b == '\n';
    }

    void integer(long value) {
        ensure(MAX_HEADER_BYTES);
        if (value >= 0 && value <= LAST_PRESET_INTEGER) {
            Memory.putInt(position, ':' | (int) ('0' + value) << 8 | '\r' << 16 | '\n' << 24);
            position += 4;
            return;
        }
        Memory.putByte(position++, (byte) ':');
        position = Digits.put(position, value);
        crlf();
    }

    /** Null: {@code $-1} in RESP2, {@code _} in RESP3. */
    void nullBulk() {
        ensure(8);
        if (resp3) {
            putNull3();
        } else {
            Memory.putLong(position, NULL_BULK);
            position += 5;
        }
    }

    /** Null: {@code *-1} in RESP2, {@code _} in RESP3. */
    void nullArray() {
        ensure(8);
        if (resp3) {
            putNull3();
        } else {
            Memory.putLong(position, NULL_BULK ^ '$' ^ '*');
            position += 5;
        }
    }

    private void putNull3() {
        Memory.putInt(position, '_' | '\r' << 8 | '\n' << 16);
        position += 3;
    }

    /** {@code #t} or {@code #f}; 1 or 0 in RESP2. */
    void bool(boolean value) {
        if (resp3) {
            ensure(4);
            Memory.putInt(position, '#' | (value ? 't' : 'f') << 8 | '\r' << 16 | '\n' << 24);
            position += 4;
        } else {
            integer(value ? 1 : 0);
        }
    }

    // Bulk strings.

    void bulk(long address, int length) {
        if (limit - position >= (long) length + MAX_HEADER_BYTES) {
            long at = header('$', length, position);
            Memory.copy(address, at, length);
            Memory.putShort(at + length, CRLF);
            position = at + length + 2;
        } else {
            bulkBegin(length);
            bulkPiece(address, length);
            bulkEnd();
        }
    }

    void emptyBulk() {
        bulkBegin(0);
        bulkEnd();
    }

    /** A bulk string whose bytes follow in pieces. */
    void bulkBegin(long length) {
        aggregate('$', length);
    }

    void bulkPiece(long address, long length) {
        raw(address, length);
    }

    void bulkEnd() {
        ensure(2);
        crlf();
    }

    /** A number as a bulk string. */
    void bulkInteger(long value) {
        ensure(2 * MAX_HEADER_BYTES);
        int digits = Digits.count(value);
        position = header('$', digits, position);
        position = Digits.put(position, value);
        crlf();
    }

    /** A bulk string of a text, UTF-8. Allocates; not for hot paths. */
    void bulk(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        bulk(bytes, bytes.length);
    }

    void bulk(byte[] bytes, int length) {
        bulkBegin(length);
        rawBytes(bytes, 0, length);
        bulkEnd();
    }

    /** {@code bulk(text)}, or null. */
    void bulkOrNull(@Nullable String text) {
        if (text == null) {
            nullBulk();
        } else {
            bulk(text);
        }
    }

    /** A text for people: {@code =..txt:..} in RESP3, a bulk string in RESP2. Allocates. */
    void verbatim(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (resp3) {
            aggregate('=', bytes.length + 4L);
            ensure(4);
            Memory.putInt(position, 't' | 'x' << 8 | 't' << 16 | ':' << 24);
            position += 4;
        } else {
            bulkBegin(bytes.length);
        }
        rawBytes(bytes, 0, bytes.length);
        bulkEnd();
    }

    /** A double: {@code ,1.5} in RESP3, a bulk string in RESP2; digits as Valkey prints them. */
    void real(double value) {
        if (Doubles.isPlain(value)) {
            wholeReal((long) value);
            return;
        }
        int length = Doubles.put(value, scratch, grisu);
        if (resp3) {
            ensure(length + 3);
            Memory.putByte(position++, (byte) ',');
            rawBytes(scratch, 0, length);
            ensure(2);
            crlf();
        } else {
            bulk(scratch, length);
        }
    }

    private void wholeReal(long value) {
        if (resp3) {
            ensure(MAX_HEADER_BYTES);
            Memory.putByte(position++, (byte) ',');
            position = Digits.put(position, value);
            crlf();
        } else {
            bulkInteger(value);
        }
    }

    /** An integer of any length: {@code (123} in RESP3, a bulk string in RESP2. Allocates. */
    void bigNumber(String digits) {
        if (resp3) {
            text("(" + digits + "\r\n");
        } else {
            bulk(digits);
        }
    }

    // Aggregates.

    void array(long count) {
        aggregate('*', count);
    }

    /** A map of {@code pairs}: a flat array of twice as many in RESP2. */
    void map(long pairs) {
        if (resp3) {
            aggregate('%', pairs);
        } else {
            aggregate('*', 2 * pairs);
        }
    }

    void set(long count) {
        aggregate(resp3 ? '~' : '*', count);
    }

    /** An out-of-band message; an array in RESP2. */
    void push(long count) {
        aggregate(resp3 ? '>' : '*', count);
    }

    private void aggregate(char type, long count) {
        ensure(MAX_HEADER_BYTES);
        position = header(type, count, position);
    }

    private static long header(char type, long count, long at) {
        if (count >= 0 && count <= 9) {
            Memory.putInt(at, type | (int) ('0' + count) << 8 | '\r' << 16 | '\n' << 24);
            return at + 4;
        }
        if (count >= 10 && count <= 99) {
            Memory.putLong(
                    at, type | '0' + count / 10 << 8 | '0' + count % 10 << 16 | (long) CRLF << 24);
            return at + 5;
        }
        Memory.putByte(at, (byte) type);
        long end = Digits.put(at + 1, count);
        Memory.putShort(end, CRLF);
        return end + 2;
    }

    /**
     * An array (or map, set: the type's character) whose length is known only after its elements were written. The header's place is kept
     * at the end of the current chunk, and the elements go to a new one; so it costs a chunk: not for small hot replies.
     *
     * @return what {@link #endDeferred} takes
     */
    long beginDeferred() {
        ensure(2 * MAX_HEADER_BYTES);
        long chunk = attached().outTail;
        nextChunk(1);
        return chunk;
    }

    void endDeferredArray(long deferred, long count) {
        endDeferred(deferred, '*', count);
    }

    void endDeferredMap(long deferred, long pairs) {
        endDeferred(deferred, resp3 ? '%' : '*', resp3 ? pairs : 2 * pairs);
    }

    private void endDeferred(long chunk, char type, long count) {
        long at = OutputChunks.data(chunk) + OutputChunks.used(chunk);
        OutputChunks.setUsed(chunk, (int) (header(type, count, at) - OutputChunks.data(chunk)));
    }

    // Raw bytes.

    /** Bytes as they are, over as many chunks as needed. */
    void raw(long address, long length) {
        long room = limit - position;
        if (length <= room) {
            Memory.copy(address, position, length);
            position += length;
            return;
        }
        long at = address;
        long left = length;
        while (left > 0) {
            long piece = Math.min(left, room);
            Memory.copy(at, position, piece);
            position += piece;
            at += piece;
            left -= piece;
            if (left > 0) {
                nextChunk((int) Math.min(left, OutputChunks.MAX_DATA_BYTES));
                room = limit - position;
            }
        }
    }

    /** Bytes of the protocol, made elsewhere. */
    void raw(byte[] bytes) {
        rawBytes(bytes, 0, bytes.length);
    }

    /** A text as it is, Latin-1. Allocates. */
    void text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        rawBytes(bytes, 0, bytes.length);
    }

    private void rawBytes(byte[] bytes, int offset, int length) {
        int at = offset;
        int left = length;
        while (left > 0) {
            if (limit == position) {
                nextChunk(Math.min(left, OutputChunks.MAX_DATA_BYTES));
            }
            int piece = (int) Math.min(left, limit - position);
            Memory.copyIn(bytes, at, position, piece);
            position += piece;
            at += piece;
            left -= piece;
        }
    }

    private void ascii(String text) {
        for (int i = 0; i < text.length(); i++) {
            Memory.putByte(position++, (byte) text.charAt(i));
        }
    }

    private void crlf() {
        Memory.putShort(position, CRLF);
        position += 2;
    }
}
