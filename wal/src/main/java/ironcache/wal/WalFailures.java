package ironcache.wal;

import ironcache.ffm.Errno;
import java.nio.file.Path;

/** Failed operations of a log: which of them may pass, what clients read of them, and when they are tried again. Of {@link WalWriter} and {@link WalSegments}. */
final class WalFailures {
    static final long RETRY_NANOS = 1_000_000_000;

    private static final String PREFIX = "Errors writing to the AOF file: ";

    private WalFailures() {}

    /** Else it counts as a failed sync, after which nobody knows what the disk holds. */
    static boolean isDiskFull(int result) {
        return result == -Errno.ENOSPC || result == -Errno.EDQUOT;
    }

    /** Whether it is time; {@link FrameBuffer#NEVER}: nothing was put off. */
    static boolean hasCome(long atNanos, long nowNanos) {
        return atNanos == FrameBuffer.NEVER || nowNanos - atNanos >= 0;
    }

    static String text(String cause) {
        return PREFIX + cause;
    }

    static String text(String cause, Path path, long offset) {
        return PREFIX + cause + " (" + path + ", offset " + offset + ")";
    }

    static String text(int result, Path path, long offset) {
        return text(Errno.name(result), path, offset);
    }

    /** Of a write of so many bytes, which failed or was short. */
    static String ofWrite(int result, int wanted, Path path, long offset) {
        return result < 0
                ? text(result, path, offset)
                : text("short write, " + result + " of " + wanted + " bytes", path, offset);
    }
}
