package ironcache.resp;

import java.math.BigInteger;

/**
 * The digits of a double that Valkey prints: those of Grisu2 (Florian Loitsch, Printing Floating-Point Numbers Quickly and Accurately with Integers, 2010), which read back as the same double, and are nearly always the
 * fewest that do. A double is a significand of 64 bits and a power of two here; the arithmetic is unsigned and rounds as Valkey's does, or the last digit would differ now and then.
 *
 * <p>One per thread; allocates nothing.
 */
final class Grisu {
    private static final int MOST_DIGITS = 18;
    private static final int FRACTION_BITS = 52;
    private static final long HIDDEN_BIT = 1L << FRACTION_BITS;
    private static final int EXPONENT_BIAS = 1023 + FRACTION_BITS;

    // Powers of ten, every eighth: significand * 2^exponent, rounded to 64 bits.
    private static final int FIRST_POWER = -348;
    private static final int POWER_STEP = 8;
    private static final int POWERS = 87;
    private static final long[] POWER_SIGNIFICANDS = new long[POWERS];
    private static final int[] POWER_EXPONENTS = new int[POWERS];

    // Where the exponent of the scaled number lies.
    private static final int EXPONENT_MIN = -60;
    private static final int EXPONENT_MAX = -32;

    private static final double LOG_2 = Math.log10(2);

    static {
        for (int i = 0; i < POWERS; i++) {
            int power = FIRST_POWER + i * POWER_STEP;
            BigInteger ten = BigInteger.TEN.pow(Math.abs(power));
            int shift = power < 0 ? ten.bitLength() + Long.SIZE - 1 : Long.SIZE - ten.bitLength();
            BigInteger twice =
                    power < 0
                            ? BigInteger.TWO.shiftLeft(shift).divide(ten)
                            : ten.shiftLeft(shift + 1);
            POWER_SIGNIFICANDS[i] = twice.add(BigInteger.ONE).shiftRight(1).longValue();
            POWER_EXPONENTS[i] = -shift;
        }
    }

    private final byte[] digits = new byte[MOST_DIGITS];
    private int count;
    private int scale;

    /** Digits of the number, the most significant first: it is they, times ten to the {@link #scale}. */
    byte[] digits() {
        return digits;
    }

    int count() {
        return count;
    }

    int scale() {
        return scale;
    }

    /** @param value positive and finite */
    void set(double value) {
        long bits = Double.doubleToRawLongBits(value);
        long fraction = bits & HIDDEN_BIT - 1;
        int biased = (int) (bits >>> FRACTION_BITS);
        long significand = biased == 0 ? fraction : fraction | HIDDEN_BIT;
        int exponent = (biased == 0 ? 1 : biased) - EXPONENT_BIAS;

        // Halfway to the neighbours, with the exponent that the upper one has when it fills 64
        // bits.
        long upper = (significand << 1) + 1;
        int shift = Long.numberOfLeadingZeros(upper);
        int common = exponent - 1 - shift;
        upper <<= shift;
        int lowerShift = significand == HIDDEN_BIT ? 2 : 1;
        long lower = (significand << lowerShift) - 1 << exponent - lowerShift - common;
        long number = significand << Long.numberOfLeadingZeros(significand);

        int power = power(common);
        long ten = POWER_SIGNIFICANDS[power];
        scale = -(FIRST_POWER + power * POWER_STEP);
        generate(
                product(number, ten),
                product(upper, ten) - 1,
                product(lower, ten) + 1,
                -(common + POWER_EXPONENTS[power] + Long.SIZE));
    }

    /** The power of ten that scales a number with this exponent. */
    private static int power(int exponent) {
        int approximate = (int) (-(exponent + POWERS) * LOG_2);
        int i = (approximate - FIRST_POWER) / POWER_STEP;
        while (true) {
            int scaled = exponent + POWER_EXPONENTS[i] + Long.SIZE;
            if (scaled < EXPONENT_MIN) {
                i++;
            } else if (scaled > EXPONENT_MAX) {
                i--;
            } else {
                return i;
            }
        }
    }

    /** The upper half, rounded. */
    private static long product(long a, long b) {
        return Math.unsignedMultiplyHigh(a, b) + (a * b >>> Long.SIZE - 1);
    }

    /**
     * The digits of the upper bound, until what is left of it is within the distance to the lower one.
     *
     * @param point bits behind the point
     */
    private void generate(long number, long upper, long lower, int point) {
        long toNumber = upper - number;
        long toLower = upper - lower;
        long one = 1L << point;
        int whole = (int) (upper >>> point);
        long rest = upper & one - 1;
        count = 0;
        int place = 10;
        for (int unit = 1_000_000_000; unit > 0; unit /= 10) {
            append(Integer.divideUnsigned(whole, unit));
            whole = Integer.remainderUnsigned(whole, unit);
            place--;
            long left = (Integer.toUnsignedLong(whole) << point) + rest;
            if (Long.compareUnsigned(left, toLower) <= 0) {
                scale += place;
                round(toLower, left, (long) unit << point, toNumber);
                return;
            }
        }
        long unit = 1;
        while (true) {
            rest *= 10;
            toLower *= 10;
            unit *= 10;
            place--;
            append((int) (rest >>> point));
            rest &= one - 1;
            if (Long.compareUnsigned(rest, toLower) < 0) {
                scale += place;
                round(toLower, rest, one, toNumber * unit);
                return;
            }
        }
    }

    private void append(int digit) {
        if (digit != 0 || count != 0) {
            digits[count++] = (byte) ('0' + digit);
        }
    }

    /** Takes from the last digit while that comes closer to the number itself. */
    private void round(long toLower, long left, long unit, long toNumber) {
        long rest = left;
        while (Long.compareUnsigned(rest, toNumber) < 0
                && Long.compareUnsigned(toLower - rest, unit) >= 0
                && (Long.compareUnsigned(rest + unit, toNumber) < 0
                        || Long.compareUnsigned(toNumber - rest, rest + unit - toNumber) > 0)) {
            digits[count - 1]--;
            rest += unit;
        }
    }
}
