package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.engine.SplicedLayout;
import ironcache.hybridlog.Record;

/**
 * What can be read of a set's record, packed or paged. Static methods; all but {@link #count} may miss.
 *
 * <pre>
 * PACKED  value: version ({@link SplicedLayout}), elements in no order
 * PAGED   value: root: {@link CollectionRoot}, {@link BucketsLayout}; the elements are in {@link Buckets}
 * </pre>
 */
final class SetPages {
    /** Longest packed value. */
    static final int PACKED_BYTES_MAX = Hashes.PACKED_BYTES_MAX;

    /** In a root: the part of the buckets. */
    static final int PART = CollectionRoot.BYTES;

    static final int ROOT_BYTES = PART + BucketsLayout.BYTES;

    private SetPages() {}

    static long count(long record) {
        return Record.isPaged(record)
                ? CollectionRoot.count(Record.value(record))
                : Element.count(Buckets.first(record), Buckets.end(record));
    }

    /** Pages that have all elements between them: of a packed set, its record. */
    static long parts(long record) {
        return Record.isPaged(record) ? BucketsLayout.buckets(Record.value(record) + PART) : 1;
    }

    /** The record that has a part's elements, from {@link Buckets#first} to end; 0: it has none. */
    static long part(Shard shard, long record, long part) {
        return Record.isPaged(record)
                ? shard.readPage(CollectionRoot.object(Record.value(record)), Buckets.page(part))
                : record;
    }

    /** Asks for a part without waiting. */
    static void prefetchPart(Shard shard, long record, long part) {
        if (Record.isPaged(record)) {
            shard.prefetchPage(CollectionRoot.object(Record.value(record)), Buckets.page(part));
        }
    }

    /** Asks for the page in which a member is, if it is one. */
    static void prefetch(Shard shard, long record, long text, int length) {
        if (Record.isPaged(record)) {
            long part = Record.value(record) + PART;
            prefetchHash(shard, record, Element.hash(BucketsLayout.salt(part), text, length));
        }
    }

    /** As {@link #prefetch(Shard, long, long, int)}, of an element. */
    static void prefetch(Shard shard, long record, long element) {
        if (Record.isPaged(record)) {
            long part = Record.value(record) + PART;
            prefetchHash(shard, record, Element.hash(BucketsLayout.salt(part), element));
        }
    }

    private static void prefetchHash(Shard shard, long record, long hash) {
        long root = Record.value(record);
        shard.prefetchPage(CollectionRoot.object(root), Buckets.pageOf(root + PART, hash));
    }

    static boolean contains(Shard shard, long record, long text, int length) {
        long page = record;
        if (Record.isPaged(record)) {
            long part = Record.value(record) + PART;
            page = page(shard, record, Element.hash(BucketsLayout.salt(part), text, length));
        }
        return page != 0 && Element.find(Buckets.first(page), Buckets.end(page), text, length) != 0;
    }

    /** As {@link #contains(Shard, long, long, int)}, of an element, maybe of another set. */
    static boolean contains(Shard shard, long record, long element) {
        long page = record;
        if (Record.isPaged(record)) {
            long part = Record.value(record) + PART;
            page = page(shard, record, Element.hash(BucketsLayout.salt(part), element));
        }
        return page != 0 && Element.findEqual(Buckets.first(page), Buckets.end(page), element) != 0;
    }

    private static long page(Shard shard, long record, long hash) {
        long root = Record.value(record);
        return shard.readPage(CollectionRoot.object(root), Buckets.pageOf(root + PART, hash));
    }
}
