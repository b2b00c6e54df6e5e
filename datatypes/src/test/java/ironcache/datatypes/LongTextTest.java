package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class LongTextTest {
    private static final int ROOM = 64;

    private final long text = Memory.allocate(ROOM, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(text, ROOM, MemoryTag.OTHER);
    }

    @Test
    void writesAndReadsBack() {
        long seed = Seed.get();
        Prng random = new Prng(seed);
        check(Long.MIN_VALUE);
        check(Long.MAX_VALUE);
        check(0);
        for (long power = 1; power > 0 && power <= 1_000_000_000_000_000_000L; power *= 10) {
            check(power);
            check(power - 1);
            check(-power);
            check(1 - power);
        }
        for (int i = 0; i < 100_000; i++) {
            check(random.nextLong() >> random.nextInt(64));
        }
    }

    private void check(long value) {
        int length = LongText.format(value, text);
        byte[] bytes = new byte[length];
        Memory.copyOut(text, bytes, 0, length);
        assertEquals(Long.toString(value), new String(bytes, StandardCharsets.US_ASCII));
        assertEquals(length, LongText.length(value));
        assertEquals(value, LongText.parse(text, length));
        assertTrue(LongText.isNumber(value, text, length));
    }

    @Test
    void refusesWhatFormattingWouldNotGive() {
        for (String bad :
                new String[] {
                    "",
                    "-",
                    "+1",
                    " 1",
                    "1 ",
                    "01",
                    "-0",
                    "-01",
                    "00",
                    "1.0",
                    "0x1",
                    "9223372036854775808",
                    "-9223372036854775809",
                    "99999999999999999999",
                    "-99999999999999999999",
                    "18446744073709551616",
                    "123456789012345678901",
                    "1a",
                    "a",
                    "--1",
                    "9223372036854775810",
                    "1\0",
                    "/",
                    ":",
                    "-:"
                }) {
            byte[] bytes = bad.getBytes(StandardCharsets.ISO_8859_1);
            Memory.copyIn(bytes, 0, text, bytes.length);
            assertFalse(
                    LongText.isNumber(LongText.parse(text, bytes.length), text, bytes.length), bad);
        }
    }
}
