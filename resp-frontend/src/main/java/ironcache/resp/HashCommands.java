package ironcache.resp;

import static ironcache.resp.CommandFlag.BRIEF;
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

import ironcache.datatypes.Element;
import ironcache.datatypes.Hashes;
import ironcache.datatypes.LongDouble;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The hash family, part one: fields one by one. Rows and handlers. */
final class HashCommands {
    private static final ErrorReply VALUE_NOT_AN_INTEGER =
            new ErrorReply("ERR hash value is not an integer");
    private static final ErrorReply VALUE_NOT_A_FLOAT =
            new ErrorReply("ERR hash value is not a float");
    private static final ErrorReply NOT_FINITE =
            new ErrorReply("ERR increment would produce NaN or Infinity");

    private static final ErrorReply INFINITE = new ErrorReply("ERR value is NaN or Infinity");

    /** Longest text that can be a number for HINCRBYFLOAT. */
    private static final int MAX_NUMBER_BYTES = 5 * 1024;

    private HashCommands() {}

    static void register(CommandTable t) {
        t.add("HSET", HashCommands::hset)
                .arity(-4)
                .flags(WRITE, DENYOOM, FAST)
                .keys(1, 1, 1, RW, UPDATE)
                .element(2)
                .args(Arg.key("key"), fieldsAndValues())
                .group("hash")
                .since("2.0.0")
                .complexity("O(N) with N fields given.")
                .history("4.0.0", "Several fields and values.")
                .summary("Sets fields of a hash, which is made where it is missing.");
        t.add("HMSET", HashCommands::hmset)
                .arity(-4)
                .flags(WRITE, DENYOOM, FAST)
                .keys(1, 1, 1, RW, UPDATE)
                .element(2)
                .args(Arg.key("key"), fieldsAndValues())
                .group("hash")
                .since("2.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Sets fields of a hash; says OK where HSET counts.");
        t.add("HSETNX", HashCommands::hsetnx)
                .arity(4)
                .flags(WRITE, DENYOOM, FAST, BRIEF)
                .keys(1, 1, 1, RW, INSERT)
                .element(2)
                .args(Arg.key("key"), Arg.string("field"), Arg.string("value"))
                .group("hash")
                .since("2.0.0")
                .complexity("O(1)")
                .summary("Sets a field of a hash unless it exists.");
        t.add("HGET", HashCommands::hget)
                .arity(3)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO, ACCESS)
                .element(2)
                .args(Arg.key("key"), Arg.string("field"))
                .group("hash")
                .since("2.0.0")
                .complexity("O(1)")
                .summary("Reads a field of a hash.");
        t.add("HMGET", HashCommands::hmget)
                .arity(-3)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO, ACCESS)
                .element(2)
                .args(Arg.key("key"), Arg.string("field").multiple())
                .group("hash")
                .since("2.0.0")
                .complexity("O(N) with N fields given.")
                .summary("Reads fields of a hash.");
        t.add("HLEN", HashCommands::hlen)
                .arity(2)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO)
                .args(Arg.key("key"))
                .group("hash")
                .since("2.0.0")
                .complexity("O(1)")
                .summary("Counts the fields of a hash.");
        t.add("HEXISTS", HashCommands::hexists)
                .arity(3)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO)
                .element(2)
                .args(Arg.key("key"), Arg.string("field"))
                .group("hash")
                .since("2.0.0")
                .complexity("O(1)")
                .summary("Tells whether a hash has a field.");
        t.add("HSTRLEN", HashCommands::hstrlen)
                .arity(3)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO)
                .element(2)
                .args(Arg.key("key"), Arg.string("field"))
                .group("hash")
                .since("3.2.0")
                .complexity("O(1)")
                .summary("Tells how long the value of a field is.");
        t.add("HDEL", HashCommands::hdel)
                .arity(-3)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, DELETE)
                .element(2)
                .args(Arg.key("key"), Arg.string("field").multiple())
                .group("hash")
                .since("2.0.0")
                .complexity("O(N) with N fields given.")
                .history("2.4.0", "Several fields.")
                .summary("Removes fields of a hash, and the hash with the last one.");
        t.add("HINCRBY", HashCommands::hincrby)
                .arity(4)
                .flags(WRITE, DENYOOM, FAST, BRIEF)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .element(2)
                .args(Arg.key("key"), Arg.string("field"), Arg.integer("increment"))
                .group("hash")
                .since("2.0.0")
                .complexity("O(1)")
                .summary("Adds to the number in a field; a missing field counts as 0.");
        t.add("HINCRBYFLOAT", HashCommands::hincrbyfloat)
                .arity(4)
                .flags(WRITE, DENYOOM, FAST)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .element(2)
                .args(Arg.key("key"), Arg.string("field"), Arg.real("increment"))
                .group("hash")
                .since("2.6.0")
                .complexity("O(1)")
                .summary(
                        "Adds to the floating point number in a field; a missing field counts as 0.");
        HashWalkCommands.register(t);
        HashExpiryCommands.register(t);
    }

    private static Arg fieldsAndValues() {
        return Arg.block("data", Arg.string("field"), Arg.string("value")).multiple();
    }

    // The hash of a command.

    /** Whether the key has a hash, or nothing; if not, the error is written. */
    static boolean isHash(CommandContext c, long record) {
        if (record == 0 || Record.type(record) == Record.TYPE_HASH) {
            return true;
        }
        c.reply().error(Errors.WRONG_TYPE);
        return false;
    }

    static Hashes open(CommandContext c, long record) {
        Hashes hash = c.types().hashes;
        hash.open(c.shard(1), c.db(), c.arg(1), c.argLength(1), c.hash(1), record);
        Config config = c.node().config;
        hash.setLimits(config.hashListpackEntries, config.hashListpackValueBytes);
        return hash;
    }

    /**
     * Before the first change: reads what changes of these arguments as fields need, all at once. May miss.
     *
     * @param step 2: each is followed by its new value
     */
    static void load(CommandContext c, Hashes hash, int first, int end, int step) {
        if (end - first > step) {
            for (int i = first; i < end; i += step) {
                hash.prefetch(c.arg(i), c.argLength(i));
            }
        }
        for (int i = first; i < end; i += step) {
            if (step == 1) {
                hash.load(c.arg(i), c.argLength(i));
            } else {
                hash.load(c.arg(i), c.argLength(i), c.argLength(i + 1));
            }
        }
    }

    /** Before the first change: looks for room for those of these arguments that are too long for their entries. May miss. */
    static void probe(CommandContext c, Hashes hash, int first, int end) {
        long pages = 0;
        for (int i = first; i < end; i++) {
            pages += Hashes.spilledPages(c.argLength(i));
        }
        hash.probe(pages, end - first);
    }

    /** Ends a command that changed the hash. */
    static void finish(CommandContext c, Hashes hash, String event) {
        boolean gone = hash.finish();
        c.changed(1, event);
        if (gone) {
            c.changed(1, "del");
        }
    }

    // Handlers.

    static void hset(CommandContext c) {
        long added = setAll(c);
        if (added >= 0) {
            c.reply().integer(added);
        }
    }

    static void hmset(CommandContext c) {
        if (setAll(c) >= 0) {
            c.reply().ok();
        }
    }

    /** @return how many fields are new; -1: an error was written */
    private static long setAll(CommandContext c) {
        if (c.argc() % 2 != 0) {
            c.reply().error("ERR wrong number of arguments for '" + c.row().fullName + "' command");
            return -1;
        }
        long record = c.readForWrite(1);
        if (!isHash(c, record)) {
            return -1;
        }
        Hashes hash = open(c, record);
        load(c, hash, 2, c.argc(), 2);
        probe(c, hash, 2, c.argc());
        hash.expect(c.argc() / 2 - 1);
        long added = 0;
        for (int i = 2; i < c.argc(); i += 2) {
            if (hash.put(c.arg(i), c.argLength(i), c.arg(i + 1), c.argLength(i + 1))) {
                added++;
            }
        }
        finish(c, hash, "hset");
        return added;
    }

    static void hsetnx(CommandContext c) {
        long record = c.readForWrite(1);
        if (!isHash(c, record)) {
            return;
        }
        Hashes hash = open(c, record);
        hash.load(c.arg(2), c.argLength(2), c.argLength(3));
        probe(c, hash, 2, 4);
        if (hash.find(c.arg(2), c.argLength(2)) != 0) {
            c.reply().integer(0);
            return;
        }
        hash.put(c.arg(2), c.argLength(2), c.arg(3), c.argLength(3));
        finish(c, hash, "hset");
        c.reply().integer(1);
    }

    static void hget(CommandContext c) {
        long record = c.read(1);
        if (isHash(c, record)) {
            Hashes hash = open(c, record);
            bulkOrNull(c, hash, hash.find(c.arg(2), c.argLength(2)));
        }
    }

    static void bulkOrNull(CommandContext c, Hashes hash, long at) {
        if (at == 0) {
            c.reply().nullBulk();
        } else {
            ElementReplies.bulk(c, at, c.shard(1), hash.object());
        }
    }

    static void hmget(CommandContext c) {
        long record = c.read(1);
        if (!isHash(c, record)) {
            return;
        }
        Hashes hash = open(c, record);
        for (int i = 2; i < c.argc(); i++) {
            hash.prefetch(c.arg(i), c.argLength(i));
        }
        c.reply().array(c.argc() - 2L);
        for (int i = 2; i < c.argc(); i++) {
            bulkOrNull(c, hash, hash.find(c.arg(i), c.argLength(i)));
        }
    }

    static void hlen(CommandContext c) {
        long record = c.read(1);
        if (isHash(c, record)) {
            c.reply().integer(record == 0 ? 0 : open(c, record).count());
        }
    }

    static void hexists(CommandContext c) {
        long record = c.read(1);
        if (isHash(c, record)) {
            boolean there = record != 0 && open(c, record).find(c.arg(2), c.argLength(2)) != 0;
            c.reply().integer(there ? 1 : 0);
        }
    }

    static void hstrlen(CommandContext c) {
        long record = c.read(1);
        if (isHash(c, record)) {
            long at = record == 0 ? 0 : open(c, record).find(c.arg(2), c.argLength(2));
            c.reply().integer(at == 0 ? 0 : Element.textLength(at));
        }
    }

    static void hdel(CommandContext c) {
        long record = c.readForWrite(1);
        if (!isHash(c, record)) {
            return;
        }
        long removed = 0;
        if (record != 0) {
            Hashes hash = open(c, record);
            load(c, hash, 2, c.argc(), 1);
            for (int i = 2; i < c.argc(); i++) {
                if (hash.remove(c.arg(i), c.argLength(i))) {
                    removed++;
                }
            }
            boolean gone = hash.finish();
            if (removed > 0) {
                c.changed(1, "hdel");
            }
            if (gone) {
                c.changed(1, "del");
            }
        }
        c.reply().integer(removed);
    }

    static void hincrby(CommandContext c) {
        if (!c.parseLong(3)) {
            return;
        }
        long delta = c.longValue();
        long record = c.readForWrite(1);
        if (!isHash(c, record)) {
            return;
        }
        Hashes hash = open(c, record);
        hash.load(c.arg(2), c.argLength(2), 0);
        probe(c, hash, 2, 3);
        long at = hash.find(c.arg(2), c.argLength(2));
        long old = 0;
        if (at != 0) {
            if (!Element.isNumber(at)) {
                c.reply().error(VALUE_NOT_AN_INTEGER);
                return;
            }
            old = Element.number(at);
        }
        long sum = old + delta;
        if (((old ^ sum) & (delta ^ sum)) < 0) {
            c.reply().error(Errors.OVERFLOW);
            return;
        }
        hash.replaceNumber(c.arg(2), c.argLength(2), sum);
        finish(c, hash, "hincrby");
        c.reply().integer(sum);
    }

    static void hincrbyfloat(CommandContext c) {
        LongDouble delta =
                c.argLength(3) > MAX_NUMBER_BYTES ? null : LongDouble.parse(c.argBytes(3));
        if (delta == null || isInfinite(c.argUpToZero(3))) {
            c.reply().error(delta == null ? Errors.NOT_A_FLOAT : INFINITE);
            return;
        }
        long record = c.readForWrite(1);
        if (!isHash(c, record)) {
            return;
        }
        Hashes hash = open(c, record);
        hash.load(c.arg(2), c.argLength(2), MAX_NUMBER_BYTES);
        probe(c, hash, 2, 3);
        long at = hash.find(c.arg(2), c.argLength(2));
        LongDouble old = at == 0 ? LongDouble.ZERO : number(at);
        if (old == null) {
            c.reply().error(VALUE_NOT_A_FLOAT);
            return;
        }
        LongDouble sum = old.plus(delta);
        if (sum == null) {
            c.reply().error(NOT_FINITE);
            return;
        }
        byte[] text = sum.toText().getBytes(StandardCharsets.ISO_8859_1);
        long to = c.types().text;
        Memory.copyIn(text, 0, to, text.length);
        hash.replace(c.arg(2), c.argLength(2), to, text.length);
        finish(c, hash, "hincrbyfloat");
        c.reply().bulk(text, text.length);
    }

    private static boolean isInfinite(String text) {
        String word = text.toLowerCase(Locale.ROOT);
        boolean signed = word.startsWith("+") || word.startsWith("-");
        word = signed ? word.substring(1) : word;
        return word.equals("inf") || word.equals("infinity");
    }

    private static @Nullable LongDouble number(long at) {
        if (Element.isSpilled(at) || Element.textLength(at) > MAX_NUMBER_BYTES) {
            return null;
        }
        byte[] text;
        if (Element.isNumber(at)) {
            text = Long.toString(Element.number(at)).getBytes(StandardCharsets.ISO_8859_1);
        } else {
            text = new byte[Element.length(at)];
            Memory.copyOut(Element.text(at), text, 0, text.length);
        }
        return LongDouble.parse(text);
    }
}
