package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RingTest {
    enum Way {
        LIBRARY,
        DIRECT;

        RingCalls calls() {
            if (this == LIBRARY) {
                TestMachine.assumeLiburing();
                return RingCalls.liburing();
            }
            return RingCalls.direct();
        }
    }

    private static void nop(Ring ring, long userData) {
        SqeLayout.fill(ring.nextEntry(), Ring.OP_NOP, 0, 0, -1, 0, 0, 0, 0, userData, 0);
    }

    @ParameterizedTest
    @EnumSource
    void completesInOrderAcrossManyWrapArounds(Way way) throws Ring.Refused {
        long before = MemoryTag.RING.bytes();
        try (Ring ring = Ring.open(way.calls(), 8, 32, -1)) {
            assertEquals(8, ring.submissionEntries());
            assertEquals(32, ring.completionEntries());
            assertTrue(
                    ring.description()
                            .startsWith(way == Way.LIBRARY ? "liburing.so.2" : "system calls"));
            long next = 0;
            long seen = 0;
            for (int round = 0; round < 100; round++) {
                for (int i = 0; i < 1 + round % 8; i++) {
                    nop(ring, next++);
                }
                assertTrue(ring.submitAndWait(1, -1) >= 0);
                while (ring.completionsReady() > 0) {
                    assertEquals(seen++, CqeLayout.userData(ring.completion()));
                    assertEquals(0, CqeLayout.result(ring.completion()));
                    ring.completionSeen();
                }
            }
            assertEquals(next, seen);
            assertEquals(0, ring.submitAndWait(0, 0));
        }
        assertEquals(before, MemoryTag.RING.bytes());
    }

    @ParameterizedTest
    @EnumSource
    void whatIsFilledCanBeHandedOverBeforeTheWait(Way way) throws Ring.Refused {
        try (Ring ring = Ring.open(way.calls(), 8, 16, -1)) {
            nop(ring, 1);
            nop(ring, 2);
            assertEquals(2, ring.unsubmitted());
            ring.submit();
            assertEquals(0, ring.unsubmitted());
            assertTrue(ring.submitAndWait(2, -1) >= 0);
            assertEquals(2, ring.completionsReady());
        }
    }

    /** More completions than the completion ring holds: the kernel keeps the rest, none is lost. */
    @ParameterizedTest
    @EnumSource
    void overflowLosesNothing(Way way) throws Ring.Refused {
        try (Ring ring = Ring.open(way.calls(), 8, 16, -1)) {
            for (int i = 0; i < 100; i++) {
                nop(ring, i);
            }
            int seen = 0;
            while (seen < 100) {
                int result = ring.submitAndWait(ring.completionsReady() > 0 ? 0 : 1, -1);
                assertTrue(result >= 0 || result == -Errno.EBUSY, Errno.name(result));
                while (ring.completionsReady() > 0) {
                    assertEquals(seen++, CqeLayout.userData(ring.completion()));
                    ring.completionSeen();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void waitingEndsAfterTheTimeout(Way way) throws Ring.Refused {
        try (Ring ring = Ring.open(way.calls(), 8, 16, -1)) {
            long start = System.nanoTime();
            assertEquals(-Errno.ETIME, ring.submitAndWait(1, 3_000_000));
            assertTrue(System.nanoTime() - start >= 3_000_000);
            assertEquals(0, ring.completionsReady());
        }
    }

    @ParameterizedTest
    @EnumSource
    void aRingPreparedHereIsOwnedByItsFirstUser(Way way) throws Exception {
        try (Ring ring = Ring.open(way.calls(), 8, 16, -1)) {
            assertEquals(0, ring.registerSparseBuffers(4));
            Thread owner =
                    new Thread(
                            () -> {
                                nop(ring, 7);
                                ring.submitAndWait(1, -1);
                            });
            owner.start();
            owner.join();
            assertEquals(7, CqeLayout.userData(ring.completion()));
            nop(ring, 8);
            assertTrue(ring.submitAndWait(0, 0) < 0, "the kernel refuses a second issuer");
        }
    }

    @ParameterizedTest
    @EnumSource
    void registeredResources(Way way) throws Ring.Refused {
        try (Ring ring = Ring.open(way.calls(), 8, 16, -1);
                Mapping memory = Mapping.reserve(1 << 20, MemoryTag.OTHER)) {
            assertEquals(0, ring.registerSparseFiles(4));
            assertEquals(0, ring.registerSparseBuffers(4));
            assertEquals(1, ring.updateBuffer(2, memory.address(), 8192));
            int pipe = Libc.eventfd(5, 0);
            assertEquals(1, ring.updateFile(3, pipe));
            long target = memory.address() + 4096;
            SqeLayout.fill(
                    ring.nextEntry(),
                    Ring.OP_READ_FIXED,
                    Ring.FIXED_FILE,
                    0,
                    3,
                    0,
                    target,
                    8,
                    0,
                    1,
                    2);
            ring.submitAndWait(1, -1);
            assertEquals(8, CqeLayout.result(ring.completion()));
            ring.completionSeen();
            assertEquals(5, Memory.getLong(target));
            // Outside the registered buffer.
            SqeLayout.fill(
                    ring.nextEntry(),
                    Ring.OP_READ_FIXED,
                    Ring.FIXED_FILE,
                    0,
                    3,
                    0,
                    target + 8192,
                    8,
                    0,
                    1,
                    2);
            ring.submitAndWait(1, -1);
            assertEquals(-Errno.EFAULT, CqeLayout.result(ring.completion()));
            assertEquals(1, ring.updateBuffer(2, 0, 0));
            assertEquals(1, ring.updateFile(3, -1));
            Libc.close(pipe);
        }
    }

    @ParameterizedTest
    @EnumSource
    void refusalsCarryTheirErrno(Way way) {
        RingCalls calls = way.calls();
        Ring.Refused refused = assertThrows(Ring.Refused.class, () -> Ring.open(calls, 0, 16, -1));
        assertEquals(Errno.EINVAL, refused.errno());
        assertEquals("io_uring_setup: EINVAL", refused.getMessage());
    }
}
