package ironcache.ffm;

/** Opens the best {@link Io} that this machine allows. */
public final class Ios {
    private Ios() {}

    /**
     * @throws IllegalStateException where the configuration insists on what the machine refuses; the
     *     message names the cause and the cure
     */
    public static Io open(IoConfig config) {
        return config.kind() == IoConfig.Kind.NIO
                ? new NioIo(config)
                : open(config, calls(config.liburing()));
    }

    /** As above, with the given way to make system calls; tests pass one that refuses. */
    static Io open(IoConfig config, RingCalls calls) {
        try {
            UringIo io = UringIo.open(calls, config);
            config.log().accept("I/O: io_uring (" + io.description() + ")");
            return io;
        } catch (Ring.Refused refusal) {
            String line =
                    "io_uring refused (" + refusal.getMessage() + "): " + cure(refusal.errno());
            if (config.kind() == IoConfig.Kind.IO_URING) {
                throw new IllegalStateException(line, refusal);
            }
            config.log().accept(line + "; using NIO, which is slower");
            return new NioIo(config);
        }
    }

    private static RingCalls calls(IoConfig.Liburing choice) {
        return switch (choice) {
            case NO -> RingCalls.direct();
            case YES -> {
                if (!RingCalls.liburingPresent()) {
                    throw new IllegalStateException(
                            "liburing.so.2 (2.3 or later) not found: install it"
                                    + " (Debian: apt-get install liburing2), or leave ironcache.liburing at auto");
                }
                yield RingCalls.liburing();
            }
            case AUTO -> RingCalls.liburingPresent() ? RingCalls.liburing() : RingCalls.direct();
        };
    }

    private static String cure(int errno) {
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES ->
                    "set kernel.io_uring_disabled=0, and in a container allow the system"
                            + " calls io_uring_setup, io_uring_enter and io_uring_register in its seccomp profile";
            case Errno.ENOSYS ->
                    "this kernel has none, or a sandbox hides it: Linux 6.1 or later wanted";
            case Errno.ENOMEM -> "raise the limit of locked memory (ulimit -l)";
            case Errno.EMFILE, Errno.ENFILE -> "raise the limit of open files (ulimit -n)";
            default -> "Linux 6.1 or later wanted";
        };
    }
}
