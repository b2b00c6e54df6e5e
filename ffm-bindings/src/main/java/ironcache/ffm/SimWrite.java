package ironcache.ffm;

import java.lang.foreign.MemorySegment;

/**
 * The bytes of a simulated write, cut where blocks of the file end. Pieces that are whole blocks become the file's blocks as they are, so a write
 * is copied once. Immutable, but for {@link #flip} before it is used. Heap only.
 */
final class SimWrite {
    private final long offset;
    private final int length;
    private final byte[][] pieces;

    private SimWrite(long offset, int length, byte[][] pieces) {
        this.offset = offset;
        this.length = length;
        this.pieces = pieces;
    }

    /** Copies what is at an address. */
    static SimWrite of(long offset, long address, int length) {
        byte[][] pieces = cut(offset, length);
        long from = address;
        for (byte[] piece : pieces) {
            Memory.copyOut(from, piece, 0, piece.length);
            from += piece.length;
        }
        return new SimWrite(offset, length, pieces);
    }

    static SimWrite of(long offset, byte[] bytes, int length) {
        byte[][] pieces = cut(offset, length);
        int from = 0;
        for (byte[] piece : pieces) {
            System.arraycopy(bytes, from, piece, 0, piece.length);
            from += piece.length;
        }
        return new SimWrite(offset, length, pieces);
    }

    private static byte[][] cut(long offset, int length) {
        long firstBlock = offset / SimDisk.BLOCK_BYTES;
        int blocks =
                (int)
                        ((offset + length + SimDisk.BLOCK_BYTES - 1) / SimDisk.BLOCK_BYTES
                                - firstBlock);
        byte[][] pieces = new byte[length == 0 ? 0 : blocks][];
        long at = offset;
        for (int i = 0; i < pieces.length; i++) {
            long end = Math.min(offset + length, (firstBlock + i + 1) * SimDisk.BLOCK_BYTES);
            pieces[i] = new byte[(int) (end - at)];
            at = end;
        }
        return pieces;
    }

    long offset() {
        return offset;
    }

    int length() {
        return length;
    }

    long end() {
        return offset + length;
    }

    int pieces() {
        return pieces.length;
    }

    byte[] piece(int i) {
        return pieces[i];
    }

    /** Where a piece begins in the file. */
    long pieceOffset(int i) {
        return i == 0 ? offset : (offset / SimDisk.BLOCK_BYTES + i) * SimDisk.BLOCK_BYTES;
    }

    /** Only its first bytes. */
    SimWrite first(int bytes) {
        byte[] all = new byte[bytes];
        for (int i = 0, done = 0; done < bytes; i++) {
            int now = Math.min(pieces[i].length, bytes - done);
            System.arraycopy(pieces[i], 0, all, done, now);
            done += now;
        }
        return of(offset, all, bytes);
    }

    /** The same bytes elsewhere; the two offsets are equal modulo {@link SimDisk#BLOCK_BYTES}. */
    SimWrite at(long otherOffset) {
        return new SimWrite(otherOffset, length, pieces);
    }

    void flip(int bit) {
        long at = offset + bit / 8;
        int i = (int) (at / SimDisk.BLOCK_BYTES - offset / SimDisk.BLOCK_BYTES);
        pieces[i][(int) (at - pieceOffset(i))] ^= (byte) (1 << bit % 8);
    }

    /** Whether memory still holds what it held when this was made. */
    boolean isAt(long address) {
        long from = address;
        for (byte[] piece : pieces) {
            MemorySegment now = Memory.all().asSlice(from, piece.length);
            if (now.mismatch(MemorySegment.ofArray(piece)) >= 0) {
                return false;
            }
            from += piece.length;
        }
        return true;
    }
}
