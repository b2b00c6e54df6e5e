package ironcache.resp;

import static ironcache.resp.CommandFlag.LOADING;
import static ironcache.resp.CommandFlag.STALE;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** COMMAND and its sub-commands: the command table as clients see it. Stateless; runs on the shard's thread. */
final class CommandCommands {
    /** Of a name that is not known, as Valkey cuts it. */
    private static final int MOST_NAME_SHOWN = 128;

    private CommandCommands() {}

    static void register(CommandTable t) {
        CommandRow command =
                t.add("COMMAND", CommandCommands::all)
                        .arity(-1)
                        .flags(LOADING, STALE)
                        .categories(AclCategory.CONNECTION)
                        .group("server")
                        .since("2.8.13")
                        .complexity("O(N) where N is the total number of commands")
                        .summary("Returns detailed information about all commands.")
                        .tips("nondeterministic_output_order");
        t.sub(command, "COUNT", CommandCommands::count)
                .arity(2)
                .flags(LOADING, STALE)
                .categories(AclCategory.CONNECTION)
                .since("2.8.13")
                .complexity("O(1)")
                .summary("Returns a count of commands.");
        t.sub(command, "INFO", CommandCommands::info)
                .arity(-2)
                .flags(LOADING, STALE)
                .categories(AclCategory.CONNECTION)
                .since("2.8.13")
                .complexity("O(N) where N is the number of commands to look up")
                .summary("Returns information about one, multiple or all commands.")
                .tips("nondeterministic_output_order")
                .history(
                        "7.0.0",
                        "Allowed to be called with no argument to get info on all commands.")
                .args(Arg.string("command-name").optional().multiple());
        t.sub(command, "DOCS", CommandCommands::docs)
                .arity(-2)
                .flags(LOADING, STALE)
                .categories(AclCategory.CONNECTION)
                .since("7.0.0")
                .complexity("O(N) where N is the number of commands to look up")
                .summary("Returns documentary information about one, multiple or all commands.")
                .tips("nondeterministic_output_order")
                .args(Arg.string("command-name").optional().multiple());
        t.sub(command, "LIST", CommandCommands::list)
                .arity(-2)
                .flags(LOADING, STALE)
                .categories(AclCategory.CONNECTION)
                .since("7.0.0")
                .complexity("O(N) where N is the total number of commands")
                .summary("Returns a list of command names.")
                .tips("nondeterministic_output_order")
                .args(
                        Arg.oneOf(
                                        "filterby",
                                        Arg.string("module-name").token("MODULE"),
                                        Arg.string("category").token("ACLCAT"),
                                        Arg.pattern("pattern").token("PATTERN"))
                                .token("FILTERBY")
                                .optional());
        t.sub(command, "GETKEYS", c -> getKeys(c, false))
                .arity(-3)
                .flags(LOADING, STALE)
                .categories(AclCategory.CONNECTION)
                .since("2.8.13")
                .complexity("O(N) where N is the number of arguments to the command")
                .summary("Extracts the key names from an arbitrary command.")
                .args(Arg.string("command"), Arg.string("arg").optional().multiple());
        t.sub(command, "GETKEYSANDFLAGS", c -> getKeys(c, true))
                .arity(-3)
                .flags(LOADING, STALE)
                .categories(AclCategory.CONNECTION)
                .since("7.0.0")
                .complexity("O(N) where N is the number of arguments to the command")
                .summary("Extracts the key names and access flags for an arbitrary command.")
                .args(Arg.string("command"), Arg.string("arg").optional().multiple());
        t.sub(command, "HELP", CommandCommands::help)
                .arity(2)
                .flags(LOADING, STALE)
                .categories(AclCategory.CONNECTION)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Returns helpful text about the different subcommands.");
    }

    static void all(CommandContext c) {
        if (c.argc() > 1) {
            String name = c.argLatin1(1);
            String shown = name.substring(0, Math.min(name.length(), MOST_NAME_SHOWN));
            c.reply().error("ERR unknown subcommand '" + shown + "'. Try COMMAND HELP.");
            return;
        }
        describeAll(c);
    }

    private static void describeAll(CommandContext c) {
        CommandTable table = c.node().commands;
        c.reply().array(table.topLevelCount());
        for (int i = 0; i < table.size(); i++) {
            if (table.row(i).parent == null) {
                describe(c.reply(), table.row(i));
            }
        }
    }

    static void count(CommandContext c) {
        c.reply().integer(c.node().commands.topLevelCount());
    }

    static void info(CommandContext c) {
        if (c.argc() == 2) {
            describeAll(c);
            return;
        }
        c.reply().array(c.argc() - 2L);
        for (int i = 2; i < c.argc(); i++) {
            CommandRow row = c.node().commands.find(c.argLatin1(i));
            if (row == null) {
                c.reply().nullBulk();
            } else {
                describe(c.reply(), row);
            }
        }
    }

