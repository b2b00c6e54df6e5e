package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import ironcache.engine.KeyHash;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is loaded beforehand is the page that has the element. */
final class ElementPagesTest {
    private static final int FEW = 100;
    private static final int MANY = 6_000;
    private static final int TEXT_BYTES_MAX = 64;

    private final long text = Memory.allocate(TEXT_BYTES_MAX, MemoryTag.OTHER);
    private final TestShard shard;
    private final TestKey key;
    private final Hashes hashes = new Hashes();
    private final Sets sets = new Sets();
    private final SortedSets sortedSets = new SortedSets();

    ElementPagesTest() throws IOException {
        shard = new TestShard();
        key = new TestKey(shard, "key");
    }

    @AfterEach
    void close() throws Exception {
        key.close();
        hashes.close();
        sets.close();
        sortedSets.close();
        shard.close();
        Memory.free(text, TEXT_BYTES_MAX, MemoryTag.OTHER);
    }

    /** An element, every third a number. @return its length */
    private int put(int i) {
        byte[] bytes =
                (i % 3 == 0 ? Integer.toString(i) : "element " + i)
                        .getBytes(StandardCharsets.ISO_8859_1);
        Memory.copyIn(bytes, 0, text, bytes.length);
        return bytes.length;
    }

    private void add(int i, int type) {
        key.command(
                () -> {
                    int length = put(i);
                    long record = key.record();
                    switch (type) {
                        case 0 -> {
                            hashes.open(key.shard, 0, key.address, key.length, key.hash, record);
                            hashes.load(text, length);
                            hashes.put(text, length, text, length);
                            hashes.finish();
                        }
                        case 1 -> {
                            sets.open(
                                    key.shard,
                                    0,
                                    key.address,
                                    key.length,
                                    key.hash,
                                    record,
                                    new SetLimits());
                            sets.load(text, length);
                            sets.expect(1, text, length);
                            sets.add(text, length);
                            sets.finish();
                        }
                        default -> {
                            sortedSets.open(
                                    key.shard, 0, key.address, key.length, key.hash, record);
                            sortedSets.limits(128, 64, 1, length, length);
                            sortedSets.loadPut(text, length, i);
                            sortedSets.loaded();
                            if (!sortedSets.find(text, length)) {
                                sortedSets.add(text, length, i);
                                sortedSets.finish();
                            }
                        }
                    }
                });
    }

    private void check(int type) {
        for (int i = 0; i < FEW; i++) {
            add(i, type);
        }
        assertEquals(ElementPages.NONE, ElementPages.of(key.record(), text, put(7)));
        for (int i = FEW; i < MANY; i++) {
            add(i, type);
        }
        for (int each = 0; each < MANY; each++) {
            int i = each;
            key.command(
                    () -> {
                        int length = put(i);
                        long record = key.record();
                        long number = ElementPages.of(record, text, length);
                        long page = key.shard.readPage(ElementPages.object(record), number);
                        assertNotEquals(0, page);
                        assertNotEquals(0, find(record, page, length, type), "element " + i);
                    });
        }
    }

    private long find(long record, long page, int length, int type) {
        long from = Buckets.first(page);
        long end = Buckets.end(page);
        if (type == 0) {
            return Element.findField(from, end, text, length);
        }
        if (type == 1) {
            return Element.find(from, end, text, length);
        }
        long salt = BucketsLayout.salt(Record.value(record) + PagedSortedSet.BUCKETS);
        return ScoreEntry.find(from, end, KeyHash.of(salt, text, length));
    }

    @Test
    void ofHashes() {
        check(0);
    }

    @Test
    void ofSets() {
        check(1);
    }

    @Test
    void ofSortedSets() {
        check(2);
    }

    @Test
    void otherValuesHaveNone() {
        key.set(new byte[100_000], 0);
        assertEquals(ElementPages.NONE, ElementPages.of(key.record(), text, put(7)));
    }
}
