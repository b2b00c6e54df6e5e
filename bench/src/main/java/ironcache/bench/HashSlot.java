package ironcache.bench;

/**
 * Which of the cluster specification's 16384 slots a key is in (CRC-16/XMODEM), computed byte by byte. Shards own ranges of
 * slots of equal size, which is all that the harness knows about them.
 */
final class HashSlot {
    static final int SLOTS = 16384;

    private static final int POLYNOMIAL = 0x1021;
    private static final short[] TABLE = new short[256];

    static {
        for (int i = 0; i < TABLE.length; i++) {
            int crc = i << 8;
            for (int bit = 0; bit < 8; bit++) {
                crc = crc << 1 ^ ((crc & 0x8000) != 0 ? POLYNOMIAL : 0);
            }
            TABLE[i] = (short) crc;
        }
    }

    private HashSlot() {}

    /** The checksum of what it is of and one byte more; it begins at 0. */
    static int update(int crc, int oneByte) {
        return (crc << 8 ^ TABLE[(crc >>> 8 ^ oneByte) & 0xFF]) & 0xFFFF;
    }

    static int ofChecksum(int crc) {
        return crc & (SLOTS - 1);
    }

    static int shardOf(int slot, int shards) {
        return slot * shards / SLOTS;
    }
}
