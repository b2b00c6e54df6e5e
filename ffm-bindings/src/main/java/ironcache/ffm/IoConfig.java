package ironcache.ffm;

import java.util.function.Consumer;

/**
 * How {@link Ios#open} makes an {@link Io}.
 *
 * @param kind which implementation
 * @param liburing whether the ring goes through liburing.so.2
 * @param sqpoll let a kernel thread submit; costs a core
 * @param sqpollIdleMillis how long that thread spins before it sleeps
 * @param submissionEntries submission ring, rounded up to a power of two
 * @param completionEntries completion ring, rounded up to a power of two
 * @param receiveBuffers number of receive buffers, a power of two up to 32768
 * @param receiveBufferBytes size of each; a multiple of 64
 * @param registeredFiles slots for registered files; more files still work, unregistered
 * @param registeredBuffers slots for registered buffers
 * @param owners how many such Io the process has: where there are several, they listen on the same ports, each getting a share of the
 *     connections, and share the cores
 * @param log where the one line about what was chosen goes
 */
public record IoConfig(
        Kind kind,
        Liburing liburing,
        boolean sqpoll,
        int sqpollIdleMillis,
        int submissionEntries,
        int completionEntries,
        int receiveBuffers,
        int receiveBufferBytes,
        int registeredFiles,
        int registeredBuffers,
        int owners,
        Consumer<String> log) {

    /** Which implementation of the seam. */
    public enum Kind {
        /** io_uring, or NIO with a log line where the kernel refuses it. */
        AUTO,
        /** io_uring or an error. */
        IO_URING,
        /** java.nio. */
        NIO
    }

    /** How the ring makes its three system calls. */
    public enum Liburing {
        /** Through the library where it is installed. */
        AUTO,
        /** Through the library or an error. */
        YES,
        /** Directly. */
        NO
    }

    public IoConfig {
        if (Integer.bitCount(receiveBuffers) != 1 || receiveBuffers > 32768) {
            throw new IllegalArgumentException(
                    "receiveBuffers " + receiveBuffers + ": a power of two up to 32768");
        }
        if (receiveBufferBytes < 64 || receiveBufferBytes % 64 != 0) {
            throw new IllegalArgumentException(
                    "receiveBufferBytes " + receiveBufferBytes + ": a multiple of 64");
        }
    }

    /**
     * 256 receive buffers of 16 KiB (4 MiB), log to standard error. The system properties {@code
     * ironcache.io} (auto, io_uring, nio) and {@code ironcache.liburing} (auto, yes, no) set the first
     * two.
     */
    public static IoConfig defaults() {
        return new IoConfig(
                choice(Kind.class, "ironcache.io", Kind.AUTO),
                choice(Liburing.class, "ironcache.liburing", Liburing.AUTO),
                false,
                1000,
                1024,
                4096,
                256,
                16 << 10,
                1024,
                1024,
                1,
                System.err::println);
    }

    private static <E extends Enum<E>> E choice(Class<E> type, String property, E otherwise) {
        String value = System.getProperty(property);
        if (value == null || value.isEmpty()) {
            return otherwise;
        }
        for (E constant : type.getEnumConstants()) {
            if (constant.name().equalsIgnoreCase(value)) {
                return constant;
            }
        }
        throw new IllegalArgumentException(
                "-D"
                        + property
                        + "="
                        + value
                        + ": one of "
                        + java.util.Arrays.toString(type.getEnumConstants())
                                .toLowerCase(java.util.Locale.ROOT));
    }

    public IoConfig withKind(Kind newKind) {
        return new IoConfig(
                newKind,
                liburing,
                sqpoll,
                sqpollIdleMillis,
                submissionEntries,
                completionEntries,
                receiveBuffers,
                receiveBufferBytes,
                registeredFiles,
                registeredBuffers,
                owners,
                log);
    }

    public IoConfig withLiburing(Liburing newLiburing) {
        return new IoConfig(
                kind,
                newLiburing,
                sqpoll,
                sqpollIdleMillis,
                submissionEntries,
                completionEntries,
                receiveBuffers,
                receiveBufferBytes,
                registeredFiles,
                registeredBuffers,
                owners,
                log);
    }

    public IoConfig withSqpoll(boolean newSqpoll) {
        return new IoConfig(
                kind,
                liburing,
                newSqpoll,
                sqpollIdleMillis,
                submissionEntries,
                completionEntries,
                receiveBuffers,
                receiveBufferBytes,
                registeredFiles,
                registeredBuffers,
                owners,
                log);
    }

    public IoConfig withReceiveBuffers(int count, int bytes) {
        return new IoConfig(
                kind,
                liburing,
                sqpoll,
                sqpollIdleMillis,
                submissionEntries,
                completionEntries,
                count,
                bytes,
                registeredFiles,
                registeredBuffers,
                owners,
                log);
    }

    public IoConfig withOwners(int newOwners) {
        return new IoConfig(
                kind,
                liburing,
                sqpoll,
                sqpollIdleMillis,
                submissionEntries,
                completionEntries,
                receiveBuffers,
                receiveBufferBytes,
                registeredFiles,
                registeredBuffers,
                newOwners,
                log);
    }

    public IoConfig withLog(Consumer<String> newLog) {
        return new IoConfig(
                kind,
                liburing,
                sqpoll,
                sqpollIdleMillis,
                submissionEntries,
                completionEntries,
                receiveBuffers,
                receiveBufferBytes,
                registeredFiles,
                registeredBuffers,
                owners,
                newLog);
    }
}
