package ironcache.resp;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import org.jspecify.annotations.Nullable;

/**
 * Parses requests in place: RESP arrays of bulk strings, and inline commands. Arguments go to the {@link ArgumentTable} as addresses into
 * the received bytes; only quoted inline arguments are copied (unescaped) to a scratch area, which {@link #reset} empties when the batch has
 * run. Keeps no state between calls: an incomplete request is parsed again from its start when {@link #neededBytes} have arrived, which it
 * bounds from below so that long requests are not parsed for every piece of them. Owned by the shard's thread; allocates nothing.
 *
 * <p>Strict and lax in the same places as Valkey 9.1: CR must be followed by LF behind a count, a length and a bulk string; an inline command
 * that holds a zero byte has no end; in an inline argument quotes may begin and end anywhere.
 */
final class RequestParser implements AutoCloseable {
    /** A request is complete: {@link #next}, {@link #argc}. */
    static final int COMPLETE = 0;

    /** More bytes are needed: {@link #neededBytes}. */
    static final int INCOMPLETE = 1;

    /** An empty request, skipped: {@link #next}. */
    static final int EMPTY = 2;

    /** {@link #error} tells the protocol error. */
    static final int ERROR = 3;

    /** The scratch area is full: run the batch, {@link #reset}, and parse again. */
    static final int FULL = 4;

    static final int MAX_INLINE_BYTES = 64 << 10;
    private static final int SCRATCH_BYTES = 2 * MAX_INLINE_BYTES;

    private static final int UNAUTHENTICATED_ARGUMENTS = 10;
    private static final int UNAUTHENTICATED_BULK_BYTES = 16384;

    /** {@code '*' digit CR LF} with the digit cleared. */
    private static final int ONE_DIGIT_ARRAY = '*' | '\r' << 16 | '\n' << 24;

    private static final int ONE_DIGIT_BULK = '$' | '\r' << 16 | '\n' << 24;
    private static final int ONE_DIGIT_MASK = 0xffff00ff;
    private static final int TWO_DIGIT_BULK = '$' | '\r' << 24;
    private static final int TWO_DIGIT_MASK = 0xff0000ff;

    private static final short CRLF = '\r' | '\n' << 8;
    private static final String BAD_CRLF = "invalid CRLF in request";

    /** Shortest bulk string: {@code $0 CRLF CRLF}. */
    private static final int LEAST_BULK_BYTES = 6;

    // What bulkLength returns in place of a length.
    private static final long NO_END = -1;
    private static final long BROKEN = -2;

    private final ArgumentTable table;
    private long maxBulkBytes = 512L << 20;

    private long next;
    private int argc;
    private int lengthBits;
    private long neededBytes;
    private long wholeBytes;
    private long bulkData;
    private @Nullable String error;

    private long scratch;
    private int scratchUsed;

    RequestParser(ArgumentTable table) {
        this.table = table;
    }

    void setMaxBulkBytes(long bytes) {
        maxBulkBytes = bytes;
    }

    /** Address after the request. */
    long next() {
        return next;
    }

    int argc() {
        return argc;
    }

    /** The lengths of all arguments or-ed: tells cheaply that none is long. */
    int lengthBits() {
        return lengthBits;
    }

    /** Bytes from the request's start without which it cannot be complete. */
    long neededBytes() {
        return neededBytes;
    }

    /** Bytes from the incomplete request's start that need no second look: its count and its bulk strings that are whole. */
    long wholeBytes() {
        return wholeBytes;
    }

    /** What follows {@code -ERR Protocol error: }. */
    @Nullable String error() {
        return error;
    }

    /** Forgets the scratch area's contents. */
    void reset() {
        scratchUsed = 0;
    }

    /**
     * Parses the request that begins at {@code from}; adds its arguments to the table (none are left there unless COMPLETE).
     *
     * @param trusted false: the limits for clients that have not authenticated hold
     */
    int parse(long from, long end, boolean trusted) {
        if (Memory.getByte(from) != '*') {
            return parseInline(from, end);
        }
        long at;
        int count;
        int word = end - from >= 4 ? Memory.getInt(from) : 0;
        int digit = (word >>> 8 & 0xff) - '0';
        if ((word & ONE_DIGIT_MASK) == ONE_DIGIT_ARRAY && digit > 0 && digit <= 9) {
            count = digit;
            at = from + 4;
        } else {
            long carriage = findCarriage(from, end);
            if (carriage == 0) {
                return lineIncomplete(from, end, "too big mbulk count string");
            }
            if (Memory.getByte(carriage + 1) != '\n') {
                return fail(BAD_CRLF);
            }
            int length = (int) (carriage - from - 1);
            if (!Digits.isLong(from + 1, length)
                    || Digits.parse(from + 1, length) > Integer.MAX_VALUE) {
                return fail("invalid multibulk length");
            }
            count = (int) Math.max(Digits.parse(from + 1, length), 0);
            if (count > UNAUTHENTICATED_ARGUMENTS && !trusted) {
                return fail("unauthenticated multibulk length");
            }
            at = carriage + 2;
            if (count == 0) {
                next = at;
                return EMPTY;
            }
        }
        return parseBulks(from, at, end, count, trusted);
    }

