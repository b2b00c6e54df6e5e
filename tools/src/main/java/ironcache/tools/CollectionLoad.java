package ironcache.tools;

import ironcache.datatypes.Arguments;
import ironcache.datatypes.Hashes;
import ironcache.datatypes.Lists;
import ironcache.datatypes.SetLimits;
import ironcache.datatypes.Sets;
import ironcache.datatypes.SortedSets;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;

/**
 * Runs the commands that {@link DumpCollections} writes in a shard that is being made, as a server with Redis's settings would. Owned by one thread; owns the working places of the types, and a command's words.
 */
final class CollectionLoad implements AutoCloseable, Arguments {
    private static final int HASH_ENTRIES_MAX = 512;
    private static final int SET_ENTRIES_MAX = 128;
    private static final int VALUE_BYTES_MAX = 64;
    private static final int LISTPACK_SIZE = -2;

    private final Lists list = new Lists();
    private final Sets set = new Sets();
    private final Hashes hash = new Hashes();
    private final SortedSets sortedSet = new SortedSets();
    private final SetLimits setLimits = new SetLimits();

    // The command.
    private long words;
    private long wordsBytes;
    private long[] offsets = new long[16];
    private int count;
    private int db;

    /** Takes a command's words; word 1 is its key. */
    void take(DumpReader command, int database) {
        db = database;
        count = command.count();
        offsets = offsets.length <= count ? new long[2 * count] : offsets;
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            offsets[i] = bytes;
            bytes += command.word(i).length;
        }
        offsets[count] = bytes;
        if (bytes > wordsBytes) {
            free();
            words = Memory.allocate(bytes, MemoryTag.STAGING);
            wordsBytes = bytes;
        }
        for (int i = 0; i < count; i++) {
            byte[] word = command.word(i);
            Memory.copyIn(word, 0, arg(i), word.length);
        }
    }

    @Override
    public long arg(int i) {
        return words + offsets[i];
    }

    @Override
    public int argLength(int i) {
        return (int) (offsets[i + 1] - offsets[i]);
    }

    private long keyHash(Shard shard) {
        return shard.hash(arg(1), argLength(1));
    }

    /** The key's record, 0 where there is none. May miss, as all that follow. */
    private long record(Shard shard) {
        return shard.peek(db, arg(1), argLength(1), keyHash(shard));
    }

    /** Whether the key has something else than this. */
    boolean isOther(Shard shard, int type) {
        long record = record(shard);
        return record != 0 && Record.type(record) != type;
    }

    void delete(Shard shard) {
        shard.delete(db, arg(1), argLength(1), keyHash(shard));
    }

    void expire(Shard shard, long millis) {
        if (record(shard) == 0) {
            return;
        }
        if (millis <= shard.nowMillis()) {
            delete(shard);
        } else {
            shard.expireAt(db, arg(1), argLength(1), keyHash(shard), millis);
        }
    }

    void push(Shard shard) {
        long record = record(shard);
        list.open(shard, db, arg(1), argLength(1), keyHash(shard), record, LISTPACK_SIZE);
        list.push(false, this, 2, count);
    }

    void addMembers(Shard shard) {
        long record = record(shard);
        set.open(shard, db, arg(1), argLength(1), keyHash(shard), record, setLimits);
        for (int i = 2; i < count; i++) {
            set.load(arg(i), argLength(i));
        }
        set.expect(count - 2, arg(2), argLength(2));
        for (int i = 2; i < count; i++) {
            set.add(arg(i), argLength(i));
        }
        set.finish();
    }

    private void openHash(Shard shard) {
        long record = record(shard);
        hash.open(shard, db, arg(1), argLength(1), keyHash(shard), record);
        hash.setLimits(HASH_ENTRIES_MAX, VALUE_BYTES_MAX);
    }

    void setFields(Shard shard) {
        openHash(shard);
        long pages = 0;
        for (int i = 2; i < count; i += 2) {
            hash.load(arg(i), argLength(i), argLength(i + 1));
            pages += Hashes.spilledPages(argLength(i)) + Hashes.spilledPages(argLength(i + 1));
        }
        hash.probe(pages, count - 2);
        for (int i = 2; i < count; i += 2) {
            hash.put(arg(i), argLength(i), arg(i + 1), argLength(i + 1));
        }
        hash.finish();
    }

    /** @param first the first of the fields */
    void expireFields(Shard shard, long millis, int first) {
        openHash(shard);
        for (int i = first; i < count; i++) {
            hash.loadTime(arg(i), argLength(i), 0);
        }
        for (int i = first; i < count; i++) {
            if (hash.find(arg(i), argLength(i)) == 0) {
                continue;
            }
            if (millis <= shard.nowMillis()) {
                hash.remove(arg(i), argLength(i));
            } else {
                hash.setTime(arg(i), argLength(i), millis);
            }
        }
        hash.finish();
    }

    /** @param scores of the members in words 3, 5 ... */
    void addScored(Shard shard, double[] scores) {
        int longest = 0;
        long bytes = 0;
        for (int i = 3; i < count; i += 2) {
            longest = Math.max(longest, argLength(i));
            bytes += argLength(i) + SortedSets.ENTRY_BYTES;
        }
        long record = record(shard);
        sortedSet.open(shard, db, arg(1), argLength(1), keyHash(shard), record);
        sortedSet.limits(SET_ENTRIES_MAX, VALUE_BYTES_MAX, scores.length, longest, bytes);
        for (int i = 0; i < scores.length; i++) {
            sortedSet.loadPut(arg(2 * i + 3), argLength(2 * i + 3), scores[i]);
        }
        sortedSet.loaded();
        for (int i = 0; i < scores.length; i++) {
            long member = arg(2 * i + 3);
            int length = argLength(2 * i + 3);
            if (!sortedSet.find(member, length)) {
                sortedSet.add(member, length, scores[i]);
            } else if (sortedSet.score() != scores[i]) {
                sortedSet.update(member, length, scores[i]);
            }
        }
        sortedSet.finish();
    }

    private void free() {
        if (wordsBytes > 0) {
            Memory.free(words, wordsBytes, MemoryTag.STAGING);
        }
    }

    @Override
    public void close() {
        free();
        list.close();
        set.close();
        hash.close();
        sortedSet.close();
    }
}
