package ironcache.engine;

import ironcache.ffm.Memory;

/**
 * Which shard a key belongs to: key to slot as in Redis Cluster (CRC16 over the key, or over what stands in its first braces), slot to shard
 * through a table that is decoupled from the number of shards. Read by every shard's thread; written before they start.
 */
public final class SlotTable {
    public static final int SLOTS = 16384;

    private static final short[] CRC16 = new short[256];

    static {
        // CRC-16/XMODEM: polynomial 0x1021, no reflection.
        for (int i = 0; i < CRC16.length; i++) {
            int crc = i << 8;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
            }
            CRC16[i] = (short) crc;
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
        int open = 0;
        while (open < length && Memory.getByte(key + open) != '{') {
            open++;
        }
        if (open < length) {
            int close = open + 1;
            while (close < length && Memory.getByte(key + close) != '}') {
                close++;
            }
            // Empty braces, or none that close, mean the whole key.
            if (close < length && close > open + 1) {
                return crc16(key + open + 1, close - open - 1) & SLOTS - 1;
            }
        }
        return crc16(key, length) & SLOTS - 1;
    }

    private static int crc16(long address, int length) {
        int crc = 0;
        for (int i = 0; i < length; i++) {
            crc = crc << 8 ^ CRC16[(crc >>> 8 ^ Memory.getByte(address + i)) & 0xff];
        }
        return crc & 0xffff;
    }
}
