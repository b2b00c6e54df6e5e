package ironcache.tools;

import ironcache.tools.Op.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/**
 * Seeded stream of commands, right ones and broken ones, over few keys so that they meet: of the families strings, generic keyspace,
 * connection and server, or of the collections. The same seed and base time give the same stream.
 *
 * <p>What is kept out, because the reply would depend on the moment and not on the server: deadlines less than an hour
 * ahead (except in {@link Kind#SETTLE}, which waits for them), and LCS of long values (quadratic on the oracle too).
 */
final class CommandGen {
    static final int CONNECTIONS = 4;
    static final int DATABASES = 4;

    /** Sizes at which encodings and layouts change: embstr, int, inline buffers, pages of 64 KiB. */
    private static final int[] EDGE_SIZES = {
        0, 1, 8, 19, 20, 21, 43, 44, 45, 63, 64, 127, 128, 191, 192, 255, 256, 1023, 1024, 4095,
        4096, 16383, 16384, 32767, 65519, 65535, 65536, 65537, 66000, 70000, 100_000, 131_072,
        131_073
    };

    /** No plain number between 10^6 and 5·10^8 here: as an offset it would make the oracle allocate that much. */
    private static final String[] WEIRD = {
        "",
        " ",
        "abc",
        "-1",
        "0",
        "1",
        "2",
        "-2",
        "3",
        "10",
        "-0",
        "+1",
        "01",
        " 1",
        "1 ",
        "1.5",
        "1.0",
        "-1.5",
        "1e3",
        "1E400",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "+inf",
        "infinity",
        "0x10",
        "3.0e-5",
        "5e-324",
        "1.7e308",
        "0.1",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "9223372036854775806",
        "9223372036854775",
        "18446744073709551615",
        "18446744073709551616",
        "2147483647",
        "2147483648",
        "-2147483648",
        "4294967296",
        "536870912",
        "536870911000",
        "99999999999999999999999",
        "3.14159265358979323846",
        "10000000000000000000000",
        "1e17",
        "123456789012345678",
        "17179869184.5",
        "NX",
        "XX",
        "GT",
        "LT",
        "EX",
        "PX",
        "EXAT",
        "PXAT",
        "KEEPTTL",
        "GET",
        "PERSIST",
        "IFEQ",
        "DB",
        "REPLACE",
        "LEN",
        "IDX",
        "MINMATCHLEN",
        "WITHMATCHLEN",
        "MATCH",
        "COUNT",
        "TYPE",
        "HELP",
        "*",
        "?",
        "[",
        "\\",
        "\0",
        "\r\n",
        "\u00ff\u00fe",
        "foo\0bar",
        "'",
        "\"",
        "%s",
        "${x}"
    };

    /** What the commands are about. */
    enum Families {
        STRINGS,
        COLLECTIONS
    }

    private final SplittableRandom random;
    private final long baseTimeMs;
    private final Families families;
    private final List<Supplier<Op>> table = new ArrayList<>();
    private int connection;
    private int burst;

    CommandGen(long seed, long baseTimeMs, Families families) {
        random = new SplittableRandom(seed);
        this.baseTimeMs = baseTimeMs;
        this.families = families;
        if (families == Families.COLLECTIONS) {
            new CollectionGen(this);
            return;
        }
        strings();
        keyspace();
        connection();
        server();
    }

    Op next() {
        if (burst-- <= 0) {
            connection = random.nextInt(CONNECTIONS);
            burst = 1 + random.nextInt(120);
        }
        return table.get(random.nextInt(table.size())).get();
    }

    // ---- families: a weight is the number of tickets in the table ----

