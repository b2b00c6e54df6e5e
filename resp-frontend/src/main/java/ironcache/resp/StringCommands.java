package ironcache.resp;

import static ironcache.resp.CommandFlag.BRIEF;
import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.DELETE;
import static ironcache.resp.KeyFlag.INSERT;
import static ironcache.resp.KeyFlag.OW;
import static ironcache.resp.KeyFlag.RM;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.RW;
import static ironcache.resp.KeyFlag.UPDATE;
import static ironcache.resp.KeyFlag.VARIABLE_FLAGS;

import ironcache.datatypes.Strings;
import ironcache.hybridlog.Record;

/** The strings family, part one: a value as a whole. Rows and handlers. */
final class StringCommands {
    private StringCommands() {}

    static void register(CommandTable t) {
        t.add("GET", StringCommands::get)
                .arity(2)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"))
                .group("string")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Reads the value of a key.");
        t.add("SET", StringCommands::set)
                .arity(-3)
                .flags(WRITE, DENYOOM, BRIEF)
                .keysWithNotes(
                        "RW and ACCESS due to the optional `GET` argument",
                        1,
                        1,
                        1,
                        RW,
                        ACCESS,
                        UPDATE,
                        VARIABLE_FLAGS)
                .blindWrite()
                .args(
                        Arg.key("key"),
                        Arg.string("value"),
                        Arg.oneOf(
                                        "condition",
                                        Arg.token("nx", "NX").since("2.6.12"),
                                        Arg.token("xx", "XX").since("2.6.12"),
                                        Arg.string("comparison-value")
                                                .token("IFEQ")
                                                .since("8.1.0")
                                                .summary("Only if the key holds this value."))
                                .optional(),
                        Arg.token("get", "GET").since("6.2.0").optional(),
                        Arg.oneOf(
                                        "expiration",
                                        Arg.integer("seconds").token("EX").since("2.6.12"),
                                        Arg.integer("milliseconds").token("PX").since("2.6.12"),
                                        Arg.unixTime("unix-time-seconds")
                                                .token("EXAT")
                                                .since("6.2.0"),
                                        Arg.unixTime("unix-time-milliseconds")
                                                .token("PXAT")
                                                .since("6.2.0"),
                                        Arg.token("keepttl", "KEEPTTL").since("6.0.0"))
                                .optional())
                .group("string")
                .since("1.0.0")
                .complexity("O(1)")
                .history(
                        "2.6.12", "EX, PX, NX and XX.",
                        "6.0.0", "KEEPTTL.",
                        "6.2.0", "GET, EXAT and PXAT.",
                        "7.0.0", "NX and GET together.",
                        "8.1.0", "IFEQ.")
                .summary("Gives a key a string value, whatever it held before.");
        t.add("SETNX", StringCommands::setnx)
                .arity(3)
                .flags(WRITE, DENYOOM, FAST, BRIEF)
                .keys(1, 1, 1, OW, INSERT)
                .args(Arg.key("key"), Arg.string("value"))
                .group("string")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Gives a key a string value unless it has one.");
        t.add("SETEX", StringCommands::setex)
                .arity(4)
                .flags(WRITE, DENYOOM, BRIEF)
                .keys(1, 1, 1, OW, UPDATE)
                .blindWrite()
                .args(Arg.key("key"), Arg.integer("seconds"), Arg.string("value"))
                .group("string")
                .since("2.0.0")
                .complexity("O(1)")
                .summary("Gives a key a string value that expires after some seconds.");
        t.add("PSETEX", StringCommands::psetex)
                .arity(4)
                .flags(WRITE, DENYOOM, BRIEF)
                .keys(1, 1, 1, OW, UPDATE)
                .blindWrite()
                .args(Arg.key("key"), Arg.integer("milliseconds"), Arg.string("value"))
                .group("string")
                .since("2.6.0")
                .complexity("O(1)")
                .summary("Gives a key a string value that expires after some milliseconds.");
        t.add("GETSET", StringCommands::getset)
                .arity(3)
                .flags(WRITE, DENYOOM, FAST, BRIEF)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .args(Arg.key("key"), Arg.string("value"))
                .group("string")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Gives a key a string value and returns the one before.");
        t.add("GETDEL", StringCommands::getdel)
                .arity(2)
                .flags(WRITE, FAST, BRIEF)
                .keys(1, 1, 1, RW, ACCESS, DELETE)
                .args(Arg.key("key"))
                .group("string")
                .since("6.2.0")
                .complexity("O(1)")
                .summary("Reads the value of a key and deletes the key.");
        t.add("GETEX", StringCommands::getex)
                .arity(-2)
                .flags(WRITE, FAST, BRIEF)
                .keysWithNotes(
                        "RW and UPDATE because it changes the TTL", 1, 1, 1, RW, ACCESS, UPDATE)
                .args(
                        Arg.key("key"),
                        Arg.oneOf(
                                        "expiration",
                                        Arg.integer("seconds").token("EX"),
                                        Arg.integer("milliseconds").token("PX"),
                                        Arg.unixTime("unix-time-seconds").token("EXAT"),
                                        Arg.unixTime("unix-time-milliseconds").token("PXAT"),
                                        Arg.token("persist", "PERSIST"))
                                .optional())
                .group("string")
                .since("6.2.0")
                .complexity("O(1)")
                .summary("Reads the value of a key and sets or removes its expiry.");
        t.add("DELIFEQ", StringCommands::delifeq)
                .arity(3)
                .flags(WRITE, FAST, BRIEF)
                .keys(1, 1, 1, RM, DELETE)
                .args(Arg.key("key"), Arg.string("value"))
                .group("string")
                .since("9.0.0")
                .complexity("O(1)")
                .summary("Deletes a key if it holds the given value.");
        StringRangeCommands.register(t);
        MultiStringCommands.register(t);
        IncrementCommands.register(t);
        LcsCommand.register(t);
    }

