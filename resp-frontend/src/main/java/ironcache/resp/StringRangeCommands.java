package ironcache.resp;

import static ironcache.resp.CommandFlag.BRIEF;
import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.INSERT;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.RW;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.datatypes.Strings;

/** The strings family, part two: parts of a value. Rows and handlers. */
final class StringRangeCommands {
    private StringRangeCommands() {}

    static void register(CommandTable t) {
        t.add("APPEND", StringRangeCommands::append)
                .arity(3)
                .flags(WRITE, DENYOOM, FAST, BRIEF)
                .keys(1, 1, 1, RW, INSERT)
                .args(Arg.key("key"), Arg.string("value"))
                .group("string")
                .since("2.0.0")
                .complexity(
                        "O(N) with N bytes added; the value before is not copied as a whole once it is long.")
                .summary("Adds text to the end of a value; a missing key counts as empty.");
        t.add("STRLEN", StringRangeCommands::strlen)
                .arity(2)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO)
                .args(Arg.key("key"))
                .group("string")
                .since("2.2.0")
                .complexity("O(1)")
                .summary("Tells the length of a value.");
        t.add("SETRANGE", StringRangeCommands::setrange)
                .arity(4)
                .flags(WRITE, DENYOOM)
                .keys(1, 1, 1, RW, UPDATE)
                .args(Arg.key("key"), Arg.integer("offset"), Arg.string("value"))
                .group("string")
                .since("2.2.0")
                .complexity("O(M) with M bytes written.")
                .summary("Overwrites part of a value from an offset on, padding with zero bytes.");
        t.add("GETRANGE", StringRangeCommands::getrange)
                .arity(4)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), Arg.integer("start"), Arg.integer("end"))
                .group("string")
                .since("2.4.0")
                .complexity("O(N) with N bytes returned.")
                .summary("Reads part of a value.");
        t.add("SUBSTR", StringRangeCommands::getrange)
                .arity(4)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), Arg.integer("start"), Arg.integer("end"))
                .group("string")
                .since("1.0.0")
                .complexity("O(N) with N bytes returned.")
                .summary("Reads part of a value; the old name of GETRANGE.");
    }

    static void append(CommandContext c) {
        long record = c.readForWrite(1);
        if (record != 0) {
            if (!Strings.isString(record)) {
                c.reply().error(Errors.WRONG_TYPE);
                return;
            }
            if (!StringReplies.fits(c, Strings.length(record) + c.argLength(2))) {
                return;
            }
        }
        long length =
                Strings.append(
                        c.shard(1),
                        c.db(),
                        c.arg(1),
                        c.argLength(1),
                        c.hash(1),
                        record,
                        c.arg(2),
                        c.argLength(2));
        c.changed(1, "append");
        c.reply().integer(length);
    }

    static void strlen(CommandContext c) {
        long record = c.read(1);
        if (record == 0) {
            c.reply().integer(0);
        } else if (Strings.isString(record)) {
            c.reply().integer(Strings.length(record));
        } else {
            c.reply().error(Errors.WRONG_TYPE);
        }
    }

    static void setrange(CommandContext c) {
        if (!c.parseLong(2)) {
            return;
        }
        long offset = c.longValue();
        if (offset < 0) {
            c.reply().error(Errors.OFFSET_OUT_OF_RANGE);
            return;
        }
        long record = c.readForWrite(1);
        if (record != 0 && !Strings.isString(record)) {
            c.reply().error(Errors.WRONG_TYPE);
            return;
        }
        int valueLength = c.argLength(3);
        if (valueLength == 0) {
            c.reply().integer(record == 0 ? 0 : Strings.length(record));
            return;
        }
        if (!StringReplies.fits(c, offset + valueLength)) {
            return;
        }
        long length =
                Strings.setRange(
                        c.shard(1),
                        c.db(),
                        c.arg(1),
                        c.argLength(1),
                        c.hash(1),
                        record,
                        offset,
                        c.arg(3),
                        valueLength);
        c.changed(1, "setrange");
        c.reply().integer(length);
    }

    static void getrange(CommandContext c) {
        if (!c.parseLong(2)) {
            return;
        }
        long start = c.longValue();
        if (!c.parseLong(3)) {
            return;
        }
        long end = c.longValue();
        long record = LongReplies.record(c, 1);
        if (record == LongReplies.LOST) {
            return;
        }
        if (record == 0) {
            c.reply().emptyBulk();
            return;
        }
        if (!Strings.isString(record)) {
            c.reply().error(Errors.WRONG_TYPE);
            return;
        }
        long length = Strings.length(record);
        boolean empty = length == 0 || start < 0 && end < 0 && start > end;
        long from = fromStart(start, length);
        long to = Math.min(fromStart(end, length), length - 1);
        if (empty || from > to) {
            c.reply().emptyBulk();
        } else {
            StringReplies.stream(c, record, from, to - from + 1);
        }
    }

    /** A position that may count from the end, as one from the start: not below 0. */
    private static long fromStart(long position, long length) {
        return position >= 0 ? position : Math.max(0, length + position);
    }
}