    private void strings() {
        add(50, this::set);
        add(36, () -> plain("GET", key()));
        add(6, () -> plain("GETSET", key(), value()));
        add(8, () -> plain("GETDEL", key()));
        add(
                12,
                () -> {
                    List<Object> a = list("GETEX", key());
                    if (chance(80)) {
                        expiryOption(a, "PERSIST");
                    }
                    return plain(a);
                });
        add(6, () -> plain("SETEX", key(), relative(false), value()));
        add(6, () -> plain("PSETEX", key(), relative(true), value()));
        add(8, () -> plain("SETNX", key(), value()));
        add(10, () -> pairs("MSET"));
        add(8, () -> pairs("MSETNX"));
        add(8, this::msetex);
        add(14, () -> keys("MGET", 6));
        add(
                22,
                () -> {
                    String k = anyKey();
                    return plain("APPEND", k, small(k) ? smallValue(16) : value(k));
                });
        add(12, () -> plain("STRLEN", key()));
        add(
                20,
                () -> {
                    String k = anyKey();
                    return plain("SETRANGE", k, offset(k), small(k) ? smallValue(16) : value(k));
                });
        add(16, () -> plain(chance(80) ? "GETRANGE" : "SUBSTR", key(), index(), index()));
        add(10, () -> plain(pick("INCR", "DECR"), numberKey()));
        add(12, () -> plain(pick("INCRBY", "DECRBY"), numberKey(), integer()));
        add(14, () -> plain("INCRBYFLOAT", numberKey(), decimal()));
        add(
                10,
                () -> {
                    List<Object> a = list("LCS", smallKey(), smallKey());
                    if (chance(70)) {
                        options(a, "LEN", "IDX", "WITHMATCHLEN", null);
                        if (chance(40)) {
                            a.add("MINMATCHLEN");
                            a.add(pick("0", "1", "2", "4", "-1", "x", "9223372036854775808"));
                        }
                    }
                    return plain(a);
                });
        add(8, () -> plain("DELIFEQ", key(), value()));
    }

    private Op set() {
        String k = anyKey();
        List<Object> a = list("SET", k, value(k));
        if (chance(45)) {
            options(a, "NX", "XX", "GET", null);
            if (chance(12)) {
                a.add("IFEQ");
                a.add(value(k));
            }
            if (chance(50)) {
                expiryOption(a, "KEEPTTL");
            }
        }
        return plain(a);
    }

    private Op msetex() {
        int n = 1 + random.nextInt(4);
        List<Object> a = list("MSETEX", chance(90) ? Integer.toString(n) : weird());
        for (int i = 0; i < n; i++) {
            String k = anyKey();
            a.add(k);
            a.add(value(k));
        }
        options(a, "NX", "XX", null);
        if (chance(60)) {
            expiryOption(a, "KEEPTTL");
        }
        return plain(a);
    }

    private void keyspace() {
        add(14, () -> keys("DEL", 4));
        add(6, () -> keys("UNLINK", 4));
        add(10, () -> keys("EXISTS", 6));
        add(6, () -> keys("TOUCH", 6));
        add(8, () -> plain("TYPE", key()));
        add(
                30,
                () -> {
                    String command = pick("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT");
                    boolean ms = command.startsWith("P");
                    List<Object> a =
                            list(
                                    command,
                                    key(),
                                    command.endsWith("AT") ? absolute(ms) : relative(ms));
                    if (chance(50)) {
                        options(a, "NX", "XX", "GT", "LT");
                    }
                    return plain(a);
                });
        add(20, () -> plain(pick("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"), key()));
        add(8, () -> plain("PERSIST", key()));
        add(
                12,
                () -> {
                    String[] k = sameClass();
                    return plain(pick("RENAME", "RENAMENX"), k[0], k[1]);
                });
        add(
                12,
                () -> {
                    String[] k = sameClass();
                    List<Object> a = list("COPY", k[0], k[1]);
                    options(a, "REPLACE", null);
                    if (chance(40)) {
                        a.add("DB");
                        a.add(database());
                    }
                    return plain(a);
                });
        add(6, () -> plain("MOVE", key(), database()));
        add(2, () -> new Op(connection, Kind.RANDOM_KEY, bytes(list("RANDOMKEY"))));
        add(
                3,
                () ->
                        plain(
                                "KEYS",
                                pick(
                                        "*", "s:*", "b:?", "n:[0-2]", "*:1*", "[^s]*", "s:\\1",
                                        "zzz*", "", "[", "\\")));
        add(
                3,
                () -> {
                    List<Object> a = list("SCAN", "0");
                    options(a, null, null);
                    if (chance(50)) {
                        a.add("MATCH");
                        a.add(pick("*", "s:*", "*1", "b:?", "nothing*"));
                    }
                    if (chance(50)) {
                        a.add("COUNT");
                        a.add(pick("1", "10", "1000", "7", "1", "10", "1000", "0", "-1", "abc"));
                    }
                    if (chance(30)) {
                        a.add("TYPE");
                        a.add(pick("string", "STRING", "hash", "list", "nosuchtype"));
                    }
                    return new Op(connection, Kind.SCAN_ALL, bytes(a));
                });
        add(
                2,
                () ->
                        plain(
                                "SCAN",
                                pick("x", "-1", "99999999999999999999999", ""),
                                pick("COUNT", "MATCH", "TYPE", "FOO"),
                                pick("0", "-1", "abc")));
        add(
                12,
                () ->
                        plain(
                                "OBJECT",
                                pick(
                                        "ENCODING",
                                        "ENCODING",
                                        "ENCODING",
                                        "encoding",
                                        "REFCOUNT",
                                        "FREQ",
                                        "IDLETIME",
                                        "nosuch"),
                                key()));
        add(6, () -> plain("DBSIZE"));
        add(2, this::settle);
    }

