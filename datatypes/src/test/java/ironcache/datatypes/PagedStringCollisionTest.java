package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ironcache.ffm.Prng;
import org.junit.jupiter.api.Test;

/**
 * A page of a new string can have the hash of a cold page of another one, as far as the index keeps hashes. Once that made writing the new string miss in its middle: the command began
 * again with another object, and the pages that it had written were nobody's. Here object numbers are spent until the next one has such a page.
 */
final class PagedStringCollisionTest {
    private static final int PAGE = PagedStringLayout.DEFAULT_PAGE_BYTES;
    private static final int COLD_PAGES = 500;
    private static final int COLD_STRINGS = 2;

    /** Where in a new string the colliding page is. */
    private static final int FIRST = 6;

    private static final int LAST = 26;

    /** Of numbers of objects to be. Some ten thousand do, as a rule. */
    private static final int TRIES_MAX = 2_000_000;

    private final long seed = Seed.get();
    private final Prng random = new Prng(seed);

    @Test
    void newStringsAreWrittenWithoutAMiss() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "key");
                TestKey grown = new TestKey(shard, "grown");
                TestKey sparse = new TestKey(shard, "sparse");
                TestKey copy = new TestKey(shard, "copy")) {
            for (int i = 0; i < COLD_STRINGS; i++) {
                try (TestKey cold = new TestKey(shard, "cold" + i)) {
                    cold.set(bytes(COLD_PAGES * PAGE), 0);
                }
            }
            shard.pushOut();

            byte[] whole = bytes((LAST + 2) * PAGE);
            withoutMiss(shard, () -> key.set(whole, 0));
            assertArrayEquals(whole, key.range(0, whole.length), Seed.line(seed));

            byte[] head = bytes(50_000);
            byte[] tail = bytes(whole.length);
            grown.set(head, 0);
            withoutMiss(shard, () -> grown.append(tail));
            assertArrayEquals(tail, grown.range(head.length, tail.length), Seed.line(seed));

            int offset = (FIRST - 1) * PAGE + 77;
            withoutMiss(shard, () -> sparse.setRange(offset, whole));
            assertArrayEquals(whole, sparse.range(offset, whole.length), Seed.line(seed));

            // What it reads of the original may be taken for cold, but that is before it writes: it
            // makes one object.
            long behind = collideNext(shard);
            key.command(
                    () ->
                            Keys.copy(
                                    shard.shard(),
                                    key.record(),
                                    shard.shard(),
                                    TestKey.DB,
                                    copy.address,
                                    copy.length,
                                    copy.hash));
            assertEquals(
                    behind,
                    shard.run(() -> shard.shard().createObject(TestKey.DB)),
                    Seed.line(seed));
            assertArrayEquals(whole, copy.range(0, whole.length), Seed.line(seed));
        }
    }

    private void withoutMiss(TestShard shard, TestKey.Command command) {
        collideNext(shard);
        int before = shard.misses;
        command.run();
        assertEquals(before, shard.misses, Seed.line(seed));
    }

    /** The next object will have a page among {@link #FIRST} to {@link #LAST} that cannot be told from a cold one. @return the number of the one after it */
    private long collideNext(TestShard shard) {
        long last = shard.run(() -> shard.shard().createObject(TestKey.DB));
        long step = shard.run(() -> shard.shard().createObject(TestKey.DB)) - last;
        long wanted = last + 2 * step;
        while (!collides(shard, wanted)) {
            wanted += step;
            assertEquals(true, wanted < last + TRIES_MAX * step, "no collision");
        }
        for (long number = last + 2 * step; number < wanted; number += step) {
            shard.shard().createObject(TestKey.DB);
        }
        return wanted + step;
    }

    private static boolean collides(TestShard shard, long object) {
        for (long page = FIRST; page <= LAST; page++) {
            if (shard.shard().isPageCold(object, page)) {
                return true;
            }
        }
        return false;
    }

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) random.nextInt(256);
        }
        return bytes;
    }
}
