package ironcache.resp;

import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.MOVABLEKEYS;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.OW;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.datatypes.SortedSetScratch;
import ironcache.datatypes.SortedSetScratch.Aggregate;
import ironcache.datatypes.SortedSets;

/** The sorted sets family, part four: unions, intersections and differences. Rows and handlers. */
final class SortedSetAlgebraCommands {
    private static final ErrorReply NOT_A_WEIGHT =
            new ErrorReply("ERR weight value is not a float");
    private static final ErrorReply NEGATIVE_LIMIT = new ErrorReply("ERR LIMIT can't be negative");

    private enum Operation {
        UNION,
        INTERSECTION,
        DIFFERENCE
    }

    private SortedSetAlgebraCommands() {}

    static void register(CommandTable t) {
        t.add("ZUNION", SortedSetAlgebraCommands::zunion)
                .arity(-3)
                .flags(READONLY, MOVABLEKEYS)
                .countedKeys(1, 1, RO, ACCESS)
                .args(
                        Arg.integer("numkeys"),
                        Arg.key("key").multiple(),
                        Arg.integer("weight").token("WEIGHTS").optional().multiple(),
                        Arg.oneOf(
                                        "aggregate",
                                        Arg.token("sum", "SUM"),
                                        Arg.token("min", "MIN"),
                                        Arg.token("max", "MAX"))
                                .token("AGGREGATE")
                                .optional(),
                        Arg.token("withscores", "WITHSCORES").optional())
                .group("sorted-set")
                .since("6.2.0")
                .complexity("O(N)+O(M*log(M)) with N members in all sets, and M in the result.")
                .summary("Unites several sorted sets.");
        t.add("ZINTER", SortedSetAlgebraCommands::zinter)
                .arity(-3)
                .flags(READONLY, MOVABLEKEYS)
                .countedKeys(1, 1, RO, ACCESS)
                .args(
                        Arg.integer("numkeys"),
                        Arg.key("key").multiple(),
                        Arg.integer("weight").token("WEIGHTS").optional().multiple(),
                        Arg.oneOf(
                                        "aggregate",
                                        Arg.token("sum", "SUM"),
                                        Arg.token("min", "MIN"),
                                        Arg.token("max", "MAX"))
                                .token("AGGREGATE")
                                .optional(),
                        Arg.token("withscores", "WITHSCORES").optional())
                .group("sorted-set")
                .since("6.2.0")
                .complexity(
                        "O(N*K)+O(M*log(M)) with N members in the smallest of K sets, and M in the result.")
                .summary("Intersects several sorted sets.");
        t.add("ZDIFF", SortedSetAlgebraCommands::zdiff)
                .arity(-3)
                .flags(READONLY, MOVABLEKEYS)
                .countedKeys(1, 1, RO, ACCESS)
                .args(
                        Arg.integer("numkeys"),
                        Arg.key("key").multiple(),
                        Arg.token("withscores", "WITHSCORES").optional())
                .group("sorted-set")
                .since("6.2.0")
                .complexity(
                        "O(N*K)+O(M*log(M)) with N members in the first of K sets, and M in the result.")
                .summary("Takes from the first sorted set what others have.");
        t.add("ZUNIONSTORE", SortedSetAlgebraCommands::zunionstore)
                .arity(-4)
                .flags(WRITE, DENYOOM, MOVABLEKEYS)
                .keys(1, 1, 1, OW, UPDATE)
                .countedKeys(2, 1, RO, ACCESS)
                .args(
                        Arg.key("destination"),
                        Arg.integer("numkeys"),
                        Arg.key("key", 1).multiple(),
                        Arg.integer("weight").token("WEIGHTS").optional().multiple(),
                        Arg.oneOf(
                                        "aggregate",
                                        Arg.token("sum", "SUM"),
                                        Arg.token("min", "MIN"),
                                        Arg.token("max", "MAX"))
                                .token("AGGREGATE")
                                .optional())
                .group("sorted-set")
                .since("2.0.0")
                .complexity("O(N)+O(M*log(M)) with N members in all sets, and M in the result.")
                .summary("Makes the union of several sorted sets the value of a key.");
        t.add("ZINTERSTORE", SortedSetAlgebraCommands::zinterstore)
                .arity(-4)
                .flags(WRITE, DENYOOM, MOVABLEKEYS)
                .keys(1, 1, 1, OW, UPDATE)
                .countedKeys(2, 1, RO, ACCESS)
                .args(
                        Arg.key("destination"),
                        Arg.integer("numkeys"),
                        Arg.key("key", 1).multiple(),
                        Arg.integer("weight").token("WEIGHTS").optional().multiple(),
                        Arg.oneOf(
                                        "aggregate",
                                        Arg.token("sum", "SUM"),
                                        Arg.token("min", "MIN"),
                                        Arg.token("max", "MAX"))
                                .token("AGGREGATE")
                                .optional())
                .group("sorted-set")
                .since("2.0.0")
                .complexity(
                        "O(N*K)+O(M*log(M)) with N members in the smallest of K sets, and M in the result.")
                .summary("Makes the intersection of several sorted sets the value of a key.");
        t.add("ZDIFFSTORE", SortedSetAlgebraCommands::zdiffstore)
                .arity(-4)
                .flags(WRITE, DENYOOM, MOVABLEKEYS)
                .keys(1, 1, 1, OW, UPDATE)
                .countedKeys(2, 1, RO, ACCESS)
                .args(Arg.key("destination"), Arg.integer("numkeys"), Arg.key("key", 1).multiple())
                .group("sorted-set")
                .since("6.2.0")
                .complexity(
                        "O(N*K)+O(M*log(M)) with N members in the first of K sets, and M in the result.")
                .summary(
                        "Makes what the first sorted set has and others have not the value of a key.");
        t.add("ZINTERCARD", SortedSetAlgebraCommands::zintercard)
                .arity(-3)
                .flags(READONLY, MOVABLEKEYS)
                .countedKeys(1, 1, RO, ACCESS)
                .args(
                        Arg.integer("numkeys"),
                        Arg.key("key").multiple(),
                        Arg.integer("limit").token("LIMIT").optional())
                .group("sorted-set")
                .since("7.0.0")
                .complexity("O(N*K) with N members in the smallest of K sets.")
                .summary("Counts the members of the intersection of several sorted sets.");
    }

