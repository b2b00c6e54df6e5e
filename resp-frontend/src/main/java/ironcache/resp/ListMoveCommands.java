package ironcache.resp;

import static ironcache.resp.CommandFlag.BLOCKING;
import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.DELETE;
import static ironcache.resp.KeyFlag.INSERT;
import static ironcache.resp.KeyFlag.RW;

import ironcache.datatypes.ListWalk;
import ironcache.datatypes.Lists;

/** The lists family, part three: an element from an end of a list to an end of another, or of the same. Rows and handlers. */
final class ListMoveCommands {
    private static final long NEVER = -1;

    private ListMoveCommands() {}

    static void register(CommandTable t) {
        moveRow(t, "LMOVE", ListMoveCommands::lmove)
                .arity(5)
                .flags(WRITE, DENYOOM)
                .args(
                        Arg.key("source"),
                        Arg.key("destination", 1),
                        end("wherefrom"),
                        end("whereto"))
                .since("6.2.0")
                .summary("Moves an element from an end of a list to an end of another.");
        moveRow(t, "RPOPLPUSH", ListMoveCommands::rpoplpush)
                .arity(3)
                .flags(WRITE, DENYOOM)
                .args(Arg.key("source"), Arg.key("destination", 1))
                .since("1.2.0")
                .summary("Moves the last element of a list to the begin of another.");
        moveRow(t, "BLMOVE", ListMoveCommands::blmove)
                .arity(6)
                .flags(WRITE, DENYOOM, BLOCKING)
                .args(
                        Arg.key("source"),
                        Arg.key("destination", 1),
                        end("wherefrom"),
                        end("whereto"),
                        Arg.real("timeout"))
                .since("6.2.0")
                .summary(
                        "Moves an element between ends of lists, and waits for one where there is none.");
        moveRow(t, "BRPOPLPUSH", ListMoveCommands::brpoplpush)
                .arity(4)
                .flags(WRITE, DENYOOM, BLOCKING)
                .args(Arg.key("source"), Arg.key("destination", 1), Arg.real("timeout"))
                .since("2.2.0")
                .history("6.0.0", "Fractions of seconds.")
                .summary(
                        "Moves the last element of a list to the begin of another, and waits for one where there is none.");
    }

    private static CommandRow moveRow(CommandTable t, String name, CommandHandler handler) {
        return t.add(name, handler)
                .keys(1, 1, 1, RW, ACCESS, DELETE)
                .keys(2, 2, 1, RW, INSERT)
                .group("list")
                .complexity("O(1)");
    }

    /** The grammar of an end of a list. */
    static Arg end(String name) {
        return Arg.oneOf(name, Arg.token("left", "LEFT"), Arg.token("right", "RIGHT"));
    }

    static void lmove(CommandContext c) {
        if (areEnds(c)) {
            move(c, c.argIs(3, "LEFT"), c.argIs(4, "LEFT"), NEVER);
        }
    }

    static void rpoplpush(CommandContext c) {
        move(c, false, true, NEVER);
    }

    static void blmove(CommandContext c) {
        if (areEnds(c)) {
            long timeout = BlockingTimeout.millis(c, 5);
            if (timeout != BlockingTimeout.INVALID) {
                move(c, c.argIs(3, "LEFT"), c.argIs(4, "LEFT"), timeout);
            }
        }
    }

    static void brpoplpush(CommandContext c) {
        long timeout = BlockingTimeout.millis(c, 3);
        if (timeout != BlockingTimeout.INVALID) {
            move(c, false, true, timeout);
        }
    }

    private static boolean areEnds(CommandContext c) {
        for (int i = 3; i <= 4; i++) {
            if (!c.argIs(i, "LEFT") && !c.argIs(i, "RIGHT")) {
                c.reply().error(Errors.SYNTAX);
                return false;
            }
        }
        return true;
    }

    /** @param timeoutMillis {@link #NEVER}: replies that there is none */
    private static void move(CommandContext c, boolean from, boolean to, long timeoutMillis) {
        boolean same = c.argsEqual(1, 2);
        if (!same) {
            c.prefetch(1);
            c.prefetch(2);
        }
        long record = c.readForWrite(1);
        if (record == 0) {
            if (timeoutMillis != NEVER) {
                c.block(1, 1, timeoutMillis);
            }
            c.reply().nullBulk();
            return;
        }
        if (!Lists.isList(record)) {
            if (timeoutMillis != NEVER) {
                c.blockAgain(1, 1, timeoutMillis);
            }
            c.reply().error(Errors.WRONG_TYPE);
            return;
        }
        long target = same ? record : c.readForWrite(2);
        if (!ListCommands.isListOrNone(c, target)) {
            return;
        }
        Lists list = c.list(1, record);
        ListWalk walk = list.walkFrom(from, 1);
        boolean there = from ? walk.next() : walk.previous();
        assert there : "an empty list";
        ElementReplies.bulk(c, walk.element(), walk.shard(), walk.object());
        boolean gone = false;
        if (same) {
            list.rotate(from, to);
        } else {
            Lists other = c.otherList(2, target);
            other.loadPush(to, walk.element());
            other.pushLoaded(to, c.shard(1), walk.object(), walk.element());
            gone = list.removeWalked(from, 1);
        }
        c.changed(2, to ? "lpush" : "rpush");
        c.changed(1, from ? "lpop" : "rpop");
        if (gone) {
            c.changed(1, "del");
        }
        c.ready(2);
    }
}
