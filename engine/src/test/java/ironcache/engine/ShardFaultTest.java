package ironcache.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import ironcache.hybridlog.Address;
import ironcache.tiering.DamagedBlockException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a shard does when its disk is full, fails or lies; and the shadows of blind writes. */
final class ShardFaultTest {
    private static final int VALUE_BYTES = 1000;
    private static final long MEMORY_BYTES = 40L << 20;

    /** More than there may be in a shard of this size. */
    private static final int NOTES_MAX = 1 << 20;

    private final SimClock clock = new SimClock();
    private SimDisk disk = new SimDisk(1L << 30);
    private ShardHarness h;

    private void open(long diskBytes) throws IOException {
        disk = new SimDisk(diskBytes);
        SimIo io = new SimIo(7, clock, disk);
        h = new ShardHarness(io, clock, Path.of("data"), MEMORY_BYTES, 0, 7);
        faults = io;
    }

    private SimIo faults;

    @AfterEach
    void close() {
        if (h != null) {
            h.close();
        }
    }

    private static byte[] value(int i, int version) {
        return (i + ":" + version + ":" + "v".repeat(VALUE_BYTES)).getBytes(StandardCharsets.UTF_8);
    }

    private void load(int from, int to, int version) {
        for (int i = from; i < to; i++) {
            h.set(0, "key:" + i, value(i, version), 0);
        }
    }

    private void verify(int from, int to, int version) {
        for (int i = from; i < to; i++) {
            int n = i;
            assertArrayEquals(value(i, version), h.get(0, "key:" + i), () -> "key:" + n);
        }
    }

    @Test
    void blindWritesOverColdKeysAreSettledExactly() throws IOException {
        open(1L << 30);
        load(0, 60_000, 1);
        long before = h.shard.stats().coldReads;
        int misses = h.misses;
        load(0, 40_000, 2);
        assertEquals(misses, h.misses, "a blind write waited for the SSD");
        assertEquals(60_000, h.size(0));
        assertTrue(h.shard.stats().settled > 8_000, "hardly anything was settled");
        assertTrue(h.shard.stats().coldReads >= before);
        verify(0, 40_000, 2);
        verify(40_000, 60_000, 1);
    }

    private int expectUpsert(String key, int noted) {
        byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
        long at = Memory.allocate(bytes.length, MemoryTag.OTHER);
        try {
            Memory.copyIn(bytes, 0, at, bytes.length);
            long hash = h.shard.hash(at, bytes.length);
            return h.shard.expectUpsert(0, at, bytes.length, hash, noted);
        } finally {
            Memory.free(at, bytes.length, MemoryTag.OTHER);
        }
    }

    /** While somebody waits for all shadows to be settled, there may be no more of them. */
    @Test
    void blindWritesOfSeveralKeysMissBeforeTheFirst() throws IOException {
        open(1L << 30);
        load(0, 60_000, 1);
        String hot = "key:59999";
        String cold = "key:7";
        h.shard.begin(0, clock.currentTimeMillis());
        assertEquals(0, expectUpsert(hot, 0));
        assertEquals(1, expectUpsert(cold, 0));
        assertThrows(ColdMiss.class, () -> expectUpsert(cold, NOTES_MAX));
        h.shard.park();
        h.settle();
        h.setBlindly(0, "key:5", value(5, 2), 0);
        h.shard.begin(1, clock.currentTimeMillis());
        assertThrows(ColdMiss.class, () -> h.shard.size(0));
        h.shard.park();
        int misses = h.misses;
        int[] tries = new int[1];
        h.run(
                true,
                () -> {
                    tries[0]++;
                    assertEquals(0, expectUpsert(hot, 0));
                    return expectUpsert("key:9", 0);
                });
        assertEquals(2, tries[0]);
        assertEquals(misses + 1, h.misses);
        h.settle();
    }

    @Test
    void aShadowedKeyCanBeDeletedAtOnce() throws IOException {
        open(1L << 30);
        load(0, 60_000, 1);
        for (int i = 0; i < 1000; i++) {
            h.set(0, "key:" + i, value(i, 2), 0);
            assertTrue(h.delete(0, "key:" + i));
            assertNull(h.get(0, "key:" + i), "the old value came back");
        }
        assertEquals(59_000, h.size(0));
    }

