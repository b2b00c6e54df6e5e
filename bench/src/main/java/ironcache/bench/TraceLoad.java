package ironcache.bench;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Sends a {@link CommandTrace} round and round over some connections, each from a place of its own, so many requests at a time, the next ones when all of them are answered. One thread; an
 * error reply ends it.
 */
final class TraceLoad implements AutoCloseable {
    /** @param latenciesNs of each request, from when its batch was sent to when its last reply had come */
    record Result(long requests, double seconds, Histogram latenciesNs, CpuClocks.Spent cpu) {
        double perSecond() {
            return requests / seconds;
        }

        double perCpuSecond() {
            return requests / (cpu.serverNs() / 1e9);
        }

        double percentileUs(double percentile) {
            return latenciesNs.getValueAtPercentile(percentile) / 1e3;
        }
    }

    private static final long POLL_MS = 100;

    private final ServerProcess server;
    private final CommandTrace trace;
    private final ByteBuffer requests;
    private final int pipeline;
    private final Selector selector = Selector.open();
    private final List<Connection> connections = new ArrayList<>();
    private final Histogram latenciesNs = new Histogram(3);
    private long answered;
    private @Nullable IOException failure;

    TraceLoad(ServerProcess server, CommandTrace trace, int connectionCount, int pipeline)
            throws IOException {
        this.server = server;
        this.trace = trace;
        this.pipeline = pipeline;
        requests = trace.toDirect();
        for (int i = 0; i < connectionCount; i++) {
            connections.add(new Connection((int) ((long) trace.count() * i / connectionCount)));
        }
    }

    /** The same load before, then the measured one; {@code further} is told of the latter's begin and end. */
    Result run(double warmupSeconds, double seconds, LoadRun.Observer further) throws IOException {
        for (Connection connection : connections) {
            connection.sendBatch();
        }
        drive(warmupSeconds);
        further.measureStarts();
        latenciesNs.reset();
        long before = answered;
        CpuClocks clocks = new CpuClocks(server.figures());
        drive(seconds);
        CpuClocks.Spent spent = clocks.spent();
        long count = answered - before;
        Histogram measured = latenciesNs.copy();
        further.measureEnds();
        return new Result(count, spent.seconds(), measured, spent);
    }

    private void drive(double seconds) throws IOException {
        long endNs = System.nanoTime() + (long) (seconds * 1e9);
        while (System.nanoTime() - endNs < 0) {
            selector.select(this::onReady, POLL_MS);
            if (failure != null) {
                throw failure;
            }
        }
    }

    private void onReady(SelectionKey key) {
        try {
            ((Connection) key.attachment()).onReady();
        } catch (IOException e) {
            failure = e;
        }
    }

    @Override
    public void close() throws IOException {
        for (Connection connection : connections) {
            connection.channel.close();
        }
        selector.close();
    }

    private final class Connection implements ReplyParser.Sink {
        final SocketChannel channel;
        private final SelectionKey key;
        private final ByteBuffer in = ByteBuffer.allocateDirect(1 << 16);
        private final ReplyParser parser = new ReplyParser(this);
        private ByteBuffer out = ByteBuffer.allocate(0);
        private int next;
        private int waiting;
        private int batch;
        private long sentNs;

        Connection(int first) throws IOException {
            next = first;
            channel =
                    SocketChannel.open(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.configureBlocking(false);
            key = channel.register(selector, SelectionKey.OP_READ, this);
        }

        void sendBatch() throws IOException {
            if (next == trace.count()) {
                next = 0;
            }
            int to = Math.min(next + pipeline, trace.count());
            out = trace.slice(requests, next, to);
            batch = to - next;
            waiting = batch;
            next = to;
            sentNs = System.nanoTime();
            flush();
        }

        private void flush() throws IOException {
            channel.write(out);
            int wanted =
                    out.hasRemaining()
                            ? SelectionKey.OP_READ | SelectionKey.OP_WRITE
                            : SelectionKey.OP_READ;
            if (key.interestOps() != wanted) {
                key.interestOps(wanted);
            }
        }

        void onReady() throws IOException {
            if (out.hasRemaining()) {
                flush();
            }
            int count = channel.read(in);
            if (count < 0) {
                throw new EOFException("the server closed the connection");
            }
            in.flip();
            parser.parse(in);
            in.compact();
            if (waiting == 0) {
                latenciesNs.recordValueWithCount(System.nanoTime() - sentNs, batch);
                answered += batch;
                sendBatch();
            }
        }

        @Override
        public void body(ByteBuffer buffer, int from, int count, int offset, int length) {
            // What a value is does not matter here.
        }

        @Override
        public void reply(byte kind, long number) {
            waiting--;
        }

        @Override
        public void error(String message) {
            failure = new IOException("error reply: " + message);
        }
    }
}
