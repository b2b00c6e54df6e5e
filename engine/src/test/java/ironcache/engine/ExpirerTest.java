package ironcache.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class ExpirerTest {
    private static final long MEMORY_BYTES = 40L << 20;
    private static final int KEYS = 100;
    private static final byte[] VALUE = "value".getBytes(StandardCharsets.UTF_8);

    /**
     * A cold key was overwritten blindly by one that expired before the old entry was read and removed. Whether there is such an old entry is found out by a
     * probe of the index; the expirer went on with that probe as if it were its own, and came to the same entry again, for ever. (Found by the simulated
     * shards of the tools module.)
     */
    @Test
    void expiredBeforeItsShadowIsSettled() throws IOException {
        SimClock clock = new SimClock();
        SimIo io = new SimIo(42, clock, new SimDisk(1L << 30));
        // Closed at the end only: a thread that never comes back would read what is no longer
        // there.
        ShardHarness harness = new ShardHarness(io, clock, Path.of("data"), MEMORY_BYTES, 0, 42);
        for (int i = 0; i < KEYS; i++) {
            harness.set(0, "cold" + i, VALUE, 0);
        }
        for (int i = 0; i < 2_000; i++) {
            harness.set(1, "filler" + i, new byte[60_000], 0);
        }
        harness.settle();
        assertEquals(0, harness.shard.stats().unsettledKeys);
        long expiry = clock.currentTimeMillis() + 1;
        for (int i = 0; i < KEYS; i++) {
            harness.setBlindly(0, "cold" + i, VALUE, expiry);
        }
        assertEquals(KEYS, harness.shard.stats().unsettledKeys);
        clock.advance(5_000_000);
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> harness.shard.work(100_000));
        assertNull(harness.get(0, "cold1"));
        for (int i = 0; i < 10; i++) {
            clock.advance(100_000_000);
            harness.settle();
        }
        assertEquals(0, harness.size(0));
        harness.close();
    }
}
