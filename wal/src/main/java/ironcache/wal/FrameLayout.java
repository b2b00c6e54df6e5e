package ironcache.wal;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Memory;

/**
 * A frame of a log or an image: header and payload, 8-aligned. Little-endian.
 *
 * <pre>
 * 0       8         16       24       28       32     33      34         40
 * | seqno | durable | stable | length | crc32c | kind | flags | reserved | payload ...
 * | 8     | 8       | 8      | 4      | 4      | 1    | 1     | 6        | length
 *
 * seqno     counts the frames of a shard's log (or of an image, from 1), without a gap
 * durable   the last seqno that was durable, with all of its unit, when this frame was written
 * stable    the last seqno up to which all units over several shards were ready in all of them
 * length    of the payload, a multiple of 8
 * crc32c    CRC-32C over nodeId, shard, generation, offset in the file (8 bytes each), the header with this field as zero, the payload
 * kind      0 invalid, 1 EFFECTS, 2 MARK, 3 END
 * flags     1 MORE, 2 PARTS
 * </pre>
 *
 * <p>Frames of one commit lie back to back; a commit begins at a multiple of 4096, zeros up to there. So no acknowledged block is ever written again.
 *
 * <p>{@link #MORE}: the next frame of kind EFFECTS belongs to the same atomic unit. {@link #PARTS}: the payload ends with the parts of a unit over several shards: n
 * times {shard 8, seqno 8}, then n as 8 bytes.
 *
 * <p>The checksum covers the frame's place, so that what an earlier use of a recycled file left behind, or what was written elsewhere by mistake, to another shard's file too, never parses.
 */
public final class FrameLayout {
    private static final int SEQNO_OFFSET = 0;
    private static final int DURABLE_OFFSET = SEQNO_OFFSET + Long.BYTES;
    private static final int STABLE_OFFSET = DURABLE_OFFSET + Long.BYTES;
    private static final int LENGTH_OFFSET = STABLE_OFFSET + Long.BYTES;
    static final int CRC_OFFSET = LENGTH_OFFSET + Integer.BYTES;
    private static final int KIND_OFFSET = CRC_OFFSET + Integer.BYTES;
    private static final int FLAGS_OFFSET = KIND_OFFSET + Byte.BYTES;
    private static final int RESERVED_OFFSET = FLAGS_OFFSET + Byte.BYTES;
    private static final int RESERVED_BYTES = 6;
    public static final int HEADER_BYTES = RESERVED_OFFSET + RESERVED_BYTES;

    /** Effects of commands. */
    public static final int EFFECTS = 1;

    /** Whatever the log's owner wants to find again, or nothing: then it only carries the watermarks. */
    public static final int MARK = 2;

    /** The last frame of its file. */
    public static final int END = 3;

    public static final int MORE = 1;
    public static final int PARTS = 2;

    /** A frame with its header fits into a chunk of 1 MiB. */
    public static final int PAYLOAD_BYTES_MAX = (1 << 20) - 64;

    /** Parts of a unit over several shards. */
    public static final int PARTS_MAX = 255;

    private static final int PART_BYTES = 2 * Long.BYTES;
    private static final int PART_COUNT_BYTES = Long.BYTES;

    private FrameLayout() {}

    /** All but watermarks and checksum, which {@link #seal} adds. */
    static void put(long frame, long seqno, int kind, int flags, int length) {
        Memory.putLong(frame + SEQNO_OFFSET, seqno);
        Memory.putInt(frame + LENGTH_OFFSET, length);
        // Kind, flags and the reserved bytes as one word.
        Memory.putLong(frame + KIND_OFFSET, kind | flags << 8);
    }

    /** Makes the frame valid at its place. */
    static void seal(
            long frame,
            long durable,
            long stable,
            long nodeId,
            int shard,
            long generation,
            long offset,
            Crc32c crc) {
        Memory.putLong(frame + DURABLE_OFFSET, durable);
        Memory.putLong(frame + STABLE_OFFSET, stable);
        Memory.putInt(frame + CRC_OFFSET, 0);
        Memory.putInt(frame + CRC_OFFSET, crc(frame, nodeId, shard, generation, offset, crc));
    }

