package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ValueFunctionTest {
    @ParameterizedTest
    @EnumSource(ValueFunction.Kind.class)
    void everyPieceOfAValueMatchesAtItsOffset(ValueFunction.Kind kind) {
        ValueFunction values = new ValueFunction(kind, 1, 0, 37, 37);
        ByteBuffer whole = buffer(64);
        values.write(whole, 9);
        assertEquals(37, whole.position());
        for (int offset = 0; offset <= 37; offset++) {
            for (int count = 0; offset + count <= 37; count++) {
                assertTrue(values.matches(9, offset, whole, offset, count), offset + "+" + count);
            }
        }
    }

    @Test
    void oneWrongBitAnywhereIsSeen() {
        ValueFunction values = new ValueFunction(ValueFunction.Kind.RANDOM, 1, 0, 21, 21);
        ByteBuffer whole = buffer(32);
        values.write(whole, 3);
        for (int bit = 0; bit < 21 * 8; bit++) {
            int at = bit >>> 3;
            whole.put(at, (byte) (whole.get(at) ^ 1 << (bit & 7)));
            assertFalse(values.matches(3, 0, whole, 0, 21), "bit " + bit);
            whole.put(at, (byte) (whole.get(at) ^ 1 << (bit & 7)));
        }
    }

    @Test
    void anotherKeyOrGenerationHasAnotherValue() {
        ByteBuffer value = buffer(64);
        new ValueFunction(ValueFunction.Kind.RANDOM, 0, 0, 64, 64).write(value, 5);
        assertFalse(
                new ValueFunction(ValueFunction.Kind.RANDOM, 0, 0, 64, 64)
                        .matches(6, 0, value, 0, 64));
        assertFalse(
                new ValueFunction(ValueFunction.Kind.RANDOM, 0, 1, 64, 64)
                        .matches(5, 0, value, 0, 64));
        assertTrue(
                new ValueFunction(ValueFunction.Kind.RANDOM, 0, 0, 64, 64)
                        .matches(5, 0, value, 0, 64));
    }

    @Test
    void lengthsOfARangeAreAllInItAndStable() {
        ValueFunction values = new ValueFunction(ValueFunction.Kind.RANDOM, 0, 0, 10, 20);
        int[] seen = new int[21];
        for (long key = 0; key < 10_000; key++) {
            int length = values.lengthOf(key);
            assertEquals(length, values.lengthOf(key));
            seen[length]++;
        }
        for (int length = 10; length <= 20; length++) {
            assertTrue(seen[length] > 700, length + " seen " + seen[length] + " times");
        }
    }

    @Test
    void compressibilityIsWhatTheKindSays() {
        assertTrue(compressedShare(ValueFunction.Kind.RANDOM) > 0.99);
        double text = compressedShare(ValueFunction.Kind.TEXT);
        assertTrue(text > 0.1 && text < 0.5, "text compresses to " + text);
        assertTrue(compressedShare(ValueFunction.Kind.ZERO) < 0.01);
    }

    private static double compressedShare(ValueFunction.Kind kind) {
        int length = 64 << 10;
        ByteBuffer value = buffer(length);
        new ValueFunction(kind, 0, 0, length, length).write(value, 1);
        byte[] bytes = new byte[length];
        value.get(0, bytes);
        Deflater deflater = new Deflater();
        deflater.setInput(bytes);
        deflater.finish();
        int compressed = deflater.deflate(new byte[2 * length]);
        deflater.end();
        return (double) compressed / length;
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
