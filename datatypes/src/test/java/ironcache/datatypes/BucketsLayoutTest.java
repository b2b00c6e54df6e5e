package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bytes of the buckets' part and of a sorted set's entry, and which bucket a hash is in while there are more and more. */
final class BucketsLayoutTest {
    private final long part = Memory.allocate(64, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(part, 64, MemoryTag.OTHER);
    }

    private String hex(int bytes) {
        byte[] copy = new byte[bytes];
        Memory.copyOut(part, copy, 0, bytes);
        return HexFormat.of().formatHex(copy);
    }

    @Test
    void bytes() {
        BucketsLayout.put(part, 0x0102030405060708L, 5);
        BucketsLayout.addBytes(part, 0x1234);
        assertEquals(
                "0807060504030201" + "3412000000000000" + "0500000000000000",
                hex(BucketsLayout.BYTES));
        ScoreEntry.put(part, 0x0102030405060708L, 1);
        assertEquals("08070605" + "000000000000f03f", hex(ScoreEntry.BYTES));
        assertEquals(0x05060708L, ScoreEntry.hash(part));
    }

    /** A new bucket takes from the one that is split, and from no other. */
    @Test
    void oneBucketIsSplitAtATime() {
        for (long buckets = 1; buckets < 200; buckets++) {
            BucketsLayout.put(part, 0, buckets);
            long split = BucketsLayout.splitting(part);
            for (long hash = 0; hash < 2048; hash++) {
                BucketsLayout.putBuckets(part, buckets);
                long before = BucketsLayout.bucket(part, hash);
                assertTrue(before < buckets);
                BucketsLayout.putBuckets(part, buckets + 1);
                long after = BucketsLayout.bucket(part, hash);
                assertTrue(after == before || before == split && after == buckets);
            }
        }
    }

    /** A walk by cursors comes to each bucket once. */
    @Test
    void cursorsComeToEachBucketOnce() {
        for (long buckets = 1; buckets < 200; buckets++) {
            BucketsLayout.put(part, 0, buckets);
            boolean[] seen = new boolean[(int) buckets];
            long cursor = 0;
            int steps = 0;
            do {
                int bucket = (int) Buckets.bucketAt(part, cursor);
                assertTrue(!seen[bucket], "twice");
                seen[bucket] = true;
                steps++;
                cursor = Buckets.nextCursor(part, cursor);
            } while (cursor != 0);
            assertEquals(buckets, steps);
        }
    }
}
