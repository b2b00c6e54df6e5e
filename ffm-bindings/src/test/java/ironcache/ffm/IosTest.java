package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class IosTest {
    /** A kernel, or a container's sandbox, that has no io_uring for us. */
    private static RingCalls refusing(int errno) {
        return new RingCalls() {
            @Override
            int setup(int entries, long params) {
                return -errno;
            }

            @Override
            int enter(
                    int fd,
                    int toSubmit,
                    int minComplete,
                    int flags,
                    long argument,
                    long argumentBytes) {
                throw new AssertionError("no ring was made");
            }

            @Override
            int register(int fd, int opcode, long argument, int count) {
                throw new AssertionError("no ring was made");
            }

            @Override
            String name() {
                return "refusing";
            }
        };
    }

    @Test
    void aRefusalIsOneLineWithCauseAndCureAndServesThroughNio() {
        List<String> log = new ArrayList<>();
        IoConfig config = IoConfig.defaults().withKind(IoConfig.Kind.AUTO).withLog(log::add);
        try (Io io = Ios.open(config, refusing(Errno.EPERM))) {
            assertEquals("nio", io.name());
        }
        assertEquals(1, log.size());
        assertTrue(
                log.getFirst().startsWith("io_uring refused (io_uring_setup: EPERM): "),
                log.getFirst());
        assertTrue(log.getFirst().contains("kernel.io_uring_disabled=0"), log.getFirst());
        assertTrue(log.getFirst().contains("using NIO"), log.getFirst());
    }

    @Test
    void whoInsistsOnIoUringGetsTheCause() {
        IoConfig config = IoConfig.defaults().withKind(IoConfig.Kind.IO_URING).withLog(line -> {});
        IllegalStateException refused =
                assertThrows(
                        IllegalStateException.class,
                        () -> Ios.open(config, refusing(Errno.ENOSYS)));
        assertTrue(refused.getMessage().contains("ENOSYS"), refused.getMessage());
        assertTrue(refused.getMessage().contains("Linux 6.1"), refused.getMessage());
    }
}
