package ironcache.tiering;

import ironcache.ffm.Memory;
import ironcache.hybridlog.Address;

/**
 * A sealed page: 1 MiB on the SSD and, verbatim, in RAM. Block 0 describes it, blocks 1 to 255 hold records back to back; a
 * record may cross from one block to the next. Little-endian.
 *
 * <pre>
 * 0       8         12     16           24    28        32          36     64           1088      1344     1600   4096
 * | magic | version | page | generation | end | records | headerCrc | zero | blockCrc[] | reach[] | last[] | zero | records ...
 * | 8     | 4       | 4    | 8          | 4   | 4       | 4         |      | 256 × 4    | 256 × 1 | 256 × 1 |
 *
 * page        number within the shard's log; with the generation it tells a misdirected or stale page
 * generation  counts the segments that this shard has begun
 * end         bytes from the page's start up to which records go; the rest is zero
 * records     how many records there are
 * headerCrc   CRC-32C of block 0 with this field as zero
 * blockCrc    CRC-32C of each block of records (entry 0 is zero)
 * reach       blocks beyond the first that the last record beginning in this block extends over; no other record of the block crosses its end
 * last        where in the block that last record begins, in units of 16 bytes
 * </pre>
 *
 * <p>The three tables are also kept in RAM, 1536 bytes a page or 0.15 % of the SSD space: so a cold read knows how many blocks
 * to ask for and can verify each by itself, with one I/O and no checksum beside each record. A stale or
 * misdirected block has another checksum than the one that RAM expects at this address.
 */
public final class PageLayout {
    static final long MAGIC = 0x3130454741504349L; // "ICPAGE01"
    static final int VERSION = 1;

    static final int BLOCK_SHIFT = 12;
    static final int BLOCK_BYTES = 1 << BLOCK_SHIFT;
    static final int BLOCKS = Address.PAGE_BYTES >>> BLOCK_SHIFT;

    private static final int MAGIC_OFFSET = 0;
    private static final int VERSION_OFFSET = MAGIC_OFFSET + Long.BYTES;
    private static final int PAGE_OFFSET = VERSION_OFFSET + Integer.BYTES;
    private static final int GENERATION_OFFSET = PAGE_OFFSET + Integer.BYTES;
    private static final int END_OFFSET = GENERATION_OFFSET + Long.BYTES;
    private static final int RECORDS_OFFSET = END_OFFSET + Integer.BYTES;
    private static final int HEADER_CRC_OFFSET = RECORDS_OFFSET + Integer.BYTES;
    static final int TABLES_OFFSET = 64;
    static final int BLOCK_CRC_OFFSET = TABLES_OFFSET;
    static final int REACH_OFFSET = BLOCK_CRC_OFFSET + BLOCKS * Integer.BYTES;
    static final int LAST_OFFSET = REACH_OFFSET + BLOCKS;
    static final int TABLES_BYTES = LAST_OFFSET + BLOCKS - TABLES_OFFSET;
    private static final int LAST_UNIT_SHIFT = 4;

    /** Records begin here. */
    public static final int RECORDS_START = BLOCK_BYTES;

    private PageLayout() {}

    static void putHeader(long page, int number, long generation, int end, int records) {
        Memory.putLong(page + MAGIC_OFFSET, MAGIC);
        Memory.putInt(page + VERSION_OFFSET, VERSION);
        Memory.putInt(page + PAGE_OFFSET, number);
        Memory.putLong(page + GENERATION_OFFSET, generation);
        Memory.putInt(page + END_OFFSET, end);
        Memory.putInt(page + RECORDS_OFFSET, records);
        Memory.putInt(page + HEADER_CRC_OFFSET, 0);
    }

    static void putHeaderCrc(long page, int crc) {
        Memory.putInt(page + HEADER_CRC_OFFSET, crc);
    }

    static int headerCrc(long page) {
        return Memory.getInt(page + HEADER_CRC_OFFSET);
    }

    static long magic(long page) {
        return Memory.getLong(page + MAGIC_OFFSET);
    }

    static int version(long page) {
        return Memory.getInt(page + VERSION_OFFSET);
    }

    static int number(long page) {
        return Memory.getInt(page + PAGE_OFFSET);
    }

    static long generation(long page) {
        return Memory.getLong(page + GENERATION_OFFSET);
    }

    static int end(long page) {
        return Memory.getInt(page + END_OFFSET);
    }

    static int records(long page) {
        return Memory.getInt(page + RECORDS_OFFSET);
    }

    /** @param tables address of the two tables, in a page or in RAM */
    static int blockCrc(long tables, int block) {
        return Memory.getInt(tables + (long) block * Integer.BYTES);
    }

    static void putBlockCrc(long tables, int block, int crc) {
        Memory.putInt(tables + (long) block * Integer.BYTES, crc);
    }

    /** Blocks to read for the record that begins at this offset of the page: one, and for the last record of a block those that it extends over. */
    static int blocksOf(long tables, int offset) {
        int block = offset >>> BLOCK_SHIFT;
        int unit = (offset & BLOCK_BYTES - 1) >>> LAST_UNIT_SHIFT;
        int last =
                Byte.toUnsignedInt(Memory.getByte(tables + (LAST_OFFSET - TABLES_OFFSET) + block));
        return unit < last
                ? 1
                : 1 + Memory.getByte(tables + (REACH_OFFSET - TABLES_OFFSET) + block);
    }

    /** Notes a record that was appended. */
    static void putRecord(long tables, int offset, int bytes) {
        int block = offset >>> BLOCK_SHIFT;
        int reach = (offset + bytes - 1 >>> BLOCK_SHIFT) - block;
        Memory.putByte(tables + (REACH_OFFSET - TABLES_OFFSET) + block, (byte) reach);
        Memory.putByte(
                tables + (LAST_OFFSET - TABLES_OFFSET) + block,
                (byte) ((offset & BLOCK_BYTES - 1) >>> LAST_UNIT_SHIFT));
    }
}
