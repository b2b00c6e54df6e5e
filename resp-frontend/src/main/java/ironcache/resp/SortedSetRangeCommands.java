package ironcache.resp;

import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.DELETE;
import static ironcache.resp.KeyFlag.OW;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.RW;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.datatypes.SortedSetRange;
import ironcache.datatypes.SortedSetRange.Bound;
import ironcache.datatypes.SortedSets;
import ironcache.engine.PageView;
import ironcache.ffm.Memory;
import org.jspecify.annotations.Nullable;

/** The sorted sets family, part two: ranges by index, score and the bytes of members. Rows and handlers. */
final class SortedSetRangeCommands {
    private static final ErrorReply NOT_A_SCORE = new ErrorReply("ERR min or max is not a float");
    private static final ErrorReply NOT_A_BOUND =
            new ErrorReply("ERR min or max not valid string range item");
    private static final ErrorReply LIMIT_BY_RANK =
            new ErrorReply(
                    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    private static final ErrorReply SCORES_BY_LEX =
            new ErrorReply("ERR syntax error, WITHSCORES not supported in combination with BYLEX");

    /** Longer replies are sent while they are being made, so many entries at a time. */
    private static final int STREAM_ENTRIES = 1024;

    /** What a range is of. */
    private enum By {
        /** Indexes, unless an option says otherwise. */
        ANY,
        RANK,
        SCORE,
        LEX
    }

    private SortedSetRangeCommands() {}

    static void register(CommandTable t) {
        t.add("ZCOUNT", SortedSetRangeCommands::zcount)
                .arity(4)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), Arg.real("min"), Arg.real("max"))
                .group("sorted-set")
                .since("2.0.0")
                .complexity("O(log(N)) with N members.")
                .summary("Counts the members in a range of scores.");
        t.add("ZLEXCOUNT", SortedSetRangeCommands::zlexcount)
                .arity(4)
                .flags(READONLY, FAST)
                .keys(1, 1, 1, RO, ACCESS)
                .args(Arg.key("key"), Arg.string("min"), Arg.string("max"))
                .group("sorted-set")
                .since("2.8.9")
                .complexity("O(log(N)) with N members.")
                .summary("Counts the members in a range of their bytes.");
        t.add("ZRANGE", SortedSetRangeCommands::zrange)
                .arity(-4)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        Arg.string("start"),
                        Arg.string("stop"),
                        Arg.oneOf(
                                        "sortby",
                                        Arg.token("byscore", "BYSCORE"),
                                        Arg.token("bylex", "BYLEX"))
                                .since("6.2.0")
                                .optional(),
                        Arg.token("rev", "REV").since("6.2.0").optional(),
                        Arg.block("limit", Arg.integer("offset"), Arg.integer("count"))
                                .token("LIMIT")
                                .since("6.2.0")
                                .optional(),
                        Arg.token("withscores", "WITHSCORES").optional())
                .group("sorted-set")
                .since("1.2.0")
                .complexity("O(log(N)+M) with N members, and M read.")
                .history("6.2.0", "REV, BYSCORE, BYLEX and LIMIT.")
                .summary("Reads a range by index, score or the bytes of members.");
        t.add("ZRANGESTORE", SortedSetRangeCommands::zrangestore)
                .arity(-5)
                .flags(WRITE, DENYOOM)
                .keys(1, 1, 1, OW, UPDATE)
                .keys(2, 2, 1, RO, ACCESS)
                .args(
                        Arg.key("dst"),
                        Arg.key("src", 1),
                        Arg.string("min"),
                        Arg.string("max"),
                        Arg.oneOf(
                                        "sortby",
                                        Arg.token("byscore", "BYSCORE"),
                                        Arg.token("bylex", "BYLEX"))
                                .optional(),
                        Arg.token("rev", "REV").optional(),
                        Arg.block("limit", Arg.integer("offset"), Arg.integer("count"))
                                .token("LIMIT")
                                .optional())
                .group("sorted-set")
                .since("6.2.0")
                .complexity("O(log(N)+M) with N members, and M stored.")
                .summary("Makes a range of a sorted set the value of a key.");
        t.add("ZREVRANGE", SortedSetRangeCommands::zrevrange)
                .arity(-4)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        Arg.integer("start"),
                        Arg.integer("stop"),
                        Arg.token("withscores", "WITHSCORES").optional())
                .group("sorted-set")
                .since("1.2.0")
                .complexity("O(log(N)+M) with N members, and M read.")
                .summary("Reads a range by index, from the highest score on.");
        t.add("ZRANGEBYSCORE", SortedSetRangeCommands::zrangebyscore)
                .arity(-4)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        Arg.real("min"),
                        Arg.real("max"),
                        Arg.token("withscores", "WITHSCORES").since("2.0.0").optional(),
                        Arg.block("limit", Arg.integer("offset"), Arg.integer("count"))
                                .token("LIMIT")
                                .optional())
                .group("sorted-set")
                .since("1.0.5")
                .complexity("O(log(N)+M) with N members, and M read.")
                .history("2.0.0", "WITHSCORES.")
                .summary("Reads a range of scores.");
        t.add("ZREVRANGEBYSCORE", SortedSetRangeCommands::zrevrangebyscore)
                .arity(-4)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        Arg.real("max"),
                        Arg.real("min"),
                        Arg.token("withscores", "WITHSCORES").optional(),
                        Arg.block("limit", Arg.integer("offset"), Arg.integer("count"))
                                .token("LIMIT")
                                .optional())
                .group("sorted-set")
                .since("2.2.0")
                .complexity("O(log(N)+M) with N members, and M read.")
                .history("2.1.6", "Bounds may be exclusive.")
                .summary("Reads a range of scores, from the highest on.");
        t.add("ZRANGEBYLEX", SortedSetRangeCommands::zrangebylex)
                .arity(-4)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        Arg.string("min"),
                        Arg.string("max"),
                        Arg.block("limit", Arg.integer("offset"), Arg.integer("count"))
                                .token("LIMIT")
                                .optional())
                .group("sorted-set")
                .since("2.8.9")
                .complexity("O(log(N)+M) with N members, and M read.")
                .summary("Reads a range of members' bytes.");
        t.add("ZREVRANGEBYLEX", SortedSetRangeCommands::zrevrangebylex)
                .arity(-4)
                .flags(READONLY)
                .keys(1, 1, 1, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        Arg.string("max"),
                        Arg.string("min"),
                        Arg.block("limit", Arg.integer("offset"), Arg.integer("count"))
                                .token("LIMIT")
                                .optional())
                .group("sorted-set")
                .since("2.8.9")
                .complexity("O(log(N)+M) with N members, and M read.")
                .summary("Reads a range of members' bytes, from the highest on.");
        t.add("ZREMRANGEBYRANK", SortedSetRangeCommands::zremrangebyrank)
                .arity(4)
                .flags(WRITE)
                .keys(1, 1, 1, RW, DELETE)
                .args(Arg.key("key"), Arg.integer("start"), Arg.integer("stop"))
                .group("sorted-set")
                .since("2.0.0")
                .complexity("O(log(N)+M) with N members, and M removed.")
                .summary("Removes a range by index.");
        t.add("ZREMRANGEBYSCORE", SortedSetRangeCommands::zremrangebyscore)
                .arity(4)
                .flags(WRITE)
                .keys(1, 1, 1, RW, DELETE)
                .args(Arg.key("key"), Arg.real("min"), Arg.real("max"))
                .group("sorted-set")
                .since("1.2.0")
                .complexity("O(log(N)+M) with N members, and M removed.")
                .summary("Removes a range of scores.");
        t.add("ZREMRANGEBYLEX", SortedSetRangeCommands::zremrangebylex)
                .arity(4)
                .flags(WRITE)
                .keys(1, 1, 1, RW, DELETE)
                .args(Arg.key("key"), Arg.string("min"), Arg.string("max"))
                .group("sorted-set")
                .since("2.8.9")
                .complexity("O(log(N)+M) with N members, and M removed.")
                .summary("Removes a range of members' bytes.");
    }

    // Bounds.

    private static boolean parseScores(CommandContext c, int min, int max) {
        double from = bound(c, min);
        double to = bound(c, max);
        if (Double.isNaN(from) || Double.isNaN(to)) {
            c.reply().error(NOT_A_SCORE);
            return false;
        }
        c.types().range.scores(from, isExclusive(c, min), to, isExclusive(c, max));
        return true;
    }

    private static boolean isExclusive(CommandContext c, int i) {
        return c.argLength(i) > 0 && Memory.getByte(c.arg(i)) == '(';
    }

    /** A score up to a zero byte, nothing being zero; NaN where it is none. */
    private static double bound(CommandContext c, int i) {
        int begin = isExclusive(c, i) ? 1 : 0;
        long text = c.arg(i) + begin;
        int length = 0;
        while (length < c.argLength(i) - begin && Memory.getByte(text + length) != 0) {
            length++;
        }
        return length == 0 ? 0 : DoubleParser.parse(text, length, true);
    }

    private static boolean parseMembers(CommandContext c, int min, int max) {
        SortedSetRange range = c.types().range;
        Bound from = memberBound(c, min);
        Bound to = memberBound(c, max);
        if (from == null || to == null) {
            c.reply().error(NOT_A_BOUND);
            return false;
        }
        range.minMember(from, c.arg(min) + 1, c.argLength(min) - 1, isExclusive(c, min));
        range.maxMember(to, c.arg(max) + 1, c.argLength(max) - 1, isExclusive(c, max));
        return true;
    }

    /** Null: it is none. */
    private static @Nullable Bound memberBound(CommandContext c, int i) {
        int length = c.argLength(i);
        if (length == 0) {
            return null;
        }
        boolean single = length == 1 || Memory.getByte(c.arg(i) + 1) == 0;
        return switch (Memory.getByte(c.arg(i))) {
            case '(', '[' -> Bound.MEMBER;
            case '-' -> single ? Bound.LOWEST : null;
            case '+' -> single ? Bound.HIGHEST : null;
            default -> null;
        };
    }

    // Counting.

    static void zcount(CommandContext c) {
        if (parseScores(c, 2, 3)) {
            count(c);
        }
    }

    static void zlexcount(CommandContext c) {
        if (parseMembers(c, 2, 3)) {
            count(c);
        }
    }

    private static void count(CommandContext c) {
        long record = c.read(1);
        if (SortedSetReplies.isWrongType(c, record)) {
            return;
        }
        SortedSets set = SortedSetReplies.open(c, 1, record);
        SortedSetRange range = c.types().range;
        c.reply().integer(set.seekFirst(range) ? set.countOn(range, Long.MAX_VALUE, false) : 0);
    }

    // Reading.

    static void zrange(CommandContext c) {
        range(c, 1, By.ANY, false, false);
    }

    static void zrangestore(CommandContext c) {
        range(c, 2, By.ANY, false, true);
    }

    static void zrevrange(CommandContext c) {
        range(c, 1, By.RANK, true, false);
    }

    static void zrangebyscore(CommandContext c) {
        range(c, 1, By.SCORE, false, false);
    }

    static void zrevrangebyscore(CommandContext c) {
        range(c, 1, By.SCORE, true, false);
    }

    static void zrangebylex(CommandContext c) {
        range(c, 1, By.LEX, false, false);
    }

    static void zrevrangebylex(CommandContext c) {
        range(c, 1, By.LEX, true, false);
    }

    /**
     * @param key index of the key; the bounds follow, and the options
     * @param reverse ANY: unless an option says so
     * @param store the result becomes the value of the first argument
     */
    private static void range(CommandContext c, int key, By given, boolean reverse, boolean store) {
        By by = given;
        boolean backwards = reverse;
        boolean withScores = false;
        long skipped = 0;
        long most = -1;
        for (int i = key + 3; i < c.argc(); i++) {
            if (!store && c.argIs(i, "WITHSCORES")) {
                withScores = true;
            } else if (c.argIs(i, "LIMIT") && i + 2 < c.argc()) {
                if (!c.parseLong(i + 1)) {
                    return;
                }
                skipped = c.longValue();
                if (!c.parseLong(i + 2)) {
                    return;
                }
                most = c.longValue();
                i += 2;
            } else if (given == By.ANY && !backwards && c.argIs(i, "REV")) {
                backwards = true;
            } else if (by == By.ANY && c.argIs(i, "BYLEX")) {
                by = By.LEX;
            } else if (by == By.ANY && c.argIs(i, "BYSCORE")) {
                by = By.SCORE;
            } else {
                c.reply().error(Errors.SYNTAX);
                return;
            }
        }
        if (by == By.ANY) {
            by = By.RANK;
        }
        if (most != -1 && by == By.RANK) {
            c.reply().error(LIMIT_BY_RANK);
            return;
        }
        if (withScores && by == By.LEX) {
            c.reply().error(SCORES_BY_LEX);
            return;
        }
        long first = 0;
        long last = 0;
        int min = backwards ? key + 2 : key + 1;
        int max = backwards ? key + 1 : key + 2;
        switch (by) {
            case SCORE -> {
                if (!parseScores(c, min, max)) {
                    return;
                }
            }
            case LEX -> {
                if (!parseMembers(c, min, max)) {
                    return;
                }
            }
            default -> {
                if (!c.parseLong(key + 1)) {
                    return;
                }
                first = c.longValue();
                if (!c.parseLong(key + 2)) {
                    return;
                }
                last = c.longValue();
            }
        }
        long record = LongReplies.record(c, key);
        if (record == LongReplies.LOST || SortedSetReplies.isWrongType(c, record)) {
            return;
        }
        SortedSets set = SortedSetReplies.open(c, key, record);
        PageView view = c.connection().view;
        if (view != null) {
            // The range is known, and its first page may have been left.
            stream(c, key, set, view.first, view.count, backwards, withScores);
            return;
        }
        long count =
                by == By.RANK
                        ? seek(set, first, last, backwards)
                        : seek(c, set, skipped, most, backwards);
        if (store) {
            store(c, set, count, backwards, by == By.RANK);
        } else {
            reply(c, key, set, count, backwards, withScores);
        }
    }

    /** Goes to the first entry of a range by indexes. @return how many entries there are */
    private static long seek(SortedSets set, long first, long last, boolean backwards) {
        long count = set.count();
        long from = Math.max(0, first < 0 ? count + first : first);
        long to = Math.min(count - 1, last < 0 ? count + last : last);
        if (from > to) {
            return 0;
        }
        boolean there =
                set.seekRank(
                        backwards ? count - 1 - from : from,
                        backwards ? from - to - 1 : to - from + 1);
        assert there;
        return to - from + 1;
    }

    /**
     * As above, of a range by scores or members.
     *
     * @param most negative: any number
     */
    private static long seek(
            CommandContext c, SortedSets set, long skipped, long most, boolean backwards) {
        SortedSetRange range = c.types().range;
        // Of what Valkey keeps as a skiplist, a negative number counts from the range's other end.
        boolean fromEnd = skipped < 0;
        long steps = fromEnd ? -1 - skipped : skipped;
        boolean back = backwards != fromEnd;
        boolean there = back ? set.seekLast(range) : set.seekFirst(range);
        if (!there || fromEnd && set.isListpack() || !set.skip(steps, back)) {
            return 0;
        }
        if (fromEnd && set.countOn(range, 1, back) == 0) {
            return 0;
        }
        return set.countOn(range, most < 0 ? Long.MAX_VALUE : most, backwards);
    }

    private static void reply(
            CommandContext c,
            int key,
            SortedSets set,
            long count,
            boolean backwards,
            boolean withScores) {
        if (LongReplies.isStreaming(c) || count > STREAM_ENTRIES && set.isPaged()) {
            stream(c, key, set, set.rank(), count, backwards, withScores);
            return;
        }
        SortedSetReplies.begin(c.reply(), count, withScores);
        entries(c.reply(), set, count, backwards, withScores);
    }

    /** So many entries from the position on. */
    private static void entries(
            ReplyWriter reply, SortedSets set, long count, boolean backwards, boolean withScores) {
        for (long i = 0; i < count; i++) {
            if (i > 0) {
                boolean there = backwards ? set.previous() : set.next();
                assert there;
            }
            SortedSetReplies.entry(reply, set, withScores);
        }
    }

    /**
     * A long reply leaves as the client takes it, and what was read for it so far may go.
     *
     * @param first rank of the first entry
     */
    private static void stream(
            CommandContext c,
            int key,
            SortedSets set,
            long first,
            long count,
            boolean backwards,
            boolean withScores) {
        long done = LongReplies.done(c);
        if (!LongReplies.isStreaming(c)) {
            SortedSetReplies.begin(c.reply(), count, withScores);
        }
        while (done < count) {
            long step = Math.min(STREAM_ENTRIES, count - done);
            boolean there =
                    set.seekRank(backwards ? first - done : first + done, backwards ? -step : step);
            assert there;
            entries(c.reply(), set, step, backwards, withScores);
            done += step;
            PageView view = LongReplies.keep(c, key);
            if (view != null) {
                view.first = first;
                view.count = count;
            }
            LongReplies.pause(c, key, done);
            SortedSetReplies.open(c, set, key, c.resume(key));
        }
    }

    /** @param sized whether Valkey knows beforehand how many there will be */
    private static void store(
            CommandContext c, SortedSets from, long count, boolean backwards, boolean sized) {
        if (count == 0) {
            if (c.delete(1)) {
                c.changed(1, "del");
            }
            c.reply().integer(0);
            return;
        }
        long lowest = backwards ? from.rank() - count + 1 : from.rank();
        // All is read before something is written.
        long bytes = 0;
        from.load(lowest, count);
        boolean there = from.seekRank(lowest, count);
        for (long i = 0; i < count; i++) {
            assert there;
            bytes += from.memberLength() + SortedSets.ENTRY_BYTES;
            there = from.next();
        }
        SortedSets to = SortedSetReplies.open(c, c.types().otherSortedSet, 1, 0);
        SortedSetReplies.limit(c, to, sized ? count : 0, 0, bytes);
        there = from.seekRank(lowest, count);
        for (long i = 0; i < count; i++) {
            assert there;
            to.append(from.member(), from.memberLength(), from.score());
            there = from.next();
        }
        to.finish();
        c.changed(1, "zrangestore");
        c.ready(1);
        c.reply().integer(count);
    }

    // Removing.

    static void zremrangebyrank(CommandContext c) {
        if (!c.parseLong(2)) {
            return;
        }
        long first = c.longValue();
        if (!c.parseLong(3)) {
            return;
        }
        long last = c.longValue();
        long record = c.readForWrite(1);
        if (!SortedSetReplies.isWrongType(c, record)) {
            SortedSets set = SortedSetReplies.open(c, 1, record);
            remove(c, set, seek(set, first, last, false), "zremrangebyrank");
        }
    }

    static void zremrangebyscore(CommandContext c) {
        if (parseScores(c, 2, 3)) {
            removeRange(c, "zremrangebyscore");
        }
    }

    static void zremrangebylex(CommandContext c) {
        if (parseMembers(c, 2, 3)) {
            removeRange(c, "zremrangebylex");
        }
    }

    private static void removeRange(CommandContext c, String event) {
        long record = c.readForWrite(1);
        if (!SortedSetReplies.isWrongType(c, record)) {
            SortedSets set = SortedSetReplies.open(c, 1, record);
            remove(c, set, seek(c, set, 0, -1, false), event);
        }
    }

    private static void remove(CommandContext c, SortedSets set, long count, String event) {
        if (count > 0) {
            set.loadRemove(count);
            set.remove(count);
            SortedSetReplies.finishRemoval(c, set, 1, event);
        }
        c.reply().integer(count);
    }
}
