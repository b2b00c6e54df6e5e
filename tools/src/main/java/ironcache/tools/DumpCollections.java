package ironcache.tools;

import ironcache.datatypes.Element;
import ironcache.datatypes.Hashes;
import ironcache.datatypes.ListWalk;
import ironcache.datatypes.SetWalk;
import ironcache.datatypes.SortedSets;
import ironcache.engine.RootLayout;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;
import ironcache.recovery.StoredShard;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes a collection of any size as commands, part by part, for {@link DumpWriter}: what is in memory of it is a part, or some pages of a long string. Owned by one thread; owns what goes through collections of each
 * type.
 */
final class DumpCollections implements AutoCloseable {
    /** Pages of a hash or a set that are asked for at a time. */
    private static final int PARTS_AT_ONCE = 32;

    private static final int ELEMENTS_WANTED = 512;

    private final RespWriter resp;
    private final OutputStream out;
    private final Cancellation cancellation;
    private final ListWalk list = new ListWalk();
    private final SetWalk set = new SetWalk();
    private final Hashes hash = new Hashes();
    private final SortedSets sortedSet = new SortedSets();
    private final DumpChunk chunk = new DumpChunk();
    private final long name = Memory.allocate(Record.MAX_KEY_BYTES, MemoryTag.OTHER);

    // The key.
    private byte[] key = {};
    private int db;
    private int type;
    private long object;

    /** Where the next part begins: of a list and a sorted set elements, of others pages; -1: that was all. */
    private long place;

    private long nextPlace;

    DumpCollections(RespWriter resp, OutputStream out, Cancellation cancellation) {
        this.resp = resp;
        this.out = out;
        this.cancellation = cancellation;
    }

    /** Writes a packed collection, from the middle of a walk over records. */
    void writePacked(StoredShard stored, long nowMillis, int database, long record)
            throws IOException {
        begin(StoredShard.keyOf(record), database, record);
        while (place >= 0) {
            gather(stored.shard(), record);
            writeChunk(stored, nowMillis);
        }
        end(Record.expiry(record));
    }

    /** Writes a collection, between two commands. */
    void write(StoredShard stored, long nowMillis, int database, byte[] of) throws IOException {
        Memory.copyIn(of, 0, name, of.length);
        Shard shard = stored.shard();
        long keyHash = shard.hash(name, of.length);
        long[] expiry = new long[1];
        stored.read(
                nowMillis,
                () -> {
                    long record = shard.peek(database, name, of.length, keyHash);
                    type = Record.type(record);
                    object = RootLayout.object(Record.value(record));
                    expiry[0] = Record.expiry(record);
                });
        begin(of, database);
        while (place >= 0) {
            cancellation.check();
            stored.read(
                    nowMillis, () -> gather(shard, shard.peek(database, name, of.length, keyHash)));
            writeChunk(stored, nowMillis);
        }
        end(expiry[0]);
    }

    private void begin(byte[] of, int database, long record) throws IOException {
        type = Record.type(record);
        object = 0;
        begin(of, database);
    }

    private void begin(byte[] of, int database) throws IOException {
        key = of;
        db = database;
        place = 0;
        resp.command(2);
        resp.bulk(ascii("DEL"));
        resp.bulk(key);
    }

