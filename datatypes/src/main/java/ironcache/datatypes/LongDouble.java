package ironcache.datatypes;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The x87 80-bit floating point number, which INCRBYFLOAT calculates with: 64 bits of significand, 15 of exponent, rounding half to
 * even, subnormals. Exact integer arithmetic stands in for the hardware, so replies equal those of a C server bit by bit:
 * {@link #parse} is strtold, {@link #plus} the addition, {@link #toText} {@code %.17Lf} without trailing zeros. Immutable.
 */
public final class LongDouble {
    private static final int SIGNIFICAND_BITS = 64;

    /** Weight of the last bit of a subnormal. */
    private static final int MIN_EXPONENT = -16445;

    /** Weight of the last bit of the largest numbers. */
    private static final int MAX_EXPONENT = 16383 - (SIGNIFICAND_BITS - 1);

    /** Longest text that is looked at, bytes; Valkey copies into a buffer of 5 KiB. */
    private static final int MAX_TEXT_BYTES = 5 * 1024 - 1;

    private static final int FRACTION_DIGITS = 17;
    private static final BigInteger FRACTION_SCALE = BigInteger.TEN.pow(FRACTION_DIGITS);

    /** Decimal exponents beyond this, after the digits are counted, are zero or infinite for sure. */
    private static final long DECIMAL_EXPONENT_LIMIT = 20_000;

    public static final LongDouble ZERO = new LongDouble(BigInteger.ZERO, 0, false);
    private static final LongDouble INFINITY = new LongDouble(BigInteger.ONE, 0, true);
    private static final LongDouble NEGATIVE_INFINITY =
            new LongDouble(BigInteger.ONE.negate(), 0, true);

    /** Signed; the value is {@code significand * 2^exponent}. The sign of a zero is not kept: no reply shows it. */
    private final BigInteger significand;

    private final int exponent;
    private final boolean infinite;

    private LongDouble(BigInteger significand, int exponent, boolean infinite) {
        this.significand = significand;
        this.exponent = exponent;
        this.infinite = infinite;
    }

    /**
     * Reads a number as strtold does: decimal or hexadecimal, with exponent, or infinity, taking all of the text.
     *
     * @return null where the text is no number, is NaN, has spaces around, or is too large or too small to be told from zero
     */
    public static @Nullable LongDouble parse(byte[] bytes) {
        if (bytes.length == 0 || bytes.length > MAX_TEXT_BYTES) {
            return null;
        }
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int at = 0;
        boolean negative = text.charAt(0) == '-';
        if (negative || text.charAt(0) == '+') {
            at = 1;
        }
        if (isWord(text, at, "inf") || isWord(text, at, "infinity")) {
            return negative ? NEGATIVE_INFINITY : INFINITY;
        }
        boolean hexadecimal = text.regionMatches(true, at, "0x", 0, 2);
        LongDouble value = hexadecimal ? parseHexadecimal(text, at + 2) : parseDecimal(text, at);
        if (value == null || value.infinite) {
            // Overflow is an error (ERANGE), unlike the word.
            return null;
        }
        return negative ? new LongDouble(value.significand.negate(), value.exponent, false) : value;
    }

    public static LongDouble of(long value) {
        return round(BigInteger.valueOf(value), 0);
    }

    /** A thousand times it, rounded up; the largest or the smallest long beyond these. */
    public long thousandths() {
        BigInteger scaled = significand.multiply(BigInteger.valueOf(1000));
        if (infinite || scaled.bitLength() + exponent >= Long.SIZE) {
            return significand.signum() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
        return exponent >= 0
                ? scaled.shiftLeft(exponent).longValueExact()
                : scaled.negate().shiftRight(-exponent).negate().longValueExact();
    }

    private static boolean isWord(String text, int at, String word) {
        return text.length() - at == word.length()
                && text.regionMatches(true, at, word, 0, word.length());
    }

    private static @Nullable LongDouble parseDecimal(String text, int from) {
        Digits digits = new Digits(text, from, 10);
        int at = digits.end;
        if (digits.count == 0) {
            return null;
        }
        long power = -digits.fractionDigits;
        if (at < text.length()) {
            if ((text.charAt(at) | 0x20) != 'e') {
                return null;
            }
            Exponent written = new Exponent(text, at + 1);
            if (!written.valid) {
                return null;
            }
            power += written.value;
        }
        BigInteger number = new BigInteger("0" + digits.text);
        if (number.signum() == 0) {
            return ZERO;
        }
        if (power > DECIMAL_EXPONENT_LIMIT) {
            return INFINITY;
        }
        if (power < -DECIMAL_EXPONENT_LIMIT) {
            return null;
        }
        return nonZero(
                power >= 0
                        ? round(number.multiply(BigInteger.TEN.pow((int) power)), 0)
                        : divide(number, (int) -power));
    }

    private static @Nullable LongDouble parseHexadecimal(String text, int from) {
        Digits digits = new Digits(text, from, 16);
        int at = digits.end;
        if (digits.count == 0) {
            return null;
        }
        long power = -4L * digits.fractionDigits;
        if (at < text.length()) {
            if ((text.charAt(at) | 0x20) != 'p') {
                return null;
            }
            Exponent written = new Exponent(text, at + 1);
            if (!written.valid) {
                return null;
            }
            power += written.value;
        }
        BigInteger number = new BigInteger("0" + digits.text, 16);
        if (number.signum() == 0) {
            return ZERO;
        }
        if (power > 4 * DECIMAL_EXPONENT_LIMIT) {
            return INFINITY;
        }
        if (power < -8 * DECIMAL_EXPONENT_LIMIT) {
            return null;
        }
        return nonZero(round(number, (int) power));
    }

    /** Too small for the smallest subnormal is an error (ERANGE with zero). */
    private static @Nullable LongDouble nonZero(LongDouble value) {
        return value.significand.signum() == 0 ? null : value;
    }

    /** {@code number / 10^power}, rounded. */
    private static LongDouble divide(BigInteger number, int power) {
        BigInteger divisor = BigInteger.TEN.pow(power);
        // Two bits more than the significand, the last one sticky, round as the infinite quotient
        // would.
        int shift = Math.max(0, SIGNIFICAND_BITS + 2 - (number.bitLength() - divisor.bitLength()));
        BigInteger[] parts = number.shiftLeft(shift).divideAndRemainder(divisor);
        BigInteger quotient = parts[0].shiftLeft(1);
        if (parts[1].signum() != 0) {
            quotient = quotient.setBit(0);
        }
        return round(quotient, -shift - 1);
    }

    /** The representable number next to {@code number * 2^power}, the even one of two equally near. */
    private static LongDouble round(BigInteger number, int power) {
        BigInteger magnitude = number.abs();
        int excess = Math.max(magnitude.bitLength() - SIGNIFICAND_BITS, MIN_EXPONENT - power);
        int exponent = power;
        if (excess > 0) {
            boolean half = magnitude.testBit(excess - 1);
            boolean more = half && magnitude.getLowestSetBit() < excess - 1;
            magnitude = magnitude.shiftRight(excess);
            if (half && (more || magnitude.testBit(0))) {
                magnitude = magnitude.add(BigInteger.ONE);
            }
            exponent += excess;
        }
        if (magnitude.signum() == 0) {
            return ZERO;
        }
        if (exponent + (magnitude.bitLength() - SIGNIFICAND_BITS) > MAX_EXPONENT) {
            return number.signum() < 0 ? NEGATIVE_INFINITY : INFINITY;
        }
        return new LongDouble(
                number.signum() < 0 ? magnitude.negate() : magnitude, exponent, false);
    }

    /** The sum, rounded; null where it is infinite or, of two infinities, not a number. */
    public @Nullable LongDouble plus(LongDouble other) {
        if (infinite || other.infinite) {
            return null;
        }
        int common = Math.min(exponent, other.exponent);
        BigInteger sum =
                significand
                        .shiftLeft(exponent - common)
                        .add(other.significand.shiftLeft(other.exponent - common));
        LongDouble result = round(sum, common);
        return result.infinite ? null : result;
    }

    /** At most 17 digits after the point, rounded half to even, trailing zeros left out. */
    public String toText() {
        if (infinite) {
            return significand.signum() < 0 ? "-inf" : "inf";
        }
        BigInteger scaled = significand.abs().multiply(FRACTION_SCALE);
        if (exponent >= 0) {
            scaled = scaled.shiftLeft(exponent);
        } else {
            boolean half = scaled.testBit(-exponent - 1);
            boolean more = half && scaled.getLowestSetBit() < -exponent - 1;
            scaled = scaled.shiftRight(-exponent);
            if (half && (more || scaled.testBit(0))) {
                scaled = scaled.add(BigInteger.ONE);
            }
        }
        if (scaled.signum() == 0) {
            return "0";
        }
        String digits = scaled.toString();
        StringBuilder text = new StringBuilder(digits.length() + FRACTION_DIGITS + 3);
        if (significand.signum() < 0) {
            text.append('-');
        }
        int whole = digits.length() - FRACTION_DIGITS;
        if (whole <= 0) {
            text.append("0.").repeat('0', -whole).append(digits);
        } else {
            text.append(digits, 0, whole).append('.').append(digits, whole, digits.length());
        }
        int end = text.length();
        while (text.charAt(end - 1) == '0') {
            end--;
        }
        if (text.charAt(end - 1) == '.') {
            end--;
        }
        text.setLength(end);
        return text.toString();
    }

    @Override
    public String toString() {
        return toText();
    }

    /** A run of digits with at most one point in it. */
    private static final class Digits {
        final StringBuilder text = new StringBuilder();
        int count;
        int fractionDigits;
        int end;

        Digits(String source, int from, int radix) {
            boolean point = false;
            int at = from;
            for (; at < source.length(); at++) {
                char next = source.charAt(at);
                if (next == '.' && !point) {
                    point = true;
                } else if (next < 0x80 && Character.digit(next, radix) >= 0) {
                    text.append(next);
                    count++;
                    fractionDigits += point ? 1 : 0;
                } else {
                    break;
                }
            }
            end = at;
        }
    }

    /** A signed decimal exponent that takes the rest of the text, saturated far beyond all limits. */
    private static final class Exponent {
        long value;
        boolean valid;

        Exponent(String source, int from) {
            int at = from;
            boolean negative = at < source.length() && source.charAt(at) == '-';
            if (negative || at < source.length() && source.charAt(at) == '+') {
                at++;
            }
            valid = at < source.length();
            for (; at < source.length(); at++) {
                int digit = source.charAt(at) - '0';
                if (digit < 0 || digit > 9) {
                    valid = false;
                    return;
                }
                value = Math.min(value * 10 + digit, 1_000_000_000);
            }
            if (negative) {
                value = -value;
            }
        }
    }
}
