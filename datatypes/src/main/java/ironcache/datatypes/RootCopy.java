package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/**
 * The root of a paged collection while a command writes to it: a copy that the structures change as they change pages, and that becomes the record's value again at the end, in
 * one write that is logged once. One per thread and purpose; owns {@value #BYTES_MAX} bytes.
 */
final class RootCopy implements AutoCloseable {
    static final int BYTES_MAX = 192;

    private final long address = Memory.allocate(BYTES_MAX, MemoryTag.OTHER);

    /** Where it is; the layout is {@link CollectionRoot}'s. */
    long address() {
        return address;
    }

    /** Takes the root of an existing collection, which the command has read. */
    void open(long root, int bytes) {
        assert bytes <= BYTES_MAX;
        Memory.copy(root, address, bytes);
    }

    /** Begins a new collection without elements; the structures' parts are zero. @return its object */
    long create(Shard shard, int db, int bytes) {
        return create(shard, db, bytes, 1, 1);
    }

    /** As above, of a collection that takes so many odd page numbers, and even ones, in the same command. */
    long create(Shard shard, int db, int bytes, long oddPages, long evenPages) {
        assert bytes <= BYTES_MAX;
        long object;
        do {
            object = shard.createObject(db);
        } while (isAnyCold(shard, object, oddPages, evenPages));
        Memory.fill(address, bytes, (byte) 0);
        CollectionRoot.put(address, object);
        return object;
    }

    /** That another page has a hash like that of one of its pages could not be told without a read: then there is another object. */
    private static boolean isAnyCold(Shard shard, long object, long oddPages, long evenPages) {
        boolean cold = false;
        for (long i = 0; i < oddPages && !cold; i++) {
            cold = shard.isPageCold(object, 2 * i + 1);
        }
        for (long i = 0; i < evenPages && !cold; i++) {
            cold = shard.isPageCold(object, Buckets.page(i));
        }
        return cold;
    }

    /** Writes an existing collection's root back. Its key exists and is this object's. Counts the version. */
    void save(Shard shard, int db, long key, int keyLength, long hash, int kind, int bytes) {
        CollectionRoot.nextVersion(address);
        long root = shard.modify(db, key, keyLength, hash, kind, bytes);
        Memory.copy(address, root, bytes);
    }

    /** Makes a new collection the key's value, whatever it had. */
    void putNew(
            Shard shard,
            int db,
            long key,
            int keyLength,
            long hash,
            int kind,
            int bytes,
            long expiryMillis) {
        long root = shard.upsert(db, key, keyLength, hash, kind, bytes, expiryMillis);
        Memory.copy(address, root, bytes);
    }

    @Override
    public void close() {
        Memory.free(address, BYTES_MAX, MemoryTag.OTHER);
    }
}
