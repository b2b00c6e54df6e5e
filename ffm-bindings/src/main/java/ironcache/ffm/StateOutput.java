package ironcache.ffm;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Writes a state file (docs/adr/0013-warm-restart.md): blocks of 1 MiB behind a header of 4096 bytes, first those that are given whole, then one stream of everything else,
 * at last a table of checksums. Waits in {@link Io#poll} where too much is in flight, so it is for a thread that has nothing else to do any more. Owns its buffers.
 *
 * <pre>
 * 0        4096                                                    4096 + blocks × 1 MiB
 * | header | whole blocks ... | blocks of the stream ..., zeros   | CRC-32C of each block (4), zeros up to 4096 |
 * </pre>
 *
 * <p>A block's checksum covers the file's salt, the block's number and the block, so that one in another's place, or of another file, does not verify.
 */
public final class StateOutput implements AutoCloseable {
    public static final int HEADER_BYTES = 4096;
    public static final int BLOCK_BYTES = 1 << 20;

    /** Enough for the device's bandwidth. Slots from here to {@link #STREAM_SLOTS} more are of the stream's buffers. */
    private static final int WHOLE_SLOTS = 24;

    private static final int STREAM_SLOTS = 8;
    private static final int SLOTS = WHOLE_SLOTS + STREAM_SLOTS + 1;
    private static final int LAST_SLOT = SLOTS - 1;
    private static final long WAIT_NANOS = 100_000_000;

    private final Io io;
    private final int file;
    private final long salt;
    private final long tokenBase;
    private final Crc32c crc = new Crc32c();
    private final boolean[] busy = new boolean[SLOTS];
    private final int[] expected = new int[SLOTS];

    // Of whole blocks: the memory to give back when they are written.
    private final @Nullable Mapping[] origins = new @Nullable Mapping[SLOTS];
    private final long[] originOffsets = new long[SLOTS];

    private final long streamBuffers =
            Memory.allocate(STREAM_SLOTS * (long) BLOCK_BYTES, MemoryTag.OTHER);
    private int streamSlot = -1;
    private long streamAt;
    private long streamEnd;

    private int[] checksums = new int[64];
    private int blocks;
    private int wholeBlocks;
    private int inFlight;
    private int tableCrc;
    private @Nullable String failure;

    /**
     * @param file open for writing, and empty
     * @param tokenBase high bits of the tokens of its writes, low 32 bits zero
     */
    public StateOutput(Io io, int file, long salt, long tokenBase) {
        this.io = io;
        this.file = file;
        this.salt = salt;
        this.tokenBase = tokenBase;
    }

    /** The checksum of a block. */
    public static int checksum(Crc32c crc, long salt, long number, long address) {
        crc.reset();
        crc.updateLong(salt);
        crc.updateLong(number);
        crc.update(address, BLOCK_BYTES);
        return crc.value();
    }

    /** Writes a whole block of a mapping's memory, and gives that memory back to the system once it is written. Before anything of the stream. */
    public void whole(Mapping origin, long offset) {
        int slot = freeSlot(0, WHOLE_SLOTS);
        origins[slot] = origin;
        originOffsets[slot] = offset;
        wholeBlocks++;
        block(slot, origin.address() + offset);
    }

    public void putLong(long value) {
        makeRoom();
        Memory.putLong(streamAt, value);
        streamAt += Long.BYTES;
    }

    /** @param bytes a multiple of 8 */
    public void put(long address, long bytes) {
        assert (bytes & 7) == 0;
        long from = address;
        long left = bytes;
        while (left > 0) {
            makeRoom();
            long now = Math.min(left, streamEnd - streamAt);
            Memory.copy(from, streamAt, now);
            streamAt += now;
            from += now;
            left -= now;
        }
    }

    private void makeRoom() {
        if (streamAt == streamEnd) {
            writeStream();
            streamSlot = freeSlot(WHOLE_SLOTS, WHOLE_SLOTS + STREAM_SLOTS);
            streamAt = streamBuffers + (long) (streamSlot - WHOLE_SLOTS) * BLOCK_BYTES;
            streamEnd = streamAt + BLOCK_BYTES;
        }
    }

    private void writeStream() {
        if (streamSlot >= 0) {
            block(streamSlot, streamEnd - BLOCK_BYTES);
            streamSlot = -1;
        }
    }

    private void block(int slot, long address) {
        if (blocks == checksums.length) {
            checksums = Arrays.copyOf(checksums, 2 * blocks);
        }
        checksums[blocks] = checksum(crc, salt, blocks, address);
        write(slot, HEADER_BYTES + (long) blocks * BLOCK_BYTES, address, BLOCK_BYTES);
        blocks++;
    }

    private void write(int slot, long offset, long address, int bytes) {
        if (failure != null) {
            return;
        }
        busy[slot] = true;
        expected[slot] = bytes;
        inFlight++;
        io.write(file, offset, address, bytes, Io.UNREGISTERED, tokenBase | slot);
    }

    private int freeSlot(int from, int to) {
        while (true) {
            for (int slot = from; slot < to; slot++) {
                if (!busy[slot]) {
                    return slot;
                }
            }
            io.poll(WAIT_NANOS);
        }
    }

    /** All blocks are given: writes the table and waits until everything is written. */
    public void end() {
        if (streamSlot >= 0) {
            Memory.fill(streamAt, streamEnd - streamAt, (byte) 0);
            writeStream();
            streamAt = streamEnd;
        }
        int bytes = tableBytes(blocks);
        long table = Memory.allocate(bytes, MemoryTag.OTHER);
        for (int i = 0; i < blocks; i++) {
            Memory.putInt(table + 4L * i, checksums[i]);
        }
        tableCrc = crc.of(table, bytes);
        write(LAST_SLOT, HEADER_BYTES + (long) blocks * BLOCK_BYTES, table, bytes);
        await();
        Memory.free(table, bytes, MemoryTag.OTHER);
    }

    /** Bytes of the table of checksums. */
    public static int tableBytes(int blocks) {
        return Math.max(4096, blocks * Integer.BYTES + 4095 & -4096);
    }

    /** Writes the header, after {@link #end}, and waits for it. */
    public void header(long address) {
        write(LAST_SLOT, 0, address, HEADER_BYTES);
        await();
    }

    private void await() {
        while (inFlight > 0) {
            io.poll(WAIT_NANOS);
        }
    }

    /** Completion of a write. */
    public void onFile(int slot, int result) {
        inFlight--;
        busy[slot] = false;
        if (result != expected[slot] && failure == null) {
            failure =
                    "write of "
                            + expected[slot]
                            + " bytes: "
                            + (result < 0 ? Errno.name(result) : "only " + result + " written");
        }
        Mapping origin = origins[slot];
        if (origin != null) {
            origins[slot] = null;
            if (failure == null) {
                origin.release(originOffsets[slot], BLOCK_BYTES);
            }
        }
    }

    /** Why the file is incomplete and will remain so, or null. */
    public @Nullable String failure() {
        return failure;
    }

    public int blocks() {
        return blocks;
    }

    public int wholeBlocks() {
        return wholeBlocks;
    }

    public int tableCrc() {
        return tableCrc;
    }

    /** Nothing is in flight any more. */
    @Override
    public void close() {
        await();
        Memory.free(streamBuffers, STREAM_SLOTS * (long) BLOCK_BYTES, MemoryTag.OTHER);
    }
}
