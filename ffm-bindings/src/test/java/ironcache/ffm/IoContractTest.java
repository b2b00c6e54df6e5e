package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What Io promises, asked of each implementation. */
class IoContractTest {
    private static final InetSocketAddress ANY_PORT =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    enum Implementation {
        URING_DIRECT {
            @Override
            IoHarness open(IoConfig config) {
                return IoHarness.real(
                        config.withKind(IoConfig.Kind.IO_URING).withLiburing(IoConfig.Liburing.NO));
            }
        },
        URING_LIBRARY {
            @Override
            IoHarness open(IoConfig config) {
                TestMachine.assumeLiburing();
                return IoHarness.real(
                        config.withKind(IoConfig.Kind.IO_URING)
                                .withLiburing(IoConfig.Liburing.YES));
            }
        },
        URING_SQPOLL {
            @Override
            IoHarness open(IoConfig config) {
                return IoHarness.real(config.withKind(IoConfig.Kind.IO_URING).withSqpoll(true));
            }
        },
        NIO {
            @Override
            IoHarness open(IoConfig config) {
                return IoHarness.real(config.withKind(IoConfig.Kind.NIO));
            }
        },
        SIMULATED {
            @Override
            IoHarness open(IoConfig config) {
                return IoHarness.simulated(42);
            }
        };

        abstract IoHarness open(IoConfig config);
    }

    @TempDir Path directory;

    private final long[] bytesBefore = new long[MemoryTag.values().length];

    @BeforeEach
    void rememberMemory() {
        for (MemoryTag tag : MemoryTag.values()) {
            bytesBefore[tag.ordinal()] = tag.bytes();
        }
    }

    @AfterEach
    void nothingLeaks() {
        for (MemoryTag tag : MemoryTag.values()) {
            assertEquals(bytesBefore[tag.ordinal()], tag.bytes(), "bytes under " + tag);
        }
    }

    private static IoConfig config() {
        return IoConfig.defaults().withLog(line -> {});
    }

    private static byte[] pattern(int bytes, int seed) {
        byte[] pattern = new byte[bytes];
        Prng prng = new Prng(seed);
        for (int i = 0; i < bytes; i++) {
            pattern[i] = (byte) prng.nextInt();
        }
        return pattern;
    }

    /** Writes and reads as far as the peer lets it, turning the loop, until all has come back. */
    private static byte[] exchange(
            IoHarness harness, IoHarness.Peer peer, byte[] request, int replyBytes) {
        byte[] reply = new byte[replyBytes];
        int[] done = new int[2];
        harness.pumpUntil(
                "echo of " + request.length + " bytes",
                () -> {
                    try {
                        if (done[0] < request.length) {
                            done[0] +=
                                    peer.write(
                                            request,
                                            done[0],
                                            Math.min(request.length - done[0], 1 << 16));
                        }
                        int read = peer.read(reply, done[1], reply.length - done[1]);
                        if (read < 0) {
                            throw new AssertionError("end after " + done[1] + " bytes");
                        }
                        done[1] += read;
                        return done[0] == request.length && done[1] == replyBytes;
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
        return reply;
    }

    @ParameterizedTest
    @EnumSource
    void echoesManySockets(Implementation implementation) throws IOException {
        try (IoHarness harness = implementation.open(config());
                EchoServer server = new EchoServer(harness.io())) {
            int listener = harness.io().listen(ANY_PORT, 128);
            InetSocketAddress address = harness.io().listenAddress(listener);
            assertTrue(address.getPort() > 0);
            List<IoHarness.Peer> peers = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                peers.add(harness.connect(address));
            }
            harness.pumpUntil("accepting", () -> server.accepted.size() == peers.size());
            assertEquals(peers.size(), new TreeSet<>(server.accepted).size());
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < peers.size(); i++) {
                    byte[] request = pattern(1 + i * 37, round * 1000 + i);
                    assertArrayEquals(
                            request, exchange(harness, peers.get(i), request, request.length));
                }
            }
            assertTrue(harness.io().peerAddress(server.accepted.get(0)).startsWith("127.0.0.1:"));
            assertEquals(
                    SocketAddresses.format(address),
                    harness.io().localAddress(server.accepted.get(0)));
            for (IoHarness.Peer peer : peers) {
                peer.close();
            }
            harness.pumpUntil("closing", () -> server.closed.size() == peers.size());
            assertEquals(Set.of(0), Set.copyOf(server.endResults));

            // Numbers are reused.
            IoHarness.Peer another = harness.connect(address);
            harness.pumpUntil("accepting again", () -> server.accepted.size() == peers.size() + 1);
            assertTrue(server.accepted.getLast() < peers.size());
            another.close();
            harness.pumpUntil("closing again", () -> server.closed.size() == peers.size() + 1);
        }
    }

