package ironcache.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TimingWheelTest {
    private static final long NOW = 1_790_000_000_000L;

    private final long bytesBefore = MemoryTag.EXPIRY.bytes();
    private TimingWheel wheel = new TimingWheel(NOW);

    @AfterEach
    void nothingIsLeft() {
        wheel.close();
        assertEquals(bytesBefore, MemoryTag.EXPIRY.bytes());
    }

    @Test
    void firesAtTheMillisecondAndNotBefore() {
        wheel.add(NOW + 1, 1);
        wheel.add(NOW + 63, 2);
        wheel.add(NOW + 64, 3);
        wheel.add(NOW + 258_048, 4);
        wheel.add(NOW, 5);
        wheel.add(-7, 6);
        assertEquals(List.of(5L, 6L), firedAt(NOW));
        assertEquals(List.of(1L), firedAt(NOW + 1));
        assertEquals(List.of(), firedAt(NOW + 62));
        assertEquals(List.of(2L), firedAt(NOW + 63));
        assertEquals(List.of(3L), firedAt(NOW + 64));
        assertEquals(List.of(), firedAt(NOW + 258_047));
        assertEquals(List.of(4L), firedAt(NOW + 258_048));
        assertEquals(0, wheel.size());
    }

    @Test
    void reachesFurtherThanRedisDoes() {
        wheel.add(Long.MAX_VALUE, 1);
        wheel.add(1L << 61, 2);
        wheel.add(NOW + 1000L * 365 * 86_400_000, 3);
        assertEquals(List.of(), firedAt(NOW + 999L * 365 * 86_400_000));
        assertEquals(List.of(3L), firedAt(NOW + 1001L * 365 * 86_400_000));
        assertEquals(List.of(), firedAt((1L << 61) - 1));
        assertEquals(List.of(2L), firedAt((1L << 61) + (1L << 46)));
        assertEquals(List.of(1L), firedAt(Long.MAX_VALUE));
    }

    @Test
    void aClockThatGoesBackDoesNoHarm() {
        wheel.add(NOW + 1000, 1);
        assertEquals(List.of(), firedAt(NOW + 500));
        assertEquals(List.of(), firedAt(NOW - 100_000));
        wheel.add(NOW - 5, 2);
        assertEquals(List.of(2L), firedAt(NOW - 4));
        assertEquals(List.of(1L), firedAt(NOW + 1000));
    }

    @Test
    void theBudgetBoundsFiringAndMoving() {
        for (int i = 0; i < 10_000; i++) {
            wheel.add(NOW + 5_000_000, i);
        }
        List<Long> fired = new ArrayList<>();
        int rounds = 0;
        int handled;
        do {
            handled = wheel.advance(NOW + 5_000_100, 64, fired::add);
            assertTrue(handled <= 64);
            rounds++;
        } while (handled == 64);
        assertEquals(10_000, fired.size());
        assertTrue(rounds > 10_000 / 64);
    }

    @Test
    void theConsumerMayAdd() {
        wheel.add(NOW + 10, 3);
        List<Long> fired = new ArrayList<>();
        wheel.advance(
                NOW + 20,
                100,
                word -> {
                    fired.add(word);
                    if (word > 1) {
                        wheel.add(NOW + 10, word - 1);
                    } else {
                        wheel.add(NOW + 30, 9);
                    }
                });
        assertEquals(List.of(3L, 2L, 1L), fired);
        assertEquals(List.of(9L), firedAt(NOW + 30));
    }

    @Test
    void memoryFollowsTheEntries() {
        int count = 1_000_000;
        for (int i = 0; i < count; i++) {
            wheel.add(NOW + (Prng.mix(i) >>> 1) % 86_400_000 + 86_400_000, i);
        }
        long full = wheel.bytes();
        assertEquals(full, MemoryTag.EXPIRY.bytes() - bytesBefore);
        assertTrue(full < 11 * count + 300_000, "bytes per entry " + (double) full / count);
        while (wheel.advance(NOW + 129_600_000, 10_000, word -> {}) > 0) {}
        assertTrue(Math.abs(wheel.size() - count / 2) < 5_000, "left " + wheel.size());
        assertTrue(
                wheel.bytes() < 11 * wheel.size() + 1_000_000,
                wheel.bytes() + " bytes with " + wheel.size());
        while (wheel.advance(NOW + 3 * 86_400_000, 10_000, word -> {}) > 0) {}
        assertEquals(0, wheel.size());
        assertTrue(wheel.bytes() <= 65_536, "bytes when empty " + wheel.bytes());
    }

    @Test
    void againstAModel() {
        String wish = System.getProperty("ironcache.seed", "");
        long seed = wish.isEmpty() ? Prng.freshSeed() : Long.parseLong(wish);
        try {
            Prng prng = new Prng(seed);
            for (int round = 0; round < 20; round++) {
                wheel.close();
                againstModel(prng.split());
            }
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("-Dironcache.seed=" + seed + " : " + e.getMessage(), e);
        }
    }

    /** A word fires at its deadline or up to 1/60,000 of its wait later, and exactly once. */
    private void againstModel(Prng prng) {
        long now =
                prng.chance(0.3)
                        ? (NOW | 0xFFF_FFFFL) - prng.nextInt(100)
                        : NOW + prng.nextLong(1L << 40);
        wheel = new TimingWheel(now);
        Map<Long, long[]> waiting = new TreeMap<>();
        long nextWord = 1;
        for (int step = 0; step < 3_000; step++) {
            for (int i = prng.nextInt(6); i > 0; i--) {
                long wait = prng.nextLong() >>> 22 + prng.nextInt(42);
                waiting.put(nextWord, new long[] {now + wait, now + wait + wait / 60_000});
                wheel.add(now + wait, nextWord++);
            }
            if (prng.chance(0.05)) {
                now += prng.nextLong() >>> 24 + prng.nextInt(40);
            } else {
                now += prng.nextInt(50);
            }
            long at = now;
            int budget = 1 + prng.nextInt(200);
            while (wheel.advance(
                            now,
                            budget,
                            word -> {
                                long[] window = waiting.remove(word);
                                assertTrue(window != null, "fired twice: " + word);
                                assertTrue(window[0] <= at, () -> "early by " + (window[0] - at));
                            })
                    == budget) {}
            for (long[] window : waiting.values()) {
                assertFalse(
                        window[1] < now,
                        () -> "late by " + (at - window[1]) + " beyond what is allowed");
            }
            assertEquals(waiting.size(), wheel.size());
            long latest = Long.MAX_VALUE;
            for (long[] window : waiting.values()) {
                latest = Math.min(latest, window[1]);
            }
            long next = wheel.nextMillis();
            assertTrue(next > now, "all that was due has fired");
            assertTrue(next <= latest, () -> "would sleep through a deadline");
        }
    }

    private List<Long> firedAt(long nowMillis) {
        List<Long> fired = new ArrayList<>();
        while (wheel.advance(nowMillis, 100, fired::add) == 100) {}
        fired.sort(null);
        return fired;
    }
}