    static void get(CommandContext c) {
        long record = LongReplies.record(c, 1);
        if (record == 0) {
            c.reply().nullBulk();
        } else if (record == LongReplies.LOST) {
            return;
        } else if (Record.kind(record) == Record.STRING) {
            c.reply().bulk(Record.value(record), Record.valueLength(record));
        } else if (Strings.isString(record)) {
            StringReplies.stream(c, record, 0, Strings.length(record));
        } else {
            c.reply().error(Errors.WRONG_TYPE);
        }
    }

    static void set(CommandContext c) {
        if (c.argc() == 3) {
            put(c, 1, 2, 0);
            c.changed(1, "set");
            c.reply().ok();
        } else {
            setWithOptions(c);
        }
    }

    private static void setWithOptions(CommandContext c) {
        long options = SetOptions.parse(c, 3, SetOptions.OF_SET);
        if (options == SetOptions.INVALID) {
            return;
        }
        long expiry = SetOptions.expiryMillis(c, options);
        if (expiry == SetOptions.INVALID) {
            return;
        }
        boolean get = SetOptions.has(options, SetOptions.GET);
        long seen =
                SetOptions.NX
                        | SetOptions.XX
                        | SetOptions.IFEQ
                        | SetOptions.GET
                        | SetOptions.KEEPTTL;
        long record = !SetOptions.has(options, seen) ? 0 : get ? c.read(1) : c.readForWrite(1);
        if (record != 0
                && SetOptions.has(options, SetOptions.GET | SetOptions.IFEQ)
                && !Strings.isString(record)) {
            c.reply().error(Errors.WRONG_TYPE);
            return;
        }
        if (!conditionHolds(c, options, record)) {
            if (get) {
                bulkOrNull(c, record);
            } else {
                c.reply().nullBulk();
            }
            return;
        }
        if (SetOptions.has(options, SetOptions.KEEPTTL) && record != 0) {
            expiry = Record.expiry(record);
        }
        if (get) {
            bulkOrNull(c, record);
        }
        if (SetOptions.has(options, SetOptions.EXPIRY) && expiry <= c.now()) {
            // Born expired: what was there goes, nothing comes.
            if (c.delete(1)) {
                c.changed(1, "del");
            }
        } else {
            put(c, 1, 2, expiry);
            c.changed(1, "set");
            if (SetOptions.has(options, SetOptions.EXPIRY)) {
                c.changed(1, "expire");
            }
        }
        if (!get) {
            c.reply().ok();
        }
    }

