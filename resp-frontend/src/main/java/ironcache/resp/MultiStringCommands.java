package ironcache.resp;

import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.MOVABLEKEYS;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.INSERT;
import static ironcache.resp.KeyFlag.OW;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.datatypes.Strings;
import ironcache.hybridlog.Record;

/** The strings family, part three: several keys at once. Rows and handlers. */
final class MultiStringCommands {
    private static final ErrorReply INVALID_COUNT =
            new ErrorReply("ERR invalid numkeys value or out of range");

    private MultiStringCommands() {}

    static void register(CommandTable t) {
        t.add("MGET", MultiStringCommands::mget)
                .arity(-2)
                .flags(READONLY, FAST)
                .keys(1, -1, 1, RO, ACCESS)
                .tips("request_policy:multi_shard")
                .args(Arg.key("key").multiple())
                .group("string")
                .since("1.0.0")
                .complexity("O(N) with N keys.")
                .summary("Reads the values of several keys.");
        t.add("MSET", MultiStringCommands::mset)
                .arity(-3)
                .flags(WRITE, DENYOOM)
                .keys(1, -1, 2, OW, UPDATE)
                .blindWrite()
                .tips("request_policy:multi_shard", "response_policy:all_succeeded")
                .args(Arg.block("data", Arg.key("key"), Arg.string("value")).multiple())
                .group("string")
                .since("1.0.1")
                .complexity("O(N) with N keys.")
                .summary("Gives several keys their values in one step.");
        t.add("MSETNX", MultiStringCommands::msetnx)
                .arity(-3)
                .flags(WRITE, DENYOOM)
                .keys(1, -1, 2, OW, INSERT)
                .args(Arg.block("data", Arg.key("key"), Arg.string("value")).multiple())
                .group("string")
                .since("1.0.1")
                .complexity("O(N) with N keys.")
                .summary("Gives several keys their values in one step unless one of them exists.");
        t.add("MSETEX", MultiStringCommands::msetex)
                .arity(-4)
                .flags(WRITE, DENYOOM, MOVABLEKEYS)
                .countedKeys(1, 2, OW, UPDATE)
                .blindWrite()
                .tips("request_policy:multi_shard", "response_policy:all_succeeded")
                .args(
                        Arg.integer("numkeys"),
                        Arg.block("data", Arg.key("key"), Arg.string("value")).multiple(),
                        Arg.oneOf("condition", Arg.token("nx", "NX"), Arg.token("xx", "XX"))
                                .optional(),
                        Arg.oneOf(
                                        "expiration",
                                        Arg.integer("seconds").token("EX"),
                                        Arg.integer("milliseconds").token("PX"),
                                        Arg.unixTime("unix-time-seconds").token("EXAT"),
                                        Arg.unixTime("unix-time-milliseconds").token("PXAT"),
                                        Arg.token("keepttl", "KEEPTTL"))
                                .optional())
                .group("string")
                .since("9.1.0")
                .complexity("O(N) with N keys.")
                .summary("Gives several keys their values and one expiry in one step.");
    }

    static void mget(CommandContext c) {
        int argc = c.argc();
        for (int i = 1; i < argc; i++) {
            c.prefetch(i);
        }
        c.reply().array(argc - 1);
        long bytes = 0;
        for (int i = 1; i < argc; i++) {
            long record = c.read(i);
            if (record == 0 || !Strings.isString(record)) {
                c.reply().nullBulk();
            } else {
                bytes += Strings.length(record);
                if (bytes > Admission.SMALL_BYTES) {
                    c.reserveOutput(bytes);
                }
                StringReplies.bulk(c, record);
            }
        }
    }

    static void mset(CommandContext c) {
        if (!isPaired(c)) {
            return;
        }
        putAll(c, 1, c.argc(), 0);
        c.reply().ok();
    }

    static void msetnx(CommandContext c) {
        if (!isPaired(c)) {
            return;
        }
        int argc = c.argc();
        prefetchPairs(c, 1, argc);
        for (int i = 1; i < argc; i += 2) {
            if (c.peek(i) != 0) {
                c.reply().integer(0);
                return;
            }
        }
        putAll(c, 1, argc, 0);
        c.reply().integer(1);
    }

    private static boolean isPaired(CommandContext c) {
        if ((c.argc() & 1) == 0) {
            c.reply().error("ERR wrong number of arguments for '" + c.row().fullName + "' command");
            return false;
        }
        return true;
    }

    private static void prefetchPairs(CommandContext c, int from, int to) {
        for (int i = from; i < to; i += 2) {
            c.prefetch(i);
        }
    }

    private static void putAll(CommandContext c, int from, int to, long expiryMillis) {
        if (to - from > 2) {
            // Nobody sees some of them: what has to wait for the SSD waits before the first is
            // written.
            int noted = 0;
            for (int i = from; i < to; i += 2) {
                noted += c.expectUpsert(i, noted);
            }
        }
        for (int i = from; i < to; i += 2) {
            StringCommands.put(c, i, i + 1, expiryMillis);
            c.changed(i, "set");
        }
    }

    static void msetex(CommandContext c) {
        if (!c.parseLongInRange(1, 1, Integer.MAX_VALUE, INVALID_COUNT)) {
            return;
        }
        long count = c.longValue();
        int argc = c.argc();
        if (count > (argc - 2) / 2) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        int end = 2 + 2 * (int) count;
        long options = SetOptions.parse(c, end, SetOptions.OF_MSETEX);
        if (options == SetOptions.INVALID) {
            return;
        }
        long expiry = SetOptions.expiryMillis(c, options);
        if (expiry == SetOptions.INVALID) {
            return;
        }
        boolean keepTtl = SetOptions.has(options, SetOptions.KEEPTTL);
        boolean expired = SetOptions.has(options, SetOptions.EXPIRY) && expiry <= c.now();
        if (keepTtl || expired || SetOptions.has(options, SetOptions.NX | SetOptions.XX)) {
            prefetchPairs(c, 2, end);
            // All are read, so that none misses once writing has begun.
            boolean holds = true;
            for (int i = 2; i < end; i += 2) {
                boolean exists = c.peek(i) != 0;
                holds &= !SetOptions.has(options, SetOptions.NX) || !exists;
                holds &= !SetOptions.has(options, SetOptions.XX) || exists;
            }
            if (!holds) {
                c.reply().integer(0);
                return;
            }
        }
        if (expired) {
            deleteAll(c, end);
        } else if (keepTtl) {
            for (int i = 2; i < end; i += 2) {
                long record = c.peek(i);
                StringCommands.put(c, i, i + 1, record == 0 ? 0 : Record.expiry(record));
                c.changed(i, "set");
            }
        } else {
            putAll(c, 2, end, expiry);
        }
        c.reply().integer(1);
    }

    private static void deleteAll(CommandContext c, int end) {
        for (int i = 2; i < end; i += 2) {
            if (c.delete(i)) {
                c.changed(i, "del");
            }
        }
    }
}
