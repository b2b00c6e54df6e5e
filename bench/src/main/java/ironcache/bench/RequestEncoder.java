package ironcache.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Writes RESP requests into a connection's buffer (little-endian). All but the key's digits and the value is a constant
 * per operation. Keys are a prefix and the key's number as zero-padded decimal, {@code keySize} bytes in all:
 * {@code key:000000000042}. Owned by the load thread; no allocation per request.
 */
final class RequestEncoder {
    private static final int DIGITS_MAX = 16;

    private final ValueFunction values;
    private final int digits;
    private final byte[][] heads = new byte[Operation.values().length][];
    private final int requestSizeMax;

    RequestEncoder(int keySize, long keysEnd, ValueFunction values) {
        this.values = values;
        digits = Math.min(DIGITS_MAX, keySize >= 12 ? keySize - 4 : keySize);
        int needed = Long.toString(Math.max(keysEnd - 1, 0)).length();
        if (needed > digits) {
            throw new IllegalArgumentException(
                    "--key-size "
                            + keySize
                            + ": key numbers up to "
                            + keysEnd
                            + " need "
                            + needed
                            + " digits, it has "
                            + digits);
        }
        for (Operation op : Operation.values()) {
            StringBuilder head = new StringBuilder();
            head.append('*').append(op.elements).append("\r\n$");
            head.append(op.name().length()).append("\r\n").append(op.name()).append("\r\n");
            if (op.hasKey()) {
                head.append('$').append(keySize).append("\r\n");
                for (int i = 0; i < keySize - digits; i++) {
                    head.append(op.keyPrefix.charAt(i % op.keyPrefix.length()));
                }
            }
            heads[op.ordinal()] = head.toString().getBytes(StandardCharsets.US_ASCII);
        }
        requestSizeMax = 64 + keySize + values.lengthMax() + 32;
    }

    /** Room that a buffer must have for {@link #encode}. */
    int requestSizeMax() {
        return requestSizeMax;
    }

    void encode(ByteBuffer out, Operation op, long keyNumber) {
        byte[] head = heads[op.ordinal()];
        int position = out.position();
        if (op.hasKey()) {
            // 16 digits go first, those that the key is too short for are then overwritten by the
            // head before them.
            int digitsEnd = position + head.length + digits;
            out.putLong(digitsEnd - 16, eightDigits((int) (keyNumber / 100_000_000)));
            out.putLong(digitsEnd - 8, eightDigits((int) (keyNumber % 100_000_000)));
            out.put(head);
            out.position(digitsEnd);
            out.putShort(CRLF);
            if (op.hasValue()) {
                out.put((byte) '$');
                putDecimal(out, values.lengthOf(keyNumber));
                out.putShort(CRLF);
                values.write(out, keyNumber);
                out.putShort(CRLF);
            }
        } else {
            out.put(head);
        }
    }

    private static final short CRLF = '\r' | '\n' << 8;

    /** Eight ASCII digits, the most significant one in the lowest byte; 0 &lt;= number &lt; 10^8. */
    static long eightDigits(int number) {
        long halves = number / 10_000 | (long) (number % 10_000) << 32;
        long hundreds = ((halves * 10_486) >>> 20) & 0x7F_0000_007FL;
        long pairs = ((halves - 100 * hundreds) << 16) + hundreds;
        long tens = ((pairs * 103) >>> 10) & 0x000F_000F_000F_000FL;
        return tens + ((pairs - 10 * tens) << 8) + 0x3030_3030_3030_3030L;
    }

    private static void putDecimal(ByteBuffer out, int number) {
        int divisor = 1;
        while (number / divisor >= 10) {
            divisor *= 10;
        }
        for (; divisor > 0; divisor /= 10) {
            out.put((byte) ('0' + number / divisor % 10));
        }
    }
}
