package ironcache.bench;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A client that asks for a whole collection and reads the reply, as fast as it comes or slowly, on a thread of its own; again and again, until it is to finish. What it got is told by a sum in
 * which order does not matter.
 *
 * <p>The thread runs when nobody else wants the core (SCHED_IDLE): it stands for a client on another machine, and would otherwise keep the core of the clients whose latency is measured for a
 * slice of the scheduler, 8 ms where a loop that speaks to no server is put in its place.
 */
final class LongReply implements ReplyParser.Sink, AutoCloseable {
    private static final int READ_BYTES = 1 << 16;
    private static final int SLOW_READ_PAUSE_MS = 20;
    private static final int RECEIVE_BUFFER_BYTES = 1 << 17;
    private static final long SUM_START = 0xCBF2_9CE4_8422_2325L;
    private static final long SUM_FACTOR = 0x0000_0100_0000_01B3L;

    private final Socket socket = new Socket();
    private final ReplyParser parser = new ReplyParser(this);
    private final Thread thread;
    private long elementSum;
    private @Nullable Exception failure;

    private final boolean isSlow;
    private final byte[] request;

    /** The reply that is being read is the last one, and the rest of it is read at full speed. */
    private volatile boolean finishes;

    // Of all replies together.
    long replies;
    long elements;
    long sum;

    LongReply(ServerProcess server, boolean slow, String... command) throws IOException {
        isSlow = slow;
        // Else the kernel takes megabytes of the reply.
        socket.setReceiveBufferSize(RECEIVE_BUFFER_BYTES);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
        StringBuilder text = new StringBuilder();
        RequestEncoder.append(text, command);
        request = text.toString().getBytes(StandardCharsets.ISO_8859_1);
        thread = Thread.ofPlatform().daemon().name("long-reply").start(this::read);
    }

    /** What an element adds to the sum. */
    static long sumOf(String element) {
        long sum = SUM_START;
        for (int i = 0; i < element.length(); i++) {
            sum = (sum ^ element.charAt(i)) * SUM_FACTOR;
        }
        return Mix64.mix(sum);
    }

    private static void giveWay() throws IOException {
        Harness.output(List.of("chrt", "--idle", "--pid", "0", ProcessFigures.thisThreadId()));
    }

    private void read() {
        byte[] bytes = new byte[READ_BYTES];
        ByteBuffer in = ByteBuffer.wrap(bytes);
        try {
            giveWay();
            InputStream stream = socket.getInputStream();
            do {
                socket.getOutputStream().write(request);
                for (long before = replies; replies == before; ) {
                    if (isSlow && !finishes) {
                        Thread.sleep(SLOW_READ_PAUSE_MS);
                    }
                    int count = stream.read(bytes, in.position(), in.remaining());
                    if (count < 0) {
                        throw new IOException("the server closed the connection");
                    }
                    in.position(in.position() + count);
                    in.flip();
                    parser.parse(in);
                    in.compact();
                }
            } while (!finishes);
        } catch (IOException | InterruptedException | RuntimeException e) {
            failure = e;
        }
    }

    /** Waits for the end of the reply that is being read. */
    void finish() throws IOException {
        finishes = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
        if (failure != null) {
            throw new IOException("a long reply, after " + elements + " elements", failure);
        }
    }

    @Override
    public void body(ByteBuffer in, int from, int count, int offset, int length) {
        long state = offset == 0 ? SUM_START : elementSum;
        for (int i = from; i < from + count; i++) {
            state = (state ^ in.get(i)) * SUM_FACTOR;
        }
        elementSum = state;
        if (offset + count == length) {
            elements++;
            sum += Mix64.mix(state);
        }
    }

    @Override
    public void reply(byte kind, long number) {
        replies++;
    }

    @Override
    public void error(String message) {
        throw new IllegalStateException(message);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
