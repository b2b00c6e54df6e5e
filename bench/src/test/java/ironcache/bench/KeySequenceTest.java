package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeySequenceTest {
    @ParameterizedTest
    @ValueSource(doubles = {0.5, 0.99, 1.0, 1.2})
    void zipfFrequenciesAreThoseOfTheDefinition(double theta) {
        int count = 1000;
        int draws = 2_000_000;
        double sum = 0;
        for (int rank = 1; rank <= count; rank++) {
            sum += Math.pow(rank, -theta);
        }
        ZipfDistribution zipf = new ZipfDistribution(count, theta);
        Mix64 random = new Mix64(7);
        int[] seen = new int[count];
        for (int i = 0; i < draws; i++) {
            seen[(int) zipf.next(random)]++;
        }
        double chiSquare = 0;
        for (int rank = 0; rank < count; rank++) {
            double expected = draws * Math.pow(rank + 1, -theta) / sum;
            chiSquare += (seen[rank] - expected) * (seen[rank] - expected) / expected;
        }
        // 999 degrees of freedom: mean 999, standard deviation 45; six of them above the mean.
        assertTrue(chiSquare < 999 + 6 * 45, "chi-square " + chiSquare);
    }

    @Test
    void zipfOverManyKeysNeedsNoPreparationAndStaysInRange() {
        ZipfDistribution zipf = new ZipfDistribution(10_000_000_000L, 0.99);
        Mix64 random = new Mix64(1);
        long most = 0;
        for (int i = 0; i < 100_000; i++) {
            long rank = zipf.next(random);
            assertTrue(rank >= 0 && rank < 10_000_000_000L);
            most = Math.max(most, rank);
        }
        assertTrue(most > 1_000_000_000L, "the tail is reached: " + most);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 16, 17, 1000, 65_536, 65_537})
    void permutationMeetsEveryKeyOnce(long count) {
        KeyPermutation permutation = new KeyPermutation(count, 3);
        BitSet seen = new BitSet();
        for (long i = 0; i < count; i++) {
            long key = permutation.apply(i);
            assertTrue(key >= 0 && key < count);
            seen.set((int) key);
        }
        assertEquals(count, seen.cardinality());
    }

    @Test
    void uniformIsFlat() {
        KeySequence keys = KeySequence.of("uniform", 100, 10, 5);
        int[] seen = new int[10];
        for (int i = 0; i < 100_000; i++) {
            seen[(int) keys.next() - 100]++;
        }
        for (int count : seen) {
            assertEquals(10_000, count, 600);
        }
    }

    @Test
    void cursorsMeetEveryKeyOnceAndStartAgain() {
        for (String spec : new String[] {"sequential", "shuffled"}) {
            KeySequence keys = KeySequence.of(spec, 50, 100, 5);
            long firstKey = keys.next();
            BitSet seen = new BitSet();
            seen.set((int) firstKey - 50);
            for (int i = 1; i < 100; i++) {
                seen.set((int) keys.next() - 50);
            }
            assertEquals(100, seen.cardinality(), spec);
            assertEquals(firstKey, keys.next(), spec);
        }
    }

    @Test
    void equalSeedsGiveEqualKeys() {
        KeySequence one = KeySequence.of("zipf:0.99", 0, 1_000_000, 9);
        KeySequence two = KeySequence.of("zipf:0.99", 0, 1_000_000, 9);
        for (int i = 0; i < 1000; i++) {
            assertEquals(one.next(), two.next());
        }
    }

    @Test
    void unknownDistributionIsRefusedWithWhatIsAllowed() {
        var e =
                assertThrows(
                        IllegalArgumentException.class, () -> KeySequence.of("gauss", 0, 10, 1));
        assertTrue(e.getMessage().contains("uniform"), e.getMessage());
    }
}
