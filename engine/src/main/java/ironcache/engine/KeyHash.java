package ironcache.engine;

import ironcache.ffm.Memory;

/**
 * The 64-bit hash of a key: multiply-and-fold over 16-byte blocks, in the manner of wyhash (Wang Yi).
 * Seeded per process, so that clients cannot choose colliding keys.
 */
public final class KeyHash {
    private static final long A = 0xa0761d6478bd642fL;
    private static final long B = 0xe7037ed1a0b428dbL;
    private static final long C = 0x8ebc6af09c88c6e3L;

    private final long seed;

    public KeyHash(long seed) {
        this.seed = fold(seed ^ A, B);
    }

    public long of(long key, int length) {
        return of(seed, key, length);
    }

    /** The hash that goes with this salt, for tables that have one of their own. */
    public static long of(long salt, long key, int length) {
        long state = salt;
        long low;
        long high;
        if (length <= 16) {
            if (length >= 8) {
                low = Memory.getLong(key);
                high = Memory.getLong(key + length - 8);
            } else if (length >= 4) {
                low = Memory.getInt(key) & 0xffffffffL;
                high = Memory.getInt(key + length - 4) & 0xffffffffL;
            } else if (length > 0) {
                low =
                        (Memory.getByte(key) & 0xffL) << 16
                                | (Memory.getByte(key + (length >> 1)) & 0xffL) << 8
                                | Memory.getByte(key + length - 1) & 0xffL;
                high = 0;
            } else {
                low = 0;
                high = 0;
            }
        } else {
            long at = key;
            long last = key + length - 16;
            while (at < last) {
                state = fold(Memory.getLong(at) ^ B, Memory.getLong(at + 8) ^ state);
                at += 16;
            }
            low = Memory.getLong(last);
            high = Memory.getLong(last + 8);
        }
        return fold(C ^ length, fold(low ^ B, high ^ state));
    }

    /** The hash of a number that goes with this salt. */
    public static long ofNumber(long salt, long number) {
        return fold(C, fold(number ^ B, A ^ salt));
    }

    private static long fold(long left, long right) {
        return left * right ^ Math.unsignedMultiplyHigh(left, right);
    }
}
