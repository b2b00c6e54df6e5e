package ironcache.resp;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/**
 * Input and output memory of connections. Input that has to outlive its receive buffer moves to a buffer of the connection's own: an ordinary
 * chunk of the pool, or, where a request is known to need more, one sized exactly for it. Empty buffers go back at once. What is big is taken
 * only within the bounds that {@link Admission} set. Owned by the shard's thread.
 */
final class ConnectionBuffers implements AutoCloseable {
    /**
     * Room behind a big request, for the first bytes of the next one: they come in the same receive buffer as its end, and must not make the
     * whole move to a bigger buffer.
     */
    private static final int TAIL_BYTES = 64 << 10;

    /** A streaming reply may queue this much even where output memory is short. */
    private static final int LEAST_STREAM_BYTES = 64 << 10;

    final OutputChunks chunks;
    final Admission admission;

    /** As output comes near to it, streaming replies queue less. */
    private final long networkBytes;

    private long bigInputBytes;

    /**
     * @param networkBytes what connections may take of maxmemory: a quarter for big requests and replies, an eighth for pooled chunks
     * @param keepFree chunks that are worth keeping when not in use
     */
    ConnectionBuffers(long networkBytes, int keepFree) {
        this.networkBytes = networkBytes;
        chunks =
                new OutputChunks(
                        (int) Math.min(keepFree, networkBytes / 8 / OutputChunks.DATA_BYTES));
        admission = new Admission(networkBytes / 4);
    }

    /** How much of a streaming reply may be queued now: less the more others have queued. */
    int streamBytes() {
        long room = networkBytes - chunks.usedBytes();
        return Math.clamp(room / 2, LEAST_STREAM_BYTES, Connection.STREAM_BYTES);
    }

    long bytes() {
        return chunks.bytes() + bigInputBytes;
    }

    /** The connection's whole input becomes its region to parse. */
    void regionFromInput(Connection c) {
        c.at = c.input + c.inputStart;
        c.regionEnd = c.input + c.inputEnd;
        c.regionIsInput = true;
    }

    /** Keeps what of the region was not consumed, from {@code c.at} on. */
    void saveRest(Connection c) {
        long rest = c.regionEnd - c.at;
        if (c.regionIsInput) {
            int consumed = (int) (c.at - c.input) - c.inputStart;
            c.inputStart += consumed;
            c.prefetchedBytes = Math.max(0, c.prefetchedBytes - consumed);
            c.regionIsInput = false;
            if (rest == 0) {
                releaseInput(c);
            } else if (c.inputCapacity > Admission.SMALL_BYTES
                    && consumed > 0
                    && rest <= Admission.SMALL_BYTES) {
                // What the buffer was made for has run.
                shrink(c);
            }
        } else if (rest > 0) {
            c.prefetchedBytes = 0;
            append(c, c.at, (int) rest);
        }
        c.at = 0;
        c.regionEnd = 0;
    }

    /** Adds received bytes to the connection's input. Nothing may refer to the input's bytes: they may move. */
    void append(Connection c, long from, int length) {
        int used = c.inputBytes();
        // Before it is admitted, only what came.
        long known = Math.min(c.neededBytes, c.inputBound);
        long wanted = Math.max((long) used + length, known);
        if (wanted > Admission.SMALL_BYTES) {
            wanted += TAIL_BYTES;
        }
        if (c.input == 0) {
            take(c, wanted);
        } else if (c.inputEnd + length > c.inputCapacity
                || c.inputStart + wanted > c.inputCapacity) {
            if (wanted <= c.inputCapacity) {
                Memory.copy(c.input + c.inputStart, c.input, used);
            } else {
                long old = c.input;
                int oldCapacity = c.inputCapacity;
                int oldStart = c.inputStart;
                take(
                        c,
                        known > used + (long) length || c.state == Connection.State.AWAITING_MEMORY
                                ? wanted
                                : Math.max(wanted, 2L * used));
                Memory.copy(old + oldStart, c.input, used);
                free(old, oldCapacity);
            }
            c.inputStart = 0;
            c.inputEnd = used;
        }
        Memory.copy(from, c.input + c.inputEnd, length);
        c.inputEnd += length;
    }

