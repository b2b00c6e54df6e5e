package ironcache.resp;

import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The server's shards, loops and executors as they are, over simulated threads, locks, disk, network and time: all in the caller's thread, and from one
 * seed always the same. For tests of other modules; the caller's classes play the clients.
 */
public final class SimulatedNode implements AutoCloseable {
    /** What may be wrong, so that checkers have something to see. */
    public enum Bug {
        NONE,
        /** Now and then the shards of an EXEC are given back before its last write, and taken again for the rest. */
        RELEASE_BEFORE_LAST_WRITE,
        /** Now and then a watch that a change has broken is forgotten. */
        DEAF_WATCH,
        /** Now and then a thread is not woken. */
        LOST_WAKE
    }

    private static final long MIB = 1L << 20;
    private static final long SHARD_BYTES = 32 * MIB;
    private static final long NETWORK_BYTES = 16 * MIB;
    private static final long DISK_BYTES = 4096 * MIB;
    private static final long END_STEPS = 1_000_000;

    private final Prng prng;
    private final SimThreads threads;
    private final List<SimIo> ios = new ArrayList<>();
    private final Server server;

    public SimulatedNode(int shards, long seed, Bug bug) throws IOException {
        prng = new Prng(seed);
        SimClock clock = new SimClock();
        SimDisk disk = new SimDisk(DISK_BYTES);
        threads = new SimThreads(clock, prng.split(), bug, this::intrude);
        long delayNanosMax = new long[] {2_000, 20_000, 200_000}[prng.nextInt(3)];
        double squeezeChance = new double[] {0, 0.003, 0.01, 0.04}[prng.nextInt(4)];
        List<SimThreadIo> seams = new ArrayList<>();
        for (int i = 0; i < shards; i++) {
            SimIo io = new SimIo(prng.nextLong(), clock, disk);
            io.faults().delayNanosMax = delayNanosMax;
            ios.add(io);
            SimThreadIo seam = new SimThreadIo(io, threads, i);
            seams.add(seam);
        }
        Config config = new Config();
        config.set(config.get("port"), "0");
        config.set(config.get("bind"), "127.0.0.1");
        config.set(config.get("enable-debug-command"), "yes");
        server =
                new Server(
                        config,
                        seams,
                        threads,
                        threads.clock(),
                        new Log(new PrintStream(OutputStream.nullOutputStream()), clock, 1),
                        Path.of("data"),
                        shards * SHARD_BYTES,
                        NETWORK_BYTES,
                        prng.nextLong(),
                        null,
                        Commands::table);
        for (int i = 0; i < shards; i++) {
            Partition partition = server.node().shards.all[i];
            Squeeze squeeze = new Squeeze(partition, prng.split(), squeezeChance);
            seams.get(i)
                    .setBetweenTurns(
                            () -> {
                                squeeze.run();
                                forgetWatches(partition);
                            });
        }
        for (Worker worker : server.workers()) {
            threads.start(
                    () -> {
                        worker.run();
                        worker.drain();
                    });
        }
    }

    private void intrude(int thread, List<Integer> shards) {
        Partition[] all = server.node().shards.all;
        for (Connection c : all[thread].loop.connections()) {
            if (c != null && c.isExecuting() && c.state == Connection.State.OPEN) {
                shards.forEach(shard -> all[shard].leave());
                for (int shard : shards) {
                    all[shard].enter(all[thread]);
                    // Else it would notice that a command runs that never began.
                    all[shard].shard.begin(c.waiter, server.node().clock.currentTimeMillis());
                }
            }
        }
    }

    private void forgetWatches(Partition own) {
        for (Connection c : own.loop.connections()) {
            if (c != null
                    && c.watched != null
                    && c.watched.isBroken()
                    && threads.strikes(Bug.DEAF_WATCH)) {
                List<Partition> watched = new ArrayList<>();
                for (Partition one : server.node().shards.all) {
                    if ((c.watchedOver >>> one.number & 1) != 0) {
                        watched.add(one);
                    }
                }
                watched.forEach(one -> one.enter(own));
                Watches.removeAll(c);
                watched.forEach(Partition::leave);
            }
        }
    }

    /** A client connects, to one of the shards. */
    public SimIo.Peer connect() throws IOException {
        SimIo io = ios.get(prng.nextInt(ios.size()));
        return io.connect(io.listenAddress(0));
    }

    /**
     * Lets one thread go on for a little.
     *
     * @return how long all had to wait before, in simulated nanoseconds
     */
    public long step() {
        return threads.step();
    }

    /** Simulated time. */
    public long nanoTime() {
        return threads.nanoTime();
    }

    /** A hash of all that has happened. */
    public long traceHash() {
        long hash = threads.traceHash();
        for (SimIo io : ios) {
            hash = Prng.mix(hash ^ io.traceHash());
        }
        return hash;
    }

    /** How often a thread had to wait for a lock. */
    public long lockWaits() {
        return threads.waits();
    }

    /** How often the planted bug struck. */
    public long planted() {
        return threads.planted();
    }

    /** How often a command had to wait for the disk, for space or for another's transaction. */
    public long parks() {
        return server.node().stats().parks;
    }

    /** Reads from the simulated disk. */
    public long coldReads() {
        return server.node().shards.stats().coldReads;
    }

    /** How often EXEC had to wait in the middle of its work. */
    public long transactionHolds() {
        return server.node().stats().transactionHolds;
    }

    /** Where threads and connections are. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(threads.toString());
        for (Worker worker : server.workers()) {
            for (Connection c : worker.loop().connections()) {
                if (c != null) {
                    text.append("\n  client ")
                            .append(c.id)
                            .append(" of thread ")
                            .append(c.home)
                            .append(' ')
                            .append(c.state)
                            .append(", commands ")
                            .append(c.commands)
                            .append(", waiting input ")
                            .append(c.inputBytes())
                            .append(", output ")
                            .append(c.outBytes)
                            .append(", in flight ")
                            .append(c.outInFlight);
                }
            }
        }
        return text.toString();
    }

    /** All threads end as the server's do. */
    public void stop() {
        server.stop();
        for (long steps = 0; !threads.haveEnded(); steps++) {
            if (steps > END_STEPS) {
                throw new IllegalStateException("the threads do not end");
            }
            threads.step();
        }
        for (Partition partition : server.node().shards.all) {
            partition.shard.checkInvariants();
        }
    }

    /** Gives the memory back, however far the threads have come. */
    @Override
    public void close() {
        server.workers().forEach(Worker::close);
    }
}
