package ironcache.tools;

import ironcache.tools.Op.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Seeded commands on collections, for {@link CommandGen}'s table: keys by type and by how large what they hold becomes, members and values by the sizes at which codings and encodings change. The commands of each
 * type are a table of its own ({@link SetOps}, {@link HashOps} ...); what all keys have in common is here.
 */
final class CollectionGen {
    /** Types by the word in their keys' names. A type's commands meet keys of the others now and then. */
    private static final String[] TYPES = {"set", "hash", "list", "zset", "string"};

    /** How large a collection becomes, and how many keys there are of each size. */
    enum Size {
        SMALL(12, 6),
        MIDDLE(700, 5),
        LARGE(100_000, 2);

        /** Its members are from so many. */
        final int members;

        final int keys;

        Size(int members, int keys) {
            this.members = members;
            this.keys = keys;
        }
    }

    private static final int[] EDGE_LENGTHS = {
        0, 1, 20, 63, 64, 65, 127, 128, 255, 2_047, 2_048, 2_049, 4_090, 5_000, 16_383, 16_384,
        20_000
    };

    /** Members that one command brings to a large collection. */
    private static final int BULK = 800;

    final CommandGen gen;

    CollectionGen(CommandGen gen) {
        this.gen = gen;
        SetOps.addTo(this);
        HashOps.addTo(this);
        SortedSetOps.addTo(this);
        ListOps.addTo(this);
        SortOps.addTo(this);
        keyspace();
    }

    private void keyspace() {
        add(8, () -> gen.plain(gen.pick("DEL", "UNLINK"), anyKey(Size.SMALL)));
        add(2, () -> gen.plain("DEL", anyKey(Size.MIDDLE), anyKey(Size.SMALL)));
        add(1, () -> gen.chance(5) ? gen.plain("DEL", anyKey(Size.LARGE)) : gen.plain("DBSIZE"));
        add(4, () -> gen.plain("TYPE", anyKey()));
        add(6, () -> gen.plain("OBJECT", "ENCODING", anyKey()));
        add(2, () -> gen.plain("OBJECT", gen.pick("REFCOUNT", "IDLETIME", "FREQ"), anyKey()));
        add(3, () -> gen.plain("MEMORY", "USAGE", anyKey()));
        add(3, () -> gen.plain("EXISTS", anyKey(), anyKey()));
        add(2, () -> gen.plain("SET", key("string", Size.SMALL), gen.smallValue(30)));
        add(2, () -> gen.plain(gen.pick("GET", "STRLEN", "APPEND"), anyKey(), "x"));
        add(2, () -> gen.plain("GET", anyKey()));
        add(
                6,
                () -> {
                    String type = gen.pick(TYPES);
                    Size size = size();
                    return gen.plain(
                            gen.pick("RENAME", "RENAMENX"), key(type, size), key(type, size));
                });
        add(
                6,
                () -> {
                    String type = gen.pick(TYPES);
                    Size size = size();
                    List<Object> args = CommandGen.list("COPY", key(type, size), key(type, size));
                    gen.options(args, "REPLACE", null);
                    if (gen.chance(20)) {
                        args.add("DB");
                        args.add(gen.database());
                    }
                    return gen.plain(args);
                });
        add(2, () -> gen.plain("MOVE", anyKey(), gen.database()));
        add(2, () -> gen.plain("SELECT", gen.chance(80) ? "0" : gen.database()));
        add(4, () -> gen.plain("PEXPIRE", anyKey(), gen.relative(true)));
        add(3, () -> gen.plain(gen.pick("PERSIST", "PTTL", "TTL"), anyKey()));
        add(1, () -> gen.plain("HELLO", gen.pick("2", "3")));
        add(
                1,
                () ->
                        gen.special(
                                Kind.SCAN_ALL,
                                CommandGen.list(
                                        "SCAN", "0", "COUNT", "1000", "TYPE", gen.pick(TYPES))));
    }

    void add(int weight, Supplier<Op> maker) {
        gen.add(weight, maker);
    }

    // Keys.

    Size size() {
        return gen.chance(60) ? Size.SMALL : gen.chance(85) ? Size.MIDDLE : Size.LARGE;
    }

    static String name(String type, Size size, int number) {
        return type + ":" + size.name().toLowerCase(java.util.Locale.ROOT) + ":" + number;
    }

    /** A key for a command of this type, mostly one that has it. */
    String key(String type, Size size) {
        String of = gen.chance(96) ? type : gen.pick(TYPES);
        return gen.chance(1)
                ? "never:" + gen.below(3)
                : name(of, of.equals("string") ? Size.SMALL : size, gen.below(size.keys));
    }

    String key(String type) {
        return key(type, size());
    }

    String anyKey(Size size) {
        return key(gen.pick(TYPES), size);
    }

    String anyKey() {
        return anyKey(size());
    }

    // Members.

    /** One of those that a collection of this size may have. */
    Object member(Size size) {
        if (size == Size.SMALL && gen.chance(8)) {
            return edge();
        }
        if (gen.chance(2)) {
            return gen.weird();
        }
        return member(gen.below(size.members));
    }

    /** A bit more than half of them are numbers, with few bytes and with many. */
    static String member(int number) {
        return switch (number % 7) {
            case 0, 1, 2 -> Integer.toString(number - 40);
            case 3 -> Long.toString(number * 0x9E3779B97F4A7C15L >> number % 64);
            case 4 -> "m" + number;
            default -> "member:" + number;
        };
    }

    private byte[] edge() {
        byte[] out = new byte[EDGE_LENGTHS[gen.below(EDGE_LENGTHS.length)]];
        java.util.Arrays.fill(out, (byte) ('a' + gen.below(3)));
        return out;
    }

    /** A value of a field, or of a list. */
    Object value(Size size) {
        return size == Size.SMALL && gen.chance(10) ? edge() : gen.smallValue(40);
    }

    /** As many members as a command brings: few, or for a larger collection now and then many that follow one another. */
    List<Object> members(Size size) {
        List<Object> members = new ArrayList<>();
        if (size != Size.SMALL && gen.chance(size == Size.LARGE ? 60 : 25)) {
            int count = 1 + gen.below(size == Size.LARGE ? BULK : 150);
            int from = gen.below(size.members);
            // Numbers alone, too: intsets become large only by themselves.
            boolean numbers = gen.chance(30);
            for (int i = 0; i < count; i++) {
                int number = (from + i) % size.members;
                members.add(numbers ? Integer.toString(number) : member(number));
            }
            return members;
        }
        for (int n = 1 + gen.below(4); n > 0; n--) {
            members.add(member(size));
        }
        return members;
    }

    Op plain(String command, String key, List<Object> more) {
        List<Object> args = CommandGen.list(command, key);
        args.addAll(more);
        return gen.plain(args);
    }

    /** SSCAN and the like, from cursor 0 to the end. */
    Op scan(String command, String key, String... options) {
        List<Object> args = CommandGen.list(command, key, "0");
        if (gen.chance(40)) {
            args.add("MATCH");
            args.add(gen.pick("*", "m*", "*1*", "[0-4]*", "nothing*"));
        }
        args.add("COUNT");
        args.add(gen.pick("10", "100", "1000"));
        if (options.length > 0) {
            gen.options(args, options);
        }
        return gen.special(Kind.SCAN_ALL, args);
    }
}
