package ironcache.ffm;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A stretch of anonymous address space, 2 MiB aligned, zero until written. Reserving costs nothing:
 * the kernel backs a page when it is first touched. So what counts as used is what the owner says
 * with {@link #commit}; {@link #close} takes the rest off the tag.
 *
 * <p>Owned by one thread, as everything of a shard; closing is idempotent.
 */
public final class Mapping implements AutoCloseable {
    /** Alignment of the address: that of a huge page on x86-64 and 4 KiB-page AArch64. */
    public static final long ALIGNMENT = 2L << 20;

    private static final long PAGE_BYTES = 4096;

    private final long address;
    private final long bytes;
    private final MemoryTag tag;
    private final AtomicLong committed = new AtomicLong();
    private boolean closed;

    private Mapping(long address, long bytes, MemoryTag tag) {
        this.address = address;
        this.bytes = bytes;
        this.tag = tag;
    }

    /**
     * Reserves address space without backing it.
     *
     * @param bytes more than 0; rounded up to 4096
     * @throws OutOfMemoryError where the address space or the process limit does not allow it
     */
    public static Mapping reserve(long bytes, MemoryTag tag) {
        if (bytes <= 0) {
            throw new IllegalArgumentException("mapping of " + bytes + " bytes");
        }
        long rounded = (bytes + PAGE_BYTES - 1) & -PAGE_BYTES;
        // The kernel aligns to pages only: take 2 MiB more and give the ragged ends back.
        long raw = mapAnonymous(rounded + ALIGNMENT, tag);
        long aligned = (raw + ALIGNMENT - 1) & -ALIGNMENT;
        if (aligned > raw) {
            Libc.munmap(raw, aligned - raw);
        }
        long tail = raw + ALIGNMENT - aligned;
        if (tail > 0) {
            Libc.munmap(aligned + rounded, tail);
        }
        return new Mapping(aligned, rounded, tag);
    }

    /** Page-aligned anonymous memory, not accounted. */
    static long mapAnonymous(long bytes, MemoryTag tag) {
        long result =
                Libc.mmap(
                        0,
                        bytes,
                        Libc.PROT_READ | Libc.PROT_WRITE,
                        Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE,
                        -1,
                        0);
        if (result < 0 && result > -4096) {
            throw new OutOfMemoryError(
                    "mmap of "
                            + bytes
                            + " bytes for "
                            + tag
                            + " refused ("
                            + Errno.name((int) result)
                            + "): raise vm.max_map_count, the address-space limit (ulimit -v)"
                            + " or the machine's memory");
        }
        return result;
    }

    public long address() {
        return address;
    }

    public long bytes() {
        return bytes;
    }

    /** Accounts {@code delta} bytes (negative on release) of this mapping under its tag. */
    public void commit(long delta) {
        committed.addAndGet(delta);
        tag.add(delta);
    }

    /** Bytes accounted now. */
    public long committed() {
        return committed.get();
    }

    /**
     * Gives the pages of a range back to the kernel; they read as zero afterwards. Does not change
     * the accounting. Offset and bytes are multiples of 4096.
     */
    public void release(long offset, long bytes) {
        advise(offset, bytes, Libc.MADV_DONTNEED);
    }

    /** Asks for huge pages in a range. Advice only: where the kernel has none, nothing happens. */
    public void adviseHugePages(long offset, long bytes) {
        checkRange(offset, bytes);
        if (!closed && bytes > 0) {
            Libc.madvise(address + offset, bytes, Libc.MADV_HUGEPAGE);
        }
    }

    // Warm restart: ranges that show a file for a while.

    /**
     * A range shows a file's bytes from now on. The file may be closed. Offsets and bytes are multiples of 4096.
     *
     * @param shared writes go to the file; else they stay private, in memory of their own
     */
    void show(long offset, int fd, long fileOffset, long length, boolean shared) {
        checkRange(offset, length);
        int kind = shared ? Libc.MAP_SHARED : Libc.MAP_PRIVATE;
        map(offset, length, kind | Libc.MAP_NORESERVE, fd, fileOffset);
    }

    /** A range that showed a file is ordinary memory again, and zero. */
    public void clear(long offset, long length) {
        checkRange(offset, length);
        map(offset, length, Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE, -1, 0);
        adviseHugePages(offset, length);
    }

    private void map(long offset, long length, int flags, int fd, long fileOffset) {
        long result =
                Libc.mmap(
                        address + offset,
                        length,
                        Libc.PROT_READ | Libc.PROT_WRITE,
                        flags | Libc.MAP_FIXED,
                        fd,
                        fileOffset);
        if (result != address + offset) {
            throw new OutOfMemoryError(
                    "mmap of "
                            + length
                            + " bytes within a mapping for "
                            + tag
                            + " refused ("
                            + Errno.name((int) result)
                            + "): raise vm.max_map_count");
        }
    }

    /**
     * Takes over the memory of a range of another mapping, which is zero afterwards, in place of what is here. Both are ordinary memory there; nobody who reads here
     * meanwhile sees anything else than the old or the new.
     *
     * @return false where the kernel does not do that; nothing has changed
     */
    public boolean takeOver(long offset, Mapping from, long length) {
        checkRange(offset, length);
        from.checkRange(offset, length);
        return Libc.movePages(from.address + offset, address + offset, length) == 0;
    }

    private void advise(long offset, long bytes, int advice) {
        checkRange(offset, bytes);
        if (bytes == 0) {
            return;
        }
        int result = Libc.madvise(address + offset, bytes, advice);
        if (result < 0) {
            throw new IllegalStateException(
                    "madvise("
                            + advice
                            + ") of "
                            + bytes
                            + " bytes at offset "
                            + offset
                            + " of a mapping of "
                            + this.bytes
                            + " for "
                            + tag
                            + ": "
                            + Errno.name(result));
        }
    }

    private void checkRange(long offset, long bytes) {
        if (offset < 0
                || bytes < 0
                || offset > this.bytes - bytes
                || ((offset | bytes) & (PAGE_BYTES - 1)) != 0) {
            throw new IllegalArgumentException(
                    "offset "
                            + offset
                            + ", bytes "
                            + bytes
                            + ": multiples of 4096 within a mapping of "
                            + this.bytes
                            + " bytes wanted");
        }
        if (closed) {
            throw new IllegalStateException("mapping for " + tag + " is closed");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            tag.add(-committed.getAndSet(0));
            Libc.munmap(address, bytes);
        }
    }
}
