package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Against the textbook's table of ints, walked back as Valkey does. */
final class LcsTest {
    @Test
    void knownExample() {
        Result result =
                lcs(
                        "ohmytext".getBytes(StandardCharsets.US_ASCII),
                        "mynewtext".getBytes(StandardCharsets.US_ASCII),
                        0);
        assertEquals("mytext", new String(result.common, StandardCharsets.US_ASCII));
        assertEquals(List.of("4-7 5-8", "2-3 0-1"), result.ranges);
    }

    @Test
    void equalsTheTable() {
        long seed = Seed.get();
        Prng random = new Prng(seed);
        for (int round = 0; round < 3000; round++) {
            int letters = 1 + random.nextInt(random.chance(0.1) ? 256 : 4);
            byte[] a = text(random, letters);
            byte[] b = text(random, letters);
            int minLength = random.nextInt(4);
            Result actual = lcs(a, b, minLength);
            Result wanted = table(a, b, minLength);
            assertArrayEquals(wanted.common, actual.common, Seed.line(seed));
            assertEquals(wanted.ranges, actual.ranges, Seed.line(seed));
        }
    }

    private static byte[] text(Prng random, int letters) {
        byte[] result = new byte[random.nextInt(random.chance(0.2) ? 300 : 70)];
        for (int i = 0; i < result.length; i++) {
            result[i] = (byte) random.nextInt(letters);
        }
        return result;
    }

    private record Result(byte[] common, List<String> ranges) {}

    private static Result lcs(byte[] a, byte[] b, int minLength) {
        long memory = Memory.allocate(2L * (a.length + b.length) + 1, MemoryTag.OTHER);
        Memory.copyIn(a, 0, memory, a.length);
        Memory.copyIn(b, 0, memory + a.length, b.length);
        try (Lcs lcs = new Lcs(memory, a.length, memory + a.length, b.length)) {
            byte[] common = new byte[(int) lcs.length()];
            long to = memory + a.length + b.length;
            lcs.copyTo(to);
            Memory.copyOut(to, common, 0, common.length);
            List<String> ranges = new ArrayList<>();
            lcs.ranges(
                    minLength, (as, ae, bs, be) -> ranges.add(as + "-" + ae + " " + bs + "-" + be));
            assertEquals(ranges.size(), lcs.countRanges(minLength));
            return new Result(common, ranges);
        } finally {
            Memory.free(memory, 2L * (a.length + b.length) + 1, MemoryTag.OTHER);
        }
    }

    private static Result table(byte[] a, byte[] b, int minLength) {
        int[][] t = new int[a.length + 1][b.length + 1];
        for (int i = 1; i <= a.length; i++) {
            for (int j = 1; j <= b.length; j++) {
                t[i][j] =
                        a[i - 1] == b[j - 1]
                                ? t[i - 1][j - 1] + 1
                                : Math.max(t[i - 1][j], t[i][j - 1]);
            }
        }
        int left = t[a.length][b.length];
        byte[] common = new byte[left];
        List<String> ranges = new ArrayList<>();
        int i = a.length;
        int j = b.length;
        int[] open = null;
        while (i > 0 && j > 0) {
            boolean emit = false;
            if (a[i - 1] == b[j - 1]) {
                common[--left] = a[i - 1];
                if (open == null) {
                    open = new int[] {i - 1, i - 1, j - 1, j - 1};
                } else if (open[0] == i && open[2] == j) {
                    open[0]--;
                    open[2]--;
                } else {
                    emit = true;
                }
                emit |= open[0] == 0 || open[2] == 0;
                i--;
                j--;
            } else {
                if (t[i - 1][j] > t[i][j - 1]) {
                    i--;
                } else {
                    j--;
                }
                emit = open != null;
            }
            if (emit) {
                if (open[1] - open[0] + 1 >= minLength) {
                    ranges.add(open[0] + "-" + open[1] + " " + open[2] + "-" + open[3]);
                }
                open = null;
            }
        }
        return new Result(common, ranges);
    }
}
