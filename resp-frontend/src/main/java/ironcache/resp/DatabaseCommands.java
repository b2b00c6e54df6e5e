package ironcache.resp;

import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;

import ironcache.engine.Shard;

/** The generic keyspace family, part four: databases as a whole. Rows and handlers. */
final class DatabaseCommands {
    private static final ErrorReply BAD_FIRST_DB = new ErrorReply("ERR invalid first DB index");
    private static final ErrorReply BAD_SECOND_DB = new ErrorReply("ERR invalid second DB index");

    private DatabaseCommands() {}

    static void register(CommandTable t) {
        t.add("DBSIZE", DatabaseCommands::dbsize)
                .arity(1)
                .everyShard()
                .flags(READONLY, FAST)
                .tips("request_policy:all_shards", "response_policy:agg_sum")
                .categories(AclCategory.KEYSPACE)
                .group("server")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Counts the keys of the database.");
        t.add("SWAPDB", DatabaseCommands::swapdb)
                .arity(3)
                .everyShard()
                .flags(WRITE, FAST)
                .categories(AclCategory.DANGEROUS, AclCategory.KEYSPACE)
                .args(Arg.integer("index1"), Arg.integer("index2"))
                .group("server")
                .since("4.0.0")
                .complexity("O(1)")
                .summary("Exchanges two databases.");
        t.add("FLUSHDB", DatabaseCommands::flushdb)
                .arity(-1)
                .everyShard()
                .flags(WRITE)
                .tips("request_policy:all_shards", "response_policy:all_succeeded")
                .categories(AclCategory.DANGEROUS, AclCategory.KEYSPACE)
                .args(
                        Arg.oneOf(
                                        "flush-type",
                                        Arg.token("async", "ASYNC").since("4.0.0"),
                                        Arg.token("sync", "SYNC").since("6.2.0"))
                                .optional())
                .group("server")
                .since("1.0.0")
                .complexity("O(1); memory comes back in the background.")
                .history("4.0.0", "ASYNC.", "6.2.0", "SYNC.")
                .summary("Deletes all keys of the database.");
        t.add("FLUSHALL", DatabaseCommands::flushall)
                .arity(-1)
                .everyShard()
                .flags(WRITE)
                .tips("request_policy:all_shards", "response_policy:all_succeeded")
                .categories(AclCategory.DANGEROUS, AclCategory.KEYSPACE)
                .args(
                        Arg.oneOf(
                                        "flush-type",
                                        Arg.token("async", "ASYNC").since("4.0.0"),
                                        Arg.token("sync", "SYNC").since("6.2.0"))
                                .optional())
                .group("server")
                .since("1.0.0")
                .complexity("O(1); memory comes back in the background.")
                .history("4.0.0", "ASYNC.", "6.2.0", "SYNC.")
                .summary("Deletes all keys of all databases.");
    }

    static void dbsize(CommandContext c) {
        c.reply().integer(c.node().shards.size(c.db()));
    }

    static void swapdb(CommandContext c) {
        if (!c.parseLongInRange(1, Integer.MIN_VALUE, Integer.MAX_VALUE, BAD_FIRST_DB)) {
            return;
        }
        long first = c.longValue();
        if (!c.parseLongInRange(2, Integer.MIN_VALUE, Integer.MAX_VALUE, BAD_SECOND_DB)) {
            return;
        }
        long second = c.longValue();
        if (!isDb(first) || !isDb(second)) {
            c.reply().error(Errors.DB_OUT_OF_RANGE);
            return;
        }
        if (first != second) {
            for (Partition partition : c.node().shards.all) {
                partition.swap((int) first, (int) second);
                c.ready(partition, (int) first);
                c.ready(partition, (int) second);
            }
        }
        c.stats().dirty++;
        c.reply().ok();
    }

    private static boolean isDb(long db) {
        return db >= 0 && db < Shard.DATABASES;
    }

    static void flushdb(CommandContext c) {
        if (isFlushSyntax(c)) {
            flush(c, c.db());
            c.reply().ok();
        }
    }

    static void flushall(CommandContext c) {
        if (isFlushSyntax(c)) {
            for (int db = 0; db < Shard.DATABASES; db++) {
                flush(c, db);
            }
            c.reply().ok();
        }
    }

    private static void flush(CommandContext c, int db) {
        for (Partition partition : c.node().shards.all) {
            partition.flush(db);
        }
        c.stats().dirty++;
    }

    /** SYNC and ASYNC are the same: the keyspace is empty at once, and its memory comes back in the background. */
    private static boolean isFlushSyntax(CommandContext c) {
        if (c.argc() == 1 || c.argc() == 2 && (c.argIs(1, "SYNC") || c.argIs(1, "ASYNC"))) {
            return true;
        }
        c.reply().error(Errors.SYNTAX);
        return false;
    }
}
