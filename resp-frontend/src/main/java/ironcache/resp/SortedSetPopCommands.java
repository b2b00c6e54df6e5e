package ironcache.resp;

import static ironcache.resp.CommandFlag.BLOCKING;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.MOVABLEKEYS;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.DELETE;
import static ironcache.resp.KeyFlag.RW;

import ironcache.datatypes.SortedSets;

/** The sorted sets family, part three: the lowest and the highest are taken out, at once or when there are some. Rows and handlers. */
final class SortedSetPopCommands {
    private static final ErrorReply NOT_POSITIVE =
            new ErrorReply("ERR value is out of range, must be positive");
    private static final ErrorReply NO_KEYS =
            new ErrorReply("ERR numkeys should be greater than 0");
    private static final ErrorReply NO_COUNT = new ErrorReply("ERR count should be greater than 0");

    // Of the keys that a command looks at, besides their indexes.
    private static final int NONE = 0;
    private static final int WRONG_TYPE = -1;

    private SortedSetPopCommands() {}

    static void register(CommandTable t) {
        t.add("ZPOPMIN", SortedSetPopCommands::zpopmin)
                .arity(-2)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, ACCESS, DELETE)
                .args(Arg.key("key"), Arg.integer("count").optional())
                .group("sorted-set")
                .since("5.0.0")
                .complexity("O(M*log(N)) with N members, and M removed.")
                .summary("Removes the members with the lowest scores, and returns them.");
        t.add("ZPOPMAX", SortedSetPopCommands::zpopmax)
                .arity(-2)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, ACCESS, DELETE)
                .args(Arg.key("key"), Arg.integer("count").optional())
                .group("sorted-set")
                .since("5.0.0")
                .complexity("O(M*log(N)) with N members, and M removed.")
                .summary("Removes the members with the highest scores, and returns them.");
        t.add("ZMPOP", SortedSetPopCommands::zmpop)
                .arity(-4)
                .flags(WRITE, MOVABLEKEYS)
                .countedKeys(1, 1, RW, ACCESS, DELETE)
                .args(
                        Arg.integer("numkeys"),
                        Arg.key("key").multiple(),
                        Arg.oneOf("where", Arg.token("min", "MIN"), Arg.token("max", "MAX")),
                        Arg.integer("count").token("COUNT").optional())
                .group("sorted-set")
                .since("7.0.0")
                .complexity("O(K+M*log(N)) with K keys, N members, and M removed.")
                .summary(
                        "Removes members with the lowest or highest scores from the first of several sorted sets that has any.");
        t.add("BZPOPMIN", SortedSetPopCommands::bzpopmin)
                .arity(-3)
                .flags(WRITE, BLOCKING, FAST)
                .keys(1, -2, 1, RW, ACCESS, DELETE)
                .args(Arg.key("key").multiple(), Arg.real("timeout"))
                .group("sorted-set")
                .since("5.0.0")
                .complexity("O(log(N)) with N members.")
                .history("6.0.0", "The timeout is a double.")
                .summary(
                        "Removes the member with the lowest score from the first of several sorted sets that has any, and waits for one.");
        t.add("BZPOPMAX", SortedSetPopCommands::bzpopmax)
                .arity(-3)
                .flags(WRITE, BLOCKING, FAST)
                .keys(1, -2, 1, RW, ACCESS, DELETE)
                .args(Arg.key("key").multiple(), Arg.real("timeout"))
                .group("sorted-set")
                .since("5.0.0")
                .complexity("O(log(N)) with N members.")
                .history("6.0.0", "The timeout is a double.")
                .summary(
                        "Removes the member with the highest score from the first of several sorted sets that has any, and waits for one.");
        t.add("BZMPOP", SortedSetPopCommands::bzmpop)
                .arity(-5)
                .flags(WRITE, BLOCKING, MOVABLEKEYS)
                .countedKeys(2, 1, RW, ACCESS, DELETE)
                .args(
                        Arg.real("timeout"),
                        Arg.integer("numkeys"),
                        Arg.key("key").multiple(),
                        Arg.oneOf("where", Arg.token("min", "MIN"), Arg.token("max", "MAX")),
                        Arg.integer("count").token("COUNT").optional())
                .group("sorted-set")
                .since("7.0.0")
                .complexity("O(K+M*log(N)) with K keys, N members, and M removed.")
                .summary(
                        "Removes members with the lowest or highest scores from the first of several sorted sets that has any, and waits for some.");
    }

    static void zpopmin(CommandContext c) {
        pop(c, false);
    }

    static void zpopmax(CommandContext c) {
        pop(c, true);
    }

    private static void pop(CommandContext c, boolean highest) {
        if (c.argc() > 3) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        boolean counted = c.argc() == 3;
        if (counted && !c.parseLongInRange(2, 0, Long.MAX_VALUE, NOT_POSITIVE)) {
            return;
        }
        long wanted = counted ? c.longValue() : 1;
        long record = c.readForWrite(1);
        if (SortedSetReplies.isWrongType(c, record)) {
            return;
        }
        if (record == 0 || wanted == 0) {
            c.reply().array(0);
            return;
        }
        SortedSets set = SortedSetReplies.open(c, 1, record);
        long count = Math.min(wanted, set.count());
        boolean pairs = counted && c.isResp3();
        c.reply().array(pairs ? count : 2 * count);
        take(c, set, 1, count, highest, pairs);
    }

    /** Replies with so many entries, which are there, and removes them. */
    private static void take(
            CommandContext c, SortedSets set, int key, long count, boolean highest, boolean pairs) {
        ReplyWriter reply = c.reply();
        long lowest = highest ? set.count() - count : 0;
        boolean there = set.seekRank(lowest, count);
        assert there;
        set.loadRemove(count);
        there = set.seekRank(highest ? lowest + count - 1 : 0, highest ? -count : count);
        for (long i = 0; i < count; i++) {
            if (i > 0) {
                there = highest ? set.previous() : set.next();
            }
            assert there;
            if (pairs) {
                reply.array(2);
            }
            reply.bulk(set.member(), set.memberLength());
            reply.real(set.score());
        }
        boolean thereAgain = set.seekRank(lowest, count);
        assert thereAgain;
        set.remove(count);
        SortedSetReplies.finishRemoval(c, set, key, highest ? "zpopmax" : "zpopmin");
    }

    static void zmpop(CommandContext c) {
        popFirst(c, 1, false);
    }

    static void bzmpop(CommandContext c) {
        popFirst(c, 2, true);
    }

    /** @param countIndex where the number of keys is */
    private static void popFirst(CommandContext c, int countIndex, boolean blocks) {
        if (!c.parseLongInRange(countIndex, 1, Long.MAX_VALUE, NO_KEYS)) {
            return;
        }
        int first = countIndex + 1;
        if (c.longValue() >= c.argc() - first) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        int where = first + (int) c.longValue();
        boolean highest = c.argIs(where, "MAX");
        if (!highest && !c.argIs(where, "MIN")) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        long count = 1;
        int options = c.argc() - where - 1;
        if (options > 0) {
            if (options == 1 || !c.argIs(where + 1, "COUNT")) {
                c.reply().error(Errors.SYNTAX);
                return;
            }
            if (!c.parseLongInRange(where + 2, 1, Long.MAX_VALUE, NO_COUNT)) {
                return;
            }
            count = c.longValue();
            if (options > 2) {
                c.reply().error(Errors.SYNTAX);
                return;
            }
        }
        long timeout = 0;
        if (blocks) {
            timeout = BlockingTimeout.millis(c, 1);
            if (timeout == BlockingTimeout.INVALID) {
                return;
            }
        }
        int key = firstKey(c, first, where - 1);
        if (key == WRONG_TYPE) {
            c.reply().error(Errors.WRONG_TYPE);
        } else if (key != NONE) {
            SortedSets set = SortedSetReplies.open(c, key, c.readForWrite(key));
            long taken = Math.min(count, set.count());
            c.reply().array(2);
            c.reply().bulk(c.arg(key), c.argLength(key));
            c.reply().array(taken);
            take(c, set, key, taken, highest, true);
        } else {
            if (blocks) {
                c.block(first, where - 1, timeout);
            }
            c.reply().nullArray();
        }
    }

    static void bzpopmin(CommandContext c) {
        popOne(c, false);
    }

    static void bzpopmax(CommandContext c) {
        popOne(c, true);
    }

    private static void popOne(CommandContext c, boolean highest) {
        int last = c.argc() - 2;
        long timeout = BlockingTimeout.millis(c, last + 1);
        if (timeout == BlockingTimeout.INVALID) {
            return;
        }
        int key = firstKey(c, 1, last);
        if (key == WRONG_TYPE) {
            c.reply().error(Errors.WRONG_TYPE);
        } else if (key != NONE) {
            SortedSets set = SortedSetReplies.open(c, key, c.readForWrite(key));
            c.reply().array(3);
            c.reply().bulk(c.arg(key), c.argLength(key));
            take(c, set, key, 1, highest, false);
        } else {
            c.block(1, last, timeout);
            c.reply().nullArray();
        }
    }

    /** The first of the keys that exists: it, WRONG_TYPE where it is something else, or NONE. One that waited sees something else only where it finds what it waited for, too. */
    private static int firstKey(CommandContext c, int first, int last) {
        for (int i = first; i <= last; i++) {
            c.prefetch(i);
        }
        boolean wrong = false;
        for (int i = first; i <= last; i++) {
            long record = c.readForWrite(i);
            if (record == 0) {
                continue;
            }
            if (SortedSets.isSortedSet(record)) {
                return wrong ? WRONG_TYPE : i;
            }
            if (!c.isServed()) {
                return WRONG_TYPE;
            }
            wrong = true;
        }
        return NONE;
    }
}
