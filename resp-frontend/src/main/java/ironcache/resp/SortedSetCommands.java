package ironcache.resp;

import static ironcache.resp.CommandFlag.BRIEF;
import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.DELETE;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.RW;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.datatypes.SortedSets;
import ironcache.engine.PageView;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;

/** The sorted sets family, part one: members by themselves. Rows and handlers. */
final class SortedSetCommands {
    private static final ErrorReply XX_AND_NX =
            new ErrorReply("ERR XX and NX options at the same time are not compatible");
    private static final ErrorReply GT_LT_NX =
            new ErrorReply("ERR GT, LT, and/or NX options at the same time are not compatible");
    private static final ErrorReply ONE_INCREMENT =
            new ErrorReply("ERR INCR option supports a single increment-element pair");
    private static final ErrorReply NOT_A_NUMBER =
            new ErrorReply("ERR resulting score is not a number (NaN)");

    // Options of ZADD.
    private static final int NX = 1;
    private static final int XX = 2;
    private static final int GT = 4;
    private static final int LT = 8;
    private static final int CH = 16;
    private static final int INCR = 32;

    /** A part of a set that is looked for entry by entry, rather than by going through the set. */
    private static final int FEW = 16;

    /** Picks of ZRANDMEMBER between two looks at the output. */
    private static final int PICKS_STEP = 1024;

    /** Members that are gone through between two pauses. */
    private static final int WALK_STEP = 2048;

    private SortedSetCommands() {}

