package ironcache.resp;

import static ironcache.resp.CommandFlag.BRIEF;
import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.RW;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.datatypes.LongDouble;
import ironcache.datatypes.LongText;
import ironcache.datatypes.Strings;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The strings family, part four: numbers. Rows and handlers. */
final class IncrementCommands {
    private static final ErrorReply DECREMENT_OVERFLOW =
            new ErrorReply("ERR decrement would overflow");
    private static final ErrorReply NOT_FINITE =
            new ErrorReply("ERR increment would produce NaN or Infinity");

    /** Longest text that can be a number for INCRBYFLOAT. */
    private static final int MAX_NUMBER_BYTES = 5 * 1024;

    private IncrementCommands() {}

    static void register(CommandTable t) {
        t.add("INCR", IncrementCommands::incr)
                .arity(2)
                .flags(WRITE, DENYOOM, FAST, BRIEF)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .args(Arg.key("key"))
                .group("string")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Adds one to a number; a missing key counts as 0.");
        t.add("DECR", IncrementCommands::decr)
                .arity(2)
                .flags(WRITE, DENYOOM, FAST, BRIEF)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .args(Arg.key("key"))
                .group("string")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Takes one from a number; a missing key counts as 0.");
        t.add("INCRBY", IncrementCommands::incrby)
                .arity(3)
                .flags(WRITE, DENYOOM, FAST, BRIEF)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .args(Arg.key("key"), Arg.integer("increment"))
                .group("string")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Adds to a number; a missing key counts as 0.");
        t.add("DECRBY", IncrementCommands::decrby)
                .arity(3)
                .flags(WRITE, DENYOOM, FAST, BRIEF)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .args(Arg.key("key"), Arg.integer("decrement"))
                .group("string")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Takes from a number; a missing key counts as 0.");
        t.add("INCRBYFLOAT", IncrementCommands::incrbyfloat)
                .arity(3)
                .flags(WRITE, DENYOOM, FAST)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .args(Arg.key("key"), Arg.real("increment"))
                .group("string")
                .since("2.6.0")
                .complexity("O(1)")
                .summary("Adds to a floating point number; a missing key counts as 0.");
    }

    static void incr(CommandContext c) {
        add(c, 1);
    }

    static void decr(CommandContext c) {
        add(c, -1);
    }

    static void incrby(CommandContext c) {
        if (c.parseLong(2)) {
            add(c, c.longValue());
        }
    }

    static void decrby(CommandContext c) {
        if (!c.parseLong(2)) {
            return;
        }
        long delta = c.longValue();
        if (delta == Long.MIN_VALUE) {
            c.reply().error(DECREMENT_OVERFLOW);
        } else {
            add(c, -delta);
        }
    }

    private static void add(CommandContext c, long delta) {
        long record = c.readForWrite(1);
        long old = 0;
        if (record != 0) {
            if (!Strings.isString(record)) {
                c.reply().error(Errors.WRONG_TYPE);
                return;
            }
            long text = Record.value(record);
            int length = Record.isPaged(record) ? 0 : Record.valueLength(record);
            old = LongText.parse(text, length);
            if (!LongText.isNumber(old, text, length)) {
                c.reply().error(Errors.NOT_AN_INTEGER);
                return;
            }
        }
        long sum = old + delta;
        if (((old ^ sum) & (delta ^ sum)) < 0) {
            c.reply().error(Errors.OVERFLOW);
            return;
        }
        int length = LongText.length(sum);
        long to =
                record == 0
                        ? c.upsert(1, Record.STRING, length, 0)
                        : c.modify(1, Record.STRING, length);
        LongText.format(sum, to, length);
        c.changed(1, "incrby");
        c.reply().integer(sum);
    }

    static void incrbyfloat(CommandContext c) {
        long record = c.readForWrite(1);
        if (record != 0 && !Strings.isString(record)) {
            c.reply().error(Errors.WRONG_TYPE);
            return;
        }
        LongDouble old = record == 0 ? LongDouble.ZERO : number(record);
        LongDouble delta =
                old == null || c.argLength(2) > MAX_NUMBER_BYTES
                        ? null
                        : LongDouble.parse(c.argBytes(2));
        if (old == null || delta == null) {
            c.reply().error(Errors.NOT_A_FLOAT);
            return;
        }
        LongDouble sum = old.plus(delta);
        if (sum == null) {
            c.reply().error(NOT_FINITE);
            return;
        }
        byte[] text = sum.toText().getBytes(StandardCharsets.ISO_8859_1);
        long to =
                record == 0
                        ? c.upsert(1, Record.STRING_TEXT, text.length, 0)
                        : c.modify(1, Record.STRING_TEXT, text.length);
        Memory.copyIn(text, 0, to, text.length);
        c.changed(1, "incrbyfloat");
        c.reply().bulk(text, text.length);
    }

    private static @Nullable LongDouble number(long record) {
        if (Strings.length(record) > MAX_NUMBER_BYTES) {
            return null;
        }
        byte[] text = new byte[Record.valueLength(record)];
        Memory.copyOut(Record.value(record), text, 0, text.length);
        return LongDouble.parse(text);
    }
}