    private int parseBulks(long from, long begin, long end, int count, boolean trusted) {
        long at = begin;
        int mark = table.size();
        long lengths = 0;
        for (int i = 0; i < count; i++) {
            int word = end - at < LEAST_BULK_BYTES ? 0 : Memory.getInt(at);
            long length;
            long data;
            if ((word & ONE_DIGIT_MASK) == ONE_DIGIT_BULK && isDigit(word >>> 8)) {
                length = (word >>> 8 & 0xffL) - '0';
                data = at + 4;
            } else if ((word & TWO_DIGIT_MASK) == TWO_DIGIT_BULK
                    && isDigit(word >>> 16)
                    && isDigit1To9(word >>> 8)) {
                length = ((word >>> 8 & 0xffL) - '0') * 10 + (word >>> 16 & 0xff) - '0';
                data = at + 5;
            } else {
                length = bulkLength(at, end, trusted);
                if (length == BROKEN) {
                    table.truncate(mark);
                    return ERROR;
                }
                if (length == NO_END) {
                    table.truncate(mark);
                    wholeBytes = at - from;
                    neededBytes =
                            Math.max(
                                    end - from + 1,
                                    wholeBytes + (long) (count - i) * LEAST_BULK_BYTES);
                    return INCOMPLETE;
                }
                data = bulkData;
            }
            if (end - data < length + 2) {
                table.truncate(mark);
                wholeBytes = at - from;
                neededBytes = data - from + length + 2 + (long) (count - i - 1) * LEAST_BULK_BYTES;
                return INCOMPLETE;
            }
            if (Memory.getShort(data + length) != CRLF) {
                table.truncate(mark);
                return fail(BAD_CRLF);
            }
            table.add(data, (int) length);
            lengths |= length;
            at = data + length + 2;
        }
        lengthBits = (int) lengths;
        argc = count;
        next = at;
        return COMPLETE;
    }

    /** Reads the first line of a bulk string; its data begins at {@link #bulkData}. @return its length, NO_END where the line has none yet, or BROKEN */
    private long bulkLength(long at, long end, boolean trusted) {
        long carriage = findCarriage(at, end);
        if (carriage == 0) {
            return end - at > MAX_INLINE_BYTES ? broken("too big bulk count string") : NO_END;
        }
        if (Memory.getByte(carriage + 1) != '\n') {
            return broken(BAD_CRLF);
        }
        if (Memory.getByte(at) != '$') {
            return broken("expected '$', got '" + (char) (Memory.getByte(at) & 0xff) + "'");
        }
        int digits = (int) (carriage - at - 1);
        long length = Digits.isLong(at + 1, digits) ? Digits.parse(at + 1, digits) : -1;
        if (length < 0 || length > maxBulkBytes) {
            return broken("invalid bulk length");
        }
        if (length > UNAUTHENTICATED_BULK_BYTES && !trusted) {
            return broken("unauthenticated bulk length");
        }
        bulkData = carriage + 2;
        return length;
    }

    /**
     * Looks on in an incomplete request, of which fewer than {@link #neededBytes} are here: a client that sent something wrong may wait to
     * hear so.
     *
     * @param at where the first bulk string begins that was not whole
     * @return where that is now, or 0: {@link #parse} will tell an error
     */
    long skipBulks(long at, long end, boolean trusted) {
        long whole = at;
        while (true) {
            long length = bulkLength(whole, end, trusted);
            if (length == BROKEN) {
                return 0;
            }
            if (length == NO_END || end - bulkData < length + 2) {
                return whole;
            }
            if (Memory.getShort(bulkData + length) != CRLF) {
                return 0;
            }
            whole = bulkData + length + 2;
        }
    }

    private static boolean isDigit(int b) {
        return (b & 0xff) >= '0' && (b & 0xff) <= '9';
    }

    private static boolean isDigit1To9(int b) {
        return (b & 0xff) > '0' && (b & 0xff) <= '9';
    }

    private int lineIncomplete(long from, long end, String tooBig) {
        if (end - from > MAX_INLINE_BYTES) {
            return fail(tooBig);
        }
        wholeBytes = 0;
        neededBytes = end - from + 1;
        return INCOMPLETE;
    }

