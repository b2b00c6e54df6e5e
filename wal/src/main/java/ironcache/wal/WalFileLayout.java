package ironcache.wal;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Memory;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A segment of a shard's log, or an image: block 0 describes the file, frames ({@link FrameLayout}) follow from byte 4096 on. Little-endian.
 *
 * <pre>
 * 0       8         12     16      20         24           32           40       48          56    60
 * | magic | version | type | shard | reserved | generation | firstSeqno | nodeId | fileBytes | crc | zero ... 512 | witness ... 1024 | zero ... 4096 | frames ...
 * | 8     | 4       | 4    | 4     | 4        | 8          | 8          | 8      | 8         | 4   |
 *
 * witness, a sector of 512 bytes by itself; of a log only, else zero
 * 0       8        16    20
 * | magic | stable | crc | zero
 * | 8     | 8      | 4   |
 *
 * type        1 log, 2 image; zeroed memory is neither
 * generation  the number in the file's name; files of a log are numbered without a gap
 * firstSeqno  of the first frame; whatever the files before hold from this seqno on was cut and does not count.
 *             2^32 or more behind theirs: not all that changed in between was logged
 * nodeId      drawn when the data directory was made; also in the checksum of each frame
 * fileBytes   the file's length, allocated before the header was written; 0 for an image, which ends with its END frame
 * crc         CRC-32C of the whole block with this field and the witness as zero
 * stable      frames up to here, of this segment or earlier ones, were acknowledged when this was written
 * crc         of the witness: CRC-32C of the header's 60 bytes, magic and stable
 * </pre>
 *
 * <p>Invariants: the header of a segment is written and synced when all of the segment before is durable and before any frame follows. So a valid header vouches
 * for its predecessor, and a valid frame for its header.
 *
 * <p>While frames are written to a segment, its block 0 is written again, with the same header and another witness, and not synced. What a crash leaves of such a write has the same header, and a witness that
 * is older, or does not verify and claims nothing; so has a segment that is used again, since the header in the checksum is another's. What a witness says was true before it was written, so it is true
 * whatever became of it.
 */
public final class WalFileLayout {
    public static final int BLOCK_BYTES = 4096;
    public static final int BLOCK_SHIFT = 12;

    /** A log that does not go on from the one before begins this many numbers behind its end, so that nobody can take it for its sequel. */
    public static final long LOG_SEQNOS = 1L << 32;

    static final long MAGIC = 0x3130464C41574349L; // "ICWALF01"
    static final int VERSION = 2;
    static final int TYPE_LOG = 1;
    static final int TYPE_IMAGE = 2;

    private static final int MAGIC_OFFSET = 0;
    private static final int VERSION_OFFSET = MAGIC_OFFSET + Long.BYTES;
    private static final int TYPE_OFFSET = VERSION_OFFSET + Integer.BYTES;
    private static final int SHARD_OFFSET = TYPE_OFFSET + Integer.BYTES;
    private static final int RESERVED_OFFSET = SHARD_OFFSET + Integer.BYTES;
    private static final int GENERATION_OFFSET = RESERVED_OFFSET + Integer.BYTES;
    private static final int FIRST_SEQNO_OFFSET = GENERATION_OFFSET + Long.BYTES;
    private static final int NODE_ID_OFFSET = FIRST_SEQNO_OFFSET + Long.BYTES;
    private static final int FILE_BYTES_OFFSET = NODE_ID_OFFSET + Long.BYTES;
    private static final int CRC_OFFSET = FILE_BYTES_OFFSET + Long.BYTES;
    static final int HEADER_BYTES = CRC_OFFSET + Integer.BYTES;

    private static final int SECTOR_BYTES = 512;
    static final int WITNESS_OFFSET = SECTOR_BYTES;
    private static final long WITNESS_MAGIC = 0x3130535449574349L; // "ICWITS01"
    private static final int WITNESS_STABLE_OFFSET = WITNESS_OFFSET + Long.BYTES;
    private static final int WITNESS_CRC_OFFSET = WITNESS_STABLE_OFFSET + Long.BYTES;

    private static final String LOG_PREFIX = "wal-";
    private static final String IMAGE_PREFIX = "image-";
    private static final String SUFFIX = ".iron";
    private static final int DIGITS = 16;

    private WalFileLayout() {}

    /** Writes all of block 0, without a witness. */
    static void put(
            long block,
            int type,
            int shard,
            long generation,
            long firstSeqno,
            long nodeId,
            long fileBytes,
            Crc32c crc) {
        Memory.fill(block, BLOCK_BYTES, (byte) 0);
        Memory.putLong(block + MAGIC_OFFSET, MAGIC);
        Memory.putInt(block + VERSION_OFFSET, VERSION);
        Memory.putInt(block + TYPE_OFFSET, type);
        Memory.putInt(block + SHARD_OFFSET, shard);
        Memory.putLong(block + GENERATION_OFFSET, generation);
        Memory.putLong(block + FIRST_SEQNO_OFFSET, firstSeqno);
        Memory.putLong(block + NODE_ID_OFFSET, nodeId);
        Memory.putLong(block + FILE_BYTES_OFFSET, fileBytes);
        Memory.putInt(block + CRC_OFFSET, crc.of(block, BLOCK_BYTES));
    }

    /** Writes the witness of a log segment into its block 0, which has its header. */
    static void putWitness(long block, long stable, Crc32c crc) {
        Memory.putLong(block + WITNESS_OFFSET, WITNESS_MAGIC);
        Memory.putLong(block + WITNESS_STABLE_OFFSET, stable);
        Memory.putInt(block + WITNESS_CRC_OFFSET, witnessCrc(block, crc));
    }

