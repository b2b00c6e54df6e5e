package ironcache.resp;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimFaults;
import ironcache.ffm.SimIo;
import ironcache.recovery.RecoveryException;
import ironcache.recovery.WarmState;
import ironcache.wal.DamagedManifestException;
import ironcache.wal.Manifest;
import ironcache.wal.Manifests;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

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
        LOST_WAKE,
        /** Replies do not wait for the log. */
        EARLY_REPLIES
    }

    /**
     * Keeps a log, on a disk that outlives the node.
     *
     * @param faults of all shards' I/O
     * @param fsync {@code appendfsync}
     * @param squeezeChance how often a shard's log gets less memory, so that it seals and evicts
     * @param appendOnly whether it does keep a log; what there is on the disk is read back anyway
     * @param warm whether the state of an orderly end is kept, and taken over
     * @param snapshotsKept {@code snapshot-keep}
     * @param parityPercent {@code parity-percent}
     */
    public record Durable(
            SimDisk disk,
            SimClock clock,
            SimFaults faults,
            String fsync,
            double squeezeChance,
            boolean appendOnly,
            boolean warm,
            int snapshotsKept,
            int parityPercent) {
        /** Without parity. */
        public Durable(
                SimDisk disk,
                SimClock clock,
                SimFaults faults,
                String fsync,
                double squeezeChance,
                boolean appendOnly,
                boolean warm,
                int snapshotsKept) {
            this(disk, clock, faults, fsync, squeezeChance, appendOnly, warm, snapshotsKept, 0);
        }

        /** With a log, and without the state. */
        public Durable(
                SimDisk disk,
                SimClock clock,
                SimFaults faults,
                String fsync,
                double squeezeChance) {
            this(disk, clock, faults, fsync, squeezeChance, true, false, 1);
        }
    }

    private static final long MIB = 1L << 20;
    private static final long SHARD_BYTES = 32 * MIB;
    private static final long NETWORK_BYTES = 16 * MIB;
    private static final long DISK_BYTES = 4096 * MIB;
    private static final long END_STEPS = 1_000_000;

    /** So small that a run of some hundred operations fills several. */
    private static final LogSizes SMALL_LOGS = new LogSizes(1 << 20, 384 << 10);

    /** Of a shard: its segments are the smallest there are. */
    private static final long SMALL_DISK_BYTES = 256 * MIB;

    /** Of the data, on the simulated disk. */
    public static final Path DIRECTORY = Path.of("data");

    /** Between two looks whether the other threads have settled. */
    private static final long SETTLE_POLL_NANOS = 100_000;

    private final Prng prng;
    private final Bug bug;
    private final SimThreads threads;
    private final List<SimIo> ios = new ArrayList<>();
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private final SimDisk disk;
    private final Server server;
    private final List<Squeeze> squeezes = new ArrayList<>();
    private final boolean warm;
    private int settled;
    private IOException stateFailure;

    /** Threads that run no more commands. */
    private int drained;

    public SimulatedNode(int shards, long seed, Bug bug) throws IOException {
        this(shards, new Prng(seed), bug, new SimClock(), null);
    }

    /** Starts on what is on the disk: {@link #isLoading} at first. */
    public SimulatedNode(int shards, long seed, Bug bug, Durable durable) throws IOException {
        this(shards, new Prng(seed), bug, durable.clock, durable);
    }

    private SimulatedNode(int shards, Prng prng, Bug bug, SimClock clock, Durable durable)
            throws IOException {
        this.prng = prng;
        threads = new SimThreads(clock, prng.split(), bug, this::intrude);
        long delayNanosMax = new long[] {2_000, 20_000, 200_000}[prng.nextInt(3)];
        double squeezeChance = new double[] {0, 0.003, 0.01, 0.04}[prng.nextInt(4)];
        disk = durable == null ? new SimDisk(DISK_BYTES) : durable.disk;
        if (durable != null) {
            squeezeChance = durable.squeezeChance;
        }
        warm = durable != null && durable.warm;
        List<SimThreadIo> seams = new ArrayList<>();
        for (int i = 0; i < shards; i++) {
            SimFaults faults = durable == null ? new SimFaults() : durable.faults;
            faults.delayNanosMax = delayNanosMax;
            SimIo io = new SimIo(prng.nextLong(), clock, disk, faults);
            ios.add(io);
            seams.add(new SimThreadIo(io, threads, i, disk));
        }
        Log serverLog = new Log(new PrintStream(log, true, ISO_8859_1), clock, 1);
        WarmState state = null;
        try {
            state = warm ? state(disk, seams.get(0), shards, serverLog) : null;
            server =
                    new Server(
                            config(shards, durable),
                            seams,
                            threads,
                            threads.clock(),
                            serverLog,
                            DIRECTORY,
                            shards * SHARD_BYTES,
                            NETWORK_BYTES,
                            prng.nextLong(),
                            null,
                            Commands::table,
                            durable == null ? LogSizes.DEFAULT : SMALL_LOGS,
                            state);
        } catch (Throwable e) {
            if (state != null) {
                state.close();
            }
            ios.forEach(SimIo::close);
            throw e;
        }
        this.bug = bug;
        for (int i = 0; i < shards; i++) {
            Partition partition = server.node().shards.all[i];
            Squeeze squeeze = new Squeeze(partition, prng.split(), squeezeChance);
            squeezes.add(squeeze);
            seams.get(i)
                    .setBetweenTurns(
                            () -> {
                                if (!server.node().loading) {
                                    squeeze.run();
                                }
                                forgetWatches(partition);
                            });
        }
        for (Worker worker : server.workers()) {
            threads.start(
                    () -> {
                        worker.run();
                        // None stops writing its log while another may still run commands in its
                        // shard.
                        worker.drain();
                        drained++;
                        worker.settle(() -> drained < server.workers().size());
                        settled++;
                        if (warm) {
                            keepState(worker);
                        }
                    });
        }
        host(clock, durable == null ? new SimFaults() : durable.faults);
    }

    /** One more thread, when it is wanted, with an I/O of its own. */
    private void host(SimClock clock, SimFaults faults) {
        server.node()
                .durability
                .parity()
                .setHost(
                        work -> {
                            SimIo io = new SimIo(traceHash(), clock, disk, faults);
                            ios.add(io);
                            SimThreadIo seam = new SimThreadIo(io, threads, threads.count(), disk);
                            threads.start(() -> work.accept(seam));
                        });
    }

    /** As the server's main does. */
    private static WarmState state(SimDisk disk, SimThreadIo io, int shards, Log log) {
        List<Path> names = disk.names().stream().map(Path::of).toList();
        Path newest = Manifests.newestOf(names);
        try {
            return WarmState.find(
                    io,
                    DIRECTORY,
                    null,
                    shards,
                    newest == null ? null : Manifest.parse(newest, disk.contents(newest)),
                    true,
                    (count, task) -> IntStream.range(0, count).forEach(task),
                    log::warn);
        } catch (DamagedManifestException e) {
            throw new RecoveryException(e.damage() + "; " + RecoveryException.WHAT_TO_RUN);
        }
    }

    /** On the worker's thread: as {@link WarmExit} does when all have settled. */
    private void keepState(Worker worker) {
        int count = server.workers().size();
        int number = worker.partition().number;
        while (settled < count) {
            threads.poll(ios.get(number), SETTLE_POLL_NANOS);
        }
        try {
            worker.keepState(WarmState.file(DIRECTORY, null, number), DIRECTORY, 77, count);
        } catch (IOException e) {
            stateFailure = e;
        }
    }

    /** The shards' keys go cold, as far as they fit no more: in the next turn of each. */
    public void squeeze() {
        squeezes.forEach(Squeeze::once);
    }

    private static Config config(int shards, Durable durable) {
        Config config = new Config();
        config.set(config.get("port"), "0");
        config.set(config.get("bind"), "127.0.0.1");
        config.set(config.get("enable-debug-command"), "yes");
        if (durable != null) {
            config.set(config.get("appendonly"), durable.appendOnly ? "yes" : "no");
            config.set(config.get("appendfsync"), durable.fsync);
            config.set(config.get("parity-percent"), Integer.toString(durable.parityPercent));
            config.set(config.get("snapshot-keep"), Integer.toString(durable.snapshotsKept));
            config.set(config.get("maxdisk"), Long.toString(shards * SMALL_DISK_BYTES));
        }
        return config;
    }

    /** What was logged is being read back. */
    public boolean isLoading() {
        return server.node().loading;
    }

    /** Why the shards' logs take no writes, or null. */
    public String logFailure() {
        return server.node().durability.logFailure();
    }

    /** Snapshots that have become durable. */
    public long snapshots() {
        return server.node().durability.snapshots();
    }

    public int logBytes() {
        return log.size();
    }

    /** What the server has said for the operator. */
    public String log() {
        return log.toString(ISO_8859_1);
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
        SimIo io = ios.get(prng.nextInt(server.workers().size()));
        return io.connect(io.listenAddress(0));
    }

    /**
     * Lets one thread go on for a little.
     *
     * @return how long all had to wait before, in simulated nanoseconds
     */
    public long step() {
        if (bug == Bug.EARLY_REPLIES) {
            server.node().waitsForLog = false;
        }
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
            if (disk.isDead()) {
                throw new IllegalStateException("the disk has no power");
            }
            threads.step();
        }
        if (stateFailure != null) {
            throw new IllegalStateException(stateFailure);
        }
        for (Partition partition : server.node().shards.all) {
            if (warm) {
                return; // A shard whose state was written can only be closed.
            }
            partition.shard.checkInvariants();
        }
    }

    /** Gives the memory back, however far the threads have come. */
    @Override
    public void close() {
        server.workers().forEach(Worker::close);
        parityIos().forEach(SimIo::close);
        server.node().durability.parity().abandon();
    }

    private List<SimIo> parityIos() {
        return ios.subList(server.workers().size(), ios.size());
    }
}
