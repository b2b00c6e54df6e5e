package ironcache.tools;

import ironcache.tools.CollectionGen.Size;
import java.util.List;

/** The commands on lists that do not wait, for {@link CollectionGen}. */
final class ListOps {
    private static final String LIST = "list";

    private ListOps() {}

    static void addTo(CollectionGen c) {
        CommandGen gen = c.gen;
        c.add(
                34,
                () -> {
                    Size size = c.size();
                    return c.plain(
                            gen.pick("LPUSH", "RPUSH", "LPUSH", "RPUSH", "LPUSHX", "RPUSHX"),
                            c.key(LIST, size),
                            c.members(size));
                });
        c.add(
                24,
                () -> {
                    List<Object> args = CommandGen.list(gen.pick("LPOP", "RPOP"), c.key(LIST));
                    if (gen.chance(40)) {
                        args.add(gen.pick("0", "1", "3", "20", "200", "-1", "x"));
                    }
                    return gen.plain(args);
                });
        c.add(6, () -> gen.plain("LLEN", c.key(LIST)));
        c.add(10, () -> gen.plain("LINDEX", c.key(LIST), index(c)));
        c.add(10, () -> gen.plain("LRANGE", c.key(LIST, small(c)), index(c), index(c)));
        c.add(
                10,
                () -> {
                    Size size = c.size();
                    return gen.plain("LSET", c.key(LIST, size), index(c), c.value(size));
                });
        c.add(
                8,
                () -> {
                    Size size = small(c);
                    return gen.plain(
                            "LINSERT",
                            c.key(LIST, size),
                            gen.pick("BEFORE", "AFTER", "before", "x"),
                            c.member(size),
                            c.value(size));
                });
        c.add(
                8,
                () -> {
                    Size size = small(c);
                    return gen.plain(
                            "LREM",
                            c.key(LIST, size),
                            gen.pick("0", "1", "-1", "2", "-3", "x"),
                            c.member(size));
                });
        c.add(
                8,
                () ->
                        gen.plain(
                                "LTRIM",
                                c.key(LIST),
                                gen.pick("0", "1", "2", "5", "-300", "x"),
                                gen.pick("-1", "-2", "-4", "300", "1000", "-1")));
        c.add(8, () -> position(c));
        c.add(
                8,
                () -> {
                    Size size = c.size();
                    return gen.plain(
                            "LMOVE",
                            c.key(LIST, size),
                            c.key(LIST, size),
                            gen.pick("LEFT", "RIGHT", "left", "x"),
                            gen.pick("LEFT", "RIGHT"));
                });
        c.add(
                4,
                () -> {
                    Size size = c.size();
                    return gen.plain("RPOPLPUSH", c.key(LIST, size), c.key(LIST, size));
                });
        c.add(
                4,
                () ->
                        gen.plain(
                                "LMPOP",
                                "2",
                                c.key(LIST),
                                c.key(LIST),
                                gen.pick("LEFT", "RIGHT"),
                                "COUNT",
                                gen.pick("1", "5", "100", "0", "x")));
    }

    /** What goes through a list, or replies all of it, is not asked for often of the large ones. */
    private static Size small(CollectionGen c) {
        return c.gen.chance(70) ? Size.SMALL : c.gen.chance(95) ? Size.MIDDLE : Size.LARGE;
    }

    private static String index(CollectionGen c) {
        CommandGen gen = c.gen;
        return gen.chance(3)
                ? gen.weird()
                : Integer.toString(gen.chance(70) ? gen.below(24) - 12 : gen.below(2_000) - 1_000);
    }

    private static Op position(CollectionGen c) {
        CommandGen gen = c.gen;
        Size size = small(c);
        List<Object> args = CommandGen.list("LPOS", c.key(LIST, size), c.member(size));
        if (gen.chance(40)) {
            args.add("RANK");
            args.add(gen.pick("1", "2", "-1", "-2", "0", "x"));
        }
        if (gen.chance(40)) {
            args.add("COUNT");
            args.add(gen.pick("0", "1", "3", "-1", "x"));
        }
        if (gen.chance(30)) {
            args.add("MAXLEN");
            args.add(gen.pick("0", "1", "10", "1000", "-1"));
        }
        return gen.plain(args);
    }
}
