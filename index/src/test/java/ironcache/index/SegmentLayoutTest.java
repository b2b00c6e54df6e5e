package ironcache.index;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import org.junit.jupiter.api.Test;

/** Pins the numbers that a stored cursor and the cache's geometry depend on. */
class SegmentLayoutTest {
    @Test
    void sizesAndOffsets() {
        assertEquals(57_344, SegmentLayout.HEADER);
        assertEquals(57_400, SegmentLayout.OVERFLOW);
        assertEquals(57_408, SegmentLayout.STASH);
        assertEquals(65_280, SegmentLayout.BYTES);
        assertEquals(0, SegmentLayout.BYTES % 128, "groups are aligned pairs of lines");
        assertTrue(SegmentLayout.GROUPS <= 7 * 64, "one header bit per group");
        assertTrue(SegmentLayout.GROUPS <= 1 << SegmentLayout.GROUP_BITS);
    }

    @Test
    void everyGroupHasThreeDistinctStashLinesAndTheyAreEvenlyUsed() {
        int[] groupsOfLine = new int[SegmentLayout.STASH_LINES];
        for (int group = 0; group < SegmentLayout.GROUPS; group++) {
            long last = 0;
            for (int choice = 0; choice < SegmentLayout.STASH_CHOICES; choice++) {
                long line = SegmentLayout.stashLine(group, choice);
                assertTrue(line > last && line < SegmentLayout.BYTES);
                last = line;
                groupsOfLine[(int) (line - SegmentLayout.STASH) / 64]++;
            }
        }
        for (int groups : groupsOfLine) {
            assertTrue(groups >= 9 && groups <= 12, "groups per stash line: " + groups);
        }
    }

    @Test
    void tagAndHomeComeFromDisjointBits() {
        Seeds.run(
                prng -> {
                    for (int i = 0; i < 1000; i++) {
                        long hash = prng.nextLong();
                        long other = hash & 0xFFFFFFFFL | Prng.mix(i) << 32;
                        assertEquals(SegmentLayout.homeLine(hash), SegmentLayout.homeLine(other));
                        assertEquals(SegmentLayout.tagOf(hash), SegmentLayout.tagOf(hash ^ i));
                        assertTrue(SegmentLayout.homeLine(hash) < SegmentLayout.HEADER);
                    }
                });
        assertEquals(SegmentLayout.LOWEST_TAG, SegmentLayout.tagOf(0xFFFFFFFFFFL));
    }
}
