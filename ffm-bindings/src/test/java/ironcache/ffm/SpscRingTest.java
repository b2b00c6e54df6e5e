package ironcache.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SpscRingTest {
    private static final int MESSAGES = 2_000_000;

    private final SpscRing ring = new SpscRing(1024);

    @AfterEach
    void close() {
        ring.close();
    }

    /** Fills a message with what its number says. */
    private static void fill(long payload, int length, long number) {
        for (int i = 0; i < length; i++) {
            Memory.putByte(payload + i, (byte) Prng.mix(number + i));
        }
    }

    private static void check(long payload, int length, int kind, long number) {
        assertEquals(length, SpscRing.length(payload), "message " + number);
        assertEquals(kind, SpscRing.kind(payload));
        for (int i = 0; i < length; i++) {
            assertEquals((byte) Prng.mix(number + i), Memory.getByte(payload + i));
        }
    }

    @Test
    void nothingIsSeenBeforeItIsPublished() {
        assertNotEquals(0, ring.claim(10, 1));
        assertEquals(0, ring.next());
        assertTrue(ring.publish());
        assertFalse(ring.publish());
        assertEquals(10, SpscRing.length(ring.next()));
        assertEquals(0, ring.next());
    }

    @Test
    void roomComesBackWithRelease() {
        int claimed = 0;
        while (ring.claim(56, 0) != 0) {
            claimed++;
        }
        assertEquals(16, claimed);
        ring.publish();
        while (ring.next() != 0) {}
        assertEquals(0, ring.claim(0, 0));
        ring.release();
        assertNotEquals(0, ring.claim(ring.maxLength(), 0));
    }

    @Test
    void behavesAsAQueue() {
        long seed = Long.getLong("ironcache.seed", 42);
        Prng prng = new Prng(seed);
        ArrayDeque<int[]> model = new ArrayDeque<>();
        long sent = 0;
        long received = 0;
        for (int step = 0; step < 200_000; step++) {
            int length = prng.nextInt(ring.maxLength() + 1);
            int kind = prng.nextInt(5);
            if (prng.nextInt(2) == 0) {
                long payload = ring.claim(length, kind);
                if (payload != 0) {
                    assertEquals(0, payload & 7);
                    fill(payload, length, sent++);
                    model.add(new int[] {length, kind});
                    ring.publish();
                } else {
                    assertFalse(model.isEmpty(), "full while empty, seed " + seed);
                }
            } else {
                long payload = ring.next();
                if (payload == 0) {
                    assertTrue(model.isEmpty(), "empty, seed " + seed);
                } else {
                    int[] expected = model.remove();
                    check(payload, expected[0], expected[1], received++);
                }
                ring.release();
            }
        }
        assertTrue(received > 10_000);
    }

    @Test
    void carriesMessagesBetweenThreads() {
        CompletableFuture<Void> producer = new CompletableFuture<>();
        Thread thread =
                new Thread(
                        () -> {
                            Prng prng = new Prng(7);
                            for (long number = 0; number < MESSAGES; number++) {
                                int length = 8 + prng.nextInt(40);
                                long payload = ring.claim(length, (int) number & 3);
                                while (payload == 0) {
                                    ring.publish();
                                    Thread.onSpinWait();
                                    payload = ring.claim(length, (int) number & 3);
                                }
                                Memory.putLong(payload, Prng.mix(number));
                                if ((number & 7) == 0) {
                                    ring.publish();
                                }
                            }
                            ring.publish();
                            producer.complete(null);
                        },
                        "producer");
        thread.start();
        Prng prng = new Prng(7);
        for (long number = 0; number < MESSAGES; number++) {
            long payload = ring.next();
            while (payload == 0) {
                ring.release();
                Thread.onSpinWait();
                payload = ring.next();
            }
            assertEquals(8 + prng.nextInt(40), SpscRing.length(payload));
            assertEquals((int) number & 3, SpscRing.kind(payload));
            assertEquals(Prng.mix(number), Memory.getLong(payload));
        }
        producer.join();
        assertEquals(0, ring.next());
    }

    @Test
    void refusesOddSizes() {
        assertThrows(IllegalArgumentException.class, () -> new SpscRing(1000));
        assertThrows(IllegalArgumentException.class, () -> new SpscRing(64));
    }
}
