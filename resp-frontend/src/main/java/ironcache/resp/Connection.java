package ironcache.resp;

import ironcache.engine.PageView;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection: its state, its input that is not yet run, its output that is not yet sent. Owned by the thread that accepted it. The
 * off-heap memory of input and output is taken and given back by {@link ConnectionBuffers}.
 */
final class Connection {
    /** A streaming reply waits while more than this is queued for the socket. */
    static final int STREAM_BYTES = 1 << 20;

    /** What a connection may do now. */
    enum State {
        /** Its commands run as they arrive. */
        OPEN,
        /** A command waits for the SSD or for space; later ones wait behind it. */
        PARKED,
        /** A streaming reply waits until the socket has taken most of the output. */
        AWAITING_OUTPUT,
        /** A big request, or a command with a big reply, waits in the line of {@link Admission}. */
        AWAITING_MEMORY,
        /** CLIENT PAUSE holds its next command back. */
        PAUSED,
        /** Another's transaction is in the middle of its work. */
        HELD,
        /** A command waits for a key, see {@link Blocking}; later ones wait behind it. */
        BLOCKED,
        /** Nothing more is run; closes when its output is sent. */
        DRAINING,
        /** Closing in the kernel; nothing of it is touched until that is done. */
        CLOSED
    }

    // Reasons to look closer at each command of this connection, see Executor#admit.
    static final int CHECK_AUTH = 1;
    static final int CHECK_REPLY_MODE = 2;
    static final int CHECK_PAUSE = 4;
    static final int CHECK_MULTI = 8;
    static final int CHECK_LOADING = 16;

    /** Number in the I/O seam of its thread. Reused after closing. */
    final int socket;

    /** The shard whose thread it belongs to. */
    final int home;

    /** Its number as a waiter, unique among all shards' connections; see {@link EventLoop#onReady}. */
    final int waiter;

    /** CLIENT KILL by a client of another thread: its own closes it as soon as it can. */
    boolean killed;

    /** What became of its commands is not known, since the log failed: it hears no more, and closes when it is not in the middle of one. */
    boolean lost;

    /** Never reused: CLIENT ID. */
    final long id;

    State state = State.OPEN;

    /** The set of shards that its waiting command is over. */
    long over;

    int db;
    int protocol = 2;
    boolean authenticated;

    /** CHECK_ bits. */
    int checks;

    // Input. The region is what is parsed now: received bytes in place, or the connection's own
    // buffer.
    long at;
    long regionEnd;
    boolean regionIsInput;

    /** In the loop's list of connections to finish this turn. */
    boolean inTurn;

    /** The peer closed its side: close when what it sent has run. */
    boolean peerClosed;

    /** Receiving is paused because a waiting connection has enough of its own, or may not have more yet. */
    boolean receivePaused;

    /** The incomplete or waiting rest of the input: inputStart up to inputEnd; 0: none. */
    long input;

    int inputCapacity;
    int inputStart;
    int inputEnd;

    /** No request is complete before the input is this long. */
    long neededBytes;

    /** Of the incomplete request, the bytes that need no second look until then. */
    long wholeBytes;

    /** Of the waiting input of a parked connection, bytes whose keys are already asked for. */
    int prefetchedBytes;

    // Output: a list of chunks; of the first one, the bytes before outStart are sent.
    long outHead;
    long outTail;
    int outStart;

    /** Bytes of outHead in flight from outStart on; 0: no send in flight. */
    int outInFlight;

    /** Capacity of the chunks: what client-output-buffer-limit bounds. */
    long outBytes;

    /** Commands of it ran in this turn. */
    boolean spoke;

    // See ReplyGate, which alone writes these. Output up to the mark (a chunk, and how much of it)
    // waits for a turn; 0: none does. What is before passTo may be sent meanwhile.
    long heldTurn;
    long heldTo;
    int heldUsed;
    long laterTurn;
    long laterTo;
    int laterUsed;
    long passTo;
    int passUsed;

    // See Admission, which alone writes these.
    /** The input buffer may be as long as this without asking. */
    long inputBound = Admission.SMALL_BYTES;

    /** Reserved for the output; 0 while no big reply is in it. */
    long outputBound;

    long wantedInputBound;
    long wantedOutputBound;
    boolean inLine;
    @Nullable Connection previousInLine;
    @Nullable Connection nextInLine;

    // Of a connection that holds memory others wait for, see Cron.
    long movedBytes;
    int stalledSeconds;

    /** When the soft limit was first exceeded, ms of the monotonic clock; 0: it is not. */
    long softLimitSince;

    /** See {@link CommandContext#checkpoint}; 0 when a command begins. */
    long progress;

    /** What the rest of a long reply is read from; see {@link LongReplies}. */
    @Nullable PageView view;

    /** Of a KEYS that waits or replies; see {@link FoundKeys}. */
    @Nullable FoundKeys foundKeys;

    /** A protocol error to answer after the commands before it. */
    @Nullable String protocolError;

    // CLIENT REPLY.
    boolean replyOff;
    boolean replySkip;
    boolean replySkipNext;

    /** Between MULTI and the end of EXEC. */
    @Nullable Transaction transaction;

    /** What it waits with. */
    @Nullable BlockedCommand blocked;

    /** What it watches, null: nothing. */
    Watches.@Nullable Watched watched;

    /** The set of shards that have these keys. */
    long watchedOver;

    // What CLIENT LIST shows.
    @Nullable String name;
    @Nullable String libName;
    @Nullable String libVersion;
    String user = "default";
    boolean noEvict;
    boolean noTouch;

    /** CLIENT CAPA REDIRECT. */
    boolean redirectCapable;

    long createdMillis;
    long lastActiveMillis;
    int lastCommand = -1;
    long commands;
    long receivedBytes;
    long sentBytes;
    @Nullable String peer;
    @Nullable String local;

    Connection(int socket, int home, int shards, long id) {
        this.socket = socket;
        this.home = home;
        this.waiter = socket * shards + home;
        this.id = id;
    }

    /** For a command that runs on another thread while this connection waits: it has this one's settings, and output of its own. */
    Connection standIn() {
        Connection other = new Connection(-1, home, 0, id);
        other.db = db;
        other.protocol = protocol;
        other.authenticated = authenticated;
        other.user = user;
        other.name = name;
        other.noTouch = noTouch;
        other.peer = peer;
        other.outputBound = Long.MAX_VALUE;
        return other;
    }

    /** Whether it is another's {@link #standIn}. */
    boolean isStandIn() {
        return socket < 0;
    }

    int inputBytes() {
        return inputEnd - inputStart;
    }

    /** The thread is in the view's shard. */
    void closeView() {
        if (view != null) {
            view.close();
            view = null;
        }
    }

    void releaseFoundKeys() {
        if (foundKeys != null) {
            foundKeys.close();
            foundKeys = null;
        }
    }

    /** EXEC is in the middle of its work, which nothing may cut off. */
    boolean isExecuting() {
        return transaction != null && transaction.running;
    }

    void check(int bit, boolean on) {
        checks = on ? checks | bit : checks & ~bit;
    }

    /** Whether it waits for something other than its client. */
    boolean isWaiting() {
        return state == State.PARKED
                || state == State.AWAITING_OUTPUT
                || state == State.AWAITING_MEMORY
                || state == State.PAUSED
                || state == State.HELD
                || state == State.BLOCKED;
    }
}
