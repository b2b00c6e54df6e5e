package ironcache.resp;

import static ironcache.resp.CommandFlag.READONLY;

import ironcache.datatypes.Glob;
import ironcache.engine.ColdMiss;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;
import java.util.Arrays;

/** The generic keyspace family, part three: which keys are there. Rows and handlers. */
final class ScanCommands {
    private static final ErrorReply NOVALUES =
            new ErrorReply("ERR NOVALUES option can only be used in HSCAN");
    private static final ErrorReply NOSCORES =
            new ErrorReply("ERR NOSCORES option can only be used in ZSCAN");

    private static final int DEFAULT_COUNT = 10;

    /** COUNT is a hint; beyond this many keys a call would read too much from the SSD at once. */
    private static final int MAX_COUNT = 10_000;

    /** Keys whose records KEYS has in hand at a time; up to so many are read from the SSD at once. */
    private static final int KEYS_STEP = 256;

    static final long BAD_CURSOR = -1;

    /** Where the shard's number is in a cursor, above {@link ironcache.index.HashIndex#scan}'s 49 bits. */
    private static final int SHARD_SHIFT = 49;

    private static final int ANY_TYPE = 0;
    private static final int NO_SUCH_TYPE = -1;

    private ScanCommands() {}

    static void register(CommandTable t) {
        t.add("KEYS", ScanCommands::keys)
                .arity(2)
                .everyShard()
                .flags(READONLY)
                .tips("request_policy:all_shards", "nondeterministic_output_order")
                .categories(AclCategory.DANGEROUS)
                .args(Arg.pattern("pattern"))
                .group("generic")
                .since("1.0.0")
                .complexity("O(N) with N keys in the database.")
                .summary("Lists all keys that match a pattern.");
        t.add("SCAN", ScanCommands::scan)
                .arity(-2)
                .flags(READONLY)
                .tips(
                        "nondeterministic_output",
                        "request_policy:special",
                        "response_policy:special")
                .args(
                        Arg.integer("cursor"),
                        Arg.pattern("pattern").token("MATCH").optional(),
                        Arg.integer("count").token("COUNT").optional(),
                        Arg.string("type").token("TYPE").since("6.0.0").optional())
                .group("generic")
                .since("2.8.0")
                .complexity("O(1) for a call, O(N) for a whole walk over N keys.")
                .history("6.0.0", "TYPE.")
                .summary("Walks the keys of the database a few at a time.");
        t.add("RANDOMKEY", ScanCommands::randomkey)
                .arity(1)
                .everyShard()
                .flags(READONLY)
                .tips(
                        "request_policy:all_shards",
                        "response_policy:special",
                        "nondeterministic_output")
                .group("generic")
                .since("1.0.0")
                .complexity("O(1)")
                .summary("Picks a key at random.");
    }

    /** Keeps the addresses of the records that match; they stay valid because nothing is written meanwhile. */
    private static final class Collector implements Shard.RecordVisitor {
        private final long pattern;
        private final int patternLength;
        private final int type;
        private long[] records;
        private int count;

        /** @param patternLength -1 for no pattern */
        Collector(long pattern, int patternLength, int type, int expected) {
            this.pattern = pattern;
            this.patternLength = patternLength;
            this.type = type;
            records = new long[expected];
        }

        @Override
        public void visit(long record) {
            if (type != ANY_TYPE && Record.type(record) != type) {
                return;
            }
            if (patternLength >= 0
                    && !Glob.matches(
                            pattern, patternLength, Record.key(record), Record.keyLength(record))) {
                return;
            }
            if (count == records.length) {
                records = Arrays.copyOf(records, 2 * count);
            }
            records[count++] = record;
        }

        void reply(ReplyWriter reply) {
            reply.array(count);
            for (int i = 0; i < count; i++) {
                reply.bulk(Record.key(records[i]), Record.keyLength(records[i]));
            }
        }
    }

    /** Found keys are kept on the connection, so that a miss costs one step and not all that was read before. */
    static void keys(CommandContext c) {
        Connection connection = c.connection();
        FoundKeys found = connection.foundKeys;
        if (found == null) {
            found = new FoundKeys();
            connection.foundKeys = found;
        }
        try {
            find(c, found);
            reply(c, found);
        } catch (ColdMiss | OutputFull wait) {
            throw wait;
        } catch (RuntimeException e) {
            connection.releaseFoundKeys();
            throw e;
        }
        connection.releaseFoundKeys();
    }

    private static void find(CommandContext c, FoundKeys found) {
        Collector collector = new Collector(c.arg(1), patternLength(c, 1), ANY_TYPE, KEYS_STEP);
        Shards shards = c.node().shards;
        while (!found.complete) {
            collector.count = 0;
            Shard shard = shards.all[found.shard].shard;
            // Kept only when the step is over: a miss in its middle visits the first ones again.
            long next = shard.scan(c.db(), found.cursor, KEYS_STEP, collector);
            for (int i = 0; i < collector.count; i++) {
                found.add(Record.key(collector.records[i]), Record.keyLength(collector.records[i]));
            }
            shard.releaseReads();
            found.cursor = next;
            if (next == 0) {
                found.shard++;
                found.complete = found.shard == shards.count();
            }
        }
    }

    private static void reply(CommandContext c, FoundKeys found) {
        if (c.progress() == 0) {
            c.reply().array(found.count());
        }
        // What CLIENT REPLY drops must not be sent in part.
        boolean streams = (c.connection().checks & Connection.CHECK_REPLY_MODE) == 0;
        while (found.replyBlock(c.reply())) {
            if (streams) {
                c.checkpoint(1);
                c.awaitOutput(LongReplies.SLICE_BYTES);
            }
        }
    }

