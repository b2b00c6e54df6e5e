package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OperationMixTest {
    @Test
    void sequencesAreDrawnByWeight() {
        OperationMix mix = new OperationMix("get:75,multi+set+set+exec:25");
        assertEquals(
                List.of(Operation.GET, Operation.MULTI, Operation.SET, Operation.EXEC),
                mix.operations());
        Mix64 random = new Mix64(1);
        int sequences = 0;
        for (int i = 0; i < 100_000; i++) {
            Operation[] next = mix.next(random);
            if (next.length > 1) {
                sequences++;
                assertArrayEquals(
                        new Operation[] {
                            Operation.MULTI, Operation.SET, Operation.SET, Operation.EXEC
                        },
                        next);
            }
        }
        assertEquals(25_000, sequences, 1_000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nope", "get+", "get:x", "get:0"})
    void whatIsNoMixIsRefused(String spec) {
        assertThrows(IllegalArgumentException.class, () -> new OperationMix(spec));
    }
}
