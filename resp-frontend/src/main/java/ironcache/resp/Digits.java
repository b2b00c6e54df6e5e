package ironcache.resp;

import ironcache.ffm.Memory;

/** Decimal numbers in and out of memory, without allocation. */
final class Digits {
    /** Longest: -9223372036854775808. */
    static final int MAX_BYTES = 20;

    private static final long[] POWERS = new long[19];
    private static final short[] PAIRS = new short[100];

    static {
        long power = 1;
        for (int i = 0; i < POWERS.length; i++) {
            POWERS[i] = power;
            power *= 10;
        }
        for (int i = 0; i < PAIRS.length; i++) {
            PAIRS[i] = (short) ('0' + i / 10 | '0' + i % 10 << 8);
        }
    }

    private Digits() {}

    /** Characters of the number. */
    static int count(long value) {
        if (value < 0) {
            return value == Long.MIN_VALUE ? MAX_BYTES : 1 + count(-value);
        }
        int digits = 1;
        while (digits < POWERS.length && value >= POWERS[digits]) {
            digits++;
        }
        return digits;
    }

    /** Writes the number. @return the address after it */
    static long put(long at, long value) {
        long begin = at;
        long rest = value;
        if (value < 0) {
            Memory.putByte(begin++, (byte) '-');
            if (value == Long.MIN_VALUE) {
                // Its negation does not fit: the last digit goes by itself.
                long end = put(begin, -(value / 10));
                Memory.putByte(end, (byte) ('0' - value % 10));
                return end + 1;
            }
            rest = -value;
        }
        long end = begin + count(rest);
        long to = end;
        while (rest >= 100) {
            long quotient = rest / 100;
            to -= 2;
            Memory.putShort(to, PAIRS[(int) (rest - quotient * 100)]);
            rest = quotient;
        }
        if (rest >= 10) {
            Memory.putShort(to - 2, PAIRS[(int) rest]);
        } else {
            Memory.putByte(to - 1, (byte) ('0' + rest));
        }
        return end;
    }

    /**
     * Whether the bytes are a number exactly as Redis's string2ll takes it: optional minus, no plus, no spaces, no leading zeros, in
     * the range of a long. The value is then {@link #parse}.
     */
    static boolean isLong(long address, int length) {
        if (length == 0 || length > MAX_BYTES) {
            return false;
        }
        int first = Memory.getByte(address);
        if (first == '0') {
            return length == 1;
        }
        int i = 0;
        if (first == '-') {
            if (length == 1) {
                return false;
            }
            i = 1;
            first = Memory.getByte(address + 1);
            if (first == '0') {
                return false;
            }
        }
        int digits = length - i;
        if (digits > 19) {
            return false;
        }
        for (int j = i; j < length; j++) {
            int digit = Memory.getByte(address + j) - '0';
            if (digit < 0 || digit > 9) {
                return false;
            }
        }
        if (digits == 19) {
            long value = parse(address, length);
            return i == 0 ? value > 0 : value < 0;
        }
        return true;
    }

    /** The value of what {@link #isLong} accepts. */
    static long parse(long address, int length) {
        boolean negative = Memory.getByte(address) == '-';
        long value = 0;
        for (int i = negative ? 1 : 0; i < length; i++) {
            value = value * 10 + (Memory.getByte(address + i) - '0');
        }
        return negative ? -value : value;
    }
}
