package ironcache.resp;

import ironcache.engine.ShardConfig;
import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;
import ironcache.ffm.Prng;
import ironcache.ffm.Scheduling;
import ironcache.ffm.SystemClock;
import ironcache.parity.ParityFiles;
import ironcache.recovery.CannotWriteException;
import ironcache.recovery.FileWorker;
import ironcache.recovery.RecoveryException;
import ironcache.recovery.Repartition;
import ironcache.recovery.RepartitionSwitch;
import ironcache.recovery.WarmState;
import ironcache.wal.DamagedManifestException;
import ironcache.wal.Manifest;
import ironcache.wal.Manifests;
import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The server's main: reads the configuration, opens the shards, and runs the first on the thread that called, the others on theirs. With {@link LoadingServer} the one class of the
 * frontend that uses files, threads and the machine's clock directly. What runs before {@code Ready to accept connections} loads as few
 * classes as it can.
 */
public final class Server implements AutoCloseable {
    private static final long MIB = 1L << 20;

    /** Allowance for the JVM besides its heap: code, classes, collector, stacks. An estimate, not yet measured part by part. */
    private static final long JVM_BYTES = 72 * MIB;

    /** Below, the shard has no room to work in. */
    private static final long LEAST_MEMORY_BYTES = 192 * MIB;

    /** A further shard that nobody asked for is opened where it gets as much as this. */
    private static final long ROOM_FOR_SHARD_BYTES = 128 * MIB;

    private static final long SHUTDOWN_SECONDS = 30;

    private final Node node;
    private final Worker[] workers;
    private final int port;

    /** Those of all shards but the first. */
    private final List<Thread> threads = new ArrayList<>();

    /** Nobody's log is at its end while another thread may still run commands. */
    private final CountDownLatch drained;

    /** Null: no state is kept at the end. */
    private volatile @Nullable WarmExit warmExit;

    /** Nobody closes a shard that another thread may still borrow. */
    private final CountDownLatch settled;

    /**
     * Opens everything, on the thread that will run the first shard.
     *
     * @param ios one per shard
     * @param directory has a subdirectory for each shard
     * @param shardBytes memory of all shards together
     * @param networkBytes memory of all connections together
     */
    Server(
            Config config,
            List<Io> ios,
            Clock source,
            Log log,
            Path directory,
            long shardBytes,
            long networkBytes,
            long hashSeed,
            @Nullable ConfigFile file,
            @Nullable WarmState warm)
            throws IOException {
        this(
                config,
                ios,
                ThreadMutex::new,
                source,
                log,
                directory,
                shardBytes,
                networkBytes,
                hashSeed,
                file,
                Commands::table,
                LogSizes.DEFAULT,
                warm);
    }

    /** As below, of a server that begins without the state of a former one. */
    Server(
            Config config,
            List<? extends Io> ios,
            Mutex.Source mutexes,
            Clock source,
            Log log,
            Path directory,
            long shardBytes,
            long networkBytes,
            long hashSeed,
            @Nullable ConfigFile file,
            Supplier<CommandTable> tables,
            LogSizes logSizes)
            throws IOException {
        this(
                config,
                ios,
                mutexes,
                source,
                log,
                directory,
                shardBytes,
                networkBytes,
                hashSeed,
                file,
                tables,
                logSizes,
                null);
    }

