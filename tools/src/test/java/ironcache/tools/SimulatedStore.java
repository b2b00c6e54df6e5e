package ironcache.tools;

import ironcache.ffm.Prng;
import ironcache.resp.SimulatedNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A {@link SimulatedNode} and the connections of its clients, and of some {@link Bystander}s. Owned by one thread. */
final class SimulatedStore implements SteppedStore, AutoCloseable {
    /**
     * Nobody is to wait so long where nothing is on its way: the threads look around now and then anyway, and so a lost wake-up shows as
     * a delay.
     */
    private static final long STALL_NANOS = 20_000_000;

    /** Whatever else happens, nobody waits so long for a reply. */
    private static final long MOST_WAIT_NANOS = 1_000_000_000;

    private final SimulatedNode node;
    private final Prng prng;
    private final Map<Integer, SimulatedSession> sessions = new HashMap<>();

    /** By client, when it last sent or received something. */
    private final Map<Integer, Long> sinceNanos = new HashMap<>();

    private final List<Bystander> bystanders = new ArrayList<>();
    private int stalls;
    private long repliesHash;

    SimulatedStore(int shards, long seed, SimulatedNode.Bug bug) {
        prng = new Prng(~seed);
        try {
            node = new SimulatedNode(shards, seed, bug);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> bystandersIds = new ArrayList<>();
        for (int i = prng.nextInt(3); i > 0; i--) {
            bystanders.add(new Bystander(node, prng.split(), bystandersIds));
        }
    }

    SimulatedNode node() {
        return node;
    }

    /** How often all threads waited although a client had something to get. */
    int stalls() {
        return stalls;
    }

    /** Replies to bystanders that no server should give. */
    List<String> failures() {
        List<String> all = new ArrayList<>();
        bystanders.forEach(bystander -> all.addAll(bystander.unexpected()));
        return all;
    }

    /** A hash of all that has happened and was replied. */
    long traceHash() {
        return Prng.mix(repliesHash ^ node.traceHash());
    }

    @Override
    public void send(int client, List<byte[][]> commands) {
        try {
            SimulatedSession session = sessions.get(client);
            if (session == null) {
                session = new SimulatedSession(node.connect());
                sessions.put(client, session);
            }
            session.send(commands);
            sinceNanos.put(client, node.nanoTime());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public boolean step() {
        bystanders.forEach(Bystander::step);
        if (node.step() > STALL_NANOS
                && (sessions.values().stream().anyMatch(SimulatedSession::waits)
                        || bystanders.stream().anyMatch(Bystander::waits))) {
            stalls++;
        }
        return true;
    }

    @Override
    public Reply receive(int client) {
        SimulatedSession session = sessions.get(client);
        if (session == null || session.owed() == 0) {
            return null;
        }
        Reply reply = session.next();
        if (reply != null) {
            sinceNanos.put(client, node.nanoTime());
            repliesHash = Prng.mix(repliesHash ^ Prng.mix(reply.hashCode()) + client);
        } else if (session.isClosed()) {
            throw new IllegalStateException("the server closed the connection of " + client);
        } else if (node.nanoTime() - sinceNanos.get(client) > MOST_WAIT_NANOS) {
            throw new IllegalStateException("no reply comes to " + client + ": " + node);
        }
        return reply;
    }

    @Override
    public void cut(int client) {
        sessions.remove(client).close(prng.chance(0.5));
    }

    @Override
    public void close() {
        node.close();
    }
}