    static void zunion(CommandContext c) {
        combine(c, Operation.UNION, 1);
    }

    static void zinter(CommandContext c) {
        combine(c, Operation.INTERSECTION, 1);
    }

    static void zdiff(CommandContext c) {
        combine(c, Operation.DIFFERENCE, 1);
    }

    static void zunionstore(CommandContext c) {
        combine(c, Operation.UNION, 2);
    }

    static void zinterstore(CommandContext c) {
        combine(c, Operation.INTERSECTION, 2);
    }

    static void zdiffstore(CommandContext c) {
        combine(c, Operation.DIFFERENCE, 2);
    }

    /** @param countIndex where the number of keys is: 2 where the first argument is the key that gets the result */
    private static void combine(CommandContext c, Operation operation, int countIndex) {
        SortedSetSources sources = c.types().sources;
        if (!readSources(c, sources, countIndex)) {
            return;
        }
        boolean stores = countIndex == 2;
        boolean withScores = false;
        Aggregate aggregate = Aggregate.SUM;
        for (int i = countIndex + 1 + sources.count(); i < c.argc(); i++) {
            boolean weighs = operation != Operation.DIFFERENCE;
            if (weighs && c.argIs(i, "WEIGHTS") && c.argc() - i > sources.count()) {
                for (int k = 0; k < sources.count(); k++) {
                    if (!c.parseDouble(++i, NOT_A_WEIGHT)) {
                        return;
                    }
                    sources.weigh(k, c.doubleValue());
                }
            } else if (weighs && c.argIs(i, "AGGREGATE") && i + 1 < c.argc()) {
                i++;
                if (c.argIs(i, "SUM")) {
                    aggregate = Aggregate.SUM;
                } else if (c.argIs(i, "MIN")) {
                    aggregate = Aggregate.MIN;
                } else if (c.argIs(i, "MAX")) {
                    aggregate = Aggregate.MAX;
                } else {
                    c.reply().error(Errors.SYNTAX);
                    return;
                }
            } else if (!stores && c.argIs(i, "WITHSCORES")) {
                withScores = true;
            } else {
                c.reply().error(Errors.SYNTAX);
                return;
            }
        }
        SortedSetScratch scratch = c.types().sortedSetScratch;
        scratch.clear();
        switch (operation) {
            case UNION -> unite(c, sources, aggregate, scratch);
            case INTERSECTION -> intersect(c, sources, aggregate, scratch);
            case DIFFERENCE -> subtract(c, sources, scratch);
        }
        scratch.sort();
        if (stores) {
            store(c, scratch);
        } else {
            reply(c, scratch, withScores);
        }
        scratch.clear();
    }

