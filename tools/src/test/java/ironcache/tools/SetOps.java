package ironcache.tools;

import ironcache.tools.CollectionGen.Size;
import ironcache.tools.Op.Kind;
import java.util.List;

/** The commands on sets, for {@link CollectionGen}. */
final class SetOps {
    private static final String SET = "set";

    private SetOps() {}

    static void addTo(CollectionGen c) {
        CommandGen gen = c.gen;
        c.add(40, () -> members(c, "SADD"));
        c.add(24, () -> members(c, "SREM"));
        c.add(10, () -> members(c, "SMISMEMBER"));
        c.add(
                12,
                () -> {
                    Size size = c.size();
                    return gen.plain("SISMEMBER", c.key(SET, size), c.member(size));
                });
        c.add(8, () -> gen.plain("SCARD", c.key(SET)));
        c.add(8, () -> gen.plain("SMEMBERS", c.key(SET, small(c))));
        c.add(
                10,
                () -> {
                    Size size = c.size();
                    return gen.plain("SMOVE", c.key(SET, size), c.key(SET, size), c.member(size));
                });
        c.add(14, () -> algebra(c, gen.pick("SINTER", "SUNION", "SDIFF"), false));
        c.add(14, () -> algebra(c, gen.pick("SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"), true));
        c.add(6, () -> sintercard(c));
        c.add(
                8,
                () -> {
                    List<Object> args = CommandGen.list("SPOP", c.key(SET));
                    if (gen.chance(60)) {
                        args.add(gen.pick("0", "1", "2", "5", "20", "100", "600", "-1", "x"));
                    }
                    return gen.special(Kind.POP, args);
                });
        c.add(
                8,
                () -> {
                    List<Object> args = CommandGen.list("SRANDMEMBER", c.key(SET));
                    if (gen.chance(70)) {
                        args.add(gen.pick("0", "1", "2", "5", "20", "200", "-1", "-30", "x"));
                    }
                    return gen.special(Kind.SAMPLE, args);
                });
        c.add(5, () -> c.scan("SSCAN", c.key(SET, small(c))));
        // Where it is not broken, the reply has a cursor of the server's own.
        c.add(
                3,
                () ->
                        gen.plain(
                                "SSCAN",
                                c.key(SET),
                                gen.pick("x", "-1", "0"),
                                gen.pick("COUNT", "NOVALUES", "NOSCORES", "TYPE", "x"),
                                gen.pick("0", "-1", "abc")));
    }

    /** What lists all members of something is not asked for often of the large ones. */
    private static Size small(CollectionGen c) {
        return c.gen.chance(70) ? Size.SMALL : c.gen.chance(97) ? Size.MIDDLE : Size.LARGE;
    }

    private static Op members(CollectionGen c, String command) {
        Size size = c.size();
        return c.plain(command, c.key(SET, size), c.members(size));
    }

    private static Op algebra(CollectionGen c, String command, boolean stores) {
        CommandGen gen = c.gen;
        boolean large = gen.chance(1);
        List<Object> args = CommandGen.list(command);
        if (stores) {
            args.add(c.key(SET, large ? Size.LARGE : gen.chance(60) ? Size.SMALL : Size.MIDDLE));
        }
        for (int n = 1 + gen.below(4); n > 0; n--) {
            args.add(c.key(SET, large ? Size.LARGE : gen.chance(50) ? Size.SMALL : Size.MIDDLE));
        }
        return gen.plain(args);
    }

    private static Op sintercard(CollectionGen c) {
        CommandGen gen = c.gen;
        int keys = 1 + gen.below(3);
        List<Object> args = CommandGen.list("SINTERCARD", gen.chance(95) ? "" + keys : gen.weird());
        for (int i = 0; i < keys; i++) {
            args.add(c.key(SET));
        }
        if (gen.chance(50)) {
            args.add("LIMIT");
            args.add(gen.pick("0", "1", "3", "100", "-1", "x"));
        }
        return gen.plain(args);
    }
}