    /** More bytes than all receive buffers hold, on sockets that compete for them: ENOBUFS and re-arming. */
    @ParameterizedTest
    @EnumSource
    void fewBuffersLoseNothing(Implementation implementation) throws IOException {
        try (IoHarness harness = implementation.open(config().withReceiveBuffers(4, 1024));
                EchoServer server = new EchoServer(harness.io())) {
            InetSocketAddress address =
                    harness.io().listenAddress(harness.io().listen(ANY_PORT, 128));
            List<IoHarness.Peer> peers = new ArrayList<>();
            List<byte[]> requests = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                peers.add(harness.connect(address));
                requests.add(pattern(10_000 + i, i));
                assertEquals(10_000 + i, peers.get(i).write(requests.get(i), 0, 10_000 + i));
            }
            for (int i = 0; i < peers.size(); i++) {
                assertArrayEquals(
                        requests.get(i),
                        exchange(harness, peers.get(i), new byte[0], requests.get(i).length));
                peers.get(i).close();
            }
            harness.pumpUntil("closing", () -> server.closed.size() == peers.size());
        }
    }

    /** Far more than the socket's buffers hold, to a peer that reads late. */
    @ParameterizedTest
    @EnumSource
    void bigSendsArriveWhole(Implementation implementation) throws IOException {
        try (IoHarness harness = implementation.open(config());
                EchoServer server = new EchoServer(harness.io())) {
            InetSocketAddress address =
                    harness.io().listenAddress(harness.io().listen(ANY_PORT, 128));
            IoHarness.Peer peer = harness.connect(address);
            harness.pumpUntil("accepting", () -> server.accepted.size() == 1);
            byte[] big = pattern(20 << 20, 5);
            server.send(server.accepted.getFirst(), big);
            for (int i = 0; i < 20; i++) {
                harness.io().poll(100_000);
            }
            assertEquals(List.of(), server.sendResults);
            assertArrayEquals(big, exchange(harness, peer, new byte[0], big.length));
            harness.pumpUntil("completion", () -> server.sendResults.equals(List.of(0)));
            peer.close();
            harness.pumpUntil("closing", () -> server.closed.size() == 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void closingWithASendInFlight(Implementation implementation) throws IOException {
        try (IoHarness harness = implementation.open(config());
                EchoServer server = new EchoServer(harness.io())) {
            InetSocketAddress address =
                    harness.io().listenAddress(harness.io().listen(ANY_PORT, 128));
            IoHarness.Peer peer = harness.connect(address);
            harness.pumpUntil("accepting", () -> server.accepted.size() == 1);
            server.send(server.accepted.getFirst(), pattern(20 << 20, 5));
            for (int i = 0; i < 20; i++) {
                harness.io().poll(100_000);
            }
            harness.io().closeSocket(server.accepted.getFirst());
            harness.io().closeSocket(server.accepted.getFirst());
            harness.pumpUntil("closing", () -> server.closed.size() == 1);
            assertEquals(List.of(), server.sendResults);
            byte[] sink = new byte[1 << 20];
            harness.pumpUntil(
                    "end at the peer",
                    () -> {
                        try {
                            return peer.read(sink, 0, sink.length) < 0;
                        } catch (IOException reset) {
                            return true;
                        }
                    });
            peer.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void pauseHoldsBytesBackAndResumeBringsThem(Implementation implementation) throws IOException {
        try (IoHarness harness = implementation.open(config());
                EchoServer server = new EchoServer(harness.io())) {
            InetSocketAddress address =
                    harness.io().listenAddress(harness.io().listen(ANY_PORT, 128));
            IoHarness.Peer peer = harness.connect(address);
            harness.pumpUntil("accepting", () -> server.accepted.size() == 1);
            int socket = server.accepted.getFirst();
            for (int round = 0; round < 5; round++) {
                harness.io().pauseReceive(socket);
                harness.io().pauseReceive(socket);
                for (int i = 0; i < 10; i++) {
                    harness.io().poll(0);
                }
                long before = server.receivedBytes;
                byte[] request = pattern(5000, round);
                assertEquals(request.length, peer.write(request, 0, request.length));
                for (int i = 0; i < 20; i++) {
                    harness.io().poll(100_000);
                }
                assertEquals(before, server.receivedBytes);
                harness.io().resumeReceive(socket);
                harness.io().resumeReceive(socket);
                assertArrayEquals(request, exchange(harness, peer, new byte[0], request.length));
                // At once, without a turn between: the cancelled receive is still ending when it is
                // wanted again.
                harness.io().pauseReceive(socket);
                harness.io().resumeReceive(socket);
                assertArrayEquals(request, exchange(harness, peer, request, request.length));
            }
            peer.close();
            harness.pumpUntil("closing", () -> server.closed.size() == 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void abruptEnds(Implementation implementation) throws IOException {
        try (IoHarness harness = implementation.open(config());
                EchoServer server = new EchoServer(harness.io())) {
            InetSocketAddress address =
                    harness.io().listenAddress(harness.io().listen(ANY_PORT, 128));
            for (int i = 0; i < 30; i++) {
                IoHarness.Peer peer = harness.connect(address);
                int expected = i + 1;
                if (i % 3 != 0) {
                    harness.pumpUntil("accepting", () -> server.accepted.size() == expected);
                }
                peer.write(pattern(3000, i), 0, 3000);
                if (i % 2 == 0) {
                    harness.io().poll(0);
                }
                peer.reset();
                harness.pumpUntil("closing", () -> server.closed.size() == expected);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPortIsTakenOnce(Implementation implementation) throws IOException {
        try (IoHarness harness = implementation.open(config());
                EchoServer server = new EchoServer(harness.io())) {
            int listener = harness.io().listen(ANY_PORT, 16);
            InetSocketAddress address = harness.io().listenAddress(listener);
            BindException refused =
                    assertThrows(BindException.class, () -> harness.io().listen(address, 16));
            assertTrue(
                    refused.getMessage().contains(":" + address.getPort()), refused.getMessage());
            harness.io().closeListener(listener);
            // The port is free once the cancelled accept is gone, some turns later.
            int[] reopened = {-1};
            harness.pumpUntil(
                    "the port to be free",
                    () -> {
                        try {
                            reopened[0] = harness.io().listen(address, 16);
                        } catch (IOException stillTaken) {
                            return false;
                        }
                        return true;
                    });
            int again = reopened[0];
            IoHarness.Peer peer = harness.connect(address);
            harness.pumpUntil("accepting", () -> server.accepted.size() == 1);
            assertEquals(address, harness.io().listenAddress(again));
            peer.close();
            harness.pumpUntil("closing", () -> server.closed.size() == 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void filesAreReadAndWritten(Implementation implementation) throws IOException {
        try (IoHarness harness = implementation.open(config());
                EchoServer server = new EchoServer(harness.io());
                Mapping memory = Mapping.reserve(1 << 20, MemoryTag.OTHER)) {
            Io io = harness.io();
            Path path = directory.resolve("data");
            assertThrows(
                    NoSuchFileException.class, () -> io.openFile(path, Io.OpenMode.READ, true));
            int file = io.openFile(path, Io.OpenMode.CREATE, true);
            long first = memory.address();
            long second = memory.address() + (512 << 10);
            int buffer = io.registerBuffer(memory.address(), memory.bytes());
            new Prng(9).fill(first, 65536);
            io.allocate(file, 0, 1 << 20, 1);
            harness.pumpUntil("allocation", () -> server.fileResults.containsKey(1L));
            assertEquals(0, server.fileResults.get(1L));
            io.write(file, 0, first, 4096, buffer, 2);
            io.write(file, 4096, first + 4096, 4096, Io.UNREGISTERED, 3);
            io.writeAndSync(file, 8192, first + 8192, 65536 - 8192, buffer, 4);
            io.sync(file, 5);
            harness.pumpUntil("writes", () -> server.fileResults.size() == 5);
            assertEquals(4096, server.fileResults.get(2L));
            assertEquals(4096, server.fileResults.get(3L));
            assertEquals(65536 - 8192, server.fileResults.get(4L));
            assertEquals(0, server.fileResults.get(5L));
            io.read(file, 0, second, 32768, buffer, Long.MIN_VALUE);
            io.read(file, 32768, second + 32768, 32768, Io.UNREGISTERED, -1);
            harness.pumpUntil("reads", () -> server.fileResults.size() == 7);
            assertEquals(32768, server.fileResults.get(Long.MIN_VALUE));
            assertEquals(32768, server.fileResults.get(-1L));
            assertTrue(Memory.equal(first, second, 65536));

            // Beyond the end: short, then nothing. Into a file that may only be read: an error.
            io.read(file, (1 << 20) - 4096, second, 8192, buffer, 6);
            io.read(file, 1 << 20, second, 4096, buffer, 7);
            int reader = io.openFile(path, Io.OpenMode.READ, false);
            io.write(reader, 0, first, 4096, buffer, 8);
            io.writeAndSync(reader, 0, first, 4096, buffer, 9);
            harness.pumpUntil("odd operations", () -> server.fileResults.size() == 11);
            assertEquals(4096, server.fileResults.get(6L));
            assertEquals(0, server.fileResults.get(7L));
            assertTrue(server.fileResults.get(8L) < 0);
            assertTrue(server.fileResults.get(9L) < 0);

            io.unregisterBuffer(buffer);
            io.closeFile(reader);
            io.closeFile(file);
            assertEquals(file, io.openFile(path, Io.OpenMode.READ_WRITE, true));
            assertTrue(io.usableSpace(directory) > 0);
            io.deleteFile(path);
            io.deleteFile(path);
            assertTrue(Files.notExists(path));
            assertThrows(
                    NoSuchFileException.class,
                    () -> io.openFile(path, Io.OpenMode.READ_WRITE, true));

            // The space comes back, also where that takes some time: no descriptor is left.
            io.closeFile(file);
            harness.pumpUntil("the file's end", () -> !isDeletedOpen(path));
        }
    }

    /** Whether this process holds the file, which has no name any more. */
    private static boolean isDeletedOpen(Path path) {
        for (String fd : new File("/proc/self/fd").list()) {
            try {
                String target = Files.readSymbolicLink(Path.of("/proc/self/fd", fd)).toString();
                if (target.startsWith(path.toString())) {
                    return true;
                }
            } catch (IOException e) {
                // Closed meanwhile.
            }
        }
        return false;
    }

    @ParameterizedTest
    @EnumSource
    void namesAreMadeReplacedAndSynced(Implementation implementation) throws IOException {
        try (IoHarness harness = implementation.open(config());
                EchoServer server = new EchoServer(harness.io());
                Mapping memory = Mapping.reserve(1 << 20, MemoryTag.OTHER)) {
            Io io = harness.io();
            Path inside = directory.resolve("a").resolve("b");
            assertEquals(List.of(), io.openDirectory(inside));
            Path old = inside.resolve("manifest");
            Path fresh = inside.resolve("manifest.tmp");
            for (Path path : List.of(old, fresh)) {
                int file = io.openFile(path, Io.OpenMode.CREATE, false);
                Memory.fill(memory.address(), 8, (byte) (path == old ? 1 : 2));
                long token = path == old ? 1 : 2;
                io.writeAndSync(file, 0, memory.address(), 8, Io.UNREGISTERED, token);
                harness.pumpUntil("a write", () -> server.fileResults.containsKey(token));
                assertEquals(8, server.fileResults.get(token));
                io.closeFile(file);
            }
            assertEquals(Set.of(old, fresh), Set.copyOf(io.openDirectory(inside)));
            int reader = io.openFile(old, Io.OpenMode.READ, false);
            io.renameFile(fresh, old);
            assertEquals(List.of(old), io.openDirectory(inside));
            assertThrows(NoSuchFileException.class, () -> io.renameFile(fresh, old));
            assertEquals(List.of(old), io.openDirectory(inside));
            io.syncDirectory(inside, 3);
            io.syncDirectory(inside.resolve("absent"), 4);
            io.syncDirectory(old, 5);
            // Several at a time, and many in a row: descriptors are given back.
            for (int i = 0; i < 2_000; i++) {
                io.syncDirectory(inside, 100 + i);
                if (i % 100 == 99) {
                    int count = 3 + i;
                    harness.pumpUntil("syncs", () -> server.fileResults.size() >= count);
                }
            }
            harness.pumpUntil("syncs", () -> server.fileResults.size() == 2_005);
            assertEquals(0, server.fileResults.get(3L));
            assertEquals(-Errno.ENOENT, server.fileResults.get(4L));
            assertEquals(-Errno.ENOTDIR, server.fileResults.get(5L));
            for (long i = 0; i < 2_000; i++) {
                assertEquals(0, server.fileResults.get(100 + i));
            }
            // Who has the file open that was replaced goes on with it.
            int replaced = io.openFile(old, Io.OpenMode.READ, false);
            io.read(reader, 0, memory.address(), 8, Io.UNREGISTERED, 6);
            io.read(replaced, 0, memory.address() + 8, 8, Io.UNREGISTERED, 7);
            harness.pumpUntil("reads", () -> server.fileResults.size() == 2_007);
            assertEquals(0x0101010101010101L, Memory.getLong(memory.address()));
            assertEquals(0x0202020202020202L, Memory.getLong(memory.address() + 8));
        }
    }

    /** More operations than the submission ring has entries, queued in one turn. */
    @ParameterizedTest
    @EnumSource
    void floodOfFileOperations(Implementation implementation) throws IOException {
        try (IoHarness harness = implementation.open(config());
                EchoServer server = new EchoServer(harness.io());
                Mapping memory = Mapping.reserve(1 << 20, MemoryTag.OTHER)) {
            Io io = harness.io();
            int file = io.openFile(directory.resolve("flood"), Io.OpenMode.CREATE, false);
            int operations = 10_000;
            for (int i = 0; i < operations; i++) {
                Memory.putLong(memory.address() + i * 8L, i);
                if (i % 16 == 0) {
                    io.writeAndSync(file, i * 8L, memory.address() + i * 8L, 8, Io.UNREGISTERED, i);
                } else {
                    io.write(file, i * 8L, memory.address() + i * 8L, 8, Io.UNREGISTERED, i);
                }
            }
            harness.pumpUntil("writes", () -> server.fileResults.size() == operations);
            assertEquals(Set.of(8), Set.copyOf(server.fileResults.values()));
            io.read(file, 0, memory.address() + (512 << 10), operations * 8, Io.UNREGISTERED, -1);
            harness.pumpUntil("read", () -> server.fileResults.containsKey(-1L));
            assertTrue(
                    Memory.equal(
                            memory.address(), memory.address() + (512 << 10), operations * 8L));
        }
    }

    @ParameterizedTest
    @EnumSource
    void wakesFromAnotherThread(Implementation implementation) throws Exception {
        try (IoHarness harness = implementation.open(config())) {
            Io io = harness.io();
            // A wake before the turn makes the turn return at once.
            io.wake();
            io.poll(-1);
            for (int round = 0; round < 200; round++) {
                CountDownLatch start = new CountDownLatch(1);
                Thread waker =
                        new Thread(
                                () -> {
                                    start.countDown();
                                    io.wake();
                                });
                waker.start();
                start.await();
                io.poll(-1);
                waker.join();
                // What the racing wake left behind.
                io.poll(0);
            }
            long before = harness.clock().nanoTime();
            for (int i = 0; i < 3; i++) {
                io.poll(10_000_000);
            }
            assertTrue(harness.clock().nanoTime() - before >= 9_000_000, "a timeout waits");
        }
    }

    /** Closing with connections, receives, sends and listeners alive leaks nothing (see nothingLeaks). */
    @ParameterizedTest
    @EnumSource
    void closesInTheMiddleOfThings(Implementation implementation) throws IOException {
        IoHarness.Peer peer;
        try (IoHarness harness = implementation.open(config());
                EchoServer server = new EchoServer(harness.io())) {
            InetSocketAddress address =
                    harness.io().listenAddress(harness.io().listen(ANY_PORT, 128));
            peer = harness.connect(address);
            harness.pumpUntil("accepting", () -> server.accepted.size() == 1);
            server.send(server.accepted.getFirst(), pattern(20 << 20, 5));
            harness.io().poll(0);
        }
        peer.close();
    }
}
