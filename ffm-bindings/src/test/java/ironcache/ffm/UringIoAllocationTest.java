package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The hot path, receive to send, allocates nothing once it is warm. */
class UringIoAllocationTest {
    private static final int CONNECTIONS = 4;
    private static final int MESSAGE_BYTES = 64;
    private static final int WARM_UP = 60_000;
    private static final int MEASURED = 40_000;
    private static final int WINDOWS = 5;

    /** Copies each message into its socket's output and sends it; allocates nothing. */
    private static final class Echo implements Io.SocketHandler, Io.FileHandler {
        private final Io io;
        private final long output;
        int served;
        int closed;

        Echo(Io io, long output) {
            this.io = io;
            this.output = output;
        }

        @Override
        public void onAccept(int listener, int socket) {}

        @Override
        public void onReceive(int socket, long address, int length) {
            if (length <= 0) {
                io.closeSocket(socket);
                return;
            }
            long to = output + (long) socket * 4096;
            Memory.copy(address, to, length);
            io.send(socket, to, length);
            served++;
        }

        @Override
        public void onSent(int socket, int result) {}

        @Override
        public void onClosed(int socket) {
            closed++;
        }

        @Override
        public void onFile(long token, int result) {}
    }

    @ParameterizedTest
    @EnumSource(
            value = IoConfig.Liburing.class,
            names = {"YES", "NO"})
    void nothingPerRequest(IoConfig.Liburing way) throws Exception {
        if (way == IoConfig.Liburing.YES) {
            TestMachine.assumeLiburing();
        }
        long bytes = 64 << 10;
        long output = Memory.allocate(bytes, MemoryTag.NETWORK);
        try (Io io =
                Ios.open(
                        IoConfig.defaults()
                                .withKind(IoConfig.Kind.IO_URING)
                                .withLiburing(way)
                                .withLog(line -> {}))) {
            Echo echo = new Echo(io, output);
            io.setHandlers(echo, echo);
            InetSocketAddress address =
                    io.listenAddress(
                            io.listen(
                                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                                    16));
            Thread[] clients = new Thread[CONNECTIONS];
            for (int i = 0; i < clients.length; i++) {
                clients[i] =
                        new Thread(() -> pingPong(address, (WARM_UP + MEASURED) / CONNECTIONS));
                clients[i].start();
            }
            while (echo.served < WARM_UP) {
                io.poll(-1);
            }
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            // Several windows, of which the best counts: a late compilation leaves some hundred
            // bytes in one of
            // them, but what the code itself allocates is in all.
            long leastAllocated = Long.MAX_VALUE;
            for (int window = 1; window <= WINDOWS; window++) {
                int until = WARM_UP + (MEASURED - CONNECTIONS) / WINDOWS * window;
                long before = threads.getCurrentThreadAllocatedBytes();
                while (echo.served < until) {
                    io.poll(-1);
                }
                leastAllocated =
                        Math.min(leastAllocated, threads.getCurrentThreadAllocatedBytes() - before);
            }
            while (echo.closed < CONNECTIONS) {
                io.poll(-1);
            }
            for (Thread client : clients) {
                client.join();
            }
            assertEquals(
                    0,
                    leastAllocated,
                    "bytes allocated on the heap by " + MEASURED / WINDOWS + " requests");
        } finally {
            Memory.free(output, bytes, MemoryTag.NETWORK);
        }
    }

    private static void pingPong(InetSocketAddress address, int times) {
        try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
            socket.setTcpNoDelay(true);
            byte[] message = new byte[MESSAGE_BYTES];
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            for (int i = 0; i < times; i++) {
                out.write(message);
                if (in.readNBytes(message, 0, MESSAGE_BYTES) != MESSAGE_BYTES) {
                    throw new AssertionError("end of stream");
                }
            }
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        }
    }
}