    private int fail(String text) {
        error = text;
        return ERROR;
    }

    private long broken(String text) {
        error = text;
        return BROKEN;
    }

    /** Address of the first CR with a byte after it; 0 where there is none. Lines are short: a loop of bytes will do. */
    private static long findCarriage(long from, long end) {
        for (long at = from; at < end - 1; at++) {
            if (Memory.getByte(at) == '\r') {
                return at;
            }
        }
        return 0;
    }

    // Inline commands.

    private int parseInline(long from, long end) {
        long newline = from;
        while (newline < end && Memory.getByte(newline) != '\n' && Memory.getByte(newline) != 0) {
            newline++;
        }
        if (newline == end || Memory.getByte(newline) == 0) {
            return lineIncomplete(from, end, "too big inline request");
        }
        long lineEnd =
                newline > from && Memory.getByte(newline - 1) == '\r' ? newline - 1 : newline;
        if (lineEnd - from > SCRATCH_BYTES - scratchUsed) {
            if (scratchUsed == 0) {
                return fail("too big inline request");
            }
            return FULL;
        }
        next = newline + 1;
        int mark = table.size();
        long at = from;
        while (true) {
            while (at < lineEnd && isSpace(Memory.getByte(at))) {
                at++;
            }
            if (at == lineEnd || Memory.getByte(at) == 0) {
                break;
            }
            at = inlineArgument(at, lineEnd);
            if (at == 0) {
                table.truncate(mark);
                return fail("unbalanced quotes in request");
            }
        }
        argc = table.size() - mark;
        lengthBits = (int) (lineEnd - from);
        return argc == 0 ? EMPTY : COMPLETE;
    }

    private static boolean isSpace(byte b) {
        return b == ' ' || b >= '\t' && b <= '\r';
    }

    /** Adds one argument, in place where it has no quotes. @return the address after it; 0: quotes are unbalanced */
    private long inlineArgument(long from, long end) {
        long at = from;
        while (at < end) {
            byte b = Memory.getByte(at);
            if (b == '"' || b == '\'') {
                return quotedArgument(from, end);
            }
            if (b == ' ' || b == '\n' || b == '\r' || b == '\t' || b == 0) {
                break;
            }
            at++;
        }
        table.add(from, (int) (at - from));
        return at;
    }

    /** As sdssplitargs: quotes may begin and end anywhere in an argument. */
    private long quotedArgument(long from, long end) {
        if (scratch == 0) {
            scratch = Memory.allocate(SCRATCH_BYTES + Long.BYTES, MemoryTag.NETWORK);
        }
        long begin = scratch + scratchUsed;
        long to = begin;
        long at = from;
        byte quote = 0;
        while (true) {
            byte b = at < end ? Memory.getByte(at) : 0;
            if (quote == 0) {
                if (b == 0 || b == ' ' || b == '\n' || b == '\r' || b == '\t') {
                    break;
                }
                if (b == '"' || b == '\'') {
                    quote = b;
                } else {
                    Memory.putByte(to++, b);
                }
                at++;
            } else if (b == 0) {
                return 0;
            } else if (b == quote) {
                quote = 0;
                at++;
            } else if (quote == '"' && b == '\\' && at + 1 < end) {
                at = escape(at, end, to++);
            } else if (quote == '\''
                    && b == '\\'
                    && at + 1 < end
                    && Memory.getByte(at + 1) == '\'') {
                Memory.putByte(to++, (byte) '\'');
                at += 2;
            } else {
                Memory.putByte(to++, b);
                at++;
            }
        }
        table.add(begin, (int) (to - begin));
        scratchUsed += (int) (to - begin);
        return at;
    }

    /** Writes what an escape in double quotes stands for. @return the address after the escape */
    private static long escape(long at, long end, long to) {
        byte b = Memory.getByte(at + 1);
        if (b == 'x' && at + 3 < end) {
            int high = Character.digit(Memory.getByte(at + 2), 16);
            int low = Character.digit(Memory.getByte(at + 3), 16);
            if (high >= 0 && low >= 0) {
                Memory.putByte(to, (byte) (high << 4 | low));
                return at + 4;
            }
        }
        Memory.putByte(
                to,
                (byte)
                        switch (b) {
                            case 'n' -> '\n';
                            case 'r' -> '\r';
                            case 't' -> '\t';
                            case 'b' -> '\b';
                            case 'a' -> 7;
                            default -> b;
                        });
        return at + 2;
    }

    @Override
    public void close() {
        if (scratch != 0) {
            Memory.free(scratch, SCRATCH_BYTES + Long.BYTES, MemoryTag.NETWORK);
        }
    }
}
