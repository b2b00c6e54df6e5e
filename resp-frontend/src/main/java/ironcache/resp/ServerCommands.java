package ironcache.resp;

import static ironcache.resp.CommandFlag.ADMIN;
import static ironcache.resp.CommandFlag.ALLOW_BUSY;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.LOADING;
import static ironcache.resp.CommandFlag.NOSCRIPT;
import static ironcache.resp.CommandFlag.NO_MULTI;
import static ironcache.resp.CommandFlag.STALE;

/** The server family but for CONFIG, COMMAND, MEMORY, LATENCY, SLOWLOG and DEBUG. Stateless; runs on the shard's thread. */
final class ServerCommands {
    private static final ErrorReply NO_SHUTDOWN = new ErrorReply("ERR No shutdown in progress.");
    private static final ErrorReply CANNOT_SAVE =
            new ErrorReply("ERR Errors trying to SHUTDOWN. Check logs.");

    private ServerCommands() {}

    static void register(CommandTable t) {
        t.add("INFO", ServerCommands::info)
                .arity(-1)
                .wholeNode()
                .flags(LOADING, STALE)
                .categories(AclCategory.DANGEROUS)
                .group("server")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Returns information and statistics about the server.")
                .tips(
                        "nondeterministic_output",
                        "request_policy:all_shards",
                        "response_policy:special")
                .history("7.0.0", "Added support for taking multiple section arguments.")
                .args(Arg.string("section").optional().multiple());
        t.add("TIME", ServerCommands::time)
                .arity(1)
                .flags(LOADING, STALE, FAST)
                .group("server")
                .since("2.6.0")
                .complexity("O(1)")
                .summary("Returns the server time.")
                .tips("nondeterministic_output");
        t.add("SHUTDOWN", ServerCommands::shutdown)
                .arity(-1)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, LOADING, STALE, NO_MULTI, ALLOW_BUSY)
                .group("server")
                .since("1.0.0")
                .complexity(
                        "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)")
                .summary("Synchronously saves the database(s) to disk and shuts down the server.")
                .history("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")
                .args(
                        Arg.oneOf(
                                        "abort-selector",
                                        Arg.block(
                                                "shutdown",
                                                Arg.oneOf(
                                                                "save-selector",
                                                                Arg.token("nosave", "NOSAVE"),
                                                                Arg.token("save", "SAVE"))
                                                        .optional(),
                                                Arg.token("now", "NOW").since("7.0.0").optional(),
                                                Arg.token("force", "FORCE")
                                                        .since("7.0.0")
                                                        .optional()),
                                        Arg.token("abort", "ABORT").since("7.0.0"))
                                .optional());
        t.add("LOLWUT", ServerCommands::lolwut)
                .arity(-1)
                .flags(CommandFlag.READONLY, FAST)
                .group("server")
                .since("5.0.0")
                .summary("Displays computer art and the server version")
                .args(Arg.integer("version").token("VERSION").optional());
        t.add("ROLE", ServerCommands::role)
                .arity(1)
                .flags(NOSCRIPT, LOADING, STALE, FAST)
                .categories(AclCategory.ADMIN, AclCategory.DANGEROUS)
                .group("server")
                .since("2.8.12")
                .complexity("O(1)")
                .summary("Returns the replication role.");
        t.add("LASTSAVE", ServerCommands::lastSave)
                .arity(1)
                .flags(LOADING, STALE, FAST)
                .categories(AclCategory.ADMIN, AclCategory.DANGEROUS)
                .group("server")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Returns the Unix timestamp of the last successful save to disk.")
                .tips("nondeterministic_output");
        t.add("WAIT", ServerCommands::await)
                .arity(3)
                .flags(CommandFlag.BLOCKING)
                .categories(AclCategory.CONNECTION)
                .group("generic")
                .since("3.0.0")
                .complexity("O(1)")
                .summary(
                        "Blocks until the asynchronous replication of all preceding write commands sent by the connection is completed.")
                .tips("request_policy:all_shards", "response_policy:agg_min")
                .args(Arg.integer("numreplicas"), Arg.integer("timeout"));
    }

    static void info(CommandContext c) {
        c.reply().verbatim(new InfoText(c).text(1));
    }

    static void time(CommandContext c) {
        long micros = c.node().clock.currentTimeMicros();
        c.reply().array(2);
        c.reply().bulkInteger(micros / 1_000_000);
        c.reply().bulkInteger(micros % 1_000_000);
    }

    static void shutdown(CommandContext c) {
        boolean save = false;
        boolean noSave = false;
        boolean abort = false;
        boolean force = false;
        for (int i = 1; i < c.argc(); i++) {
            if (c.argIs(i, "NOSAVE")) {
                noSave = true;
            } else if (c.argIs(i, "SAVE")) {
                save = true;
            } else if (c.argIs(i, "ABORT")) {
                abort = true;
            } else if (c.argIs(i, "FORCE")) {
                force = true;
            } else if (!c.argIs(i, "NOW")) {
                c.reply().error(Errors.SYNTAX);
                return;
            }
        }
        if (abort && c.argc() > 2 || save && noSave) {
            c.reply().error(Errors.SYNTAX);
        } else if (abort) {
            c.reply().error(NO_SHUTDOWN);
        } else if ((save || !noSave && mayLose(c.node()))
                && !c.node().loading
                && !PersistenceCommands.hasSaved(c)
                && !force) {
            c.reply().error(CANNOT_SAVE);
        } else {
            // As in Valkey, there is no reply: the connection just closes.
            c.node().log.notice("SHUTDOWN: asked for by client " + c.connection().id);
            c.node().forgetful = noSave;
            c.node().stop();
            c.connection().state = Connection.State.DRAINING;
        }
    }

    /** Whether there are save points, and without a snapshot changes since the last one would be gone: no log and no state has them. */
    private static boolean mayLose(Node node) {
        return Config.words(node.config.value("save")).length > 0
                && !node.config.get("warm-restart").isYes()
                && !node.durability.isLogKept();
    }

    static void lolwut(CommandContext c) {
        if (c.argc() >= 3 && c.argIs(1, "VERSION") && !c.parseLong(2)) {
            return;
        }
        if (c.argc() == 2) {
            c.reply().error("ERR Syntax error. Use: LOLWUT [columns rows] [real imaginary]");
            return;
        }
        c.reply()
                .verbatim(
                        """

                    _____                  ____           _
                   |_   _|                / ___|         | |
                     | |  _ __ ___  _ __ | |     __ _  __| |__   ___
                     | | | '__/ _ \\| '_ \\| |    / _` |/ _| '_ \\ / _ \\
                    _| |_| | | (_) | | | | |___| (_| | (_| | | |  __/
                   |_____|_|  \\___/|_| |_|\\____|\\__,_|\\__|_| |_|\\___|

                   larger than RAM, smaller than it looks. IronCache ver.\s"""
                                + Node.VERSION
                                + "\n");
    }

    static void role(CommandContext c) {
        c.reply().array(3);
        c.reply().bulk("master");
        c.reply().integer(0);
        c.reply().array(0);
    }

    static void lastSave(CommandContext c) {
        c.reply().integer(c.node().lastSaveSeconds);
    }

    /** Without replicas, none has confirmed: answered at once where none is asked for, and after the timeout's shortest form otherwise. */
    static void await(CommandContext c) {
        if (!c.parseLong(1)) {
            return;
        }
        if (!c.isLong(2)) {
            c.reply().error("ERR timeout is not an integer or out of range");
            return;
        }
        if (c.longValue() < 0) {
            c.reply().error("ERR timeout is negative");
            return;
        }
        c.reply().integer(0);
    }
}