    private Op settle() {
        String ms = Integer.toString(1 + random.nextInt(5));
        String k = anyKey();
        List<Object> a =
                switch (random.nextInt(4)) {
                    case 0 -> list("SET", k, smallValue(64), "PX", ms);
                    case 1 -> list("PSETEX", k, ms, smallValue(64));
                    case 2 -> list("PEXPIRE", k, ms);
                    default -> list("GETEX", k, "PX", ms);
                };
        return new Op(connection, Kind.SETTLE, bytes(a));
    }

    private void connection() {
        add(4, () -> chance(50) ? plain("PING") : plain("PING", smallValue(32)));
        add(3, () -> plain("ECHO", value()));
        add(10, () -> plain("SELECT", database()));
        add(
                3,
                () -> {
                    List<Object> a = list("HELLO");
                    if (chance(85)) {
                        a.add(pick("2", "3", "2", "3", "1", "4", "x", "-1", "3.0", ""));
                        if (chance(20)) {
                            a.add("SETNAME");
                            a.add(pick("me", "a b", "", "x\n", "name-" + random.nextInt(9)));
                        }
                        if (chance(15)) {
                            a.add("AUTH");
                            a.add(pick("default", "nobody"));
                            a.add(pick("", "secret"));
                        }
                        if (chance(5)) {
                            a.add("NONSENSE");
                        }
                    }
                    return plain(a);
                });
        add(
                1,
                () ->
                        chance(50)
                                ? plain("AUTH", weird())
                                : plain("AUTH", pick("default", "nobody"), weird()));
        add(1, () -> plain("RESET"));
        add(1, () -> new Op(connection, Kind.RECONNECT, bytes(list("QUIT"))));
        add(
                8,
                () ->
                        switch (random.nextInt(14)) {
                            case 0 -> plain("CLIENT", "ID");
                            case 1 ->
                                    plain(
                                            "CLIENT",
                                            "SETNAME",
                                            pick(
                                                    "a",
                                                    "b-c",
                                                    "",
                                                    "has space",
                                                    "nl\n",
                                                    "\u00fc",
                                                    "!ok~"));
                            case 2, 3 -> plain("CLIENT", "GETNAME");
                            case 4 ->
                                    plain(
                                            "CLIENT",
                                            "SETINFO",
                                            pick("LIB-NAME", "lib-ver", "LIB-FOO"),
                                            pick("x", "1.2.3", "a b", ""));
                            case 5 -> plain("CLIENT", "NO-EVICT", pick("on", "off", "ON", "maybe"));
                            case 6 -> plain("CLIENT", "NO-TOUCH", pick("on", "off", "Off", ""));
                            case 7 -> plain("CLIENT", "GETREDIR");
                            case 8 -> plain("CLIENT", "TRACKINGINFO");
                            case 9 ->
                                    plain(
                                            "CLIENT",
                                            pick("MAINT_NOTIFICATIONS", "nosuch", ""),
                                            pick("on", "x"));
                            case 10 ->
                                    plain(
                                            "CLIENT",
                                            "UNBLOCK",
                                            pick("99999999", "x", "-1"),
                                            pick("TIMEOUT", "ERROR", "x"));
                            case 11 -> plain("CLIENT", "CACHING", pick("YES", "NO", "x"));
                            case 12 -> plain("CLIENT", pick("INFO", "LIST"));
                            default -> plain("CLIENT", "REPLY", pick("ON", "maybe"));
                        });
        add(
                3,
                () ->
                        plain(
                                pick(
                                        "NOSUCHCOMMAND",
                                        "get ",
                                        "G ET",
                                        "",
                                        "FOO\r\nBAR",
                                        "x".repeat(200),
                                        "\u00e9\u00ff"),
                                smallValue(160),
                                smallValue(16)));
    }

