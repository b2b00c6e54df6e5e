package ironcache.engine;

import ironcache.ffm.Memory;

/**
 * Which shard a key belongs to: key to slot as in Redis Cluster (CRC16 over the key, or over what stands in its first braces), slot to shard
 * through a table that is decoupled from the number of shards. Read by every shard's thread; written before they start.
 */
public final class SlotTable {
    public static final int SLOTS = 16384;

    /** A byte's part of the CRC where so many bytes follow it: [0..7] × 256. CRC-16/XMODEM: polynomial 0x1021, no reflection. */
    private static final char[] CRC16 = new char[8 * 256];

    private static final long OPEN_BRACES = '{' * 0x0101_0101_0101_0101L;

    static {
        for (int i = 0; i < 256; i++) {
            int crc = i << 8;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
            }
            CRC16[i] = (char) crc;
        }
        for (int i = 256; i < CRC16.length; i++) {
            int crc = CRC16[i - 256];
            CRC16[i] = (char) (crc << 8 ^ CRC16[crc >>> 8]);
        }
    }

    private final byte[] shardOfSlot = new byte[SLOTS];

    /**
     * Slots dealt out to the shards in equal contiguous ranges.
     *
     * @param shards 1 to 127
     */
    public SlotTable(int shards) {
        if (shards < 1 || shards > Byte.MAX_VALUE) {
            throw new IllegalArgumentException("shards " + shards + ": 1 to 127");
        }
        for (int slot = 0; slot < SLOTS; slot++) {
            shardOfSlot[slot] = (byte) (slot * shards / SLOTS);
        }
    }

    public int shardOf(int slot) {
        return shardOfSlot[slot];
    }

    /** The slot of a key at an absolute address. */
    public static int slotOf(long key, int length) {
        int crc = 0;
        long braces = 0;
        int at = 0;
        for (; at + 8 <= length; at += 8) {
            long word = Memory.getLong(key + at);
            long other = word ^ OPEN_BRACES;
            braces |= other - 0x0101_0101_0101_0101L & ~other;
            crc =
                    CRC16[7 << 8 | (int) word & 0xff ^ crc >>> 8]
                            ^ CRC16[6 << 8 | (int) (word >>> 8) & 0xff ^ crc & 0xff]
                            ^ CRC16[5 << 8 | (int) (word >>> 16) & 0xff]
                            ^ CRC16[4 << 8 | (int) (word >>> 24) & 0xff]
                            ^ CRC16[3 << 8 | (int) (word >>> 32) & 0xff]
                            ^ CRC16[2 << 8 | (int) (word >>> 40) & 0xff]
                            ^ CRC16[1 << 8 | (int) (word >>> 48) & 0xff]
                            ^ CRC16[(int) (word >>> 56)];
        }
        boolean brace = (braces & 0x8080_8080_8080_8080L) != 0;
        for (; at < length; at++) {
            int next = Memory.getByte(key + at) & 0xff;
            brace |= next == '{';
            crc = next(crc, next);
        }
        return (brace ? tagged(key, length, crc) : crc) & SLOTS - 1;
    }

    private static int next(int crc, int next) {
        return crc << 8 & 0xff00 ^ CRC16[crc >>> 8 ^ next];
    }

    /**
     * Of a key with an open brace: empty braces, or none that close, mean the whole key.
     *
     * @param whole the whole key's CRC
     */
    private static int tagged(long key, int length, int whole) {
        int open = 0;
        while (Memory.getByte(key + open) != '{') {
            open++;
        }
        int close = open + 1;
        while (close < length && Memory.getByte(key + close) != '}') {
            close++;
        }
        if (close == length || close == open + 1) {
            return whole;
        }
        int crc = 0;
        for (int i = open + 1; i < close; i++) {
            crc = next(crc, Memory.getByte(key + i) & 0xff);
        }
        return crc;
    }
}
