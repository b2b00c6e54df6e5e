package ironcache.resp;

import static ironcache.resp.CommandFlag.BLOCKING;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.MOVABLEKEYS;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.DELETE;
import static ironcache.resp.KeyFlag.RW;

import ironcache.datatypes.ListWalk;
import ironcache.datatypes.Lists;

/** The lists family, part two: taking elements from an end, and waiting for some. Rows and handlers. */
final class ListPopCommands {
    private static final ErrorReply NOT_POSITIVE =
            new ErrorReply("ERR value is out of range, must be positive");
    private static final ErrorReply NO_KEYS =
            new ErrorReply("ERR numkeys should be greater than 0");
    private static final ErrorReply NO_COUNT = new ErrorReply("ERR count should be greater than 0");

    /** BLPOP's and BRPOP's: one element, not in an array. */
    private static final long ONE = -1;

    private static final long NEVER = -1;

    private ListPopCommands() {}

    static void register(CommandTable t) {
        popRow(t, "LPOP", ListPopCommands::lpop)
                .summary("Takes elements from the begin of a list.");
        popRow(t, "RPOP", ListPopCommands::rpop).summary("Takes elements from the end of a list.");
        t.add("LMPOP", ListPopCommands::lmpop)
                .arity(-4)
                .flags(WRITE, MOVABLEKEYS)
                .countedKeys(1, 1, RW, ACCESS, DELETE)
                .args(
                        Arg.integer("numkeys"),
                        Arg.key("key").multiple(),
                        ListMoveCommands.end("where"),
                        Arg.integer("count").token("COUNT").optional())
                .group("list")
                .since("7.0.0")
                .complexity("O(N+M) with N keys and M elements taken.")
                .summary("Takes elements from an end of the first list that has some.");
        blockingRow(t, "BLPOP", ListPopCommands::blpop)
                .summary(
                        "Takes the first element of a list, and waits for one where there is none.");
        blockingRow(t, "BRPOP", ListPopCommands::brpop)
                .summary(
                        "Takes the last element of a list, and waits for one where there is none.");
        t.add("BLMPOP", ListPopCommands::blmpop)
                .arity(-5)
                .flags(WRITE, CommandFlag.BLOCKING, MOVABLEKEYS)
                .countedKeys(2, 1, RW, ACCESS, DELETE)
                .args(
                        Arg.real("timeout"),
                        Arg.integer("numkeys"),
                        Arg.key("key").multiple(),
                        ListMoveCommands.end("where"),
                        Arg.integer("count").token("COUNT").optional())
                .group("list")
                .since("7.0.0")
                .complexity("O(N+M) with N keys and M elements taken.")
                .summary(
                        "Takes elements from an end of the first list that has some, and waits for one where none has.");
    }

