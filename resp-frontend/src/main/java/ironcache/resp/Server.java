package ironcache.resp;

import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.engine.ShardListener;
import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;
import ironcache.ffm.Prng;
import ironcache.ffm.SystemClock;
import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The server's main: reads the configuration, opens the shard and its loop, and runs them on the thread that called. The one class of the
 * frontend that uses files, threads and the machine's clock directly. What runs before {@code Ready to accept connections} loads as few
 * classes as it can.
 */
public final class Server implements AutoCloseable {
    private static final long MIB = 1L << 20;

    /** Allowance for the JVM besides its heap: code, classes, collector, stacks. An estimate, not yet measured part by part. */
    private static final long JVM_BYTES = 72 * MIB;

    /** Below, the shard has no room to work in. */
    private static final long LEAST_MEMORY_BYTES = 192 * MIB;

    private static final long SHUTDOWN_SECONDS = 30;

    private final Node node;
    private final Io io;
    private final Shard shard;
    private final ConnectionBuffers buffers;
    private final Executor executor;
    private final EventLoop loop;
    private final int[] listeners;

    /** Opens everything, on the thread that will run it. */
    Server(
            Config config,
            Io io,
            Clock source,
            Log log,
            Path directory,
            long shardBytes,
            long networkBytes,
            long hashSeed,
            @Nullable ConfigFile file)
            throws IOException {
        this.io = io;
        TurnClock clock = new TurnClock(source);
        MemoryGauge memory = new MemoryGauge(new ProcFiles());
        node =
                new Node(
                        Commands.table(),
                        config,
                        clock,
                        log,
                        memory,
                        runId(hashSeed),
                        ProcessHandle.current().pid());
        node.configFile = file;
        buffers = new ConnectionBuffers(networkBytes, keepFree(config));
        LateListener listener = new LateListener();
        shard =
                new Shard(
                        io,
                        clock,
                        new ShardConfig(directory, shardBytes, config.number("maxdisk"), hashSeed),
                        listener);
        executor =
                new Executor(node, shard, clock, new ReplyWriter(buffers.chunks, node.errorStats));
        loop = new EventLoop(io, shard, node, clock, buffers, executor);
        listener.target = loop;
        io.setHandlers(loop, shard.fileHandler());
        node.setLoop(loop);
        listeners = listen(config, io, log);
        memory.startupBytes = memory.usedBytes();
        config.started();
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

    private static String runId(long seed) {
        Prng prng = new Prng(seed ^ 0x5eed);
        StringBuilder id = new StringBuilder(40);
        while (id.length() < 40) {
            id.append(Character.forDigit(prng.nextInt(16), 16));
        }
        return id.toString();
    }

    private static int[] listen(Config config, Io io, Log log) throws IOException {
        String[] addresses = Config.words(config.value("bind"));
        int port = (int) config.number("port");
        int[] listeners = new int[addresses.length];
        int count = 0;
        IOException last = null;
        for (String word : addresses) {
            boolean optional = word.startsWith("-");
            String address = optional ? word.substring(1) : word;
            try {
                InetAddress host =
                        address.equals("*")
                                ? InetAddress.getByAddress(new byte[4])
                                : InetAddress.getByName(address.equals("::*") ? "::" : address);
                listeners[count] =
                        io.listen(
                                new InetSocketAddress(host, port),
                                (int) config.number("tcp-backlog"));
                if (port == 0) {
                    port = io.listenAddress(listeners[count]).getPort();
                    config.get("port").set(Integer.toString(port));
                }
                count++;
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
        if (count == 0) {
            throw new IOException(
                    "none of the addresses of bind (" + config.value("bind") + ") is available",
                    last);
        }
        return java.util.Arrays.copyOf(listeners, count);
    }

    /** Port that it listens on. */
    int port() {
        return io.listenAddress(listeners[0]).getPort();
    }

    Node node() {
        return node;
    }

    EventLoop loop() {
        return loop;
    }

    /** Serves until told to stop. */
    void run() {
        loop.run();
    }

    /** From any thread: the loop ends soon. */
    void stop() {
        node.stopping = true;
        io.wake();
    }

    /** On the thread that ran it. */
    @Override
    public void close() {
        for (int listener : listeners) {
            io.closeListener(listener);
        }
        loop.drain();
        shard.close();
        io.close();
        executor.close();
        loop.releaseAll();
        buffers.close();
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
        } catch (IOException | IllegalStateException e) {
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
        Path shardDirectory = dir.resolve("shard-0");
        Files.createDirectories(shardDirectory);
        FileLock lock = lock(dir);
        log.notice(
                "IronCache "
                        + Node.VERSION
                        + " starting, dir "
                        + dir
                        + ", maxmemory "
                        + InfoText.human(memoryBytes));
        logLeftovers(shardDirectory, log);

        CountDownLatch ended = new CountDownLatch(1);
        try (Server server =
                new Server(
                        config,
                        Ios.open(ioConfig(config, log)),
                        SystemClock.INSTANCE,
                        log,
                        shardDirectory,
                        shardBytes(memoryBytes),
                        networkBytes(memoryBytes),
                        Prng.freshSeed(),
                        file)) {
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
        } catch (RuntimeException | Error e) {
            log.warn("fatal: " + e);
            e.printStackTrace();
            Runtime.getRuntime().halt(2);
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
        return switch (setting.name) {
            case "shards" -> "1 (more come in a later version)";
            case "appendonly" -> "no (durability comes in a later version)";
            case "save" -> "\"\" (snapshots come in a later version)";
            default -> setting.allowed();
        };
    }

    /** maxmemory, or half of what machine or cgroup grant. */
    private static long decideMemory(Config config) throws ConfigException {
        Setting setting = config.get("maxmemory");
        if (setting.number() == 0) {
            setting.set(Long.toString(Math.max(LEAST_MEMORY_BYTES, grantedBytes() / 2)));
        }
        if (setting.number() < LEAST_MEMORY_BYTES) {
            throw new ConfigException(
                    "maxmemory "
                            + setting.number()
                            + ": too small; allowed: 192mb or more, or 0 for half of the"
                            + " memory that the machine or cgroup grants");
        }
        return setting.number();
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

    /** What of maxmemory is for the connections' input and output. */
    private static long networkBytes(long memoryBytes) {
        return Math.clamp(memoryBytes / 64, 16 * MIB, 256 * MIB);
    }

    private static IoConfig ioConfig(Config config, Log log) {
        IoConfig io = IoConfig.defaults().withLog(log::notice);
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

    private static void logLeftovers(Path directory, Log log) throws IOException {
        try (var files = Files.newDirectoryStream(directory)) {
            int count = 0;
            for (Path ignored : files) {
                count++;
            }
            if (count > 0) {
                log.warn(
                        directory
                                + ": "
                                + count
                                + " files of a previous run are deleted:"
                                + " this version does not recover data after a restart");
            }
        }
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