    private void server() {
        add(
                3,
                () ->
                        chance(70)
                                ? plain("FLUSHDB")
                                : plain("FLUSHDB", pick("ASYNC", "SYNC", "async", "later")));
        add(
                1,
                () ->
                        chance(40)
                                ? plain("FLUSHALL")
                                : plain("FLUSHALL", pick("ASYNC", "SYNC", "sync", "never")));
        add(6, () -> plain("SWAPDB", database(), database()));
        add(2, () -> plain("TIME"));
        add(
                3,
                () ->
                        plain(
                                "COMMAND",
                                pick("INFO", "GETKEYS", "GETKEYSANDFLAGS", "info", "NOSUCH"),
                                pick("get", "SET", "mset", "copy", "nosuch"),
                                smallValue(8),
                                smallValue(8),
                                smallValue(8)));
        add(
                3,
                () ->
                        plain(
                                "CONFIG",
                                "GET",
                                pick(
                                        "databases",
                                        "slowlog-max-len",
                                        "proto-max-bulk-len",
                                        "nosuch*",
                                        "maxmemory-samples",
                                        "hash-max-listpack-entries",
                                        "lfu-log-factor")));
        add(
                3,
                () ->
                        plain(
                                "CONFIG",
                                "SET",
                                pick(
                                        "slowlog-max-len",
                                        "lfu-log-factor",
                                        "lfu-decay-time",
                                        "latency-monitor-threshold",
                                        "nosuch",
                                        "maxmemory-samples"),
                                pick("1", "10", "128", "x", "-1", "")));
        add(1, () -> plain("CONFIG", pick("NOSUCH", "RESETSTAT", "GET", "SET")));
        add(
                3,
                () ->
                        plain(
                                "MEMORY",
                                "USAGE",
                                key(),
                                pick("SAMPLES", "samples", "foo"),
                                pick("0", "5", "-1", "x")));
        add(1, () -> plain("MEMORY", pick("DOCTOR", "PURGE", "nosuch")));
        add(
                1,
                () ->
                        plain(
                                "SLOWLOG",
                                pick("LEN", "RESET", "nosuch", "GET"),
                                pick("1", "x", "-2", "-1")));
        add(1, () -> plain("LATENCY", pick("RESET", "HISTORY", "nosuch"), pick("command", "x")));
        add(
                1,
                () ->
                        chance(50)
                                ? plain("INFO")
                                : plain(
                                        "INFO",
                                        pick("server", "keyspace", "nosuch", "ALL", "everything")));
        add(1, () -> plain("LOLWUT", "VERSION", pick("5", "6", "x")));
        add(1, () -> plain("ROLE"));
    }

    // ---- parts ----

    void add(int weight, Supplier<Op> maker) {
        for (int i = 0; i < weight; i++) {
            table.add(maker);
        }
    }

    boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    /** A command that is sent by itself, and never broken. */
    Op special(Kind kind, List<Object> parts) {
        return new Op(connection, kind, bytes(parts));
    }

