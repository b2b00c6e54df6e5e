package ironcache.datatypes;

import ironcache.engine.RootLayout;
import ironcache.engine.Shard;
import ironcache.engine.TimedLayout;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;
import ironcache.tiering.CommandMemoryException;

/**
 * Operations on whole keys whatever they hold: a record and, where it is the root of a paged object, its pages. Runs on the shard's
 * thread, or on one that has both shards; holds no memory, allocates nothing.
 */
public final class Keys {
    /** A page's header, key, version and index entry. */
    private static final long PAGE_BYTES_BESIDES = 40;

    /** Of a page number of a sorted set, on average: every second one is a bucket's, if it is used. */
    private static final long PAGE_BYTES_TYPICAL = TreeLayout.SCORED_LEAF_BYTES * 3 / 4;

    private Keys() {}

    /**
     * Gives a key another name in its database, over whatever has it. Pages belong to the object and stay; where the new name belongs to
     * another shard, they are copied. Names differ; the record was read in this command. May miss before it writes.
     */
    public static void rename(
            Shard shard,
            int db,
            long key,
            int keyLength,
            long hash,
            long record,
            Shard toShard,
            long toKey,
            int toKeyLength,
            long toHash) {
        if (toShard != shard) {
            copy(shard, record, toShard, db, toKey, toKeyLength, toHash);
            shard.delete(db, key, keyLength, hash);
            return;
        }
        boolean paged = Record.isPaged(record);
        long value = putCopy(shard, record, db, toKey, toKeyLength, toHash);
        copyTimes(shard, record, value, db, toKey, toKeyLength, toHash);
        if (paged) {
            shard.detach(db, key, keyLength, hash);
        } else {
            shard.delete(db, key, keyLength, hash);
        }
    }

    /**
     * Copies a key's value and expiry, pages included, over whatever is at the target: another name, another database, another shard. May
     * miss before it writes. As it is one command's work, there is a bound on the bytes ({@link Shard#commandBytes}).
     */
    public static void copy(
            Shard shard,
            long record,
            Shard toShard,
            int toDb,
            long toKey,
            int toKeyLength,
            long toHash) {
        if (!Record.isPaged(record)) {
            long value = putCopy(toShard, record, toDb, toKey, toKeyLength, toHash);
            copyTimes(toShard, record, value, toDb, toKey, toKeyLength, toHash);
            return;
        }
        long root = Record.value(record);
        long from = RootLayout.object(root);
        long pages = RootLayout.pages(root);
        if (pageBytes(record) > toShard.commandBytes()) {
            throw CommandMemoryException.SIGNAL;
        }
        int asked = 0;
        for (long page = 0; page < pages; page++) {
            asked = ManyPages.ask(shard, from, page, asked);
        }
        ManyPages.await(shard, asked);
        // The root first: should it miss, no page is without one.
        long to = toShard.createObject(toDb);
        long value = putCopy(toShard, record, toDb, toKey, toKeyLength, toHash);
        RootLayout.putObject(value, to);
        for (long page = 0; page < pages; page++) {
            long source = shard.readPage(from, page);
            if (source != 0) {
                int bytes = Record.valueLength(source);
                Memory.copy(Record.value(source), toShard.insertPage(to, page, bytes), bytes);
            }
        }
        copyTimes(toShard, record, value, toDb, toKey, toKeyLength, toHash);
    }

    /** Where the record is a hash with field times, the shard is told of its copy; that is written. */
    private static void copyTimes(
            Shard shard, long record, long value, int db, long key, int keyLength, long hash) {
        int kind = Record.kind(record);
        if (Record.isTimed(kind)) {
            long next = TimedLayout.next(kind, value, Record.valueLength(record));
            shard.fieldsExpireAt(db, key, keyLength, hash, next);
        }
    }

    /** Bytes that a key has in pages, beside its record, about. Nothing is read. */
    public static long pageBytes(long record) {
        if (!Record.isPaged(record)) {
            return 0;
        }
        long root = Record.value(record);
        return switch (Record.type(record)) {
            case Record.TYPE_STRING -> PagedStringLayout.length(root);
            case Record.TYPE_HASH, Record.TYPE_SET ->
                    BucketsLayout.bytes(root + CollectionRoot.BYTES)
                            + BucketsLayout.buckets(root + CollectionRoot.BYTES)
                                    * PAGE_BYTES_BESIDES;
            case Record.TYPE_LIST -> Lists.bytes(record);
            default -> RootLayout.pages(root) * PAGE_BYTES_TYPICAL;
        };
    }

    private static long putCopy(
            Shard shard, long record, int toDb, long toKey, int toKeyLength, long toHash) {
        int kind = Record.kind(record);
        if (Strings.isString(record)
                && !Record.isPaged(record)
                && Strings.encoding(record) == Strings.Encoding.RAW) {
            // Raw because key and value are long together: stays raw under a shorter name.
            kind = Record.STRING_RAW;
        }
        int bytes = Record.valueLength(record);
        long value =
                shard.upsert(toDb, toKey, toKeyLength, toHash, kind, bytes, Record.expiry(record));
        Memory.copy(Record.value(record), value, bytes);
        return value;
    }
}
