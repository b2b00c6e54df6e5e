package ironcache.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The content that every value must have: a pure function of seed, generation, key number and length, so that a run can
 * compare whatever it reads without remembering what it wrote, and a second process can verify what a first one loaded.
 * Any part of a value can be produced by itself, which lets replies be compared in the pieces in which they arrive.
 *
 * <p>Buffers must be little-endian. Nothing here allocates after construction.
 */
final class ValueFunction {
    /** What the bytes look like to a compressor. */
    enum Kind {
        /** 64 random bits per 8 bytes: no codec gains anything. */
        RANDOM,
        /** One of 256 words per 8 bytes: 8 bits of information in 64, much like log lines and JSON. */
        TEXT,
        /** All bytes zero. */
        ZERO
    }

    private final Kind kind;
    private final long seed;
    private final int lengthMin;
    private final long lengthSpread;
    private final long[] words = new long[256];

    /**
     * @param generation a data set that is overwritten with another generation differs in every 8 bytes
     * @param lengthMin shortest value, bytes
     * @param lengthMax longest value, bytes; each key always has the same length in between
     */
    ValueFunction(Kind kind, long seed, long generation, int lengthMin, int lengthMax) {
        if (lengthMin < 0 || lengthMax < lengthMin) {
            throw new IllegalArgumentException("value sizes " + lengthMin + " to " + lengthMax);
        }
        this.kind = kind;
        this.seed = Mix64.mix(seed * Mix64.GOLDEN + generation);
        this.lengthMin = lengthMin;
        this.lengthSpread = lengthMax - lengthMin + 1L;
        String consonants = "bdfgklmnprstvz w";
        for (int i = 0; i < words.length; i++) {
            long word = 0;
            for (int j = 0; j < 8; j++) {
                int pick = (int) (Mix64.mix(i * 8L + j) & 15);
                char letter =
                        j == 7
                                ? ' '
                                : (j & 1) == 0 ? consonants.charAt(pick) : "aeiou".charAt(pick % 5);
                word |= (long) letter << (8 * j);
            }
            words[i] = word;
        }
    }

    int lengthOf(long keyNumber) {
        return lengthSpread == 1
                ? lengthMin
                : lengthMin
                        + (int)
                                Math.unsignedMultiplyHigh(
                                        Mix64.mix(seed ^ keyNumber), lengthSpread);
    }

    int lengthMax() {
        return (int) (lengthMin + lengthSpread - 1);
    }

    /** Writes the whole value at the buffer's position and moves it. */
    void write(ByteBuffer out, long keyNumber) {
        int length = lengthOf(keyNumber);
        long base = base(keyNumber);
        int position = out.position();
        int whole = length & ~7;
        for (int i = 0; i < whole; i += 8) {
            out.putLong(position + i, wordAt(base, i >>> 3));
        }
        for (int i = whole; i < length; i++) {
            out.put(position + i, byteAt(base, i));
        }
        out.position(position + length);
    }

    /** Whether {@code count} bytes at {@code from} are those which the value has at {@code offset}. */
    boolean matches(long keyNumber, int offset, ByteBuffer in, int from, int count) {
        assert in.order() == ByteOrder.LITTLE_ENDIAN;
        long base = base(keyNumber);
        int i = 0;
        for (; i < count && ((offset + i) & 7) != 0; i++) {
            if (in.get(from + i) != byteAt(base, offset + i)) {
                return false;
            }
        }
        for (; i + 8 <= count; i += 8) {
            if (in.getLong(from + i) != wordAt(base, (offset + i) >>> 3)) {
                return false;
            }
        }
        for (; i < count; i++) {
            if (in.get(from + i) != byteAt(base, offset + i)) {
                return false;
            }
        }
        return true;
    }

    private long base(long keyNumber) {
        return Mix64.mix(seed + keyNumber * Mix64.GOLDEN);
    }

    private byte byteAt(long base, int offset) {
        return (byte) (wordAt(base, offset >>> 3) >>> ((offset & 7) * 8));
    }

    private long wordAt(long base, int index) {
        return switch (kind) {
            case RANDOM -> Mix64.mix(base + index * Mix64.GOLDEN);
            case TEXT -> words[(int) Mix64.mix(base + index * Mix64.GOLDEN) & 255];
            case ZERO -> 0;
        };
    }
}