    @SafeVarargs
    final <T> T pick(T... choices) {
        return choices[random.nextInt(choices.length)];
    }

    /** Without zero bytes where sets are sorted: C takes what is before them for all, and leaves the order of what is alike open. */
    String weird() {
        String one = pick(WEIRD);
        while (families == Families.COLLECTIONS && one.indexOf(0) >= 0) {
            one = pick(WEIRD);
        }
        return one;
    }

    static List<Object> list(Object... parts) {
        return new ArrayList<>(List.of(parts));
    }

    Op plain(Object... parts) {
        return plain(list(parts));
    }

    Op plain(List<Object> parts) {
        byte[][] args = bytes(parts);
        // A broken CONFIG GET or COMMAND INFO would list all that a server has, which is not what
        // is compared here.
        // A SCAN that is not broken any more would show a cursor, a SORT that is might show the
        // order of a set.
        boolean lists =
                parts.size() > 1
                        && (parts.get(0).equals("CONFIG")
                                || parts.get(0).equals("COMMAND")
                                || parts.get(0).equals("SCAN")
                                || parts.get(0).equals("SSCAN")
                                || parts.get(0).equals("LOLWUT"));
        // Keys end at 65,535 bytes here: a long value must not get into a key's place.
        for (byte[] arg : args) {
            lists |= arg.length > 65_535;
        }
        if (!lists && chance(7)) {
            args = mutate(args);
        }
        if (chance(10)) {
            args[0] = otherCase(args[0]);
        }
        return new Op(connection, Kind.PLAIN, tame(args));
    }

    private static byte[][] bytes(List<Object> parts) {
        byte[][] out = new byte[parts.size()][];
        for (int i = 0; i < out.length; i++) {
            out[i] =
                    parts.get(i) instanceof byte[] b
                            ? b
                            : ((String) parts.get(i)).getBytes(StandardCharsets.ISO_8859_1);
        }
        return out;
    }

    private byte[] otherCase(byte[] name) {
        byte[] out = name.clone();
        for (int i = 0; i < out.length; i++) {
            if (Character.isLetter(out[i]) && out[i] > 0 && random.nextBoolean()) {
                out[i] ^= 0x20;
            }
        }
        return out;
    }

    /** Breaks a command in one place: an argument less, more, twice, replaced, or two exchanged. */
    private byte[][] mutate(byte[][] args) {
        List<byte[]> out = new ArrayList<>(List.of(args));
        int at = out.size() == 1 ? 1 : 1 + random.nextInt(out.size() - 1);
        byte[] strange = weird().getBytes(StandardCharsets.ISO_8859_1);
        switch (random.nextInt(6)) {
            case 0 -> {
                if (at < out.size()) {
                    out.remove(at);
                }
            }
            case 1 -> out.add(at, strange);
            case 2 -> out.add(strange);
            case 3 -> {
                if (at < out.size()) {
                    out.set(at, strange);
                }
            }
            case 4 -> {
                if (at < out.size()) {
                    out.add(at, out.get(at));
                }
            }
            default -> {
                int other = 1 + random.nextInt(Math.max(1, out.size() - 1));
                if (at < out.size() && other < out.size()) {
                    byte[] swap = out.get(at);
                    out.set(at, out.get(other));
                    out.set(other, swap);
                }
            }
        }
        return out.toArray(byte[][]::new);
    }

    /** Moves every deadline that may fall into the run far behind it; leaves all else. */
    private byte[][] tame(byte[][] args) {
        String name = new String(args[0], StandardCharsets.ISO_8859_1).toUpperCase(Locale.ROOT);
        int from =
                switch (name) {
                    case "SET" -> 3;
                    case "GETEX", "SETEX", "PSETEX", "EXPIRE", "PEXPIRE" -> 2;
                    case "MSETEX" -> 4;
                    case "HEXPIRE", "HPEXPIRE", "HGETEX", "HSETEX" -> 2;
                    default -> Integer.MAX_VALUE;
                };
        for (int i = from; i < args.length; i++) {
            if (args[i].length > 0 && args[i].length < 8 && !isCount(args, i)) {
                try {
                    long n = Long.parseLong(new String(args[i], StandardCharsets.ISO_8859_1));
                    if (n > 0) {
                        args[i] =
                                Long.toString(5_000_000 + random.nextLong(300_000_000)).getBytes();
                    }
                } catch (NumberFormatException e) {
                    // Not a time then.
                }
            }
            if (name.equals("MSETEX") && args[i].length <= 13) {
                noPast(args, i);
            }
        }
        return args;
    }

