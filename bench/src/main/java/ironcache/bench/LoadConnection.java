package ironcache.bench;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * One connection of the load generator: two direct buffers, a ring of what is in flight, a parser. Owned by the load
 * thread; allocates nothing after construction, except for error replies.
 */
final class LoadConnection implements ReplyParser.Sink {
    private static final int BUFFER_SIZE = 64 << 10;

    private final SocketChannel channel;
    private final SelectionKey key;
    private final ByteBuffer out;
    private final ByteBuffer in = direct(BUFFER_SIZE);
    private final RequestEncoder encoder;
    private final ReplyParser parser = new ReplyParser(this);
    private final ValueFunction values;
    private final LoadStats stats;
    private final LoadOptions options;
    private final OperationMix mix;
    private final int requestSizeMax;

    private final Operation[] operations;
    private final long[] keyNumbers;
    private final long[] startsNs;
    private final int mask;
    private int first;
    private int inFlight;

    /** Requests of the current batch that are not yet issued; meaningless with a sliding window. */
    private int batchLeft;

    /** What the mix said last, and how much of it has been sent. */
    private Operation[] sequence = {};

    private int sent;
    private final long[] drawn = new long[Operation.KEYS_MAX];

    /** Between the replies to MULTI and to EXEC. */
    private boolean queueing;

    /** Set while a value is arriving that is not what it must be. */
    private boolean bodyWrong;

    private @Nullable Operation runOperation;
    private long runStartNs;
    private int runCount;
    private long readNs;

    LoadConnection(
            LoadOptions options,
            OperationMix mix,
            Selector selector,
            RequestEncoder encoder,
            ValueFunction values,
            LoadStats stats)
            throws IOException {
        this.options = options;
        this.mix = mix;
        this.encoder = encoder;
        this.values = values;
        this.stats = stats;
        int slots = Integer.highestOneBit(Math.max(1, options.pipeline * 2 - 1));
        mask = slots - 1;
        operations = new Operation[slots];
        keyNumbers = new long[slots];
        startsNs = new long[slots];
        requestSizeMax = encoder.requestSizeMax(mix.operations());
        out = direct(Math.max(BUFFER_SIZE, requestSizeMax * 2));
        try {
            channel = SocketChannel.open(new InetSocketAddress(options.host, options.port));
        } catch (IOException e) {
            throw new IOException(
                    "cannot connect to "
                            + options.host
                            + ":"
                            + options.port
                            + ": "
                            + e.getMessage(),
                    e);
        }
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.configureBlocking(false);
        key = channel.register(selector, SelectionKey.OP_READ, this);
    }

