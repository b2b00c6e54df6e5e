package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;

/**
 * Picks elements of a set at random, each with the same chance. The same seed picks the same, so that a command which misses goes on with what it has read. Reused; on the shard's thread; owns the memory in
 * which it gathers.
 *
 * <p>Of a paged set: a bucket, each with the same chance; one of so many places in it ({@link Buckets#places}); and where that place has no element, another try.
 */
public final class SetSample implements AutoCloseable {
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    /** Valkey makes the set anew where so many times the elements left are no more than those that are popped. */
    private static final int FEW_LEFT = 5;

    /** Where this part of a paged set is wanted, all of it is looked at. */
    private static final int MANY = 3;

    private final ElementBuffer picked = new ElementBuffer();
    private final ElementBuffer kept = new ElementBuffer();
    private final SetWalk walk = new SetWalk();

    private long seed;
    private long random;

    // Set by begin, before anything else.
    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    private long record;
    private long count;

    /** {@link #pickDifferent} looked at all elements. */
    private boolean complete;

    /** So much may be picked at once. */
    public void limit(long bytesMax) {
        picked.limit(bytesMax);
        kept.limit(bytesMax);
    }

    /** Gives back what was picked. */
    public void clear() {
        picked.clear();
        kept.clear();
    }

    /** Begins with a set that is there. */
    public void begin(Shard shard, long record, long seed) {
        this.shard = shard;
        this.record = record;
        this.seed = seed;
        count = SetPages.count(record);
        clear();
    }

    /** Elements of the set. */
    public long count() {
        return count;
    }

    private long below(long bound) {
        random += GOLDEN_GAMMA;
        return Math.unsignedMultiplyHigh(Prng.mix(random), bound);
    }

    /** Each pick has chance of its own, so that what it reads first is known before the picks before it are made. */
    private void beginPick(long number) {
        random = Prng.mix(seed ^ number);
    }

    /** Asks for what some picks need, without waiting. */
    public void prefetch(long first, long picks) {
        if (Record.isPaged(record)) {
            for (long i = first; i < first + picks; i++) {
                beginPick(i);
                SetPages.prefetchPart(shard, record, below(SetPages.parts(record)));
            }
        }
    }

    /**
     * Picks one, whatever others were picked. May miss.
     *
     * @param number of the pick; each has another chance
     */
    public void pick(long number) {
        beginPick(number);
        walk.open(shard, record);
        boolean paged = Record.isPaged(record);
        long parts = SetPages.parts(record);
        long places = paged ? Buckets.places(count, parts) : count;
        while (true) {
            walk.goTo(paged ? below(parts) : 0);
            long place = below(places);
            if (place < walk.countOfPart()) {
                for (long i = 0; i <= place; i++) {
                    walk.nextOfPart();
                }
                return;
            }
        }
    }

    /** Picks so many different ones, fewer than there are. May miss. */
    public void pickDifferent(long wanted) {
        complete = !Record.isPaged(record) || wanted > count / MANY;
        if (complete) {
            pickFromAll(wanted);
            return;
        }
        prefetch(0, wanted);
        for (long i = 0; picked.count() < wanted; i++) {
            pick(i);
            picked.putOnce(shard, walk.copyTo(picked));
        }
    }

    private void pickFromAll(long wanted) {
        beginPick(0);
        walk.open(shard, record);
        walk.load();
        boolean keep = !Record.isPaged(record) || isMadeAnew(count - wanted, wanted);
        // Of those that are left to be seen, each is as likely among those that are left to pick.
        long seen = 0;
        while (walk.next()) {
            if (below(count - seen++) < wanted - picked.count()) {
                picked.put(walk.copyTo(picked));
            } else if (keep) {
                kept.put(walk.copyTo(kept));
            }
        }
    }

    /** Bytes of what {@link #pickDifferent} picked. */
    public long bytes() {
        return picked.bytes();
    }

    /** Goes to the begin of what {@link #pickDifferent} picked. */
    public void walk(SetWalk over) {
        over.open(picked);
    }

    /** Removes what was picked from the set, which is open. Another finish follows. */
    public void removeFrom(Sets set, SetLimits limits) {
        set.setForm(formLeft(limits));
        if (set.isPacked()) {
            set.retain(kept);
            return;
        }
        for (long at = picked.begin(); at < picked.end(); at += Element.bytes(at)) {
            set.removeElement(at);
        }
    }

    private static boolean isMadeAnew(long left, long taken) {
        return left * FEW_LEFT <= taken;
    }

    private int formLeft(SetLimits limits) {
        int form = Record.form(Record.kind(record));
        if (form == Record.FORM_LISTPACK
                || !complete
                || !isMadeAnew(count - picked.count(), picked.count())) {
            return form;
        }
        form = form == Record.FORM_INTSET ? form : Record.FORM_LISTPACK;
        walk.open(kept);
        for (long i = 0; walk.next(); i++) {
            long at = walk.element();
            form =
                    SetForm.afterAdding(
                            form, i, Element.isNumber(at), Element.textLength(at), 0, limits);
        }
        return form;
    }

    /** Stands at the element of the last {@link #pick}. */
    public SetWalk picked() {
        return walk;
    }

    /** Removes the element of the last {@link #pick} from the set, which is open. */
    public void removePicked(Sets set) {
        picked.clear();
        picked.put(walk.copyTo(picked));
        set.removeElement(picked.begin());
    }

    @Override
    public void close() {
        picked.close();
        kept.close();
        walk.close();
    }
}
