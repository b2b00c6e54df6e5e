package ironcache.recovery;

import ironcache.engine.RootLayout;
import ironcache.engine.Shard;
import ironcache.engine.SlotTable;
import ironcache.engine.TimedLayout;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.SystemClock;
import ironcache.hybridlog.Record;
import java.util.ArrayList;
import java.util.List;

/** Copies keys out of stored shards into new ones, each into that of its slot. Owned by the thread that owns them all. */
final class KeyCopy {
    /** Pages of an object that are asked for at a time. */
    private static final int PAGES_AT_ONCE = 32;

    private final List<NewShard> to;
    private final SlotTable slots;
    private final Recovery progress;
    private final Runnable onKey;

    /** The time of all reads: what expires meanwhile does so in its new shard. */
    private final long nowMillis = SystemClock.INSTANCE.currentTimeMillis();

    /** @param onKey run for each key */
    KeyCopy(List<NewShard> to, Recovery progress, Runnable onKey) {
        this.to = to;
        this.progress = progress;
        this.onKey = onKey;
        slots = new SlotTable(to.size());
    }

    /** What a shard has. */
    void all(StoredShard stored) {
        for (int db = 0; db < Shard.DATABASES; db++) {
            copy(stored, db);
        }
    }

    private void copy(StoredShard stored, int db) {
        if (stored.size(nowMillis, db) == 0) {
            return;
        }
        List<byte[]> paged = new ArrayList<>();
        long cursor = 0;
        do {
            paged.clear();
            cursor =
                    stored.scan(
                            nowMillis,
                            db,
                            cursor,
                            record -> {
                                if (Record.isPaged(record)) {
                                    paged.add(StoredShard.keyOf(record));
                                } else {
                                    copy(db, record);
                                }
                                progress.addDone(Record.length(record));
                                onKey.run();
                            });
            for (byte[] key : paged) {
                copyPaged(stored, db, key);
            }
        } while (cursor != 0);
    }

    private NewShard shardOf(long key, int keyLength) {
        return to.size() == 1
                ? to.getFirst()
                : to.get(slots.shardOf(SlotTable.slotOf(key, keyLength)));
    }

    private void copy(int db, long record) {
        NewShard target = shardOf(Record.key(record), Record.keyLength(record));
        target.write(
                () ->
                        put(
                                target.shard(),
                                db,
                                Record.key(record),
                                Record.keyLength(record),
                                Record.kind(record),
                                Record.value(record),
                                Record.valueLength(record),
                                Record.expiry(record),
                                0));
    }

    /** @param object of the copy; 0: the value is no root */
    private static void put(
            Shard shard,
            int db,
            long key,
            int keyLength,
            int kind,
            long value,
            int valueLength,
            long expiryMillis,
            long object) {
        long hash = shard.hash(key, keyLength);
        long at = shard.upsert(db, key, keyLength, hash, kind, valueLength, expiryMillis);
        Memory.copy(value, at, valueLength);
        if (object != 0) {
            RootLayout.putObject(at, object);
        }
        if (Record.isTimed(kind)) {
            long next = TimedLayout.next(kind, at, valueLength);
            shard.fieldsExpireAt(db, key, keyLength, hash, next);
        }
    }

    /** What a paged key's record says. */
    private static final class Root {
        int kind;
        int length;
        long expiryMillis;
        long object;
        long pages;
    }

    /** Page by page: an object may be larger than a shard's memory. */
    private void copyPaged(StoredShard stored, int db, byte[] key) {
        long bytes = Math.max(8, key.length);
        long name = Memory.allocate(bytes, MemoryTag.OTHER);
        long value = Memory.allocate(Record.MAX_VALUE_BYTES, MemoryTag.OTHER);
        try {
            Memory.copyIn(key, 0, name, key.length);
            Root root = new Root();
            Shard source = stored.shard();
            stored.read(
                    nowMillis,
                    () -> {
                        long hash = source.hash(name, key.length);
                        long record = source.peek(db, name, key.length, hash);
                        root.kind = Record.kind(record);
                        root.length = Record.valueLength(record);
                        root.expiryMillis = Record.expiry(record);
                        root.object = RootLayout.object(Record.value(record));
                        root.pages = RootLayout.pages(Record.value(record));
                        Memory.copy(Record.value(record), value, root.length);
                    });
            NewShard target = shardOf(name, key.length);
            long[] object = new long[1];
            target.write(() -> object[0] = target.shard().createObject(db));
            for (long page = 0; page < root.pages; page++) {
                copyPage(stored, target, root, page, object[0]);
            }
            target.write(
                    () ->
                            put(
                                    target.shard(),
                                    db,
                                    name,
                                    key.length,
                                    root.kind,
                                    value,
                                    root.length,
                                    root.expiryMillis,
                                    object[0]));
        } finally {
            Memory.free(value, Record.MAX_VALUE_BYTES, MemoryTag.OTHER);
            Memory.free(name, bytes, MemoryTag.OTHER);
        }
    }

    private void copyPage(
            StoredShard stored, NewShard target, Root root, long page, long toObject) {
        stored.read(
                nowMillis,
                () -> {
                    if (page % PAGES_AT_ONCE == 0) {
                        long end = Math.min(root.pages, page + PAGES_AT_ONCE);
                        for (long ahead = page; ahead < end; ahead++) {
                            stored.shard().prefetchPage(root.object, ahead);
                        }
                    }
                    long record = stored.shard().readPage(root.object, page);
                    if (record != 0) {
                        int length = Record.valueLength(record);
                        target.write(
                                () ->
                                        Memory.copy(
                                                Record.value(record),
                                                target.shard().upsertPage(toObject, page, length),
                                                length));
                        progress.addDone(length);
                    }
                });
    }
}
