package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.engine.SplicedLayout;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;

/**
 * Entries of a paged collection by the hash of their key: bucket b is the object's page 2b, a version ({@link SplicedLayout}) and entries in no order; a bucket without entries has no page, but
 * its number counts among those that may exist ({@link CollectionRoot#needPages}), so that a view of the object knows that it had none. What there is of each: {@link BucketsLayout}, in the root.
 *
 * <p>Buckets hold {@value #BUCKET_BYTES} bytes on average. They are split one by one as entries come, and joined as they go, by commands that write anyway, where the pages in question are in RAM; only a command that
 * finds far too few buckets, or would leave far too few behind, waits for the pages that are to be split ({@link #load}).
 *
 * <p>One per thread. Owns a scratch of the size of the longest page.
 */
final class Buckets implements AutoCloseable {
    /** What the entries are. */
    enum Entries {
        /** Elements; the hash is that of each. */
        MEMBERS,
        /** Pairs of elements, the second of which may have a time; the hash is that of the first. The root is that of {@link Hashes}. */
        FIELDS,
        /** {@link ScoreEntry}. */
        SCORES
    }

    /** Of a bucket, on average. */
    static final int BUCKET_BYTES = 600;

    /** Of a bucket, on average, where splitting has been put off: no command leaves more behind. */
    private static final int LATE_BYTES = BUCKET_BYTES / 4 * 5;

    /** After each entry: one of 4 KB makes seven due. */
    private static final int STEPS_MAX = 8;

    // See places.
    private static final int DEVIATIONS = 6;
    private static final int SPARE_PLACES = 10;

    private final Entries entries;
    private final long scratch = Memory.allocate(2L * Record.MAX_VALUE_BYTES, MemoryTag.OTHER);

    /** Bytes that the command is going to add, at most. */
    private long expectedBytes;

    /** What splits up to this number of buckets need was read by the command. */
    private long loadedBuckets;

    Buckets(Entries entries) {
        this.entries = entries;
    }

    /** A command begins. */
    void reset() {
        expectedBytes = 0;
        loadedBuckets = 0;
    }

    /** Before its first write: the command is going to add so many bytes more, at most. */
    void expect(long bytes) {
        expectedBytes += bytes;
    }

    /** As many buckets as these bytes and those that are expected may come to in this command. */
    long bucketsFor(long bytes) {
        return (bytes + expectedBytes) / BUCKET_BYTES + 2;
    }

    /** Makes these the entries of a new collection, all in one bucket, which is to be settled. */
    static void begin(Shard shard, long root, long part, long from, long end) {
        BucketsLayout.put(part, shard.salt(CollectionRoot.object(root)), 1);
        BucketsLayout.addBytes(part, end - from);
        CollectionRoot.needPages(root, page(0) + 1);
        put(shard, root, 0, 0, from, end);
    }

    // Pages.

    static long page(long bucket) {
        return 2 * bucket;
    }

    /** Of a member or field. */
    static long hash(long part, long text, int length) {
        return Element.hash(BucketsLayout.salt(part), text, length);
    }

    /** As {@link #hash(long, long, int)}, of an element that is not spilled. */
    static long hash(long part, long element) {
        return Element.hash(BucketsLayout.salt(part), element);
    }

    /** The page of a hash. */
    static long pageOf(long part, long hash) {
        return page(BucketsLayout.bucket(part, hash));
    }

    /** Where the entries of a page begin. */
    static long first(long record) {
        return Record.value(record) + SplicedLayout.BYTES;
    }

    /** Where the entries of a page end. */
    static long end(long record) {
        return Record.value(record) + Record.valueLength(record);
    }

    /**
     * Before a command's first write: reads the pages that will have to be split, where that can wait no longer with what it is going to add, and what may look like those that are to be: else {@link #split} would be
     * put off, and the buckets outgrow their pages. May miss.
     */
    void load(Shard shard, long object, long part) {
        long last = (BucketsLayout.bytes(part) + expectedBytes) / LATE_BYTES;
        long first = Math.max(BucketsLayout.buckets(part), loadedBuckets);
        if (first > last) {
            return;
        }
        int asked = 0;
        for (long bucket = first; bucket <= last; bucket++) {
            asked = ManyPages.ask(shard, object, page(bucket - Long.highestOneBit(bucket)), asked);
            asked = ManyPages.ask(shard, object, page(bucket), asked);
        }
        ManyPages.await(shard, asked);
        loadedBuckets = last + 1;
    }

    /** As above, of a hash: where its fields have times too. */
    void loadTimed(Shard shard, long root, long part) {
        long first = Math.max(BucketsLayout.buckets(part), loadedBuckets);
        load(shard, CollectionRoot.object(root), part);
        if (FieldTimes.count(root) > 0) {
            for (long bucket = first; bucket < loadedBuckets; bucket++) {
                FieldTimes.load(shard, root, bucket - Long.highestOneBit(bucket));
                FieldTimes.load(shard, root, bucket);
            }
        }
    }

