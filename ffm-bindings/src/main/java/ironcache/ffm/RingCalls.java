package ironcache.ffm;

import ironcache.ffm.liburing.LibUring;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;

/**
 * The three system calls of io_uring, by either of two ways. All return the kernel's result or a
 * negated errno. One instance per ring, used by one thread at a time; only one of the two classes
 * is loaded in a server, so the JIT binds the calls statically.
 */
abstract class RingCalls {
    /** @return the ring's file descriptor */
    abstract int setup(int entries, long params);

    abstract int enter(
            int fd, int toSubmit, int minComplete, int flags, long argument, long argumentBytes);

    abstract int register(int fd, int opcode, long argument, int count);

    /** How the calls are made, for the log. */
    abstract String name();

    /** Through liburing.so.2. */
    static RingCalls liburing() {
        return new ThroughLiburing();
    }

    /** Through syscall(2) of the C library; nothing needs to be installed. */
    static RingCalls direct() {
        return new Direct();
    }

    /** Whether a liburing.so.2 is installed that has what the bindings call (2.3 or later). */
    static boolean liburingPresent() {
        return Liburing.PRESENT;
    }

    /** Looked for once: that loads it and drops it again. */
    private static final class Liburing {
        static final boolean PRESENT = isThere();

        private static boolean isThere() {
            try (Arena arena = Arena.ofConfined()) {
                SymbolLookup library = SymbolLookup.libraryLookup("liburing.so.2", arena);
                return library.find("io_uring_enter2").isPresent()
                        && library.find("io_uring_setup").isPresent()
                        && library.find("io_uring_register").isPresent();
            } catch (IllegalArgumentException absent) {
                return false;
            }
        }
    }

    private static final class ThroughLiburing extends RingCalls {
        /** The pointer arguments are addresses; a slice per call would be an allocation to be optimised away. */
        private long lastArgument = -1;

        private MemorySegment lastSegment = MemorySegment.NULL;

        @Override
        int setup(int entries, long params) {
            return LibUring.io_uring_setup(entries, segment(params));
        }

        @Override
        int enter(
                int fd,
                int toSubmit,
                int minComplete,
                int flags,
                long argument,
                long argumentBytes) {
            return LibUring.io_uring_enter2(
                    fd, toSubmit, minComplete, flags, segment(argument), argumentBytes);
        }

        @Override
        int register(int fd, int opcode, long argument, int count) {
            return LibUring.io_uring_register(fd, opcode, segment(argument), count);
        }

        /** The ring passes the same waiting argument in each turn, so one cached segment serves nearly all calls. */
        private MemorySegment segment(long address) {
            if (address != lastArgument) {
                lastArgument = address;
                lastSegment = MemorySegment.ofAddress(address);
            }
            return lastSegment;
        }

        @Override
        String name() {
            return "liburing.so.2";
        }
    }

    private static final class Direct extends RingCalls {
        /** Shared: the ring may be made on one thread and used on another. */
        private final MemorySegment errno = Libc.errnoArea(Arena.ofAuto());

        @Override
        int setup(int entries, long params) {
            return (int) Libc.syscall(errno, Libc.SYS_IO_URING_SETUP, entries, params, 0, 0, 0, 0);
        }

        @Override
        int enter(
                int fd,
                int toSubmit,
                int minComplete,
                int flags,
                long argument,
                long argumentBytes) {
            return (int)
                    Libc.syscall(
                            errno,
                            Libc.SYS_IO_URING_ENTER,
                            fd,
                            toSubmit,
                            minComplete,
                            flags,
                            argument,
                            argumentBytes);
        }

        @Override
        int register(int fd, int opcode, long argument, int count) {
            return (int)
                    Libc.syscall(
                            errno, Libc.SYS_IO_URING_REGISTER, fd, opcode, argument, count, 0, 0);
        }

        @Override
        String name() {
            return "system calls";
        }
    }
}
