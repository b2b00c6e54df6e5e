package ironcache.parity;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Memory;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * {@code NAME.parity}, beside the file NAME that is written no more: checksums of its blocks, and parity. Blocks are 4096 bytes. Little-endian.
 *
 * <pre>
 * | header | header again | zone 0                                       | zone 1 ...
 * | 4096   | 4096         | table 0 ... | table 0 again ... | parity ... |
 *
 * header:
 * 0       8         12     16      20             24             28           32       40       48           56          64    68
 * | magic | version | kind | shard | stripeBlocks | parityBlocks | zoneBlocks | nodeId | number | generation | fileBytes | crc | zero ... 4096
 * | 8     | 4       | 4    | 4     | 4            | 4            | 4          | 8      | 8      | 8          | 8         | 4   |
 *
 * kind                       1 segment, 2 log, 3 image; zeroed memory is none
 * stripeBlocks, zoneBlocks   100 and 4096 in this version
 * parityBlocks               m, of each stripe
 * number, generation         see ParityId
 * crc                        CRC-32C of the block with this field as zero
 *
 * table block: 0                       4092       4096
 *              | crc32c of 1023 blocks | crc32c |
 * </pre>
 *
 * <p>A zone is up to 4096 blocks of the file, 16 MiB, and stands for itself. With d blocks it has s = ⌈d / 100⌉ stripes: block b belongs to stripe b mod s, and is its row b / s. Stripe
 * t has the m parity blocks t, t + s, t + 2s ... of the zone. So any m blocks of a stripe, and any m·s blocks in a row, may be lost.
 *
 * <p>The tables hold the checksums of the zone's d blocks, then those of its s·m parity blocks. A table block's own checksum covers whose it is and where it belongs too:
 * nodeId, generation, number, zone and index (8 bytes each) come before its bytes.
 */
public final class ParityLayout {
    public static final int BLOCK_BYTES = 4096;
    public static final int BLOCK_SHIFT = 12;

    /** What a file's name gets. */
    public static final String SUFFIX = ".parity";

    /** While it is being written. */
    public static final String TEMPORARY_SUFFIX = ".parity.tmp";

    /** As many parity blocks as of a hundred: a percentage. */
    public static final int PARITY_BLOCKS_MAX = 50;

    static final int STRIPE_BLOCKS = 100;
    static final int ZONE_BLOCKS = 4096;

    static final long MAGIC = 0x3130495241504349L; // "ICPARI01"
    static final int VERSION = 1;

    private static final int MAGIC_OFFSET = 0;
    private static final int VERSION_OFFSET = MAGIC_OFFSET + Long.BYTES;
    private static final int KIND_OFFSET = VERSION_OFFSET + Integer.BYTES;
    private static final int SHARD_OFFSET = KIND_OFFSET + Integer.BYTES;
    private static final int STRIPE_OFFSET = SHARD_OFFSET + Integer.BYTES;
    private static final int PARITY_OFFSET = STRIPE_OFFSET + Integer.BYTES;
    private static final int ZONE_OFFSET = PARITY_OFFSET + Integer.BYTES;
    private static final int NODE_ID_OFFSET = ZONE_OFFSET + Integer.BYTES;
    private static final int NUMBER_OFFSET = NODE_ID_OFFSET + Long.BYTES;
    private static final int GENERATION_OFFSET = NUMBER_OFFSET + Long.BYTES;
    private static final int FILE_BYTES_OFFSET = GENERATION_OFFSET + Long.BYTES;
    private static final int CRC_OFFSET = FILE_BYTES_OFFSET + Long.BYTES;
    static final int HEADER_BYTES = CRC_OFFSET + Integer.BYTES;

    static final int HEADERS = 2;
    static final int TABLE_ENTRIES = BLOCK_BYTES / Integer.BYTES - 1;
    private static final int TABLE_CRC_OFFSET = TABLE_ENTRIES * Integer.BYTES;

    private ParityLayout() {}

    // Names.

    /** The parity of a file. */
    public static Path parityFile(Path file) {
        return file.resolveSibling(file.getFileName() + SUFFIX);
    }

    static Path temporaryFile(Path file) {
        return file.resolveSibling(file.getFileName() + TEMPORARY_SUFFIX);
    }

