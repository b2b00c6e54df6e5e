package ironcache.resp;

import static ironcache.resp.CommandFlag.READONLY;
import static ironcache.resp.KeyFlag.ACCESS;
import static ironcache.resp.KeyFlag.RO;

import ironcache.datatypes.Lcs;
import ironcache.datatypes.Strings;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;

/** LCS: longest common subsequence of two strings. Row and handler. */
final class LcsCommand {
    private static final ErrorReply NOT_STRINGS =
            new ErrorReply("ERR The specified keys must contain string values");
    private static final ErrorReply LEN_AND_IDX =
            new ErrorReply("ERR If you want both the length and indexes, please just use IDX.");
    private static final ErrorReply TOO_LARGE =
            new ErrorReply(
                    "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");

    private LcsCommand() {}

    static void register(CommandTable t) {
        t.add("LCS", LcsCommand::lcs)
                .arity(-3)
                .flags(READONLY)
                .keys(1, 2, 1, RO, ACCESS)
                .args(
                        Arg.key("key1"),
                        Arg.key("key2"),
                        Arg.token("len", "LEN").optional(),
                        Arg.token("idx", "IDX").optional(),
                        Arg.integer("min-match-len").token("MINMATCHLEN").optional(),
                        Arg.token("withmatchlen", "WITHMATCHLEN").optional())
                .group("string")
                .since("7.0.0")
                .complexity("O(N*M) with N and M the lengths of the values.")
                .summary("Finds the longest common subsequence of two values.");
    }

    static void lcs(CommandContext c) {
        c.prefetch(1);
        c.prefetch(2);
        long recordA = c.read(1);
        long recordB = c.read(2);
        if (recordA != 0 && !Strings.isString(recordA)
                || recordB != 0 && !Strings.isString(recordB)) {
            c.reply().error(NOT_STRINGS);
            return;
        }
        boolean wantsLength = false;
        boolean wantsIndexes = false;
        boolean withLengths = false;
        long minLength = 0;
        for (int i = 3; i < c.argc(); i++) {
            if (c.argIs(i, "IDX")) {
                wantsIndexes = true;
            } else if (c.argIs(i, "LEN")) {
                wantsLength = true;
            } else if (c.argIs(i, "WITHMATCHLEN")) {
                withLengths = true;
            } else if (c.argIs(i, "MINMATCHLEN") && i + 1 < c.argc()) {
                if (!c.parseLong(++i)) {
                    return;
                }
                minLength = Math.max(0, c.longValue());
            } else {
                c.reply().error(Errors.SYNTAX);
                return;
            }
        }
        if (wantsLength && wantsIndexes) {
            c.reply().error(LEN_AND_IDX);
            return;
        }
        long lengthA = recordA == 0 ? 0 : Strings.length(recordA);
        long lengthB = recordB == 0 ? 0 : Strings.length(recordB);
        // What Valkey's table of ints would take; ours takes a 32nd, but its clients know this
        // limit.
        if (Math.multiplyHigh(lengthA + 1, 4 * (lengthB + 1)) != 0
                || (lengthA + 1) * (lengthB + 1) > StringReplies.maxBytes(c) / 4) {
            c.reply().error(TOO_LARGE);
            return;
        }
        try (Bytes a = new Bytes(c.shard(1), recordA, lengthA);
                Bytes b = new Bytes(c.shard(2), recordB, lengthB);
                Lcs lcs = new Lcs(a.address, lengthA, b.address, lengthB)) {
            if (wantsIndexes) {
                replyIndexes(c.reply(), lcs, minLength, withLengths);
            } else if (wantsLength) {
                c.reply().integer(lcs.length());
            } else {
                replyCommon(c.reply(), lcs);
            }
        }
    }

    private static void replyIndexes(
            ReplyWriter reply, Lcs lcs, long minLength, boolean withLengths) {
        reply.map(2);
        reply.bulk("matches");
        reply.array(lcs.countRanges(minLength));
        lcs.ranges(
                minLength,
                (aStart, aEnd, bStart, bEnd) -> {
                    reply.array(withLengths ? 3 : 2);
                    reply.array(2);
                    reply.integer(aStart);
                    reply.integer(aEnd);
                    reply.array(2);
                    reply.integer(bStart);
                    reply.integer(bEnd);
                    if (withLengths) {
                        reply.integer(aEnd - aStart + 1);
                    }
                });
        reply.bulk("len");
        reply.integer(lcs.length());
    }

    private static void replyCommon(ReplyWriter reply, Lcs lcs) {
        int length = (int) lcs.length();
        long bytes = length + 1L;
        long common = Memory.allocate(bytes, MemoryTag.OTHER);
        try {
            lcs.copyTo(common);
            reply.bulk(common, length);
        } finally {
            Memory.free(common, bytes, MemoryTag.OTHER);
        }
    }

    /** A string's bytes in one stretch: in its record, or gathered from its pages into memory of its own. */
    private static final class Bytes implements AutoCloseable {
        final long address;
        private final long gatheredBytes;

        Bytes(Shard shard, long record, long length) {
            if (record == 0 || !Record.isPaged(record)) {
                address = record == 0 ? 0 : Record.value(record);
                gatheredBytes = 0;
            } else {
                // May miss, so before there is something to free.
                Strings.load(shard, record, 0, length);
                gatheredBytes = length;
                address = Memory.allocate(length, MemoryTag.OTHER);
                Strings.copyOut(shard, record, 0, address, length);
            }
        }

        @Override
        public void close() {
            if (gatheredBytes > 0) {
                Memory.free(address, gatheredBytes, MemoryTag.OTHER);
            }
        }
    }
}
