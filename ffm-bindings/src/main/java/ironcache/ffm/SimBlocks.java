package ironcache.ffm;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Contents of a simulated file: blocks of 4096 bytes on the Java heap, zeros where there are none. A block is never changed once it is in here, so
 * several of these share blocks, and a copy costs an array. Owned by the simulation's thread.
 */
final class SimBlocks {
    /** Stands for all blocks that nothing was written to. */
    private static final byte[] ZEROS = new byte[SimDisk.BLOCK_BYTES];

    private byte[][] blocks;

    SimBlocks() {
        this(new byte[0][]);
    }

    private SimBlocks(byte[][] blocks) {
        this.blocks = blocks;
    }

    SimBlocks copy() {
        return new SimBlocks(blocks.clone());
    }

    /** Blocks from here on are zeros. */
    int count() {
        return blocks.length;
    }

    /** Whether a block of one of these is more than the absence of one. */
    @SuppressWarnings("ReferenceEquality") // zeros may have been written as well
    static boolean isWritten(byte[] block) {
        return block != ZEROS;
    }

    /** Not to be changed. */
    byte[] block(long number) {
        return number < blocks.length ? blocks[(int) number] : ZEROS;
    }

    /** The block becomes this one's. */
    void set(long number, byte[] block) {
        int length = blocks.length;
        if (number >= length) {
            blocks = Arrays.copyOf(blocks, Math.toIntExact(Math.max(number + 1, length * 2L)));
            Arrays.fill(blocks, length, blocks.length, ZEROS);
        }
        blocks[(int) number] = block;
    }

    void clear() {
        blocks = new byte[0][];
    }

    void read(long offset, byte[] target, int length) {
        for (int done = 0; done < length; ) {
            long at = offset + done;
            int within = (int) (at % SimDisk.BLOCK_BYTES);
            int now = Math.min(length - done, SimDisk.BLOCK_BYTES - within);
            System.arraycopy(block(at / SimDisk.BLOCK_BYTES), within, target, done, now);
            done += now;
        }
    }

    /** To memory. */
    void read(long offset, long address, int length) {
        for (int done = 0; done < length; ) {
            long at = offset + done;
            int within = (int) (at % SimDisk.BLOCK_BYTES);
            int now = Math.min(length - done, SimDisk.BLOCK_BYTES - within);
            Memory.copyIn(block(at / SimDisk.BLOCK_BYTES), within, address + done, now);
            done += now;
        }
    }

    /** @param older where to keep what was there before */
    void put(SimWrite write, @Nullable SimBlocks older) {
        for (int i = 0; i < write.pieces(); i++) {
            byte[] piece = write.piece(i);
            long number = write.pieceOffset(i) / SimDisk.BLOCK_BYTES;
            byte[] before = block(number);
            byte[] after = piece;
            if (piece.length < SimDisk.BLOCK_BYTES) {
                after = before.clone();
                int within = (int) (write.pieceOffset(i) % SimDisk.BLOCK_BYTES);
                System.arraycopy(piece, 0, after, within, piece.length);
            }
            set(number, after);
            if (older != null && isWritten(before)) {
                older.set(number, before);
            }
        }
    }

    /** Of the sectors of a write, some. */
    void putTorn(SimWrite write, Prng prng) {
        for (int i = 0; i < write.pieces(); i++) {
            byte[] piece = write.piece(i);
            long offset = write.pieceOffset(i);
            long number = offset / SimDisk.BLOCK_BYTES;
            int within = (int) (offset % SimDisk.BLOCK_BYTES);
            byte[] after = block(number).clone();
            for (int from = 0; from < piece.length; ) {
                // Sectors of the medium, not of the write.
                int sectorLeft = SimDisk.SECTOR_BYTES - (within + from) % SimDisk.SECTOR_BYTES;
                int length = Math.min(piece.length - from, sectorLeft);
                if (prng.chance(0.8)) {
                    System.arraycopy(piece, from, after, within + from, length);
                }
                from += length;
            }
            set(number, after);
        }
    }

    void flip(long bit) {
        long number = bit / 8 / SimDisk.BLOCK_BYTES;
        byte[] block = block(number).clone();
        block[(int) (bit / 8 % SimDisk.BLOCK_BYTES)] ^= (byte) (1 << bit % 8);
        set(number, block);
    }

    /** Zeros from there on. */
    void endAt(long end) {
        int whole = (int) (end / SimDisk.BLOCK_BYTES);
        int within = (int) (end % SimDisk.BLOCK_BYTES);
        if (whole >= blocks.length) {
            return;
        }
        byte[] last = blocks[whole].clone();
        blocks = Arrays.copyOf(blocks, whole);
        if (within > 0) {
            Arrays.fill(last, within, last.length, (byte) 0);
            set(whole, last);
        }
    }
}
