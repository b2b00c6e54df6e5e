package ironcache.wal;

import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/**
 * A file read from front to back, 1 MiB at a time, the next seven while this one is looked at: a disk needs several reads at once to be at its best.
 *
 * <pre>
 * memory |  carry 1 MiB  |  MiBs 0, 8, 16 ...  |  1, 9 ...  |  ...  |  7, 15 ...  |
 * </pre>
 *
 * <p>What begins in one MiB and ends in the next is contiguous as it is, but for what begins in the last slot: its beginning is copied to the end of the carry.
 *
 * <p>Owned by one thread. Owns its memory ({@link MemoryTag#WAL}).
 */
final class ReadAhead implements AutoCloseable {
    private static final int SLOT_SHIFT = 20;
    static final int SLOT_BYTES = 1 << SLOT_SHIFT;
    private static final int SLOTS = 8;
    private static final int MEMORY_BYTES = (1 + SLOTS) * SLOT_BYTES;

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

        /** Why the read failed; 0: it did not. */
        int errno;

        Slot(long address) {
            this.address = address;
        }
    }

    private final Io io;
    private final long tokenBase;
    private final long memory = Memory.allocateUnset(MEMORY_BYTES, MemoryTag.WAL);
    private final Slot[] slots = new Slot[SLOTS];
    private int file = -1;
    private long limit;

    /** The MiB with those behind it of which there is nothing more to ask for, however long it is looked at. */
    private long fetched = -1;

    private boolean closing;
    private int errno;
    private long failedOffset;
    private long bytesRead;

    /** @param tokenBase of tokens; the low three bits are the operation */
    ReadAhead(Io io, long tokenBase) {
        this.io = io;
        this.tokenBase = tokenBase;
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new Slot(memory + (1L + i) * SLOT_BYTES);
        }
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
        fetched = -1;
        for (Slot slot : slots) {
            slot.number = -1;
            slot.errno = 0;
        }
    }

    /** @return false while an operation is in flight: to be called again after completions */
    boolean closeFile() {
        closing = true;
        if (file >= 0 && !isReading()) {
            io.closeFile(file);
            file = -1;
        }
        return file < 0;
    }

    private boolean isReading() {
        for (Slot slot : slots) {
            if (slot.reading) {
                return true;
            }
        }
        return false;
    }

    private Slot slot(long number) {
        return slots[(int) number & SLOTS - 1];
    }

    /**
     * The address of a stretch of the file, valid until the next call for one that begins in a later MiB. Offsets only grow.
     *
     * @param bytes at most 1 MiB
     * @return {@link #PENDING} until completions bring it, {@link #BEYOND_END} where the file is shorter, {@link #FAILED}
     */
    long window(long offset, int bytes) {
        long first = offset >>> SLOT_SHIFT;
        Slot slot = slot(first);
        if (fetched != first) {
            fetchFrom(first);
        }
        if (!isThere(slot)) {
            return pendingOrFailed(slot);
        }
        int within = (int) offset & SLOT_BYTES - 1;
        int here = SLOT_BYTES - within;
        if (bytes <= here) {
            return within + bytes <= slot.validBytes ? slot.address + within : BEYOND_END;
        }
        if (slot.ended || first + 1 << SLOT_SHIFT >= limit) {
            return BEYOND_END;
        }
        Slot other = slot(first + 1);
        if (!isThere(other)) {
            return pendingOrFailed(other);
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

    /** Has this MiB read, and those behind it for which there are slots. */
    private void fetchFrom(long first) {
        for (long number = first;
                number < first + SLOTS && number << SLOT_SHIFT < limit;
                number++) {
            Slot slot = slot(number);
            if (slot.number != number) {
                if (slot.reading) {
                    return;
                }
                slot.number = number;
                slot.validBytes = 0;
                slot.vain = 0;
                slot.ended = false;
                slot.errno = 0;
                read(slot);
            }
            if (slot.ended || slot.errno != 0) {
                break;
            }
        }
        fetched = first;
    }

    private boolean isThere(Slot slot) {
        return !slot.reading && slot.errno == 0 && (slot.ended || slot.validBytes == wanted(slot));
    }

    private long pendingOrFailed(Slot slot) {
        if (slot.reading || slot.errno == 0) {
            return PENDING;
        }
        errno = slot.errno;
        failedOffset = (slot.number << SLOT_SHIFT) + slot.readFrom;
        return FAILED;
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
                tokenBase | slot.number & SLOTS - 1);
    }

    /** The read into a slot has completed. */
    void onFile(int op, int result) {
        Slot slot = slots[op];
        slot.reading = false;
        if (closing) {
            return;
        }
        if (result < 0) {
            slot.errno = -result;
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
