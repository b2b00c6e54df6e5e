package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values that Valkey 9.1.2 answered on x86-64; the fuzzer against the live oracle is in the frontend's tests. */
final class LongDoubleTest {
    @ParameterizedTest
    @CsvSource({
        "0, 3.0e3, 3000",
        "3000, 0.1, 3000.10000000000000009",
        "0, 0.1, 0.1",
        "0.1, 0.2, 0.3",
        "1e10, 0.1, 10000000000.09999999962747097",
        "1e17, 0.1, 100000000000000000.1015625",
        "0, 123456789012345678901234567890, 123456789012345678899921813504",
        "0x1p3, 0.1, 8.1",
        "0, 0x.8, 0.5",
        "0, -1e-20, 0",
        "0, 1e-4940, 0",
        "-0, -0, 0",
        "5., .5, 5.5",
        "-1.5, 1.25, -0.25",
        "+1, 1E5, 100001"
    })
    void sums(String left, String right, String wanted) {
        LongDouble sum = parse(left).plus(parse(right));
        assertNotNull(sum);
        assertEquals(wanted, sum.toText());
    }

    @Test
    void refusesWhatStrtoldRefuses() {
        for (String bad :
                new String[] {
                    "",
                    ".",
                    "-",
                    "1e",
                    "1e+",
                    "0x",
                    "0xp1",
                    "0x1.p",
                    "1_0",
                    "1,5",
                    " 1",
                    "1 ",
                    "nan",
                    "infi",
                    "1d",
                    "0b1",
                    "1e1.5",
                    "1e5000",
                    "1.2e4932",
                    "1e-5000",
                    "1e-4951",
                    "1e99999999999999999999",
                    "0x1p99999",
                    "0x1p-99999",
                    "1\0",
                    "0." + "1".repeat(5118)
                }) {
            assertNull(LongDouble.parse(bad.getBytes(StandardCharsets.ISO_8859_1)), bad);
        }
    }

    @Test
    void largestAndSmallest() {
        LongDouble large = parse("1e4932");
        assertNull(large.plus(large));
        assertEquals(4933, large.toText().length());
        assertEquals("0", parse("0e-99999999999").toText());
        assertEquals("0", parse("1e-4950").toText());
        assertEquals("1.11111111111111111", parse("1." + "1".repeat(5117)).toText());
        assertNull(parse("inf").plus(parse("1")));
        assertNull(parse("-Infinity").plus(parse("1")));
        assertEquals("9223372036854775807", LongDouble.of(Long.MAX_VALUE).toText());
    }

    private static LongDouble parse(String text) {
        LongDouble value = LongDouble.parse(text.getBytes(StandardCharsets.ISO_8859_1));
        assertNotNull(value, text);
        return value;
    }
}
