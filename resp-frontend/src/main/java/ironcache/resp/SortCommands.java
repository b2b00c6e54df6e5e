package ironcache.resp;

import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.MOVABLEKEYS;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.OW;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.datatypes.ListWalk;
import ironcache.datatypes.Lists;
import ironcache.datatypes.LongText;
import ironcache.datatypes.SetWalk;
import ironcache.datatypes.SortBuffer;
import ironcache.datatypes.SortBuffer.Order;
import ironcache.datatypes.SortedSets;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;
import java.nio.charset.StandardCharsets;

/** SORT and SORT_RO: the elements of a list, a set or a sorted set in order. Rows and handlers. */
final class SortCommands {
    private static final ErrorReply NOT_DOUBLE =
            new ErrorReply("ERR One or more scores can't be converted into double");

    private static final String BY_GET_NOTES =
            "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort";
    private static final String STORE_NOTES =
            "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array";
    private static final String COMPLEXITY =
            "O(N+M*log(M)) with N elements in the collection and M returned; O(N) where they are not sorted.";

    private SortCommands() {}

    static void register(CommandTable t) {
        t.add("SORT", c -> sort(c, true))
                .arity(-2)
                .flags(WRITE, DENYOOM, MOVABLEKEYS)
                .categories(
                        AclCategory.SET,
                        AclCategory.SORTEDSET,
                        AclCategory.LIST,
                        AclCategory.DANGEROUS)
                .everyShard()
                .keys(1, 1, 1, RO, ACCESS)
                .unknownKeys(BY_GET_NOTES, RO, ACCESS)
                .unknownKeys(STORE_NOTES, OW, UPDATE)
                .args(
                        Arg.key("key"),
                        byPattern(),
                        limit(),
                        getPattern(),
                        order(),
                        Arg.token("sorting", "ALPHA").optional(),
                        Arg.key("destination", 2).token("STORE").optional())
                .group("generic")
                .since("1.0.0")
                .complexity(COMPLEXITY)
                .summary(
                        "Sorts the elements of a list, a set or a sorted set, and may store them.");
        t.add("SORT_RO", c -> sort(c, false))
                .arity(-2)
                .flags(READONLY, MOVABLEKEYS)
                .categories(
                        AclCategory.SET,
                        AclCategory.SORTEDSET,
                        AclCategory.LIST,
                        AclCategory.DANGEROUS)
                .everyShard()
                .keys(1, 1, 1, RO, ACCESS)
                .unknownKeys(BY_GET_NOTES, RO, ACCESS)
                .args(
                        Arg.key("key"),
                        byPattern(),
                        limit(),
                        getPattern(),
                        order(),
                        Arg.token("sorting", "ALPHA").optional())
                .group("generic")
                .since("7.0.0")
                .complexity(COMPLEXITY)
                .summary("Sorts the elements of a list, a set or a sorted set.");
    }

    private static Arg byPattern() {
        Arg arg = Arg.pattern("by-pattern").token("BY").display("pattern").optional();
        arg.keySpec = 1;
        return arg;
    }

    private static Arg limit() {
        return Arg.block("limit", Arg.integer("offset"), Arg.integer("count"))
                .token("LIMIT")
                .optional();
    }

    private static Arg getPattern() {
        Arg arg =
                Arg.pattern("get-pattern")
                        .token("GET")
                        .display("pattern")
                        .multipleToken()
                        .optional();
        arg.keySpec = 1;
        return arg;
    }

    private static Arg order() {
        return Arg.oneOf("order", Arg.token("asc", "ASC"), Arg.token("desc", "DESC")).optional();
    }

    /** What the arguments ask for. One per thread. */
    static final class Options {
        boolean descending;
        boolean alpha;
        boolean unsorted;
        long limitStart;
        long limitCount;

        /** Indexes of arguments; 0: none. */
        int by;

        int store;

        /** How often GET is there. */
        int gets;

        /** @return false: an error was written */
        boolean parse(CommandContext c, boolean stores) {
            descending = false;
            alpha = false;
            unsorted = false;
            limitStart = 0;
            limitCount = -1;
            by = 0;
            store = 0;
            gets = 0;
            for (int i = 2; i < c.argc(); i++) {
                int left = c.argc() - i - 1;
                if (c.argIs(i, "ASC")) {
                    descending = false;
                } else if (c.argIs(i, "DESC")) {
                    descending = true;
                } else if (c.argIs(i, "ALPHA")) {
                    alpha = true;
                } else if (c.argIs(i, "LIMIT") && left >= 2) {
                    if (!c.parseLong(i + 1)) {
                        return false;
                    }
                    limitStart = c.longValue();
                    if (!c.parseLong(i + 2)) {
                        return false;
                    }
                    limitCount = c.longValue();
                    i += 2;
                } else if (stores && c.argIs(i, "STORE") && left >= 1) {
                    store = ++i;
                } else if (c.argIs(i, "BY") && left >= 1) {
                    by = ++i;
                    unsorted = SortPattern.indexOfStar(c.arg(i), c.argLength(i)) < 0;
                } else if (c.argIs(i, "GET") && left >= 1) {
                    gets++;
                    i++;
                } else {
                    c.reply().error(Errors.SYNTAX);
                    return false;
                }
            }
            return true;
        }

