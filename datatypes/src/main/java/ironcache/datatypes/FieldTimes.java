package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;

/**
 * Where in a paged hash the next field expires: a tree over its buckets ({@link FieldTimesLayout}), 8 bytes for each, each node a page of the object, of which a bucket's earliest time goes up to the
 * top where it is the earliest. So the bucket is found by one page a level, and none is read to find out that nothing of it has expired.
 *
 * <p>Times are bounds: a field that gets an earlier time lowers that of its bucket, one that loses its time does not raise it; who looks at the whole bucket sets it right. Nodes are made where they are needed, and go
 * with the object. Page 0 is a bucket, so 0 says that there is no node.
 *
 * <p>Static methods; a command has read the nodes of the buckets it changes ({@link #load}) before its first write.
 */
final class FieldTimes {
    private FieldTimes() {}

    private static long part(long root) {
        return root + Hashes.TIMES;
    }

    /** Fields with a time. */
    static long count(long root) {
        return FieldTimesLayout.count(part(root));
    }

    /** Asks for the top node without waiting. */
    static void prefetch(Shard shard, long root) {
        long top = FieldTimesLayout.top(part(root));
        if (top != 0) {
            shard.prefetchPage(CollectionRoot.object(root), top);
        }
    }

    /** Reads the nodes of a bucket. May miss. @return its bound; 0: it has none */
    static long load(Shard shard, long root, long bucket) {
        int level = FieldTimesLayout.levels(part(root));
        long page = FieldTimesLayout.top(part(root));
        if (!FieldTimesLayout.covers(level, bucket)) {
            return 0;
        }
        long object = CollectionRoot.object(root);
        long time = 0;
        while (page != 0) {
            level--;
            long node = shard.readPage(object, page);
            int entry = FieldTimesLayout.entry(bucket, level);
            time = time(node, level, entry);
            page = level == 0 ? 0 : child(node, level, entry);
        }
        return level == 0 ? time : 0;
    }

    /** Whether {@link #load} would miss. Nothing is asked for. */
    static boolean isCold(Shard shard, long root, long bucket) {
        int level = FieldTimesLayout.levels(part(root));
        long page = FieldTimesLayout.top(part(root));
        long object = CollectionRoot.object(root);
        if (!FieldTimesLayout.covers(level, bucket)) {
            // The tree grows over its top, which must be known then.
            return page != 0 && shard.isPageCold(object, page);
        }
        while (page != 0) {
            if (shard.isPageCold(object, page)) {
                return true;
            }
            level--;
            page =
                    level == 0
                            ? 0
                            : child(
                                    shard.readPage(object, page),
                                    level,
                                    FieldTimesLayout.entry(bucket, level));
        }
        return false;
    }

    /** The bucket with the earliest bound; -1: none has one. May miss. */
    static long first(Shard shard, long root) {
        int level = FieldTimesLayout.levels(part(root));
        long page = FieldTimesLayout.top(part(root));
        long object = CollectionRoot.object(root);
        long bucket = page == 0 ? -1 : 0;
        while (page != 0) {
            level--;
            long node = shard.readPage(object, page);
            int entry = FieldTimesLayout.first(Record.value(node), Record.valueLength(node), level);
            if (entry < 0) {
                return -1;
            }
            bucket = bucket << FieldTimesLayout.LEVEL_BITS | entry;
            page = level == 0 ? 0 : child(node, level, entry);
        }
        return bucket;
    }

    /** The earliest bound of all; 0: there is none. May miss. */
    static long earliest(Shard shard, long root) {
        long top = FieldTimesLayout.top(part(root));
        if (top == 0) {
            return 0;
        }
        int level = FieldTimesLayout.levels(part(root)) - 1;
        return earliest(shard.readPage(CollectionRoot.object(root), top), level);
    }

    /** A field of the bucket has this time now. */
    static void lower(Shard shard, long root, long bucket, long millis) {
        long before = load(shard, root, bucket);
        if (before == 0 || millis < before) {
            set(shard, root, bucket, millis);
        }
    }

    /** The bucket's earliest time is this one; 0: it has none. */
    static void set(Shard shard, long root, long bucket, long millis) {
        if (load(shard, root, bucket) == millis) {
            return;
        }
        long part = part(root);
        if (FieldTimesLayout.top(part) == 0) {
            FieldTimesLayout.putTop(part, newNode(shard, root, 0), 1);
        }
        while (!FieldTimesLayout.covers(FieldTimesLayout.levels(part), bucket)) {
            grow(shard, root);
        }
        int level = FieldTimesLayout.levels(part) - 1;
        put(shard, root, FieldTimesLayout.top(part), level, bucket, millis);
    }

    /** One level more, over the top. */
    private static void grow(Shard shard, long root) {
        long part = part(root);
        long top = FieldTimesLayout.top(part);
        int level = FieldTimesLayout.levels(part);
        long object = CollectionRoot.object(root);
        long earliest = earliest(shard.readPage(object, top), level - 1);
        long page = newNode(shard, root, level);
        write(shard, object, page, level, 0, earliest, top);
        FieldTimesLayout.putTop(part, page, level + 1);
    }

    /** @return the earliest time of the node now */
    private static long put(
            Shard shard, long root, long page, int level, long bucket, long millis) {
        long object = CollectionRoot.object(root);
        int entry = FieldTimesLayout.entry(bucket, level);
        long time = millis;
        long child = 0;
        if (level > 0) {
            child = child(shard.readPage(object, page), level, entry);
            if (child == 0) {
                child = newNode(shard, root, level - 1);
            }
            time = put(shard, root, child, level - 1, bucket, millis);
        }
        write(shard, object, page, level, entry, time, child);
        return earliest(shard.readPage(object, page), level);
    }

    /** A page with a first entry of zeros. Of a number that may be that of a page on the SSD, as far as hashes tell, none is made. */
    private static long newNode(Shard shard, long root, int level) {
        long object = CollectionRoot.object(root);
        long page = CollectionRoot.takePages(root, 1);
        while (shard.isPageCold(object, page)) {
            page = CollectionRoot.takePages(root, 1);
        }
        int bytes = FieldTimesLayout.entryBytes(level);
        Memory.fill(shard.upsertPage(object, page, bytes), bytes, (byte) 0);
        return page;
    }

    private static void write(
            Shard shard, long object, long page, int level, int entry, long time, long child) {
        long record = shard.readPage(object, page);
        int length = Record.valueLength(record);
        int bytes = FieldTimesLayout.entryBytes(level);
        int at = entry * bytes;
        long value;
        if (at < length) {
            if (time(record, level, entry) == time
                    && (level == 0 || child(record, level, entry) == child)) {
                return;
            }
            value = shard.modifyPage(object, page, length, at, bytes);
        } else {
            value = shard.modifyPage(object, page, at + bytes, length, at + bytes - length);
            Memory.fill(value + length, at - length, (byte) 0);
        }
        Memory.putLong(value + at, time);
        if (level > 0) {
            Memory.putLong(value + at + Long.BYTES, child);
        }
    }

    // Nodes by their records.

    private static long time(long node, int level, int entry) {
        return FieldTimesLayout.time(Record.value(node), Record.valueLength(node), level, entry);
    }

    private static long child(long node, int level, int entry) {
        return FieldTimesLayout.child(Record.value(node), Record.valueLength(node), level, entry);
    }

    private static long earliest(long node, int level) {
        int first = FieldTimesLayout.first(Record.value(node), Record.valueLength(node), level);
        return first < 0 ? 0 : time(node, level, first);
    }
}
