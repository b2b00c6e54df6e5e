package ironcache.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Incremental RESP2/RESP3 reply parser. It consumes what a buffer holds: bodies of bulk strings are handed on in the pieces
 * in which they arrive, header lines are consumed only when they are complete (the caller keeps the rest and reads more
 * behind it). Owned by its connection; allocates only for error replies.
 */
final class ReplyParser {
    static final byte SIMPLE = '+';
    static final byte ERROR = '-';
    static final byte INTEGER = ':';
    static final byte BULK = '$';
    static final byte NULL = '_';
    static final byte ARRAY = '*';

    /** Receives the parsed pieces; every top-level reply ends with exactly one {@link #reply}. */
    interface Sink {
        /** {@code count} bytes of a bulk string at {@code from}; they start at {@code offset} of {@code length}. */
        void body(ByteBuffer in, int from, int count, int offset, int length);

        /** @param number the integer, the bulk string's length, the array's size, or 0 */
        void reply(byte kind, long number);

        void error(String message);
    }

    private final Sink sink;
    private int bodyLength = -1;
    private int bodyDone;
    private long elementsOpen;
    private long arraySize;

    ReplyParser(Sink sink) {
        this.sink = sink;
    }

    /** Consumes from the buffer's position; what is left over is an incomplete header line or CRLF. */
    void parse(ByteBuffer in) {
        int position = in.position();
        int end = in.limit();
        while (true) {
            if (bodyLength >= 0) {
                int count = Math.min(bodyLength - bodyDone, end - position);
                if (count > 0) {
                    sink.body(in, position, count, bodyDone, bodyLength);
                    bodyDone += count;
                    position += count;
                }
                if (bodyDone < bodyLength || end - position < 2) {
                    break;
                }
                requireLineEnd(in, position);
                position += 2;
                int length = bodyLength;
                bodyLength = -1;
                complete(BULK, length);
                continue;
            }
            int lineEnd = position + 1;
            while (lineEnd < end && in.get(lineEnd) != '\r') {
                lineEnd++;
            }
            if (lineEnd + 1 >= end) {
                break;
            }
            requireLineEnd(in, lineEnd);
            line(in, position, lineEnd);
            position = lineEnd + 2;
        }
        in.position(position);
    }

    private void line(ByteBuffer in, int start, int end) {
        byte kind = in.get(start);
        switch (kind) {
            case SIMPLE, '#', ',', '(' -> complete(SIMPLE, 0);
            case INTEGER -> complete(INTEGER, number(in, start + 1, end));
            case NULL -> complete(NULL, 0);
            case ERROR -> {
                byte[] text = new byte[end - start - 1];
                in.get(start + 1, text);
                sink.error(new String(text, StandardCharsets.ISO_8859_1));
                complete(ERROR, 0);
            }
            case BULK, '=' -> {
                long length = number(in, start + 1, end);
                if (length < 0) {
                    complete(NULL, 0);
                } else {
                    bodyLength = Math.toIntExact(length);
                    bodyDone = 0;
                }
            }
            case ARRAY, '~', '%' -> {
                long size = number(in, start + 1, end) * (kind == '%' ? 2 : 1);
                if (size < 0) {
                    complete(NULL, 0);
                } else if (size == 0) {
                    complete(ARRAY, 0);
                } else if (elementsOpen == 0) {
                    arraySize = size;
                    elementsOpen = size;
                } else {
                    elementsOpen += size - 1;
                }
            }
            default ->
                    throw new IllegalStateException(
                            "reply starts with byte 0x" + Integer.toHexString(kind & 255));
        }
    }

    /** Elements of an array, nested ones flattened, end in one reply when the last of them is complete. */
    private void complete(byte kind, long number) {
        if (elementsOpen == 0) {
            sink.reply(kind, number);
        } else if (--elementsOpen == 0) {
            sink.reply(ARRAY, arraySize);
        }
    }

    private static long number(ByteBuffer in, int start, int end) {
        boolean negative = in.get(start) == '-';
        long value = 0;
        for (int i = negative ? start + 1 : start; i < end; i++) {
            int digit = in.get(i) - '0';
            if (digit < 0 || digit > 9) {
                throw new IllegalStateException(
                        "reply has a bad number, byte 0x" + Integer.toHexString(digit + '0'));
            }
            value = value * 10 + digit;
        }
        return negative ? -value : value;
    }

    private static void requireLineEnd(ByteBuffer in, int at) {
        if (in.get(at) != '\r' || in.get(at + 1) != '\n') {
            throw new IllegalStateException("reply lacks CR LF where it must end");
        }
    }
}