    private static ByteBuffer direct(int size) {
        return ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    int inFlight() {
        return inFlight;
    }

    /** Whether another request fits: below the pipeline's depth and with room for it in the buffer. */
    boolean hasRoom() {
        return inFlight < options.pipeline && out.remaining() >= requestSizeMax;
    }

    /** As {@link #hasRoom}, and a batch is only begun when all replies to the last one have come. */
    boolean mayAdd() {
        if (options.window == LoadOptions.Window.BATCH) {
            if (inFlight == 0) {
                batchLeft = options.pipeline;
            }
            if (batchLeft == 0) {
                return false;
            }
        }
        return hasRoom();
    }

    /**
     * Queues the next request; {@link #flush} sends what is queued. A sequence that was begun goes on before anything else is
     * drawn.
     */
    void add(KeySequence keys, Mix64 random, long startNs) {
        if (sent == sequence.length) {
            sequence = mix.next(random);
            sent = 0;
        }
        Operation op = sequence[sent];
        for (int i = 0; i < op.keys; i++) {
            drawn[i] = draw(keys, op, sent + i);
        }
        sent++;
        encoder.encode(out, op, drawn);
        int slot = (first + inFlight) & mask;
        operations[slot] = op;
        keyNumbers[slot] = drawn[0];
        startsNs[slot] = startNs;
        inFlight++;
        batchLeft--;
    }

    /**
     * A key of the shard whose turn it is. One in {@code shards} draws hits it; a key space that has no key for it yields any
     * in the end.
     */
    private long draw(KeySequence keys, Operation op, int position) {
        int shards = options.spreadShards;
        long keyNumber = keys.next();
        for (int left = shards > 1 ? 64 * shards : 0;
                left > 0
                        && HashSlot.shardOf(encoder.slotOf(op, keyNumber), shards)
                                != position % shards;
                left--) {
            keyNumber = keys.next();
        }
        return keyNumber;
    }

    boolean hasUnsent() {
        return out.position() > 0;
    }

    void flush() throws IOException {
        if (out.position() == 0) {
            return;
        }
        out.flip();
        channel.write(out);
        boolean blocked = out.hasRemaining();
        out.compact();
        int interest =
                blocked ? SelectionKey.OP_READ | SelectionKey.OP_WRITE : SelectionKey.OP_READ;
        if (key.interestOps() != interest) {
            key.interestOps(interest);
        }
    }

    /** Reads and parses what has arrived; returns the number of replies. */
    int receive() throws IOException {
        int before = inFlight;
        while (true) {
            int count = channel.read(in);
            if (count < 0) {
                throw new EOFException(
                        "server closed the connection with " + inFlight + " requests in flight");
            }
            if (count == 0) {
                break;
            }
            boolean full = !in.hasRemaining();
            readNs = System.nanoTime();
            in.flip();
            parser.parse(in);
            in.compact();
            recordRun();
            if (!full || inFlight == 0) {
                break;
            }
        }
        int replies = before - inFlight;
        if (replies > 0) {
            stats.repliesArrived(readNs, replies);
        }
        return replies;
    }

    @Override
    public void body(ByteBuffer buffer, int from, int count, int offset, int length) {
        if (options.verify && !bodyWrong) {
            bodyWrong = !values.matches(keyNumbers[first], offset, buffer, from, count);
        }
    }

    @Override
    public void error(String message) {
        if (inFlight > 0) {
            stats.error(operations[first], message);
        }
    }

    @Override
    public void reply(byte kind, long number) {
        if (inFlight == 0) {
            throw new IllegalStateException("a reply that no request asked for");
        }
        Operation op = operations[first];
        long startNs = startsNs[first];
        if (!stats.isFrozen()) {
            judge(stats.of(op), op, kind, number);
        }
        if (op == Operation.MULTI || op == Operation.EXEC) {
            queueing = op == Operation.MULTI;
        }
        bodyWrong = false;
        first = (first + 1) & mask;
        inFlight--;
        if (op != runOperation || startNs != runStartNs) {
            recordRun();
            runOperation = op;
            runStartNs = startNs;
        }
        runCount++;
    }

    private void judge(LoadStats.PerOperation per, Operation op, byte kind, long number) {
        if (kind == (queueing && op != Operation.EXEC ? ReplyParser.SIMPLE : op.goodReply)) {
            if (kind == ReplyParser.BULK) {
                per.hits++;
                if (options.verify && (bodyWrong || number != values.lengthOf(keyNumbers[first]))) {
                    per.mismatches++;
                    stats.error(
                            op,
                            "wrong value for key number "
                                    + keyNumbers[first]
                                    + ", length "
                                    + number);
                }
            }
        } else if (kind == ReplyParser.NULL && op == Operation.GET) {
            per.misses++;
            if (options.requireHits) {
                stats.error(op, "no value for key number " + keyNumbers[first]);
            }
        } else if (kind != ReplyParser.ERROR) {
            stats.error(op, "reply of kind '" + (char) kind + "' to " + op);
        }
    }

    private void recordRun() {
        if (runCount > 0 && runOperation != null) {
            stats.record(runOperation, readNs - runStartNs, runCount);
            runCount = 0;
        }
    }

    void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // The run is over and the server may be gone; there is nothing left to lose.
        }
    }
}
