package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When reads of files go to the kernel. */
class UringReadsTest {
    private static final int BLOCK = 4096;

    @TempDir Path directory;

    /** Counts what is handed over. */
    private static final class Counting extends RingCalls {
        private final RingCalls calls = RingCalls.direct();
        int handedOver;
        int times;

        @Override
        int setup(int entries, long params) {
            return calls.setup(entries, params);
        }

        @Override
        int enter(int fd, int toSubmit, int minComplete, int flags, long argument, long bytes) {
            int result = calls.enter(fd, toSubmit, minComplete, flags, argument, bytes);
            if (result > 0) {
                handedOver += result;
                times++;
            }
            return result;
        }

        @Override
        int register(int fd, int opcode, long argument, int count) {
            return calls.register(fd, opcode, argument, count);
        }

        @Override
        String name() {
            return "counting";
        }
    }

    /** The disk works while the turn goes on: at once where it has nothing to do, some at a time where it has much. */
    @Test
    void readsDoNotWaitForTheEndOfTheTurn() throws IOException, Ring.Refused {
        Counting calls = new Counting();
        Path path = Files.write(directory.resolve("file"), new byte[BLOCK]);
        try (Io io = UringIo.open(calls, IoConfig.defaults());
                EchoServer server = new EchoServer(io);
                Mapping memory = Mapping.reserve(1 << 20, MemoryTag.OTHER)) {
            int file = io.openFile(path, Io.OpenMode.READ, false);
            io.poll(0);
            int before = calls.handedOver;
            io.read(file, 0, memory.address(), BLOCK, Io.UNREGISTERED, 0);
            assertEquals(before + 1, calls.handedOver);

            int reads = 200;
            calls.times = 0;
            for (int i = 1; i < reads; i++) {
                io.read(file, 0, memory.address(), BLOCK, Io.UNREGISTERED, i);
            }
            int waiting = before + reads - calls.handedOver;
            assertTrue(waiting < reads / 8, waiting + " wait");
            assertTrue(calls.times < reads / 4, calls.times + " calls");
            while (server.fileResults.size() < reads) {
                io.poll(1_000_000);
            }
        }
    }
}
