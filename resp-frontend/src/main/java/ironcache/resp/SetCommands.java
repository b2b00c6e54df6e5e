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

import ironcache.datatypes.SetWalk;
import ironcache.datatypes.Sets;
import ironcache.hybridlog.Record;

/** The set family, part one: members of one set. Rows and handlers. */
final class SetCommands {
    private SetCommands() {}

    static void register(CommandTable t) {
        t.add("SADD", SetCommands::sadd)
                .arity(-3)
                .flags(WRITE, DENYOOM, FAST)
                .keys(1, 1, 1, RW, INSERT)
                .element(2)
                .args(Arg.key("key"), Arg.string("member").multiple())
                .group("set")
                .since("1.0.0")
                .complexity("O(N) with N members.")
                .history("2.4.0", "Takes several members.")
                .summary("Adds members to a set.");
        t.add("SREM", SetCommands::srem)
                .arity(-3)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, DELETE)
                .element(2)
                .args(Arg.key("key"), Arg.string("member").multiple())
                .group("set")
                .since("1.0.0")
                .complexity("O(N) with N members.")
                .history("2.4.0", "Takes several members.")
                .summary("Removes members from a set.");
        t.add("SMOVE", SetCommands::smove)
                .arity(4)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, ACCESS, DELETE)
                .keys(2, 2, 1, RW, INSERT)
                .args(Arg.key("source"), Arg.key("destination", 1), Arg.string("member"))
                .group("set")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Moves a member from one set to another.");
        t.add("SCARD", SetCommands::scard)
                .arity(2)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO)
                .args(Arg.key("key"))
                .group("set")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Counts the members of a set.");
        t.add("SISMEMBER", SetCommands::sismember)
                .arity(3)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO)
                .element(2)
                .args(Arg.key("key"), Arg.string("member"))
                .group("set")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Tells whether something is a member of a set.");
        t.add("SMISMEMBER", SetCommands::smismember)
                .arity(-3)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO, ACCESS)
                .element(2)
                .args(Arg.key("key"), Arg.string("member").multiple())
                .group("set")
                .since("6.2.0")
                .complexity("O(N) with N members asked for.")
                .summary("Tells of each of several whether it is a member of a set.");
        t.add("SMEMBERS", SetCommands::smembers)
                .arity(2)
                .flags(READONLY)
                .tips("nondeterministic_output_order")
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"))
                .group("set")
                .since("1.0.0")
                .complexity("O(N) with N members in the set.")
                .summary("Lists the members of a set.");
        t.add("SSCAN", SetCommands::sscan)
                .arity(-3)
                .flags(READONLY)
                .tips("nondeterministic_output")
                .keys(1, 1, 1, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        Arg.integer("cursor"),
                        Arg.pattern("pattern").token("MATCH").optional(),
                        Arg.integer("count").token("COUNT").optional())
                .group("set")
                .since("2.8.0")
                .complexity("O(1) for a call, O(N) for a whole walk over N members.")
                .summary("Walks the members of a set a few at a time.");
        SetAlgebraCommands.register(t);
        SetRandomCommands.register(t);
    }

    // The set of a command.

    /** Whether the key has a set, or nothing; if not, the error is written. */
    static boolean isSet(CommandContext c, long record) {
        if (record == 0 || Sets.isSet(record)) {
            return true;
        }
        c.reply().error(Errors.WRONG_TYPE);
        return false;
    }

    static Sets open(CommandContext c, int key, long record) {
        Sets set = c.types().sets;
        set.open(
                c.shard(key),
                c.db(),
                c.arg(key),
                c.argLength(key),
                c.hash(key),
                record,
                c.node().config.setLimits);
        return set;
    }

    /** Before the first of several changes: reads what changes of the arguments from the third on need, all at once. A single change reads by itself before it writes. May miss. */
    private static void load(CommandContext c, Sets set) {
        if (c.argc() > 3) {
            prefetch(c, set);
            for (int i = 2; i < c.argc(); i++) {
                set.load(c.arg(i), c.argLength(i));
            }
        }
    }

    private static void prefetch(CommandContext c, Sets set) {
        if (c.argc() > 3) {
            for (int i = 2; i < c.argc(); i++) {
                set.prefetch(c.arg(i), c.argLength(i));
            }
        }
    }

    /** Ends a command that removed from the set. */
    static void finishRemoval(CommandContext c, Sets set, String event) {
        boolean gone = set.finish();
        c.changed(1, event);
        if (gone) {
            c.changed(1, "del");
        }
    }

    // Handlers.

    static void sadd(CommandContext c) {
        long record = c.readForWrite(1);
        if (!isSet(c, record)) {
            return;
        }
        Sets set = open(c, 1, record);
        load(c, set);
        if (c.argc() == 3) {
            set.loadRoom(c.argLength(2));
        }
        set.expect(c.argc() - 2, c.arg(2), c.argLength(2));
        int added = 0;
        for (int i = 2; i < c.argc(); i++) {
            if (set.add(c.arg(i), c.argLength(i))) {
                added++;
            }
        }
        set.finish();
        if (added > 0) {
            c.changed(1, "sadd");
        }
        c.reply().integer(added);
    }

    static void srem(CommandContext c) {
        long record = c.readForWrite(1);
        if (!isSet(c, record)) {
            return;
        }
        int removed = 0;
        if (record != 0) {
            Sets set = open(c, 1, record);
            load(c, set);
            for (int i = 2; i < c.argc(); i++) {
                if (set.remove(c.arg(i), c.argLength(i))) {
                    removed++;
                }
            }
            if (removed > 0) {
                finishRemoval(c, set, "srem");
            }
        }
        c.reply().integer(removed);
    }

    static void smove(CommandContext c) {
        c.prefetch(1);
        c.prefetch(2);
        long from = c.readForWrite(1);
        long to = c.readForWrite(2);
        if (from == 0) {
            c.reply().integer(0);
            return;
        }
        if (!isSet(c, from) || !isSet(c, to)) {
            return;
        }
        long member = c.arg(3);
        int length = c.argLength(3);
        open(c, 2, to).load(member, length);
        Sets set = open(c, 1, from);
        set.load(member, length);
        if (!set.contains(member, length)) {
            c.reply().integer(0);
            return;
        }
        if (!c.argsEqual(1, 2)) {
            set.remove(member, length);
            finishRemoval(c, set, "srem");
            open(c, 2, to);
            if (to == 0) {
                set.expect(1, member, length);
            }
            if (set.add(member, length)) {
                set.finish();
                c.changed(2, "sadd");
            }
        }
        c.reply().integer(1);
    }

    static void scard(CommandContext c) {
        long record = c.read(1);
        if (isSet(c, record)) {
            c.reply().integer(record == 0 ? 0 : Sets.count(record));
        }
    }

    static void sismember(CommandContext c) {
        long record = c.read(1);
        if (isSet(c, record)) {
            boolean member = record != 0 && open(c, 1, record).contains(c.arg(2), c.argLength(2));
            c.reply().integer(member ? 1 : 0);
        }
    }

    static void smismember(CommandContext c) {
        long record = c.read(1);
        if (!isSet(c, record)) {
            return;
        }
        Sets set = open(c, 1, record);
        prefetch(c, set);
        c.reply().array(c.argc() - 2);
        for (int i = 2; i < c.argc(); i++) {
            c.reply().integer(set.contains(c.arg(i), c.argLength(i)) ? 1 : 0);
        }
    }

    static void smembers(CommandContext c) {
        long record = LongReplies.record(c, 1);
        if (record != LongReplies.LOST && isSet(c, record)) {
            SetReplies.all(c, record, true);
        }
    }

    static void sscan(CommandContext c) {
        ElementScan scan = c.types().scan;
        long record = scan.begin(c, Record.TYPE_SET, "");
        if (record == 0) {
            return;
        }
        SetWalk walk = c.types().setWalk;
        walk.open(c.shard(), record);
        long seen = 0;
        long count = 0;
        long cursor = scan.cursor;
        do {
            walk.goTo(walk.partAt(cursor));
            while (walk.nextOfPart()) {
                seen++;
                count += scan.matches(c, walk.element(), walk.shard(), walk.object()) ? 1 : 0;
            }
            cursor = walk.nextCursor(cursor);
        } while (cursor != 0 && seen < scan.count);
        c.reply().array(2);
        ScanCommands.replyCursor(c.reply(), cursor);
        c.reply().array(count);
        long end = cursor;
        cursor = scan.cursor;
        do {
            walk.goTo(walk.partAt(cursor));
            while (walk.nextOfPart()) {
                if (scan.matches(c, walk.element(), walk.shard(), walk.object())) {
                    SetReplies.element(c, walk);
                }
            }
            cursor = walk.nextCursor(cursor);
        } while (cursor != end);
    }
}
