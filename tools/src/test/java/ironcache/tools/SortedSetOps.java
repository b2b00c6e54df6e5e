package ironcache.tools;

import ironcache.tools.CollectionGen.Size;
import ironcache.tools.Op.Kind;
import java.util.List;

/** The commands on sorted sets, for {@link CollectionGen}. Ranges by members are left out, as scores differ; {@link SortedSetFamilyTest} has them. */
final class SortedSetOps {
    private static final String ZSET = "zset";

    private SortedSetOps() {}

    static void addTo(CollectionGen c) {
        CommandGen gen = c.gen;
        c.add(40, () -> zadd(c));
        c.add(
                8,
                () -> {
                    Size size = c.size();
                    return gen.plain("ZINCRBY", c.key(ZSET, size), score(gen), c.member(size));
                });
        c.add(20, () -> members(c, "ZREM"));
        c.add(8, () -> members(c, "ZMSCORE"));
        c.add(
                16,
                () -> {
                    Size size = c.size();
                    List<Object> args =
                            CommandGen.list(
                                    gen.pick("ZSCORE", "ZRANK", "ZREVRANK"),
                                    c.key(ZSET, size),
                                    c.member(size));
                    if (gen.chance(15)) {
                        args.add("WITHSCORE");
                    }
                    return gen.plain(args);
                });
        c.add(6, () -> gen.plain("ZCARD", c.key(ZSET)));
        c.add(6, () -> gen.plain("ZCOUNT", c.key(ZSET), bound(gen), bound(gen)));
        c.add(16, () -> byRank(c));
        c.add(16, () -> byScore(c));
        c.add(
                3,
                () ->
                        gen.plain(
                                gen.pick("ZRANGE", "ZREVRANGE"),
                                c.key(ZSET, small(c)),
                                "0",
                                "-1",
                                "WITHSCORES"));
        c.add(6, () -> stored(c));
        c.add(6, () -> removal(c));
        c.add(10, () -> pop(c));
        c.add(14, () -> algebra(c, gen.pick("ZINTER", "ZUNION", "ZDIFF"), false));
        c.add(10, () -> algebra(c, gen.pick("ZINTERSTORE", "ZUNIONSTORE", "ZDIFFSTORE"), true));
        c.add(
                4,
                () ->
                        gen.plain(
                                "ZINTERCARD",
                                "2",
                                c.key(ZSET),
                                c.key(gen.chance(70) ? ZSET : "set"),
                                "LIMIT",
                                gen.pick("0", "1", "3", "100", "-1", "x")));
        c.add(
                8,
                () -> {
                    List<Object> args = CommandGen.list("ZRANDMEMBER", c.key(ZSET));
                    if (gen.chance(70)) {
                        args.add(gen.pick("0", "1", "2", "5", "20", "200", "-1", "-30", "x"));
                        if (gen.chance(40)) {
                            args.add("WITHSCORES");
                        }
                    }
                    return gen.special(Kind.SAMPLE, args);
                });
        c.add(5, () -> c.scan("ZSCAN", c.key(ZSET, small(c)), "NOSCORES", null));
    }

    /** What lists all members of something is not asked for often of the large ones. */
    private static Size small(CollectionGen c) {
        return c.gen.chance(70) ? Size.SMALL : c.gen.chance(97) ? Size.MIDDLE : Size.LARGE;
    }

    private static Op members(CollectionGen c, String command) {
        Size size = c.size();
        return c.plain(command, c.key(ZSET, size), c.members(size));
    }

    private static String score(CommandGen gen) {
        return gen.chance(60)
                ? "" + (gen.below(60) - 20)
                : gen.chance(5) ? gen.pick("inf", "-inf", "+inf") : gen.decimal();
    }

    private static String bound(CommandGen gen) {
        return (gen.chance(25) ? "(" : "")
                + (gen.chance(10) ? gen.pick("inf", "-inf") : score(gen));
    }

    private static String index(CommandGen gen) {
        return gen.chance(3)
                ? gen.weird()
                : "" + (gen.below(40) - 20) * (gen.chance(20) ? 1000 : 1);
    }

    private static Op zadd(CollectionGen c) {
        CommandGen gen = c.gen;
        Size size = c.size();
        List<Object> args = CommandGen.list("ZADD", c.key(ZSET, size));
        if (gen.chance(35)) {
            gen.options(args, "NX", "XX", "GT", "LT", "CH", "INCR", null);
        }
        for (Object member : c.members(size)) {
            args.add(score(gen));
            args.add(member);
        }
        return gen.plain(args);
    }

