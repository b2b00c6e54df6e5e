package ironcache.resp;

import ironcache.datatypes.SortedSets;
import java.util.Arrays;

/**
 * The sets that a union, an intersection or a difference is made of: one is walked, the others are asked for its members. Whatever a source is, it gives members with scores. One per thread.
 */
final class SortedSetSources {
    private static final int ORDINARY_COUNT = 16;
    private static final int INDEX_BITS = 22;
    private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;

    private final SortedSets walked;
    private final SortedSets asked;

    private int first;
    private int count;
    private long[] records = new long[ORDINARY_COUNT];
    private double[] weights = new double[ORDINARY_COUNT];

    /** The order of the sources: how many members each has, then its index. */
    private long[] order = new long[ORDINARY_COUNT];

    SortedSetSources(SortedSets walked, SortedSets asked) {
        this.walked = walked;
        this.asked = asked;
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
            if (record != 0 && !SortedSets.isSortedSet(record)) {
                return false;
            }
            records[k] = record;
            weights[k] = 1;
            long members = record == 0 ? 0 : open(c, walked, k).count();
            order[k] = members << INDEX_BITS | k;
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

    // The one that is walked.

    /** Begins with its first member. @return whether there is one */
    boolean walk(CommandContext c, int k) {
        return open(c, walked, index(k)).seekRank(0, Long.MAX_VALUE);
    }

    boolean next() {
        return walked.next();
    }

    long member() {
        return walked.member();
    }

    int memberLength() {
        return walked.memberLength();
    }

    double score() {
        return walked.score();
    }

    // The others.

    /** Whether another source has the member, too. */
    boolean find(CommandContext c, int k) {
        return open(c, asked, index(k)).find(walked.member(), walked.memberLength());
    }

    /** What the member has there. */
    double foundScore() {
        return asked.score();
    }
}
