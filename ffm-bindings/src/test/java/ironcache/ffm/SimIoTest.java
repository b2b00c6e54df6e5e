package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class SimIoTest {
    private static final Path PATH = Path.of("/sim/data");
    private static final int BLOCKS = 64;

    /** Clients that echo and files that are written under faults. @return the trace's hash */
    private static long run(long seed) throws IOException {
        SimClock clock = new SimClock();
        SimDisk disk = new SimDisk(1 << 20);
        try (SimIo io = new SimIo(seed, clock, disk);
                EchoServer server = new EchoServer(io);
                Mapping memory = Mapping.reserve(BLOCKS * 4096L, MemoryTag.OTHER)) {
            io.faults().ioError = 0.05;
            io.faults().shortTransfer = 0.05;
            io.faults().connectionReset = 0.01;
            InetSocketAddress address =
                    io.listenAddress(
                            io.listen(
                                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1));
            for (int i = 0; i < 20; i++) {
                SimIo.Peer peer = io.connect(address);
                peer.write(new byte[1000 + i], 0, 1000 + i);
            }
            int file = io.openFile(PATH, Io.OpenMode.CREATE, true);
            for (int i = 0; i < BLOCKS; i++) {
                io.write(file, i * 4096L, memory.address() + i * 4096L, 4096, Io.UNREGISTERED, i);
            }
            while (io.hasEvents()) {
                io.poll(-1);
            }
            assertEquals(BLOCKS, server.fileResults.size());
            return io.traceHash();
        }
    }

    @Test
    void aSeedReplays() throws IOException {
        assertEquals(run(1), run(1));
        assertEquals(run(2), run(2));
        assertNotEquals(run(1), run(2));
    }

    @Test
    void aCrashKeepsWhatWasSyncedAndTearsTheRest() throws IOException {
        int torn = 0;
        for (int seed = 0; seed < 50; seed++) {
            SimDisk disk = new SimDisk(1 << 20);
            try (Mapping memory = Mapping.reserve(4 * 4096, MemoryTag.OTHER)) {
                long old = memory.address();
                long fresh = old + 4096;
                long target = fresh + 4096;
                Memory.fill(old, 4096, (byte) 1);
                Memory.fill(fresh, 4096, (byte) 2);
                try (SimIo io = new SimIo(seed, new SimClock(), disk);
                        EchoServer server = new EchoServer(io)) {
                    int file = io.openFile(PATH, Io.OpenMode.CREATE, true);
                    io.writeAndSync(file, 0, old, 4096, Io.UNREGISTERED, 1);
                    io.syncDirectory(PATH.getParent(), 4);
                    drain(io);
                    io.write(file, 0, fresh, 4096, Io.UNREGISTERED, 2);
                    io.write(file, 4096, fresh, 4096, Io.UNREGISTERED, 3);
                    drain(io);
                    assertEquals(4, server.fileResults.size());
                }
                disk.crash(new Prng(seed));
                try (SimIo io = new SimIo(seed, new SimClock(), disk);
                        EchoServer server = new EchoServer(io)) {
                    int file = io.openFile(PATH, Io.OpenMode.READ, true);
                    io.read(file, 0, target, 4096, Io.UNREGISTERED, 1);
                    drain(io);
                    assertEquals(4096, server.fileResults.get(1L));
                    int fresher = 0;
                    for (int sector = 0; sector < 8; sector++) {
                        byte value = Memory.getByte(target + sector * 512L);
                        assertTrue(value == 1 || value == 2, "sector holds " + value);
                        assertTrue(
                                Memory.equal(
                                        target + sector * 512L, value == 1 ? old : fresh, 512));
                        fresher += value - 1;
                    }
                    torn += fresher > 0 && fresher < 8 ? 1 : 0;
                }
            }
        }
        assertTrue(torn > 5, "some writes must be torn: " + torn);
    }

    @Test
    void mistakesThatARealDiskForgives() throws IOException {
        try (SimIo io = new SimIo(3, new SimClock(), new SimDisk(16 << 10));
                EchoServer server = new EchoServer(io);
                Mapping memory = Mapping.reserve(1 << 20, MemoryTag.OTHER)) {
            int file = io.openFile(PATH, Io.OpenMode.CREATE, true);
            int buffer = io.registerBuffer(memory.address(), 8192);
            io.write(file, 512, memory.address(), 4096, buffer, 1);
            io.write(file, 0, memory.address() + 8192, 4096, buffer, 2);
            io.write(file, 0, memory.address(), 20 << 10, Io.UNREGISTERED, 3);
            drain(io);
            assertEquals(-Errno.EINVAL, server.fileResults.get(1L));
            assertEquals(-Errno.EFAULT, server.fileResults.get(2L));
            assertEquals(-Errno.ENOSPC, server.fileResults.get(3L));
            assertEquals(16 << 10, io.usableSpace(PATH));
        }
    }

    private static void drain(SimIo io) {
        while (io.hasEvents()) {
            io.poll(-1);
        }
    }
}
