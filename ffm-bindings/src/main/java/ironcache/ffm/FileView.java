package ironcache.ffm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The bytes of a whole file in memory, read-only, as long as the view is open. The file may be renamed or deleted meanwhile, and may not be written to but by who {@link #share}s it.
 * Of a simulated file it is a copy. Any thread may read; one closes.
 */
public final class FileView implements AutoCloseable {
    private static final long PAGE_BYTES = 4096;

    private final long address;
    private final long bytes;

    /** Of the mapped file; negative: the view is a copy. */
    private final int fd;

    private final boolean inMemory;

    /** Who has it open: whoever asked for it, and who has placed parts of it and will {@link #forget} them. Changed by one thread at a time. */
    private int holds = 1;

    private boolean mapped = true;

    private FileView(long address, long bytes, int fd, boolean inMemory) {
        this.address = address;
        this.bytes = bytes;
        this.fd = fd;
        this.inMemory = inMemory;
    }

    /** Of a file of the machine's; who has an {@link Io} asks that. */
    public static FileView map(Path path) throws IOException {
        int fd = Libc.open(path.toString(), Libc.O_RDWR | Libc.O_CLOEXEC, 0);
        if (fd < 0) {
            throw FileErrors.opening(path, Io.OpenMode.READ, fd);
        }
        long bytes = Libc.size(fd);
        if (bytes == 0) {
            return new FileView(0, 0, fd, false);
        }
        long address =
                bytes < 0 ? bytes : Libc.mmap(0, bytes, Libc.PROT_READ, Libc.MAP_PRIVATE, fd, 0);
        if (address < 0 && address > -PAGE_BYTES) {
            Libc.close(fd);
            throw new IOException(path + ": cannot be mapped: " + Errno.name((int) address));
        }
        // Where the file is not cached any more, the disk reads far ahead.
        Libc.madvise(address, bytes, Libc.MADV_SEQUENTIAL);
        return new FileView(address, bytes, fd, Files.getFileStore(path).type().equals("tmpfs"));
    }

    static FileView copyOf(byte[] contents) {
        if (contents.length == 0) {
            return new FileView(0, 0, -1, false);
        }
        long address = Memory.allocateUnset(contents.length, MemoryTag.OTHER);
        Memory.copyIn(contents, 0, address, contents.length);
        return new FileView(address, contents.length, -1, false);
    }

    public long address() {
        return address;
    }

    public long bytes() {
        return bytes;
    }

    /**
     * Makes a range of a mapping hold bytes of the file, which stay there when the view is closed. All are multiples of 4096.
     *
     * @param mayShow without a copy, where that can be
     * @return whether the range shows the file now instead of having memory of its own; {@link Mapping#clear} ends that
     */
    public boolean place(long from, Mapping target, long offset, long length, boolean mayShow) {
        if (fd >= 0 && mayShow) {
            target.show(offset, fd, from, length, false);
            return true;
        }
        Memory.copy(address + from, target.address() + offset, length);
        return false;
    }

    /** A range that shows the file, and has not been written to, is the file from now on: what is written there goes to it. */
    public void share(long from, Mapping target, long offset, long length) {
        target.show(offset, fd, from, length, true);
    }

    /** Whether the file is memory: where a range {@link #share}s it, writes cost no more than elsewhere. */
    public boolean isMemory() {
        return inMemory;
    }

    /** One more has to {@link #close} it. */
    public synchronized void hold() {
        holds++;
    }

    /**
     * Nobody needs this range of the file any more: the memory that caches it is free at once, for those who move it elsewhere piece by piece. Of a file that has been deleted; all
     * are multiples of 4096. Does nothing where the file system cannot.
     */
    public void forget(long from, long length) {
        if (fd >= 0) {
            Libc.punchHole(fd, from, length);
        }
    }

    /** From the first call on the view shows nothing; after the last one the file is closed. */
    @Override
    public synchronized void close() {
        holds--;
        if (mapped) {
            mapped = false;
            if (bytes > 0 && fd >= 0) {
                Libc.munmap(address, bytes);
            } else if (bytes > 0) {
                Memory.free(address, bytes, MemoryTag.OTHER);
            }
        }
        if (holds == 0 && fd >= 0) {
            Libc.close(fd);
        }
    }
}
