package ironcache.resp;

import static ironcache.resp.CommandFlag.ADMIN;
import static ironcache.resp.CommandFlag.LOADING;
import static ironcache.resp.CommandFlag.NOSCRIPT;
import static ironcache.resp.CommandFlag.STALE;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** CONFIG and its sub-commands. Stateless; runs on the shard's thread. */
final class ConfigCommands {
    private static final ErrorReply NO_FILE =
            new ErrorReply("ERR The server is running without a config file");

    private ConfigCommands() {}

    static void register(CommandTable t) {
        CommandRow config =
                t.container("CONFIG")
                        .group("server")
                        .since("2.0.0")
                        .complexity("Depends on subcommand.")
                        .summary("A container for server configuration commands.");
        t.sub(config, "GET", ConfigCommands::get)
                .arity(-3)
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.0.0")
                .complexity("O(N) when N is the number of configuration parameters provided")
                .summary("Returns the effective values of configuration parameters.")
                .history(
                        "7.0.0",
                        "Added the ability to pass multiple pattern parameters in one call")
                .args(Arg.string("parameter").multiple());
        t.sub(config, "SET", ConfigCommands::set)
                .arity(-4)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.0.0")
                .complexity("O(N) when N is the number of configuration parameters provided")
                .summary("Sets configuration parameters in-flight.")
                .tips("request_policy:all_nodes", "response_policy:all_succeeded")
                .history("7.0.0", "Added the ability to set multiple parameters in one call.")
                .args(Arg.block("data", Arg.string("parameter"), Arg.string("value")).multiple());
        t.sub(config, "REWRITE", ConfigCommands::rewrite)
                .arity(2)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.8.0")
                .complexity("O(1)")
                .summary("Persists the effective configuration to file.")
                .tips("request_policy:all_nodes", "response_policy:all_succeeded");
        t.sub(config, "RESETSTAT", ConfigCommands::resetStat)
                .arity(2)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE)
                .since("2.0.0")
                .complexity("O(1)")
                .summary("Resets the server's statistics.")
                .tips("request_policy:all_nodes", "response_policy:all_succeeded");
        t.sub(config, "HELP", ConfigCommands::help)
                .arity(2)
                .flags(LOADING, STALE)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Returns helpful text about the different subcommands.");
    }

    static void get(CommandContext c) {
        // A name without wildcards is shown as it was asked for.
        Map<String, Setting> matches = new LinkedHashMap<>();
        for (int i = 2; i < c.argc(); i++) {
            String asked = c.argLatin1(i);
            String pattern = asked.toLowerCase(Locale.ROOT);
            if (asked.indexOf('*') < 0 && asked.indexOf('?') < 0 && asked.indexOf('[') < 0) {
                Setting setting = c.node().config.find(pattern);
                if (setting != null) {
                    matches.putIfAbsent(asked, setting);
                }
                continue;
            }
            for (Setting setting : c.node().config.all()) {
                if (TextGlob.matches(pattern, setting.name)) {
                    matches.putIfAbsent(setting.name, setting);
                }
            }
        }
        c.reply().map(matches.size());
        for (Map.Entry<String, Setting> match : matches.entrySet()) {
            c.reply().bulk(match.getKey());
            c.reply().bulk(match.getValue().value());
        }
    }

    /** All or nothing: where one value is wrong, those before it are put back. */
    static void set(CommandContext c) {
        if (c.argc() % 2 != 0) {
            c.reply().error(Errors.SYNTAX);
            return;
        }
        Node node = c.node();
        Config config = node.config;
        List<Setting> chosen = new ArrayList<>();
        for (int i = 2; i < c.argc(); i += 2) {
            String name = c.argLatin1(i).toLowerCase(Locale.ROOT);
            Setting setting = config.find(name);
            String wrong = null;
            if (setting == null) {
                c.reply()
                        .error(
                                "ERR Unknown option or number of arguments for CONFIG SET - '"
                                        + c.argUpToZero(i)
                                        + "'");
                return;
            } else if (setting.change == Setting.Change.START_ONLY) {
                wrong = "can't set immutable config";
            } else if (setting.change == Setting.Change.PROTECTED
                    && !node.allowsAction(
                            config.value("enable-protected-configs"), c.connection())) {
                wrong = "can't set protected config";
            } else if (chosen.contains(setting)) {
                wrong = "duplicate parameter";
            }
            if (wrong != null) {
                refuse(c, c.argLatin1(i), wrong);
                return;
            }
            chosen.add(setting);
        }
        List<String> before = new ArrayList<>();
        for (int i = 0; i < chosen.size(); i++) {
            Setting setting = chosen.get(i);
            before.add(setting.value());
            String wrong = config.set(setting, c.argLatin1(3 + 2 * i));
            if (wrong != null) {
                for (int j = 0; j < i; j++) {
                    config.set(chosen.get(j), before.get(j));
                }
                refuse(c, c.argLatin1(2 + 2 * i), wrong);
                return;
            }
        }
        node.configChanged();
        c.reply().ok();
    }

    private static void refuse(CommandContext c, String name, String wrong) {
        c.reply()
                .error(
                        "ERR CONFIG SET failed (possibly related to argument '"
                                + name
                                + "') - "
                                + wrong);
    }

    static void rewrite(CommandContext c) {
        ConfigFile file = c.node().configFile;
        if (file == null) {
            c.reply().error(NO_FILE);
            return;
        }
        try {
            file.write(ConfigRewrite.rewritten(file.read(), c.node().config));
            c.node().log.notice("CONFIG REWRITE: wrote " + file.path());
            c.reply().ok();
        } catch (IOException e) {
            c.node().log.warn("CONFIG REWRITE: " + file.path() + ": " + e);
            c.reply().error("ERR Rewriting config file: " + e.getMessage());
        }
    }

    static void resetStat(CommandContext c) {
        c.node().resetStats();
        for (Partition partition : c.node().shards.all) {
            InfoText.resetShardCounters(partition.shard.stats());
        }
        c.reply().ok();
    }

    static void help(CommandContext c) {
        Help.reply(c, "CONFIG", HELP);
    }

    private static final String[] HELP = {
        "GET <pattern>",
        "    Return parameters matching the glob-like <pattern> and their values.",
        "SET <directive> <value>",
        "    Set the configuration <directive> to <value>.",
        "RESETSTAT",
        "    Reset statistics reported by the INFO command.",
        "REWRITE",
        "    Rewrite the configuration file.",
    };
}