    /**
     * As above, and of other threads than the machine's: these run the {@link #workers}, and {@link #run} is not called.
     *
     * @param mutexes of the threads that will run the shards
     * @param tables a command table for each shard
     * @param logSizes of all shards' logs
     * @param warm what the last shutdown left and is used, or null
     */
    Server(
            Config config,
            List<? extends Io> ios,
            Mutex.Source mutexes,
            Clock source,
            Log log,
            Path directory,
            long shardBytes,
            long networkBytes,
            long hashSeed,
            @Nullable ConfigFile file,
            Supplier<CommandTable> tables,
            LogSizes logSizes,
            @Nullable WarmState warm)
            throws IOException {
        int count = ios.size();
        MemoryGauge memory = new MemoryGauge(new ProcFiles());
        node =
                new Node(
                        new Shards(count, mutexes, tables),
                        config,
                        source,
                        log,
                        memory,
                        runId(hashSeed),
                        ProcessHandle.current().pid());
        node.configFile = file;
        node.durability =
                new Durability(
                        node, source, ios.get(0), directory, count, hashSeed, logSizes, warm);
        workers = new Worker[count];
        drained = new CountDownLatch(count);
        settled = new CountDownLatch(count);
        try {
            for (int i = 0; i < count; i++) {
                ShardConfig shard =
                        new ShardConfig(
                                directory.resolve("shard-" + i),
                                count,
                                shardBytes / count,
                                config.number("maxdisk") / count,
                                node.durability.segmentPages(),
                                node.durability.hashSeed(),
                                warm == null ? 0 : warm.framesUsed(i),
                                warm == null ? 0 : warm.notesUsed(i));
                workers[i] =
                        new Worker(
                                node,
                                node.shards.all[i],
                                ios.get(i),
                                source,
                                shard,
                                networkBytes / count);
            }
            node.loopsExist();
            node.durability.begin();
            port = listen(config, workers, log);
        } catch (Throwable e) {
            for (Worker worker : workers) {
                if (worker != null) {
                    worker.close();
                }
            }
            throw e;
        }
        memory.startupBytes = memory.usedBytes();
        config.started();
    }

    private static String runId(long seed) {
        Prng prng = new Prng(seed ^ 0x5eed);
        StringBuilder id = new StringBuilder(40);
        while (id.length() < 40) {
            id.append(Character.forDigit(prng.nextInt(16), 16));
        }
        return id.toString();
    }

    /** @return the port */
    private static int listen(Config config, Worker[] workers, Log log) throws IOException {
        int port = (int) config.number("port");
        int backlog = (int) config.number("tcp-backlog");
        boolean any = false;
        IOException last = null;
        for (String word : Config.words(config.value("bind"))) {
            boolean optional = word.startsWith("-");
            String address = optional ? word.substring(1) : word;
            try {
                InetAddress host =
                        address.equals("*")
                                ? InetAddress.getByAddress(new byte[4])
                                : InetAddress.getByName(address.equals("::*") ? "::" : address);
                for (Worker worker : workers) {
                    port = worker.listen(new InetSocketAddress(host, port), backlog);
                }
                any = true;
            } catch (IOException e) {
                if (!optional) {
                    throw new IOException(
                            "bind " + address + ", port " + port + ": " + e.getMessage(), e);
                }
                last = e;
                log.verbose(
                        "bind "
                                + address
                                + ": not available ("
                                + e.getMessage()
                                + "), and optional");
            }
        }
        if (!any) {
            throw new IOException(
                    "none of the addresses of bind (" + config.value("bind") + ") is available",
                    last);
        }
        config.get("port").set(Integer.toString(port));
        return port;
    }

    /** Port that it listens on. */
    int port() {
        return port;
    }

    Node node() {
        return node;
    }

    /** Of the first shard. */
    EventLoop loop() {
        return workers[0].loop();
    }

    /** By shard. */
    List<Worker> workers() {
        return List.of(workers);
    }

    /** Serves until told to stop. */
    void run() {
        for (int i = 1; i < workers.length; i++) {
            Worker worker = workers[i];
            Thread thread = new Thread(() -> runToEnd(worker), "shard-" + i);
            threads.add(thread);
            thread.start();
        }
        run(workers[0]);
    }

    private void run(Worker worker) {
        if (workers.length > 1) {
            Scheduling.yieldWhenWoken();
        }
        worker.run();
    }

