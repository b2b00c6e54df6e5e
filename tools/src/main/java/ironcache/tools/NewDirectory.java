package ironcache.tools;

import ironcache.recovery.RebuiltNode;
import ironcache.wal.Manifest;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A data directory that a command makes. Until {@link #complete} it has a file that says that it is not whole, and a server refuses it. */
final class NewDirectory {
    /** While it is there, the directory is not whole. The server knows the name. */
    static final String MARKER = "recover-incomplete";

    private final Path path;

    private NewDirectory(Path path) {
        this.path = path;
    }

    /**
     * Whether it may be made.
     *
     * @param source the directory that it is made from
     * @throws ToolException where there is something in it, or it lies in the source
     */
    static void check(Path path, Path source) throws IOException {
        checkEmpty(path);
        if (path.toAbsolutePath().normalize().startsWith(source.toAbsolutePath().normalize())) {
            throw new ToolException(path + ": in the directory that it would be made from");
        }
    }

    private static void checkEmpty(Path path) throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        if (!Files.isDirectory(path)) {
            throw new ToolException(path + ": there is a file of this name");
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
            if (entries.iterator().hasNext()) {
                throw new ToolException(path + ": not empty; name a directory to be made");
            }
        }
    }

    /** Makes it, with its mark. */
    static NewDirectory begin(Path path, String command) throws IOException {
        Files.createDirectories(path);
        Files.writeString(
                path.resolve(MARKER),
                "ironcache-tool " + command + " did not come to its end here\n");
        return new NewDirectory(path);
    }

    /** What names its files is durable. */
    void publish(Manifest manifest) throws IOException {
        RebuiltNode.publish(path, manifest);
    }

    /** It is whole. */
    void complete() throws IOException {
        Files.delete(path.resolve(MARKER));
        sync(path);
    }

    /** Names in a directory are durable. */
    static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** What to say where the job was cut off. */
    static String notWhole(Path path) {
        return "interrupted; " + path + " is not whole (" + MARKER + "): delete it";
    }
}