    private static void describe(ReplyWriter reply, CommandRow row) {
        reply.array(10);
        reply.bulk(row.fullName);
        reply.integer(row.arity);
        long listed = row.listedFlags();
        reply.set(Long.bitCount(listed));
        for (CommandFlag flag : CommandFlag.values()) {
            if ((listed & flag.bit()) != 0) {
                reply.simple(flag.wireName());
            }
        }
        reply.integer(row.firstKey);
        reply.integer(row.lastKey);
        reply.integer(row.firstKey == 0 ? 0 : row.keyStep);
        reply.set(Long.bitCount(row.categories));
        for (AclCategory category : AclCategory.values()) {
            if ((row.categories & category.bit()) != 0) {
                reply.simple(category.wireName());
            }
        }
        reply.set(row.tips.length);
        for (String tip : row.tips) {
            reply.bulk(tip);
        }
        reply.set(row.keySpecs.length);
        for (KeySpec spec : row.keySpecs) {
            describe(reply, spec);
        }
        reply.array(row.subcommands.length);
        for (CommandRow sub : row.subcommands) {
            describe(reply, sub);
        }
    }

    private static void describe(ReplyWriter reply, KeySpec spec) {
        reply.map(spec.notes() == null ? 3 : 4);
        if (spec.notes() != null) {
            reply.bulk("notes");
            reply.bulk(spec.notes());
        }
        reply.bulk("flags");
        keyFlags(reply, spec.flags());
        if (spec.isUnknown()) {
            unknown(reply, "begin_search");
            unknown(reply, "find_keys");
            return;
        }
        reply.bulk("begin_search");
        reply.map(2);
        reply.bulk("type");
        reply.bulk("index");
        reply.bulk("spec");
        reply.map(1);
        reply.bulk("index");
        reply.integer(spec.begin());
        reply.bulk("find_keys");
        reply.map(2);
        reply.bulk("type");
        reply.bulk(spec.counted() ? "keynum" : "range");
        reply.bulk("spec");
        reply.map(3);
        reply.bulk(spec.counted() ? "keynumidx" : "lastkey");
        reply.integer(spec.counted() ? 0 : spec.last());
        reply.bulk(spec.counted() ? "firstkey" : "keystep");
        reply.integer(spec.counted() ? 1 : spec.step());
        reply.bulk(spec.counted() ? "keystep" : "limit");
        reply.integer(spec.counted() ? spec.step() : 0);
    }

    private static void unknown(ReplyWriter reply, String part) {
        reply.bulk(part);
        reply.map(2);
        reply.bulk("type");
        reply.bulk("unknown");
        reply.bulk("spec");
        reply.map(0);
    }

    private static void keyFlags(ReplyWriter reply, KeyFlag[] flags) {
        reply.set(flags.length);
        for (KeyFlag flag : KeyFlag.values()) {
            for (KeyFlag has : flags) {
                if (has == flag) {
                    reply.simple(flag.wireName());
                }
            }
        }
    }

    static void docs(CommandContext c) {
        CommandTable table = c.node().commands;
        if (c.argc() == 2) {
            c.reply().map(table.topLevelCount());
            for (int i = 0; i < table.size(); i++) {
                if (table.row(i).parent == null) {
                    c.reply().bulk(table.row(i).fullName);
                    document(c.reply(), table.row(i));
                }
            }
            return;
        }
        int found = 0;
        for (int i = 2; i < c.argc(); i++) {
            found += table.find(c.argLatin1(i)) == null ? 0 : 1;
        }
        c.reply().map(found);
        for (int i = 2; i < c.argc(); i++) {
            CommandRow row = table.find(c.argLatin1(i));
            if (row != null) {
                c.reply().bulk(row.fullName);
                document(c.reply(), row);
            }
        }
    }

    private static void document(ReplyWriter reply, CommandRow row) {
        boolean complexity = !row.complexity.isEmpty();
        reply.map(
                3
                        + (complexity ? 1 : 0)
                        + (row.deprecatedSince == null ? 0 : 3)
                        + (row.history.length == 0 ? 0 : 1)
                        + (row.args.length == 0 ? 0 : 1)
                        + (row.isContainer() ? 1 : 0));
        pair(reply, "summary", row.summary);
        pair(reply, "since", row.since);
        pair(reply, "group", row.group);
        if (complexity) {
            pair(reply, "complexity", row.complexity);
        }
        if (row.deprecatedSince != null) {
            reply.bulk("doc_flags");
            reply.set(1);
            reply.simple("deprecated");
            pair(reply, "deprecated_since", row.deprecatedSince);
            pair(reply, "replaced_by", row.replacedBy);
        }
        if (row.history.length > 0) {
            reply.bulk("history");
            reply.set(row.history.length / 2);
            for (int i = 0; i < row.history.length; i += 2) {
                reply.array(2);
                reply.bulk(row.history[i]);
                reply.bulk(row.history[i + 1]);
            }
        }
        if (row.args.length > 0) {
            reply.bulk("arguments");
            arguments(reply, row.args);
        }
        if (row.isContainer()) {
            reply.bulk("subcommands");
            reply.map(row.subcommands.length);
            for (CommandRow sub : row.subcommands) {
                reply.bulk(sub.fullName);
                document(reply, sub);
            }
        }
    }

