package ironcache.resp;

import static ironcache.resp.CommandFlag.ADMIN;
import static ironcache.resp.CommandFlag.LOADING;
import static ironcache.resp.CommandFlag.NOSCRIPT;
import static ironcache.resp.CommandFlag.PROTECTED;
import static ironcache.resp.CommandFlag.STALE;

import ironcache.hybridlog.Record;
import java.lang.management.ManagementFactory;

/**
 * DEBUG: what tests and operators look into the server with. Without sub-command rows, as in Valkey. Stateless; runs on the shard's thread.
 */
final class DebugCommands {
    private DebugCommands() {}

    static void register(CommandTable t) {
        t.add("DEBUG", DebugCommands::debug)
                .arity(-2)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE, PROTECTED)
                .group("server")
                .since("1.0.0")
                .complexity("Depends on subcommand.")
                .summary("A container for debugging commands.");
    }

    static void debug(CommandContext c) {
        boolean done = c.argc() == 2 ? plain(c) : withArguments(c);
        if (!done) {
            c.reply()
                    .error(
                            "ERR unknown subcommand or wrong number of arguments for '"
                                    + c.argLatin1(1)
                                    + "'. Try DEBUG HELP.");
        }
    }

    private static boolean plain(CommandContext c) {
        if (c.argIs(1, "ALLOCATED")) {
            c.reply().integer(allocatedBytes());
        } else if (c.argIs(1, "CHANGE-REPL-ID") || c.argIs(1, "MARK-INTERNAL-CLIENT")) {
            c.reply().ok();
        } else if (c.argIs(1, "GC")) {
            System.gc();
            c.reply().ok();
        } else if (c.argIs(1, "CHECK")) {
            for (Partition partition : c.node().shards.all) {
                partition.shard.checkInvariants();
            }
            c.reply().ok();
        } else if (c.argIs(1, "JMAP")) {
            c.reply().verbatim(heap());
        } else if (c.argIs(1, "HELP")) {
            Help.reply(c, "DEBUG", HELP);
        } else {
            return false;
        }
        return true;
    }

    private static boolean withArguments(CommandContext c) {
        int argc = c.argc();
        if (c.argIs(1, "SLEEP") && argc == 3) {
            sleep(c);
        } else if (c.argIs(1, "SET-ACTIVE-EXPIRE") && argc == 3) {
            boolean active = c.isLong(2) && c.longValue() != 0;
            c.node().activeExpiry = active;
            for (Partition partition : c.node().shards.all) {
                partition.shard.setActiveExpiry(active);
            }
            c.reply().ok();
        } else if (c.argIs(1, "OBJECT") && (argc == 3 || argc == 4)) {
            object(c);
        } else if (c.argIs(1, "ERROR") && argc == 3) {
            c.reply().error(c.argLatin1(2));
        } else if (c.argIs(1, "LOG") && argc == 3) {
            c.node().log.warn("DEBUG LOG: " + c.argString(2));
            c.reply().ok();
        } else if (c.argIs(1, "PROTOCOL") && argc == 3) {
            return protocol(c);
        } else if (argc == 3
                && (c.argIs(1, "QUICKLIST-PACKED-THRESHOLD")
                        || c.argIs(1, "DICT-RESIZING")
                        || c.argIs(1, "PAUSE-CRON")
                        || c.argIs(1, "CLIENT-ENFORCE-REPLY-LIST")
                        || c.argIs(1, "SET-DISABLE-DENY-SCRIPTS")
                        || c.argIs(1, "SET-SKIP-CHECKSUM-VALIDATION"))) {
            c.reply().ok();
        } else if (c.argIs(1, "REPLYBUFFER") && argc == 4) {
            c.reply().ok();
        } else {
            return false;
        }
        return true;
    }

    /** Stops the server, as Valkey's does: that is what it is for. Waits by the clock, since the seam has no sleep. */
    private static void sleep(CommandContext c) {
        double seconds = c.isDouble(2) ? Math.max(0, c.doubleValue()) : 0;
        long nanos = (long) Math.min(seconds * 1e9, Long.MAX_VALUE / 4.0);
        long end = c.node().clock.nanoTime() + nanos;
        while (c.node().clock.nanoTime() - end < 0) {
            java.util.concurrent.locks.LockSupport.parkNanos(
                    Math.min(end - c.node().clock.nanoTime(), 10_000_000));
        }
        c.reply().ok();
    }

    private static void object(CommandContext c) {
        long record = c.peek(2);
        if (record == 0) {
            c.reply().error(Errors.NO_SUCH_KEY);
            return;
        }
        String encoding =
                switch (Record.kind(record)) {
                    case Record.STRING ->
                            isInteger(record)
                                    ? "int"
                                    : Record.valueLength(record) <= 44 ? "embstr" : "raw";
                    default -> "raw";
                };
        c.reply()
                .simple(
                        "Value at:0x"
                                + Long.toHexString(record)
                                + " refcount:1 encoding:"
                                + encoding
                                + " serializedlength:"
                                + Record.valueLength(record)
                                + " lru:"
                                + (c.now() / 1000 & (1 << 24) - 1)
                                + " lru_seconds_idle:0 visits:"
                                + Record.visits(record)
                                + " record_bytes:"
                                + Record.length(record)
                                + " home:"
                                + (Record.hasHome(record) ? 1 : 0));
    }

    private static boolean isInteger(long record) {
        return Digits.isLong(Record.value(record), Record.valueLength(record));
    }

    private static boolean protocol(CommandContext c) {
        ReplyWriter reply = c.reply();
        if (c.argIs(2, "STRING")) {
            reply.bulk("Hello World");
        } else if (c.argIs(2, "INTEGER")) {
            reply.integer(12345);
        } else if (c.argIs(2, "DOUBLE")) {
            reply.real(3.141);
        } else if (c.argIs(2, "NULL")) {
            reply.nullBulk();
        } else if (c.argIs(2, "ARRAY")) {
            reply.array(3);
            for (int i = 0; i < 3; i++) {
                reply.integer(i);
            }
        } else if (c.argIs(2, "SET")) {
            reply.set(3);
            for (int i = 0; i < 3; i++) {
                reply.integer(i);
            }
        } else if (c.argIs(2, "MAP")) {
            reply.map(3);
            for (int i = 0; i < 3; i++) {
                reply.integer(i);
                reply.bool(i == 1);
            }
        } else if (c.argIs(2, "BIGNUM")) {
            reply.bigNumber("1234567999999999999999999999999999999");
        } else if (c.argIs(2, "VERBATIM")) {
            reply.verbatim("This is a verbatim\nstring");
        } else if (c.argIs(2, "TRUE")) {
            reply.bool(true);
        } else if (c.argIs(2, "FALSE")) {
            reply.bool(false);
        } else {
            reply.error(
                    "ERR Wrong protocol type name. Please use one of the following: string|integer|double|null|array|set|map|attrib|push|verbatim|true|false");
        }
        return true;
    }

    /** Bytes that the shard's thread has allocated on the heap since it started: what "no allocation per request" is measured by. */
    private static long allocatedBytes() {
        return ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean bean
                ? bean.getCurrentThreadAllocatedBytes()
                : -1;
    }

    private static String heap() {
        StringBuilder text = new StringBuilder();
        ManagementFactory.getMemoryPoolMXBeans()
                .forEach(
                        pool ->
                                text.append(pool.getName())
                                        .append(": ")
                                        .append(pool.getUsage().getUsed())
                                        .append('\n'));
        ManagementFactory.getGarbageCollectorMXBeans()
                .forEach(
                        gc ->
                                text.append(gc.getName())
                                        .append(": ")
                                        .append(gc.getCollectionCount())
                                        .append(" collections, ")
                                        .append(gc.getCollectionTime())
                                        .append(" ms\n"));
        return text.toString();
    }

    private static final String[] HELP = {
        "ALLOCATED",
        "    Heap bytes that the shard's thread has allocated since it started.",
        "CHANGE-REPL-ID",
        "    Change the replication IDs of the instance.",
        "    Dangerous: should be used only for testing the replication subsystem.",
        "CHECK",
        "    Check the shard's invariants.",
        "ERROR <string>",
        "    Return a RESP protocol error with <string> as message. Useful for clients",
        "    unit tests to simulate error replies.",
        "GC",
        "    Ask for a garbage collection.",
        "JMAP",
        "    Heap and code memory by pool, and collections.",
        "LOG <message>",
        "    Write <message> to the server log.",
        "OBJECT <key> [fast]",
        "    Show low level info about `key` and associated value.",
        "PROTOCOL <type>",
        "    Reply with a test value of the specified type. <type> can be: string,",
        "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
        "    true, false.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Setting it to 0 disables expiring keys in background when they are not",
        "    accessed (otherwise the behavior). Setting it to 1 reenables back the",
        "    default.",
        "SLEEP <seconds>",
        "    Stop the server for <seconds>. Decimals allowed.",
    };
}
