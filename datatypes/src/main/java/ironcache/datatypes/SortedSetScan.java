package ironcache.datatypes;

/**
 * ZSCAN of a paged set, from bucket to bucket: so a member that changes its score meanwhile is returned nevertheless. A bucket tells hashes and scores; its members are those in the tree that have one of
 * these scores and whose hashes lie in the bucket.
 *
 * <p>Where very many have one score, to go through them for each bucket would be quadratic. A call takes many buckets then, passes such scores over in each, and goes through their entries once, behind
 * all the buckets, but for those that it had returned before it knew that they are many.
 *
 * <p>Moves the set's position. One per thread; owns no memory.
 */
final class SortedSetScan {
    /** Entries of one score that are gone through for a bucket. */
    private static final int FEW = 256;

    /** Scores with more than a few, in one call; of further ones all are gone through for each bucket. */
    private static final int MANY_SCORES = 16;

    /** Where many have one score, a call takes this part of them, but no more than {@link #ENTRIES_MAX} entries. */
    private static final int PART = 100;

    private static final int ENTRIES_MAX = 20_000;

    /** Entries of the first bucket whose scores tell whether many have one. */
    private static final int SAMPLES = 3;

    private final PagedSortedSet set;

    // What the call goes through: from one cursor to another, 0 for the end; and where it is.
    private long begin;
    private long end;
    private long cursor;

    // The bucket: its page, its entries, and the next whose score is looked for.
    private long page;
    private long first;
    private long behind;
    private long entry;

    /** The score whose entries are gone through, and how many of them were. */
    private double score;

    private int passed;

    /** Of many, the rank of the first. */
    private long firstRank;

    private final double[] many = new double[MANY_SCORES];

    /** The page of the bucket that had each of them first: of the score's first {@link #FEW} entries its are returned already. */
    private final long[] manyPages = new long[MANY_SCORES];

    private int manyCount;

    /** Which of these is gone through; -1: it is a bucket's turn. */
    private int manyAt;

    SortedSetScan(PagedSortedSet set) {
        this.set = set;
    }

    /** The cursor behind the buckets that a call with this cursor and COUNT goes through; 0: they were the last. May miss. */
    long end(long from, long count) {
        long wanted = Math.max(count, Math.min(ENTRIES_MAX, mostOfOneScore(from) / PART));
        long at = from;
        long seen = 0;
        do {
            long bucket = set.bucketAt(at);
            seen +=
                    bucket == 0
                            ? 0
                            : (Buckets.end(bucket) - Buckets.first(bucket)) / ScoreEntry.BYTES;
            at = set.nextCursor(at);
        } while (at != 0 && seen < wanted);
        return at;
    }

    private long mostOfOneScore(long from) {
        long bucket = set.count() < (long) FEW * PART ? 0 : set.bucketAt(from);
        if (bucket == 0) {
            return 0;
        }
        long sample = Buckets.first(bucket);
        long most = 0;
        for (int i = 0; i < SAMPLES && sample < Buckets.end(bucket); i++) {
            most = Math.max(most, set.countOf(ScoreEntry.score(sample)));
            sample += ScoreEntry.BYTES;
        }
        return most;
    }

    /** Moves to the first entry between a cursor and an {@link #end}, or to none. May miss. */
    void first(long from, long to) {
        begin = from;
        end = to;
        cursor = from;
        manyCount = 0;
        manyAt = -1;
        set.leave();
        openBucket();
        settle();
    }

    /** Moves to the next, or to none. May miss. */
    void next() {
        set.next();
        settle();
    }

    private void openBucket() {
        page = Buckets.page(set.bucketNumber(cursor));
        long record = set.bucketAt(cursor);
        first = record == 0 ? 0 : Buckets.first(record);
        behind = record == 0 ? 0 : Buckets.end(record);
        entry = first;
    }

    /** Goes on from the position to an entry that is asked for, or to none. */
    private void settle() {
        while (!settleInScore()) {
            if (!nextScore()) {
                set.leave();
                return;
            }
        }
    }

    private boolean settleInScore() {
        for (; set.entry() != 0 && SortedSetEntries.score(set.entry()) == score; set.next()) {
            if (manyAt < 0 && passed++ == FEW && manyCount < MANY_SCORES) {
                many[manyCount] = score;
                manyPages[manyCount++] = page;
                return false;
            }
            long hash = set.hashAt();
            if (manyAt < 0 ? set.bucketPage(hash) == page : isAskedFor(hash) && !isReturned(hash)) {
                return true;
            }
        }
        return false;
    }

    private boolean isReturned(long hash) {
        return set.rank() - firstRank < FEW && set.bucketPage(hash) == manyPages[manyAt];
    }

    /** Cursors are hashes by their bits in reverse ({@link Buckets#nextCursor}). */
    private boolean isAskedFor(long hash) {
        long place = Long.reverse(ScoreEntry.held(hash));
        return Long.compareUnsigned(place, Long.reverse(begin)) >= 0
                && (end == 0 || Long.compareUnsigned(place, Long.reverse(end)) < 0);
    }

    /** Goes to the first entry of the next score. @return false: that was the last */
    private boolean nextScore() {
        if (manyAt < 0 && nextScoreOfBuckets()) {
            set.seekScore(score);
            passed = 0;
            return true;
        }
        if (++manyAt == manyCount) {
            return false;
        }
        score = many[manyAt];
        set.loadScore(score);
        set.seekScore(score);
        firstRank = set.rank();
        return true;
    }

    private boolean nextScoreOfBuckets() {
        while (true) {
            for (; entry < behind; entry += ScoreEntry.BYTES) {
                score = ScoreEntry.score(entry);
                if (!isPassed()) {
                    entry += ScoreEntry.BYTES;
                    return true;
                }
            }
            cursor = set.nextCursor(cursor);
            if (cursor == end) {
                return false;
            }
            openBucket();
        }
    }

    /** Whether many have the score, or an earlier entry of the bucket has it. */
    private boolean isPassed() {
        for (int i = 0; i < manyCount; i++) {
            if (many[i] == score) {
                return true;
            }
        }
        for (long earlier = first; earlier < entry; earlier += ScoreEntry.BYTES) {
            if (ScoreEntry.score(earlier) == score) {
                return true;
            }
        }
        return false;
    }
}
