package ironcache.resp;

import ironcache.wal.WalWriter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Holds replies back until all that they may tell of is stable ({@code appendfsync always}): for each turn, what its commands can have seen of every shard's log. Replies
 * of reads wait too: nobody is shown what a crash could take back. The shards go on meanwhile, and so do the connection's next commands.
 *
 * <p>While a log cannot be written, replies wait only for what was changed: else nobody would hear anything until there is room on the disk, not even why. So reads show what RAM holds.
 *
 * <p>A connection's output is held from a mark on, what was said before goes out. It has two marks at most: of the first turn it waits for, and of the last; so one
 * that never stops talking hears its replies nevertheless.
 *
 * <p>Owned by the loop's thread; only {@link #isWaiting} is read by others. Allocates nothing in steady state.
 */
final class ReplyGate {
    /** Told what becomes of connections that waited. */
    interface Listener {
        /** More of its output may be sent. */
        void onReleased(Connection c);

        /** What its commands did will never be known to be durable: its replies are lost. */
        void onLost(Connection c);
    }

    private final Node node;
    private final Partition[] shards;

    /** Set before the first turn. */
    @SuppressWarnings("NullAway.Init")
    private Listener listener;

    /** Of the commands since {@link #left} one may have changed something. */
    private boolean changed;

    /** By shard, the last frame of its log that the turn's commands may have seen. */
    private final long[] seen;

    /** Turns that wait, oldest first, a ring: by shard, what they have seen. */
    private long[] waiting;

    private int head;
    private int count;
    private int capacity = 64;

    /** Number of the last turn that waits or waited, and of the last that does no more. 0: none. */
    private long lastTurn;

    private long released;

    /** Connections that wait for a turn, and the turn, oldest first, a ring. A connection whose mark moved on to a later turn is in it again. */
    private @Nullable Connection[] heldConnections = new @Nullable Connection[64];

    private long[] heldTurns = new long[heldConnections.length];
    private int heldHead;
    private int heldCount;

    private volatile boolean isWaiting;

    ReplyGate(Node node) {
        this.node = node;
        shards = node.shards.all;
        seen = new long[shards.length];
        waiting = new long[capacity * shards.length];
    }

    void setListener(Listener newListener) {
        listener = newListener;
    }

    /** A command that runs may change something, in shards that {@link #saw} is told of afterwards. */
    void changes() {
        changed = true;
    }

    /** Commands ran in the shard, which this thread is in; {@link #left} follows. */
    void saw(Partition shard) {
        WalWriter log = shard.log;
        if (log != null && node.waitsForLog && (changed || log.failure() == null)) {
            seen[shard.number] = log.appendedSeqno();
        }
    }

    /** All shards that the commands were over have been seen. */
    void left() {
        changed = false;
    }

    /** The turn's commands have run. @return its number, for {@link #hold}; 0: nobody has to wait */
    long endTurn() {
        long turn = keepTurn();
        Arrays.fill(seen, 0);
        return turn;
    }

    private long keepTurn() {
        boolean stable = true;
        for (int s = 0; s < seen.length && stable; s++) {
            stable = seen[s] <= stableSeqno(s);
        }
        if (stable) {
            return 0;
        }
        if (count > 0 && isLastSeen()) {
            return lastTurn;
        }
        if (count == capacity) {
            grow();
        }
        System.arraycopy(seen, 0, waiting, (head + count) % capacity * seen.length, seen.length);
        count++;
        isWaiting = true;
        return ++lastTurn;
    }

    private boolean isLastSeen() {
        int at = (head + count - 1) % capacity * seen.length;
        return Arrays.equals(waiting, at, at + seen.length, seen, 0, seen.length);
    }

    private void grow() {
        long[] wider = new long[waiting.length * 2];
        for (int i = 0; i < count; i++) {
            System.arraycopy(
                    waiting,
                    (head + i) % capacity * seen.length,
                    wider,
                    i * seen.length,
                    seen.length);
        }
        waiting = wider;
        head = 0;
        capacity *= 2;
    }