    static void register(CommandTable t) {
        t.add("ZADD", SortedSetCommands::zadd)
                .arity(-4)
                .flags(WRITE, DENYOOM, FAST)
                .keys(1, 1, 1, RW, UPDATE)
                .element(3)
                .args(
                        Arg.key("key"),
                        Arg.oneOf("condition", Arg.token("nx", "NX"), Arg.token("xx", "XX"))
                                .since("3.0.2")
                                .optional(),
                        Arg.oneOf("comparison", Arg.token("gt", "GT"), Arg.token("lt", "LT"))
                                .since("6.2.0")
                                .optional(),
                        Arg.token("change", "CH").since("3.0.2").optional(),
                        Arg.token("increment", "INCR").since("3.0.2").optional(),
                        Arg.block("data", Arg.real("score"), Arg.string("member")).multiple())
                .group("sorted-set")
                .since("1.2.0")
                .complexity("O(log(N)) a member, with N members in the sorted set.")
                .history(
                        "2.4.0",
                        "Several members.",
                        "3.0.2",
                        "XX, NX, CH and INCR.",
                        "6.2.0",
                        "GT and LT.")
                .summary(
                        "Adds members with their scores, or changes the scores of those that are there.");
        t.add("ZINCRBY", SortedSetCommands::zincrby)
                .arity(4)
                .flags(WRITE, DENYOOM, FAST, BRIEF)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .element(3)
                .args(Arg.key("key"), Arg.integer("increment"), Arg.string("member"))
                .group("sorted-set")
                .since("1.2.0")
                .complexity("O(log(N)) with N members.")
                .summary("Adds to the score of a member.");
        t.add("ZREM", SortedSetCommands::zrem)
                .arity(-3)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, DELETE)
                .element(2)
                .args(Arg.key("key"), Arg.string("member").multiple())
                .group("sorted-set")
                .since("1.2.0")
                .complexity("O(M*log(N)) with N members, and M to be removed.")
                .history("2.4.0", "Several members.")
                .summary("Removes members.");
        t.add("ZCARD", SortedSetCommands::zcard)
                .arity(2)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO)
                .args(Arg.key("key"))
                .group("sorted-set")
                .since("1.2.0")
                .complexity("O(1); O(N) for small sorted sets.")
                .summary("Counts the members.");
        t.add("ZSCORE", SortedSetCommands::zscore)
                .arity(3)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO, ACCESS)
                .element(2)
                .args(Arg.key("key"), Arg.string("member"))
                .group("sorted-set")
                .since("1.2.0")
                .complexity("O(1); O(N) for small sorted sets.")
                .summary("Reads the score of a member.");
        t.add("ZMSCORE", SortedSetCommands::zmscore)
                .arity(-3)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO, ACCESS)
                .element(2)
                .args(Arg.key("key"), Arg.string("member").multiple())
                .group("sorted-set")
                .since("6.2.0")
                .complexity("O(M) with M members asked for.")
                .summary("Reads the scores of several members.");
        t.add("ZRANK", SortedSetCommands::zrank)
                .arity(-3)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO, ACCESS)
                .element(2)
                .args(
                        Arg.key("key"),
                        Arg.string("member"),
                        Arg.token("withscore", "WITHSCORE").optional())
                .group("sorted-set")
                .since("2.0.0")
                .complexity("O(log(N)) with N members.")
                .history("7.2.0", "WITHSCORE.")
                .summary("Tells how many members come before one, from the lowest score on.");
        t.add("ZREVRANK", SortedSetCommands::zrevrank)
                .arity(-3)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO, ACCESS)
                .element(2)
                .args(
                        Arg.key("key"),
                        Arg.string("member"),
                        Arg.token("withscore", "WITHSCORE").optional())
                .group("sorted-set")
                .since("2.0.0")
                .complexity("O(log(N)) with N members.")
                .history("7.2.0", "WITHSCORE.")
                .summary("Tells how many members come before one, from the highest score on.");
        t.add("ZRANDMEMBER", SortedSetCommands::zrandmember)
                .arity(-2)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .tips("nondeterministic_output")
                .args(
                        Arg.key("key"),
                        Arg.block(
                                        "options",
                                        Arg.integer("count"),
                                        Arg.token("withscores", "WITHSCORES").optional())
                                .optional())
                .group("sorted-set")
                .since("6.2.0")
                .complexity("O(M*log(N)) with N members, and M picked.")
                .summary("Picks members at random.");
        t.add("ZSCAN", SortedSetCommands::zscan)
                .arity(-3)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .tips("nondeterministic_output")
                .args(
                        Arg.key("key"),
                        Arg.integer("cursor"),
                        Arg.pattern("pattern").token("MATCH").optional(),
                        Arg.integer("count").token("COUNT").optional(),
                        Arg.token("noscores", "NOSCORES").optional())
                .group("sorted-set")
                .since("2.8.0")
                .complexity("O(1) for a call, O(N) for a whole walk over N members.")
                .history("8.0.0", "NOSCORES.")
                .summary("Walks the members and scores a few at a time.");
        SortedSetRangeCommands.register(t);
        SortedSetPopCommands.register(t);
        SortedSetAlgebraCommands.register(t);
    }

    // Writing.

    static void zadd(CommandContext c) {
        add(c, 0);
    }

    /** Valkey takes the options of ZADD for it too, though no room is left for a score then. */
    static void zincrby(CommandContext c) {
        add(c, INCR);
    }

    private static void add(CommandContext c, int given) {
        int options = given;
        int first = 2;
        for (int option; first < c.argc() && (option = option(c, first)) != 0; first++) {
            options |= option;
        }
        int words = c.argc() - first;
        if (words == 0 || (words & 1) != 0) {
            c.reply().error(Errors.SYNTAX);
        } else if (has(options, NX) && has(options, XX)) {
            c.reply().error(XX_AND_NX);
        } else if (Integer.bitCount(options & (NX | GT | LT)) > 1) {
            c.reply().error(GT_LT_NX);
        } else if (has(options, INCR) && words > 2) {
            c.reply().error(ONE_INCREMENT);
        } else {
            add(c, options, first);
        }
    }

    private static int option(CommandContext c, int i) {
        if (c.argLength(i) == 4) {
            return c.argIs(i, "INCR") ? INCR : 0;
        }
        if (c.argIs(i, "NX")) {
            return NX;
        }
        if (c.argIs(i, "XX")) {
            return XX;
        }
        if (c.argIs(i, "GT")) {
            return GT;
        }
        if (c.argIs(i, "LT")) {
            return LT;
        }
        return c.argIs(i, "CH") ? CH : 0;
    }

    private static boolean has(int options, int option) {
        return (options & option) != 0;
    }

    /** @param first where the first score is; a member follows each */
    private static void add(CommandContext c, int options, int first) {
        int longest = 0;
        long bytes = 0;
        for (int i = first; i < c.argc(); i += 2) {
            if (!c.parseDouble(i)) {
                return;
            }
            longest = Math.max(longest, c.argLength(i + 1));
            bytes += c.argLength(i + 1) + SortedSets.ENTRY_BYTES;
        }
        long record = c.readForWrite(1);
        if (SortedSetReplies.isWrongType(c, record)) {
            return;
        }
        if (record == 0 && has(options, XX)) {
            replyAdded(c, options, 0, 0);
            return;
        }
        SortedSets set = SortedSetReplies.open(c, 1, record);
        SortedSetReplies.limit(c, set, (c.argc() - first) / 2, longest, bytes);
        load(c, set, options, first);
        long added = 0;
        long updated = 0;
        boolean hasScore = false;
        double score = 0;
        for (int i = first; i < c.argc(); i += 2) {
            long member = c.arg(i + 1);
            int length = c.argLength(i + 1);
            score = c.isDouble(i) ? c.doubleValue() : 0;
            if (!set.find(member, length)) {
                if (!has(options, XX)) {
                    set.add(member, length, score);
                    added++;
                    hasScore = true;
                }
                continue;
            }
            double before = set.score();
            if (has(options, INCR)) {
                score += before;
            }
            if (Double.isNaN(score) && !has(options, NX)) {
                c.reply().error(NOT_A_NUMBER);
                return;
            }
            if (isWanted(options, score, before)) {
                hasScore = true;
                if (score != before) {
                    set.update(member, length, score);
                    updated++;
                }
            }
        }
        set.finish();
        if (added + updated > 0) {
            c.changed(1, has(options, INCR) ? "zincr" : "zadd");
            if (record == 0) {
                c.ready(1);
            }
        }
        if (has(options, INCR) && hasScore) {
            c.reply().real(score);
        } else {
            replyAdded(c, options, added, updated);
        }
    }

    /** Reads all that the changes need. */
    private static void load(CommandContext c, SortedSets set, int options, int first) {
        if (!set.isPaged()) {
            return;
        }
        for (int i = first; i < c.argc(); i += 2) {
            boolean cold = set.prefetch(c.arg(i + 1), c.argLength(i + 1));
            if (cold && !has(options, INCR) && c.isDouble(i)) {
                set.prefetchPlace(c.arg(i + 1), c.argLength(i + 1), c.doubleValue());
            }
        }
        for (int i = first; i < c.argc(); i += 2) {
            double score = c.isDouble(i) ? c.doubleValue() : 0;
            if (has(options, INCR) && set.find(c.arg(i + 1), c.argLength(i + 1))) {
                score += set.score();
            }
            set.loadPut(c.arg(i + 1), c.argLength(i + 1), score);
        }
        set.loaded();
    }

    /** Whether a member that has a score gets this one. */
    private static boolean isWanted(int options, double score, double before) {
        return !has(options, NX)
                && !(has(options, LT) && score >= before)
                && !(has(options, GT) && score <= before);
    }

    private static void replyAdded(CommandContext c, int options, long added, long updated) {
        if (has(options, INCR)) {
            c.reply().nullBulk();
        } else {
            c.reply().integer(has(options, CH) ? added + updated : added);
        }
    }

    static void zrem(CommandContext c) {
        long record = c.readForWrite(1);
        if (SortedSetReplies.isWrongType(c, record)) {
            return;
        }
        long removed = 0;
        if (record != 0) {
            SortedSets set = SortedSetReplies.open(c, 1, record);
            for (int i = 2; i < c.argc(); i++) {
                set.prefetch(c.arg(i), c.argLength(i));
            }
            for (int i = 2; i < c.argc() && set.isPaged(); i++) {
                if (set.find(c.arg(i), c.argLength(i))) {
                    set.loadRemove(1);
                }
            }
            for (int i = 2; i < c.argc(); i++) {
                if (set.find(c.arg(i), c.argLength(i))) {
                    set.remove(1);
                    removed++;
                }
            }
            if (removed > 0) {
                SortedSetReplies.finishRemoval(c, set, 1, "zrem");
            }
        }
        c.reply().integer(removed);
    }

    // Reading.

    static void zcard(CommandContext c) {
        long record = c.read(1);
        if (!SortedSetReplies.isWrongType(c, record)) {
            c.reply().integer(record == 0 ? 0 : SortedSetReplies.open(c, 1, record).count());
        }
    }

    static void zscore(CommandContext c) {
        long record = c.read(1);
        if (!SortedSetReplies.isWrongType(c, record)) {
            SortedSets set = SortedSetReplies.open(c, 1, record);
            score(c, set, 2);
        }
    }

    private static void score(CommandContext c, SortedSets set, int member) {
        if (set.find(c.arg(member), c.argLength(member))) {
            c.reply().real(set.score());
        } else {
            c.reply().nullBulk();
        }
    }

    static void zmscore(CommandContext c) {
        long record = c.read(1);
        if (SortedSetReplies.isWrongType(c, record)) {
            return;
        }
        SortedSets set = SortedSetReplies.open(c, 1, record);
        for (int i = 2; i < c.argc(); i++) {
            set.prefetch(c.arg(i), c.argLength(i));
        }
        c.reply().array(c.argc() - 2);
        for (int i = 2; i < c.argc(); i++) {
            score(c, set, i);
        }
    }

    static void zrank(CommandContext c) {
        rank(c, false);
    }

    static void zrevrank(CommandContext c) {
        rank(c, true);
    }

    private static void rank(CommandContext c, boolean reverse) {
        if (c.argc() > 4) {
            c.reply().error("ERR wrong number of arguments for '" + c.row().fullName + "' command");
            return;
        }
        boolean withScore = c.argc() == 4;
        if (withScore && !c.argIs(3, "WITHSCORE")) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        long record = c.read(1);
        if (SortedSetReplies.isWrongType(c, record)) {
            return;
        }
        SortedSets set = SortedSetReplies.open(c, 1, record);
        if (!set.find(c.arg(2), c.argLength(2))) {
            if (withScore) {
                c.reply().nullArray();
            } else {
                c.reply().nullBulk();
            }
            return;
        }
        if (withScore) {
            c.reply().array(2);
        }
        c.reply().integer(reverse ? set.count() - 1 - set.rank() : set.rank());
        if (withScore) {
            c.reply().real(set.score());
        }
    }

    // At random.

    static void zrandmember(CommandContext c) {
        boolean withScores = c.argc() > 3;
        boolean counted = c.argc() > 2;
        if (counted
                && !(c.parseLong(2)
                        && c.parseLongInRange(
                                2, -Long.MAX_VALUE, Long.MAX_VALUE, Errors.COUNT_OUT_OF_RANGE))) {
            return;
        }
        long wanted = counted ? c.longValue() : 0;
        if (c.argc() > 4 || withScores && !c.argIs(3, "WITHSCORES")) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        if (withScores && Math.abs(wanted) > Long.MAX_VALUE / 2) {
            c.reply().error(Errors.OUT_OF_RANGE);
            return;
        }
        long record = LongReplies.record(c, 1);
        if (record == LongReplies.LOST || SortedSetReplies.isWrongType(c, record)) {
            return;
        }
        // The same picks where the command runs again for what is cold.
        Prng random = new Prng((c.connection().id << 32 ^ c.connection().commands) + c.progress());
        SortedSets set = SortedSetReplies.open(c, 1, record);
        if (counted) {
            if (wanted < 0 && record != 0) {
                pickAny(c, set, random, -wanted, withScores);
            } else {
                pickDistinct(c, set, random, wanted, withScores);
            }
        } else if (record != 0 && set.seekRank(below(random, set.count()), 1)) {
            c.reply().bulk(set.member(), set.memberLength());
        } else {
            c.reply().nullBulk();
        }
    }

    private static long below(Prng random, long bound) {
        return Math.unsignedMultiplyHigh(random.nextLong(), bound);
    }

    private static void pickAny(
            CommandContext c, SortedSets set, Prng random, long wanted, boolean withScores) {
        long begun = LongReplies.done(c);
        if (begun == 0) {
            SortedSetReplies.begin(c.reply(), wanted, withScores);
        }
        long count = set.count();
        for (long done = begun; done < wanted; done++) {
            if (done % PICKS_STEP == 0 && done > begun) {
                LongReplies.pause(c, 1, done);
                SortedSetReplies.open(c, set, 1, c.resume(1));
            }
            boolean there = set.seekRank(below(random, count), 1);
            assert there;
            SortedSetReplies.entry(c.reply(), set, withScores);
        }
    }

    private static void pickDistinct(
            CommandContext c, SortedSets set, Prng random, long most, boolean withScores) {
        long all = set.count();
        long wanted = Math.clamp(most, 0, all);
        if (LongReplies.done(c) == 0) {
            SortedSetReplies.begin(c.reply(), wanted, withScores);
        }
        if (wanted < all / FEW) {
            pickInOrder(c, set, wanted, all, withScores);
        } else {
            PageView view = c.connection().view;
            pickOnTheWay(c, set, random, view == null ? wanted : view.first, all, withScores);
        }
    }

    /** In an order that comes to each member once, the same when the command goes on. */
    private static void pickInOrder(
            CommandContext c, SortedSets set, long wanted, long all, boolean withScores) {
        Prng seed = new Prng(c.connection().id << 32 ^ c.connection().commands);
        RandomOrder order = new RandomOrder(seed.nextLong(), all);
        long done = LongReplies.done(c);
        for (long i = 0; i < done; i++) {
            order.next();
        }
        for (long i = done; i < wanted; i++) {
            if (i > done && i % PICKS_STEP == 0) {
                LongReplies.pause(c, 1, i);
                SortedSetReplies.open(c, set, 1, c.resume(1));
            }
            boolean there = set.seekRank(order.next(), 1);
            assert there;
            SortedSetReplies.entry(c.reply(), set, withScores);
        }
    }

    /** Goes through the set once: each member is taken with the odds of those that are still wanted to those that are left. */
    private static void pickOnTheWay(
            CommandContext c,
            SortedSets set,
            Prng random,
            long count,
            long all,
            boolean withScores) {
        long done = LongReplies.done(c);
        long wanted = count;
        boolean there = wanted > 0 && set.seekRank(done, all - done);
        for (long i = done; there && wanted > 0; i++) {
            PageView view = i > done && i % WALK_STEP == 0 ? LongReplies.keep(c, 1) : null;
            if (view != null) {
                view.first = wanted;
                LongReplies.pause(c, 1, i);
                SortedSetReplies.open(c, set, 1, c.resume(1));
                there = set.seekRank(i, all - i);
                assert there;
            }
            if (below(random, all - i) < wanted) {
                SortedSetReplies.entry(c.reply(), set, withScores);
                wanted--;
            }
            there = set.next();
        }
    }

    // Scanning.

    static void zscan(CommandContext c) {
        ElementScan scan = c.types().scan;
        long record = scan.begin(c, Record.TYPE_ZSET, "NOSCORES");
        if (record == 0) {
            return;
        }
        SortedSets set = SortedSetReplies.open(c, 1, record);
        long next = set.isPaged() ? set.scanEnd(scan.cursor, scan.count) : 0;
        c.reply().array(2);
        ScanCommands.replyCursor(c.reply(), next);
        long deferred = c.reply().beginDeferred();
        long count = 0;
        if (set.isPaged()) {
            for (boolean there = set.scanFirst(scan.cursor, next); there; there = set.scanNext()) {
                count += scanned(c, scan, set);
            }
        } else {
            for (boolean there = set.seekRank(0, 1); there; there = set.next()) {
                count += scanned(c, scan, set);
            }
        }
        c.reply().endDeferredArray(deferred, count);
    }

    /** @return elements of the reply */
    private static int scanned(CommandContext c, ElementScan scan, SortedSets set) {
        if (!scan.matches(set.member(), set.memberLength())) {
            return 0;
        }
        c.reply().bulk(set.member(), set.memberLength());
        if (scan.bare) {
            return 1;
        }
        double score = set.score();
        c.reply().bulk(set.isListpack() ? Doubles.text(score) : Doubles.precise(score));
        return 2;
    }
}