    /** Whether the argument says how many fields follow. */
    private static boolean isCount(byte[][] args, int i) {
        return new String(args[i - 1], StandardCharsets.ISO_8859_1).equalsIgnoreCase("FIELDS");
    }

    /** MSETEX keeps a key whose deadline is past until someone meets it, so that DBSIZE would tell when that was. */
    private void noPast(byte[][] args, int i) {
        String option =
                new String(args[i - 1], StandardCharsets.ISO_8859_1)
                        .toUpperCase(java.util.Locale.ROOT);
        if (option.equals("EXAT") || option.equals("PXAT")) {
            long unit = option.equals("EXAT") ? 1000 : 1;
            try {
                long at = Long.parseLong(new String(args[i], StandardCharsets.ISO_8859_1));
                if (at > 0 && at * unit < baseTimeMs + 4_000_000) {
                    args[i] =
                            Long.toString(
                                            (baseTimeMs + 9_000_000 + random.nextLong(1L << 40))
                                                    / unit)
                                    .getBytes();
                }
            } catch (NumberFormatException e) {
                // An error then.
            }
        }
    }

    private String smallKey() {
        return "s:" + random.nextInt(12);
    }

    private String bigKey() {
        return "b:" + random.nextInt(8);
    }

    private String numberKey() {
        return chance(85) ? "n:" + random.nextInt(6) : smallKey();
    }

    private static boolean small(String key) {
        return !key.startsWith("b:");
    }

    private String key() {
        return anyKey();
    }

    private String anyKey() {
        int n = random.nextInt(100);
        if (n < 50) {
            return smallKey();
        }
        if (n < 75) {
            return bigKey();
        }
        if (n < 90) {
            return "n:" + random.nextInt(6);
        }
        return switch (random.nextInt(8)) {
            case 0 -> "";
            case 1 -> "bin\0\r\n\u00ff";
            case 2 -> "{tag}" + random.nextInt(3);
            case 3 -> "k".repeat(300);
            case 4 -> random.nextInt(20) == 0 ? "K".repeat(65_535) : "k".repeat(255);
            default -> "never:" + random.nextInt(4);
        };
    }

    /** Two keys between which a value may move without a long one landing under a small key. */
    private String[] sameClass() {
        if (chance(50)) {
            return new String[] {smallKey(), chance(80) ? smallKey() : bigKey()};
        }
        return new String[] {bigKey(), bigKey()};
    }

    private Object value() {
        return smallValue(64);
    }

    private Object value(String key) {
        if (small(key) || chance(50)) {
            return smallValue(64);
        }
        return blob(
                chance(50)
                        ? edgeSize()
                        : chance(97) ? random.nextInt(20_000) : random.nextInt(400_000));
    }

    private int edgeSize() {
        return EDGE_SIZES[random.nextInt(EDGE_SIZES.length)];
    }

    private byte[] blob(int size) {
        byte[] out = new byte[size];
        if (chance(30)) {
            java.util.Arrays.fill(out, (byte) ('a' + random.nextInt(26)));
        } else {
            random.nextBytes(out);
        }
        return out;
    }

    Object smallValue(int limit) {
        return switch (random.nextInt(8)) {
            case 0 -> Integer.toString(random.nextInt(-1000, 100_000));
            case 1 -> weird();
            case 2 -> blob(random.nextInt(limit + 1));
            case 3 -> Long.toString(random.nextLong());
            case 4 -> "v".repeat(random.nextInt(limit + 1));
            default -> {
                // Few letters, so that LCS finds something.
                StringBuilder text = new StringBuilder();
                for (int n = random.nextInt(Math.min(limit, 24) + 1); n > 0; n--) {
                    text.append((char) ('a' + random.nextInt(4)));
                }
                yield text.toString();
            }
        };
    }

