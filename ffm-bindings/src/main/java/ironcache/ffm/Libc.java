package ironcache.ffm;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/**
 * The C library and the system calls that this module needs, as plain Java methods. Each returns
 * the call's result, or the negated errno, so callers have one convention with the completion
 * queue. Everything with a descriptor or an address in and an integer out goes through syscall(2):
 * one handle, and nothing depends on which C library the machine has.
 *
 * <p>The errno capture area is one per call site thread: a downcall and the read of its errno must
 * not be torn apart by another thread, so the area is thread-local; the ring, which enters the
 * kernel on its hot path, brings its own.
 */
final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET =
            CAPTURE.byteOffset(java.lang.foreign.MemoryLayout.PathElement.groupElement("errno"));

    /** {@code long syscall(long number, long × 6)}: always six arguments, the kernel ignores the rest. */
    private static final MethodHandle SYSCALL =
            LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow("syscall"),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_LONG),
                    Linker.Option.captureCallState("errno"),
                    Linker.Option.firstVariadicArg(1));

    private static final MethodHandle ALIGNED_ALLOC =
            LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow("aligned_alloc"),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

    private static final MethodHandle FREE =
            LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow("free"),
                    FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));

    private static final ThreadLocal<MemorySegment> ERRNO_AREA =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));

    /** The few calls whose numbers differ between the two architectures that we run on. */
    private static final boolean X86_64 = System.getProperty("os.arch").equals("amd64");

    private static final int POLLRDHUP = 0x2000;
    private static final int CLOCK_THREAD_CPUTIME_ID = 3;

    private static final long SYS_READ = X86_64 ? 0 : 63;
    private static final long SYS_WRITE = X86_64 ? 1 : 64;
    private static final long SYS_CLOSE = X86_64 ? 3 : 57;
    private static final long SYS_MMAP = X86_64 ? 9 : 222;
    private static final long SYS_MUNMAP = X86_64 ? 11 : 215;
    private static final long SYS_MADVISE = X86_64 ? 28 : 233;
    private static final long SYS_MREMAP = X86_64 ? 25 : 216;
    private static final long SYS_FALLOCATE = X86_64 ? 285 : 47;
    private static final long SYS_LSEEK = X86_64 ? 8 : 62;
    private static final long SYS_SOCKET = X86_64 ? 41 : 198;
    private static final long SYS_BIND = X86_64 ? 49 : 200;
    private static final long SYS_LISTEN = X86_64 ? 50 : 201;
    private static final long SYS_GETSOCKNAME = X86_64 ? 51 : 204;
    private static final long SYS_GETPEERNAME = X86_64 ? 52 : 205;
    private static final long SYS_SETSOCKOPT = X86_64 ? 54 : 208;
    private static final long SYS_PPOLL = X86_64 ? 271 : 73;
    private static final long SYS_IOCTL = X86_64 ? 16 : 29;
    private static final int FIONREAD = 0x541B;
    private static final int POLLERR_POLLHUP = 0x18;
    private static final long SYS_CLOCK_GETTIME = X86_64 ? 228 : 113;
    private static final long SYS_SCHED_SETSCHEDULER = X86_64 ? 144 : 119;
    private static final long SYS_SCHED_GETSCHEDULER = X86_64 ? 145 : 120;
    private static final long SYS_OPENAT = X86_64 ? 257 : 56;
    private static final long SYS_EVENTFD2 = X86_64 ? 290 : 19;
    static final long SYS_IO_URING_SETUP = 425;
    static final long SYS_IO_URING_ENTER = 426;
    static final long SYS_IO_URING_REGISTER = 427;

    static final int PROT_READ = 1;
    static final int PROT_WRITE = 2;
    static final int MAP_SHARED = 0x01;
    static final int MAP_PRIVATE = 0x02;
    static final int MAP_FIXED = 0x10;
    static final int MAP_ANONYMOUS = 0x20;
    static final int MAP_NORESERVE = 0x4000;
    static final int MAP_POPULATE = 0x8000;
    static final int MADV_SEQUENTIAL = 2;
    static final int MADV_DONTNEED = 4;
    static final int MADV_HUGEPAGE = 14;
    static final int MADV_DONTDUMP = 16;

    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_CREAT = 0x40;
    static final int O_TRUNC = 0x200;

    /** Its value differs by architecture. */
    static final int O_DIRECT = X86_64 ? 0x4000 : 0x10000;

    /** Its value differs by architecture as well: they swapped the two. */
    static final int O_DIRECTORY = X86_64 ? 0x10000 : 0x4000;

    static final int O_CLOEXEC = 0x80000;

    private static final int AT_FDCWD = -100;
    private static final int SEEK_END = 2;
    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;
    private static final int MREMAP_MAYMOVE = 1;
    private static final int MREMAP_FIXED = 2;
    private static final int MREMAP_DONTUNMAP = 4;

    private Libc() {}

    /** Memory for the errno of one owner's calls; lives in {@code arena}. */
    static MemorySegment errnoArea(Arena arena) {
        return arena.allocate(CAPTURE);
    }

    /** A system call whose errno goes to {@code errnoArea}. @return the result or a negated errno */
    static long syscall(
            MemorySegment errnoArea, long number, long a, long b, long c, long d, long e, long f) {
        long result;
        try {
            result = (long) SYSCALL.invokeExact(errnoArea, number, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw new AssertionError("syscall " + number, t);
        }
        return result == -1 ? -errnoArea.get(ValueLayout.JAVA_INT, ERRNO_OFFSET) : result;
    }

    private static long syscall(long number, long a, long b, long c, long d, long e, long f) {
        return syscall(ERRNO_AREA.get(), number, a, b, c, d, e, f);
    }

    /** @return 64-byte aligned address, or 0 */
    static long alignedAlloc(long alignment, long bytes) {
        try {
            return (long) ALIGNED_ALLOC.invokeExact(alignment, bytes);
        } catch (Throwable t) {
            throw new AssertionError("aligned_alloc", t);
        }
    }

    static void free(long address) {
        try {
            FREE.invokeExact(address);
        } catch (Throwable t) {
            throw new AssertionError("free", t);
        }
    }

    /** @return address, or a negated errno (above -4096) */
    static long mmap(long hint, long bytes, int protection, int flags, int fd, long offset) {
        return syscall(SYS_MMAP, hint, bytes, protection, flags, fd, offset);
    }

    static int munmap(long address, long bytes) {
        return (int) syscall(SYS_MUNMAP, address, bytes, 0, 0, 0, 0);
    }

    /**
     * Moves the pages of private anonymous memory to another address, in place of what is mapped there; nobody sees neither. The range that they leave stays mapped
     * and is empty. From Linux 5.7 on.
     *
     * @return 0, or a negated errno
     */
    static int movePages(long from, long to, long bytes) {
        long result =
                syscall(
                        SYS_MREMAP,
                        from,
                        bytes,
                        bytes,
                        MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
                        to,
                        0);
        return result == to ? 0 : (int) result;
    }

    /** Makes a range of a file a hole: what its cache takes is free. @return 0, or a negated errno */
    static int punchHole(int fd, long offset, long bytes) {
        return (int)
                syscall(
                        SYS_FALLOCATE,
                        fd,
                        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        offset,
                        bytes,
                        0,
                        0);
    }

    /** Bytes of an open file, or a negated errno. */
    static long size(int fd) {
        return syscall(SYS_LSEEK, fd, 0, SEEK_END, 0, 0, 0);
    }

    static int madvise(long address, long bytes, int advice) {
        return (int) syscall(SYS_MADVISE, address, bytes, advice, 0, 0, 0);
    }

    /** @return a file descriptor */
    static int open(String path, int flags, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(path, StandardCharsets.UTF_8);
            return (int) syscall(SYS_OPENAT, AT_FDCWD, name.address(), flags, mode, 0, 0);
        }
    }

    static int close(int fd) {
        return (int) syscall(SYS_CLOSE, fd, 0, 0, 0, 0, 0);
    }

    static long read(int fd, long address, long bytes) {
        return syscall(SYS_READ, fd, address, bytes, 0, 0, 0);
    }

    static long write(int fd, long address, long bytes) {
        return syscall(SYS_WRITE, fd, address, bytes, 0, 0, 0);
    }

    static int eventfd(int initial, int flags) {
        return (int) syscall(SYS_EVENTFD2, initial, flags, 0, 0, 0, 0);
    }

    static int socket(int domain, int type, int protocol) {
        return (int) syscall(SYS_SOCKET, domain, type, protocol, 0, 0, 0);
    }

    static int bind(int fd, long address, int bytes) {
        return (int) syscall(SYS_BIND, fd, address, bytes, 0, 0, 0);
    }

    static int listen(int fd, int backlog) {
        return (int) syscall(SYS_LISTEN, fd, backlog, 0, 0, 0, 0);
    }

    /** @param lengthAddress int: bytes of the buffer in, bytes of the address out */
    static int getsockname(int fd, long address, long lengthAddress) {
        return (int) syscall(SYS_GETSOCKNAME, fd, address, lengthAddress, 0, 0, 0);
    }

    static int getpeername(int fd, long address, long lengthAddress) {
        return (int) syscall(SYS_GETPEERNAME, fd, address, lengthAddress, 0, 0, 0);
    }

    /**
     * Whether the peer of a socket has closed it, or its half, or it has failed. Consumes nothing.
     *
     * @param scratch 24 bytes of memory, 8-aligned: a pollfd and a timespec of zero
     */
    static boolean isHungUp(int fd, long scratch) {
        Memory.putInt(scratch, fd);
        Memory.putInt(scratch + 4, POLLRDHUP);
        Memory.putLong(scratch + 8, 0);
        Memory.putLong(scratch + 16, 0);
        return syscall(SYS_PPOLL, scratch, 1, scratch + 8, 0, 0, 0) > 0;
    }

    /**
     * Bytes that can still be received from a socket whose peer has closed it or its half; none where it has failed; -1 where the peer is
     * still there. Consumes nothing.
     *
     * @param scratch as for {@link #isHungUp}
     */
    static int lastBytes(int fd, long scratch) {
        if (!isHungUp(fd, scratch)) {
            return -1;
        }
        if ((Memory.getShort(scratch + 6) & POLLERR_POLLHUP) != 0) {
            return 0;
        }
        return syscall(SYS_IOCTL, fd, FIONREAD, scratch, 0, 0, 0) < 0 ? -1 : Memory.getInt(scratch);
    }

    /**
     * CPU time of the calling thread in ns, both in user space and in the kernel.
     *
     * @param scratch 16 bytes of memory, 8-aligned: a timespec
     */
    static long threadCpuNanos(long scratch) {
        long result = syscall(SYS_CLOCK_GETTIME, CLOCK_THREAD_CPUTIME_ID, scratch, 0, 0, 0, 0);
        return result < 0
                ? 0
                : Memory.getLong(scratch) * 1_000_000_000L + Memory.getLong(scratch + 8);
    }

    /**
     * Sets an integer option.
     *
     * @param scratch four bytes of memory
     */
    static int setsockopt(int fd, int level, int option, int value, long scratch) {
        Memory.putInt(scratch, value);
        return (int) syscall(SYS_SETSOCKOPT, fd, level, option, scratch, 4, 0);
    }

    /**
     * The calling thread's.
     *
     * @param scratch four bytes of memory: the priority, which ordinary policies do not have
     */
    static int setScheduler(int policy, long scratch) {
        Memory.putInt(scratch, 0);
        return (int) syscall(SYS_SCHED_SETSCHEDULER, 0, policy, scratch, 0, 0, 0);
    }

    /** The calling thread's. */
    static int scheduler() {
        return (int) syscall(SYS_SCHED_GETSCHEDULER, 0, 0, 0, 0, 0, 0);
    }
}
