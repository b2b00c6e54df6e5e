package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;

/**
 * A range of a sorted set by scores, or by members where all have the same score. One per thread, set anew for each command; the bytes of its bounds are the caller's.
 */
public final class SortedSetRange {
    /** What a bound on members is. */
    public enum Bound {
        /** Before all members. */
        LOWEST,
        MEMBER,
        /** Behind all members. */
        HIGHEST
    }

    private boolean byMember;
    private boolean withoutMin;
    private boolean withoutMax;

    private double minScore;
    private double maxScore;

    private Bound minBound = Bound.LOWEST;
    private Bound maxBound = Bound.HIGHEST;
    private long minMember;
    private int minLength;
    private long maxMember;
    private int maxLength;

    private final TreeOrder begin =
            new TreeOrder() {
                @Override
                int compare(Shard shard, long object, long entry) {
                    return reaches(shard, object, entry) ? 1 : -1;
                }
            };

    private final TreeOrder end =
            new TreeOrder() {
                @Override
                int compare(Shard shard, long object, long entry) {
                    return isWithinMax(shard, object, entry) ? -1 : 1;
                }
            };

    public void scores(double min, boolean exclusiveMin, double max, boolean exclusiveMax) {
        byMember = false;
        begin.score = min;
        end.score = max;
        minScore = min;
        withoutMin = exclusiveMin;
        maxScore = max;
        withoutMax = exclusiveMax;
    }

    public void minMember(Bound bound, long member, int length, boolean exclusive) {
        byMember = true;
        begin.score = Double.NaN;
        minBound = bound;
        minMember = member;
        minLength = length;
        withoutMin = exclusive;
    }

    public void maxMember(Bound bound, long member, int length, boolean exclusive) {
        byMember = true;
        end.score = Double.NaN;
        maxBound = bound;
        maxMember = member;
        maxLength = length;
        withoutMax = exclusive;
    }

    /** Whether nothing can be in it. */
    boolean isEmpty() {
        boolean without = withoutMin || withoutMax;
        if (!byMember) {
            return minScore > maxScore || minScore == maxScore && without;
        }
        if (minBound != Bound.MEMBER || maxBound != Bound.MEMBER) {
            return minBound == Bound.HIGHEST || maxBound == Bound.LOWEST;
        }
        int order = Memory.compare(minMember, minLength, maxMember, maxLength);
        return order > 0 || order == 0 && without;
    }

    /** The place before the first entry that is not before the range. */
    TreeOrder begin() {
        return begin;
    }

    /** The place behind the last entry that is not behind the range. */
    TreeOrder end() {
        return end;
    }

    /** Whether an entry is not before the range. May miss where its member is spilled. */
    boolean reaches(Shard shard, long object, long entry) {
        if (!byMember) {
            double score = SortedSetEntries.score(entry);
            return withoutMin ? score > minScore : score >= minScore;
        }
        if (minBound != Bound.MEMBER) {
            return minBound == Bound.LOWEST;
        }
        int order = compareMember(shard, object, entry, minMember, minLength);
        return withoutMin ? order > 0 : order >= 0;
    }

    /** Whether an entry is not behind the range. May miss where its member is spilled. */
    boolean isWithinMax(Shard shard, long object, long entry) {
        if (!byMember) {
            double score = SortedSetEntries.score(entry);
            return withoutMax ? score < maxScore : score <= maxScore;
        }
        if (maxBound != Bound.MEMBER) {
            return maxBound == Bound.HIGHEST;
        }
        int order = compareMember(shard, object, entry, maxMember, maxLength);
        return withoutMax ? order < 0 : order <= 0;
    }

    private static int compareMember(
            Shard shard, long object, long entry, long member, int length) {
        long element = SortedSetEntries.member(entry);
        return Element.isSpilled(element)
                ? Spill.compare(shard, object, element, member, length)
                : SortedSetEntries.compareMember(entry, member, length);
    }
}
