package ironcache.datatypes;

import java.util.Arrays;

/**
 * Leaves of a scored {@link Tree} that a command made small, or empty, and looks after when it has put all of its entries; each with an entry that was in it, by which it is found: its member
 * is where the command has it. One per thread; it grows with its longest command.
 */
final class UntidyLeaves {
    private long[] pages = {};
    private double[] scores = {};
    private long[] members = {};
    private int[] lengths = {};
    private int size;

    void clear() {
        size = 0;
    }

    int size() {
        return size;
    }

    void add(long page, double score, long member, int memberLength) {
        if (size == pages.length) {
            int room = Math.max(16, 2 * size);
            pages = Arrays.copyOf(pages, room);
            scores = Arrays.copyOf(scores, room);
            members = Arrays.copyOf(members, room);
            lengths = Arrays.copyOf(lengths, room);
        }
        pages[size] = page;
        scores[size] = score;
        members[size] = member;
        lengths[size] = memberLength;
        size++;
    }

    long page(int i) {
        return pages[i];
    }

    TreeKey key(int i, TreeKey to) {
        return to.set(scores[i], members[i], lengths[i]);
    }
}
