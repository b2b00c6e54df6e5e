package ironcache.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import ironcache.hybridlog.Record;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a shard does when memory is as little as may be, or other things than the log take all of it. */
final class ShardMemoryTest {
    private static final int VALUE_BYTES = 1000;
    private static final int KEYS = 60_000;
    private static final int TINY_KEYS_MAX = 1_000_000;

    private final SimClock clock = new SimClock();
    private ShardHarness h;
    private long taken;

    private void open(long memoryBytes) throws IOException {
        SimIo io = new SimIo(7, clock, new SimDisk(1L << 30));
        h = new ShardHarness(io, clock, Path.of("data"), memoryBytes, 0, 7);
    }

    /** As if something else that is accounted took so much. */
    private void take(long bytes) {
        MemoryTag.OTHER.add(bytes);
        taken += bytes;
    }

    @AfterEach
    void close() {
        MemoryTag.OTHER.add(-taken);
        if (h != null) {
            h.close();
        }
    }

    private static byte[] value(int i, int version) {
        return (i + ":" + version + ":" + "v".repeat(VALUE_BYTES)).getBytes(StandardCharsets.UTF_8);
    }

    private void load(int version) {
        for (int i = 0; i < KEYS; i++) {
            h.set(0, "key:" + i, value(i, version), 0);
        }
    }

    private void readSome(int version) {
        Prng prng = new Prng(1);
        for (int i = 0; i < KEYS / 10; i++) {
            int n = prng.nextInt(KEYS);
            assertArrayEquals(value(n, version), h.get(0, "key:" + n), () -> "key:" + n);
        }
    }

    /** By the shard: connections are none of its business. */
    private static long bytesHeld() {
        long bytes = -MemoryTag.NETWORK.bytes();
        for (MemoryTag tag : MemoryTag.values()) {
            bytes += tag.bytes();
        }
        return bytes;
    }

    @Test
    void lessThanTheLeastMemoryIsRefused() {
        IllegalArgumentException refusal =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> open(ShardConfig.LEAST_MEMORY_BYTES - 1));
        assertTrue(
                refusal.getMessage().contains(Long.toString(ShardConfig.LEAST_MEMORY_BYTES)),
                refusal.getMessage());
    }

    @Test
    void theLeastMemoryIsEnoughToWorkIn() throws IOException {
        open(ShardConfig.LEAST_MEMORY_BYTES);
        for (int version = 1; version <= 9; version++) {
            load(version);
            readSome(version);
        }
        h.settle();
        assertTrue(h.shard.stats().compactedSegments > 0, "the run was too tame");
        assertTrue(
                bytesHeld() <= ShardConfig.LEAST_MEMORY_BYTES, () -> bytesHeld() + " bytes held");
        h.shard.checkInvariants();
    }

    /** Staged records, say, or a big command's. Small shards and big ones: what stays free is a share of what the log may have. */
    @ParameterizedTest
    @ValueSource(longs = {ShardConfig.LEAST_MEMORY_BYTES, 3L << 30})
    void writesGoOnWhereNothingIsLeftForTheLog(long memoryBytes) throws IOException {
        open(memoryBytes);
        take(2 * memoryBytes);
        load(1);
        load(2);
        readSome(2);
        assertTrue(h.shard.stats().sealedPages > 0);
        take(-2 * memoryBytes);
        load(3);
        readSome(3);
    }

    @Test
    void keysThatFillTheMemoryAreRefusedUntilSomeAreDeleted() throws IOException {
        open(ShardConfig.LEAST_MEMORY_BYTES);
        byte[] nothing = new byte[0];
        int written = 0;
        String refusal = null;
        for (; written < TINY_KEYS_MAX && refusal == null; written++) {
            h.set(0, "key:" + written, nothing, 0);
            clock.advance(1_000);
            refusal = h.shard.writeRefusal();
        }
        assertNotNull(refusal, "memory never filled");
        assertTrue(refusal.startsWith("-OOM command not allowed"), refusal);
        assertTrue(
                bytesHeld() <= ShardConfig.LEAST_MEMORY_BYTES, () -> bytesHeld() + " bytes held");
        for (int i = 0; i < written; i += 4) {
            assertTrue(h.delete(0, "key:" + i));
        }
        clock.advance(1_000_000);
        h.settle();
        assertNull(h.shard.writeRefusal());
        for (int i = 0; i < written / 20; i++) {
            h.set(0, "new:" + i, nothing, 0);
        }
        assertNotNull(h.get(0, "new:0"));
        assertNotNull(h.get(0, "key:1"));
    }

    /** Whoever runs commands on the owner's behalf goes by this to wake it. */
    @Test
    void thereIsWorkAsSoonAsFramesGetFew() throws IOException {
        open(ShardConfig.LEAST_MEMORY_BYTES);
        load(1);
        for (int turns = 0; h.shard.idleNanos() <= 1_000_000; turns++) {
            assertTrue(turns < 1000, "frames stay few");
            h.settle();
        }
        long key = Memory.allocate(Long.BYTES, MemoryTag.OTHER);
        for (long n = 0; h.shard.hasSpace(); n++) {
            Memory.putLong(key, n);
            long hash = h.shard.hash(key, Long.BYTES);
            h.shard.upsert(0, key, Long.BYTES, hash, Record.STRING, VALUE_BYTES, 0);
        }
        Memory.free(key, Long.BYTES, MemoryTag.OTHER);
        assertEquals(0, h.shard.idleNanos(), "nobody would make room until the next look");
    }
}
