package ironcache.resp;

import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.DELETE;
import static ironcache.resp.KeyFlag.INSERT;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.RW;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.datatypes.Hashes;
import org.jspecify.annotations.Nullable;

/** The hash family, part three: fields that expire, and those commands that took {@code FIELDS} from there. Rows and handlers. */
final class HashExpiryCommands {
    private static final ErrorReply FIELD_COUNT =
            new ErrorReply(
                    "ERR numfields should be greater than 0 and match the provided number of fields");
    private static final ErrorReply NX_AND_OTHERS =
            new ErrorReply("ERR NX and XX, GT or LT options at the same time are not compatible");
    private static final ErrorReply GT_AND_LT =
            new ErrorReply("ERR GT and LT options at the same time are not compatible");

    // What is said of a field.
    private static final int NO_FIELD = -2;
    private static final int NO_TIME = -1;
    private static final int CONDITION_NOT_MET = 0;
    private static final int DONE = 1;
    private static final int DELETED = 2;

    // Options, as flags.
    private static final int NX = 1;
    private static final int XX = 1 << 1;
    private static final int GT = 1 << 2;
    private static final int LT = 1 << 3;
    private static final int FNX = 1 << 4;
    private static final int FXX = 1 << 5;
    private static final int KEEPTTL = 1 << 6;
    private static final int PERSIST = 1 << 7;
    private static final int EX = 1 << 8;
    private static final int PX = 1 << 9;
    private static final int EXAT = 1 << 10;
    private static final int PXAT = 1 << 11;
    private static final int EXPIRY = EX | PX | EXAT | PXAT;
    private static final int BAD = -1;

    private HashExpiryCommands() {}

