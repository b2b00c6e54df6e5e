package ironcache.tools;

import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Address;
import ironcache.recovery.FileWorker;
import java.io.IOException;
import java.nio.file.Path;
import java.util.BitSet;

/** Reads pages of a segment file, several at a time, and gives them in the order in which they arrive. Owned by one thread; owns the file and the buffers. */
final class PageReads implements AutoCloseable {
    private static final int READ = 0;
    private static final int ARRIVED = 1;
    private static final int FREE = 2;

    private final FileWorker worker;
    private final BitSet wanted;
    private final int file;
    private final long buffers;
    private final long bufferBytes;
    private final int[] state;
    private final int[] index;
    private final int[] bytes;
    private int nextIndex;
    private int inFlight;
    private int current = -1;

    /** @param wanted pages, by their place in the file */
    PageReads(FileWorker worker, Path path, BitSet wanted, int depth) throws IOException {
        this.worker = worker;
        this.wanted = wanted;
        file = worker.io.openFile(path, Io.OpenMode.READ, true);
        bufferBytes = (long) depth << Address.PAGE_SHIFT;
        buffers = Memory.allocateUnset(bufferBytes, MemoryTag.STAGING);
        state = new int[depth];
        java.util.Arrays.fill(state, FREE);
        index = new int[depth];
        bytes = new int[depth];
        worker.handle(this::onRead);
    }

    /** Waits for the next page; the one before is no longer valid. @return false: that was the last */
    boolean next() {
        if (current >= 0) {
            state[current] = FREE;
            current = -1;
        }
        while (true) {
            fill();
            for (int slot = 0; slot < state.length; slot++) {
                if (state[slot] == ARRIVED) {
                    current = slot;
                    return true;
                }
            }
            if (inFlight == 0) {
                return false;
            }
            worker.await();
        }
    }

    private void fill() {
        for (int slot = 0; slot < state.length; slot++) {
            if (state[slot] == FREE) {
                nextIndex = wanted.nextSetBit(nextIndex);
                if (nextIndex < 0) {
                    nextIndex = wanted.length();
                    return;
                }
                state[slot] = READ;
                index[slot] = nextIndex++;
                bytes[slot] = 0;
                inFlight++;
                read(slot);
            }
        }
    }

    private void read(int slot) {
        worker.io.read(
                file,
                ((long) index[slot] << Address.PAGE_SHIFT) + bytes[slot],
                address(slot) + bytes[slot],
                Address.PAGE_BYTES - bytes[slot],
                Io.UNREGISTERED,
                slot);
    }

    private void onRead(long token, int result) {
        int slot = (int) token;
        if (result > 0 && result % 4096 == 0 && bytes[slot] + result < Address.PAGE_BYTES) {
            bytes[slot] += result;
            read(slot);
            return;
        }
        bytes[slot] = result < 0 ? result : bytes[slot] + result;
        state[slot] = ARRIVED;
        inFlight--;
    }

    private long address(int slot) {
        return buffers + ((long) slot << Address.PAGE_SHIFT);
    }

    // The page given last.

    /** Its place in the file. */
    int index() {
        return index[current];
    }

    long address() {
        return address(current);
    }

    /** How many of its bytes were there. */
    int bytes() {
        return Math.max(0, bytes[current]);
    }

    /** 0, or why it could not be read. */
    int errno() {
        return Math.max(0, -bytes[current]);
    }

    String error() {
        return Errno.name(bytes[current]);
    }

    @Override
    public void close() {
        while (inFlight > 0) {
            worker.await();
        }
        worker.io.closeFile(file);
        Memory.free(buffers, bufferBytes, MemoryTag.STAGING);
    }
}