        /** The argument of the next GET behind an argument. */
        int nextGet(CommandContext c, int from) {
            int i = from + 1;
            while (!c.argIs(i, "GET")) {
                i += c.argIs(i, "LIMIT") ? 3 : c.argIs(i, "BY") || c.argIs(i, "STORE") ? 2 : 1;
            }
            return i + 1;
        }
    }

    private static void sort(CommandContext c, boolean stores) {
        Options options = c.types().sortOptions;
        if (!options.parse(c, stores)) {
            return;
        }
        if (options.store != 0 && c.argLength(options.store) > Record.MAX_KEY_BYTES) {
            c.reply().error(Errors.KEY_TOO_LONG);
            return;
        }
        long record = c.read(1);
        if (record != 0 && !isSortable(record)) {
            c.reply().error(Errors.WRONG_TYPE);
            return;
        }
        boolean isSet = record != 0 && Record.type(record) == Record.TYPE_SET;
        if (isSet && options.unsorted && options.store != 0) {
            // What is stored is not left to chance.
            options.unsorted = false;
            options.alpha = true;
            options.by = 0;
        }
        SortBuffer sorted = c.types().sorted;
        sorted.clear();
        if (record != 0) {
            gather(c, record, sorted);
        }
        if (!options.unsorted) {
            if (!weigh(c, options, sorted)) {
                c.reply().error(NOT_DOUBLE);
                sorted.clear();
                return;
            }
            sorted.sort(orderOf(options), options.descending);
        }
        long count = sorted.count();
        long start = Math.min(Math.max(options.limitStart, 0), count);
        long wanted = options.limitCount < 0 ? count : options.limitCount;
        long end = start + Math.min(wanted, count - start);
        boolean reversed = options.unsorted && options.descending && !isSet;
        if (options.store == 0) {
            reply(c, options, sorted, start, end, reversed);
        } else {
            store(c, options, sorted, start, end, reversed);
        }
        sorted.clear();
    }

    private static boolean isSortable(long record) {
        int type = Record.type(record);
        return type == Record.TYPE_LIST || type == Record.TYPE_SET || type == Record.TYPE_ZSET;
    }

    /** All elements in their own order. May miss. */
    private static void gather(CommandContext c, long record, SortBuffer to) {
        switch (Record.type(record)) {
            case Record.TYPE_SET -> {
                SetWalk walk = c.types().setWalk;
                walk.open(c.shard(1), record);
                walk.load();
                while (walk.next()) {
                    to.add(walk.element(), walk.shard(), walk.object());
                }
            }
            case Record.TYPE_LIST -> {
                Lists list = c.list(1, record);
                ListWalk walk = list.walk(0, 0);
                walk.load(0, list.length());
                walk.seek(0, list.length());
                while (walk.next()) {
                    to.add(walk.element(), c.shard(1), walk.object());
                }
            }
            case Record.TYPE_ZSET -> {
                SortedSets set = c.types().sortedSet;
                set.open(c.shard(1), c.db(), c.arg(1), c.argLength(1), c.hash(1), record);
                long count = set.count();
                set.load(0, count);
                for (boolean there = set.seekRank(0, count); there; there = set.next()) {
                    to.add(set.member(), set.memberLength());
                }
            }
            default ->
                    throw new IllegalStateException("SORT of record kind " + Record.kind(record));
        }
    }

    // Weights.

    private static Order orderOf(Options options) {
        if (!options.alpha) {
            return Order.NUMBERS;
        }
        boolean stored = options.store != 0;
        if (options.by == 0) {
            return stored ? Order.STRINGS : Order.C_STRINGS;
        }
        return stored ? Order.WEIGHTS : Order.C_WEIGHTS;
    }

