package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.engine.SplicedLayout;
import ironcache.hybridlog.Record;

/**
 * What can be read of a set's record, packed or paged. Static methods; all but {@link #count} may miss.
 *
 * <pre>
 * PACKED  value: version ({@link SplicedLayout}), elements in no order
 * PAGED   value: root: {@link CollectionRoot}, {@link BucketsLayout}; the elements are in {@link Buckets}, long strings spilled, with their hash ({@link Spill})
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
            prefetchHash(shard, record, Buckets.hash(part, text, length));
        }
    }

    /** As {@link #prefetch(Shard, long, long, int)}, of an element that is not spilled. */
    static void prefetch(Shard shard, long record, long element) {
        if (Record.isPaged(record)) {
            long part = Record.value(record) + PART;
            prefetchHash(shard, record, Buckets.hash(part, element));
        }
    }

    /** The page in which a member of a paged set is, if it is one. */
    static long memberPage(long root, long text, int length) {
        return Buckets.pageOf(root + PART, Buckets.hash(root + PART, text, length));
    }

    private static void prefetchHash(Shard shard, long record, long hash) {
        long root = Record.value(record);
        shard.prefetchPage(CollectionRoot.object(root), Buckets.pageOf(root + PART, hash));
    }

    static boolean contains(Shard shard, long record, long text, int length) {
        if (!Record.isPaged(record)) {
            return Element.find(Buckets.first(record), Buckets.end(record), text, length) != 0;
        }
        long root = Record.value(record);
        long hash = Buckets.hash(root + PART, text, length);
        long page = page(shard, record, hash);
        return page != 0 && find(shard, root, page, hash, text, length) != 0;
    }

    /** Where a member is in the page of a paged set that has its hash; 0: nowhere. */
    static long find(Shard shard, long root, long page, long hash, long text, int length) {
        long from = Buckets.first(page);
        long end = Buckets.end(page);
        if (length <= Spill.SPILL_BYTES) {
            return Element.find(from, end, text, length);
        }
        long object = CollectionRoot.object(root);
        for (long at = from; at < end; at = Element.next(at)) {
            if (Element.isSpilled(at)
                    && Element.spilledHash(at) == hash
                    && Spill.equal(shard, object, at, text, length)) {
                return at;
            }
        }
        return 0;
    }

    /** Whether it is a string that a paged set spills. */
    static boolean isLong(long element) {
        return !Element.isNumber(element) && Element.length(element) > Spill.SPILL_BYTES;
    }

    /** As {@link #contains(Shard, long, long, int)}, of an element, maybe of another set, that is not spilled. */
    static boolean contains(Shard shard, long record, long element) {
        if (isLong(element)) {
            return contains(shard, record, Element.text(element), Element.length(element));
        }
        long page = record;
        if (Record.isPaged(record)) {
            long part = Record.value(record) + PART;
            page = page(shard, record, Buckets.hash(part, element));
        }
        return page != 0 && Element.findEqual(Buckets.first(page), Buckets.end(page), element) != 0;
    }

    private static long page(Shard shard, long record, long hash) {
        long root = Record.value(record);
        return shard.readPage(CollectionRoot.object(root), Buckets.pageOf(root + PART, hash));
    }
}
