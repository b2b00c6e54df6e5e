package ironcache.engine;

import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import ironcache.hybridlog.Log;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;
import ironcache.tiering.DamagedBlockException;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Frees in the background what was dropped in O(1): the pages of retired objects, and the records of flushed keyspaces. One owner thread.
 */
final class Reaper {
    private static final int PAGES_AT_ONCE = 32;

    /** A retired object. */
    private static final class Retired {
        final long object;
        final long pages;
        long next;

        Retired(long object, long pages) {
            this.object = object;
            this.pages = pages;
        }
    }

    /** Receives retired objects. */
    interface RetiredVisitor {
        void visit(long object, long pages);
    }

    private final Store store;
    private final ArrayDeque<Retired> objects = new ArrayDeque<>();
    private final ArrayDeque<Keyspace> flushed = new ArrayDeque<>();

    /** What has to wait until nobody views it any more ({@link PageViews}). */
    private final ArrayDeque<Retired> viewedObjects = new ArrayDeque<>();

    private final ArrayDeque<Keyspace> viewedKeyspaces = new ArrayDeque<>();

    /** Where the first flushed keyspace's walk is, and whether its keys are done and its pages are walked. */
    private long cursor;

    private boolean inPages;

    /** Waiter number under which pages are read. */
    static final int WAITER = 0;

    private boolean reading;

    /** Objects retired while it is not known whether a root of them comes, each with its pages; null: what is retired stays so. */
    private @Nullable LinkedHashMap<Long, Long> held;

    /** Is told of what is retired. */
    private @Nullable RetiredVisitor listener;

    Reaper(Store store) {
        this.store = store;
    }

    void retire(long object, long pages) {
        if (pages == 0) {
            return;
        }
        if (held != null) {
            held.merge(object, pages, Math::max);
            return;
        }
        if (listener != null) {
            listener.visit(object, pages);
        }
        (store.views.isViewed(object) ? viewedObjects : objects).add(new Retired(object, pages));
    }

    /** From now on this one is told of what is retired; null: nobody. */
    void tell(@Nullable RetiredVisitor newListener) {
        listener = newListener;
    }

    /** From now on retired objects keep their pages, until {@link #letGo}: a {@link #revive} may come. */
    void hold() {
        held = new LinkedHashMap<>();
    }

    /** The object has a root again, if it lacked one: it had been retired for an effect that is older than that root. */
    void revive(long object) {
        if (held != null) {
            held.remove(object);
        }
    }

    /** What is held by now is retired for good. */
    void letGo() {
        Map<Long, Long> dead = held;
        held = null;
        if (dead != null) {
            dead.forEach(this::retire);
        }
    }

    /** The keyspace has been replaced; nobody looks into it any more, but for those who view an object of it. */
    void flush(Keyspace keyspace) {
        keyspace.flushed = true;
        if (store.views.anyViewed(keyspace.number) != 0) {
            viewedKeyspaces.add(keyspace);
        } else {
            keyspace.retired = true;
            flushed.add(keyspace);
        }
    }

    /** The object is not viewed any more. */
    void release(long object) {
        for (int n = viewedObjects.size(); n > 0; n--) {
            Retired retired = viewedObjects.remove();
            (retired.object == object ? objects : viewedObjects).add(retired);
        }
        for (int n = viewedKeyspaces.size(); n > 0; n--) {
            flush(viewedKeyspaces.remove());
        }
    }

    /** Tells the objects whose pages are not all free yet. */
    void forEachRetired(RetiredVisitor visitor) {
        for (Retired retired : objects) {
            visitor.visit(retired.object, retired.pages);
        }
        for (Retired retired : viewedObjects) {
            visitor.visit(retired.object, retired.pages);
        }
    }

