package ironcache.index;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import ironcache.ffm.Mapping;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import org.junit.jupiter.api.Test;

/** Every width of the vector probe, and the scalar twin, against a plain loop on the same lines. */
class ProbeTest {
    private static final long TAG_MASK = ~SegmentLayout.PAYLOAD_MASK;

    @Test
    void allWidthsAgreeOnRandomLines() {
        Seeds.run(
                prng ->
                        withLine(
                                line -> {
                                    for (int round = 0; round < 20_000; round++) {
                                        long tag = randomTag(prng);
                                        for (int i = 0; i < 8; i++) {
                                            Memory.putLong(line + 8L * i, randomSlot(prng, tag));
                                        }
                                        compare(line, tag);
                                    }
                                }));
    }

    @Test
    void allWidthsAgreeOnEveryPatternOfMatchesAndHoles() {
        long[] tags = {SegmentLayout.LOWEST_TAG, Long.MIN_VALUE, TAG_MASK, 0x7FFFFFL << 40};
        withLine(
                line -> {
                    for (long tag : tags) {
                        for (int pattern = 0; pattern < 6561; pattern++) {
                            for (int i = 0, rest = pattern; i < 8; i++, rest /= 3) {
                                long other =
                                        (tag ^ SegmentLayout.LOWEST_TAG) == 0
                                                ? TAG_MASK | 5
                                                : tag ^ SegmentLayout.LOWEST_TAG;
                                Memory.putLong(
                                        line + 8L * i,
                                        rest % 3 == 0 ? 0 : rest % 3 == 1 ? tag | 1 : other | 1);
                            }
                            compare(line, tag);
                        }
                    }
                });
    }

    @Test
    void aPlantedDifferenceWouldShow() {
        withLine(
                line -> {
                    Memory.putLong(line + 56, SegmentLayout.LOWEST_TAG | 1);
                    assertNotEquals(
                            ScalarProbe.match(line, SegmentLayout.LOWEST_TAG),
                            ScalarProbe.match(line - 8, SegmentLayout.LOWEST_TAG));
                    assertEquals(0x80, VectorProbe.match512(line, SegmentLayout.LOWEST_TAG));
                });
    }

    private static void compare(long line, long tag) {
        int matches = 0;
        int empties = 0;
        for (int i = 0; i < 8; i++) {
            long word = Memory.getLong(line + 8L * i);
            matches |= word != 0 && (word & TAG_MASK) == tag ? 1 << i : 0;
            empties |= word == 0 ? 1 << i : 0;
        }
        assertEquals(matches, ScalarProbe.match(line, tag));
        assertEquals(matches, VectorProbe.match512(line, tag));
        assertEquals(matches, VectorProbe.match256(line, tag));
        assertEquals(matches, VectorProbe.match128(line, tag));
        assertEquals(empties, ScalarProbe.empty(line));
        assertEquals(empties, VectorProbe.empty512(line));
        assertEquals(empties, VectorProbe.empty256(line));
        assertEquals(empties, VectorProbe.empty128(line));
    }

    private static long randomTag(Prng prng) {
        long tag = prng.nextLong() & TAG_MASK;
        return tag == 0 || prng.chance(0.1) ? SegmentLayout.LOWEST_TAG : tag;
    }

    private static long randomSlot(Prng prng, long tag) {
        long payload = prng.nextLong(SegmentLayout.PAYLOAD_MASK) + 1;
        return switch (prng.nextInt(4)) {
            case 0 -> 0;
            case 1 -> tag | payload;
            case 2 -> SegmentLayout.tagOf(tag ^ 1L << 40 + prng.nextInt(24)) | payload;
            default -> randomTag(prng) | payload;
        };
    }

    private interface LineBody {
        void run(long line);
    }

    private static void withLine(LineBody body) {
        try (Mapping mapping = Mapping.reserve(4096, MemoryTag.INDEX)) {
            body.run(mapping.address() + 128);
        }
    }
}
