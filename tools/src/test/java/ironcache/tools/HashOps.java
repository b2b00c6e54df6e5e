package ironcache.tools;

import ironcache.tools.CollectionGen.Size;
import ironcache.tools.Op.Kind;
import java.util.ArrayList;
import java.util.List;

/** The commands on hashes, for {@link CollectionGen}. No field's time is over before the run is. */
final class HashOps {
    private static final String HASH = "hash";

    private HashOps() {}

    static void addTo(CollectionGen c) {
        CommandGen gen = c.gen;
        c.add(
                40,
                () -> {
                    Size size = c.size();
                    return c.plain(
                            gen.pick("HSET", "HSET", "HMSET"), c.key(HASH, size), pairs(c, size));
                });
        c.add(
                6,
                () -> {
                    Size size = c.size();
                    return gen.plain("HSETNX", c.key(HASH, size), c.member(size), c.value(size));
                });
        c.add(24, () -> fields(c, "HDEL"));
        c.add(12, () -> fields(c, "HMGET"));
        c.add(
                14,
                () -> {
                    Size size = c.size();
                    return gen.plain(
                            gen.pick("HGET", "HEXISTS", "HSTRLEN"),
                            c.key(HASH, size),
                            c.member(size));
                });
        c.add(6, () -> gen.plain("HLEN", c.key(HASH)));
        c.add(
                8,
                () ->
                        gen.plain(
                                gen.pick("HGETALL", "HKEYS", "HVALS"),
                                c.key(
                                        HASH,
                                        gen.chance(70)
                                                ? Size.SMALL
                                                : gen.chance(97) ? Size.MIDDLE : Size.LARGE)));
        c.add(
                8,
                () -> {
                    Size size = c.size();
                    return gen.plain("HINCRBY", c.key(HASH, size), c.member(size), gen.integer());
                });
        c.add(
                4,
                () -> {
                    Size size = c.size();
                    return gen.plain(
                            "HINCRBYFLOAT", c.key(HASH, size), c.member(size), gen.decimal());
                });
        c.add(
                6,
                () -> {
                    List<Object> args = CommandGen.list("HRANDFIELD", c.key(HASH));
                    if (gen.chance(70)) {
                        args.add(gen.pick("0", "1", "2", "5", "20", "200", "-1", "-30", "x"));
                        if (gen.chance(40)) {
                            args.add("WITHVALUES");
                        }
                    }
                    return gen.special(Kind.SAMPLE, args);
                });
        c.add(
                5,
                () ->
                        c.scan(
                                "HSCAN",
                                c.key(HASH, gen.chance(70) ? Size.SMALL : Size.MIDDLE),
                                "NOVALUES",
                                null));
        times(c);
    }

    private static void times(CollectionGen c) {
        CommandGen gen = c.gen;
        c.add(
                8,
                () -> {
                    Size size = c.gen.chance(80) ? Size.SMALL : Size.MIDDLE;
                    String command = gen.pick("HEXPIRE", "HPEXPIRE");
                    List<Object> args =
                            CommandGen.list(
                                    command,
                                    c.key(HASH, size),
                                    gen.relative(command.equals("HPEXPIRE")));
                    gen.options(args, "NX", "XX", "GT", "LT", null, null, null);
                    return named(c, args, size);
                });
        c.add(
                6,
                () -> {
                    Size size = c.gen.chance(80) ? Size.SMALL : Size.MIDDLE;
                    return named(
                            c,
                            CommandGen.list(
                                    gen.pick(
                                            "HTTL",
                                            "HPTTL",
                                            "HEXPIRETIME",
                                            "HPEXPIRETIME",
                                            "HPERSIST",
                                            "HGETDEL"),
                                    c.key(HASH, size)),
                            size);
                });
        c.add(
                5,
                () -> {
                    Size size = c.gen.chance(80) ? Size.SMALL : Size.MIDDLE;
                    List<Object> args = CommandGen.list("HGETEX", c.key(HASH, size));
                    if (gen.chance(70)) {
                        gen.expiryOption(args, "PERSIST");
                    }
                    return named(c, args, size);
                });
        c.add(
                5,
                () -> {
                    Size size = c.gen.chance(80) ? Size.SMALL : Size.MIDDLE;
                    List<Object> args = CommandGen.list("HSETEX", c.key(HASH, size));
                    gen.options(args, "FNX", "FXX", null, null);
                    if (gen.chance(70)) {
                        gen.expiryOption(args, "KEEPTTL");
                    }
                    int count = 1 + gen.below(3);
                    args.add("FIELDS");
                    args.add("" + count);
                    for (int i = 0; i < count; i++) {
                        args.add(c.member(size));
                        args.add(c.value(size));
                    }
                    return gen.plain(args);
                });
    }

    /** {@code FIELDS numfields field [field ...]} behind the rest. */
    private static Op named(CollectionGen c, List<Object> args, Size size) {
        int count = 1 + c.gen.below(4);
        args.add("FIELDS");
        args.add(c.gen.chance(95) ? "" + count : c.gen.weird());
        for (int i = 0; i < count; i++) {
            args.add(c.member(size));
        }
        return c.gen.plain(args);
    }

    private static List<Object> pairs(CollectionGen c, Size size) {
        List<Object> pairs = new ArrayList<>();
        for (Object field : c.members(size)) {
            pairs.add(field);
            pairs.add(c.value(size));
        }
        return pairs;
    }

    private static Op fields(CollectionGen c, String command) {
        Size size = c.size();
        return c.plain(command, c.key(HASH, size), c.members(size));
    }
}
