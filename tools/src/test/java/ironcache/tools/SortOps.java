package ironcache.tools;

import ironcache.tools.CollectionGen.Size;
import java.util.List;

/**
 * SORT and SORT_RO, for {@link CollectionGen}, with weights in strings {@code w:MEMBER} and hashes {@code o:MEMBER}.
 *
 * <p>They have keys of their own, each always of one type. So what Valkey leaves open is kept out: the order of a set that is not sorted, and what has equal weights that are texts. And what sorting does to a sorted set there: its encoding is skiplist from then on; these have it from the begin, by a
 * long member.
 */
final class SortOps {
    private static final int KEYS = 3;
    private static final String LONG_MEMBER = "long".repeat(20);

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
        c.add(8, () -> members(c, gen.pick("SADD", "SADD", "SREM"), "set"));
        c.add(8, () -> members(c, gen.pick("LPUSH", "RPUSH"), "list"));
        c.add(
                4,
                () ->
                        unbroken(
                                c,
                                CommandGen.list("LTRIM", key(c, "list"), "" + gen.below(9), "-2")));
        c.add(
                4,
                () ->
                        unbroken(
                                c,
                                CommandGen.list(
                                        "ZADD",
                                        key(c, "zset"),
                                        "7",
                                        LONG_MEMBER,
                                        "" + gen.below(20),
                                        c.member(Size.SMALL))));
        c.add(24, () -> sort(c));
        c.add(
                2,
                () ->
                        unbroken(
                                c,
                                CommandGen.list(
                                        gen.pick("SORT", "SORT_RO"),
                                        key(c, "set"),
                                        gen.pick("ALPHA", "DESC", "x"),
                                        gen.pick("LIMIT", "BY", "GET", "STORE", "x"))));
        c.add(2, () -> unbroken(c, CommandGen.list("SORT", gen.pick("w:-40", "o:-40", "none"))));
    }

    private static String key(CollectionGen c, String type) {
        return "sort:" + type + ":" + c.gen.below(KEYS);
    }

    private static Op unbroken(CollectionGen c, List<Object> args) {
        return c.gen.special(Op.Kind.PLAIN, args);
    }

    /** Numbers alone in the first key of a type. */
    private static Op members(CollectionGen c, String command, String type) {
        CommandGen gen = c.gen;
        String key = key(c, type);
        List<Object> args = CommandGen.list(command, key);
        if (key.endsWith("0")) {
            for (int n = 1 + gen.below(5); n > 0; n--) {
                args.add(gen.chance(70) ? "" + (gen.below(60) - 40) : gen.below(90) + ".25");
            }
        } else {
            args.addAll(c.members(gen.chance(80) ? Size.SMALL : Size.MIDDLE));
        }
        return unbroken(c, args);
    }

    private static Op sort(CollectionGen c) {
        CommandGen gen = c.gen;
        String type = gen.pick("set", "list", "zset");
        List<Object> args = CommandGen.list(gen.pick("SORT", "SORT", "SORT_RO"), key(c, type));
        boolean ordered = !type.equals("set");
        if (gen.chance(50)) {
            args.add("BY");
            args.add(
                    ordered && gen.chance(30)
                            ? "nosort"
                            : gen.pick("w:*", "o:*->f", "o:*->none", "never:*", "w:*->f", "o:*"));
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
            args.add(key(c, "list"));
        }
        return unbroken(c, args);
    }
}
