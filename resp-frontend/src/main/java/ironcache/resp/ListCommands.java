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
import ironcache.datatypes.ListWalk;
import ironcache.datatypes.Lists;
import ironcache.hybridlog.Record;

/** The lists family, part one: pushing, looking, and changes in the middle. Rows and handlers. */
final class ListCommands {
    private static final ErrorReply ZERO_RANK =
            new ErrorReply(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second"
                            + " ... or use negative to start from the end of the list");
    private static final ErrorReply NEGATIVE_COUNT = new ErrorReply("ERR COUNT can't be negative");
    private static final ErrorReply NEGATIVE_MAXLEN =
            new ErrorReply("ERR MAXLEN can't be negative");

    /** Elements that a search goes over before it lets them go. */
    private static final int WINDOW = 1 << 14;

    private ListCommands() {}

    static void register(CommandTable t) {
        pushRow(t, "LPUSH", ListCommands::lpush)
                .since("1.0.0")
                .history("2.4.0", "Several elements.")
                .summary(
                        "Adds elements at the begin of a list, which is made where there is none.");
        pushRow(t, "RPUSH", ListCommands::rpush)
                .since("1.0.0")
                .history("2.4.0", "Several elements.")
                .summary("Adds elements at the end of a list, which is made where there is none.");
        pushRow(t, "LPUSHX", ListCommands::lpushx)
                .since("2.2.0")
                .history("4.0.0", "Several elements.")
                .summary("Adds elements at the begin of a list that there is.");
        pushRow(t, "RPUSHX", ListCommands::rpushx)
                .since("2.2.0")
                .history("4.0.0", "Several elements.")
                .summary("Adds elements at the end of a list that there is.");
        t.add("LLEN", ListCommands::llen)
                .arity(2)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO)
                .args(Arg.key("key"))
                .group("list")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Tells the length of a list.");
        t.add("LINDEX", ListCommands::lindex)
                .arity(3)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), Arg.integer("index"))
                .group("list")
                .since("1.0.0")
                .complexity("O(log N) with N elements in the list; O(1) for both ends.")
                .summary("Reads an element by its index.");
        t.add("LSET", ListCommands::lset)
                .arity(4)
                .flags(WRITE, DENYOOM)
                .keys(1, 1, 1, RW, UPDATE)
                .args(Arg.key("key"), Arg.integer("index"), Arg.string("element"))
                .group("list")
                .since("1.0.0")
                .complexity("O(log N) with N elements in the list; O(1) for both ends.")
                .summary("Replaces an element by its index.");
        t.add("LRANGE", ListCommands::lrange)
                .arity(4)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), Arg.integer("start"), Arg.integer("stop"))
                .group("list")
                .since("1.0.0")
                .complexity("O(log N + M) with N elements in the list and M in the range.")
                .summary("Reads a range of elements.");
        t.add("LINSERT", ListCommands::linsert)
                .arity(5)
                .flags(WRITE, DENYOOM)
                .keys(1, 1, 1, RW, INSERT)
                .args(
                        Arg.key("key"),
                        Arg.oneOf(
                                "where",
                                Arg.token("before", "BEFORE"),
                                Arg.token("after", "AFTER")),
                        Arg.string("pivot"),
                        Arg.string("element"))
                .group("list")
                .since("2.2.0")
                .complexity("O(N) with N elements before the one that is looked for.")
                .summary("Puts an element before or after another.");
        t.add("LREM", ListCommands::lrem)
                .arity(4)
                .flags(WRITE)
                .keys(1, 1, 1, RW, DELETE)
                .args(Arg.key("key"), Arg.integer("count"), Arg.string("element"))
                .group("list")
                .since("1.0.0")
                .complexity("O(N) with N elements in the list.")
                .summary("Removes elements by their value.");
        t.add("LTRIM", ListCommands::ltrim)
                .arity(4)
                .flags(WRITE)
                .keys(1, 1, 1, RW, DELETE)
                .args(Arg.key("key"), Arg.integer("start"), Arg.integer("stop"))
                .group("list")
                .since("1.0.0")
                .complexity("O(N) with N elements removed.")
                .summary("Removes all elements but a range.");
        t.add("LPOS", ListCommands::lpos)
                .arity(-3)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        Arg.string("element"),
                        Arg.integer("rank").token("RANK").optional(),
                        Arg.integer("num-matches").token("COUNT").optional(),
                        Arg.integer("len").token("MAXLEN").optional())
                .group("list")
                .since("6.0.6")
                .complexity("O(N) with N elements looked at.")
                .summary("Tells the indexes of an element.");
        ListPopCommands.register(t);
        ListMoveCommands.register(t);
    }

    private static CommandRow pushRow(CommandTable t, String name, CommandHandler handler) {
        return t.add(name, handler)
                .arity(-3)
                .flags(WRITE, DENYOOM, FAST)
                .keys(1, 1, 1, RW, INSERT)
                .args(Arg.key("key"), Arg.string("element").multiple())
                .group("list")
                .complexity("O(1) for each element.");
    }

    /** The record is a list, or none; if not, the error is written. */
    static boolean isListOrNone(CommandContext c, long record) {
        if (record != 0 && !Lists.isList(record)) {
            c.reply().error(Errors.WRONG_TYPE);
            return false;
        }
        return true;
    }

    // Pushing.

    static void lpush(CommandContext c) {
        push(c, true, "lpush");
    }

    static void rpush(CommandContext c) {
        push(c, false, "rpush");
    }

    static void lpushx(CommandContext c) {
        pushIfThere(c, true, "lpush");
    }

    static void rpushx(CommandContext c) {
        pushIfThere(c, false, "rpush");
    }

    private static void push(CommandContext c, boolean first, String event) {
        long record = c.readForWrite(1);
        if (isListOrNone(c, record)) {
            push(c, record, first, event);
        }
    }

    private static void pushIfThere(CommandContext c, boolean first, String event) {
        long record = c.readForWrite(1);
        if (!isListOrNone(c, record)) {
            return;
        }
        if (record == 0) {
            c.reply().integer(0);
        } else {
            push(c, record, first, event);
        }
    }

    private static void push(CommandContext c, long record, boolean first, String event) {
        long length = c.list(1, record).push(first, c, 2, c.argc());
        c.changed(1, event);
        c.ready(1);
        c.reply().integer(length);
    }

    // Looking.

    static void llen(CommandContext c) {
        long record = c.read(1);
        if (isListOrNone(c, record)) {
            c.reply().integer(record == 0 ? 0 : Lists.length(record));
        }
    }

    static void lindex(CommandContext c) {
        long record = c.read(1);
        if (record == 0) {
            c.reply().nullBulk();
            return;
        }
        if (!isListOrNone(c, record) || !c.parseLong(2)) {
            return;
        }
        long index = c.longValue();
        long length = index < 0 || Record.isPaged(record) ? Lists.length(record) : Long.MAX_VALUE;
        if (index < 0) {
            index += length;
        }
        if (index < 0 || index >= length) {
            c.reply().nullBulk();
            return;
        }
        // A packed list is short, and need not be counted.
        ListWalk walk = c.list(1, record).walk(0, 0);
        if (walk.goTo(index)) {
            ElementReplies.bulk(c, walk.element(), walk.shard(), walk.object());
        } else {
            c.reply().nullBulk();
        }
    }

    static void lrange(CommandContext c) {
        if (!c.parseLong(2)) {
            return;
        }
        long start = c.longValue();
        if (!c.parseLong(3)) {
            return;
        }
        long stop = c.longValue();
        long record = LongReplies.record(c, 1);
        if (record == LongReplies.LOST || !isListOrNone(c, record)) {
            return;
        }
        long length = record == 0 ? 0 : Lists.length(record);
        start = Math.max(start < 0 ? start + length : start, 0);
        stop = Math.min(stop < 0 ? stop + length : stop, length - 1);
        if (start > stop) {
            c.reply().array(0);
        } else {
            range(c, record, start, stop - start + 1);
        }
    }

    /** As the command's only reply; of a long range a window at a time. */
    private static void range(CommandContext c, long firstRecord, long start, long count) {
        long record = firstRecord;
        long done = LongReplies.done(c);
        if (!LongReplies.isStreaming(c)) {
            c.reply().array(count);
        }
        while (true) {
            long bytes = 0;
            ListWalk walk = c.list(1, record).walk(start + done, count - done);
            while (done < count && bytes < LongReplies.SLICE_BYTES && walk.next()) {
                long element = walk.element();
                ElementReplies.bulk(c, element, walk.shard(), walk.object());
                bytes += Element.textLength(element);
                done++;
            }
            if (done == count) {
                return;
            }
            LongReplies.pause(c, 1, done);
            record = c.resume(1);
        }
    }

    static void lpos(CommandContext c) {
        long rank = 1;
        long count = -1;
        long most = 0;
        for (int i = 3; i < c.argc(); i += 2) {
            boolean hasValue = i + 1 < c.argc();
            if (c.argIs(i, "RANK") && hasValue) {
                if (!c.parseLong(i + 1)) {
                    return;
                }
                rank = c.longValue();
                if (rank == 0 || rank == Long.MIN_VALUE) {
                    c.reply().error(rank == 0 ? ZERO_RANK : Errors.COUNT_OUT_OF_RANGE);
                    return;
                }
            } else if (c.argIs(i, "COUNT") && hasValue) {
                if (!c.parseLongInRange(i + 1, 0, Long.MAX_VALUE, NEGATIVE_COUNT)) {
                    return;
                }
                count = c.longValue();
            } else if (c.argIs(i, "MAXLEN") && hasValue) {
                if (!c.parseLongInRange(i + 1, 0, Long.MAX_VALUE, NEGATIVE_MAXLEN)) {
                    return;
                }
                most = c.longValue();
            } else {
                c.reply().error(Errors.SYNTAX);
                return;
            }
        }
        long record = c.read(1);
        if (!isListOrNone(c, record)) {
            return;
        }
        if (record == 0) {
            if (count >= 0) {
                c.reply().array(0);
            } else {
                c.reply().nullBulk();
            }
            return;
        }
        positions(c, record, rank, count, most == 0 ? Long.MAX_VALUE : most);
    }

    /**
     * @param rank of the first match that is wanted; negative: from the end
     * @param count of matches, 0: all; -1: one, not in an array
     * @param most elements to look at
     */
    private static void positions(CommandContext c, long record, long rank, long count, long most) {
        boolean fromEnd = rank < 0;
        long length = Lists.length(record);
        long looked = Math.min(length, most);
        long first = firstMatch(c, record, 2, fromEnd, looked);
        long rest = looked - first;
        Lists list = c.list(1, c.peek(1));
        ListWalk walk = list.walk(fromEnd ? length - first : first, fromEnd ? -rest : rest);
        list.seek(c.arg(2), c.argLength(2));
        long deferred = count >= 0 ? c.reply().beginDeferred() : 0;
        long left = Math.abs(rank) - 1;
        long found = 0;
        for (long i = first; i < looked && (fromEnd ? walk.previous() : walk.next()); i++) {
            if (!list.isSought() || left-- > 0) {
                continue;
            }
            left = 0;
            c.reply().integer(fromEnd ? length - i - 1 : i);
            found++;
            if (count < 0 || count > 0 && found == count) {
                break;
            }
        }
        if (count >= 0) {
            c.reply().endDeferredArray(deferred, found);
        } else if (found == 0) {
            c.reply().nullBulk();
        }
    }

    // Changes in the middle.

    /**
     * How many elements at an end come before the first that is a string. A list that has to be read from the SSD is gone through a window at a time: each is let go before the next, and a
     * miss costs no more than one. Addresses of records are no longer valid.
     *
     * @param most elements to look at
     * @return {@code most} where there is none
     */
    private static long firstMatch(
            CommandContext c, long firstRecord, int text, boolean fromEnd, long most) {
        long record = firstRecord;
        long length = Lists.length(record);
        boolean paged = Record.isPaged(record);
        int version = paged ? Lists.version(record) : 0;
        // Nothing has been replied: where somebody changed the list it begins anew.
        long done = paged ? LongReplies.searched(c, version) : 0;
        while (true) {
            long end = Math.min(most, done + WINDOW);
            long rest = most - done;
            Lists list = c.list(1, record);
            ListWalk walk = list.walk(fromEnd ? length - done : done, fromEnd ? -rest : rest);
            list.seek(c.arg(text), c.argLength(text));
            while (done < end && (fromEnd ? walk.previous() : walk.next())) {
                if (list.isSought()) {
                    return done;
                }
                done++;
            }
            if (done >= most) {
                return most;
            }
            LongReplies.passed(c, version, done);
            record = c.peek(1);
        }
    }

    static void lset(CommandContext c) {
        long record = c.readForWrite(1);
        if (record == 0) {
            c.reply().error(Errors.NO_SUCH_KEY);
            return;
        }
        if (!isListOrNone(c, record) || !c.parseLong(2)) {
            return;
        }
        // Of a number beyond 32 bits Valkey takes the low ones.
        long index = (int) c.longValue();
        long length = Lists.length(record);
        if (index < 0) {
            index += length;
        }
        Lists list = c.list(1, record);
        if (index < 0 || index >= length) {
            list.noteGrowth(c.argLength(3));
            c.reply().error(Errors.INDEX_OUT_OF_RANGE);
            return;
        }
        list.set(index, c.arg(3), c.argLength(3));
        c.changed(1, "lset");
        c.reply().ok();
    }

    static void linsert(CommandContext c) {
        boolean after = c.argIs(2, "AFTER");
        if (!after && !c.argIs(2, "BEFORE")) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        long record = c.readForWrite(1);
        if (!isListOrNone(c, record)) {
            return;
        }
        if (record == 0) {
            c.reply().integer(0);
            return;
        }
        long length = Lists.length(record);
        long at = firstMatch(c, record, 3, false, length);
        Lists list = c.list(1, c.peek(1));
        if (at < length) {
            long now = list.insert(after ? at + 1 : at, c.arg(4), c.argLength(4));
            c.changed(1, "linsert");
            c.reply().integer(now);
        } else {
            list.noteGrowth(c.argLength(4));
            c.reply().integer(-1);
        }
    }

    static void lrem(CommandContext c) {
        if (!c.parseLong(2)) {
            return;
        }
        long count = c.longValue();
        if (count == Long.MIN_VALUE) {
            c.reply().error(Errors.COUNT_OUT_OF_RANGE);
            return;
        }
        long record = c.readForWrite(1);
        if (!isListOrNone(c, record)) {
            return;
        }
        if (record == 0) {
            c.reply().integer(0);
            return;
        }
        long length = Lists.length(record);
        boolean fromEnd = count < 0;
        long most = Math.abs(count);
        long others = firstMatch(c, record, 3, fromEnd, length);
        Lists list = c.list(1, c.peek(1));
        long removed = list.removeEqual(c.arg(3), c.argLength(3), most, fromEnd, others);
        if (removed > 0) {
            c.changed(1, "lrem");
            if (removed == length) {
                c.changed(1, "del");
            }
        }
        c.reply().integer(removed);
    }

    static void ltrim(CommandContext c) {
        if (!c.parseLong(2)) {
            return;
        }
        long start = c.longValue();
        if (!c.parseLong(3)) {
            return;
        }
        long stop = c.longValue();
        long record = c.readForWrite(1);
        if (!isListOrNone(c, record)) {
            return;
        }
        if (record != 0) {
            trim(c, record, start, stop);
        }
        c.reply().ok();
    }

    private static void trim(CommandContext c, long record, long from, long to) {
        long length = Lists.length(record);
        long start = Math.max(from < 0 ? from + length : from, 0);
        long stop = Math.min(to < 0 ? to + length : to, length - 1);
        long atBegin = start > stop ? length : start;
        long atEnd = start > stop ? 0 : length - stop - 1;
        Lists list = c.list(1, record);
        boolean gone = false;
        if (atBegin + atEnd > 0) {
            list.loadTrim(atBegin, atEnd);
            gone = list.trim(atBegin, atEnd);
        } else {
            list.noteShrink();
        }
        c.changed(1, "ltrim");
        if (gone) {
            c.changed(1, "del");
        }
    }
}