    @Test
    void overwritingTenTimesDoesNotGrowTheDisk() throws IOException {
        open(512L << 20);
        for (int version = 0; version < 11; version++) {
            load(0, 40_000, version);
        }
        h.settle();
        ShardStats stats = h.shard.stats();
        assertTrue(
                stats.compactedSegments > 0
                        && stats.diskBytes <= 1.5 * stats.diskLiveBytes + (64L << 20),
                () -> stats.diskBytes + " bytes of disk for " + stats.diskLiveBytes);
        verify(0, 40_000, 10);
        assertEquals(40_000, h.size(0));
    }

    @Test
    void aFullDiskRefusesWritesAndResumesByItself() throws IOException {
        open(64L << 20);
        int written = 0;
        String refusal = null;
        try {
            for (; written < 200_000; written++) {
                h.set(0, "key:" + written, value(written, 1), 0);
            }
        } catch (IllegalStateException e) {
            refusal = e.getMessage();
        }
        assertNotNull(refusal, "the disk never filled");
        assertTrue(refusal.startsWith("-OOM "), refusal);
        verify(0, written, 1);
        for (int i = 0; i < written; i += 2) {
            assertTrue(h.delete(0, "key:" + i));
        }
        for (int i = 0; i < 2000; i++) {
            clock.advance(1_000_000);
            h.settle();
        }
        assertNull(h.shard.writeRefusal());
        load(0, 1000, 3);
        verify(0, 1000, 3);
        for (int i = 1001; i < written; i += 2) {
            assertArrayEquals(value(i, 1), h.get(0, "key:" + i));
        }
    }

    @Test
    void failedWritesOfPagesLoseNothing() throws IOException {
        open(1L << 30);
        faults.faults().ioError = 0.0;
        load(0, 30_000, 1);
        faults.faults().shortTransfer = 0.2;
        try {
            load(30_000, 60_000, 1);
        } catch (IllegalStateException e) {
            assertTrue(e.getMessage().startsWith("-MISCONF "), e.getMessage());
        }
        faults.faults().shortTransfer = 0;
        for (int i = 0; i < 100; i++) {
            clock.advance(1_60_000_000);
            h.settle();
        }
        load(30_000, 60_000, 1);
        verify(0, 60_000, 1);
    }

    @Test
    void failedWritesOfPagesAreRepeatedAlsoWhereMemoryIsNotLow() throws IOException {
        open(1L << 30);
        load(0, 30_000, 1);
        faults.faults().shortTransfer = 0.3;
        assertThrows(IllegalStateException.class, () -> load(30_000, 60_000, 1));
        faults.faults().shortTransfer = 0;
        h.run(
                false,
                () -> {
                    h.shard.flush(0);
                    return 0;
                });
        for (int i = 0; i < 40; i++) {
            clock.advance(200_000_000);
            h.settle();
        }
        ShardStats stats = h.shard.stats();
        assertEquals(stats.sealedPages * Address.PAGE_BYTES, stats.flushedBytes);
    }

    @Test
    void aFlippedBitIsFoundAndNamed() throws IOException {
        open(1L << 30);
        load(0, 60_000, 1);
        h.settle();
        // The middle of the first page's records.
        Path segment = Path.of("data", "segment-00000000.iron");
        disk.flipBit(segment, 8L * (1 << 19));
        DamagedBlockException damage = null;
        int wrong = 0;
        for (int i = 0; i < 60_000; i++) {
            try {
                assertArrayEquals(value(i, 1), h.get(0, "key:" + i));
            } catch (DamagedBlockException e) {
                damage = e;
                wrong++;
            }
        }
        assertNotNull(damage, "nobody noticed");
        assertTrue(wrong <= 6, "one block holds some four records, not " + wrong);
        assertTrue(
                damage.getMessage().contains("segment-00000000.iron, offset " + (1 << 19)),
                damage.getMessage());
        assertTrue(damage.getMessage().contains("expected 0x"), damage.getMessage());
        assertThrows(IllegalArgumentException.class, () -> disk.flipBit(segment, Long.MAX_VALUE));
    }

    @Test
    void flushingGivesTheDiskBackAndPagesAreUsedAgain() throws IOException {
        open(1L << 30);
        load(0, 60_000, 1);
        h.run(
                false,
                () -> {
                    h.shard.flush(0);
                    return 0;
                });
        h.settle();
        assertEquals(0, h.size(0));
        assertEquals(0, h.shard.stats().diskLiveBytes);
        load(0, 60_000, 2);
        verify(0, 60_000, 2);
    }
}
