package ironcache.resp;

import static ironcache.resp.CommandFlag.LOADING;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.STALE;
import static ironcache.resp.KeyFlag.RO;

import ironcache.datatypes.Strings;
import ironcache.hybridlog.Record;
import java.util.Locale;

/** OBJECT: how a value is kept. Rows and handlers. */
final class ObjectCommands {
    private static final ErrorReply NO_FREQUENCY =
            new ErrorReply(
                    "ERR An LFU maxmemory policy is not selected, access"
                            + " frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will"
                            + " take some time to adjust.");

    /** Valkey's lines: clients and tests compare them. */
    private static final String[] HELP = {
        "ENCODING <key>",
        "    Return the kind of internal representation used in order to store the value",
        "    associated with a <key>.",
        "FREQ <key>",
        "    Return the access frequency index of the <key>. The returned integer is",
        "    proportional to the logarithm of the recent access frequency of the key.",
        "IDLETIME <key>",
        "    Return the idle time of the <key>, that is the approximated number of",
        "    seconds elapsed since the last access to the key.",
        "REFCOUNT <key>",
        "    Return the number of references of the value associated with the specified",
        "    <key>."
    };

    private static final String[] ENCODINGS = new String[Strings.Encoding.values().length];

    static {
        for (Strings.Encoding encoding : Strings.Encoding.values()) {
            ENCODINGS[encoding.ordinal()] = encoding.name().toLowerCase(Locale.ROOT);
        }
    }

    private ObjectCommands() {}

    static void register(CommandTable t) {
        CommandRow object =
                t.container("OBJECT")
                        .group("generic")
                        .since("2.2.3")
                        .complexity("O(1)")
                        .summary("Looks into how values are kept.");
        t.sub(object, "ENCODING", ObjectCommands::encoding)
                .arity(3)
                .flags(READONLY)
                .keys(2, 2, 1, RO)
                .tips("nondeterministic_output")
                .args(Arg.key("key"))
                .group("generic")
                .since("2.2.3")
                .complexity("O(1)")
                .summary("Tells the representation of a value.");
        t.sub(object, "FREQ", ObjectCommands::freq)
                .arity(3)
                .flags(READONLY)
                .keys(2, 2, 1, RO)
                .tips("nondeterministic_output")
                .args(Arg.key("key"))
                .group("generic")
                .since("4.0.0")
                .complexity("O(1)")
                .summary("Tells how often a key is used.");
        t.sub(object, "IDLETIME", ObjectCommands::idletime)
                .arity(3)
                .flags(READONLY)
                .keys(2, 2, 1, RO)
                .tips("nondeterministic_output")
                .args(Arg.key("key"))
                .group("generic")
                .since("2.2.3")
                .complexity("O(1)")
                .summary("Tells how long a key was not used.");
        t.sub(object, "REFCOUNT", ObjectCommands::refcount)
                .arity(3)
                .flags(READONLY)
                .keys(2, 2, 1, RO)
                .tips("nondeterministic_output")
                .args(Arg.key("key"))
                .group("generic")
                .since("2.2.3")
                .complexity("O(1)")
                .summary("Tells how many references to a value there are.");
        t.sub(object, "HELP", ObjectCommands::help)
                .arity(2)
                .flags(LOADING, STALE)
                .categories(AclCategory.KEYSPACE)
                .group("generic")
                .since("6.2.0")
                .complexity("O(1)")
                .summary("Describes the subcommands.");
    }

    static void encoding(CommandContext c) {
        long record = c.peek(2);
        if (record == 0) {
            c.reply().nullBulk();
        } else {
            c.reply().bulk(encodingName(record));
        }
    }

    private static String encodingName(long record) {
        if (Strings.isString(record)) {
            return ENCODINGS[Strings.encoding(record).ordinal()];
        }
        int kind = Record.kind(record);
        return switch (Record.form(kind)) {
            case Record.FORM_LISTPACK -> "listpack";
            case Record.FORM_INTSET -> "intset";
            case Record.FORM_LARGE, Record.FORM_TIMED -> largeName(Record.typeOf(kind));
            default -> throw new IllegalStateException("encoding of record kind " + kind);
        };
    }

    private static String largeName(int type) {
        return switch (type) {
            case Record.TYPE_LIST -> "quicklist";
            case Record.TYPE_ZSET -> "skiplist";
            default -> "hashtable";
        };
    }

    static void freq(CommandContext c) {
        if (c.peek(2) == 0) {
            c.reply().nullBulk();
        } else {
            c.reply().error(NO_FREQUENCY);
        }
    }

    static void idletime(CommandContext c) {
        replyIfThere(c, 0);
    }

    static void refcount(CommandContext c) {
        replyIfThere(c, 1);
    }

    private static void replyIfThere(CommandContext c, long value) {
        if (c.peek(2) == 0) {
            c.reply().nullBulk();
        } else {
            c.reply().integer(value);
        }
    }

    static void help(CommandContext c) {
        Help.reply(c, "OBJECT", HELP);
    }
}
