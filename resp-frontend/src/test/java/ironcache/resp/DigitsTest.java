package ironcache.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class DigitsTest {
    private static Long parse(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        long memory = Memory.allocate(bytes.length + 1, MemoryTag.OTHER);
        try {
            Memory.copyIn(bytes, 0, memory, bytes.length);
            return Digits.isLong(memory, bytes.length) ? Digits.parse(memory, bytes.length) : null;
        } finally {
            Memory.free(memory, bytes.length + 1, MemoryTag.OTHER);
        }
    }

    private static String put(long value) {
        long memory = Memory.allocate(32, MemoryTag.OTHER);
        try {
            int length = (int) (Digits.put(memory, value) - memory);
            assertEquals(Digits.count(value), length);
            byte[] bytes = new byte[length];
            Memory.copyOut(memory, bytes, 0, length);
            return new String(bytes, StandardCharsets.ISO_8859_1);
        } finally {
            Memory.free(memory, 32, MemoryTag.OTHER);
        }
    }

    @Test
    void takesExactlyWhatRedisTakes() {
        for (String wrong :
                new String[] {
                    "",
                    "-",
                    "+1",
                    " 1",
                    "1 ",
                    "01",
                    "-0",
                    "00",
                    "-01",
                    "1a",
                    "a",
                    "9223372036854775808",
                    "-9223372036854775809",
                    "99999999999999999999",
                    "123456789012345678901",
                    "0x1",
                    "1.0"
                }) {
            assertEquals(null, parse(wrong), wrong);
        }
        for (String right :
                new String[] {
                    "0",
                    "1",
                    "-1",
                    "9",
                    "10",
                    "9223372036854775807",
                    "-9223372036854775808",
                    "1000000000000000000"
                }) {
            assertEquals(Long.valueOf(right), parse(right), right);
        }
    }

    @Test
    void writesWhatItReads() {
        Prng prng = new Prng(Long.getLong("ironcache.seed", 42));
        for (long value :
                new long[] {
                    0, 9, 10, 99, 100, 101, 999, 1000, Long.MAX_VALUE, Long.MIN_VALUE, -1, -10
                }) {
            assertEquals(Long.toString(value), put(value));
        }
        for (int i = 0; i < 100_000; i++) {
            long value = prng.nextLong() >> prng.nextInt(64);
            String text = put(value);
            assertEquals(Long.toString(value), text);
            assertEquals(value, parse(text));
        }
    }
}