    /** @return false: an error is written */
    private static boolean readSources(CommandContext c, SortedSetSources sources, int countIndex) {
        if (!c.parseLong(countIndex)) {
            return false;
        }
        long count = c.longValue();
        if (count < 1) {
            c.reply()
                    .error(
                            "ERR at least 1 input key is needed for '"
                                    + c.row().fullName
                                    + "' command");
            return false;
        }
        int first = countIndex + 1;
        if (count > c.argc() - first) {
            c.reply().error(Errors.SYNTAX);
            return false;
        }
        if (!sources.read(c, first, (int) count)) {
            c.reply().error(Errors.WRONG_TYPE);
            return false;
        }
        return true;
    }

    private static void unite(
            CommandContext c,
            SortedSetSources sources,
            Aggregate aggregate,
            SortedSetScratch scratch) {
        sources.sort();
        for (int k = 0; k < sources.count(); k++) {
            double weight = sources.weight(k);
            for (boolean there = sources.walk(c, k); there; there = sources.next()) {
                scratch.merge(
                        sources.member(),
                        sources.memberLength(),
                        c.shard().hash(sources.member(), sources.memberLength()),
                        weighed(weight, sources.score()),
                        aggregate);
            }
        }
    }

    private static double weighed(double weight, double score) {
        double product = weight * score;
        return Double.isNaN(product) ? 0 : product;
    }

    private static void intersect(
            CommandContext c,
            SortedSetSources sources,
            Aggregate aggregate,
            SortedSetScratch scratch) {
        sources.sort();
        for (boolean there = sources.walk(c, 0); there; there = sources.next()) {
            double score = weighed(sources.weight(0), sources.score());
            boolean inAll = true;
            for (int k = 1; k < sources.count() && inAll; k++) {
                inAll = sources.find(c, k);
                if (inAll) {
                    score = aggregate.of(score, sources.weight(k) * sources.foundScore());
                }
            }
            if (inAll) {
                scratch.add(sources.member(), sources.memberLength(), score);
            }
        }
    }

    private static void subtract(
            CommandContext c, SortedSetSources sources, SortedSetScratch scratch) {
        for (boolean there = sources.walk(c, 0); there; there = sources.next()) {
            boolean inAny = false;
            for (int k = 1; k < sources.count() && !inAny; k++) {
                inAny = sources.find(c, k);
            }
            if (!inAny) {
                scratch.add(sources.member(), sources.memberLength(), sources.score());
            }
        }
    }

    private static void reply(CommandContext c, SortedSetScratch scratch, boolean withScores) {
        c.reserveOutput(scratch.bytes());
        SortedSetReplies.begin(c.reply(), scratch.count(), withScores);
        for (long i = 0; i < scratch.count(); i++) {
            SortedSetReplies.entry(c.reply(), scratch, i, withScores);
        }
    }

    /** Makes the result the value of the first argument. */
    private static void store(CommandContext c, SortedSetScratch scratch) {
        if (scratch.count() == 0) {
            if (c.delete(1)) {
                c.changed(1, "del");
            }
        } else {
            SortedSets set = SortedSetReplies.open(c, 1, 0);
            SortedSetReplies.limit(
                    c, set, scratch.count(), scratch.longestMember(), scratch.bytes());
            for (long i = 0; i < scratch.count(); i++) {
                set.append(scratch.member(i), scratch.memberLength(i), scratch.score(i));
            }
            set.finish();
            c.changed(1, c.row().fullName);
            c.ready(1);
        }
        c.reply().integer(scratch.count());
    }

    static void zintercard(CommandContext c) {
        SortedSetSources sources = c.types().sources;
        if (!readSources(c, sources, 1)) {
            return;
        }
        long limit = 0;
        for (int i = 2 + sources.count(); i < c.argc(); i += 2) {
            if (!c.argIs(i, "LIMIT") || i + 1 == c.argc()) {
                c.reply().error(Errors.SYNTAX);
                return;
            }
            if (!c.parseLongInRange(i + 1, 0, Long.MAX_VALUE, NEGATIVE_LIMIT)) {
                return;
            }
            limit = c.longValue();
        }
        sources.sort();
        long count = 0;
        boolean there = sources.walk(c, 0);
        while (there && (limit == 0 || count < limit)) {
            boolean inAll = true;
            for (int k = 1; k < sources.count() && inAll; k++) {
                inAll = sources.find(c, k);
            }
            if (inAll) {
                count++;
            }
            there = sources.next();
        }
        c.reply().integer(count);
    }
}
