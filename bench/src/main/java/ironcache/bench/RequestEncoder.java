package ironcache.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes RESP requests into a connection's buffer (little-endian). All but the key's digits and the value is a constant
 * per operation. Keys are a prefix and the key's number as zero-padded decimal, {@code keySize} bytes in all:
 * {@code key:000000000042}. Owned by the load thread; no allocation per request.
 */
final class RequestEncoder {
    private static final int DIGITS_MAX = 16;
    private static final short CRLF = '\r' | '\n' << 8;

    private final ValueFunction values;
    private final int keySize;
    private final int digits;

    /** Up to the digits of the first key, by operation; without any of the key where there are several. */
    private final byte[][] heads = new byte[Operation.values().length][];

    /** From a key's length to its digits. */
    private final byte[][] keyHeads = new byte[Operation.values().length][];

    /** Of what comes before a key's digits. */
    private final int[] prefixChecksums = new int[Operation.values().length];

    RequestEncoder(int keySize, long keysEnd, ValueFunction values) {
        this.values = values;
        this.keySize = keySize;
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
            head.append('*').append(op.elements()).append("\r\n$");
            head.append(op.name().length()).append("\r\n").append(op.name()).append("\r\n");
            StringBuilder keyHead = new StringBuilder();
            if (op.keys > 0) {
                keyHead.append('$').append(keySize).append("\r\n");
                for (int i = 0; i < keySize - digits; i++) {
                    char letter = op.keyPrefix.charAt(i % op.keyPrefix.length());
                    keyHead.append(letter);
                    prefixChecksums[op.ordinal()] =
                            HashSlot.update(prefixChecksums[op.ordinal()], letter);
                }
            }
            if (op.keys == 1) {
                head.append(keyHead);
            }
            heads[op.ordinal()] = head.toString().getBytes(StandardCharsets.US_ASCII);
            keyHeads[op.ordinal()] = keyHead.toString().getBytes(StandardCharsets.US_ASCII);
        }
    }

    /** Room that a buffer must have for {@link #encode} of any of these. */
    int requestSizeMax(List<Operation> operations) {
        int keys = operations.stream().mapToInt(op -> op.keys).max().orElse(0);
        return 64 + Math.max(1, keys) * (keySize + values.lengthMax() + 32);
    }

    /** @param keyNumbers as many as the operation has keys count */
    void encode(ByteBuffer out, Operation op, long[] keyNumbers) {
        if (op.keys == 1) {
            encode(out, op, keyNumbers[0]);
            return;
        }
        out.put(heads[op.ordinal()]);
        for (int key = 0; key < op.keys; key++) {
            out.put(keyHeads[op.ordinal()]);
            long high = highDigits(keyNumbers[key]);
            long low = lowDigits(keyNumbers[key]);
            for (int i = DIGITS_MAX - digits; i < DIGITS_MAX; i++) {
                out.put(digit(high, low, i));
            }
            out.putShort(CRLF);
            if (op.withValues) {
                putValue(out, keyNumbers[key]);
            }
        }
    }

    /** An operation with one key, which is most of all that is ever sent: the digits in two words. */
    void encode(ByteBuffer out, Operation op, long keyNumber) {
        byte[] head = heads[op.ordinal()];
        // 16 digits go first, those that the key is too short for are then overwritten by the
        // head before them.
        int digitsEnd = out.position() + head.length + digits;
        out.putLong(digitsEnd - 16, highDigits(keyNumber));
        out.putLong(digitsEnd - 8, lowDigits(keyNumber));
        out.put(head);
        out.position(digitsEnd);
        out.putShort(CRLF);
        if (op.withValues) {
            putValue(out, keyNumber);
        }
    }

    private void putValue(ByteBuffer out, long keyNumber) {
        out.put((byte) '$');
        putDecimal(out, values.lengthOf(keyNumber));
        out.putShort(CRLF);
        values.write(out, keyNumber);
        out.putShort(CRLF);
    }

    /** The hash slot of a key that the operation names. */
    int slotOf(Operation op, long keyNumber) {
        int crc = prefixChecksums[op.ordinal()];
        long high = highDigits(keyNumber);
        long low = lowDigits(keyNumber);
        for (int i = DIGITS_MAX - digits; i < DIGITS_MAX; i++) {
            crc = HashSlot.update(crc, digit(high, low, i));
        }
        return HashSlot.ofChecksum(crc);
    }

    private static long highDigits(long keyNumber) {
        return eightDigits((int) (keyNumber / 100_000_000));
    }

    private static long lowDigits(long keyNumber) {
        return eightDigits((int) (keyNumber % 100_000_000));
    }

    /** One of the sixteen digits, the most significant one first. */
    private static byte digit(long high, long low, int index) {
        return (byte) ((index < 8 ? high : low) >>> (index & 7) * 8);
    }

    /** Eight ASCII digits, the most significant one in the lowest byte; 0 &lt;= number &lt; 10^8. */
    static long eightDigits(int number) {
        long halves = number / 10_000 | (long) (number % 10_000) << 32;
        long hundreds = ((halves * 10_486) >>> 20) & 0x7F_0000_007FL;
        long pairs = ((halves - 100 * hundreds) << 16) + hundreds;
        long tens = ((pairs * 103) >>> 10) & 0x000F_000F_000F_000FL;
        return tens + ((pairs - 10 * tens) << 8) + 0x3030_3030_3030_3030L;
    }

    /** A request of any words of ASCII. */
    static void append(StringBuilder to, String... words) {
        to.append('*').append(words.length).append("\r\n");
        for (String word : words) {
            to.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
        }
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