    static void register(CommandTable t) {
        registerExpire(t);
        registerTimes(t);
        t.add("HPERSIST", HashExpiryCommands::hpersist)
                .arity(-5)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, UPDATE)
                .args(Arg.key("key"), fields())
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Takes away the expiry of fields of a hash.");
        t.add("HGETEX", HashExpiryCommands::hgetex)
                .arity(-5)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .args(
                        Arg.key("key"),
                        Arg.oneOf(
                                        "expiration",
                                        Arg.integer("seconds").token("EX"),
                                        Arg.integer("milliseconds").token("PX"),
                                        Arg.unixTime("unix-time-seconds").token("EXAT"),
                                        Arg.unixTime("unix-time-milliseconds").token("PXAT"),
                                        Arg.token("persist", "PERSIST"))
                                .optional(),
                        fields())
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Reads fields of a hash, and sets or removes their expiry.");
        t.add("HSETEX", HashExpiryCommands::hsetex)
                .arity(-6)
                .flags(WRITE, DENYOOM, FAST)
                .keys(1, 1, 1, RW, INSERT)
                .args(
                        Arg.key("key"),
                        Arg.oneOf("key-condition", Arg.token("nx", "NX"), Arg.token("xx", "XX"))
                                .optional(),
                        Arg.oneOf(
                                        "fields-condition",
                                        Arg.token("fnx", "FNX"),
                                        Arg.token("fxx", "FXX"))
                                .optional(),
                        Arg.oneOf(
                                        "expiration",
                                        Arg.integer("seconds").token("EX"),
                                        Arg.integer("milliseconds").token("PX"),
                                        Arg.unixTime("unix-time-seconds").token("EXAT"),
                                        Arg.unixTime("unix-time-milliseconds").token("PXAT"),
                                        Arg.token("keepttl", "KEEPTTL"))
                                .optional(),
                        Arg.block(
                                        "fields",
                                        Arg.integer("numfields"),
                                        Arg.block("data", Arg.string("field"), Arg.string("value"))
                                                .multiple())
                                .token("FIELDS"))
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Sets fields of a hash together with their expiry.");
        t.add("HGETDEL", HashExpiryCommands::hgetdel)
                .arity(-5)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, ACCESS, DELETE)
                .args(Arg.key("key"), fields())
                .group("hash")
                .since("9.1.0")
                .complexity("O(N) with N fields given.")
                .summary("Reads fields of a hash and removes them.");
    }

    private static void registerExpire(CommandTable t) {
        t.add("HEXPIRE", c -> expire(c, true, true))
                .arity(-6)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, UPDATE)
                .args(Arg.key("key"), Arg.integer("seconds"), condition(null), fields())
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Has fields of a hash expire after some seconds.");
        t.add("HPEXPIRE", c -> expire(c, false, true))
                .arity(-6)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, UPDATE)
                .args(Arg.key("key"), Arg.integer("milliseconds"), condition("9.0.0"), fields())
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Has fields of a hash expire after some milliseconds.");
        t.add("HEXPIREAT", c -> expire(c, true, false))
                .arity(-6)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, UPDATE)
                .args(
                        Arg.key("key"),
                        Arg.integer("unix-time-seconds"),
                        condition("9.0.0"),
                        fields())
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Has fields of a hash expire at a time in seconds.");
        t.add("HPEXPIREAT", c -> expire(c, false, false))
                .arity(-6)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, UPDATE)
                .args(
                        Arg.key("key"),
                        Arg.integer("unix-time-milliseconds"),
                        condition("9.0.0"),
                        fields())
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Has fields of a hash expire at a time in milliseconds.");
    }

    private static void registerTimes(CommandTable t) {
        t.add("HTTL", c -> times(c, true, true))
                .arity(-5)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), fields())
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Tells in how many seconds fields of a hash expire.");
        t.add("HPTTL", c -> times(c, false, true))
                .arity(-5)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), fields())
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Tells in how many milliseconds fields of a hash expire.");
        t.add("HEXPIRETIME", c -> times(c, true, false))
                .arity(-5)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), fields())
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Tells at what time in seconds fields of a hash expire.");
        t.add("HPEXPIRETIME", c -> times(c, false, false))
                .arity(-5)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), fields())
                .group("hash")
                .since("9.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Tells at what time in milliseconds fields of a hash expire.");
    }

    private static Arg fields() {
        return Arg.block("fields", Arg.integer("numfields"), Arg.string("field").multiple())
                .token("FIELDS");
    }

    private static Arg condition(@Nullable String since) {
        Arg condition =
                Arg.oneOf(
                                "condition",
                                Arg.token("nx", "NX"),
                                Arg.token("xx", "XX"),
                                Arg.token("gt", "GT"),
                                Arg.token("lt", "LT"))
                        .optional();
        return since == null ? condition : condition.since(since);
    }

    // Arguments.

    /** Index of the word FIELDS from there on, with something behind it, or 0 after an error was written. HGETEX and HSETEX take it for the word even where the key is. */
    private static int fieldsWord(CommandContext c, int from) {
        for (int i = from; i < c.argc() - 1; i++) {
            if (c.argIs(i, "FIELDS")) {
                return i;
            }
        }
        c.reply().error(FIELD_COUNT);
        return 0;
    }

    /** Whether as many arguments follow the word FIELDS as the number behind it says; if not, the error is written. */
    private static boolean fieldsFit(
            CommandContext c, int word, int argumentsPerField, ErrorReply otherwise) {
        if (word + 1 >= c.argc()) {
            c.reply().error(otherwise);
            return false;
        }
        if (!c.parseLong(word + 1)) {
            return false;
        }
        long count = c.longValue();
        int arguments = c.argc() - word - 2;
        if (count <= 0 || count > arguments || count * argumentsPerField != arguments) {
            c.reply().error(otherwise);
            return false;
        }
        return true;
    }

    /** As {@link #fieldsFit}, of the commands that have it as their first argument behind the key. */
    private static boolean fieldsFollow(CommandContext c, ErrorReply otherwise) {
        if (!c.argIs(2, "FIELDS")) {
            c.reply().error(Errors.SYNTAX);
            return false;
        }
        return fieldsFit(c, 2, 1, otherwise);
    }

    private static int option(CommandContext c, int i) {
        return switch (c.argLength(i)) {
            case 2 ->
                    c.argIs(i, "NX")
                            ? NX
                            : c.argIs(i, "XX")
                                    ? XX
                                    : c.argIs(i, "GT")
                                            ? GT
                                            : c.argIs(i, "LT")
                                                    ? LT
                                                    : c.argIs(i, "EX")
                                                            ? EX
                                                            : c.argIs(i, "PX") ? PX : 0;
            case 3 -> c.argIs(i, "FNX") ? FNX : c.argIs(i, "FXX") ? FXX : 0;
            case 4 -> c.argIs(i, "EXAT") ? EXAT : c.argIs(i, "PXAT") ? PXAT : 0;
            case 7 -> c.argIs(i, "KEEPTTL") ? KEEPTTL : c.argIs(i, "PERSIST") ? PERSIST : 0;
            default -> 0;
        };
    }

    /** Of the options no two of one group go together. */
    private static boolean conflict(int options, int option) {
        int group =
                (option & (NX | XX)) != 0
                        ? NX | XX
                        : (option & (FNX | FXX)) != 0 ? FNX | FXX : EXPIRY | KEEPTTL | PERSIST;
        return (options & group & ~option) != 0;
    }

    /**
     * Parses the options of HGETEX and HSETEX up to the word FIELDS.
     *
     * @return flags, with the index of the expiry's argument from bit 16 on; BAD: the error is written
     */
    private static int options(CommandContext c, int word, int allowed) {
        int options = 0;
        int argument = 0;
        for (int i = 2; i < word; i++) {
            int option = option(c, i) & allowed;
            boolean takesArgument = (option & EXPIRY) != 0;
            if (option == 0 || conflict(options, option) || takesArgument && i + 1 == word) {
                c.reply().error(Errors.SYNTAX);
                return BAD;
            }
            options |= option;
            if (takesArgument) {
                argument = ++i;
            }
        }
        return options | argument << 16;
    }

    /** When fields expire, milliseconds since the epoch; BAD: the error is written. */
    private static long expiryMillis(
            CommandContext c, int argument, boolean seconds, boolean relative) {
        if (!c.parseLong(argument)) {
            return BAD;
        }
        long time = c.longValue();
        if (time >= 0 && (!seconds || time <= Long.MAX_VALUE / 1000)) {
            long millis = (seconds ? time * 1000 : time) + (relative ? c.now() : 0);
            if (millis >= 0) {
                return millis;
            }
        }
        SetOptions.invalidExpiry(c);
        return BAD;
    }

    private static long expiryMillis(CommandContext c, int options) {
        return expiryMillis(
                c, options >>> 16, (options & (EX | EXAT)) != 0, (options & (EX | PX)) != 0);
    }

    /** As {@link HashCommands#load}, of fields that may get a time; {@code step} 2: and a value, which follows each. */
    private static void load(CommandContext c, Hashes hash, int first, int step) {
        for (int i = first; i < c.argc(); i += step) {
            hash.prefetch(c.arg(i), c.argLength(i));
        }
        for (int i = first; i < c.argc(); i += step) {
            hash.loadTime(c.arg(i), c.argLength(i), step == 2 ? c.argLength(i + 1) : 0);
        }
    }

    // Handlers.

    private static void expire(CommandContext c, boolean seconds, boolean relative) {
        int word = fieldsWord(c, 3);
        if (word == 0) {
            return;
        }
        int conditions = 0;
        for (int i = 3; i < word; i++) {
            int option = option(c, i) & (NX | XX | GT | LT);
            if (option == 0) {
                c.reply().error("ERR Unsupported option " + c.argUpToZero(i));
                return;
            }
            conditions |= option;
        }
        if ((conditions & NX) != 0 && (conditions & (XX | GT | LT)) != 0) {
            c.reply().error(NX_AND_OTHERS);
            return;
        }
        if ((conditions & (GT | LT)) == (GT | LT)) {
            c.reply().error(GT_AND_LT);
            return;
        }
        if (!fieldsFit(c, word, 1, FIELD_COUNT)) {
            return;
        }
        long millis = expiryMillis(c, 2, seconds, relative);
        if (millis == BAD) {
            return;
        }
        long record = c.readForWrite(1);
        if (!HashCommands.isHash(c, record)) {
            return;
        }
        int first = word + 2;
        Hashes hash = HashCommands.open(c, record);
        load(c, hash, first, 1);
        c.reply().array(c.argc() - (long) first);
        boolean expires = false;
        boolean deletes = false;
        for (int i = first; i < c.argc(); i++) {
            int said = expire(c, hash, i, conditions, millis);
            c.reply().integer(said);
            expires |= said == DONE;
            deletes |= said == DELETED;
        }
        finish(c, hash, expires ? "hexpire" : null, deletes ? "hexpired" : null);
    }

    private static int expire(CommandContext c, Hashes hash, int i, int conditions, long millis) {
        if (hash.find(c.arg(i), c.argLength(i)) == 0) {
            return NO_FIELD;
        }
        long before = hash.foundTime();
        boolean met =
                ((conditions & NX) == 0 || before == 0)
                        && ((conditions & XX) == 0 || before != 0)
                        && ((conditions & GT) == 0 || before != 0 && millis > before)
                        && ((conditions & LT) == 0 || before == 0 || millis < before);
        if (!met) {
            return CONDITION_NOT_MET;
        }
        if (millis <= c.now()) {
            hash.remove(c.arg(i), c.argLength(i));
            c.shard(1).countExpiredFields(1);
            return DELETED;
        }
        hash.setTime(c.arg(i), c.argLength(i), millis);
        return DONE;
    }

    /** @param events what happened; null: that did not */
    private static void finish(CommandContext c, Hashes hash, @Nullable String... events) {
        boolean gone = hash.finish();
        for (String event : events) {
            if (event != null) {
                c.changed(1, event);
            }
        }
        if (gone) {
            c.changed(1, "del");
        }
    }

    private static void times(CommandContext c, boolean seconds, boolean relative) {
        if (!fieldsFollow(c, Errors.SYNTAX)) {
            return;
        }
        long record = c.read(1);
        if (!HashCommands.isHash(c, record)) {
            return;
        }
        Hashes hash = HashCommands.open(c, record);
        for (int i = 4; i < c.argc(); i++) {
            hash.prefetch(c.arg(i), c.argLength(i));
        }
        c.reply().array(c.argc() - 4L);
        for (int i = 4; i < c.argc(); i++) {
            if (hash.find(c.arg(i), c.argLength(i)) == 0) {
                c.reply().integer(NO_FIELD);
            } else if (hash.foundTime() == 0) {
                c.reply().integer(NO_TIME);
            } else {
                long millis = hash.foundTime() - (relative ? c.now() : 0);
                c.reply()
                        .integer(
                                !seconds
                                        ? millis
                                        : relative ? (millis + 500) / 1000 : millis / 1000);
            }
        }
    }

    static void hpersist(CommandContext c) {
        if (!fieldsFollow(c, FIELD_COUNT)) {
            return;
        }
        long record = c.readForWrite(1);
        if (!HashCommands.isHash(c, record)) {
            return;
        }
        Hashes hash = HashCommands.open(c, record);
        HashCommands.load(c, hash, 4, c.argc(), 1);
        c.reply().array(c.argc() - 4L);
        boolean any = false;
        for (int i = 4; i < c.argc(); i++) {
            if (hash.find(c.arg(i), c.argLength(i)) == 0) {
                c.reply().integer(NO_FIELD);
            } else if (hash.foundTime() == 0) {
                c.reply().integer(NO_TIME);
            } else {
                hash.setTime(c.arg(i), c.argLength(i), 0);
                any = true;
                c.reply().integer(DONE);
            }
        }
        finish(c, hash, any ? "hpersist" : null);
    }

    static void hgetex(CommandContext c) {
        int word = fieldsWord(c, 1);
        int options = word == 0 ? BAD : options(c, word, EXPIRY | PERSIST);
        if (options == BAD || !fieldsFit(c, word, 1, FIELD_COUNT)) {
            return;
        }
        long record = c.read(1);
        if (!HashCommands.isHash(c, record)) {
            return;
        }
        boolean expires = (options & EXPIRY) != 0;
        long millis = expires ? expiryMillis(c, options) : 0;
        if (millis == BAD) {
            return;
        }
        int first = word + 2;
        Hashes hash = HashCommands.open(c, record);
        load(c, hash, first, 1);
        c.reply().array(c.argc() - (long) first);
        boolean changes = false;
        for (int i = first; i < c.argc(); i++) {
            long at = hash.find(c.arg(i), c.argLength(i));
            HashCommands.bulkOrNull(c, hash, at);
            if (at != 0 && expires && millis <= c.now()) {
                hash.remove(c.arg(i), c.argLength(i));
                c.shard(1).countExpiredFields(1);
                changes = true;
            } else if (at != 0 && (expires || (options & PERSIST) != 0 && hash.foundTime() != 0)) {
                hash.setTime(c.arg(i), c.argLength(i), millis);
                changes = true;
            }
        }
        if (record != 0) {
            finish(
                    c,
                    hash,
                    !changes
                            ? null
                            : !expires ? "hpersist" : millis <= c.now() ? "hexpired" : "hexpire");
        }
    }

    static void hsetex(CommandContext c) {
        int word = fieldsWord(c, 1);
        int options = word == 0 ? BAD : options(c, word, NX | XX | FNX | FXX | EXPIRY | KEEPTTL);
        if (options == BAD || !fieldsFit(c, word, 2, FIELD_COUNT)) {
            return;
        }
        long record = c.readForWrite(1);
        if (!HashCommands.isHash(c, record)) {
            return;
        }
        boolean expires = (options & EXPIRY) != 0;
        long millis = expires ? expiryMillis(c, options) : 0;
        if (millis == BAD) {
            return;
        }
        if ((options & NX) != 0 && record != 0 || (options & XX) != 0 && record == 0) {
            c.reply().integer(0);
            return;
        }
        int first = word + 2;
        Hashes hash = HashCommands.open(c, record);
        load(c, hash, first, 2);
        HashCommands.probe(c, hash, first, c.argc());
        for (int i = first; (options & (FNX | FXX)) != 0 && i < c.argc(); i += 2) {
            boolean there = hash.find(c.arg(i), c.argLength(i)) != 0;
            if (there != ((options & FXX) != 0)) {
                c.reply().integer(0);
                return;
            }
        }
        boolean late = expires && millis <= c.now();
        boolean deletes = false;
        for (int i = first; i < c.argc(); i += 2) {
            if (late) {
                if (hash.remove(c.arg(i), c.argLength(i))) {
                    c.shard(1).countExpiredFields(1);
                    deletes = true;
                }
            } else if ((options & KEEPTTL) != 0) {
                hash.replace(c.arg(i), c.argLength(i), c.arg(i + 1), c.argLength(i + 1));
            } else {
                hash.put(c.arg(i), c.argLength(i), c.arg(i + 1), c.argLength(i + 1));
                if (expires) {
                    hash.setTime(c.arg(i), c.argLength(i), millis);
                }
            }
        }
        if (!late || deletes) {
            finish(c, hash, late ? "hexpired" : "hset", expires && !late ? "hexpire" : null);
        }
        c.reply().integer(1);
    }

    static void hgetdel(CommandContext c) {
        if (!fieldsFollow(c, FIELD_COUNT)) {
            return;
        }
        long record = c.read(1);
        if (!HashCommands.isHash(c, record)) {
            return;
        }
        Hashes hash = HashCommands.open(c, record);
        HashCommands.load(c, hash, 4, c.argc(), 1);
        c.reply().array(c.argc() - 4L);
        boolean any = false;
        for (int i = 4; i < c.argc(); i++) {
            long at = hash.find(c.arg(i), c.argLength(i));
            HashCommands.bulkOrNull(c, hash, at);
            any |= hash.remove(c.arg(i), c.argLength(i));
        }
        if (record != 0) {
            finish(c, hash, any ? "hdel" : null);
        }
    }
}