    static int patternLength(CommandContext c, int i) {
        return Glob.matchesAll(c.arg(i), c.argLength(i)) ? -1 : c.argLength(i);
    }

    static void scan(CommandContext c) {
        long cursor = parseCursor(c.arg(1), c.argLength(1));
        if (cursor == BAD_CURSOR && !isLargestCursor(c, 1)) {
            c.reply().error(Errors.INVALID_CURSOR);
            return;
        }
        long count = DEFAULT_COUNT;
        int type = ANY_TYPE;
        long pattern = 0;
        int patternLength = -1;
        for (int i = 2; i < c.argc(); i += 2) {
            boolean hasValue = i + 1 < c.argc();
            if (c.argIs(i, "COUNT") && hasValue) {
                if (!c.parseLong(i + 1)) {
                    return;
                }
                count = c.longValue();
                if (count < 1) {
                    c.reply().error(Errors.SYNTAX);
                    return;
                }
            } else if (c.argIs(i, "MATCH") && hasValue) {
                pattern = c.arg(i + 1);
                patternLength = patternLength(c, i + 1);
            } else if (c.argIs(i, "TYPE") && hasValue) {
                type = parseType(c, i + 1);
                if (type == NO_SUCH_TYPE) {
                    c.reply().error("ERR unknown type name '" + c.argLatin1(i + 1) + "'");
                    return;
                }
            } else {
                c.reply().error(unknownOption(c, i));
                return;
            }
        }
        int keys = (int) Math.min(count, MAX_COUNT);
        Collector collector =
                new Collector(pattern, patternLength, type, Math.min(keys, KEYS_STEP) + 8);
        Shards shards = c.node().shards;
        int shard = shardOf(cursor);
        long next = cursor & (1L << SHARD_SHIFT) - 1;
        // A small database is read to its end at once, however many shards it is spread over.
        while (shard < shards.count() && collector.count < keys) {
            Shard one = shards.all[shard].shard;
            next = one.scan(c.db(), next, keys - collector.count, collector);
            if (next != 0) {
                break;
            }
            shard++;
        }
        next = shard < shards.count() ? next | (long) shard << SHARD_SHIFT : 0;
        c.reply().array(2);
        replyCursor(c.reply(), next);
        collector.reply(c.reply());
    }

    /** What an option is answered with that the command does not take. */
    static ErrorReply unknownOption(CommandContext c, int i) {
        return c.argIs(i, "NOVALUES")
                ? NOVALUES
                : c.argIs(i, "NOSCORES") ? NOSCORES : Errors.SYNTAX;
    }

    /** The set of shards that a SCAN with these arguments is over. */
    static long shardOf(long args, int argc, Shards shards) {
        long cursor =
                argc < 2
                        ? 0
                        : parseCursor(
                                ArgumentTable.address(args, 1), ArgumentTable.length(args, 1));
        int shard = shardOf(cursor);
        return shard < shards.count() ? shards.everyShard() & -1L << shard : 0;
    }

    /** Where a scan goes on: the shards' scans follow one another. */
    private static int shardOf(long cursor) {
        return (int) (cursor >>> SHARD_SHIFT);
    }

    private static int parseType(CommandContext c, int i) {
        for (int type = Record.TYPE_STRING; type <= Record.TYPE_STREAM; type++) {
            if (c.argIs(i, KeyCommands.typeName(type).toUpperCase(java.util.Locale.ROOT))) {
                return type;
            }
        }
        return NO_SUCH_TYPE;
    }

    /** Cursors are unsigned. */
    static void replyCursor(ReplyWriter reply, long cursor) {
        if (cursor >= 0) {
            reply.bulkInteger(cursor);
        } else {
            reply.bulk(Long.toUnsignedString(cursor));
        }
    }

    static boolean isLargestCursor(CommandContext c, int i) {
        return c.argLatin1(i).endsWith("18446744073709551615");
    }

    /**
     * An unsigned number as strtoull reads it: white space before it, a sign (minus wraps, though not at the very beginning), zeros
     * ahead; up to a zero byte. {@link #BAD_CURSOR} where it is none.
     */
    static long parseCursor(long text, int length) {
        int at = 0;
        while (at < length && isSpace(Memory.getByte(text + at))) {
            at++;
        }
        boolean negative = at < length && Memory.getByte(text + at) == '-';
        if (negative && at == 0) {
            return BAD_CURSOR;
        }
        if (negative || at < length && Memory.getByte(text + at) == '+') {
            at++;
        }
        long value = 0;
        boolean digits = false;
        for (; at < length; at++) {
            int digit = Memory.getByte(text + at) - '0';
            if (digit == -'0' && digits) {
                break;
            }
            if (digit < 0
                    || digit > 9
                    || Math.unsignedMultiplyHigh(value, 10) != 0
                    || Long.compareUnsigned(value * 10, -1L - digit) > 0) {
                return BAD_CURSOR;
            }
            value = value * 10 + digit;
            digits = true;
        }
        return !digits ? BAD_CURSOR : negative ? -value : value;
    }

    private static boolean isSpace(int b) {
        return b == ' ' || b >= '\t' && b <= '\r';
    }

    static void randomkey(CommandContext c) {
        Shards shards = c.node().shards;
        long size = shards.size(c.db());
        // The same shard where the command runs again for a cold record.
        long pick = new Prng(c.connection().id << 32 ^ c.connection().commands).nextLong();
        Shard shard = size == 0 ? c.shard() : shards.ofKey(c.db(), Math.floorMod(pick, size));
        long record = shard.randomRecord(c.db());
        for (int i = 0; record == 0 && i < shards.count(); i++) {
            record = shards.all[i].shard.randomRecord(c.db());
        }
        if (record == 0) {
            c.reply().nullBulk();
        } else {
            c.reply().bulk(Record.key(record), Record.keyLength(record));
        }
    }
}
