package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.hybridlog.Record;
import java.util.Arrays;

/**
 * Intersections, unions and differences. The sets are given one after the other; the result is gathered outside the log, whence it is replied or stored under a key. Intersections
 * go through the smallest set and look its elements up in the others, differences through the first. Reused; on the shard's thread, which has the shards of all sets; owns the memory of the result.
 */
public final class SetAlgebra implements AutoCloseable {
    private final ElementBuffer result = new ElementBuffer();
    private final SetWalk walk = new SetWalk();

    private Shard[] shards = new Shard[8];
    private long[] records = new long[8];
    private int sets;
    private int missing;

    /** What OBJECT ENCODING will say of the result. */
    private int form;

    private long longestNumber;
    private boolean numbersOnly;

    /** So much a result may take. */
    public void limit(long bytesMax) {
        result.limit(bytesMax);
    }

    /** Forgets the sets of before, and what came of them. */
    public void begin() {
        sets = 0;
        missing = 0;
        result.clear();
    }

    /** @param record a set that the command has read; 0: there is none */
    public void take(Shard shard, long record) {
        if (sets == shards.length) {
            shards = Arrays.copyOf(shards, 2 * sets);
            records = Arrays.copyOf(records, 2 * sets);
        }
        shards[sets] = shard;
        records[sets++] = record;
        missing += record == 0 ? 1 : 0;
    }

    /** Elements of the result. */
    public long count() {
        return result.count();
    }

    /** Bytes of the result's elements. */
    public long bytes() {
        return result.bytes();
    }

    /** Goes to the begin of the result. */
    public void walk(SetWalk over) {
        over.open(result);
    }

    /** Makes the result, which is not empty, a key's value. Never misses. */
    public void store(Sets with, Shard shard, int db, long key, int keyLength, long hash) {
        with.store(shard, db, key, keyLength, hash, result, form);
    }

    private void beginResult(int firstForm) {
        form = firstForm;
        longestNumber = 0;
        numbersOnly = true;
    }

    /** Has the walk's element in the result, where it is not yet. */
    private void gather(SetLimits limits) {
        result.put(walk.copyTo(result));
        grow(result.count() - 1, limits);
    }

    private void grow(long count, SetLimits limits) {
        boolean number = Element.isNumber(walk.element());
        numbersOnly &= number;
        if (form != Record.FORM_LARGE) {
            long length = Element.textLength(walk.element());
            form = SetForm.afterAdding(form, count, number, length, longestNumber, limits);
            longestNumber = number ? Math.max(longestNumber, length) : longestNumber;
        }
    }

    /** What is in all sets. May miss. */
    public void intersect(SetLimits limits) {
        int smallest = smallest();
        beginResult(
                smallest >= 0 && form(smallest) == Record.FORM_INTSET
                        ? Record.FORM_INTSET
                        : Record.FORM_LISTPACK);
        if (smallest < 0) {
            return;
        }
        loadOthers(smallest);
        walk.open(shards[smallest], records[smallest]);
        while (walk.next()) {
            if (isInOthers(smallest)) {
                gather(limits);
            }
        }
        if (numbersOnly && result.count() <= limits.intsetEntriesMax) {
            form = Record.FORM_INTSET;
        }
    }

    /** How many are in all sets, counted up to a limit (0: none). May miss. */
    public long intersectionCount(long limit) {
        int smallest = smallest();
        if (smallest < 0) {
            return 0;
        }
        long count = 0;
        loadOthers(smallest);
        walk.open(shards[smallest], records[smallest]);
        while ((limit == 0 || count < limit) && walk.next()) {
            count += isInOthers(smallest) ? 1 : 0;
        }
        return count;
    }

    /** The index of the smallest set; -1 where one is missing. */
    private int smallest() {
        if (missing > 0) {
            return -1;
        }
        int smallest = 0;
        long least = Sets.count(records[0]);
        for (int i = 1; i < sets; i++) {
            long count = Sets.count(records[i]);
            if (count < least) {
                least = count;
                smallest = i;
            }
        }
        return smallest;
    }

    private int form(int i) {
        return Record.form(Record.kind(records[i]));
    }

    /** Reads a set, and asks for what its elements will be looked for in. May miss. */
    private void loadOthers(int i) {
        walk.open(shards[i], records[i]);
        walk.load();
        if (!isOtherPaged(i)) {
            return;
        }
        while (walk.next()) {
            for (int j = 0; j < sets; j++) {
                if (j != i && records[j] != 0 && !Element.isSpilled(walk.element())) {
                    SetPages.prefetch(shards[j], records[j], walk.element());
                }
            }
        }
    }

    private boolean isOtherPaged(int i) {
        for (int j = 0; j < sets; j++) {
            if (j != i && records[j] != 0 && Record.isPaged(records[j])) {
                return true;
            }
        }
        return false;
    }

    private boolean isInOthers(int i) {
        long element = walk.whole();
        for (int j = 0; j < sets; j++) {
            if (j != i && !SetPages.contains(shards[j], records[j], element)) {
                return false;
            }
        }
        return true;
    }

    /** What is in any of the sets. May miss. */
    public void unite(SetLimits limits) {
        beginResult(Record.FORM_INTSET);
        for (int i = 0; i < sets; i++) {
            walk.open(shards[i], records[i]);
            walk.load();
        }
        for (int i = 0; i < sets; i++) {
            walk.open(shards[i], records[i]);
            while (walk.next()) {
                if (result.putOnce(shards[i], walk.copyTo(result))) {
                    grow(result.count() - 1, limits);
                }
            }
        }
    }

    /** What is in the first set and in none of the others. May miss. */
    public void subtract(SetLimits limits) {
        beginResult(Record.FORM_INTSET);
        if (records[0] == 0) {
            return;
        }
        loadOthers(0);
        walk.open(shards[0], records[0]);
        while (walk.next()) {
            if (!isInLater()) {
                gather(limits);
            }
        }
        if (isCopied()) {
            beginResult(Record.FORM_INTSET);
            walk.open(shards[0], records[0]);
            for (long count = 0; walk.next(); count++) {
                grow(count, limits);
            }
        }
    }

    private boolean isInLater() {
        long element = walk.whole();
        for (int j = 1; j < sets; j++) {
            if (records[j] != 0 && SetPages.contains(shards[j], records[j], element)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Whether Valkey would copy the first set and remove the elements of the others from it, so that the result has the copy's encoding: it does where that is less than half of the work of
     * looking the elements up.
     */
    private boolean isCopied() {
        long first = Sets.count(records[0]);
        long lookUps = 0;
        long removals = 0;
        for (int i = 0; i < sets; i++) {
            if (records[i] != 0) {
                lookUps += first;
                removals += Sets.count(records[i]);
            }
        }
        return lookUps / 2 > removals;
    }

    @Override
    public void close() {
        result.close();
        walk.close();
    }
}
