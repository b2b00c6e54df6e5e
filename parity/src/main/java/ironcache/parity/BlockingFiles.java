package ironcache.parity;

import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.BitSet;

/** Reads and writes of whole blocks through an {@link Io} that nobody else uses: each call returns when all is done. Owned by the thread that owns the Io. */
final class BlockingFiles {

    private static final long POLL_NANOS = 200_000_000;
    private static final int CHUNK_BYTES = 1 << 20;
    private static final int BLOCK_BYTES = ParityLayout.BLOCK_BYTES;

    private final Io io;
    private int[] results = new int[32];
    private int pending;

    BlockingFiles(Io io) {
        this.io = io;
    }

    /** Completions come here from now on. */
    void begin() {
        io.setHandlers(
                Io.SocketHandler.NONE,
                (token, result) -> {
                    results[(int) token] = result;
                    pending--;
                });
    }

    Io io() {
        return io;
    }

    private void await() {
        while (pending > 0) {
            io.poll(POLL_NANOS);
        }
    }

    private int chunks(long bytes) {
        int count = Math.toIntExact((bytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
        if (count > results.length) {
            results = new int[count];
        }
        return count;
    }

    /**
     * Reads whole blocks. Where the file ends before, or a block cannot be read, there are zeros.
     *
     * @param unreadable receives the blocks that cannot be read, from {@code offset} on
     * @return the bytes up to the file's end, at most {@code bytes}
     */
    long read(int file, long offset, long address, long bytes, BitSet unreadable) {
        int count = chunks(bytes);
        for (int i = 0; i < count; i++) {
            long at = (long) i * CHUNK_BYTES;
            int length = (int) Math.min(CHUNK_BYTES, bytes - at);
            pending++;
            io.read(file, offset + at, address + at, length, Io.UNREGISTERED, i);
        }
        await();
        int[] chunkResults = results.clone();
        long end = bytes;
        for (int i = 0; i < count; i++) {
            long at = (long) i * CHUNK_BYTES;
            int length = (int) Math.min(CHUNK_BYTES, bytes - at);
            if (chunkResults[i] != length) {
                end = Math.min(end, readSlowly(file, offset, address, at, length, unreadable));
            }
        }
        Memory.fill(address + end, bytes - end, (byte) 0);
        return end;
    }

    /** Block by block. @return where the file ends; beyond the stretch where it does not */
    private long readSlowly(
            int file, long offset, long address, long from, int length, BitSet unreadable) {
        for (long at = from; at < from + length; at += BLOCK_BYTES) {
            int done = 0;
            while (done < BLOCK_BYTES) {
                pending = 1;
                io.read(
                        file,
                        offset + at + done,
                        address + at + done,
                        BLOCK_BYTES - done,
                        Io.UNREGISTERED,
                        0);
                await();
                if (results[0] == 0) {
                    return at + done;
                }
                if (results[0] < 0) {
                    unreadable.set((int) (at / BLOCK_BYTES));
                    Memory.fill(address + at, BLOCK_BYTES, (byte) 0);
                    break;
                }
                done += results[0];
            }
        }
        return Long.MAX_VALUE;
    }

    void write(Path path, int file, long offset, long address, long bytes) throws IOException {
        int count = chunks(bytes);
        for (int i = 0; i < count; i++) {
            long at = (long) i * CHUNK_BYTES;
            int length = (int) Math.min(CHUNK_BYTES, bytes - at);
            pending++;
            io.write(file, offset + at, address + at, length, Io.UNREGISTERED, i);
        }
        await();
        for (int i = 0; i < count; i++) {
            long at = (long) i * CHUNK_BYTES;
            int length = (int) Math.min(CHUNK_BYTES, bytes - at);
            if (results[i] != length) {
                throw new IOException(
                        path
                                + ", offset "
                                + (offset + at)
                                + ", write: "
                                + (results[i] < 0
                                        ? Errno.name(results[i])
                                        : "short, " + results[i] + " of " + length + " bytes"));
            }
        }
    }

    void sync(Path path, int file) throws IOException {
        pending = 1;
        io.sync(file, 0);
        await();
        if (results[0] < 0) {
            throw new IOException(path + ", fsync: " + Errno.name(results[0]));
        }
    }
}
