package ironcache.resp;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Doubles as Valkey prints them: whole numbers as such, others by their digits ({@link Grisu}), with an exponent where that is shorter. */
final class Doubles {
    private static final MathContext SEVENTEEN_DIGITS = new MathContext(17, RoundingMode.HALF_EVEN);

    static final int MOST_BYTES = 32;

    private static final double PLAIN_MAX = 1L << 62;

    private Doubles() {}

    /**
     * Writes the number's text.
     *
     * @param to holds at least {@value #MOST_BYTES} bytes
     * @return its length
     */
    static int put(double value, byte[] to, Grisu grisu) {
        if (Double.isNaN(value)) {
            return put("nan", to);
        }
        if (Double.isInfinite(value)) {
            return put(value > 0 ? "inf" : "-inf", to);
        }
        if (value == 0) {
            return put(isPlain(value) ? "0" : "-0", to);
        }
        if (isPlain(value)) {
            return put(Long.toString((long) value), to);
        }
        grisu.set(Math.abs(value));
        int at = 0;
        if (value < 0) {
            to[at++] = '-';
        }
        byte[] digits = grisu.digits();
        int count = grisu.count();
        int scale = grisu.scale();
        int exponent = count + scale - 1;
        if (scale >= 0 && exponent < count + 7) {
            at = put(digits, 0, count, to, at);
            return zeros(scale, to, at);
        }
        if (scale < 0 && (scale > -7 || Math.abs(exponent) < 4)) {
            int point = count + scale;
            if (point <= 0) {
                to[at++] = '0';
                to[at++] = '.';
                at = zeros(-point, to, at);
                return put(digits, 0, count, to, at);
            }
            at = put(digits, 0, point, to, at);
            to[at++] = '.';
            return put(digits, point, count, to, at);
        }
        at = put(digits, 0, 1, to, at);
        if (count > 1) {
            to[at++] = '.';
            at = put(digits, 1, count, to, at);
        }
        to[at++] = 'e';
        to[at++] = (byte) (exponent < 0 ? '-' : '+');
        int rest = Math.abs(exponent);
        for (int unit = rest >= 100 ? 100 : rest >= 10 ? 10 : 1; unit > 0; unit /= 10) {
            to[at++] = (byte) ('0' + rest / unit % 10);
        }
        return at;
    }

    private static int put(String text, byte[] to) {
        for (int i = 0; i < text.length(); i++) {
            to[i] = (byte) text.charAt(i);
        }
        return text.length();
    }

    private static int put(byte[] digits, int from, int end, byte[] to, int at) {
        System.arraycopy(digits, from, to, at, end - from);
        return at + end - from;
    }

    private static int zeros(int count, byte[] to, int at) {
        Arrays.fill(to, at, at + count, (byte) '0');
        return at + count;
    }

    /** Whether it is printed as the integer that it is. */
    static boolean isPlain(double value) {
        return (long) value == value
                && Math.abs(value) <= PLAIN_MAX
                && (value != 0 || 1 / value > 0);
    }

    /** As C prints {@code %.17Lg}. */
    static String precise(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value) || value == 0) {
            return text(value);
        }
        BigDecimal rounded = new BigDecimal(value).round(SEVENTEEN_DIGITS).stripTrailingZeros();
        int exponent = rounded.precision() - rounded.scale() - 1;
        if (exponent >= -4 && exponent < SEVENTEEN_DIGITS.getPrecision()) {
            return rounded.toPlainString();
        }
        String digits = rounded.unscaledValue().abs().toString();
        return (value < 0 ? "-" : "")
                + digits.charAt(0)
                + (digits.length() > 1 ? "." + digits.substring(1) : "")
                + (exponent < 0 ? "e-" : "e+")
                + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }

    /** As {@link #put} writes it. Allocates. */
    static String text(double value) {
        byte[] bytes = new byte[MOST_BYTES];
        int length = put(value, bytes, new Grisu());
        return new String(bytes, 0, length, StandardCharsets.ISO_8859_1);
    }
}