    /** Gives each its weight, where that is not the string itself. May miss. @return false: one is no number */
    private static boolean weigh(CommandContext c, Options options, SortBuffer sorted) {
        if (options.by == 0 && options.alpha) {
            return true;
        }
        SortPattern pattern = c.types().sortPattern;
        boolean numbers = true;
        if (options.by != 0) {
            pattern.set(c.arg(options.by), c.argLength(options.by));
            for (long i = 0; i < sorted.count(); i++) {
                pattern.prefetch(c, sorted.text(i), sorted.length(i));
            }
        }
        for (long i = 0; i < sorted.count(); i++) {
            long text = sorted.text(i);
            int length = sorted.length(i);
            if (options.by != 0) {
                if (!pattern.find(c, text, length)) {
                    continue;
                }
                text = pattern.text();
                length = pattern.length();
            }
            if (options.alpha) {
                sorted.weigh(i, text, length);
            } else {
                double number = number(text, length);
                numbers &= !Double.isNaN(number);
                sorted.weigh(i, number);
            }
        }
        return numbers;
    }

    /** The number that a text states, up to a zero byte; NaN: none. */
    private static double number(long text, int length) {
        long whole = LongText.parse(text, length);
        if (LongText.isNumber(whole, text, length)) {
            return whole;
        }
        byte[] bytes = new byte[length];
        Memory.copyOut(text, bytes, 0, length);
        String string = new String(bytes, StandardCharsets.ISO_8859_1);
        int zero = string.indexOf(0);
        string = zero < 0 ? string : string.substring(0, zero);
        double number = DoubleParser.parse(string);
        return isRepresented(string, number) ? number : Double.NaN;
    }

    /** Valkey wants no hexadecimal digits here, nothing beyond a double's range, and nothing that would be zero without saying so. */
    private static boolean isRepresented(String text, double number) {
        boolean nonzero = false;
        for (int i = 0; i < text.length(); i++) {
            char digit = Character.toLowerCase(text.charAt(i));
            if (digit == 'i') {
                return true;
            }
            if (digit == 'x') {
                return false;
            }
            if (digit == 'e') {
                break;
            }
            nonzero |= digit >= '1' && digit <= '9';
        }
        return !Double.isInfinite(number) && (number != 0 || !nonzero);
    }

    // Results.

    private static void reply(
            CommandContext c,
            Options options,
            SortBuffer sorted,
            long start,
            long end,
            boolean reversed) {
        c.reserveOutput(sorted.bytes());
        long last = sorted.count() - 1;
        prefetch(c, options, sorted, start, end, reversed);
        c.reply().array((end - start) * Math.max(1, options.gets));
        SortPattern pattern = c.types().sortPattern;
        for (long i = start; i < end; i++) {
            long at = reversed ? last - i : i;
            long text = sorted.text(at);
            int length = sorted.length(at);
            if (options.gets == 0) {
                c.reply().bulk(text, length);
            }
            int get = 1;
            for (int n = 0; n < options.gets; n++) {
                get = options.nextGet(c, get);
                pattern.set(c.arg(get), c.argLength(get));
                if (pattern.find(c, text, length)) {
                    c.reply().bulk(pattern.text(), pattern.length());
                } else {
                    c.reply().nullBulk();
                }
            }
        }
    }

    /** May miss before it writes. */
    private static void store(
            CommandContext c,
            Options options,
            SortBuffer sorted,
            long start,
            long end,
            boolean reversed) {
        long last = sorted.count() - 1;
        prefetch(c, options, sorted, start, end, reversed);
        SortBuffer results = c.types().sortResults;
        results.clear();
        SortPattern pattern = c.types().sortPattern;
        for (long i = start; i < end; i++) {
            long at = reversed ? last - i : i;
            long text = sorted.text(at);
            int length = sorted.length(at);
            if (options.gets == 0) {
                results.add(text, length);
            }
            int get = 1;
            for (int n = 0; n < options.gets; n++) {
                get = options.nextGet(c, get);
                pattern.set(c.arg(get), c.argLength(get));
                boolean found = pattern.find(c, text, length);
                // A list has no nulls.
                results.add(pattern.text(), found ? pattern.length() : 0);
            }
        }
        int count = (int) results.count();
        if (count > 0) {
            // Whatever is there goes.
            c.list(options.store, 0).push(false, results, 0, count);
            c.changed(options.store, "sortstore");
            c.ready(options.store);
        } else if (c.delete(options.store)) {
            c.changed(options.store, "del");
        }
        results.clear();
        c.reply().integer(count);
    }

    /** Asks for all that GET refers to. */
    private static void prefetch(
            CommandContext c,
            Options options,
            SortBuffer sorted,
            long start,
            long end,
            boolean reversed) {
        long last = sorted.count() - 1;
        SortPattern pattern = c.types().sortPattern;
        int get = 1;
        for (int n = 0; n < options.gets; n++) {
            get = options.nextGet(c, get);
            pattern.set(c.arg(get), c.argLength(get));
            for (long i = start; i < end; i++) {
                long at = reversed ? last - i : i;
                pattern.prefetch(c, sorted.text(at), sorted.length(at));
            }
        }
    }
}