    /** Writes what is still to be done. */
    void save(StateOutput out) {
        assert viewedObjects.isEmpty() && viewedKeyspaces.isEmpty() : "a command has not ended";
        assert held == null : "a replay has not ended";
        out.putLong(objects.size());
        for (Retired retired : objects) {
            out.putLong(retired.object);
            out.putLong(retired.pages);
            out.putLong(retired.next);
        }
        out.putLong(flushed.size());
        for (Keyspace keyspace : flushed) {
            out.putLong(keyspace.number);
        }
        out.putLong(cursor);
        out.putLong(inPages ? 1 : 0);
    }

    /** Goes on with what another one saved. The keyspaces and their indexes are there. */
    void load(StateInput in) {
        for (int count = in.getInt(Integer.MAX_VALUE); count > 0; count--) {
            Retired retired = new Retired(in.getLong(), in.getLong());
            retired.next = in.getLong();
            objects.add(retired);
        }
        for (int count = in.getInt(Store.KEYSPACES); count > 0; count--) {
            flush(Objects.requireNonNull(store.keyspaces[in.getInt(Store.KEYSPACES - 1)]));
        }
        cursor = in.getLong();
        inPages = in.getInt(1) != 0;
    }

    boolean isIdle() {
        return flushed.isEmpty() && (objects.isEmpty() || reading);
    }

    /** The pages asked for have been read. */
    void onRead() {
        reading = false;
    }

    /** One step, some microseconds long. */
    void step() {
        if (!flushed.isEmpty()) {
            dissolve(flushed.peek());
        } else if (!objects.isEmpty() && !reading) {
            freePages(objects.peek());
        }
    }

    /** Finishes the flushed keyspace at the head of the queue, however long that takes: its number is needed. */
    void dissolveOne() {
        if (flushed.isEmpty() && !viewedKeyspaces.isEmpty()) {
            int number = viewedKeyspaces.element().number;
            for (long object = store.views.anyViewed(number);
                    object != 0;
                    object = store.views.anyViewed(number)) {
                store.views.breakUp(object);
            }
        }
        int before = flushed.size();
        while (flushed.size() == before && before > 0) {
            dissolve(flushed.peek());
        }
    }

    private void dissolve(Keyspace keyspace) {
        HashIndex index = inPages ? keyspace.pages : keyspace.keys;
        cursor = index.scan(cursor, this::dead);
        if (cursor == 0) {
            if (inPages) {
                flushed.remove();
                store.keyspaces[keyspace.number] = null;
                keyspace.close();
            }
            inPages = !inPages;
        }
    }

    /** A record of a flushed keyspace; a cold one is counted by its page's average, for it is not read. */
    private void dead(long slot, long address) {
        long record = store.log.resolve(address);
        if (record == 0) {
            store.superseded(address, 0);
        } else if (!Log.isMutable(address) || !Record.isDead(record)) {
            store.supersede(address, record);
        }
    }

    private void freePages(Retired retired) {
        Keyspace keyspace = store.keyspaces[(int) retired.object & Store.KEYSPACES - 1];
        if (keyspace == null || keyspace.flushed) {
            objects.remove();
            return;
        }
        long end = Math.min(retired.pages, retired.next + PAGES_AT_ONCE);
        store.cold.begin(WAITER);
        boolean missing = false;
        for (long page = retired.next; page < end; page++) {
            missing |= !freePage(keyspace, retired.object, page);
        }
        if (missing) {
            reading = store.cold.park();
            return;
        }
        store.cold.end();
        retired.next = end;
        if (end == retired.pages) {
            objects.remove();
        }
    }

    private boolean freePage(Keyspace keyspace, long object, long page) {
        long key = store.pageKey(object, page);
        long hash = store.hash(key, Store.PAGE_KEY_BYTES);
        try {
            long record = store.find(keyspace.pages, key, Store.PAGE_KEY_BYTES, hash);
            if (record != 0) {
                store.detachEntry(
                        keyspace, keyspace.pages, store.foundSlot, store.foundAddress, record);
            }
            return true;
        } catch (ColdMiss miss) {
            return false;
        } catch (DamagedBlockException damaged) {
            return true; // Its entry stays with the damaged segment.
        }
    }
}