    private static boolean conditionHolds(CommandContext c, long options, long record) {
        if (SetOptions.has(options, SetOptions.NX)) {
            return record == 0;
        }
        if (SetOptions.has(options, SetOptions.XX)) {
            return record != 0;
        }
        if (SetOptions.has(options, SetOptions.IFEQ)) {
            int index = SetOptions.ifeqIndex(options);
            return record != 0
                    && Strings.equal(c.shard(1), record, c.arg(index), c.argLength(index));
        }
        return true;
    }

    private static void bulkOrNull(CommandContext c, long record) {
        if (record == 0) {
            c.reply().nullBulk();
        } else {
            StringReplies.bulk(c, record);
        }
    }

    /** Makes the key hold the value; no read, no miss. */
    static void put(CommandContext c, int key, int value, long expiryMillis) {
        Strings.set(
                c.shard(key),
                c.db(),
                c.arg(key),
                c.argLength(key),
                c.hash(key),
                c.arg(value),
                c.argLength(value),
                expiryMillis);
    }

    static void setnx(CommandContext c) {
        if (c.peek(1) != 0) {
            c.reply().integer(0);
            return;
        }
        put(c, 1, 2, 0);
        c.changed(1, "set");
        c.reply().integer(1);
    }

    static void setex(CommandContext c) {
        setWithExpiry(c, true);
    }

    static void psetex(CommandContext c) {
        setWithExpiry(c, false);
    }

    private static void setWithExpiry(CommandContext c, boolean seconds) {
        long expiry = SetOptions.expiryMillis(c, 2, seconds, true);
        if (expiry == SetOptions.INVALID) {
            return;
        }
        put(c, 1, 3, expiry);
        c.changed(1, "set");
        c.changed(1, "expire");
        c.reply().ok();
    }

    static void getset(CommandContext c) {
        long record = c.read(1);
        if (record != 0 && !Strings.isString(record)) {
            c.reply().error(Errors.WRONG_TYPE);
            return;
        }
        bulkOrNull(c, record);
        put(c, 1, 2, 0);
        c.changed(1, "set");
    }

    static void getdel(CommandContext c) {
        long record = c.read(1);
        if (record == 0) {
            c.reply().nullBulk();
        } else if (!Strings.isString(record)) {
            c.reply().error(Errors.WRONG_TYPE);
        } else {
            StringReplies.bulk(c, record);
            c.delete(1);
            c.changed(1, "del");
        }
    }

    static void getex(CommandContext c) {
        long options = SetOptions.parse(c, 2, SetOptions.OF_GETEX);
        if (options == SetOptions.INVALID) {
            return;
        }
        long expiry = SetOptions.expiryMillis(c, options);
        if (expiry == SetOptions.INVALID) {
            return;
        }
        long record = c.read(1);
        if (record == 0) {
            c.reply().nullBulk();
            return;
        }
        if (!Strings.isString(record)) {
            c.reply().error(Errors.WRONG_TYPE);
            return;
        }
        StringReplies.bulk(c, record);
        if (SetOptions.has(options, SetOptions.EXPIRY)) {
            if (expiry <= c.now()) {
                c.delete(1);
                c.changed(1, "del");
            } else {
                ExpiryCommands.expireAt(c, 1, expiry);
                c.changed(1, "expire");
            }
        } else if (SetOptions.has(options, SetOptions.PERSIST) && Record.hasExpiry(record)) {
            ExpiryCommands.expireAt(c, 1, 0);
            c.changed(1, "persist");
        }
    }

    static void delifeq(CommandContext c) {
        long record = c.readForWrite(1);
        if (record != 0 && !Strings.isString(record)) {
            c.reply().error(Errors.WRONG_TYPE);
        } else if (record != 0 && Strings.equal(c.shard(1), record, c.arg(2), c.argLength(2))) {
            c.delete(1);
            c.changed(1, "del");
            c.reply().integer(1);
        } else {
            c.reply().integer(0);
        }
    }
}
