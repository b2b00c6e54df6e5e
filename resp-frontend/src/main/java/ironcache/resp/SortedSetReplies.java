package ironcache.resp;

import ironcache.datatypes.SortedSetScratch;
import ironcache.datatypes.SortedSets;

/** Sorted sets as commands open them, and members and scores as replies show them. */
final class SortedSetReplies {
    private SortedSetReplies() {}

    /**
     * Whether it is no sorted set; then the error is written.
     *
     * @param record 0: the key does not exist
     */
    static boolean isWrongType(CommandContext c, long record) {
        if (record != 0 && !SortedSets.isSortedSet(record)) {
            c.reply().error(Errors.WRONG_TYPE);
            return true;
        }
        return false;
    }

    /** @param record of the argument as key, read in this command; 0 where it does not exist, or is to be replaced */
    static SortedSets open(CommandContext c, int key, long record) {
        return open(c, c.types().sortedSet, key, record);
    }

    static SortedSets open(CommandContext c, SortedSets set, int key, long record) {
        set.open(c.shard(key), c.db(), c.arg(key), c.argLength(key), c.hash(key), record);
        return set;
    }

    /**
     * Before its first change.
     *
     * @param entries how many will be added at most, as far as it is known
     * @param longest the length of the longest member
     * @param bytes of all of them
     */
    static void limit(CommandContext c, SortedSets set, long entries, int longest, long bytes) {
        Config config = c.node().config;
        set.limits(
                config.zsetListpackEntries,
                config.zsetListpackMemberBytes,
                entries,
                longest,
                bytes);
    }

    /** Ends the changes of a key that was there, of which something was taken away. */
    static void finishRemoval(CommandContext c, SortedSets set, int key, String event) {
        boolean gone = set.finish();
        c.changed(key, event);
        if (gone) {
            c.changed(key, "del");
        }
    }

    /** The header of so many entries. */
    static void begin(ReplyWriter reply, long count, boolean withScores) {
        reply.array(withScores && !reply.isResp3() ? 2 * count : count);
    }

    /** The entry that the set stands at: member and score are a pair in RESP3. */
    static void entry(ReplyWriter reply, SortedSets set, boolean withScores) {
        if (withScores && reply.isResp3()) {
            reply.array(2);
        }
        reply.bulk(set.member(), set.memberLength());
        if (withScores) {
            reply.real(set.score());
        }
    }

    static void entry(
            ReplyWriter reply, SortedSetScratch scratch, long number, boolean withScores) {
        if (withScores && reply.isResp3()) {
            reply.array(2);
        }
        reply.bulk(scratch.member(number), scratch.memberLength(number));
        if (withScores) {
            reply.real(scratch.score(number));
        }
    }
}