    private static Op byRank(CollectionGen c) {
        CommandGen gen = c.gen;
        List<Object> args =
                CommandGen.list(
                        gen.pick("ZRANGE", "ZREVRANGE"), c.key(ZSET), index(gen), index(gen));
        // Not more of a large one than a few.
        long first = gen.below(3000);
        if (gen.chance(60)) {
            args.set(2, "" + first);
            args.set(3, "" + (first + gen.below(30)));
        } else {
            args.set(1, c.key(ZSET, small(c)));
        }
        gen.options(args, "WITHSCORES", "REV", null);
        return gen.plain(args);
    }

    private static void limit(CommandGen gen, List<Object> args) {
        args.add("LIMIT");
        args.add("" + (gen.below(40) - 2));
        args.add("" + (gen.below(40) - 1));
    }

    private static Op byScore(CollectionGen c) {
        CommandGen gen = c.gen;
        boolean old = gen.chance(50);
        List<Object> args =
                CommandGen.list(
                        old ? gen.pick("ZRANGEBYSCORE", "ZREVRANGEBYSCORE") : "ZRANGE",
                        c.key(ZSET, small(c)),
                        bound(gen),
                        bound(gen));
        if (!old) {
            args.add("BYSCORE");
        }
        gen.options(args, "WITHSCORES", old ? null : "REV", null);
        if (gen.chance(60)) {
            limit(gen, args);
        }
        return gen.plain(args);
    }

    private static Op stored(CollectionGen c) {
        CommandGen gen = c.gen;
        Size size = gen.chance(50) ? Size.SMALL : Size.MIDDLE;
        List<Object> args = CommandGen.list("ZRANGESTORE", c.key(ZSET, size), c.key(ZSET, size));
        if (gen.chance(50)) {
            args.add(index(gen));
            args.add(index(gen));
            gen.options(args, "REV", null);
        } else {
            args.add(bound(gen));
            args.add(bound(gen));
            args.add("BYSCORE");
            gen.options(args, "REV", null);
        }
        return gen.plain(args);
    }

    private static Op removal(CollectionGen c) {
        CommandGen gen = c.gen;
        if (gen.chance(50)) {
            String low = gen.decimal();
            return gen.plain("ZREMRANGEBYSCORE", c.key(ZSET), low, low);
        }
        int first = gen.below(1000);
        return gen.plain("ZREMRANGEBYRANK", c.key(ZSET), "" + first, "" + (first + gen.below(50)));
    }

    private static Op pop(CollectionGen c) {
        CommandGen gen = c.gen;
        if (gen.chance(60)) {
            List<Object> args = CommandGen.list(gen.pick("ZPOPMIN", "ZPOPMAX"), c.key(ZSET));
            if (gen.chance(60)) {
                args.add(gen.pick("0", "1", "2", "5", "20", "-1", "x"));
            }
            return gen.plain(args);
        }
        List<Object> args =
                CommandGen.list("ZMPOP", "2", c.key(ZSET), c.key(ZSET), gen.pick("MIN", "MAX"));
        if (gen.chance(60)) {
            args.add("COUNT");
            args.add(gen.pick("1", "2", "10", "0", "x"));
        }
        return gen.plain(args);
    }

    private static Op algebra(CollectionGen c, String command, boolean stores) {
        CommandGen gen = c.gen;
        List<Object> args = CommandGen.list(command);
        if (stores) {
            args.add(c.key(ZSET, gen.chance(60) ? Size.SMALL : Size.MIDDLE));
        }
        int keys = 1 + gen.below(3);
        args.add("" + keys);
        for (int i = 0; i < keys; i++) {
            boolean large = gen.chance(1);
            args.add(
                    c.key(
                            gen.chance(80) ? ZSET : "set",
                            large ? Size.LARGE : gen.chance(50) ? Size.SMALL : Size.MIDDLE));
        }
        boolean difference = command.startsWith("ZDIFF");
        if (gen.chance(difference ? 2 : 40)) {
            args.add("WEIGHTS");
            for (int i = 0; i < keys; i++) {
                args.add(score(gen));
            }
        }
        if (gen.chance(difference ? 2 : 40)) {
            args.add("AGGREGATE");
            args.add(gen.pick("SUM", "MIN", "MAX"));
        }
        if (gen.chance(stores ? 2 : 60)) {
            args.add("WITHSCORES");
        }
        return gen.plain(args);
    }
}
