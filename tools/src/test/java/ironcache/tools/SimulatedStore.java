package ironcache.tools;

import ironcache.ffm.Prng;
import ironcache.ffm.SimIo;
import ironcache.resp.SimulatedNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A {@link SimulatedNode} and the connections of its clients. Owned by one thread. */
final class SimulatedStore implements SteppedStore, AutoCloseable {
    /**
     * Nobody is to wait so long where nothing is on its way: the threads look around once in 100 ms anyway, and so a lost wake-up shows as a
     * delay.
     */
    private static final long STALL_NANOS = 20_000_000;

    private static final int MOST_STALLS = 100;

    /** A client's connection. */
    private static final class Session {
        final SimIo.Peer peer;
        byte[] buffer = new byte[4 << 10];
        int start;
        int end;
        int owed;

        Session(SimIo.Peer peer) {
            this.peer = peer;
        }

        /** Takes all that has arrived. */
        private void fill() {
            int read = 1;
            while (read > 0) {
                if (end == buffer.length) {
                    byte[] from = buffer;
                    if (start < from.length / 2) {
                        buffer = new byte[2 * from.length];
                    }
                    end -= start;
                    System.arraycopy(from, start, buffer, 0, end);
                    start = 0;
                }
                read = peer.read(buffer, end, buffer.length - end);
                end += Math.max(read, 0);
            }
            if (read < 0) {
                throw new IllegalStateException("the server closed a connection");
            }
        }

        Reply next() {
            fill();
            int replyEnd = RespClient.endOfReply(buffer, start, end);
            if (replyEnd < 0) {
                return null;
            }
            Reply reply = new Reply(Arrays.copyOfRange(buffer, start, replyEnd));
            start = replyEnd;
            owed--;
            return reply;
        }

        /** Whether a reply that it has not got yet is owed to it. */
        boolean waits() {
            fill();
            int arrived = 0;
            for (int at = start; (at = RespClient.endOfReply(buffer, at, end)) >= 0; ) {
                arrived++;
            }
            return arrived < owed;
        }
    }

    private final SimulatedNode node;
    private final Prng prng;
    private final Map<Integer, Session> sessions = new HashMap<>();
    private int owed;
    private int stalls;
    private long repliesHash;

    SimulatedStore(int shards, long seed, SimulatedNode.Bug bug) {
        prng = new Prng(~seed);
        try {
            node = new SimulatedNode(shards, seed, bug);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    SimulatedNode node() {
        return node;
    }

    /** How often all threads waited although a client had something to get. */
    int stalls() {
        return stalls;
    }

    /** A hash of all that has happened and was replied. */
    long traceHash() {
        return Prng.mix(repliesHash ^ node.traceHash());
    }

    @Override
    public void send(int client, List<byte[][]> commands) {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        commands.forEach(command -> RespClient.encode(request, command));
        byte[] bytes = request.toByteArray();
        try {
            Session session = sessions.get(client);
            if (session == null) {
                session = new Session(node.connect());
                sessions.put(client, session);
            }
            int written = session.peer.write(bytes, 0, bytes.length);
            if (written < bytes.length) {
                throw new IllegalStateException("a send of " + bytes.length + " bytes is too much");
            }
            session.owed += commands.size();
            owed += commands.size();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public boolean step() {
        if (node.step() > STALL_NANOS
                && owed > 0
                && sessions.values().stream().anyMatch(Session::waits)) {
            stalls++;
            if (stalls > MOST_STALLS) {
                throw new IllegalStateException(owed + " replies do not come: " + node);
            }
        }
        return true;
    }

    @Override
    public Reply receive(int client) {
        Session session = sessions.get(client);
        if (session == null || session.owed == 0) {
            return null;
        }
        Reply reply = session.next();
        if (reply != null) {
            owed--;
            repliesHash = Prng.mix(repliesHash ^ Prng.mix(reply.hashCode()) + client);
        }
        return reply;
    }

    @Override
    public void cut(int client) {
        Session session = sessions.remove(client);
        owed -= session.owed;
        if (prng.chance(0.5)) {
            session.peer.reset();
        } else {
            session.peer.close();
        }
    }

    @Override
    public void close() {
        node.close();
    }
}
