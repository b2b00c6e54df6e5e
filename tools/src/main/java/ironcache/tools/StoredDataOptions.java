package ironcache.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What commands take that read all data of a directory. */
final class StoredDataOptions {
    private static final long MIB = 1L << 20;

    @Option(
            names = "--snapshot",
            paramLabel = "N",
            description =
                    "The data as they were at that snapshot. By itself as they are: what the last shutdown left, else the newest snapshot and the log.")
    @Nullable Long snapshot;

    @Option(
            names = "--memory",
            paramLabel = "MIB",
            description =
                    "Memory for the data that are read back, in MiB (${DEFAULT-VALUE}, and more where a snapshot says that its keys need it).")
    private long memoryMib = 512;

    @Option(
            names = "--scratch",
            paramLabel = "PATH",
            description =
                    "Where files go for what does not fit in the memory (the system's directory for temporary files). They are deleted at the end.")
    private Path scratch = Path.of(System.getProperty("java.io.tmpdir", "/tmp"));

    @Option(
            names = "--state-file",
            paramLabel = "PATH",
            description = "The server's --state-file, where it has one.")
    private @Nullable Path stateFile;

    long memoryBytes() {
        return memoryMib * MIB;
    }

    @Nullable Path stateDirectory() {
        Path given = stateFile;
        return given == null ? null : given.toAbsolutePath().normalize();
    }

    Path makeScratch() throws IOException {
        try {
            return Files.createTempDirectory(
                    scratch.toAbsolutePath().normalize(), "ironcache-tool-");
        } catch (IOException e) {
            throw new ToolException("--scratch " + scratch + ": cannot be used: " + e);
        }
    }
}