    // Entries.

    /**
     * Adds an entry, of which none is there yet with the same key.
     *
     * @param record of its page, read before, and unchanged since; 0: there is none
     * @return where the caller writes its bytes, at once
     */
    static long add(Shard shard, long root, long part, long hash, long record, int bytes) {
        long object = CollectionRoot.object(root);
        long page = pageOf(part, hash);
        BucketsLayout.addBytes(part, bytes);
        if (record == 0) {
            long value = shard.upsertPage(object, page, SplicedLayout.BYTES + bytes);
            SplicedLayout.putVersion(value, 0);
            return value + SplicedLayout.BYTES;
        }
        int length = Record.valueLength(record);
        return shard.splicePage(object, page, length, 0, bytes) + length;
    }

    /**
     * Replaces bytes of an entry.
     *
     * @param record of its page, read before, and unchanged since
     * @param at where the bytes are, {@code removed} of them
     * @return where the caller writes {@code inserted} bytes, at once
     */
    static long replace(
            Shard shard,
            long root,
            long part,
            long hash,
            long record,
            long at,
            int removed,
            int inserted) {
        int from = (int) (at - Record.value(record));
        BucketsLayout.addBytes(part, inserted - removed);
        return shard.splicePage(
                        CollectionRoot.object(root), pageOf(part, hash), from, removed, inserted)
                + from;
    }

    /** Takes an entry away, as {@link #replace}. */
    static void remove(
            Shard shard, long root, long part, long hash, long record, long at, int bytes) {
        BucketsLayout.addBytes(part, -bytes);
        long object = CollectionRoot.object(root);
        long page = pageOf(part, hash);
        if (Record.valueLength(record) == SplicedLayout.BYTES + bytes) {
            shard.deletePage(object, page);
        } else {
            shard.splicePage(object, page, (int) (at - Record.value(record)), bytes, 0);
        }
    }

    // Growing and shrinking.

    /** After entries were added or taken away: splits and joins buckets, as far as their pages are in RAM. */
    void settle(Shard shard, long root, long part) {
        for (int i = 0; i < STEPS_MAX; i++) {
            long bytes = BucketsLayout.bytes(part);
            long buckets = BucketsLayout.buckets(part);
            if (bytes > buckets * BUCKET_BYTES) {
                if (!split(shard, root, part)) {
                    return;
                }
            } else if (buckets == 1
                    || bytes > buckets * (BUCKET_BYTES / 4)
                    || !join(shard, root, part)) {
                return;
            }
        }
    }

    private boolean split(Shard shard, long root, long part) {
        long object = CollectionRoot.object(root);
        long bucket = BucketsLayout.splitting(part);
        long buckets = BucketsLayout.buckets(part);
        // Another page may have a hash like that of the one that is to be.
        boolean timed = isTimed(root);
        if (shard.isPageCold(object, page(bucket))
                || shard.isPageCold(object, page(buckets))
                || timed && areTimesCold(shard, root, bucket, buckets)) {
            return false;
        }
        long record = shard.readPage(object, page(bucket));
        BucketsLayout.putBuckets(part, buckets + 1);
        CollectionRoot.needPages(root, page(buckets) + 1);
        if (record == 0) {
            return true;
        }
        // The entries that stay are gathered from the scratch's begin on, those that move from its
        // middle on.
        long salt = BucketsLayout.salt(part);
        long bit = buckets - bucket;
        long stay = scratch;
        long move = scratch + Record.MAX_VALUE_BYTES;
        long end = end(record);
        for (long at = first(record); at < end; ) {
            long next = next(at);
            long to = (entryHash(salt, at) & bit) == 0 ? stay : move;
            Memory.copy(at, to, next - at);
            if (to == stay) {
                stay += next - at;
            } else {
                move += next - at;
            }
            at = next;
        }
        int version = SplicedLayout.version(Record.value(record)) + 1;
        put(shard, root, bucket, version, scratch, stay);
        put(shard, root, buckets, version, scratch + Record.MAX_VALUE_BYTES, move);
        if (timed) {
            FieldTimes.set(shard, root, bucket, earliest(scratch, stay));
            FieldTimes.set(shard, root, buckets, earliest(scratch + Record.MAX_VALUE_BYTES, move));
        }
        return true;
    }

    private boolean isTimed(long root) {
        return entries == Entries.FIELDS && FieldTimes.count(root) > 0;
    }

    private static boolean areTimesCold(Shard shard, long root, long bucket, long other) {
        return FieldTimes.isCold(shard, root, bucket) || FieldTimes.isCold(shard, root, other);
    }

