package ironcache.resp;

import java.nio.charset.StandardCharsets;

/** Doubles as Valkey prints them in replies: the shortest digits that read back the same, %.17g's exponent rules. */
final class Doubles {
    private Doubles() {}

    /** Writes the number's text. @return its length; {@code to} holds at least 32 bytes */
    static int put(double value, byte[] to) {
        byte[] bytes = text(value).getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(bytes, 0, to, 0, bytes.length);
        return bytes.length;
    }

    static String text(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == Math.rint(value) && Math.abs(value) < 1e17) {
            return value == 0 && 1 / value < 0 ? "-0" : Long.toString((long) value);
        }
        String java = Double.toString(value);
        int e = java.indexOf('E');
        String mantissa = e < 0 ? java : java.substring(0, e);
        int exponent = e < 0 ? 0 : Integer.parseInt(java.substring(e + 1));
        boolean negative = mantissa.charAt(0) == '-';
        int dot = mantissa.indexOf('.');
        String whole = mantissa.substring(negative ? 1 : 0, dot);
        String fraction = mantissa.substring(dot + 1);
        if (fraction.equals("0")) {
            fraction = "";
        }
        // digits x 10^scale, without leading or trailing zeros
        String digits = whole + fraction;
        int scale = exponent - fraction.length();
        int leading = 0;
        while (leading < digits.length() - 1 && digits.charAt(leading) == '0') {
            leading++;
        }
        digits = digits.substring(leading);
        while (digits.length() > 1 && digits.endsWith("0")) {
            digits = digits.substring(0, digits.length() - 1);
            scale++;
        }
        StringBuilder out = new StringBuilder(32);
        if (negative) {
            out.append('-');
        }
        int decimalExponent = digits.length() + scale - 1;
        if (scale >= 0 && decimalExponent < digits.length() + 7) {
            out.append(digits).repeat('0', scale);
        } else if (scale < 0 && (scale > -7 || decimalExponent >= -4)) {
            int point = digits.length() + scale;
            if (point <= 0) {
                out.append("0.").repeat('0', -point).append(digits);
            } else {
                out.append(digits, 0, point).append('.').append(digits, point, digits.length());
            }
        } else {
            out.append(digits.charAt(0));
            if (digits.length() > 1) {
                out.append('.').append(digits, 1, digits.length());
            }
            out.append('e')
                    .append(decimalExponent < 0 ? '-' : '+')
                    .append(Math.abs(decimalExponent));
        }
        return out.toString();
    }
}
