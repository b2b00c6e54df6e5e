package ironcache.resp;

import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What all of a server shares: configuration, shards, logs, and decisions about connections that follow from them. Read by all threads while
 * they have their own turn; written by who has all turns ({@link CommandRow#wholeNode}), so that nobody sees it change.
 */
final class Node {
    /** Valkey's, which tells Redis clients which commands to expect. */
    static final String REDIS_VERSION = "7.2.4";

    static final String VALKEY_VERSION = "9.1.2";
    static final String VERSION = "0.1.0";

    final Shards shards;

    /** For those who look up commands; their counters are those of the first shard. */
    final CommandTable commands;

    final Config config;
    final Clock clock;
    final Log log;
    final MemoryGauge memory;
    final SlowLog slowLog = new SlowLog();
    final LatencyMonitor latencyMonitor = new LatencyMonitor();

    final String runId;
    final long startMillis;
    final long startNanos;
    final long pid;
    long lastSaveSeconds;

    /** Where CONFIG REWRITE writes; null without file. */
    @Nullable ConfigFile configFile;

    /** Client ids given so far. */
    final AtomicLong clientIds = new AtomicLong();

    /** Connections of all threads. */
    final AtomicInteger connections = new AtomicInteger();

    /** Set before the shards are made. */
    @SuppressWarnings("NullAway.Init")
    Durability durability;

    private boolean hasLoops;

    // Copies of settings that the hot path reads.
    boolean latencyTracking;
    long slowNanos;
    boolean timeEach;

    /** Replies wait until what they tell of is stable: {@code appendfsync always}. */
    volatile boolean waitsForLog;

    /** What was logged is being read back; until then few commands are answered. */
    volatile boolean loading;

    /** The loop ends after this turn. Also set by the signal handler's thread. */
    volatile boolean stopping;

    /** SHUTDOWN NOSAVE: no state is kept. */
    volatile boolean forgetful;

    /** Wall-clock end of CLIENT PAUSE. */
    long pauseUntilMillis;

    boolean pauseWritesOnly;
    boolean activeExpiry = true;

    Node(
            Shards shards,
            Config config,
            Clock clock,
            Log log,
            MemoryGauge memory,
            String runId,
            long pid) {
        this.shards = shards;
        this.commands = shards.all[0].commands;
        this.config = config;
        this.clock = clock;
        this.log = log;
        this.memory = memory;
        this.runId = runId;
        this.pid = pid;
        this.startMillis = clock.currentTimeMillis();
        this.startNanos = clock.nanoTime();
        this.lastSaveSeconds = startMillis / 1000;
        configChanged();
    }

    /** All shards have their loops. */
    void loopsExist() {
        hasLoops = true;
        configChanged();
    }

    /** The loop that a connection belongs to. */
    EventLoop loop(Connection c) {
        return shards.all[c.home].loop;
    }

    /** All connections, in the order in which they came. Who asks has all turns. */
    List<Connection> clients() {
        List<Connection> all = new ArrayList<>();
        for (Partition partition : shards.all) {
            for (Connection c : partition.loop.connections()) {
                if (c != null) {
                    all.add(c);
                }
            }
        }
        all.sort(Comparator.comparingLong(c -> c.id));
        return all;
    }

    /** Any thread: all loops end after their turn. */
    void stop() {
        stopping = true;
        durability.parity().stop();
        for (Partition partition : shards.all) {
            partition.loop.io().wake();
        }
    }

    /** Settings changed: refreshes everything derived from them. */
    void configChanged() {
        config.apply();
        latencyTracking = config.latencyTracking;
        slowNanos = Math.min(config.slowNanos, monitorNanos());
        timeEach = slowNanos < CommandTimes.TIME_EACH_BELOW_MICROS * 1000;
        slowLog.trim(config.slowlogMaxLength);
        log.setLevel(config.value("loglevel"));
        if (hasLoops) {
            for (Partition partition : shards.all) {
                partition.loop.configChanged();
            }
            durability.configChanged();
        }
    }

    private long monitorNanos() {
        return config.latencyMonitorMillis == 0
                ? Long.MAX_VALUE
                : config.latencyMonitorMillis * 1_000_000;
    }

    // Connections.

    /** Decides about a new connection. @return the error line to say before closing it, or null */
    @Nullable String refuseConnection(Connection c, Io io) {
        if (connections.get() > config.maxClients) {
            return "-ERR max number of clients reached\r\n";
        }
        if (config.password.isEmpty()) {
            c.authenticated = true;
            if (config.protectedMode && !isLoopback(io.peerAddress(c.socket))) {
                return "-DENIED Running in protected mode because protected mode is enabled and no password is set for the default"
                        + " user. In this mode connections are only accepted from the loopback interface. If you want to connect"
                        + " from external computers, you may adopt one of the following solutions: 1) Disable protected mode by"
                        + " sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting from the"
                        + " same host the server is running, however MAKE SURE it's not publicly accessible from internet if you"
                        + " do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the"
                        + " protected mode by editing the configuration file, and setting the protected mode option to 'no', and"
                        + " then restarting the server. 3) If you started the server manually just for testing, restart it with"
                        + " the '--protected-mode no' option. 4) Set up an authentication password for the default user. NOTE:"
                        + " You only need to do one of the above things in order for the server to start accepting connections"
                        + " from the outside.\r\n";
            }
        } else {
            c.check(Connection.CHECK_AUTH, true);
        }
        c.check(Connection.CHECK_PAUSE, isPaused());
        return null;
    }

    private static boolean isLoopback(String address) {
        return address.startsWith("127.")
                || address.startsWith("[::1]")
                || address.startsWith("::1")
                || address.startsWith("[0:0:0:0:0:0:0:1]")
                || address.startsWith("0:0:0:0:0:0:0:1");
    }

    /** Whether the connection exceeds client-output-buffer-limit; then it is to be closed. */
    boolean overOutputLimit(Connection c, long nowMillis) {
        OutputLimits limits = config.outputLimits;
        long hard = limits.hard()[OutputLimits.NORMAL];
        long soft = limits.soft()[OutputLimits.NORMAL];
        boolean over = hard != 0 && c.outBytes > hard;
        if (soft == 0 || c.outBytes <= soft) {
            c.softLimitSince = 0;
        } else if (c.softLimitSince == 0) {
            c.softLimitSince = Math.max(nowMillis, 1);
        } else if (nowMillis - c.softLimitSince
                > limits.softSeconds()[OutputLimits.NORMAL] * 1000) {
            over = true;
        }
        if (over) {
            shards.all[c.home].stats.outputLimitDisconnections++;
            log.warn(
                    "closing client "
                            + c.id
                            + ": client-output-buffer-limit reached with "
                            + c.outBytes
                            + " bytes");
        }
        return over;
    }

    /** Whether a command guarded by enable-debug-command and the like may run. */
    boolean allowsProtected(CommandRow row, Connection c) {
        String setting =
                row.name.equals("MODULE") ? "enable-module-command" : "enable-debug-command";
        return allowsAction(config.value(setting), c);
    }

    boolean allowsAction(String mode, Connection c) {
        return mode.equals("yes")
                || mode.equals("local") && isLoopback(loop(c).io().peerAddress(c.socket));
    }

    // CLIENT PAUSE.

    void pause(long untilMillis, boolean writesOnly) {
        // The longer and the stricter of two pauses holds, as in Valkey.
        boolean running = isPaused();
        pauseWritesOnly = running ? pauseWritesOnly && writesOnly : writesOnly;
        pauseUntilMillis = Math.max(pauseUntilMillis, untilMillis);
        for (Partition partition : shards.all) {
            partition.loop.setPaused(true);
        }
    }

    /** The loops notice in their next cron: resuming connections here would run their commands inside of CLIENT UNPAUSE. */
    void unpause() {
        pauseUntilMillis = 0;
    }

    boolean isPaused() {
        return pauseUntilMillis > clock.currentTimeMillis();
    }

    /** Whether EXEC waits: where only writes do, as one of its commands. */
    boolean isPaused(Transaction transaction) {
        return isPaused()
                && (transaction.has(CommandFlag.WRITE)
                        || transaction.has(CommandFlag.MAY_REPLICATE));
    }

    boolean isPaused(CommandRow row) {
        return isPaused()
                && (!pauseWritesOnly
                        || row.has(CommandFlag.WRITE)
                        || row.has(CommandFlag.MAY_REPLICATE));
    }

    // Slow commands.

    /** A command took at least slowNanos. Its arguments are still there. */
    void commandWasSlow(CommandContext c, CommandRow row, long nanos) {
        if (nanos >= config.slowNanos && !row.has(CommandFlag.SKIP_SLOWLOG)) {
            slowLog.add(c, nanos, peer(c.connection()), config.slowlogMaxLength);
        }
        if (nanos >= monitorNanos()) {
            latencyMonitor.add(
                    row.has(CommandFlag.FAST) ? "fast-command" : "command",
                    nanos / 1_000_000,
                    c.now() / 1000);
        }
    }

    /** A slice of a shard's active expiry took so long. */
    void expiryTook(long nanos, long nowMillis) {
        if (nanos >= monitorNanos()) {
            latencyMonitor.add("expire-cycle", nanos / 1_000_000, nowMillis / 1000);
        }
    }

    String peer(Connection c) {
        String peer = c.peer;
        if (peer == null) {
            peer = loop(c).io().peerAddress(c.socket);
            c.peer = peer;
        }
        return peer;
    }

    String local(Connection c) {
        String local = c.local;
        if (local == null) {
            local = loop(c).io().localAddress(c.socket);
            c.local = local;
        }
        return local;
    }

    // Statistics. Who asks has all turns.

    /** The sum of all threads' counters. */
    ServerStats stats() {
        ServerStats sum = new ServerStats();
        for (Partition partition : shards.all) {
            sum.add(partition.stats);
        }
        return sum;
    }

    ErrorStats errorStats() {
        ErrorStats sum = new ErrorStats();
        for (Partition partition : shards.all) {
            sum.add(partition.errorStats);
        }
        return sum;
    }

    /** A row's counters, summed. */
    CommandRow total(CommandRow row) {
        CommandRow sum = new CommandRow(row.parent, row.name, null);
        for (Partition partition : shards.all) {
            sum.addCounters(partition.commands.row(row.id));
        }
        return sum;
    }

    /** Off-heap bytes of all connections' input and output. */
    long clientBytes() {
        long bytes = 0;
        for (Partition partition : shards.all) {
            bytes += partition.loop.buffers().bytes();
        }
        return bytes;
    }

    /** CONFIG RESETSTAT. */
    void resetStats() {
        for (Partition partition : shards.all) {
            partition.stats.reset();
            partition.errorStats.clear();
            partition.leases.clear();
            CommandTable rows = partition.commands;
            for (int i = 0; i < rows.size(); i++) {
                rows.row(i).resetCounters();
            }
        }
    }
}
