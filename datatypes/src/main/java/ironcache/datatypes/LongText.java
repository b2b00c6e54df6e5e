package ironcache.datatypes;

import ironcache.ffm.Memory;

/**
 * Whole numbers as text in memory, in the strict form that Redis stores as integers and that {@link #format} writes: no plus sign,
 * no leading zeros, no spaces, no {@code -0}. Allocates nothing.
 */
public final class LongText {
    /** Longest text of a long, bytes: {@code -9223372036854775808}. */
    public static final int MAX_BYTES = 20;

    /**
     * What {@link #parse} returns for text that is no such number, and for the one number that looks the same: a caller who
     * gets it asks {@link #isNumber}.
     */
    public static final long NO_NUMBER = Long.MIN_VALUE;

    private static final String MIN_VALUE_TEXT = Long.toString(Long.MIN_VALUE);

    private LongText() {}

    /** The number that {@code length} bytes of text state, or {@link #NO_NUMBER}. */
    public static long parse(long text, long length) {
        if (length <= 0 || length > MAX_BYTES) {
            return NO_NUMBER;
        }
        int first = Memory.getByte(text);
        long at = text;
        long end = text + length;
        boolean negative = first == '-';
        if (negative) {
            if (++at == end) {
                return NO_NUMBER;
            }
            first = Memory.getByte(at);
        }
        if (first < '1' || first > '9') {
            return first == '0' && length == 1 ? 0 : NO_NUMBER;
        }
        // 18 digits cannot overflow; the 19th is checked; a 20th always does.
        long value = (long) first - '0';
        long digits = end - at;
        if (digits > 19) {
            return NO_NUMBER;
        }
        long safeEnd = digits == 19 ? end - 1 : end;
        for (at++; at < safeEnd; at++) {
            int digit = Memory.getByte(at) - '0';
            if (digit < 0 || digit > 9) {
                return NO_NUMBER;
            }
            value = value * 10 + digit;
        }
        if (at < end) {
            int digit = Memory.getByte(at) - '0';
            if (digit < 0 || digit > 9 || value > Long.MAX_VALUE / 10) {
                return NO_NUMBER;
            }
            value = value * 10 + digit;
            if (value < 0) {
                // One past the largest: only right with a minus, and then it is NO_NUMBER itself.
                return NO_NUMBER;
            }
        }
        return negative ? -value : value;
    }

    /** Whether the text is a number, for a caller whose {@link #parse} returned {@code parsed}. */
    public static boolean isNumber(long parsed, long text, long length) {
        return parsed != NO_NUMBER || isMinValue(text, length);
    }

    private static boolean isMinValue(long text, long length) {
        if (length != MAX_BYTES) {
            return false;
        }
        for (int i = 0; i < MAX_BYTES; i++) {
            if (Memory.getByte(text + i) != MIN_VALUE_TEXT.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** Bytes that {@link #format} writes. */
    public static int length(long value) {
        if (value < 0) {
            return value == Long.MIN_VALUE ? MAX_BYTES : 1 + length(-value);
        }
        int digits = 1;
        for (long bound = 10; digits < 19 && value >= bound; bound *= 10) {
            digits++;
        }
        return digits;
    }

    /** Writes {@code value} to {@code to} (room for {@value #MAX_BYTES} bytes). @return bytes written */
    public static int format(long value, long to) {
        int length = length(value);
        format(value, to, length);
        return length;
    }

    /** As {@link #format(long, long)} where the caller has {@link #length} already. */
    public static void format(long value, long to, int length) {
        long at = to + length;
        // Negative remainders reach Long.MIN_VALUE without a special case.
        long rest = value < 0 ? value : -value;
        do {
            Memory.putByte(--at, (byte) ('0' - rest % 10));
            rest /= 10;
        } while (rest != 0);
        if (value < 0) {
            Memory.putByte(to, (byte) '-');
        }
    }
}