    private void end(long expiryMillis) throws IOException {
        if (expiryMillis != 0) {
            resp.command(3);
            resp.bulk(ascii("PEXPIREAT"));
            resp.bulk(key);
            resp.bulk(ascii(Long.toString(expiryMillis)));
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    // Gathering. May miss, and is run again then.

    private void gather(Shard shard, long record) {
        chunk.clear();
        switch (type) {
            case Record.TYPE_LIST -> gatherList(shard, record);
            case Record.TYPE_SET -> gatherSet(shard, record);
            case Record.TYPE_HASH -> gatherHash(shard, record);
            case Record.TYPE_ZSET -> gatherSortedSet(shard, record);
            default ->
                    throw new ToolException(
                            "key "
                                    + InspectCommand.text(
                                            Record.key(record), Record.keyLength(record), 256)
                                    + " has a type that dump does not know: "
                                    + StatReport.typeName(record));
        }
    }

    private void gatherList(Shard shard, long record) {
        list.open(shard, record);
        list.seek(place, ELEMENTS_WANTED);
        boolean more = list.next();
        while (more && !chunk.isFull()) {
            chunk.add(list.element());
            more = list.next();
        }
        nextPlace = more ? place + chunk.words() : -1;
    }

    private void gatherSet(Shard shard, long record) {
        set.open(shard, record);
        set.prefetch(place, place + PARTS_AT_ONCE);
        long part = place;
        while (part < set.parts() && !chunk.isFull()) {
            set.goTo(part++);
            while (set.nextOfPart()) {
                chunk.add(set.element());
            }
        }
        nextPlace = part < set.parts() ? part : -1;
    }

    private void gatherHash(Shard shard, long record) {
        hash.open(shard, db, Record.key(record), Record.keyLength(record), 0, record);
        for (long i = place; i < Math.min(hash.parts(), place + PARTS_AT_ONCE); i++) {
            hash.prefetchPart(i);
        }
        long part = place;
        while (part < hash.parts() && !chunk.isFull()) {
            hash.goTo(part++);
            for (long at = hash.from(); at < hash.end(); ) {
                long behind = at + Element.bytes(at);
                long value = hash.live(behind);
                if (value != 0) {
                    chunk.add(at);
                    if (value != behind) {
                        chunk.putTime(Element.time(behind));
                    }
                    chunk.add(value);
                }
                at = Element.next(behind);
            }
        }
        nextPlace = part < hash.parts() ? part : -1;
    }

    private void gatherSortedSet(Shard shard, long record) {
        sortedSet.open(shard, db, Record.key(record), Record.keyLength(record), 0, record);
        boolean more = sortedSet.seekRank(place, ELEMENTS_WANTED);
        while (more && !chunk.isFull()) {
            chunk.add(score(sortedSet.score()));
            chunk.add(sortedSet.member(), sortedSet.memberLength());
            more = sortedSet.next();
        }
        nextPlace = more ? place + chunk.words() / 2 : -1;
    }

    /** As any server reads it back to the same bits. */
    private static String score(double score) {
        return Double.isInfinite(score) ? score > 0 ? "inf" : "-inf" : Double.toString(score);
    }

    // Writing.

    private void writeChunk(StoredShard stored, long nowMillis) throws IOException {
        place = nextPlace;
        if (chunk.words() == 0) {
            return;
        }
        resp.command(2 + chunk.words());
        resp.bulk(ascii(command()));
        resp.bulk(key);
        for (int i = 0; i < chunk.words(); i++) {
            chunk.write(i, resp, out, stored, nowMillis, object);
        }
        if (type == Record.TYPE_HASH) {
            writeTimes(stored, nowMillis);
        }
    }

    private String command() {
        return switch (type) {
            case Record.TYPE_LIST -> "RPUSH";
            case Record.TYPE_SET -> "SADD";
            case Record.TYPE_HASH -> "HSET";
            default -> "ZADD";
        };
    }

    /** A command for each run of fields with the same time. */
    private void writeTimes(StoredShard stored, long nowMillis) throws IOException {
        int end;
        for (int i = 0; i < chunk.words(); i = end) {
            long time = chunk.time(i);
            end = i + 2;
            if (time == 0) {
                continue;
            }
            while (end < chunk.words() && chunk.time(end) == time) {
                end += 2;
            }
            resp.command(5 + (end - i) / 2);
            resp.bulk(ascii("HPEXPIREAT"));
            resp.bulk(key);
            resp.bulk(ascii(Long.toString(time)));
            resp.bulk(ascii("FIELDS"));
            resp.bulk(ascii(Integer.toString((end - i) / 2)));
            for (int field = i; field < end; field += 2) {
                chunk.write(field, resp, out, stored, nowMillis, object);
            }
        }
    }

    @Override
    public void close() {
        list.close();
        set.close();
        hash.close();
        sortedSet.close();
        chunk.close();
        Memory.free(name, Record.MAX_KEY_BYTES, MemoryTag.OTHER);
    }
}
