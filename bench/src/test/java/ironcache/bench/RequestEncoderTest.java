package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class RequestEncoderTest {
    private final ValueFunction values = new ValueFunction(ValueFunction.Kind.TEXT, 0, 0, 10, 10);

    @Test
    void commandsAreRespArrays() {
        RequestEncoder encoder = new RequestEncoder(16, 1_000_000, values);
        assertEquals(
                "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000042\r\n",
                encode(encoder, Operation.GET, 42));
        assertEquals(
                "*2\r\n$4\r\nINCR\r\n$16\r\nctr:000000000042\r\n",
                encode(encoder, Operation.INCR, 42));
        assertEquals("*1\r\n$4\r\nPING\r\n", encode(encoder, Operation.PING, 42));
        String set = encode(encoder, Operation.SET, 123_456_789_012L);
        assertTrue(
                set.matches(
                        "(?s)\\*3\r\n\\$3\r\nSET\r\n\\$16\r\nkey:123456789012\r\n\\$10\r\n.{10}\r\n"),
                set);
    }

    @Test
    void keysHaveTheSizeAskedFor() {
        for (int size = 8; size < 70; size++) {
            RequestEncoder encoder = new RequestEncoder(size, 1_000_000, values);
            String[] lines = encode(encoder, Operation.GET, 987_654).split("\r\n");
            assertEquals("$" + size, lines[3]);
            assertEquals(size, lines[4].length());
            assertTrue(lines[4].endsWith("987654"), lines[4]);
        }
    }

    @Test
    void commandsWithSeveralKeys() {
        RequestEncoder encoder = new RequestEncoder(5, 20_000, values);
        assertEquals(
                "*5\r\n$4\r\nMGET\r\n$5\r\n00042\r\n$5\r\n00043\r\n$5\r\n00044\r\n$5\r\n00045\r\n",
                encode(encoder, Operation.MGET, 42));
        String set = encode(encoder, Operation.MSET, 12_345);
        assertTrue(
                set.matches(
                        "(?s)\\*9\r\n\\$4\r\nMSET\r\n(\\$5\r\n1234[5-8]\r\n\\$10\r\n.{10}\r\n){4}"),
                set);
    }

    /** Slots as CLUSTER KEYSLOT tells them. */
    @Test
    void slotsAreThoseOfTheClusterSpecification() {
        RequestEncoder encoder = new RequestEncoder(16, 1_000_000, values);
        assertEquals(7_803, encoder.slotOf(Operation.GET, 42));
        assertEquals(16_360, encoder.slotOf(Operation.GET, 123_456_789_012L));
        assertEquals(2_368, encoder.slotOf(Operation.INCR, 42));
        assertEquals(12_739, new RequestEncoder(9, 10, values).slotOf(Operation.GET, 123_456_789));
    }

    @Test
    void eightDigitsOfEveryKindOfNumber() {
        for (long number = 0; number < 100_000_000; number += 1 + number / 97) {
            long digits = RequestEncoder.eightDigits((int) number);
            byte[] text =
                    ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(digits).array();
            assertEquals(
                    String.format("%08d", number), new String(text, StandardCharsets.US_ASCII));
        }
    }

    @Test
    void keysTooShortForTheirNumbersAreRefused() {
        assertThrows(
                IllegalArgumentException.class, () -> new RequestEncoder(5, 1_000_000, values));
    }

    private static String encode(RequestEncoder encoder, Operation op, long key) {
        ByteBuffer out = ByteBuffer.allocateDirect(1024).order(ByteOrder.LITTLE_ENDIAN);
        out.put((byte) '!');
        encoder.encode(out, op, new long[] {key, key + 1, key + 2, key + 3});
        assertTrue(out.position() - 1 <= encoder.requestSizeMax(List.of(op)));
        byte[] bytes = new byte[out.position()];
        out.get(0, bytes);
        assertEquals('!', bytes[0]);
        return new String(bytes, 1, bytes.length - 1, StandardCharsets.ISO_8859_1);
    }
}
