package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class GlobTest {
    @ParameterizedTest
    @CsvSource({
        "*, '', false",
        "'', '', true",
        "*, abc, true",
        "a*c, abc, true",
        "a*c, abd, false",
        "h?llo, hello, true",
        "h[ae]llo, hallo, true",
        "h[ae]llo, hillo, false",
        "h[^e]llo, hello, false",
        "h[^e]llo, hallo, true",
        "h[a-c]llo, hbllo, true",
        "h[c-a]llo, hbllo, true",
        "h\\?llo, h?llo, true",
        "h\\?llo, hello, false",
        "[abc, b, true",
        "[^abc, b, false",
        "[^, x, true",
        "[, x, false",
        "[a-, a, true",
        "[a-, -, true",
        "[]a], a, false",
        "[\\]], ], true",
        "a**, a, true",
        "**a, ba, true",
        "\\, \\, true",
        "a\\, a\\, true",
        "[\\, \\, true",
        "?, '', false",
        "a*, '', false",
        "*a*b*c*, xaybzcw, true",
        "[a-z]*, zebra, true",
        "[!a], !, true"
    })
    void table(String pattern, String text, boolean wanted) {
        // KEYS '' against an empty key never gets past the loop in Valkey: star needs no text only
        // at the end of a text.
        assertEquals(wanted, matches(pattern, text), pattern + " on " + text);
    }

    /** Stars and question marks against java.util.regex. */
    @Test
    void starsAgreeWithRegularExpressions() {
        long seed = Seed.get();
        Prng random = new Prng(seed);
        for (int round = 0; round < 20_000; round++) {
            String pattern = text(random, "ab*?", 8);
            String text = text(random, "ab", 8);
            if (text.isEmpty()) {
                continue;
            }
            String regex = pattern.replace("*", ".*").replace("?", ".");
            assertEquals(
                    Pattern.matches(regex, text),
                    matches(pattern, text),
                    pattern + " on " + text + " " + Seed.line(seed));
        }
    }

    @Test
    void manyStarsDoNotExplode() {
        assertEquals(false, matches("a*".repeat(500) + "b", "a".repeat(5000)));
        assertEquals(false, matches("*?".repeat(3000) + "b", "a".repeat(4000)));
    }

    private static String text(Prng random, String letters, int maxLength) {
        StringBuilder result = new StringBuilder();
        for (int left = random.nextInt(maxLength + 1); left > 0; left--) {
            result.append(letters.charAt(random.nextInt(letters.length())));
        }
        return result.toString();
    }

    private static boolean matches(String pattern, String text) {
        byte[] p = pattern.getBytes(StandardCharsets.ISO_8859_1);
        byte[] t = text.getBytes(StandardCharsets.ISO_8859_1);
        long memory = Memory.allocate(p.length + t.length + 1, MemoryTag.OTHER);
        try {
            Memory.copyIn(p, 0, memory, p.length);
            Memory.copyIn(t, 0, memory + p.length, t.length);
            return Glob.matches(memory, p.length, memory + p.length, t.length);
        } finally {
            Memory.free(memory, p.length + t.length + 1, MemoryTag.OTHER);
        }
    }
}