    private static int witnessCrc(long block, Crc32c crc) {
        crc.reset();
        crc.update(block, HEADER_BYTES);
        crc.update(block + WITNESS_OFFSET, WITNESS_CRC_OFFSET - WITNESS_OFFSET);
        return crc.value();
    }

    /** How far the log was stable as its witness says; 0: there is none that verifies. Of a block whose header verifies. */
    static long witness(long block, Crc32c crc) {
        boolean valid =
                Memory.getLong(block + WITNESS_OFFSET) == WITNESS_MAGIC
                        && Memory.getInt(block + WITNESS_CRC_OFFSET) == witnessCrc(block, crc);
        return valid ? Memory.getLong(block + WITNESS_STABLE_OFFSET) : 0;
    }

    /** The header's checksum, of a block whose field for it is zero: the witness counts as zeros. */
    private static int headerCrc(long block, Crc32c crc) {
        crc.reset();
        crc.update(block, WITNESS_OFFSET);
        for (int i = 0; i < SECTOR_BYTES; i += Long.BYTES) {
            crc.updateLong(0);
        }
        long rest = WITNESS_OFFSET + SECTOR_BYTES;
        crc.update(block + rest, BLOCK_BYTES - rest);
        return crc.value();
    }

    static int type(long block) {
        return Memory.getInt(block + TYPE_OFFSET);
    }

    static int shard(long block) {
        return Memory.getInt(block + SHARD_OFFSET);
    }

    static long generation(long block) {
        return Memory.getLong(block + GENERATION_OFFSET);
    }

    static long firstSeqno(long block) {
        return Memory.getLong(block + FIRST_SEQNO_OFFSET);
    }

    static long nodeId(long block) {
        return Memory.getLong(block + NODE_ID_OFFSET);
    }

    static long fileBytes(long block) {
        return Memory.getLong(block + FILE_BYTES_OFFSET);
    }

    /**
     * Whether the block is whole and of a version that this one understands.
     *
     * @return null where it is
     */
    static @Nullable Damage checkWhole(long block, Path file, Crc32c crc) {
        long magic = Memory.getLong(block + MAGIC_OFFSET);
        if (magic != MAGIC) {
            return new Damage(file, MAGIC_OFFSET, "magic", hex(MAGIC), hex(magic));
        }
        int version = Memory.getInt(block + VERSION_OFFSET);
        if (version != VERSION) {
            return new Damage(
                    file, VERSION_OFFSET, "version", expectedVersion(version), "" + version);
        }
        int stored = Memory.getInt(block + CRC_OFFSET);
        Memory.putInt(block + CRC_OFFSET, 0);
        int computed = headerCrc(block, crc);
        Memory.putInt(block + CRC_OFFSET, stored);
        return stored == computed
                ? null
                : new Damage(file, CRC_OFFSET, "crc", hex(computed), hex(stored));
    }

    private static String expectedVersion(int version) {
        return VERSION + (version > VERSION ? " (the file is too new)" : " (the file is too old)");
    }

    /** Whether a log segment was begun: whether its block 0 is its own. */
    public static boolean isBegun(long block, Path file, int shard, long nodeId) {
        return checkWhole(block, file, new Crc32c()) == null
                && checkPlace(block, file, TYPE_LOG, shard, logGeneration(file), nodeId) == null;
    }

    /** Whether a whole block is the one that belongs here. @return null where it is */
    static @Nullable Damage checkPlace(
            long block, Path file, int type, int shard, long generation, long nodeId) {
        int actualType = Memory.getInt(block + TYPE_OFFSET);
        if (actualType != type) {
            return new Damage(file, TYPE_OFFSET, "type", "" + type, "" + actualType);
        }
        if (nodeId(block) != nodeId) {
            return new Damage(file, NODE_ID_OFFSET, "nodeId", hex(nodeId), hex(nodeId(block)));
        }
        if (shard(block) != shard) {
            return new Damage(file, SHARD_OFFSET, "shard", "" + shard, "" + shard(block));
        }
        if (generation(block) != generation) {
            return new Damage(
                    file, GENERATION_OFFSET, "generation", "" + generation, "" + generation(block));
        }
        return null;
    }

    public static Path logFile(Path directory, long generation) {
        return directory.resolve(name(LOG_PREFIX, generation, SUFFIX));
    }

    public static Path imageFile(Path directory, long generation) {
        return directory.resolve(name(IMAGE_PREFIX, generation, SUFFIX));
    }

    /** The generation in the name of a log segment; -1 where it is no such name. */
    public static long logGeneration(Path file) {
        return generation(file, LOG_PREFIX, SUFFIX);
    }

    /** The generation in the name of an image; -1 where it is no such name. */
    public static long imageGeneration(Path file) {
        return generation(file, IMAGE_PREFIX, SUFFIX);
    }

    static String name(String prefix, long generation, String suffix) {
        String digits = Long.toString(generation);
        return prefix + "0".repeat(Math.max(0, DIGITS - digits.length())) + digits + suffix;
    }

    static long generation(Path file, String prefix, String suffix) {
        String name = String.valueOf(file.getFileName());
        if (name.length() != prefix.length() + DIGITS + suffix.length()
                || !name.startsWith(prefix)
                || !name.endsWith(suffix)) {
            return -1;
        }
        long generation = 0;
        for (int i = prefix.length(); i < prefix.length() + DIGITS; i++) {
            int digit = name.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            generation = generation * 10 + digit;
        }
        return generation;
    }

    static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    static String hex(int value) {
        return "0x" + Integer.toHexString(value);
    }
}
