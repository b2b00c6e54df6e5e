package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.engine.RootLayout;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Collections are whole as they are made, and not without any one of their pages. */
class CollectionCheckTest {
    private static final int ELEMENTS = 4_000;
    private static final int BYTES = 64 << 10;

    private final long text = Memory.allocate(2 * BYTES, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(text, 2 * BYTES, MemoryTag.OTHER);
    }

    private int put(long at, int i) {
        String word = i % 700 == 3 ? "long" + i + "x".repeat(40_000) : "element" + i;
        byte[] bytes = word.getBytes(StandardCharsets.ISO_8859_1);
        Memory.copyIn(bytes, 0, at, bytes.length);
        return bytes.length;
    }

    private final class One implements Arguments {
        private int length;

        @Override
        public long arg(int i) {
            return text;
        }

        @Override
        public int argLength(int i) {
            return length;
        }
    }

    private interface Step {
        void run(int i);
    }

    private static void each(TestShard shard, Step step) {
        for (int i = 0; i < ELEMENTS; i++) {
            int number = i;
            shard.run(
                    () -> {
                        step.run(number);
                        return 0;
                    });
        }
    }

    private static boolean isWhole(TestShard shard, TestKey key) {
        CollectionCheck check = new CollectionCheck();
        shard.run(
                () -> {
                    check.begin(shard.shard(), key.record());
                    return 0;
                });
        while (shard.run(() -> check.step() ? 1 : 0) == 1) {}
        return check.isWhole();
    }

    /** Takes each page away for a while, and wants that seen. */
    private static void check(TestShard shard, TestKey key) {
        shard.pushOut();
        assertTrue(isWhole(shard, key));
        long[] root = new long[2];
        shard.run(
                () -> {
                    long value = Record.value(key.record());
                    root[0] = RootLayout.object(value);
                    root[1] = RootLayout.pages(value);
                    return 0;
                });
        int found = 0;
        for (long page = 0; page < root[1]; page += page < 40 ? 1 : 17) {
            long number = page;
            byte[] before = new byte[Record.MAX_VALUE_BYTES];
            int length =
                    (int)
                            shard.run(
                                    () -> {
                                        long record = shard.shard().readPage(root[0], number);
                                        if (record == 0) {
                                            return -1;
                                        }
                                        int bytes = Record.valueLength(record);
                                        Memory.copyOut(Record.value(record), before, 0, bytes);
                                        return bytes;
                                    });
            if (length < 0) {
                continue;
            }
            found++;
            shard.run(() -> shard.shard().deletePage(root[0], number) ? 1 : 0);
            assertEquals(false, isWhole(shard, key), "without page " + number);
            shard.run(
                    () -> {
                        long to = shard.shard().upsertPage(root[0], number, length);
                        Memory.copyIn(before, 0, to, length);
                        return 0;
                    });
        }
        assertTrue(found > 20, "pages: " + found);
        assertTrue(isWhole(shard, key));
    }

    @Test
    void lists() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "list");
                Lists list = new Lists()) {
            One one = new One();
            each(
                    shard,
                    i -> {
                        one.length = put(text, i);
                        long record = key.record();
                        list.open(
                                key.shard,
                                TestKey.DB,
                                key.address,
                                key.length,
                                key.hash,
                                record,
                                -2);
                        list.push(i % 3 == 0, one, 0, 1);
                    });
            check(shard, key);
        }
    }

    @Test
    void sets() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "set");
                Sets set = new Sets()) {
            SetLimits limits = new SetLimits();
            each(
                    shard,
                    i -> {
                        int length = put(text, i);
                        long record = key.record();
                        set.open(
                                key.shard,
                                TestKey.DB,
                                key.address,
                                key.length,
                                key.hash,
                                record,
                                limits);
                        set.load(text, length);
                        set.expect(1, text, length);
                        set.add(text, length);
                        set.finish();
                    });
            check(shard, key);
        }
    }

    @Test
    void hashes() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "hash");
                Hashes hash = new Hashes()) {
            each(
                    shard,
                    i -> {
                        int length = put(text, i);
                        int valueLength = put(text + BYTES, i + 1);
                        hash.open(
                                key.shard,
                                TestKey.DB,
                                key.address,
                                key.length,
                                key.hash,
                                key.record());
                        hash.loadTime(text, length, 0);
                        hash.probe(
                                Hashes.spilledPages(length) + Hashes.spilledPages(valueLength), 2);
                        hash.put(text, length, text + BYTES, valueLength);
                        if (i % 5 == 0) {
                            hash.setTime(text, length, shard.nowMillis() + 1_000 + i);
                        }
                        hash.finish();
                    });
            check(shard, key);
        }
    }

    @Test
    void sortedSets() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "sorted");
                SortedSets set = new SortedSets()) {
            each(
                    shard,
                    i -> {
                        int length = put(text, i);
                        set.open(
                                key.shard,
                                TestKey.DB,
                                key.address,
                                key.length,
                                key.hash,
                                key.record());
                        set.limits(128, 64, 1, length, length + SortedSets.ENTRY_BYTES);
                        set.loadPut(text, length, i % 97);
                        set.loaded();
                        set.find(text, length);
                        set.add(text, length, i % 97);
                        set.finish();
                    });
            check(shard, key);
        }
    }
}
