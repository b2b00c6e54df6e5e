package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Commands that add much to collections that are on the SSD, so that hardly a bucket could be split without being read: none outgrows its page. */
final class BucketsGrowthTest {
    private static final int BUFFER_BYTES = 8 << 20;

    /** Of a bucket, where entries are of 2 KB: a few times the average. */
    private static final int PAGE_BYTES_MAX = 40 << 10;

    private final long buffer = Memory.allocate(BUFFER_BYTES, MemoryTag.OTHER);
    private final Sets sets = new Sets();
    private final SetLimits limits = new SetLimits();
    private final Hashes hashes = new Hashes();
    private final SortedSets sortedSets = new SortedSets();

    @AfterEach
    void free() {
        Memory.free(buffer, BUFFER_BYTES, MemoryTag.OTHER);
        sets.close();
        hashes.close();
        sortedSets.close();
    }

    private long[] addresses = {};
    private int[] lengths = {};

    private void strings(int from, int count, int bytes) {
        addresses = new long[count];
        lengths = new int[count];
        long at = buffer;
        for (int i = 0; i < count; i++) {
            String text = (from + i) + "-";
            text += "x".repeat(Math.max(0, bytes - text.length()));
            byte[] coded = text.getBytes(StandardCharsets.ISO_8859_1);
            Memory.copyIn(coded, 0, at, coded.length);
            addresses[i] = at;
            lengths[i] = coded.length;
            at += coded.length;
        }
        assertTrue(at <= buffer + BUFFER_BYTES);
    }

    private void addToSet(TestShard shard, TestKey key) {
        shard.run(
                () -> {
                    long record = key.record();
                    sets.open(
                            key.shard,
                            TestKey.DB,
                            key.address,
                            key.length,
                            key.hash,
                            record,
                            limits);
                    for (int i = 0; i < addresses.length; i++) {
                        sets.prefetch(addresses[i], lengths[i]);
                    }
                    for (int i = 0; i < addresses.length; i++) {
                        sets.load(addresses[i], lengths[i]);
                    }
                    for (int i = 0; i < addresses.length; i++) {
                        assertTrue(sets.add(addresses[i], lengths[i]));
                    }
                    sets.finish();
                    return 0;
                });
    }

    private void addToHash(TestShard shard, TestKey key) {
        shard.run(
                () -> {
                    long record = key.record();
                    hashes.open(key.shard, TestKey.DB, key.address, key.length, key.hash, record);
                    for (int i = 0; i < addresses.length; i++) {
                        hashes.prefetch(addresses[i], lengths[i]);
                    }
                    for (int i = 0; i < addresses.length; i++) {
                        hashes.load(addresses[i], lengths[i], lengths[i]);
                    }
                    for (int i = 0; i < addresses.length; i++) {
                        assertTrue(hashes.put(addresses[i], lengths[i], addresses[i], lengths[i]));
                    }
                    hashes.finish();
                    return 0;
                });
    }

    private void addToSortedSet(TestShard shard, TestKey key, int from) {
        shard.run(
                () -> {
                    long record = key.record();
                    sortedSets.open(
                            key.shard, TestKey.DB, key.address, key.length, key.hash, record);
                    long bytes = 0;
                    for (int length : lengths) {
                        bytes += length + SortedSets.ENTRY_BYTES;
                    }
                    sortedSets.limits(128, 64, addresses.length, 20, bytes);
                    for (int i = 0; i < addresses.length; i++) {
                        sortedSets.loadPut(addresses[i], lengths[i], from + i);
                    }
                    sortedSets.loaded();
                    for (int i = 0; i < addresses.length; i++) {
                        sortedSets.add(addresses[i], lengths[i], from + i);
                    }
                    sortedSets.finish();
                    return 0;
                });
    }

    /** @param part of the buckets in the root */
    private static void check(TestShard shard, TestKey key, int part, long count) {
        shard.run(
                () -> {
                    long record = key.record();
                    long root = Record.value(record);
                    assertEquals(count, CollectionRoot.count(root));
                    long buckets = BucketsLayout.buckets(root + part);
                    long bytes = BucketsLayout.bytes(root + part);
                    assertTrue(
                            bytes <= (buckets + 1) * Buckets.BUCKET_BYTES * 5 / 4,
                            bytes + " bytes in " + buckets + " buckets");
                    long all = 0;
                    for (long i = 0; i < buckets; i++) {
                        long page =
                                key.shard.readPage(CollectionRoot.object(root), Buckets.page(i));
                        if (page != 0) {
                            all += Buckets.end(page) - Buckets.first(page);
                            assertTrue(
                                    Record.valueLength(page) < PAGE_BYTES_MAX,
                                    () -> Record.valueLength(page) + " bytes in a bucket");
                        }
                    }
                    assertEquals(bytes, all);
                    return 0;
                });
    }

    @Test
    void oneVeryLargeInsert() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey set = new TestKey(shard, "set");
                TestKey hash = new TestKey(shard, "hash");
                TestKey sorted = new TestKey(shard, "sorted")) {
            strings(0, 500, 20);
            addToSet(shard, set);
            addToHash(shard, hash);
            addToSortedSet(shard, sorted, 0);
            shard.pushOut();
            strings(500, 50_000, 20);
            addToSet(shard, set);
            addToHash(shard, hash);
            addToSortedSet(shard, sorted, 500);
            check(shard, set, SetPages.PART, 50_500);
            check(shard, hash, CollectionRoot.BYTES, 50_500);
            check(shard, sorted, PagedSortedSet.BUCKETS, 50_500);
        }
    }

    /** Each of them touches few of the buckets, and leaves the set with more for its bytes than it had. */
    @Test
    void manyLargeInserts() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey set = new TestKey(shard, "set");
                TestKey hash = new TestKey(shard, "hash")) {
            strings(0, 100, 1_500);
            addToSet(shard, set);
            addToHash(shard, hash);
            for (int round = 1; round <= 12; round++) {
                shard.pushOut();
                strings(100 * round, 100, 1_500);
                addToSet(shard, set);
                addToHash(shard, hash);
                check(shard, set, SetPages.PART, 100L * (round + 1));
                check(shard, hash, CollectionRoot.BYTES, 100L * (round + 1));
            }
        }
    }

    @Test
    void oneVeryLargeNewCollection() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey set = new TestKey(shard, "set");
                TestKey hash = new TestKey(shard, "hash")) {
            shard.pushOut();
            strings(0, 50_000, 20);
            addToSet(shard, set);
            addToHash(shard, hash);
            check(shard, set, SetPages.PART, 50_000);
            check(shard, hash, CollectionRoot.BYTES, 50_000);
        }
    }
}