    /** Moves the small rest of a big input to a buffer of its size. */
    private void shrink(Connection c) {
        long old = c.input;
        int oldCapacity = c.inputCapacity;
        int bytes = c.inputBytes();
        take(c, bytes);
        Memory.copy(old + c.inputStart, c.input, bytes);
        free(old, oldCapacity);
        c.inputStart = 0;
        c.inputEnd = bytes;
        admission.releaseInput(c);
    }

    private void take(Connection c, long bytes) {
        if (bytes <= OutputChunks.DATA_BYTES) {
            c.input = OutputChunks.data(chunks.take(OutputChunks.DATA_BYTES));
            c.inputCapacity = OutputChunks.DATA_BYTES;
        } else {
            int capacity = (int) Math.min(bytes, Integer.MAX_VALUE - 8);
            c.input = Memory.allocate(capacity, MemoryTag.NETWORK);
            c.inputCapacity = capacity;
            bigInputBytes += capacity;
        }
    }

    private void free(long input, int capacity) {
        if (capacity == OutputChunks.DATA_BYTES) {
            chunks.give(input - OutputChunks.HEADER_BYTES);
        } else {
            Memory.free(input, capacity, MemoryTag.NETWORK);
            bigInputBytes -= capacity;
        }
    }

    private void releaseInput(Connection c) {
        if (c.input != 0) {
            free(c.input, c.inputCapacity);
        }
        c.input = 0;
        c.inputCapacity = 0;
        c.inputStart = 0;
        c.inputEnd = 0;
        c.prefetchedBytes = 0;
        admission.releaseInput(c);
    }

    /** The next bytes to send are at {@code c.outHead}'s data from {@code c.outStart} on; this many. */
    int sendable(Connection c) {
        return c.outHead == 0
                ? 0
                : ReplyGate.sendable(c, OutputChunks.used(c.outHead) - c.outStart);
    }

    /** The bytes in flight were sent: gives back what is done with. */
    void sent(Connection c) {
        c.outStart += c.outInFlight;
        c.outInFlight = 0;
        while (c.outHead != 0 && c.outStart == OutputChunks.used(c.outHead)) {
            long next = OutputChunks.next(c.outHead);
            c.outBytes -= OutputChunks.capacity(c.outHead);
            ReplyGate.sentAll(c, c.outHead);
            chunks.give(c.outHead);
            c.outHead = next;
            c.outStart = 0;
            if (next == 0) {
                c.outTail = 0;
            }
        }
    }

    /** Takes all output away, of which nothing was sent. */
    byte[] takeOutput(Connection c) {
        byte[] bytes = new byte[(int) unsentBytes(c)];
        int at = 0;
        while (c.outHead != 0) {
            long chunk = c.outHead;
            Memory.copyOut(OutputChunks.data(chunk), bytes, at, OutputChunks.used(chunk));
            at += OutputChunks.used(chunk);
            c.outHead = OutputChunks.next(chunk);
            chunks.give(chunk);
        }
        c.outTail = 0;
        c.outBytes = 0;
        return bytes;
    }

    /** Output bytes that are not sent yet. */
    long unsentBytes(Connection c) {
        long bytes = -c.outStart;
        for (long chunk = c.outHead; chunk != 0; chunk = OutputChunks.next(chunk)) {
            bytes += OutputChunks.used(chunk);
        }
        return c.outHead == 0 ? 0 : bytes;
    }

    int outputChunkCount(Connection c) {
        int count = 0;
        for (long chunk = c.outHead; chunk != 0; chunk = OutputChunks.next(chunk)) {
            count++;
        }
        return count;
    }

    /** Gives back everything. No operation of the connection is in flight. */
    void release(Connection c) {
        releaseInput(c);
        c.releaseFoundKeys();
        while (c.outHead != 0) {
            long next = OutputChunks.next(c.outHead);
            chunks.give(c.outHead);
            c.outHead = next;
        }
        c.outTail = 0;
        c.outStart = 0;
        c.outInFlight = 0;
        c.outBytes = 0;
        admission.forget(c);
    }

    @Override
    public void close() {
        chunks.close();
    }
}
