package ironcache.ffm;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Turns errnos of opening into the exceptions that java.nio.file throws for the same, and back. */
final class FileErrors {
    private FileErrors() {}

    static IOException opening(Path path, Io.OpenMode mode, int errno) {
        String name = path.toString();
        return switch (Math.abs(errno)) {
            case Errno.ENOENT -> new NoSuchFileException(name);
            case Errno.EACCES, Errno.EPERM ->
                    new AccessDeniedException(name, null, "cannot open for " + mode);
            default ->
                    new FileSystemException(
                            name, null, "cannot open for " + mode + ": " + Errno.name(errno));
        };
    }

    /** The negated errno that fits an exception of a transfer; the JDK keeps the number to itself. */
    static int errnoOf(IOException e) {
        String message = String.valueOf(e.getMessage());
        if (message.contains("No space left") || message.contains("quota")) {
            return -Errno.ENOSPC;
        }
        if (message.contains("Broken pipe")) {
            return -Errno.EPIPE;
        }
        if (message.contains("reset")) {
            return -Errno.ECONNRESET;
        }
        return -Errno.EIO;
    }
}
