package ironcache.resp;

import ironcache.datatypes.Element;
import ironcache.datatypes.LongText;
import ironcache.datatypes.SetWalk;
import ironcache.datatypes.Sets;
import ironcache.datatypes.SortedSets;
import java.util.Arrays;

/**
 * The sets that a union, an intersection or a difference is made of: one is walked, the others are asked for its members. Of a set without scores each is 1. One per thread.
 */
final class SortedSetSources {
    private static final int ORDINARY_COUNT = 16;
    private static final int INDEX_BITS = 22;
    private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;

    private static final double SET_SCORE = 1;

    private final SortedSets walked;
    private final SortedSets asked;
    private final SetWalk walkedSet;
    private final Sets askedSet;

    /** For a number's text. */
    private final long text;

    /** The one that is walked is a set without scores. */
    private boolean walksSet;

    private double foundScore;

    private int first;
    private int count;
    private long[] records = new long[ORDINARY_COUNT];
    private double[] weights = new double[ORDINARY_COUNT];

    /** The order of the sources: how many members each has, then its index. */
    private long[] order = new long[ORDINARY_COUNT];

    /** @param text memory for a number's text */
    SortedSetSources(
            SortedSets walked, SortedSets asked, SetWalk walkedSet, Sets askedSet, long text) {
        this.walked = walked;
        this.asked = asked;
        this.walkedSet = walkedSet;
        this.askedSet = askedSet;
        this.text = text;
    }

    /**
     * Reads the keys; those that do not exist are empty. May miss.
     *
     * @return false: one holds something that is no set
     */
    boolean read(CommandContext c, int firstKey, int keys) {
        if (keys > ORDINARY_COUNT || records.length > ORDINARY_COUNT) {
            int length = Math.max(keys, ORDINARY_COUNT);
            records = new long[length];
            weights = new double[length];
            order = new long[length];
        }
        first = firstKey;
        count = keys;
        for (int k = 0; k < keys; k++) {
            c.prefetch(firstKey + k);
        }
        for (int k = 0; k < keys; k++) {
            long record = c.read(firstKey + k);
            if (record != 0 && !SortedSets.isSortedSet(record) && !Sets.isSet(record)) {
                return false;
            }
            records[k] = record;
            weights[k] = 1;
            order[k] = count(c, k) << INDEX_BITS | k;
        }
        return true;
    }

    int count() {
        return count;
    }

    /** @param k index among the arguments: before {@link #sort} */
    void weigh(int k, double weight) {
        weights[k] = weight;
    }

    /** Puts the smallest first. */
    void sort() {
        Arrays.sort(order, 0, count);
    }

    private int index(int k) {
        return (int) order[k] & INDEX_MASK;
    }

    double weight(int k) {
        return weights[index(k)];
    }

    private SortedSets open(CommandContext c, SortedSets set, int index) {
        return SortedSetReplies.open(c, set, first + index, records[index]);
    }

    private boolean isSet(int index) {
        return records[index] != 0 && Sets.isSet(records[index]);
    }

    private long count(CommandContext c, int index) {
        return isSet(index) ? Sets.count(records[index]) : open(c, walked, index).count();
    }

    // The one that is walked.

    /** Begins with its first member. May miss. @return whether there is one */
    boolean walk(CommandContext c, int k) {
        int index = index(k);
        walksSet = isSet(index);
        if (walksSet) {
            walkedSet.open(c.shard(first + index), records[index]);
            walkedSet.load();
            return walkedSet.next();
        }
        SortedSets set = open(c, walked, index);
        set.load(0, Long.MAX_VALUE);
        return set.seekRank(0, Long.MAX_VALUE);
    }

    /** May miss. */
    boolean next() {
        return walksSet ? walkedSet.next() : walked.next();
    }

    /** Where its bytes are, until the next is asked for. May miss. */
    long member() {
        if (!walksSet) {
            return walked.member();
        }
        long element = walkedSet.element();
        if (Element.isNumber(element)) {
            LongText.format(Element.number(element), text);
            return text;
        }
        return Element.text(walkedSet.whole());
    }

    int memberLength() {
        return walksSet ? (int) Element.textLength(walkedSet.element()) : walked.memberLength();
    }

    double score() {
        return walksSet ? SET_SCORE : walked.score();
    }

    // The others.

    /** Whether another source has the member, too. May miss. */
    boolean find(CommandContext c, int k) {
        int index = index(k);
        if (isSet(index)) {
            int key = first + index;
            SetCommands.open(c, key, records[index]);
            foundScore = SET_SCORE;
            return askedSet.contains(member(), memberLength());
        }
        boolean there = open(c, asked, index).find(member(), memberLength());
        foundScore = there ? asked.score() : 0;
        return there;
    }

    /** What the member has there. */
    double foundScore() {
        return foundScore;
    }
}