    private static void pair(ReplyWriter reply, String name, @Nullable String value) {
        reply.bulk(name);
        reply.bulkOrNull(value);
    }

    private static void arguments(ReplyWriter reply, Arg[] args) {
        reply.array(args.length);
        for (Arg arg : args) {
            boolean nested = arg.parts.length > 0;
            int flags =
                    (arg.optional ? 1 : 0) + (arg.multiple ? 1 : 0) + (arg.multipleToken ? 1 : 0);
            reply.map(
                    3
                            + (arg.keySpec < 0 ? 0 : 1)
                            + (arg.token == null ? 0 : 1)
                            + (arg.summary == null ? 0 : 1)
                            + (arg.since == null ? 0 : 1)
                            + (flags == 0 ? 0 : 1));
            pair(reply, "name", arg.name);
            pair(reply, "type", arg.type.wireName);
            if (!nested) {
                pair(reply, "display_text", arg.display);
            }
            if (arg.keySpec >= 0) {
                reply.bulk("key_spec_index");
                reply.integer(arg.keySpec);
            }
            if (arg.token != null) {
                pair(reply, "token", arg.token);
            }
            if (arg.summary != null) {
                pair(reply, "summary", arg.summary);
            }
            if (arg.since != null) {
                pair(reply, "since", arg.since);
            }
            if (flags > 0) {
                reply.bulk("flags");
                reply.set(flags);
                if (arg.optional) {
                    reply.simple("optional");
                }
                if (arg.multiple) {
                    reply.simple("multiple");
                }
                if (arg.multipleToken) {
                    reply.simple("multiple_token");
                }
            }
            if (nested) {
                reply.bulk("arguments");
                arguments(reply, arg.parts);
            }
        }
    }

    static void list(CommandContext c) {
        if (c.argc() != 2
                && !(c.argc() == 5
                        && c.argIs(2, "FILTERBY")
                        && (c.argIs(3, "MODULE")
                                || c.argIs(3, "ACLCAT")
                                || c.argIs(3, "PATTERN")))) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        CommandTable table = c.node().commands;
        long deferred = c.reply().beginDeferred();
        int count = 0;
        for (int i = 0; i < table.size(); i++) {
            CommandRow row = table.row(i);
            if (c.argc() == 2 ? row.parent == null : isListed(c, row)) {
                c.reply().bulk(row.fullName);
                count++;
            }
        }
        c.reply().endDeferredArray(deferred, count);
    }

    private static boolean isListed(CommandContext c, CommandRow row) {
        String filter = c.argLatin1(4);
        if (c.argIs(3, "PATTERN")) {
            return TextGlob.matches(filter.toLowerCase(Locale.ROOT), row.fullName);
        }
        if (c.argIs(3, "ACLCAT")) {
            for (AclCategory category : AclCategory.values()) {
                if (category.wireName().substring(1).equals(filter.toLowerCase(Locale.ROOT))) {
                    return (row.categories & category.bit()) != 0;
                }
            }
        }
        return false;
    }

    private static void getKeys(CommandContext c, boolean withFlags) {
        int argc = c.argc() - 2;
        CommandRow row = c.node().commands.find(c.arg(2), c.argLength(2));
        if (row != null && row.isContainer() && argc > 1) {
            CommandRow sub = c.node().commands.findSub(row, c.arg(3), c.argLength(3));
            row = sub != null || row.handler == null ? sub : row;
        }
        if (row == null) {
            c.reply().error("ERR Invalid command specified");
        } else if (row.keySpecs.length == 0) {
            c.reply().error("ERR The command has no key arguments");
        } else if (!row.arityFits(argc)) {
            c.reply().error("ERR Invalid number of arguments specified for command");
        } else {
            KeyArguments keys = new KeyArguments(c, 2, row);
            if (keys.count() < 0) {
                c.reply().error("ERR Invalid arguments specified for command");
                return;
            }
            c.reply().array(keys.count());
            for (int i = 0; i < keys.count(); i++) {
                if (withFlags) {
                    c.reply().array(2);
                }
                c.reply().bulk(c.arg(keys.argument(i)), c.argLength(keys.argument(i)));
                if (withFlags) {
                    keyFlags(c.reply(), keys.flags(i));
                }
            }
        }
    }

    static void help(CommandContext c) {
        Help.reply(c, "COMMAND", HELP);
    }

    private static final String[] HELP = {
        "(no subcommand)",
        "    Return details about all commands.",
        "COUNT",
        "    Return the total number of commands in this server.",
        "LIST",
        "    Return a list of all commands in this server.",
        "INFO [<command-name> ...]",
        "    Return details about multiple commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "DOCS [<command-name> ...]",
        "    Return documentation details about multiple commands.",
        "    If no command names are given, documentation details for all",
        "    commands are returned.",
        "GETKEYS <full-command>",
        "    Return the keys from a full command.",
        "GETKEYSANDFLAGS <full-command>",
        "    Return the keys and the access flags from a full command.",
    };
}
