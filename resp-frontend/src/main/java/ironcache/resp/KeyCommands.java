package ironcache.resp;

import static ironcache.resp.CommandFlag.BRIEF;
import static ironcache.resp.CommandFlag.DENYOOM;
import static ironcache.resp.CommandFlag.FAST;
import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.CommandFlag.WRITE;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.DELETE;
import static ironcache.resp.KeyFlag.INSERT;
import static ironcache.resp.KeyFlag.OW;
import static ironcache.resp.KeyFlag.RM;
import static ironcache.resp.KeyFlag.RO;
import static ironcache.resp.KeyFlag.RW;
import static ironcache.resp.KeyFlag.UPDATE;

import ironcache.datatypes.Keys;
import ironcache.engine.Shard;
import ironcache.hybridlog.Record;

/** The generic keyspace family, part one: keys as a whole. Rows and handlers. */
final class KeyCommands {
    private static final ErrorReply NOT_AN_INT =
            new ErrorReply(
                    "ERR value is out of range, value must between -2147483648 and 2147483647");

    private KeyCommands() {}

    static void register(CommandTable t) {
        t.add("DEL", KeyCommands::del)
                .arity(-2)
                .flags(WRITE)
                .keys(1, -1, 1, RM, DELETE)
                .tips("request_policy:multi_shard", "response_policy:agg_sum")
                .args(Arg.key("key").multiple())
                .group("generic")
                .since("1.0.0")
                .complexity("O(N) with N keys, whatever they hold.")
                .summary("Deletes keys.");
        t.add("UNLINK", KeyCommands::del)
                .arity(-2)
                .flags(WRITE, FAST)
                .keys(1, -1, 1, RM, DELETE)
                .tips("request_policy:multi_shard", "response_policy:agg_sum")
                .args(Arg.key("key").multiple())
                .group("generic")
                .since("4.0.0")
                .complexity("O(N) with N keys, whatever they hold.")
                .summary("Deletes keys; their memory is freed in the background.");
        t.add("EXISTS", KeyCommands::exists)
                .arity(-2)
                .flags(READONLY, FAST)
                .keys(1, -1, 1, RO)
                .tips("request_policy:multi_shard", "response_policy:agg_sum")
                .args(Arg.key("key").multiple())
                .group("generic")
                .since("1.0.0")
                .complexity("O(N) with N keys.")
                .history("3.0.3", "Takes several keys.")
                .summary("Counts how many of the keys exist.");
        t.add("TOUCH", KeyCommands::touch)
                .arity(-2)
                .flags(READONLY, FAST)
                .keys(1, -1, 1, RO)
                .tips("request_policy:multi_shard", "response_policy:agg_sum")
                .args(Arg.key("key").multiple())
                .group("generic")
                .since("3.2.1")
                .complexity("O(N) with N keys.")
                .summary("Counts how many of the keys exist and marks them as used.");
        t.add("TYPE", KeyCommands::type)
                .arity(2)
                .flags(READONLY, FAST, BRIEF)
                .keys(1, 1, 1, RO)
                .args(Arg.key("key"))
                .group("generic")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Tells the type of the value of a key.");
        t.add("RENAME", KeyCommands::rename)
                .arity(3)
                .flags(WRITE)
                .keys(1, 1, 1, RW, ACCESS, DELETE)
                .keys(2, 2, 1, OW, UPDATE)
                .args(Arg.key("key"), Arg.key("newkey", 1))
                .group("generic")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Gives a key another name, replacing what had it.");
        t.add("RENAMENX", KeyCommands::renamenx)
                .arity(3)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, ACCESS, DELETE)
                .keys(2, 2, 1, OW, INSERT)
                .args(Arg.key("key"), Arg.key("newkey", 1))
                .group("generic")
                .since("1.0.0")
                .complexity("O(1)")
                .history("3.2.0", "Equal names are no error.")
                .summary("Gives a key another name unless that is taken.");
        t.add("COPY", KeyCommands::copy)
                .arity(-3)
                .flags(WRITE, DENYOOM)
                .keys(1, 1, 1, RO, ACCESS)
                .keys(2, 2, 1, OW, UPDATE)
                .args(
                        Arg.key("source"),
                        Arg.key("destination", 1),
                        Arg.integer("destination-db").token("DB").optional(),
                        Arg.token("replace", "REPLACE").optional())
                .group("generic")
                .since("6.2.0")
                .complexity("O(N) with N the size of the value.")
                .summary("Copies a key and its value to another name or database.");
        t.add("MOVE", KeyCommands::move)
                .arity(3)
                .flags(WRITE, FAST)
                .keys(1, 1, 1, RW, ACCESS, UPDATE)
                .args(Arg.key("key"), Arg.integer("db"))
                .group("generic")
                .since("1.0.0")
                .complexity("O(1); O(N) for values of more than 64 KiB.")
                .summary("Moves a key to another database.");
        ExpiryCommands.register(t);
        ScanCommands.register(t);
        SortCommands.register(t);
        ObjectCommands.register(t);
        DatabaseCommands.register(t);
    }

    /** DEL and UNLINK: freeing is in the background either way. */
    static void del(CommandContext c) {
        int argc = c.argc();
        if (argc == 2) {
            boolean existed = c.delete(1);
            if (existed) {
                c.changed(1, "del");
            }
            c.reply().integer(existed ? 1 : 0);
            return;
        }
        prefetch(c);
        for (int i = 1; i < argc; i++) {
            c.peek(i);
        }
        int count = 0;
        for (int i = 1; i < argc; i++) {
            if (c.delete(i)) {
                c.changed(i, "del");
                count++;
            }
        }
        c.reply().integer(count);
    }

    private static void prefetch(CommandContext c) {
        for (int i = 1; i < c.argc(); i++) {
            c.prefetch(i);
        }
    }

    static void exists(CommandContext c) {
        int argc = c.argc();
        if (argc > 2) {
            prefetch(c);
        }
        int count = 0;
        for (int i = 1; i < argc; i++) {
            if (c.peek(i) != 0) {
                count++;
            }
        }
        // Counted here, where nothing can unwind the command any more.
        c.stats().keyspaceHits += count;
        c.stats().keyspaceMisses += argc - 1 - count;
        c.reply().integer(count);
    }

    static void touch(CommandContext c) {
        prefetch(c);
        int count = 0;
        for (int i = 1; i < c.argc(); i++) {
            if (c.read(i) != 0) {
                count++;
            }
        }
        c.reply().integer(count);
    }

    static void type(CommandContext c) {
        long record = c.peek(1);
        c.reply().simple(record == 0 ? "none" : typeName(Record.type(record)));
    }

    /** A record type as TYPE and SCAN name it. */
    static String typeName(int type) {
        return switch (type) {
            case Record.TYPE_STRING -> "string";
            case Record.TYPE_LIST -> "list";
            case Record.TYPE_SET -> "set";
            case Record.TYPE_ZSET -> "zset";
            case Record.TYPE_HASH -> "hash";
            case Record.TYPE_STREAM -> "stream";
            default -> throw new IllegalArgumentException("record type " + type);
        };
    }

    static void rename(CommandContext c) {
        long record = c.readForWrite(1);
        if (record == 0) {
            c.reply().error(Errors.NO_SUCH_KEY);
            return;
        }
        if (!c.argsEqual(1, 2)) {
            renameTo(c, record);
        }
        c.reply().ok();
    }

    static void renamenx(CommandContext c) {
        c.prefetch(1);
        c.prefetch(2);
        long record = c.readForWrite(1);
        if (record == 0) {
            c.reply().error(Errors.NO_SUCH_KEY);
            return;
        }
        if (c.peek(2) != 0) {
            c.reply().integer(0);
            return;
        }
        renameTo(c, record);
        c.reply().integer(1);
    }

    private static void renameTo(CommandContext c, long record) {
        Keys.rename(
                c.shard(1),
                c.db(),
                c.arg(1),
                c.argLength(1),
                c.hash(1),
                record,
                c.shard(2),
                c.arg(2),
                c.argLength(2),
                c.hash(2));
        c.changed(1, "rename_from");
        c.changed(2, "rename_to");
        c.ready(2);
    }

    static void copy(CommandContext c) {
        int db = c.db();
        boolean replace = false;
        for (int i = 3; i < c.argc(); i++) {
            if (c.argIs(i, "REPLACE")) {
                replace = true;
            } else if (c.argIs(i, "DB") && i + 1 < c.argc()) {
                if (!parseDb(c, ++i)) {
                    return;
                }
                db = (int) c.longValue();
            } else {
                c.reply().error(Errors.SYNTAX);
                return;
            }
        }
        if (db == c.db() && c.argsEqual(1, 2)) {
            c.reply().error(Errors.SAME_OBJECT);
            return;
        }
        c.prefetch(1);
        Shard to = c.shard(2);
        long record = c.read(1);
        if (record == 0 || !replace && to.peek(db, c.arg(2), c.argLength(2), c.hash(2)) != 0) {
            c.reply().integer(0);
            return;
        }
        Keys.copy(c.shard(1), record, to, db, c.arg(2), c.argLength(2), c.hash(2));
        c.changed(db, c.arg(2), c.argLength(2), "copy_to");
        c.ready(db, c.arg(2), c.argLength(2));
        c.reply().integer(1);
    }

    static void move(CommandContext c) {
        if (!parseDb(c, 2)) {
            return;
        }
        int db = (int) c.longValue();
        if (db == c.db()) {
            c.reply().error(Errors.SAME_OBJECT);
            return;
        }
        Shard shard = c.shard(1);
        shard.prefetch(db, c.arg(1), c.argLength(1), c.hash(1));
        long record = c.readForWrite(1);
        if (record == 0 || shard.peek(db, c.arg(1), c.argLength(1), c.hash(1)) != 0) {
            c.reply().integer(0);
            return;
        }
        // Pages belong to their database: a paged object is copied, and the old one goes with its
        // root.
        Keys.copy(shard, record, shard, db, c.arg(1), c.argLength(1), c.hash(1));
        c.delete(1);
        c.changed(1, "move_from");
        c.changed(db, c.arg(1), c.argLength(1), "move_to");
        c.ready(db, c.arg(1), c.argLength(1));
        c.reply().integer(1);
    }

    /** A database's number; on failure the error is written. */
    static boolean parseDb(CommandContext c, int i) {
        if (!c.parseLong(i)) {
            return false;
        }
        long db = c.longValue();
        if (db < Integer.MIN_VALUE || db > Integer.MAX_VALUE) {
            c.reply().error(NOT_AN_INT);
            return false;
        }
        if (db < 0 || db >= Shard.DATABASES) {
            c.reply().error(Errors.DB_OUT_OF_RANGE);
            return false;
        }
        return true;
    }
}