    /** The earliest time of these fields; 0: none has one. */
    long earliest(long from, long end) {
        long earliest = 0;
        for (long at = from; at < end; at = next(at)) {
            long behind = at + Element.bytes(at);
            if (Element.isTime(behind) && (earliest == 0 || Element.time(behind) < earliest)) {
                earliest = Element.time(behind);
            }
        }
        return earliest;
    }

    private boolean join(Shard shard, long root, long part) {
        long object = CollectionRoot.object(root);
        long last = BucketsLayout.buckets(part) - 1;
        long buddy = last - Long.highestOneBit(last);
        boolean timed = isTimed(root);
        if (shard.isPageCold(object, page(last))
                || shard.isPageCold(object, page(buddy))
                || timed && areTimesCold(shard, root, last, buddy)) {
            return false;
        }
        long from = shard.readPage(object, page(last));
        long to = shard.readPage(object, page(buddy));
        long bytes = from == 0 ? 0 : end(from) - first(from);
        if (to != 0 && bytes + Record.valueLength(to) > Record.MAX_VALUE_BYTES) {
            return false;
        }
        BucketsLayout.putBuckets(part, last);
        if (timed) {
            long earliest = FieldTimes.load(shard, root, last);
            FieldTimes.set(shard, root, last, 0);
            if (earliest != 0) {
                FieldTimes.lower(shard, root, buddy, earliest);
            }
        }
        if (from == 0) {
            return true;
        }
        if (to == 0) {
            int version = SplicedLayout.version(Record.value(from)) + 1;
            put(shard, root, buddy, version, first(from), end(from));
        } else {
            int length = Record.valueLength(to);
            long value = shard.splicePage(object, page(buddy), length, 0, (int) bytes);
            Memory.copy(first(from), value + length, bytes);
        }
        shard.deletePage(object, page(last));
        return true;
    }

    /** Makes these the entries of a bucket, which may have others. They are not in its page. */
    private static void put(Shard shard, long root, long bucket, int version, long from, long end) {
        long object = CollectionRoot.object(root);
        if (from == end) {
            shard.deletePage(object, page(bucket));
            return;
        }
        int bytes = (int) (end - from);
        long value = shard.upsertPage(object, page(bucket), SplicedLayout.BYTES + bytes);
        SplicedLayout.putVersion(value, version);
        Memory.copy(from, value + SplicedLayout.BYTES, bytes);
    }

    /** The entry after this one. */
    long next(long at) {
        return switch (entries) {
            case MEMBERS -> Element.next(at);
            case FIELDS -> Element.next(Element.next(at));
            case SCORES -> at + ScoreEntry.BYTES;
        };
    }

    private long entryHash(long salt, long at) {
        return entries == Entries.SCORES ? ScoreEntry.hash(at) : Element.hash(salt, at);
    }

    // At random.

    /**
     * Any entry, each as likely as any other: a bucket, one of its {@link #places}, and where that has none, another try. May miss; with the same numbers of {@code random} it comes to the
     * same entry then.
     *
     * @param count of all entries, 1 at least
     */
    long pick(Shard shard, long root, long part, long count, Prng random) {
        long buckets = BucketsLayout.buckets(part);
        long places = places(count, buckets);
        while (true) {
            long bucket = random.nextLong(buckets);
            long skipped = random.nextLong(places);
            long record = shard.readPage(CollectionRoot.object(root), page(bucket));
            if (record == 0) {
                continue;
            }
            long end = end(record);
            long at = first(record);
            while (skipped > 0 && at < end) {
                at = next(at);
                skipped--;
            }
            if (at < end) {
                return at;
            }
        }
    }

    /**
     * More than there are entries in any bucket, those that were not split yet having most: entries are in buckets by their hashes, so their numbers are Poisson's. There is one chance in a hundred
     * million that a bucket has more; what is beyond is not picked then.
     */
    static long places(long count, long buckets) {
        long most = count / Long.highestOneBit(buckets) + 1;
        return most + (long) (DEVIATIONS * Math.sqrt((double) most)) + SPARE_PLACES;
    }

    // Walking. Cursors go through the hashes by their bits in reverse, so that a bucket's share
    // of the way stays in one piece when it is split or joined.

    /** The bucket that a cursor is at. */
    static long bucketAt(long part, long cursor) {
        return BucketsLayout.bucket(part, cursor);
    }

    /** The cursor behind the bucket that this one is at; 0: it was the last. */
    static long nextCursor(long part, long cursor) {
        long behind = cursor | ~BucketsLayout.mask(part, cursor);
        return Long.reverse(Long.reverse(behind) + 1);
    }

    @Override
    public void close() {
        Memory.free(scratch, 2L * Record.MAX_VALUE_BYTES, MemoryTag.OTHER);
    }
}
