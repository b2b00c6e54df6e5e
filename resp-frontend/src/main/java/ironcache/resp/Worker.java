package ironcache.resp;

import ironcache.datatypes.HashExpiry;
import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.engine.ShardListener;
import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A shard with its I/O, its connections and the loop that serves them: what one thread runs. */
final class Worker {
    private final Node node;
    private final Partition partition;
    private final Io io;
    private final ConnectionBuffers buffers;
    private final Executor executor;
    private final EventLoop loop;
    private final ShardDurability durability;
    private final HashExpiry fieldExpiry;
    private int[] listeners = new int[0];

    /** @param networkBytes what its connections may take of maxmemory */
    Worker(
            Node node,
            Partition partition,
            Io io,
            Clock source,
            ShardConfig config,
            long networkBytes)
            throws IOException {
        this.node = node;
        this.partition = partition;
        this.io = io;
        TurnClock clock = new TurnClock(source);
        buffers = new ConnectionBuffers(networkBytes, keepFree(node.config));
        LateListener listener = new LateListener();
        partition.shard = new Shard(io, clock, config, listener);
        fieldExpiry = new HashExpiry(partition.shard, partition::onFieldsExpired);
        partition.shard.setFieldExpiry(fieldExpiry);
        durability = new ShardDurability(node.durability, partition, io, clock, config.directory());
        node.durability.add(durability);
        ReplyGate gate = new ReplyGate(node);
        executor =
                new Executor(
                        node,
                        partition,
                        clock,
                        buffers,
                        new ReplyWriter(buffers.chunks, partition.errorStats),
                        gate);
        loop = new EventLoop(io, partition, node, clock, buffers, executor, gate, durability);
        listener.target = loop;
        partition.loop = loop;
        io.setHandlers(loop, inShard(partition, partition.shard.fileHandler(), durability));
        if (!node.shards.isSingle()) {
            io.setGate(partition);
        }
    }

    /** Completions are the shard's business. */
    private static Io.FileHandler inShard(
            Partition partition, Io.FileHandler handler, ShardDurability durability) {
        return (token, result) -> {
            partition.enter(partition);
            if (token >= Shard.FIRST_FOREIGN_TOKEN) {
                durability.onFile(token, result);
            } else {
                handler.onFile(token, result);
            }
            partition.leave();
        };
    }

    private static int keepFree(Config config) {
        return (int) Math.min(config.number("maxclients"), 4096);
    }

    /** The shard needs its listener before the loop can be made. */
    private static final class LateListener implements ShardListener {
        private @Nullable EventLoop target;

        @Override
        public void onReady(int waiter) {
            EventLoop to = target;
            if (to != null) {
                to.onReady(waiter);
            }
        }
    }

    EventLoop loop() {
        return loop;
    }

    /** Accepts connections too. @return the port */
    int listen(InetSocketAddress address, int backlog) throws IOException {
        int listener = io.listen(address, backlog);
        listeners = java.util.Arrays.copyOf(listeners, listeners.length + 1);
        listeners[listeners.length - 1] = listener;
        return io.listenAddress(listener).getPort();
    }

    /** Serves until the node stops. */
    void run() {
        if (!node.shards.isSingle()) {
            partition.lockTurn();
        }
        loop.run();
    }

    /** Says to its clients what is still to be said: it runs no more commands. */
    void drain() {
        for (int listener : listeners) {
            io.closeListener(listener);
        }
        loop.drain();
    }

    /**
     * Makes what was logged durable, and takes no further turn.
     *
     * @param others whether other threads may still run commands in the shard
     */
    void settle(BooleanSupplier others) {
        loop.settleLog(others);
        if (!node.shards.isSingle()) {
            partition.unlockTurn();
        }
    }

    /** As {@link ShardDurability#keepState}, when all threads have drained. */
    long keepState(Path file, Path dataDirectory, long shutdown, int shards) throws IOException {
        boolean single = node.shards.isSingle();
        if (!single) {
            partition.lockTurn();
        }
        partition.enter(partition);
        try {
            return durability.keepState(file, dataDirectory, shutdown, shards);
        } finally {
            partition.leave();
            if (!single) {
                partition.unlockTurn();
            }
        }
    }

    Partition partition() {
        return partition;
    }

    /** On the thread that ran it, when all others have drained too. */
    void close() {
        partition.shard.close();
        fieldExpiry.close();
        io.close();
        durability.close();
        executor.close();
        loop.releaseAll();
        buffers.close();
    }
}
