package ironcache.resp;

import static ironcache.resp.CommandFlag.ADMIN;
import static ironcache.resp.CommandFlag.NOSCRIPT;
import static ironcache.resp.CommandFlag.NO_ASYNC_LOADING;
import static ironcache.resp.CommandFlag.NO_MULTI;

/** Snapshots on demand. A rewrite of the append-only file is a snapshot, after which the log before it goes. */
final class PersistenceCommands {
    private static final ErrorReply SAVE_RUNS =
            new ErrorReply("ERR Background save already in progress");
    private static final ErrorReply REWRITE_RUNS =
            new ErrorReply("ERR Background append only file rewriting already in progress");
    private static final ErrorReply OTHER_RUNS =
            new ErrorReply(
                    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE"
                            + " SCHEDULE in order to schedule a BGSAVE whenever possible.");
    private static final ErrorReply NOTHING_TO_CANCEL =
            new ErrorReply("ERR Background saving is currently not in progress or scheduled");
    private static final ErrorReply FAILED = new ErrorReply("ERR");

    private PersistenceCommands() {}

    static void register(CommandTable t) {
        t.add("SAVE", PersistenceCommands::save)
                .arity(1)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, NO_ASYNC_LOADING, NO_MULTI)
                .group("server")
                .since("1.0.0")
                .complexity("O(N) where N is the total number of keys in all databases")
                .summary("Synchronously saves the database(s) to disk.");
        t.add("BGSAVE", PersistenceCommands::backgroundSave)
                .arity(-1)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, NO_ASYNC_LOADING)
                .group("server")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Asynchronously saves the database(s) to disk.")
                .history("3.2.2", "Added the `SCHEDULE` option.")
                .history("8.1.0", "Added the `CANCEL` option.")
                .args(
                        Arg.oneOf(
                                        "operation",
                                        Arg.token("schedule", "SCHEDULE").since("3.2.2"),
                                        Arg.token("cancel", "CANCEL").since("8.1.0"))
                                .optional());
        t.add("BGREWRITEAOF", PersistenceCommands::rewrite)
                .arity(1)
                .wholeNode()
                .flags(ADMIN, NOSCRIPT, NO_ASYNC_LOADING)
                .group("server")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Asynchronously rewrites the append-only file to disk.");
    }

    /** Answers when the snapshot is durable; others are served meanwhile. */
    static void save(CommandContext c) {
        if (c.connection().progress == 0 && c.node().durability.isSaving()) {
            c.reply().error(SAVE_RUNS);
        } else if (hasSaved(c)) {
            c.reply().ok();
        } else {
            c.reply().error(FAILED);
        }
    }

    /**
     * Makes a snapshot, after the one that is being made, and waits for it: the command runs again then.
     *
     * @return whether there is one
     */
    static boolean hasSaved(CommandContext c) {
        Durability durability = c.node().durability;
        Connection connection = c.connection();
        if (connection.progress == 0 && !durability.isSaving()) {
            durability.save(Durability.Kind.SAVE);
            connection.progress = durability.number();
        }
        if (durability.isSaving()
                && (connection.progress == 0 || durability.number() == connection.progress)) {
            durability.await(connection);
            throw SnapshotWanted.SIGNAL;
        }
        return durability.succeeded(connection.progress);
    }

    static void backgroundSave(CommandContext c) {
        Durability durability = c.node().durability;
        boolean schedule = c.argc() == 2 && c.argIs(1, "SCHEDULE");
        boolean cancel = c.argc() == 2 && c.argIs(1, "CANCEL");
        if (c.argc() > 1 && !schedule && !cancel) {
            c.reply().error(Errors.SYNTAX);
        } else if (cancel) {
            if (durability.cancel()) {
                c.reply().simple("Background saving cancelled");
            } else {
                c.reply().error(NOTHING_TO_CANCEL);
            }
        } else if (durability.runs(Durability.Kind.SAVE)) {
            c.reply().error(SAVE_RUNS);
        } else if (durability.isSaving() || c.connection().isExecuting()) {
            if (schedule || c.connection().isExecuting()) {
                durability.schedule(Durability.Kind.SAVE);
                c.reply().simple("Background saving scheduled");
            } else {
                c.reply().error(OTHER_RUNS);
            }
        } else {
            durability.save(Durability.Kind.SAVE);
            c.reply().simple("Background saving started");
        }
    }

    static void rewrite(CommandContext c) {
        Durability durability = c.node().durability;
        if (durability.runs(Durability.Kind.REWRITE)) {
            c.reply().error(REWRITE_RUNS);
        } else if (durability.isSaving() || c.connection().isExecuting()) {
            durability.schedule(Durability.Kind.REWRITE);
            c.reply().simple("Background append only file rewriting scheduled");
        } else {
            durability.save(Durability.Kind.REWRITE);
            c.reply().simple("Background append only file rewriting started");
        }
    }
}