    private static CommandRow popRow(CommandTable t, String name, CommandHandler handler) {
        return t.add(name, handler)
                .arity(-2)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, ACCESS, DELETE)
                .args(Arg.key("key"), Arg.integer("count").since("6.2.0").optional())
                .group("list")
                .since("1.0.0")
                .complexity("O(N) with N elements taken.")
                .history("6.2.0", "COUNT.");
    }

    private static CommandRow blockingRow(CommandTable t, String name, CommandHandler handler) {
        return t.add(name, handler)
                .arity(-3)
                .flags(WRITE, BLOCKING)
                .keys(1, -2, 1, RW, ACCESS, DELETE)
                .args(Arg.key("key").multiple(), Arg.real("timeout"))
                .group("list")
                .since("2.0.0")
                .complexity("O(N) with N keys.")
                .history("6.0.0", "Fractions of seconds.");
    }

    static void lpop(CommandContext c) {
        pop(c, true);
    }

    static void rpop(CommandContext c) {
        pop(c, false);
    }

    private static void pop(CommandContext c, boolean first) {
        boolean counted = c.argc() == 3;
        if (c.argc() > 3) {
            c.reply().error("ERR wrong number of arguments for '" + c.row().fullName + "' command");
            return;
        }
        long count = 1;
        if (counted) {
            if (!c.parseLongInRange(2, 0, Long.MAX_VALUE, NOT_POSITIVE)) {
                return;
            }
            count = c.longValue();
        }
        long record = c.readForWrite(1);
        if (record == 0) {
            if (counted) {
                c.reply().nullArray();
            } else {
                c.reply().nullBulk();
            }
        } else if (!Lists.isList(record)) {
            c.reply().error(Errors.WRONG_TYPE);
        } else if (count == 0) {
            c.reply().array(0);
        } else {
            take(c, 1, record, first, count, counted);
        }
    }

    /** Replies some of a list's elements and removes them. */
    private static void take(
            CommandContext c, int key, long record, boolean first, long most, boolean inArray) {
        long length = most == 1 ? 1 : Lists.length(record);
        long count = Math.min(most, length);
        Lists list = c.list(key, record);
        if (count > 1) {
            c.reserveOutput(list.textBytes(first, count));
        }
        if (inArray) {
            c.reply().array(count);
        }
        ListWalk walk = list.walkFrom(first, count);
        for (long i = 0; i < count && (first ? walk.next() : walk.previous()); i++) {
            ElementReplies.bulk(c, walk.element(), walk.shard(), walk.object());
        }
        boolean gone = list.removeWalked(first, count);
        c.changed(key, first ? "lpop" : "rpop");
        if (gone) {
            c.changed(key, "del");
        }
    }

    static void lmpop(CommandContext c) {
        mpop(c, 1, false);
    }

    static void blmpop(CommandContext c) {
        mpop(c, 2, true);
    }

    private static void mpop(CommandContext c, int numkeys, boolean blocks) {
        if (!c.parseLongInRange(numkeys, 1, Long.MAX_VALUE, NO_KEYS)) {
            return;
        }
        long keys = c.longValue();
        if (keys >= c.argc() - numkeys - 1) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        int last = numkeys + (int) keys;
        int where = last + 1;
        boolean first = c.argIs(where, "LEFT");
        if (!first && !c.argIs(where, "RIGHT")) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        long count = 1;
        boolean counted = false;
        for (int i = where + 1; i < c.argc(); i += 2) {
            if (counted || !c.argIs(i, "COUNT") || i + 1 == c.argc()) {
                c.reply().error(Errors.SYNTAX);
                return;
            }
            if (!c.parseLongInRange(i + 1, 1, Long.MAX_VALUE, NO_COUNT)) {
                return;
            }
            count = c.longValue();
            counted = true;
        }
        long timeout = blocks ? BlockingTimeout.millis(c, 1) : NEVER;
        if (!blocks || timeout != BlockingTimeout.INVALID) {
            popFirst(c, numkeys + 1, last, first, count, timeout);
        }
    }

    static void blpop(CommandContext c) {
        blockingPop(c, true);
    }

    static void brpop(CommandContext c) {
        blockingPop(c, false);
    }

    private static void blockingPop(CommandContext c, boolean first) {
        int last = c.argc() - 2;
        long timeout = BlockingTimeout.millis(c, last + 1);
        if (timeout != BlockingTimeout.INVALID) {
            popFirst(c, 1, last, first, ONE, timeout);
        }
    }

    /**
     * Takes from the first of these keys that is there, and waits for one.
     *
     * @param timeoutMillis {@link #NEVER}: replies that there is none
     */
    private static void popFirst(
            CommandContext c,
            int firstKey,
            int lastKey,
            boolean first,
            long count,
            long timeoutMillis) {
        if (lastKey > firstKey) {
            for (int k = firstKey; k <= lastKey; k++) {
                c.prefetch(k);
            }
        }
        for (int k = firstKey; k <= lastKey; k++) {
            long record = c.readForWrite(k);
            if (record == 0) {
                continue;
            }
            if (!Lists.isList(record)) {
                if (timeoutMillis != NEVER && !isAnyList(c, k + 1, lastKey)) {
                    c.blockAgain(firstKey, lastKey, timeoutMillis);
                }
                c.reply().error(Errors.WRONG_TYPE);
                return;
            }
            c.reply().array(2);
            c.reply().bulk(c.arg(k), c.argLength(k));
            take(c, k, record, first, count == ONE ? 1 : count, count != ONE);
            return;
        }
        if (timeoutMillis != NEVER) {
            c.block(firstKey, lastKey, timeoutMillis);
        }
        c.reply().nullArray();
    }

    private static boolean isAnyList(CommandContext c, int firstKey, int lastKey) {
        for (int k = firstKey; k <= lastKey; k++) {
            long record = c.readForWrite(k);
            if (record != 0 && Lists.isList(record)) {
                return true;
            }
        }
        return false;
    }
}
