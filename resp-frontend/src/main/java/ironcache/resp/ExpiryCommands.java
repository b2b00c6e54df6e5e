package ironcache.resp;

import static ironcache.resp.CommandFlag.BRIEF;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.RW;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.hybridlog.Record;

/** The generic keyspace family, part two: when keys expire. Rows and handlers. */
final class ExpiryCommands {
    private static final int NX = 1;
    private static final int XX = 2;
    private static final int GT = 4;
    private static final int LT = 8;
    private static final int INVALID = -1;

    private static final ErrorReply NX_AND_OTHERS =
            new ErrorReply("ERR NX and XX, GT or LT options at the same time are not compatible");
    private static final ErrorReply GT_AND_LT =
            new ErrorReply("ERR GT and LT options at the same time are not compatible");

    private ExpiryCommands() {}

    static void register(CommandTable t) {
        t.add("EXPIRE", ExpiryCommands::expire)
                .arity(-3)
                .flags(WRITE, FAST, BRIEF)
                .keys(1, 1, 1, RW, UPDATE)
                .args(Arg.key("key"), Arg.integer("seconds"), conditions())
                .group("generic")
                .since("1.0.0")
                .complexity("O(1)")
                .history("7.0.0", "NX, XX, GT and LT.")
                .summary("Lets a key expire after some seconds.");
        t.add("PEXPIRE", ExpiryCommands::pexpire)
                .arity(-3)
                .flags(WRITE, FAST, BRIEF)
                .keys(1, 1, 1, RW, UPDATE)
                .args(Arg.key("key"), Arg.integer("milliseconds"), conditions())
                .group("generic")
                .since("2.6.0")
                .complexity("O(1)")
                .history("7.0.0", "NX, XX, GT and LT.")
                .summary("Lets a key expire after some milliseconds.");
        t.add("EXPIREAT", ExpiryCommands::expireat)
                .arity(-3)
                .flags(WRITE, FAST, BRIEF)
                .keys(1, 1, 1, RW, UPDATE)
                .args(Arg.key("key"), Arg.unixTime("unix-time-seconds"), conditions())
                .group("generic")
                .since("1.2.0")
                .complexity("O(1)")
                .history("7.0.0", "NX, XX, GT and LT.")
                .summary("Lets a key expire at a Unix time in seconds.");
        t.add("PEXPIREAT", ExpiryCommands::pexpireat)
                .arity(-3)
                .flags(WRITE, FAST, BRIEF)
                .keys(1, 1, 1, RW, UPDATE)
                .args(Arg.key("key"), Arg.unixTime("unix-time-milliseconds"), conditions())
                .group("generic")
                .since("2.6.0")
                .complexity("O(1)")
                .history("7.0.0", "NX, XX, GT and LT.")
                .summary("Lets a key expire at a Unix time in milliseconds.");
        t.add("TTL", ExpiryCommands::ttl)
                .arity(2)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO, ACCESS)
                .tips("nondeterministic_output")
                .args(Arg.key("key"))
                .group("generic")
                .since("1.0.0")
                .complexity("O(1)")
                .history("2.8.0", "Replies -2 for a missing key.")
                .summary("Tells in how many seconds a key expires.");
        t.add("PTTL", ExpiryCommands::pttl)
                .arity(2)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO, ACCESS)
                .tips("nondeterministic_output")
                .args(Arg.key("key"))
                .group("generic")
                .since("2.6.0")
                .complexity("O(1)")
                .history("2.8.0", "Replies -2 for a missing key.")
                .summary("Tells in how many milliseconds a key expires.");
        t.add("EXPIRETIME", ExpiryCommands::expiretime)
                .arity(2)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"))
                .group("generic")
                .since("7.0.0")
                .complexity("O(1)")
                .summary("Tells the Unix time in seconds at which a key expires.");
        t.add("PEXPIRETIME", ExpiryCommands::pexpiretime)
                .arity(2)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"))
                .group("generic")
                .since("7.0.0")
                .complexity("O(1)")
                .summary("Tells the Unix time in milliseconds at which a key expires.");
        t.add("PERSIST", ExpiryCommands::persist)
                .arity(2)
                .flags(WRITE, FAST, BRIEF)
                .keys(1, 1, 1, RW, UPDATE)
                .args(Arg.key("key"))
                .group("generic")
                .since("2.2.0")
                .complexity("O(1)")
                .summary("Lets a key live without expiry.");
    }

    private static Arg conditions() {
        return Arg.oneOf(
                        "condition",
                        Arg.token("nx", "NX"),
                        Arg.token("xx", "XX"),
                        Arg.token("gt", "GT"),
                        Arg.token("lt", "LT"))
                .since("7.0.0")
                .optional();
    }

    static void expire(CommandContext c) {
        expire(c, c.now(), true);
    }

    static void pexpire(CommandContext c) {
        expire(c, c.now(), false);
    }

    static void expireat(CommandContext c) {
        expire(c, 0, true);
    }

    static void pexpireat(CommandContext c) {
        expire(c, 0, false);
    }

    private static void expire(CommandContext c, long baseMillis, boolean seconds) {
        int conditions = c.argc() == 3 ? 0 : parseConditions(c);
        if (conditions == INVALID || !c.parseLong(2)) {
            return;
        }
        long when = c.longValue();
        if (seconds && (when > Long.MAX_VALUE / 1000 || when < Long.MIN_VALUE / 1000)) {
            SetOptions.invalidExpiry(c);
            return;
        }
        when = seconds ? when * 1000 : when;
        if (when > Long.MAX_VALUE - baseMillis) {
            SetOptions.invalidExpiry(c);
            return;
        }
        when += baseMillis;
        long record = c.readForWrite(1);
        if (record == 0 || conditions != 0 && !hold(conditions, Record.expiry(record), when)) {
            c.reply().integer(0);
            return;
        }
        if (when <= c.now()) {
            c.delete(1);
            c.changed(1, "del");
        } else {
            expireAt(c, 1, when);
            c.changed(1, "expire");
        }
        c.reply().integer(1);
    }

    private static int parseConditions(CommandContext c) {
        int conditions = 0;
        for (int i = 3; i < c.argc(); i++) {
            if (c.argIs(i, "NX")) {
                conditions |= NX;
            } else if (c.argIs(i, "XX")) {
                conditions |= XX;
            } else if (c.argIs(i, "GT")) {
                conditions |= GT;
            } else if (c.argIs(i, "LT")) {
                conditions |= LT;
            } else {
                c.reply().error("ERR Unsupported option " + c.argUpToZero(i));
                return INVALID;
            }
        }
        if ((conditions & NX) != 0 && conditions != NX) {
            c.reply().error(NX_AND_OTHERS);
            return INVALID;
        }
        if ((conditions & GT) != 0 && (conditions & LT) != 0) {
            c.reply().error(GT_AND_LT);
            return INVALID;
        }
        return conditions;
    }

    /** @param current the expiry that the key has; 0, none, counts as never */
    private static boolean hold(int conditions, long current, long when) {
        if ((conditions & NX) != 0 && current != 0) {
            return false;
        }
        if ((conditions & XX) != 0 && current == 0) {
            return false;
        }
        if ((conditions & GT) != 0 && (current == 0 || when <= current)) {
            return false;
        }
        return (conditions & LT) == 0 || current == 0 || when < current;
    }

    /** Sets, or with 0 removes, the expiry of a key that this command has read. */
    static void expireAt(CommandContext c, int key, long millis) {
        c.shard(key).expireAt(c.db(), c.arg(key), c.argLength(key), c.hash(key), millis);
    }

    static void ttl(CommandContext c) {
        reply(c, c.now(), true);
    }

    static void pttl(CommandContext c) {
        reply(c, c.now(), false);
    }

    static void expiretime(CommandContext c) {
        reply(c, 0, true);
    }

    static void pexpiretime(CommandContext c) {
        reply(c, 0, false);
    }

    private static void reply(CommandContext c, long baseMillis, boolean seconds) {
        long record = c.peek(1);
        if (record == 0) {
            c.stats().keyspaceMisses++;
            c.reply().integer(-2);
            return;
        }
        c.stats().keyspaceHits++;
        long expiry = Record.expiry(record);
        if (expiry == 0) {
            c.reply().integer(-1);
            return;
        }
        long left = Math.max(0, expiry - baseMillis);
        // Rounded to the nearest second; unsigned, because the sum passes the sign bit for the
        // largest time there is.
        c.reply().integer(seconds ? Long.divideUnsigned(left + 500, 1000) : left);
    }

    static void persist(CommandContext c) {
        long record = c.readForWrite(1);
        if (record == 0 || !Record.hasExpiry(record)) {
            c.reply().integer(0);
            return;
        }
        expireAt(c, 1, 0);
        c.changed(1, "persist");
        c.reply().integer(1);
    }
}
