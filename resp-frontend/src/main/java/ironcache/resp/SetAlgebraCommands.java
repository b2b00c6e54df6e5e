package ironcache.resp;

import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.MOVABLEKEYS;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.OW;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.datatypes.SetAlgebra;
import ironcache.datatypes.SetLimits;
import ironcache.datatypes.SetWalk;

/** The set family, part two: intersections, unions and differences. Rows and handlers. */
final class SetAlgebraCommands {
    private static final ErrorReply NO_KEYS =
            new ErrorReply("ERR numkeys should be greater than 0");
    private static final ErrorReply TOO_MANY_KEYS =
            new ErrorReply("ERR Number of keys can't be greater than number of args");
    private static final ErrorReply NEGATIVE_LIMIT = new ErrorReply("ERR LIMIT can't be negative");

    private static final String SMALLEST = "O(N*M) with N members in the smallest set and M sets.";
    private static final String ALL = "O(N) with N members in all sets.";

    private SetAlgebraCommands() {}

    static void register(CommandTable t) {
        query(t, "SINTER", SetAlgebraCommands::sinter)
                .complexity(SMALLEST)
                .summary("Lists what is in all of several sets.");
        query(t, "SUNION", SetAlgebraCommands::sunion)
                .complexity(ALL)
                .summary("Lists what is in any of several sets.");
        query(t, "SDIFF", SetAlgebraCommands::sdiff)
                .complexity(ALL)
                .summary("Lists what is in a set and in none of several others.");
        store(t, "SINTERSTORE", SetAlgebraCommands::sinterstore)
                .complexity(SMALLEST)
                .summary("Stores what is in all of several sets.");
        store(t, "SUNIONSTORE", SetAlgebraCommands::sunionstore)
                .complexity(ALL)
                .summary("Stores what is in any of several sets.");
        store(t, "SDIFFSTORE", SetAlgebraCommands::sdiffstore)
                .complexity(ALL)
                .summary("Stores what is in a set and in none of several others.");
        t.add("SINTERCARD", SetAlgebraCommands::sintercard)
                .arity(-3)
                .flags(READONLY, MOVABLEKEYS)
                .countedKeys(1, 1, RO, ACCESS)
                .args(
                        Arg.integer("numkeys"),
                        Arg.key("key").multiple(),
                        Arg.integer("limit").token("LIMIT").optional())
                .group("set")
                .since("7.0.0")
                .complexity(SMALLEST)
                .summary("Counts what is in all of several sets.");
    }

    private static CommandRow query(CommandTable t, String name, CommandHandler handler) {
        return t.add(name, handler)
                .arity(-2)
                .flags(READONLY)
                .tips("nondeterministic_output_order")
                .keys(1, -1, 1, RO, ACCESS)
                .args(Arg.key("key").multiple())
                .group("set")
                .since("1.0.0");
    }

    private static CommandRow store(CommandTable t, String name, CommandHandler handler) {
        return t.add(name, handler)
                .arity(-3)
                .flags(WRITE, DENYOOM)
                .keys(1, 1, 1, OW, UPDATE)
                .keys(2, -1, 1, RO, ACCESS)
                .args(Arg.key("destination"), Arg.key("key", 1).multiple())
                .group("set")
                .since("1.0.0");
    }

    private enum Operation {
        INTERSECTION,
        UNION,
        DIFFERENCE
    }

    /** Reads the sets of some keys. May miss. @return false: an error was written */
    private static boolean take(CommandContext c, int first, int end) {
        SetAlgebra algebra = c.types().setAlgebra;
        algebra.begin();
        for (int i = first; i < end; i++) {
            c.prefetch(i);
        }
        for (int i = first; i < end; i++) {
            long record = c.read(i);
            if (!SetCommands.isSet(c, record)) {
                return false;
            }
            algebra.take(c.shard(), record);
        }
        return true;
    }

    private static void combine(CommandContext c, Operation operation) {
        SetAlgebra algebra = c.types().setAlgebra;
        SetLimits limits = c.node().config.setLimits;
        switch (operation) {
            case INTERSECTION -> algebra.intersect(limits);
            case UNION -> algebra.unite(limits);
            case DIFFERENCE -> algebra.subtract(limits);
        }
    }

    private static void query(CommandContext c, Operation operation) {
        if (take(c, 1, c.argc())) {
            combine(c, operation);
            SetAlgebra algebra = c.types().setAlgebra;
            SetWalk walk = c.types().setWalk;
            algebra.walk(walk);
            SetReplies.gathered(c, walk, algebra.count(), algebra.bytes(), true);
            algebra.begin();
        }
    }

    private static void store(CommandContext c, Operation operation, String event) {
        if (!take(c, 2, c.argc())) {
            return;
        }
        combine(c, operation);
        SetAlgebra algebra = c.types().setAlgebra;
        long count = algebra.count();
        if (count > 0) {
            algebra.store(c.types().sets, c.shard(1), c.db(), c.arg(1), c.argLength(1), c.hash(1));
            c.changed(1, event);
        } else if (c.delete(1)) {
            c.changed(1, "del");
        }
        algebra.begin();
        c.reply().integer(count);
    }

    // Handlers.

    static void sinter(CommandContext c) {
        query(c, Operation.INTERSECTION);
    }

    static void sunion(CommandContext c) {
        query(c, Operation.UNION);
    }

    static void sdiff(CommandContext c) {
        query(c, Operation.DIFFERENCE);
    }

    static void sinterstore(CommandContext c) {
        store(c, Operation.INTERSECTION, "sinterstore");
    }

    static void sunionstore(CommandContext c) {
        store(c, Operation.UNION, "sunionstore");
    }

    static void sdiffstore(CommandContext c) {
        store(c, Operation.DIFFERENCE, "sdiffstore");
    }

    static void sintercard(CommandContext c) {
        if (!c.parseLongInRange(1, 1, Long.MAX_VALUE, NO_KEYS)) {
            return;
        }
        if (c.longValue() > c.argc() - 2) {
            c.reply().error(TOO_MANY_KEYS);
            return;
        }
        int end = 2 + (int) c.longValue();
        long limit = 0;
        for (int i = end; i < c.argc(); i += 2) {
            if (!c.argIs(i, "LIMIT") || i + 1 == c.argc()) {
                c.reply().error(Errors.SYNTAX);
                return;
            }
            if (!c.parseLongInRange(i + 1, 0, Long.MAX_VALUE, NEGATIVE_LIMIT)) {
                return;
            }
            limit = c.longValue();
        }
        if (take(c, 2, end)) {
            c.reply().integer(c.types().setAlgebra.intersectionCount(limit));
        }
    }
}
