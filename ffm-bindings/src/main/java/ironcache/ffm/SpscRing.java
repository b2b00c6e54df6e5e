package ironcache.ffm;

import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * A ring of messages from one thread to another, off-heap. The producer claims, fills and {@link #publish publishes}; the consumer takes
 * what is published, and gives the room back with {@link #release} when it has done with all that it took. Both do so in batches: what one
 * thread sees of the other is two words, each in a cache line of its writer's.
 *
 * <pre>
 * 0                 64                128
 * | producer's line | consumer's line | messages ...
 *
 * line:     0           8         16
 *           | published | private | other's word as last seen |       positions count bytes from the beginning of time
 *
 * message, 8-aligned, never split:
 *           0        4      8
 *           | length | kind | payload ... |
 * </pre>
 *
 * <p>A message that does not fit before the end of the ring begins at its start; kind {@value #SKIP} marks the rest as empty.
 *
 * <p>Memory owned: the ring ({@link MemoryTag#NETWORK}). Allocates nothing after its creation.
 */
public final class SpscRing implements AutoCloseable {
    private static final VarHandle LONG =
            ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();

    private static final int LINE_BYTES = 64;
    private static final int HEADER_BYTES = 8;
    private static final int SKIP = -1;

    // Fields of a line.
    private static final int PUBLISHED = 0;
    private static final int PRIVATE = 8;
    private static final int SEEN = 16;

    private final long producer;
    private final long consumer;
    private final long messages;
    private final long capacity;
    private final long mask;
    private boolean closed;

    /** @param capacity bytes, a power of two of at least 128; a message of up to a quarter of it always finds room in time */
    public SpscRing(int capacity) {
        if (capacity < 128 || Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("ring of " + capacity + " bytes");
        }
        this.capacity = capacity;
        mask = capacity - 1L;
        producer = Memory.allocate(2L * LINE_BYTES + capacity, MemoryTag.NETWORK);
        consumer = producer + LINE_BYTES;
        messages = consumer + LINE_BYTES;
        Memory.fill(producer, 2 * LINE_BYTES, (byte) 0);
    }

    /** Longest payload. */
    public int maxLength() {
        return (int) (capacity / 4) - HEADER_BYTES;
    }

    // The producer.

    /**
     * Room for the next message.
     *
     * @param length of the payload in bytes, at most {@link #maxLength}
     * @param kind not negative
     * @return address of the payload, 8-aligned; 0: the ring is full
     */
    public long claim(int length, int kind) {
        long bytes = HEADER_BYTES + (length + 7L & -8L);
        long at = Memory.getLong(producer + PRIVATE);
        long beforeEnd = capacity - (at & mask);
        long wanted = bytes <= beforeEnd ? bytes : beforeEnd + bytes;
        if (at + wanted - Memory.getLong(producer + SEEN) > capacity) {
            long released = (long) LONG.getAcquire(Memory.all(), consumer + PUBLISHED);
            Memory.putLong(producer + SEEN, released);
            if (at + wanted - released > capacity) {
                return 0;
            }
        }
        if (bytes > beforeEnd) {
            putHeader(at, (int) beforeEnd - HEADER_BYTES, SKIP);
            at += beforeEnd;
        }
        putHeader(at, length, kind);
        Memory.putLong(producer + PRIVATE, at + bytes);
        return messages + (at & mask) + HEADER_BYTES;
    }

    private void putHeader(long at, int length, int kind) {
        long header = messages + (at & mask);
        Memory.putInt(header, length);
        Memory.putInt(header + 4, kind);
    }

    /** Hands over all that was claimed since the last time. @return whether there was something */
    public boolean publish() {
        long at = Memory.getLong(producer + PRIVATE);
        if (at == Memory.getLong(producer + PUBLISHED)) {
            return false;
        }
        LONG.setRelease(Memory.all(), producer + PUBLISHED, at);
        return true;
    }

    // The consumer.

    /** The next message. @return address of its payload, valid until {@link #release}; 0: none */
    public long next() {
        while (true) {
            long at = Memory.getLong(consumer + PRIVATE);
            if (at == Memory.getLong(consumer + SEEN)) {
                long published = (long) LONG.getAcquire(Memory.all(), producer + PUBLISHED);
                if (at == published) {
                    return 0;
                }
                Memory.putLong(consumer + SEEN, published);
            }
            long payload = messages + (at & mask) + HEADER_BYTES;
            Memory.putLong(consumer + PRIVATE, at + HEADER_BYTES + (length(payload) + 7L & -8L));
            if (kind(payload) != SKIP) {
                return payload;
            }
        }
    }

    /** Bytes of a message that {@link #next} gave. */
    public static int length(long payload) {
        return Memory.getInt(payload - HEADER_BYTES);
    }

    public static int kind(long payload) {
        return Memory.getInt(payload - HEADER_BYTES + 4);
    }

    /** Gives back the room of all messages taken so far. */
    public void release() {
        LONG.setRelease(Memory.all(), consumer + PUBLISHED, Memory.getLong(consumer + PRIVATE));
    }

    /** When neither thread uses it any more. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Memory.free(producer, 2L * LINE_BYTES + capacity, MemoryTag.NETWORK);
        }
    }
}