    private long stableSeqno(int shard) {
        WalWriter log = shards[shard].log;
        return log == null ? Long.MAX_VALUE : log.stableSeqno();
    }

    /** What the connection has said until now waits for the turn. */
    void hold(Connection c, long turn) {
        if (c.heldTurn == 0) {
            c.heldTurn = turn;
            c.passTo = 0;
            add(c, turn);
        } else if (c.heldTurn != turn) {
            if (c.laterTurn != turn) {
                c.laterTurn = turn;
                add(c, turn);
            }
            c.laterTo = c.outTail;
            c.laterUsed = OutputChunks.used(c.outTail);
            return;
        }
        c.heldTo = c.outTail;
        c.heldUsed = OutputChunks.used(c.outTail);
    }

    private void add(Connection c, long turn) {
        if (heldCount == heldTurns.length) {
            Connection[] connections = new Connection[heldCount * 2];
            long[] turns = new long[connections.length];
            for (int i = 0; i < heldCount; i++) {
                int from = (heldHead + i) % heldCount;
                connections[i] = heldConnections[from];
                turns[i] = heldTurns[from];
            }
            heldConnections = connections;
            heldTurns = turns;
            heldHead = 0;
        }
        int at = (heldHead + heldCount++) % heldTurns.length;
        heldConnections[at] = c;
        heldTurns[at] = turn;
    }

    /** Lets go of the replies of turns whose effects are stable by now. */
    void release() {
        while (count > 0) {
            int state = look(head * seen.length);
            if (state == PENDING) {
                return;
            }
            head = (head + 1) % capacity;
            count--;
            released = lastTurn - count;
            isWaiting = count > 0;
            deliver(state == LOST);
        }
    }

    private static final int PENDING = 0;
    private static final int STABLE = 1;
    private static final int LOST = 2;

    private int look(int at) {
        int state = STABLE;
        for (int s = 0; s < seen.length; s++) {
            if (waiting[at + s] > stableSeqno(s)) {
                WalWriter log = shards[s].log;
                if (log != null && log.isFailed()) {
                    return LOST;
                }
                state = PENDING;
            }
        }
        return state;
    }

    private void deliver(boolean lost) {
        while (heldCount > 0 && heldTurns[heldHead] <= released) {
            Connection c = heldConnections[heldHead];
            heldConnections[heldHead] = null;
            heldHead = (heldHead + 1) % heldTurns.length;
            heldCount--;
            if (c == null || c.state == Connection.State.CLOSED || c.lost) {
                continue;
            }
            if (lost) {
                // Whatever later turn it waits for as well: that need not have seen this one.
                listener.onLost(c);
                continue;
            }
            if (c.heldTurn > released) {
                continue;
            }
            if (c.laterTurn <= released) {
                c.heldTurn = 0;
                c.laterTurn = 0;
            } else {
                c.passTo = c.heldTo;
                c.passUsed = c.heldUsed;
                c.heldTurn = c.laterTurn;
                c.heldTo = c.laterTo;
                c.heldUsed = c.laterUsed;
                c.laterTurn = 0;
            }
            listener.onReleased(c);
        }
    }

    /** Bytes of the connection's first chunk that may be sent, of {@code bytes} that are there. */
    static int sendable(Connection c, int bytes) {
        if (c.heldTurn == 0) {
            return bytes;
        }
        if (c.passTo == 0) {
            return 0;
        }
        return c.passTo == c.outHead ? c.passUsed - c.outStart : bytes;
    }

    /** A chunk was sent to its end and may become another: marks in it are behind the connection's output. */
    static void sentAll(Connection c, long chunk) {
        if (c.passTo == chunk) {
            c.passTo = 0;
        }
        if (c.heldTo == chunk) {
            c.heldTo = 0;
        }
        if (c.laterTo == chunk) {
            c.laterTo = 0;
        }
    }

    /** Whether replies wait here. Any thread. */
    boolean isWaiting() {
        return isWaiting;
    }
}
