package ironcache.resp;

import ironcache.datatypes.SetLimits;
import ironcache.engine.Shard;
import ironcache.parity.ParityLayout;
import ironcache.resp.Setting.Change;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The configuration: every setting by its name ({@link Setting}), and the values that running code reads as plain typed fields with their units.
 * Where Redis has the setting, it has Redis's name and takes Redis's values. Settings that Valkey has and that mean nothing here are kept, so that
 * CONFIG GET and SET of clients and tools work; {@link #isWithoutEffect} tells which. Read by all threads, changed by who has all shards.
 */
final class Config {
    private static final Change ANY = Change.ANY_TIME;
    private static final Change START = Change.START_ONLY;
    private static final long INT_MAX = Integer.MAX_VALUE;
    private static final int SNAPSHOTS_MAX = 64;

    private final Map<String, Setting> settings = new TreeMap<>();
    private final List<String> withoutEffect = new ArrayList<>();

    // What running code reads, with units; refreshed by apply().
    int timeoutSeconds;
    int maxClients;
    long maxBulkBytes;
    long clientQueryBufferLimit;
    int hashListpackEntries;
    int hashListpackValueBytes;
    final SetLimits setLimits = new SetLimits();
    boolean protectedMode;
    String password = "";
    OutputLimits outputLimits = OutputLimits.DEFAULT;

    /** Nanoseconds from which on a command is logged as slow; MAX_VALUE: none is. */
    long slowNanos;

    int slowlogMaxLength;
    boolean latencyTracking;

    /** How long a list may be that OBJECT ENCODING calls a listpack: elements, or with a minus one of five sizes. */
    int listMaxListpackSize;

    /** Memory is dealt out: what depends on it stays. */
    private boolean started;

    double[] latencyPercentiles = {50, 99, 99.9};
    long latencyMonitorMillis;

    // Beyond these OBJECT ENCODING of a sorted set says skiplist.
    int zsetListpackEntries;
    int zsetListpackMemberBytes;

    Config() {
        network();
        memoryAndDisk();
        logsAndStatistics();
        durability();
        typeLimits();
        apply();
    }

    private void network() {
        add(Setting.integer("port", 6379, 0, 65535, START));
        add(Setting.text("bind", "127.0.0.1 -::1", START));
        add(Setting.yesNo("protected-mode", true, ANY));
        add(Setting.integer("tcp-backlog", 511, 0, INT_MAX, START));
        add(Setting.integer("tcp-keepalive", 300, 0, INT_MAX, ANY));
        add(Setting.integer("timeout", 0, 0, INT_MAX, ANY));
        add(Setting.integer("maxclients", 10000, 1, 4294967295L, ANY));
        add(Setting.text("requirepass", "", ANY));
        add(Setting.size("proto-max-bulk-len", 512L << 20, 1 << 20, Long.MAX_VALUE, ANY));
        add(Setting.size("client-query-buffer-limit", 1L << 30, 1 << 20, INT_MAX, ANY));
        add(Setting.text("client-output-buffer-limit", OutputLimits.DEFAULT.toString(), ANY));
        add(Setting.choice("enable-debug-command", START, "no", "yes", "local"));
        add(Setting.choice("enable-module-command", START, "no", "yes", "local"));
        add(Setting.choice("enable-protected-configs", START, "no", "yes", "local"));
        add(Setting.choice("io", START, "auto", "io_uring", "nio"));
        add(Setting.choice("sqpoll", START, "no", "yes", "auto"));
        add(Setting.integer("hz", 10, 1, 500, ANY));
        noEffect(Setting.text("unixsocket", "", START));
        noEffect(Setting.text("unixsocketperm", "0", START));
        noEffect(Setting.integer("io-threads", 1, 1, 256, ANY));
        noEffect(Setting.size("maxmemory-clients", 0, 0, Long.MAX_VALUE, ANY));
        noEffect(Setting.yesNo("set-proc-title", true, START));
        noEffect(Setting.yesNo("daemonize", false, START));
        noEffect(Setting.text("pidfile", "", START));
        noEffect(Setting.integer("lua-time-limit", 5000, 0, INT_MAX, ANY));
        noEffect(Setting.integer("busy-reply-threshold", 5000, 0, INT_MAX, ANY));
        noEffect(Setting.integer("tls-port", 0, 0, 65535, START));
        noEffect(Setting.integer("tracking-table-max-keys", 1000000, 0, INT_MAX, ANY));
        noEffect(Setting.integer("acllog-max-len", 128, 0, INT_MAX, ANY));
        noEffect(Setting.text("aclfile", "", START));
        noEffect(Setting.yesNo("cluster-enabled", false, START));
        noEffect(Setting.text("replicaof", "", START));
        noEffect(Setting.yesNo("replica-read-only", true, ANY));
        noEffect(Setting.yesNo("replica-serve-stale-data", true, ANY));
        noEffect(Setting.integer("repl-timeout", 60, 1, INT_MAX, ANY));
        noEffect(Setting.size("repl-backlog-size", 10 << 20, 1, Long.MAX_VALUE, ANY));
        noEffect(Setting.yesNo("repl-diskless-sync", true, ANY));
        noEffect(Setting.integer("min-replicas-to-write", 0, 0, INT_MAX, ANY));
        noEffect(Setting.integer("min-replicas-max-lag", 10, 0, INT_MAX, ANY));
    }

    private void memoryAndDisk() {
        add(Setting.integer("databases", Shard.DATABASES, 1, Shard.DATABASES, START));
        add(Setting.integer("shards", 0, 0, Shards.MOST, START));
        add(Setting.text("dir", ".", Change.PROTECTED));
        add(Setting.size("maxmemory", 0, 0, Long.MAX_VALUE, ANY));
        add(Setting.size("maxdisk", 0, 0, Long.MAX_VALUE, START));
        add(
                Setting.choiceInitially(
                        "noeviction",
                        "maxmemory-policy",
                        ANY,
                        "volatile-lru",
                        "volatile-lfu",
                        "volatile-random",
                        "volatile-ttl",
                        "allkeys-lru",
                        "allkeys-lfu",
                        "allkeys-random",
                        "noeviction"));
        noEffect(Setting.integer("maxmemory-samples", 5, 1, 64, ANY));
        noEffect(Setting.integer("maxmemory-eviction-tenacity", 10, 0, 100, ANY));
        noEffect(Setting.integer("lfu-log-factor", 10, 0, INT_MAX, ANY));
        noEffect(Setting.integer("lfu-decay-time", 1, 0, INT_MAX, ANY));
        noEffect(Setting.integer("active-expire-effort", 1, 1, 10, ANY));
        noEffect(Setting.yesNo("activedefrag", false, ANY));
        noEffect(Setting.yesNo("activerehashing", true, ANY));
        noEffect(Setting.yesNo("lazyfree-lazy-eviction", true, ANY));
        noEffect(Setting.yesNo("lazyfree-lazy-expire", true, ANY));
        noEffect(Setting.yesNo("lazyfree-lazy-server-del", true, ANY));
        noEffect(Setting.yesNo("lazyfree-lazy-user-del", true, ANY));
        noEffect(Setting.yesNo("lazyfree-lazy-user-flush", true, ANY));
    }

    private void logsAndStatistics() {
        add(
                Setting.choiceInitially(
                        "notice",
                        "loglevel",
                        ANY,
                        "debug",
                        "verbose",
                        "notice",
                        "warning",
                        "nothing"));
        add(Setting.text("logfile", "", START));
        add(Setting.integer("slowlog-log-slower-than", 10000, -1, Long.MAX_VALUE, ANY));
        add(Setting.integer("slowlog-max-len", 128, 0, Long.MAX_VALUE, ANY));
        add(Setting.yesNo("latency-tracking", true, ANY));
        add(Setting.text("latency-tracking-info-percentiles", "50 99 99.9", ANY));
        add(Setting.integer("latency-monitor-threshold", 0, 0, Long.MAX_VALUE, ANY));
        noEffect(Setting.text("notify-keyspace-events", "", ANY));
        noEffect(Setting.yesNo("crash-log-enabled", true, ANY));
        noEffect(Setting.yesNo("always-show-logo", false, START));
        noEffect(Setting.yesNo("syslog-enabled", false, START));
    }

    private void durability() {
        add(Setting.yesNo("appendonly", false, ANY));
        add(Setting.text("save", "", ANY));
        add(Setting.choice("appendfsync", ANY, "everysec", "always", "no"));
        add(Setting.integer("snapshot-keep", 1, 1, SNAPSHOTS_MAX, ANY));
        add(Setting.integer("parity-percent", 0, 0, ParityLayout.PARITY_BLOCKS_MAX, START));
        add(Setting.yesNo("warm-restart", true, ANY));
        add(Setting.text("state-file", "", START));
        noEffect(Setting.yesNo("no-appendfsync-on-rewrite", false, ANY));
        add(Setting.integer("auto-aof-rewrite-percentage", 100, 0, INT_MAX, ANY));
        add(Setting.size("auto-aof-rewrite-min-size", 64 << 20, 0, Long.MAX_VALUE, ANY));
        noEffect(Setting.text("appendfilename", "appendonly.aof", START));
        noEffect(Setting.text("appenddirname", "appendonlydir", START));
        noEffect(Setting.text("dbfilename", "dump.rdb", Change.PROTECTED));
        noEffect(Setting.yesNo("rdbcompression", true, ANY));
        noEffect(Setting.yesNo("rdbchecksum", true, START));
        noEffect(Setting.yesNo("stop-writes-on-bgsave-error", true, ANY));
        noEffect(Setting.yesNo("aof-use-rdb-preamble", true, ANY));
        noEffect(Setting.integer("shutdown-timeout", 10, 0, INT_MAX, ANY));
        noEffect(Setting.text("shutdown-on-sigint", "default", ANY));
        noEffect(Setting.text("shutdown-on-sigterm", "default", ANY));
    }

    private void typeLimits() {
        add(Setting.integer("hash-max-listpack-entries", 512, 0, Long.MAX_VALUE, ANY));
        add(Setting.size("hash-max-listpack-value", 64, 0, Long.MAX_VALUE, ANY));
        add(Setting.integer("hash-max-ziplist-entries", 512, 0, Long.MAX_VALUE, ANY));
        add(Setting.size("hash-max-ziplist-value", 64, 0, Long.MAX_VALUE, ANY));
        add(Setting.integer("list-max-listpack-size", -2, Integer.MIN_VALUE, INT_MAX, ANY));
        add(Setting.integer("list-max-ziplist-size", -2, Integer.MIN_VALUE, INT_MAX, ANY));
        noEffect(Setting.integer("list-compress-depth", 0, 0, INT_MAX, ANY));
        add(Setting.integer("set-max-intset-entries", 512, 0, Long.MAX_VALUE, ANY));
        add(Setting.integer("set-max-listpack-entries", 128, 0, Long.MAX_VALUE, ANY));
        add(Setting.size("set-max-listpack-value", 64, 0, Long.MAX_VALUE, ANY));
        add(Setting.integer("zset-max-listpack-entries", 128, 0, Long.MAX_VALUE, ANY));
        add(Setting.size("zset-max-listpack-value", 64, 0, Long.MAX_VALUE, ANY));
        add(Setting.integer("zset-max-ziplist-entries", 128, 0, Long.MAX_VALUE, ANY));
        add(Setting.size("zset-max-ziplist-value", 64, 0, Long.MAX_VALUE, ANY));
        noEffect(Setting.size("hll-sparse-max-bytes", 3000, 0, Long.MAX_VALUE, ANY));
        noEffect(Setting.size("stream-node-max-bytes", 4096, 0, Long.MAX_VALUE, ANY));
        noEffect(Setting.integer("stream-node-max-entries", 100, 0, Long.MAX_VALUE, ANY));
    }

    private void add(Setting setting) {
        settings.put(setting.name, setting);
    }

    private void noEffect(Setting setting) {
        add(setting);
        withoutEffect.add(setting.name);
    }

    /** Kept for clients that ask, and nothing more. */
    boolean isWithoutEffect(String name) {
        return withoutEffect.contains(name);
    }

    @Nullable Setting find(String name) {
        return settings.get(name);
    }

    Setting get(String name) {
        Setting setting = settings.get(name);
        if (setting == null) {
            throw new IllegalArgumentException("no setting " + name);
        }
        return setting;
    }

    /** All settings by name. */
    Iterable<Setting> all() {
        return settings.values();
    }

    /**
     * Sets one value.
     *
     * @return null, or what is wrong, in Valkey's words; then nothing is changed
     */
    @Nullable String set(Setting setting, String value) {
        String before = setting.value();
        if (started && setting.name.equals("maxmemory")) {
            String wrong = setting.set(value);
            boolean same = setting.value().equals(before);
            setting.set(before);
            return wrong != null || same
                    ? wrong
                    : "maxmemory can be set at start only in this version";
        }
        String wrong = setting.set(normalized(setting, value));
        if (wrong == null) {
            wrong = check(setting);
            if (wrong != null) {
                setting.set(before);
            }
        }
        Setting alias = alias(setting);
        if (wrong == null && alias != null) {
            alias.set(setting.value());
        }
        return wrong;
    }

    /** The setting under its other name: listpacks were ziplists once. */
    private @Nullable Setting alias(Setting setting) {
        String name = setting.name;
        String other =
                name.contains("ziplist")
                        ? name.replace("ziplist", "listpack")
                        : name.replace("listpack", "ziplist");
        return other.equals(name) ? null : settings.get(other);
    }

    /** {@code client-output-buffer-limit} names classes: those that are not named keep their limits. */
    private static String normalized(Setting setting, String value) {
        if (setting.name.equals("client-output-buffer-limit")) {
            OutputLimits merged = OutputLimits.parse(setting.value()).merge(value);
            return merged == null ? value : merged.toString();
        }
        if (setting.name.equals("notify-keyspace-events")) {
            return KeyspaceEvents.normalized(value);
        }
        return value;
    }

    private @Nullable String check(Setting setting) {
        String value = setting.value();
        switch (setting.name) {
            case "client-output-buffer-limit" -> {
                if (OutputLimits.DEFAULT.merge(value) == null) {
                    return OutputLimits.wrong(value);
                }
            }
            case "notify-keyspace-events" -> {
                if (!KeyspaceEvents.isValid(value)) {
                    return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
                }
            }
            case "latency-tracking-info-percentiles" -> {
                return percentiles(value) == null
                        ? "Invalid latency-tracking-info-percentiles parameters"
                        : outOfRange(percentiles(value));
            }
            case "save" -> {
                if (!isSavePoints(value)) {
                    return "Invalid save parameters";
                }
            }
            default -> {}
        }
        return null;
    }

    private static @Nullable String outOfRange(double @Nullable [] values) {
        if (values != null) {
            for (double value : values) {
                if (value < 0 || value > 100) {
                    return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
                }
            }
        }
        return null;
    }

    private static double @Nullable [] percentiles(String text) {
        String[] words = words(text);
        double[] values = new double[words.length];
        for (int i = 0; i < words.length; i++) {
            values[i] = DoubleParser.parse(words[i]);
            if (Double.isNaN(values[i])) {
                return null;
            }
        }
        return values;
    }

    private static boolean isSavePoints(String text) {
        String[] words = words(text);
        if (words.length % 2 != 0) {
            return false;
        }
        for (String word : words) {
            for (int i = 0; i < word.length(); i++) {
                if (word.charAt(i) < '0' || word.charAt(i) > '9') {
                    return false;
                }
            }
        }
        return true;
    }

    /** The words of a text; none of an empty one. Without regular expressions: this runs at start. */
    static String[] words(String text) {
        List<String> words = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            int end = text.indexOf(' ', at);
            if (end < 0) {
                end = text.length();
            }
            if (end > at) {
                words.add(text.substring(at, end));
            }
            at = end + 1;
        }
        return words.toArray(new String[0]);
    }

    /** From now on, what memory was dealt out by cannot change. */
    void started() {
        started = true;
    }

    /** Refreshes the typed fields after changes. */
    void apply() {
        timeoutSeconds = (int) number("timeout");
        maxClients = (int) Math.min(number("maxclients"), INT_MAX);
        maxBulkBytes = Math.min(number("proto-max-bulk-len"), INT_MAX - (1 << 20));
        clientQueryBufferLimit = number("client-query-buffer-limit");
        protectedMode = get("protected-mode").isYes();
        password = get("requirepass").value();
        outputLimits = OutputLimits.parse(get("client-output-buffer-limit").value());
        long slowMicros = number("slowlog-log-slower-than");
        slowNanos =
                slowMicros < 0 || slowMicros > Long.MAX_VALUE / 1000
                        ? Long.MAX_VALUE
                        : slowMicros * 1000;
        slowlogMaxLength = (int) Math.min(number("slowlog-max-len"), 1 << 20);
        latencyTracking = get("latency-tracking").isYes();
        double[] values = percentiles(get("latency-tracking-info-percentiles").value());
        latencyPercentiles = values == null ? new double[0] : values;
        latencyMonitorMillis = number("latency-monitor-threshold");
        listMaxListpackSize = (int) number("list-max-listpack-size");
        setLimits.intsetEntriesMax = number("set-max-intset-entries");
        setLimits.listpackEntriesMax = number("set-max-listpack-entries");
        setLimits.listpackValueBytesMax = number("set-max-listpack-value");
        hashListpackEntries = limit("hash-max-listpack-entries");
        hashListpackValueBytes = limit("hash-max-listpack-value");
        zsetListpackEntries = limit("zset-max-listpack-entries");
        zsetListpackMemberBytes = limit("zset-max-listpack-value");
    }

    private int limit(String name) {
        return (int) Math.min(number(name), INT_MAX);
    }

    long number(String name) {
        return get(name).number();
    }

    String value(String name) {
        return get(name).value();
    }
}
