package ironcache.tools;

import ironcache.tools.CollectionGen.Size;
import java.util.List;

/**
 * SORT and SORT_RO, for {@link CollectionGen}, with weights in strings {@code w:MEMBER} and hashes {@code o:MEMBER}. What leaves the order of a set open is kept out: a BY without a star, and weights that are compared as
 * texts, which may be equal.
 */
final class SortOps {
    private SortOps() {}

    static void addTo(CollectionGen c) {
        CommandGen gen = c.gen;
        c.add(
                6,
                () ->
                        gen.plain(
                                "SET",
                                "w:" + CollectionGen.member(gen.below(Size.SMALL.members)),
                                gen.chance(95) ? "" + gen.below(50) : gen.decimal()));
        c.add(
                6,
                () ->
                        gen.plain(
                                "HSET",
                                "o:" + CollectionGen.member(gen.below(Size.SMALL.members)),
                                "f",
                                gen.chance(95) ? gen.below(50) + ".5" : gen.weird(),
                                "g",
                                gen.smallValue(30)));
        c.add(2, () -> gen.plain("DEL", "w:" + CollectionGen.member(gen.below(12))));
        c.add(24, () -> sort(c));
        c.add(4, () -> unsorted(c));
        c.add(
                2,
                () ->
                        gen.special(
                                Op.Kind.PLAIN,
                                CommandGen.list(
                                        "RPUSH",
                                        "unsorted:" + gen.below(3),
                                        c.member(Size.LARGE))));
        c.add(
                2,
                () ->
                        gen.plain(
                                gen.pick("SORT", "SORT_RO"),
                                c.anyKey(),
                                gen.pick("ALPHA", "DESC", "x"),
                                gen.pick("LIMIT", "BY", "GET", "STORE", "x")));
    }

    private static Op sort(CollectionGen c) {
        CommandGen gen = c.gen;
        Size size = gen.chance(70) ? Size.SMALL : gen.chance(95) ? Size.MIDDLE : Size.LARGE;
        String key =
                gen.chance(50)
                        ? c.key("set", size)
                        : gen.chance(80) ? c.key("list", size) : c.anyKey(size);
        List<Object> args = CommandGen.list(gen.pick("SORT", "SORT", "SORT_RO"), key);
        boolean weighed = gen.chance(50);
        if (weighed) {
            args.add("BY");
            args.add(gen.pick("w:*", "o:*->f", "o:*->none", "never:*", "w:*->f", "o:*"));
        } else if (gen.chance(70)) {
            args.add("ALPHA");
        }
        gen.options(args, "ASC", "DESC", "desc", null);
        if (gen.chance(40)) {
            args.add("LIMIT");
            args.add(gen.pick("0", "1", "3", "-1", "100", "x", "9223372036854775807"));
            args.add(gen.pick("0", "1", "5", "-1", "100", "-5", "9223372036854775807"));
        }
        for (int n = gen.chance(60) ? 0 : 1 + gen.below(3); n > 0; n--) {
            args.add("GET");
            args.add(gen.pick("#", "w:*", "o:*->f", "o:*->g", "x", "never:*", "o:*->", "#x"));
        }
        if (gen.chance(20)) {
            args.add("STORE");
            args.add(c.key("list", size));
        }
        return gen.plain(args);
    }

    /** Lists keep their order, or are turned about. Keys that nothing else makes sets. */
    private static Op unsorted(CollectionGen c) {
        CommandGen gen = c.gen;
        List<Object> args = CommandGen.list("SORT", "unsorted:" + gen.below(3), "BY", "nosort");
        gen.options(args, "ASC", "DESC", null);
        if (gen.chance(60)) {
            args.add("LIMIT");
            args.add(gen.pick("0", "1", "30", "-1"));
            args.add(gen.pick("0", "5", "-1", "100"));
        }
        return gen.plain(args);
    }
}
