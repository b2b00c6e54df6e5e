package ironcache.engine;

import ironcache.hybridlog.Log;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;

/**
 * Pages of paged objects: numbers for new objects, and reads and writes of a page by its object and its number. One owner thread; owns no memory, pages are
 * records of the log under the object's keyspace.
 *
 * <p>An object's number carries its keyspace's, so that its pages are found without its database:
 *
 * <pre>
 * counter (56) | keyspace (8)
 * </pre>
 */
final class PagedObjects {
    private static final int OBJECT_SHIFT = 8;

    private final Store store;
    private long lastObject;

    PagedObjects(Store store) {
        this.store = store;
    }

    /** As {@link Shard#createObject}. */
    long create(Keyspace keyspace) {
        return ++lastObject << OBJECT_SHIFT | keyspace.number;
    }

    /** All numbers of objects up to this one are taken. */
    long lastNumber() {
        return lastObject << OBJECT_SHIFT;
    }

    /** An object of before: numbers of new ones come after it. */
    void seen(long object) {
        lastObject = Math.max(lastObject, object >>> OBJECT_SHIFT);
    }

    /** The keyspace of an object. */
    static int keyspace(long object) {
        return (int) object & (1 << OBJECT_SHIFT) - 1;
    }

    void prefetch(long object, long page) {
        if (isAsItIs(object, page)) {
            store.prefetch(
                    keyspaceOf(object).pages,
                    store.hash(store.pageKey(object, page), Store.PAGE_KEY_BYTES));
        }
    }

    /** As {@link Shard#requestPage}. */
    boolean request(long object, long page) {
        return isAsItIs(object, page)
                && store.requestOneOfMany(
                        keyspaceOf(object).pages,
                        store.hash(store.pageKey(object, page), Store.PAGE_KEY_BYTES));
    }

    /** Whether the command that runs reads the page as it is, and not as it was. */
    private boolean isAsItIs(long object, long page) {
        return store.views.current == null
                || store.views.page(object, page) == PageVersion.UNCHANGED;
    }

    /** As {@link Shard#readPage}. */
    long read(long object, long page) {
        if (store.views.current != null) {
            long kept = store.views.page(object, page);
            if (kept != PageVersion.UNCHANGED) {
                return kept;
            }
        }
        long key = store.pageKey(object, page);
        long hash = store.hash(key, Store.PAGE_KEY_BYTES);
        HashIndex index = keyspaceOf(object).pages;
        long record = store.find(index, key, Store.PAGE_KEY_BYTES, hash);
        if (record == 0) {
            return 0;
        }
        if (Log.isMutable(store.foundAddress)) {
            store.visit(record);
            return record;
        }
        return store.log.resolve(store.foundAddress) == 0
                ? store.promote(index, record, hash)
                : record;
    }

    /** As {@link Shard#isPageCold}. */
    boolean isCold(long object, long page) {
        long key = store.pageKey(object, page);
        return isAsItIs(object, page)
                && store.isCold(
                        keyspaceOf(object).pages,
                        key,
                        Store.PAGE_KEY_BYTES,
                        store.hash(key, Store.PAGE_KEY_BYTES));
    }

    /** As {@link Shard#insertPage}. */
    long insert(long object, long page, int valueLength) {
        long key = store.pageKey(object, page);
        long hash = store.hash(key, Store.PAGE_KEY_BYTES);
        Keyspace keyspace = keyspaceOf(object);
        long record =
                store.append(
                        key, Store.PAGE_KEY_BYTES, Record.PAGE, valueLength, 0, keyspace.number);
        keyspace.pages.insert(hash, store.foundAddress);
        store.effects.written(record);
        return Record.value(record);
    }

    /** As {@link Shard#upsertPage}. */
    long upsert(long object, long page, int valueLength) {
        long key = store.pageKey(object, page);
        long hash = store.hash(key, Store.PAGE_KEY_BYTES);
        Keyspace keyspace = keyspaceOf(object);
        long record = store.find(keyspace.pages, key, Store.PAGE_KEY_BYTES, hash);
        beforeWrite(object, page, record);
        if (record == 0) {
            return insert(object, page, valueLength);
        }
        record = store.modify(keyspace, keyspace.pages, record, Record.PAGE, valueLength);
        store.effects.written(record);
        return Record.value(record);
    }

    /** As {@link Shard#modifyPage}. */
    long modify(long object, long page, int newValueLength, int from, int count) {
        long key = store.pageKey(object, page);
        Keyspace keyspace = keyspaceOf(object);
        long record =
                Store.found(
                        store.find(
                                keyspace.pages,
                                key,
                                Store.PAGE_KEY_BYTES,
                                store.hash(key, Store.PAGE_KEY_BYTES)));
        beforeWrite(object, page, record);
        record = store.modify(keyspace, keyspace.pages, record, Record.PAGE, newValueLength);
        store.effects.patched(record, from, count);
        return Record.value(record);
    }

    /** As {@link Shard#splicePage}, and {@link Shard#growPage} where {@code lengthMax} is not 0. */
    long splice(long object, long page, int from, int removed, int inserted, int lengthMax) {
        long key = store.pageKey(object, page);
        Keyspace keyspace = keyspaceOf(object);
        long record =
                Store.found(
                        store.find(
                                keyspace.pages,
                                key,
                                Store.PAGE_KEY_BYTES,
                                store.hash(key, Store.PAGE_KEY_BYTES)));
        beforeWrite(object, page, record);
        record =
                store.splice(
                        keyspace,
                        keyspace.pages,
                        record,
                        Record.PAGE,
                        from,
                        removed,
                        inserted,
                        lengthMax);
        store.effects.spliced(record, from, removed, inserted);
        return Record.value(record);
    }

    /** As {@link Shard#deletePage}. */
    boolean delete(long object, long page) {
        long key = store.pageKey(object, page);
        Keyspace keyspace = keyspaceOf(object);
        long record =
                store.find(
                        keyspace.pages,
                        key,
                        Store.PAGE_KEY_BYTES,
                        store.hash(key, Store.PAGE_KEY_BYTES));
        if (record != 0) {
            beforeWrite(object, page, record);
            store.effects.deleted(keyspace, key, Store.PAGE_KEY_BYTES, EffectLayout.PAGE);
            store.detachEntry(
                    keyspace, keyspace.pages, store.foundSlot, store.foundAddress, record);
        }
        return record != 0;
    }

    private void beforeWrite(long object, long page, long record) {
        if (store.views.count != 0) {
            store.views.beforeWrite(object, page, record);
        }
    }

    /** Where the pages of an object are. */
    HashIndex indexOf(long object) {
        return keyspaceOf(object).pages;
    }

    private Keyspace keyspaceOf(long object) {
        Keyspace keyspace = store.keyspaces[keyspace(object)];
        if (keyspace == null) {
            throw new IllegalStateException(
                    "paged object " + object + ": its database was flushed");
        }
        return keyspace;
    }
}
