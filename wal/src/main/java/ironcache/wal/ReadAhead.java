package ironcache.wal;

import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/**
 * A file read from front to back, 1 MiB at a time, the next one while this one is looked at.
 *
 * <pre>
 * memory |  carry 1 MiB  |  even MiBs of the file  |  odd MiBs  |
 * </pre>
 *
 * <p>What begins in an even MiB and ends in the odd one after it is contiguous as it is. What begins in an odd one has its beginning copied to the end of the carry.
 *
 * <p>Owned by one thread. Owns its memory ({@link MemoryTag#WAL}).
 */
final class ReadAhead implements AutoCloseable {
    private static final int SLOT_SHIFT = 20;
    static final int SLOT_BYTES = 1 << SLOT_SHIFT;
    private static final int MEMORY_BYTES = 3 * SLOT_BYTES;

    /** At the end of a file whose length is no multiple of 4096 the last block is read again and again; anywhere else a short read is followed by progress. */
    private static final int VAIN_READS_MAX = 4;

    // What window() gives where it gives no address.
    static final long PENDING = 0;
    static final long BEYOND_END = -1;
    static final long FAILED = -2;

    /** The kernel reads into a slot. */
    private static final class Slot {
        final long address;

        /** Of the file: number of the MiB; -1 for none. */
        long number = -1;

        int validBytes;
        int readFrom;

        /** Reads in a row that brought nothing new. */
        int vain;

        boolean reading;
        boolean ended;

        Slot(long address) {
            this.address = address;
        }
    }

    private final Io io;
    private final long tokenBase;
    private final long memory = Memory.allocate(MEMORY_BYTES, MemoryTag.WAL);
    private final Slot[] slots = {
        new Slot(memory + SLOT_BYTES), new Slot(memory + 2L * SLOT_BYTES)
    };
    private int file = -1;
    private long limit;
    private boolean closing;
    private int errno;
    private long failedOffset;
    private long bytesRead;

    /** @param tokenBase of tokens; the low bit is the operation */
    ReadAhead(Io io, long tokenBase) {
        this.io = io;
        this.tokenBase = tokenBase;
    }

    /**
     * Takes over an open file. None may be open.
     *
     * @param newLimit nothing is read from there on; a multiple of 4096
     */
    void open(int newFile, long newLimit) {
        assert file < 0;
        file = newFile;
        limit = newLimit;
        closing = false;
        errno = 0;
        for (Slot slot : slots) {
            slot.number = -1;
        }
    }

    /** @return false while an operation is in flight: to be called again after completions */
    boolean closeFile() {
        closing = true;
        if (file >= 0 && !slots[0].reading && !slots[1].reading) {
            io.closeFile(file);
            file = -1;
        }
        return file < 0;
    }

    /**
     * The address of a stretch of the file, valid until the next call for one that begins in a later MiB. Offsets only grow.
     *
     * @param bytes at most 1 MiB
     * @return {@link #PENDING} until completions bring it, {@link #BEYOND_END} where the file is shorter, {@link #FAILED}
     */
    long window(long offset, int bytes) {
        long first = offset >>> SLOT_SHIFT;
        Slot slot = slots[(int) first & 1];
        if (!fetch(slot, first)) {
            return errno != 0 ? FAILED : PENDING;
        }
        Slot other = slots[(int) first + 1 & 1];
        boolean ahead = slot.ended || first + 1 << SLOT_SHIFT >= limit || fetch(other, first + 1);
        int within = (int) offset & SLOT_BYTES - 1;
        int here = SLOT_BYTES - within;
        if (bytes <= here) {
            return within + bytes <= slot.validBytes ? slot.address + within : BEYOND_END;
        }
        if (slot.ended || first + 1 << SLOT_SHIFT >= limit) {
            return BEYOND_END;
        }
        if (!ahead) {
            return errno != 0 ? FAILED : PENDING;
        }
        if (bytes - here > other.validBytes) {
            return BEYOND_END;
        }
        if (slot.address < other.address) {
            return slot.address + within;
        }
        long at = other.address - here;
        Memory.copy(slot.address + within, at, here);
        return at;
    }

    /** Whether this MiB of the file is there; starts to read it where it is not. */
    private boolean fetch(Slot slot, long number) {
        if (slot.number == number) {
            return !slot.reading && (slot.ended || slot.validBytes == wanted(slot));
        }
        if (slot.reading || errno != 0) {
            return false;
        }
        slot.number = number;
        slot.validBytes = 0;
        slot.vain = 0;
        slot.ended = false;
        read(slot);
        return false;
    }

    private int wanted(Slot slot) {
        return Math.clamp(limit - (slot.number << SLOT_SHIFT), 0, SLOT_BYTES);
    }

    private void read(Slot slot) {
        slot.reading = true;
        // A short read may have ended within a block; direct reads begin at one.
        slot.readFrom = slot.validBytes & -WalFileLayout.BLOCK_BYTES;
        io.read(
                file,
                (slot.number << SLOT_SHIFT) + slot.readFrom,
                slot.address + slot.readFrom,
                wanted(slot) - slot.readFrom,
                Io.UNREGISTERED,
                tokenBase | (slot.number & 1));
    }

    /** The read into a slot has completed. */
    void onFile(int op, int result) {
        Slot slot = slots[op & 1];
        slot.reading = false;
        if (closing) {
            return;
        }
        if (result < 0) {
            errno = -result;
            failedOffset = (slot.number << SLOT_SHIFT) + slot.readFrom;
            slot.number = -1;
            return;
        }
        int reached = slot.readFrom + result;
        slot.vain = reached > slot.validBytes ? 0 : slot.vain + 1;
        bytesRead += Math.max(0, reached - slot.validBytes);
        slot.validBytes = Math.max(reached, slot.validBytes);
        if (result == 0 || slot.vain == VAIN_READS_MAX) {
            slot.ended = true;
        } else if (slot.validBytes < wanted(slot)) {
            read(slot);
        }
    }

    int errno() {
        return errno;
    }

    long failedOffset() {
        return failedOffset;
    }

    long bytesRead() {
        return bytesRead;
    }

    /** How far the file goes, as far as a window {@link #BEYOND_END} told. */
    long endOffset() {
        long end = 0;
        for (Slot slot : slots) {
            if (slot.number >= 0) {
                end = Math.max(end, (slot.number << SLOT_SHIFT) + slot.validBytes);
            }
        }
        return end;
    }

    /** The Io must have done with it. */
    @Override
    public void close() {
        Memory.free(memory, MEMORY_BYTES, MemoryTag.WAL);
    }
}