    /** The file that this one is the parity of, or was to become it; null: it is no such file. */
    public static @Nullable Path fileOf(Path parity) {
        String name = String.valueOf(parity.getFileName());
        for (String suffix : new String[] {SUFFIX, TEMPORARY_SUFFIX}) {
            if (name.endsWith(suffix)) {
                return parity.resolveSibling(name.substring(0, name.length() - suffix.length()));
            }
        }
        return null;
    }

    public static boolean isTemporary(Path file) {
        return String.valueOf(file.getFileName()).endsWith(TEMPORARY_SUFFIX);
    }

    // The header.

    /** What a header says. */
    record Header(
            int kind,
            int shard,
            long nodeId,
            long number,
            long generation,
            int parityBlocks,
            long fileBytes) {
        static Header of(ParityId id, int parityBlocks, long fileBytes) {
            return new Header(
                    id.kind().code,
                    id.shard(),
                    id.nodeId(),
                    id.number(),
                    id.generation(),
                    parityBlocks,
                    fileBytes);
        }

        /** Which field says that this is of another file; null: it is not. */
        @Nullable String foreignField(ParityId id) {
            return kind != id.kind().code
                    ? "kind"
                    : shard != id.shard()
                            ? "shard"
                            : id.nodeId() != 0 && nodeId != id.nodeId()
                                    ? "nodeId"
                                    : number != id.number()
                                            ? "number"
                                            : generation != id.generation() ? "generation" : null;
        }

        // The places of what belongs to a zone.

        long blocks() {
            return fileBytes + BLOCK_BYTES - 1 >>> BLOCK_SHIFT;
        }

        int zones() {
            return Math.toIntExact((blocks() + ZONE_BLOCKS - 1) / ZONE_BLOCKS);
        }

        /** Blocks of the file in a zone. */
        int dataBlocks(int zone) {
            return (int) Math.min(ZONE_BLOCKS, blocks() - (long) zone * ZONE_BLOCKS);
        }

        static int stripes(int dataBlocks) {
            return (dataBlocks + STRIPE_BLOCKS - 1) / STRIPE_BLOCKS;
        }

        /** Parity blocks of a zone. */
        int parityBlocks(int dataBlocks) {
            return stripes(dataBlocks) * parityBlocks;
        }

        /** Blocks of one copy of a zone's table. */
        int tableBlocks(int dataBlocks) {
            return (dataBlocks + parityBlocks(dataBlocks) + TABLE_ENTRIES - 1) / TABLE_ENTRIES;
        }

        /** Blocks that a zone takes of the parity file. */
        int zoneBlocks(int dataBlocks) {
            return 2 * tableBlocks(dataBlocks) + parityBlocks(dataBlocks);
        }

        /** Where a zone begins. */
        long zoneOffset(int zone) {
            return HEADERS + (long) zone * zoneBlocks(ZONE_BLOCKS) << BLOCK_SHIFT;
        }

        /** The length of the parity file. */
        long parityFileBytes() {
            int last = zones() - 1;
            return last < 0
                    ? HEADERS << BLOCK_SHIFT
                    : zoneOffset(last) + ((long) zoneBlocks(dataBlocks(last)) << BLOCK_SHIFT);
        }
    }

    /** Writes all of a header block. */
    static void putHeader(long block, Header header, Crc32c crc) {
        Memory.fill(block, BLOCK_BYTES, (byte) 0);
        Memory.putLong(block + MAGIC_OFFSET, MAGIC);
        Memory.putInt(block + VERSION_OFFSET, VERSION);
        Memory.putInt(block + KIND_OFFSET, header.kind);
        Memory.putInt(block + SHARD_OFFSET, header.shard);
        Memory.putInt(block + STRIPE_OFFSET, STRIPE_BLOCKS);
        Memory.putInt(block + PARITY_OFFSET, header.parityBlocks);
        Memory.putInt(block + ZONE_OFFSET, ZONE_BLOCKS);
        Memory.putLong(block + NODE_ID_OFFSET, header.nodeId);
        Memory.putLong(block + NUMBER_OFFSET, header.number);
        Memory.putLong(block + GENERATION_OFFSET, header.generation);
        Memory.putLong(block + FILE_BYTES_OFFSET, header.fileBytes);
        Memory.putInt(block + CRC_OFFSET, crc.of(block, BLOCK_BYTES));
    }