    /** The checksum of a frame whose crc field is zero. */
    private static int crc(
            long frame, long nodeId, int shard, long generation, long offset, Crc32c crc) {
        crc.reset();
        crc.updateLong(nodeId);
        crc.updateLong(shard);
        crc.updateLong(generation);
        crc.updateLong(offset);
        crc.update(frame, HEADER_BYTES + length(frame));
        return crc.value();
    }

    /** The checksum that a frame should have at its place; puts zero into its field for a moment. */
    static int expectedCrc(
            long frame, long nodeId, int shard, long generation, long offset, Crc32c crc) {
        int stored = crc32c(frame);
        Memory.putInt(frame + CRC_OFFSET, 0);
        int computed = crc(frame, nodeId, shard, generation, offset, crc);
        Memory.putInt(frame + CRC_OFFSET, stored);
        return computed;
    }

    static long seqno(long frame) {
        return Memory.getLong(frame + SEQNO_OFFSET);
    }

    static long durable(long frame) {
        return Memory.getLong(frame + DURABLE_OFFSET);
    }

    static long stable(long frame) {
        return Memory.getLong(frame + STABLE_OFFSET);
    }

    static int length(long frame) {
        return Memory.getInt(frame + LENGTH_OFFSET);
    }

    static int crc32c(long frame) {
        return Memory.getInt(frame + CRC_OFFSET);
    }

    static int kind(long frame) {
        return Byte.toUnsignedInt(Memory.getByte(frame + KIND_OFFSET));
    }

    static int flags(long frame) {
        return Byte.toUnsignedInt(Memory.getByte(frame + FLAGS_OFFSET));
    }

    /** Kind, flags and reserved bytes: zero where there is no frame. */
    static boolean isAbsent(long frame) {
        return Memory.getLong(frame + KIND_OFFSET) == 0;
    }

    /** Whether the header could be one: what must hold before {@link #length} is believed. */
    static boolean isPlausible(long frame) {
        long word = Memory.getLong(frame + KIND_OFFSET);
        int kind = (int) word & 0xFF;
        int length = length(frame);
        return word >>> 16 == 0
                && kind >= EFFECTS
                && kind <= END
                && length >= 0
                && length <= PAYLOAD_BYTES_MAX
                && (length & 7) == 0;
    }

    // The parts of a unit over several shards, at the end of its last frame's payload.

    static int partsBytes(int parts) {
        return parts * PART_BYTES + PART_COUNT_BYTES;
    }

    static void putParts(long at, int parts, int[] shards, long[] seqnos) {
        for (int i = 0; i < parts; i++) {
            Memory.putLong(at + (long) i * PART_BYTES, shards[i]);
            Memory.putLong(at + (long) i * PART_BYTES + Long.BYTES, seqnos[i]);
        }
        Memory.putLong(at + (long) parts * PART_BYTES, parts);
    }

    /** How many parts the unit has that ends in this payload, whose frame has the flag {@link #PARTS}. */
    public static int parts(long payload, int length) {
        long parts = Memory.getLong(payload + length - PART_COUNT_BYTES);
        assert parts >= 0 && parts <= PARTS_MAX : "parts: " + parts;
        return (int) parts;
    }

    public static int partShard(long payload, int length, int part) {
        return (int) Memory.getLong(partAddress(payload, length, part));
    }

    public static long partSeqno(long payload, int length, int part) {
        return Memory.getLong(partAddress(payload, length, part) + Long.BYTES);
    }

    private static long partAddress(long payload, int length, int part) {
        return payload + length - partsBytes(parts(payload, length)) + (long) part * PART_BYTES;
    }

    /** Bytes of the payload without the list of parts. */
    public static int effectsBytes(long payload, int length, int flags) {
        return (flags & PARTS) == 0 ? length : length - partsBytes(parts(payload, length));
    }
}