    private void runToEnd(Worker worker) {
        try {
            run(worker);
            end(worker);
        } catch (RecoveryException e) {
            refuse(node.log, e);
        } catch (RuntimeException | Error e) {
            die(node.log, e);
        }
    }

    private void end(Worker worker) {
        worker.drain();
        drained.countDown();
        worker.settle(() -> drained.getCount() > 0);
        settled.countDown();
        awaitUninterruptibly(settled);
        WarmExit exit = warmExit;
        if (exit != null) {
            exit.keep(node, worker);
        }
        worker.close();
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        boolean interrupted = false;
        while (latch.getCount() > 0) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** What the directory holds cannot be read back: ends the process before anything is changed. */
    private static void refuse(Log log, RecoveryException e) {
        log.warn("cannot start: " + e.getMessage());
        System.err.println("ironcache: cannot start: " + e.getMessage());
        Runtime.getRuntime().halt(1);
    }

    private static void die(Log log, Throwable e) {
        log.warn("fatal: " + e);
        e.printStackTrace();
        Runtime.getRuntime().halt(2);
    }

    /** Parity has a thread of the machine's, when it is needed. Before {@link #run}. */
    private void hostParity(Config config) {
        node.durability
                .parity()
                .setHost(
                        work -> {
                            IoConfig quiet =
                                    ioConfig(config, line -> {}).withReceiveBuffers(2, 4096);
                            Thread thread =
                                    new Thread(
                                            () -> {
                                                Scheduling.yieldWhenWoken();
                                                try (Io io = Ios.open(quiet)) {
                                                    work.accept(io);
                                                }
                                            },
                                            "parity");
                            thread.setDaemon(true);
                            thread.start();
                        });
    }

    /** From any thread: the loops end soon. */
    void stop() {
        node.stop();
    }

    /** On the thread that ran it. */
    @Override
    public void close() {
        node.stop();
        if (threads.isEmpty()) {
            // The others never ran.
            for (int i = 1; i < workers.length; i++) {
                drained.countDown();
                settled.countDown();
                workers[i].close();
            }
        }
        end(workers[0]);
        for (Thread thread : threads) {
            join(thread);
        }
    }

    // The process.

    public static void main(String[] args) {
        Log log = new Log(System.out, SystemClock.INSTANCE, ProcessHandle.current().pid());
        try {
            Options options = Options.parse(args);
            if (options.help) {
                System.out.print(usage());
                return;
            }
            if (options.version) {
                System.out.println("IronCache " + Node.VERSION);
                return;
            }
            serve(options, log);
        } catch (ConfigException e) {
            System.err.println("ironcache: " + e.getMessage());
            System.exit(1);
        } catch (IOException
                | IllegalArgumentException
                | IllegalStateException
                | CannotWriteException
                | RecoveryException e) {
            log.warn("cannot start: " + e.getMessage());
            System.err.println("ironcache: cannot start: " + e.getMessage());
            System.exit(1);
        }
    }

    private static void serve(Options options, Log firstLog) throws ConfigException, IOException {
        Config config = new Config();
        TomlFile file = null;
        if (options.file != null) {
            file = new TomlFile(Path.of(options.file).toAbsolutePath());
            String text;
            try {
                text = file.read();
            } catch (IOException e) {
                throw new ConfigException(options.file + ": cannot be read (" + e + ")");
            }
            apply(config, options.file + ": ", TomlSettings.parse(options.file, text));
        }
        apply(config, "--", options.settings);
        config.apply();
        long memoryBytes = decideMemory(config);
        Log log = openLog(config, firstLog);
        Path dir = Path.of(config.value("dir")).toAbsolutePath().normalize();
        Files.createDirectories(dir);
        FileLock lock = lock(dir);
        if (Files.exists(dir.resolve("recover-incomplete"))) {
            throw new IOException(
                    "dir "
                            + dir
                            + ": ironcache-tool (recover, restore or load) was cut off while it wrote"
                            + " this: delete it and begin again");
        }
        if (Files.exists(dir.resolve(RepartitionSwitch.BUILDING))
                || Files.exists(dir.resolve(RepartitionSwitch.READY))) {
            try (FileWorker worker = new FileWorker()) {
                new RepartitionSwitch(worker, dir, log::notice).settle();
            }
        }
        int shards = decideShards(config, memoryBytes, dir);
        log.notice(
                "IronCache "
                        + Node.VERSION
                        + " starting, dir "
                        + dir
                        + ", maxmemory "
                        + InfoText.human(memoryBytes)
                        + ", "
                        + shards
                        + (shards == 1 ? " shard" : " shards"));
        repartition(config, dir, shards, shardBytes(memoryBytes), log, file);
        for (int i = 0; i < shards; i++) {
            Path directory = dir.resolve("shard-" + i);
            Files.createDirectories(directory);
        }

        List<Io> ios = openIos(config, shards, log);
        Path stateDirectory = stateDirectory(config);
        WarmState warm =
                WarmState.find(
                        ios.get(0),
                        dir,
                        stateDirectory,
                        shards,
                        manifestIn(dir),
                        config.get("warm-restart").isYes(),
                        Server::inThreads,
                        log::warn);
        checkPort(config);
        CountDownLatch ended = new CountDownLatch(1);
        try (Server server =
                new Server(
                        config,
                        ios,
                        SystemClock.INSTANCE,
                        log,
                        dir,
                        shardBytes(memoryBytes) - parityBytes(config),
                        networkBytes(memoryBytes),
                        Prng.freshSeed(),
                        file,
                        warm)) {
            server.hostParity(config);
            server.warmExit =
                    new WarmExit(dir, stateDirectory, Prng.freshSeed(), SystemClock.INSTANCE);
            Runtime.getRuntime()
                    .addShutdownHook(new Thread(() -> stopAtSignal(server, ended), "shutdown"));
            log.notice(
                    "Ready to accept connections on port "
                            + server.port()
                            + " ("
                            + config.value("bind")
                            + ")");
            server.run();
            log.notice("shutting down");
        } catch (RecoveryException e) {
            refuse(log, e);
        } catch (RuntimeException | Error e) {
            die(log, e);
        } finally {
            lock.release();
        }
        log.notice("bye");
        ended.countDown();
        System.exit(0);
    }

    /** SIGTERM and SIGINT end up here: stops the loop, waits for it, and ends the process with 0 instead of the signal's code. */
    private static void stopAtSignal(Server server, CountDownLatch ended) {
        server.stop();
        try {
            boolean clean = ended.await(SHUTDOWN_SECONDS, TimeUnit.SECONDS);
            WarmExit exit = server.warmExit;
            while (!clean && exit != null && exit.isKeeping()) {
                clean = ended.await(SHUTDOWN_SECONDS, TimeUnit.SECONDS);
            }
            System.out.flush();
            Runtime.getRuntime().halt(clean ? 0 : 1);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void apply(Config config, String where, Map<String, String> values)
            throws ConfigException {
        for (Map.Entry<String, String> entry : values.entrySet()) {
            Setting setting = config.find(entry.getKey());
            if (setting == null) {
                throw new ConfigException(
                        where + entry.getKey() + ": no such setting; --help lists them");
            }
            String wrong = config.set(setting, entry.getValue());
            if (wrong != null) {
                throw new ConfigException(
                        where
                                + entry.getKey()
                                + " "
                                + entry.getValue()
                                + ": "
                                + wrong
                                + "; allowed: "
                                + allowed(setting));
            }
        }
    }

    private static String allowed(Setting setting) {
        return setting.allowed();
    }

    /** maxmemory, or half of what machine or cgroup grant. */
    private static long decideMemory(Config config) throws ConfigException {
        Setting setting = config.get("maxmemory");
        long further = Math.max(0, config.number("shards") - 1);
        long least =
                LEAST_MEMORY_BYTES + further * ShardConfig.LEAST_MEMORY_BYTES + parityBytes(config);
        if (setting.number() == 0) {
            setting.set(Long.toString(Math.max(least, grantedBytes() / 2)));
        }
        if (setting.number() < least) {
            throw new ConfigException(
                    "maxmemory "
                            + setting.number()
                            + ": too small; allowed: "
                            + (least >>> 20)
                            + "mb or more, or 0 for half of the memory that the machine or cgroup"
                            + " grants");
        }
        return setting.number();
    }

    /** As many as told, or as the directory has data of, or as there are cores, if memory has room for them. */
    private static int decideShards(Config config, long memoryBytes, Path dir) throws IOException {
        Setting setting = config.get("shards");
        if (setting.number() == 0) {
            setting.set(Long.toString(shardsIn(dir)));
        }
        if (setting.number() == 0) {
            setting.set(Long.toString(WarmState.shardsIn(dir, stateDirectory(config))));
        }
        if (setting.number() == 0) {
            long room = 1 + (memoryBytes - LEAST_MEMORY_BYTES) / ROOM_FOR_SHARD_BYTES;
            int cores = Runtime.getRuntime().availableProcessors();
            setting.set(Long.toString(Math.clamp(Math.min(cores, room), 1, Shards.MOST)));
        }
        return (int) setting.number();
    }

    /** Where the directory's data are of another number of shards than was told, they are dealt out anew. */
    private static void repartition(
            Config config,
            Path dir,
            int shards,
            long memoryBytes,
            Log log,
            @Nullable ConfigFile file)
            throws IOException {
        Manifest manifest = manifestIn(dir);
        Path stateDirectory = stateDirectory(config);
        boolean warmRestart = config.get("warm-restart").isYes();
        int former =
                manifest != null
                        ? manifest.shards().size()
                        : warmRestart ? WarmState.shardsIn(dir, stateDirectory) : 0;
        if (former == 0 || former == shards) {
            return;
        }
        checkPort(config);
        try (FileWorker worker = new FileWorker();
                WarmState state =
                        WarmState.find(
                                worker.io,
                                dir,
                                stateDirectory,
                                former,
                                manifest,
                                warmRestart,
                                Server::inThreads,
                                log::warn)) {
            if (state == null && manifest == null) {
                return;
            }
            try (LoadingServer clients =
                    new LoadingServer(
                            config,
                            Ios.open(ioConfig(config, line -> {})),
                            log,
                            RepartitionSwitch.scratch(dir).resolve("loading"),
                            file)) {
                Repartition.run(
                        dir, shards, manifest, state, memoryBytes, clients.progress(), log::notice);
            }
            for (int i = 0; i < former && state != null && stateDirectory != null; i++) {
                // Stale by the manifest that there is now; those in the shards' directories went
                // with them.
                Files.deleteIfExists(WarmState.file(dir, stateDirectory, i));
            }
        }
    }

    /** 0: the directory has no data. */
    private static int shardsIn(Path dir) throws IOException {
        Manifest manifest = manifestIn(dir);
        return manifest == null ? 0 : manifest.shards().size();
    }

    /** The newest, or null. */
    private static @Nullable Manifest manifestIn(Path dir) throws IOException {
        List<Path> files = new ArrayList<>();
        try (var entries = Files.newDirectoryStream(dir)) {
            entries.forEach(files::add);
        }
        Path newest = Manifests.newestOf(files);
        if (newest == null) {
            return null;
        }
        try {
            return Manifest.parse(newest, Files.readAllBytes(newest));
        } catch (DamagedManifestException e) {
            throw new RecoveryException(e.damage() + "; " + RecoveryException.WHAT_TO_RUN);
        }
    }

    /** Where state files are; null: each in its shard's directory. */
    private static @Nullable Path stateDirectory(Config config) {
        String name = config.value("state-file");
        return name.isEmpty() ? null : Path.of(name).toAbsolutePath().normalize();
    }

    /** On all cores: checksums of gigabytes are to be verified before anyone is served. */
    private static void inThreads(int count, IntConsumer task) {
        AtomicInteger next = new AtomicInteger();
        Runnable work =
                () -> {
                    for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                        task.accept(i);
                    }
                };
        List<Thread> helpers = new ArrayList<>();
        int cores = Math.min(Runtime.getRuntime().availableProcessors(), count);
        for (int i = 1; i < cores; i++) {
            Thread helper = new Thread(work, "verify-" + i);
            helper.setDaemon(true);
            helper.start();
            helpers.add(helper);
        }
        work.run();
        for (Thread helper : helpers) {
            join(helper);
        }
    }

    static void join(Thread thread) {
        boolean ended = false;
        while (!ended) {
            try {
                thread.join();
                ended = true;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static long grantedBytes() {
        long machine = new ProcFiles().machineBytes();
        try {
            String text = Files.readString(Path.of("/sys/fs/cgroup/memory.max")).strip();
            if (!text.equals("max")) {
                machine = Math.min(machine, Long.parseLong(text));
            }
        } catch (IOException | NumberFormatException e) {
            // No cgroup limit to be seen: the machine's memory counts.
        }
        return machine;
    }

    /** What of maxmemory is the shard's: heap, JVM and connections come off first. */
    private static long shardBytes(long memoryBytes) {
        return memoryBytes
                - Runtime.getRuntime().maxMemory()
                - JVM_BYTES
                - networkBytes(memoryBytes);
    }

    /** What of maxmemory parity takes while it is made. */
    private static long parityBytes(Config config) {
        int blocks = (int) config.number("parity-percent");
        return blocks == 0 ? 0 : ParityFiles.memoryBytes(blocks);
    }

    /** What of maxmemory is for the connections' input and output. */
    private static long networkBytes(long memoryBytes) {
        return Math.clamp(memoryBytes / 64, 16 * MIB, 256 * MIB);
    }

    private static List<Io> openIos(Config config, int shards, Log log) throws IOException {
        List<Io> ios = new ArrayList<>();
        for (int i = 0; i < shards; i++) {
            IoConfig io = ioConfig(config, i == 0 ? log::notice : line -> {});
            ios.add(Ios.open(io.withOwners(shards)));
        }
        return ios;
    }

    private static IoConfig ioConfig(Config config, Consumer<String> log) {
        IoConfig io = IoConfig.defaults().withLog(log);
        io =
                switch (config.value("io")) {
                    case "io_uring" -> io.withKind(IoConfig.Kind.IO_URING);
                    case "nio" -> io.withKind(IoConfig.Kind.NIO);
                    default -> io;
                };
        // auto: a polling thread costs a core, so only where there are plenty.
        boolean sqpoll =
                switch (config.value("sqpoll")) {
                    case "yes" -> true;
                    case "auto" -> Runtime.getRuntime().availableProcessors() >= 16;
                    default -> false;
                };
        return io.withSqpoll(sqpoll);
    }

    private static Log openLog(Config config, Log standard) throws ConfigException {
        String name = config.value("logfile");
        Log log = standard;
        if (!name.isEmpty()) {
            try {
                log =
                        new Log(
                                new PrintStream(
                                        new FileOutputStream(name, true),
                                        false,
                                        StandardCharsets.UTF_8),
                                SystemClock.INSTANCE,
                                ProcessHandle.current().pid());
            } catch (IOException e) {
                throw new ConfigException(
                        "logfile " + name + ": cannot be written (" + e.getMessage() + ")");
            }
        }
        log.setLevel(config.value("loglevel"));
        return log;
    }

    /** The listeners of several shards share their port, with whoever else does: that must not be another server. */
    private static void checkPort(Config config) throws IOException {
        int port = (int) config.number("port");
        if (port == 0) {
            return;
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        } catch (BindException e) {
            throw new IOException("port " + port + ": in use (" + e.getMessage() + ")", e);
        }
    }

    /** Two servers on one directory would destroy each other's files. */
    private static FileLock lock(Path dir) throws IOException {
        FileChannel channel =
                FileChannel.open(
                        dir.resolve("ironcache.lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock();
        if (lock == null) {
            throw new IOException(
                    "dir " + dir + ": another IronCache uses it (ironcache.lock is held)");
        }
        return lock;
    }

    private static String usage() {
        StringBuilder text = new StringBuilder(8192);
        text.append(
                "usage: ironcache server [FILE.toml] [--NAME VALUE ...]\n\nsettings, with their defaults:\n");
        Config config = new Config();
        for (Setting setting : config.all()) {
            if (!config.isWithoutEffect(setting.name)) {
                String initial = setting.initialValue();
                text.append("  --")
                        .append(setting.name)
                        .append(' ')
                        .append(initial.isEmpty() ? "\"\"" : initial)
                        .append("\n        ")
                        .append(allowed(setting))
                        .append('\n');
            }
        }
        text.append("\naccepted for clients that ask, without effect:\n ");
        for (Setting setting : config.all()) {
            if (config.isWithoutEffect(setting.name)) {
                text.append(' ').append(setting.name);
            }
        }
        return text.append('\n').toString();
    }

    /** The file of the command line. */
    private record TomlFile(Path file) implements ConfigFile {
        @Override
        public String path() {
            return file.toString();
        }

        @Override
        public String read() throws IOException {
            return Files.readString(file);
        }

        @Override
        public void write(String text) throws IOException {
            Path fresh = file.resolveSibling(file.getFileName() + ".new");
            Files.writeString(fresh, text);
            try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(
                    fresh,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** {@code /proc}; zeros where the system has none. */
    private static final class ProcFiles implements ProcessMemory {
        private static final long PAGE_BYTES = 4096;
        private static final long TICK_MICROS = 10_000;

        private final byte[] buffer = new byte[1024];
        private @Nullable RandomAccessFile statm;

        @Override
        public long residentBytes() {
            try {
                RandomAccessFile file = statm;
                if (file == null) {
                    file = new RandomAccessFile("/proc/self/statm", "r");
                    statm = file;
                }
                file.seek(0);
                int length = file.read(buffer);
                int at = 0;
                while (at < length && buffer[at] != ' ') {
                    at++;
                }
                long pages = 0;
                for (at++; at < length && buffer[at] != ' '; at++) {
                    pages = pages * 10 + buffer[at] - '0';
                }
                return pages * PAGE_BYTES;
            } catch (IOException e) {
                return 0;
            }
        }

        @Override
        public long machineBytes() {
            try (BufferedReader file =
                    Files.newBufferedReader(
                            Path.of("/proc/meminfo"), StandardCharsets.ISO_8859_1)) {
                String line = file.readLine();
                long kib = 0;
                for (int i = 0; line != null && i < line.length(); i++) {
                    char digit = line.charAt(i);
                    if (digit >= '0' && digit <= '9') {
                        kib = kib * 10 + digit - '0';
                    }
                }
                return kib << 10;
            } catch (IOException e) {
                return 4L << 30;
            }
        }

        @Override
        public long[] cpuMicros() {
            try {
                String line =
                        Files.readString(Path.of("/proc/self/stat"), StandardCharsets.ISO_8859_1);
                String[] fields = Config.words(line.substring(line.lastIndexOf(')') + 2));
                return new long[] {
                    Long.parseLong(fields[11]) * TICK_MICROS,
                    Long.parseLong(fields[12]) * TICK_MICROS
                };
            } catch (IOException | RuntimeException e) {
                return new long[2];
            }
        }
    }
}