    /** What is wrong with a header block: field, expected and actual; null: nothing. */
    static @Nullable String headerFlaw(long block, Crc32c crc) {
        long magic = Memory.getLong(block + MAGIC_OFFSET);
        if (magic != MAGIC) {
            return flaw("magic", "0x" + Long.toHexString(MAGIC), "0x" + Long.toHexString(magic));
        }
        int version = Memory.getInt(block + VERSION_OFFSET);
        if (version != VERSION) {
            String reason = version > VERSION ? " (the file is too new)" : " (the file is too old)";
            return flaw("version", VERSION + reason, "" + version);
        }
        int stored = Memory.getInt(block + CRC_OFFSET);
        Memory.putInt(block + CRC_OFFSET, 0);
        int computed = crc.of(block, BLOCK_BYTES);
        Memory.putInt(block + CRC_OFFSET, stored);
        if (stored != computed) {
            return flaw(
                    "crc",
                    "0x" + Integer.toHexString(computed),
                    "0x" + Integer.toHexString(stored));
        }
        int stripe = Memory.getInt(block + STRIPE_OFFSET);
        int zone = Memory.getInt(block + ZONE_OFFSET);
        int parity = Memory.getInt(block + PARITY_OFFSET);
        long fileBytes = Memory.getLong(block + FILE_BYTES_OFFSET);
        return stripe != STRIPE_BLOCKS
                ? flaw("stripeBlocks", "" + STRIPE_BLOCKS, "" + stripe)
                : zone != ZONE_BLOCKS
                        ? flaw("zoneBlocks", "" + ZONE_BLOCKS, "" + zone)
                        : parity < 1 || parity > PARITY_BLOCKS_MAX
                                ? flaw("parityBlocks", "1 to " + PARITY_BLOCKS_MAX, "" + parity)
                                : fileBytes < 0 || fileBytes % BLOCK_BYTES != 0
                                        ? flaw("fileBytes", "whole blocks", "" + fileBytes)
                                        : null;
    }

    private static String flaw(String field, String expected, String actual) {
        return ", field " + field + ": expected " + expected + ", actual " + actual;
    }

    /** Of a block without a flaw. */
    static Header header(long block) {
        return new Header(
                Memory.getInt(block + KIND_OFFSET),
                Memory.getInt(block + SHARD_OFFSET),
                Memory.getLong(block + NODE_ID_OFFSET),
                Memory.getLong(block + NUMBER_OFFSET),
                Memory.getLong(block + GENERATION_OFFSET),
                Memory.getInt(block + PARITY_OFFSET),
                Memory.getLong(block + FILE_BYTES_OFFSET));
    }

    // Tables.

    /** The checksum of a block, in the table that begins there. */
    static int blockCrc(long tables, int index) {
        return Memory.getInt(entry(tables, index));
    }

    static void putBlockCrc(long tables, int index, int crc) {
        Memory.putInt(entry(tables, index), crc);
    }

    private static long entry(long tables, int index) {
        return tables
                + ((long) (index / TABLE_ENTRIES) << BLOCK_SHIFT)
                + (long) (index % TABLE_ENTRIES) * Integer.BYTES;
    }

    /** Makes a table block valid at its place. */
    static void sealTable(long block, Header header, int zone, int index, Crc32c crc) {
        Memory.putInt(block + TABLE_CRC_OFFSET, tableCrc(block, header, zone, index, crc));
    }

    static boolean isTableValid(long block, Header header, int zone, int index, Crc32c crc) {
        return Memory.getInt(block + TABLE_CRC_OFFSET) == tableCrc(block, header, zone, index, crc);
    }

    private static int tableCrc(long block, Header header, int zone, int index, Crc32c crc) {
        crc.reset();
        crc.updateLong(header.nodeId);
        crc.updateLong(header.generation);
        crc.updateLong(header.number);
        crc.updateLong(zone);
        crc.updateLong(index);
        crc.update(block, TABLE_CRC_OFFSET);
        return crc.value();
    }
}
