package ironcache.tiering;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FrequencySketchTest {
    private final long bytesBefore = MemoryTag.OTHER.bytes();
    private final FrequencySketch sketch = new FrequencySketch(1 << 20);

    @AfterEach
    void nothingIsLeft() {
        sketch.close();
        assertEquals(bytesBefore, MemoryTag.OTHER.bytes());
    }

    @Test
    void countsUpToFifteen() {
        for (int i = 1; i <= 40; i++) {
            sketch.increment(42);
            assertEquals(Math.min(i, FrequencySketch.FREQUENCY_MAX), sketch.frequency(42));
        }
        assertEquals(0, sketch.frequency(43));
    }

    @Test
    void keepsWithinTheBudget() {
        assertEquals(1 << 20, sketch.bytes());
        try (FrequencySketch odd = new FrequencySketch((1 << 21) - 1)) {
            assertEquals(1 << 20, odd.bytes());
        }
        try (FrequencySketch tiny = new FrequencySketch(1)) {
            tiny.increment(7);
            assertEquals(1, tiny.frequency(7));
        }
    }

    /** 1 MiB serves 131,072 keys. A twentieth of the lines has aged by the end, which takes a single use back. */
    @Test
    void fewKeysAreMistaken() {
        int keys = 65_536;
        for (int i = 0; i < keys; i++) {
            sketch.increment(Prng.mix(i));
        }
        int wrong = 0;
        for (int i = 0; i < keys; i++) {
            wrong += sketch.frequency(Prng.mix(i)) != 1 ? 1 : 0;
            wrong += sketch.frequency(Prng.mix(-1 - i)) > 0 ? 1 : 0;
        }
        assertTrue(wrong < 2 * keys / 10, "mistaken " + wrong + " of " + 2 * keys);
    }

    @Test
    void aScanDoesNotLookHotAndTheHotKeysFadeOnceForgotten() {
        int hot = 1000;
        long next = 1_000_000;
        for (int round = 0; round < 20; round++) {
            for (int i = 0; i < hot; i++) {
                sketch.increment(Prng.mix(i));
            }
            for (int i = 0; i < 40_000; i++) {
                sketch.increment(Prng.mix(next++));
            }
        }
        assertTrue(
                averageOf(0, hot) > averageOf(next - hot, next) + 4,
                averageOf(0, hot) + " against " + averageOf(next - hot, next));
        double before = averageOf(0, hot);
        for (int i = 0; i < 8_000_000; i++) {
            sketch.increment(Prng.mix(next++ % 200_000 - 200_000));
        }
        double control = averageOf(10_000_000, 10_000_000 + hot);
        assertTrue(
                averageOf(0, hot) < control + 0.5,
                before + " became " + averageOf(0, hot) + ", a stranger has " + control);
    }

    @Test
    void neighbouringHashesAreToldApart() {
        for (int i = 0; i < 5; i++) {
            sketch.increment(0x1234_5678_0000_0000L);
        }
        int mistaken = 0;
        for (int bit = 0; bit < 64; bit++) {
            mistaken += sketch.frequency(0x1234_5678_0000_0000L ^ 1L << bit) > 0 ? 1 : 0;
        }
        assertTrue(mistaken <= 1, "mistaken " + mistaken);
    }

    private double averageOf(long from, long to) {
        long sum = 0;
        for (long i = from; i < to; i++) {
            sum += sketch.frequency(Prng.mix(i));
        }
        return (double) sum / (to - from);
    }
}