    private String offset(String key) {
        if (chance(8)) {
            return pick(
                    "-1",
                    "536870912",
                    "536870911000",
                    "9223372036854775807",
                    "x",
                    "",
                    "4294967296",
                    "-0");
        }
        return Integer.toString(
                small(key) ? random.nextInt(80) : random.nextInt(chance(90) ? 70_000 : 300_000));
    }

    private String index() {
        return switch (random.nextInt(6)) {
            case 0 -> weird();
            case 1 -> Integer.toString(-random.nextInt(100));
            case 2 -> Integer.toString(random.nextInt(140_000) - 70_000);
            default -> Integer.toString(random.nextInt(60));
        };
    }

    String integer() {
        return chance(30)
                ? weird()
                : chance(20)
                        ? Long.toString(random.nextLong())
                        : Integer.toString(random.nextInt(-100, 100));
    }

    String decimal() {
        return switch (random.nextInt(5)) {
            case 0 -> weird();
            case 1 -> Double.toString(random.nextDouble() * 1000);
            case 2 -> String.format(java.util.Locale.ROOT, "%.3f", random.nextDouble(-50, 50));
            case 3 -> random.nextInt(1000) + "e" + random.nextInt(-12, 12);
            default -> Integer.toString(random.nextInt(-100, 100));
        };
    }

    String database() {
        return chance(90)
                ? Integer.toString(random.nextInt(DATABASES))
                : pick("16", "-1", "x", "", "99999999999", "1.0");
    }

    /** Seconds or milliseconds from now: at least an hour ahead, or not ahead, or no time at all. */
    String relative(boolean ms) {
        if (chance(12)) {
            return pick(
                    "0",
                    "-1",
                    "-100000",
                    "x",
                    "",
                    "9223372036854775807",
                    "-9223372036854775808",
                    "9223372036854776",
                    "1.5",
                    "9223372036854775808");
        }
        long seconds = 5_000 + random.nextLong(300_000_000);
        return Long.toString(ms ? seconds * 1000 + random.nextInt(1000) : seconds);
    }

    private String absolute(boolean ms) {
        if (chance(12)) {
            return pick(
                    "0",
                    "-1",
                    "1",
                    "x",
                    "",
                    "9223372036854775807",
                    "-9223372036854775808",
                    "9223372036854776");
        }
        long at =
                baseTimeMs
                        + (chance(12)
                                ? -1 - random.nextLong(1_000_000)
                                : 5_000_000 + random.nextLong(300_000_000_000L));
        return Long.toString(ms ? at : at / 1000);
    }

    /** One of EX PX EXAT PXAT or the command's own; sometimes two, which is an error. */
    void expiryOption(List<Object> args, String own) {
        do {
            String option = pick("EX", "PX", "EXAT", "PXAT", own);
            args.add(chance(10) ? option.toLowerCase(java.util.Locale.ROOT) : option);
            if (!option.equals(own)) {
                boolean ms = option.startsWith("P");
                args.add(option.endsWith("AT") ? absolute(ms) : relative(ms));
            }
        } while (chance(5));
    }

    /** Up to two of the given; a null among them is the chance of one fewer. */
    void options(List<Object> args, String... choices) {
        for (int n = random.nextInt(3); n > 0; n--) {
            String option = choices[random.nextInt(choices.length)];
            if (option != null) {
                args.add(option);
            }
        }
    }

    private Op keys(String command, int most) {
        List<Object> a = list(command);
        for (int n = 1 + random.nextInt(most); n > 0; n--) {
            a.add(key());
        }
        return plain(a);
    }

    private Op pairs(String command) {
        List<Object> a = list(command);
        for (int n = 1 + random.nextInt(4); n > 0; n--) {
            String k = anyKey();
            a.add(k);
            a.add(value(k));
        }
        return plain(a);
    }
}
