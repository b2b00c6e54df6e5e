package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;

/** One entry of a scored tree, by score and member. Reusable; holds no memory. */
final class TreeKey extends TreeOrder {
    private long member;
    private long memberLength;

    /** @param newMember the bytes themselves, however they are coded in the tree */
    TreeKey set(double newScore, long newMember, long length) {
        score = newScore;
        member = newMember;
        memberLength = length;
        return this;
    }

    @Override
    int compare(Shard shard, long object, long entry) {
        double other = TreeLayout.score(entry);
        if (other != score) {
            return other < score ? -1 : 1;
        }
        long element = entry + TreeLayout.SCORE_BYTES;
        return Element.isSpilled(element)
                ? Spill.compare(shard, object, element, member, memberLength)
                : Memory.compare(
                        Element.text(element), Element.length(element), member, memberLength);
    }
}
