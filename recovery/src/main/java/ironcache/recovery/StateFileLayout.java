package ironcache.recovery;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Memory;
import ironcache.ffm.StateOutput;
import java.nio.charset.StandardCharsets;

/**
 * Header of a shard's state file, 4096 bytes, little-endian; what follows it is in {@link StateOutput}. It is written last: without it the file is none.
 *
 * <pre>
 * 0       8         12      16      20       24       32         40         48                   56              64
 * | magic | version | clean | shard | shards | nodeId | hashSeed | shutdown | manifestGeneration | logGeneration | logSeqno |
 * | 8     | 4       | 4     | 4     | 4      | 8      | 8        | 8        | 8                  | 8             | 8        |
 *
 * 72          76            80      84       88          92          96      100    104          108
 * | logKept   | segmentPages | frames | notes | wholeBlocks | blocks | tableCrc | crc | pathBytes | path of the data directory ... zeros
 * | 4         | 4            | 4      | 4     | 4           | 4      | 4        | 4   | 4         |
 *
 * clean               1
 * shutdown            drawn for each process; the same for all shards. Checksums of blocks cover it
 * manifestGeneration  of the manifest in force; 0: there was none
 * logGeneration       of the log's last segment, and logSeqno of its last frame, kept or not: a log goes on behind them
 * logKept             1: the log says all that the state does
 * segmentPages        of a segment of the SSD tier
 * frames, notes       what a shard must be made for to load this one (see ShardConfig)
 * wholeBlocks, blocks, tableCrc  as StateOutput says
 * crc                 CRC-32C of the header with this field as zero
 * </pre>
 */
final class StateFileLayout {
    static final long MAGIC = 0x3130455441545349L; // "ISTATE01"
    static final int VERSION = 3;
    static final int CLEAN = 1;

    static final int MAGIC_OFFSET = 0;
    static final int VERSION_OFFSET = MAGIC_OFFSET + Long.BYTES;
    static final int CLEAN_OFFSET = VERSION_OFFSET + Integer.BYTES;
    static final int SHARD_OFFSET = CLEAN_OFFSET + Integer.BYTES;
    static final int SHARDS_OFFSET = SHARD_OFFSET + Integer.BYTES;
    static final int NODE_ID_OFFSET = SHARDS_OFFSET + Integer.BYTES;
    static final int HASH_SEED_OFFSET = NODE_ID_OFFSET + Long.BYTES;
    static final int SHUTDOWN_OFFSET = HASH_SEED_OFFSET + Long.BYTES;
    static final int MANIFEST_OFFSET = SHUTDOWN_OFFSET + Long.BYTES;
    static final int LOG_GENERATION_OFFSET = MANIFEST_OFFSET + Long.BYTES;
    static final int LOG_SEQNO_OFFSET = LOG_GENERATION_OFFSET + Long.BYTES;
    static final int LOG_KEPT_OFFSET = LOG_SEQNO_OFFSET + Long.BYTES;
    static final int SEGMENT_PAGES_OFFSET = LOG_KEPT_OFFSET + Integer.BYTES;
    static final int FRAMES_OFFSET = SEGMENT_PAGES_OFFSET + Integer.BYTES;
    static final int NOTES_OFFSET = FRAMES_OFFSET + Integer.BYTES;
    static final int WHOLE_BLOCKS_OFFSET = NOTES_OFFSET + Integer.BYTES;
    static final int BLOCKS_OFFSET = WHOLE_BLOCKS_OFFSET + Integer.BYTES;
    static final int TABLE_CRC_OFFSET = BLOCKS_OFFSET + Integer.BYTES;
    static final int CRC_OFFSET = TABLE_CRC_OFFSET + Integer.BYTES;
    static final int PATH_BYTES_OFFSET = CRC_OFFSET + Integer.BYTES;
    static final int PATH_OFFSET = PATH_BYTES_OFFSET + Integer.BYTES;
    static final int PATH_BYTES_MAX = StateOutput.HEADER_BYTES - PATH_OFFSET;

    private StateFileLayout() {}

    static void putPath(long header, String path) {
        byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(bytes.length, PATH_BYTES_MAX);
        Memory.putInt(header + PATH_BYTES_OFFSET, length);
        Memory.copyIn(bytes, 0, header + PATH_OFFSET, length);
    }

    static String path(long header) {
        int length = Math.clamp(Memory.getInt(header + PATH_BYTES_OFFSET), 0, PATH_BYTES_MAX);
        byte[] bytes = new byte[length];
        Memory.copyOut(header + PATH_OFFSET, bytes, 0, length);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    static void seal(long header) {
        Memory.putInt(header + CRC_OFFSET, 0);
        Memory.putInt(header + CRC_OFFSET, new Crc32c().of(header, StateOutput.HEADER_BYTES));
    }

    /** What {@link #seal} would write, of a header that is not changed. */
    static int crc(long header) {
        Crc32c crc = new Crc32c();
        crc.reset();
        crc.update(header, CRC_OFFSET);
        for (int i = 0; i < Integer.BYTES; i++) {
            crc.updateByte(0);
        }
        crc.update(header + PATH_BYTES_OFFSET, StateOutput.HEADER_BYTES - PATH_BYTES_OFFSET);
        return crc.value();
    }
}
