package ironcache.resp;

import ironcache.ffm.Memory;
import java.nio.charset.StandardCharsets;

/** Doubles in. */
final class DoubleParser {
    /** Integers of so many digits are exact. */
    private static final int EXACT_DIGITS = 15;

    private DoubleParser() {}

    /**
     * The number as Valkey reads an argument: decimal, with or without an exponent, or infinity; NaN where it is none. Allocates where it is not a short integer.
     *
     * @param beyond whether a number that is too large is infinity and one too small zero; else they are none
     */
    static double parse(long text, int length, boolean beyond) {
        if (length <= EXACT_DIGITS && Digits.isLong(text, length)) {
            return Digits.parse(text, length);
        }
        int at = length > 0 && isSign(Memory.getByte(text)) ? 1 : 0;
        if (isInfinity(text + at, length - at)) {
            return Memory.getByte(text) == '-'
                    ? Double.NEGATIVE_INFINITY
                    : Double.POSITIVE_INFINITY;
        }
        int digits = 0;
        boolean point = false;
        boolean zero = true;
        for (; at < length; at++) {
            int b = Memory.getByte(text + at);
            if (b >= '0' && b <= '9') {
                digits++;
                zero &= b == '0';
            } else if (b == '.' && !point) {
                point = true;
            } else {
                break;
            }
        }
        if (digits == 0 || at < length && !isExponent(text + at, length - at)) {
            return Double.NaN;
        }
        byte[] bytes = new byte[length];
        Memory.copyOut(text, bytes, 0, length);
        double value = Double.parseDouble(new String(bytes, StandardCharsets.ISO_8859_1));
        return !beyond && (Double.isInfinite(value) || value == 0 && !zero) ? Double.NaN : value;
    }

    private static boolean isSign(int b) {
        return b == '-' || b == '+';
    }

    private static boolean isInfinity(long text, int length) {
        return CommandContext.equalsIgnoreCase(text, length, "INF")
                || CommandContext.equalsIgnoreCase(text, length, "INFINITY");
    }

    private static boolean isExponent(long text, int length) {
        int first = length > 1 && isSign(Memory.getByte(text + 1)) ? 2 : 1;
        if (length == first || (Memory.getByte(text) | 0x20) != 'e') {
            return false;
        }
        for (int i = first; i < length; i++) {
            int b = Memory.getByte(text + i);
            if (b < '0' || b > '9') {
                return false;
            }
        }
        return true;
    }

    /** What C's strtod takes as a whole, without leading spaces; NaN where the text is no number (a text that says NaN included). */
    static double parse(String text) {
        int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
        String body = text.substring(sign);
        if (body.equalsIgnoreCase("inf") || body.equalsIgnoreCase("infinity")) {
            return text.charAt(0) == '-' ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        }
        if (body.isEmpty()
                || !(body.charAt(0) == '.' || Character.digit(body.charAt(0), 10) >= 0)) {
            return Double.NaN;
        }
        boolean hex = body.startsWith("0x") || body.startsWith("0X");
        char last = body.charAt(body.length() - 1);
        if (!hex && !(last == '.' || last >= '0' && last <= '9')) {
            return Double.NaN; // Java takes the suffixes d and f, C does not.
        }
        try {
            return Double.parseDouble(
                    hex && body.indexOf('p') < 0 && body.indexOf('P') < 0 ? text + "p0" : text);
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }
}
