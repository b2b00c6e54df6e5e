package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Durable writes over io_uring. */
class UringCommitTest {
    private static final int BYTES = 4096;

    @TempDir Path directory;

    /** Else it would wait for the end of the turn, and, in one system call with the replies, for those. */
    @Test
    void aDurableWriteBeginsBeforeTheTurnEnds() throws IOException {
        Path path = directory.resolve("log");
        try (Mapping memory = Mapping.reserve(BYTES, MemoryTag.OTHER);
                Io io =
                        Ios.open(
                                IoConfig.defaults()
                                        .withKind(IoConfig.Kind.IO_URING)
                                        .withLog(line -> {}))) {
            Memory.fill(memory.address(), BYTES, (byte) 'x');
            int file = io.openFile(path, Io.OpenMode.CREATE, false);
            io.writeAndSync(file, 0, memory.address(), BYTES, Io.UNREGISTERED, 1);
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (Files.size(path) < BYTES && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertEquals(BYTES, Files.size(path), "nothing is written while the turn goes on");
        }
    }
}
