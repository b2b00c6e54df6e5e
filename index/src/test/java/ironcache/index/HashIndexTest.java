package ironcache.index;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HashIndexTest {
    private final HashIndex index = new HashIndex();
    private long bytesBefore;

    @BeforeEach
    void remember() {
        bytesBefore = MemoryTag.INDEX.bytes();
    }

    @AfterEach
    void nothingIsLeft() {
        index.close();
        assertEquals(bytesBefore, MemoryTag.INDEX.bytes());
    }

    @Test
    void anEmptyIndexHoldsNothingAndFindsNothing() {
        assertEquals(0, index.bytes());
        assertEquals(0, index.size());
        assertEquals(0, index.first(42));
        assertEquals(0, index.next());
        assertEquals(0, index.first(0), "the empty slot's word must not pass for tag 0");
        assertEquals(0, index.touch(0));
        assertEquals(0, index.scan(0, (slot, payload) -> assertEquals(0, payload)));
    }

    @Test
    void insertFindReplaceRemove() {
        long hash = Prng.mix(7);
        long slot = index.insert(hash, 1);
        assertEquals(slot, index.first(hash));
        assertEquals(0, index.next());
        assertEquals(1, HashIndex.payload(slot));
        assertEquals(1, index.touch(hash));
        index.replace(slot, SegmentLayout.PAYLOAD_MASK);
        assertEquals(SegmentLayout.PAYLOAD_MASK, HashIndex.payload(slot));
        assertEquals(slot, index.first(hash));
        assertEquals(1, index.size());
        index.remove(slot);
        assertEquals(0, index.first(hash));
        assertEquals(0, index.size());
    }

    @Test
    void payloadsThatDoNotFitAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> index.insert(1, 0));
        assertThrows(IllegalArgumentException.class, () -> index.insert(1, 1L << 40));
        long slot = index.insert(1, 1);
        assertThrows(IllegalArgumentException.class, () -> index.replace(slot, -1));
        assertEquals(1, index.size());
        assertEquals(1, HashIndex.payload(slot));
    }

    @Test
    void aForeignSlotIsRefused() {
        index.insert(1, 1);
        assertThrows(IllegalArgumentException.class, () -> index.remove(4096));
        assertEquals(1, index.size());
    }

    @Test
    void equalHashesAreAllFound() {
        // 2 lines of the group, 3 of the stash, and overflow units beyond.
        for (int count = 1; count <= 500; count++) {
            index.insert(0x123456789ABCDEFL, count);
            assertEquals(count, candidates(0x123456789ABCDEFL));
        }
        assertEquals(0, candidates(0x223456789ABCDEFL), "same group, other tag");
    }

    @Test
    void oneTagForAll() {
        int count = 20_000;
        for (int i = 1; i <= count; i++) {
            index.insert(0xABCDEFL << 40 | Prng.mix(i) >>> 32, i);
        }
        assertTrue(index.overflowUnits() > 0);
        for (int i = 1; i <= count; i += 7) {
            assertTrue(finds(0xABCDEFL << 40 | Prng.mix(i) >>> 32, i), "entry " + i);
        }
        assertEquals(count, scanned());
        assertTrue(index.bytes() < 60 * SegmentLayout.BYTES, "bytes " + index.bytes());
    }

    @Test
    void oneGroupForAll() {
        int count = 5_000;
        for (int i = 1; i <= count; i++) {
            index.insert(Prng.mix(i) & 0xFFFFFFFF00000000L | 77, i);
        }
        for (int i = 1; i <= count; i += 7) {
            assertTrue(finds(Prng.mix(i) & 0xFFFFFFFF00000000L | 77, i), "entry " + i);
        }
        assertEquals(count, scanned());
        assertTrue(index.bytes() < 10 * SegmentLayout.BYTES, "bytes " + index.bytes());
        // The overflow dissolves where ordinary entries make the segments split.
        for (int i = 1; i <= 100_000; i++) {
            index.insert(Prng.mix(-i), i);
        }
        for (int i = 1; i <= count; i += 7) {
            assertTrue(finds(Prng.mix(i) & 0xFFFFFFFF00000000L | 77, i), "entry " + i);
        }
    }

    @Test
    void leadingZeroesAndOnes() {
        for (int i = 1; i <= 30_000; i++) {
            index.insert(Prng.mix(i) >>> 10, i);
            index.insert(Prng.mix(i) >> 63 | Prng.mix(i) >>> 40, i);
        }
        for (int i = 1; i <= 30_000; i += 11) {
            assertTrue(finds(Prng.mix(i) >>> 10, i));
            assertTrue(finds(Prng.mix(i) >> 63 | Prng.mix(i) >>> 40, i));
        }
        assertEquals(60_000, scanned());
    }

    @Test
    void memoryPerEntryIsSteady() {
        double worst = 0;
        for (int i = 1; i <= 1_000_000; i++) {
            index.insert(Prng.mix(i), i);
            if (i >= 200_000 && i % 10_000 == 0) {
                worst = Math.max(worst, (double) index.bytes() / i);
            }
        }
        assertTrue(worst < 12.5, "bytes per entry " + worst);
        assertEquals(0, index.overflowUnits(), "a sound hash needs none");
        assertEquals(index.bytes(), MemoryTag.INDEX.bytes() - bytesBefore);
    }

    @Test
    void clearGivesMemoryBackAndTheIndexIsUsable() {
        for (int round = 0; round < 3; round++) {
            for (int i = 1; i <= 50_000; i++) {
                index.insert(Prng.mix(i), i);
            }
            index.clear();
            assertEquals(0, index.bytes());
            assertEquals(bytesBefore, MemoryTag.INDEX.bytes());
            assertEquals(0, index.first(Prng.mix(1)));
        }
    }

    @Test
    void touchFindsWhatStandsInTheGroupsLines() {
        int count = 10_000;
        for (int i = 0; i < count; i++) {
            index.insert(Prng.mix(i), i + 1);
        }
        int found = 0;
        long lines = 0;
        for (int i = 0; i < count; i++) {
            lines |= index.touchLines(Prng.mix(i));
            found += index.touch(Prng.mix(i)) == i + 1 ? 1 : 0;
        }
        assertTrue(lines != 0);
        assertTrue(found > count * 8 / 10, "found " + found);
    }

    @Test
    void cursorAtBeginsAnywhere() {
        for (int i = 1; i <= 20_000; i++) {
            index.insert(Prng.mix(i), i);
        }
        for (int i = 0; i < 1000; i++) {
            long[] visits = {0};
            long next = index.scan(index.cursorAt(Prng.mix(-i)), (slot, payload) -> visits[0]++);
            assertTrue(visits[0] > 0);
            assertNotEquals(index.cursorAt(Prng.mix(-i)), next);
        }
    }

    @Test
    void foreignCursorsDoNoHarm() {
        for (int i = 1; i <= 20_000; i++) {
            index.insert(Prng.mix(i), i);
        }
        Seeds.run(
                prng -> {
                    for (int i = 0; i < 10_000; i++) {
                        long next =
                                index.scan(
                                        prng.nextLong() >>> prng.nextInt(64),
                                        (slot, payload) -> {});
                        assertTrue(next >= 0);
                    }
                });
    }

    @Test
    void theHotPathAllocatesNothing() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int i = 1; i <= 300_000; i++) {
            index.insert(Prng.mix(i), i);
        }
        work(3_000_000);
        long before = threads.getCurrentThreadAllocatedBytes();
        work(200_000);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < 4096, "bytes allocated by 200,000 rounds: " + allocated);
    }

    private long work(int rounds) {
        long sum = 0;
        for (int i = 1; i <= rounds; i++) {
            long hash = Prng.mix(i % 400_000);
            long slot = index.first(hash);
            if (slot != 0) {
                index.replace(slot, HashIndex.payload(slot));
                index.next();
            }
            sum += index.touch(hash);
            index.remove(index.insert(hash, 5));
        }
        return sum;
    }

    private int candidates(long hash) {
        int count = 0;
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            count++;
        }
        return count;
    }

    private boolean finds(long hash, long payload) {
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            if (HashIndex.payload(slot) == payload) {
                return true;
            }
        }
        return false;
    }

    private long scanned() {
        long[] count = {0};
        long cursor = 0;
        do {
            cursor = index.scan(cursor, (slot, payload) -> count[0]++);
        } while (cursor != 0);
        return count[0];
    }
}
