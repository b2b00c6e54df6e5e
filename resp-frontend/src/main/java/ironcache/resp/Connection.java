package ironcache.resp;

/**
 * A client's connection: its state, its input that is not yet run, its output that is not yet sent. Owned by the shard's thread.
 * The off-heap memory of input and output is given back by {@link Server} when it closes.
 */
final class Connection {
    /** A streaming reply waits while more than this is queued for the socket. */
    static final int STREAM_BYTES = 1 << 20;

    /** Number in the I/O seam; also the waiter's number in the shard. */
    final int socket;
    /** Never reused: CLIENT ID. */
    final long id;

    int db;
    int protocol = 2;
    boolean authenticated;

    // Output: a list of chunks; of the first one, the bytes before outStart are sent.
    long outHead;
    long outTail;
    int outStart;
    /** Bytes of outHead in flight from outStart on; 0: no send in flight. */
    int outInFlight;
    /** Capacity of the chunks: what client-output-buffer-limit bounds. */
    long outBytes;

    /** See {@link CommandContext#checkpoint}; 0 when a command begins. */
    long progress;

    Connection(int socket, long id) {
        this.socket = socket;
        this.id = id;
    }
}
