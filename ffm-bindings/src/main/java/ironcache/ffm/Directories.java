package ironcache.ffm;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;

/** What the real implementations do with names alike: control path, blocking. Owns nothing. */
final class Directories {
    private Directories() {}

    /** Makes a directory and those it is in, where they are absent; their names are durable on return. */
    static void make(Path directory) throws IOException {
        Deque<Path> absent = new ArrayDeque<>();
        for (Path at = directory.toAbsolutePath(); at != null && Files.notExists(at); ) {
            absent.push(at);
            at = at.getParent();
        }
        Files.createDirectories(directory);
        for (Path made : absent) {
            Path parent = made.getParent();
            if (parent != null) {
                sync(parent);
            }
        }
    }

    /** Waits until the names in a directory are durable. */
    static void sync(Path directory) throws IOException {
        // Linux lets a directory be opened for reading and synced.
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    static void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }
}
