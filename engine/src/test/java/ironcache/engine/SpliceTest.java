package ironcache.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import ironcache.hybridlog.Record;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Values of keys and pages that are changed by splices: against arrays while the shard tiers, and applied again by recovery. */
final class SpliceTest {
    private static final int KIND =
            Record.collection(Record.TYPE_HASH, false, Record.FORM_LISTPACK);
    private static final int VALUES = 14_000;
    private static final int VALUE_BYTES_MAX = 4_000;

    private final SimClock clock = new SimClock();
    private final long seed = Long.getLong("ironcache.seed", 11);
    private final Prng prng = new Prng(seed);
    private final byte[] noise = new byte[1 << 14];

    SpliceTest() {
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (byte) prng.nextInt();
        }
    }

    private ShardHarness shard(long memoryBytes) throws IOException {
        SimIo io = new SimIo(seed, clock, new SimDisk(200L << 20));
        return new ShardHarness(io, clock, Path.of("data"), memoryBytes, 0, seed);
    }

    private byte[] bytes(int length) {
        int from = prng.nextInt(noise.length - length);
        return Arrays.copyOfRange(noise, from, from + length);
    }

    /** A change of an array: bytes of it from there on are others now. */
    private record Change(int from, int removed, byte[] inserted) {
        byte[] apply(byte[] before) {
            byte[] after = new byte[before.length - removed + inserted.length];
            System.arraycopy(before, 0, after, 0, from);
            System.arraycopy(inserted, 0, after, from, inserted.length);
            int rest = from + removed;
            System.arraycopy(before, rest, after, from + inserted.length, before.length - rest);
            return after;
        }
    }

    private Change change(int length) {
        int from = prng.nextInt(length + 1);
        int removed = Math.min(length - from, prng.nextInt(3) == 0 ? prng.nextInt(200) : 0);
        int most = Math.min(VALUE_BYTES_MAX - length + removed, 1 + prng.nextInt(200));
        return new Change(from, removed, bytes(prng.nextInt(most + 1)));
    }

    @Test
    void valuesAreWhatArraysAreWhileTheShardTiers() throws IOException {
        System.out.println("-Dironcache.seed=" + seed);
        try (ShardHarness harness = shard(38L << 20)) {
            byte[][] model = new byte[VALUES][];
            long[] object = new long[1];
            harness.run(
                    true,
                    () -> {
                        object[0] = harness.shard.createObject(0);
                        return 0;
                    });
            for (int step = 0; step < 300_000; step++) {
                int i = prng.nextInt(VALUES);
                if (model[i] == null) {
                    byte[] value = bytes(prng.nextInt(VALUE_BYTES_MAX));
                    harness.run(true, () -> put(harness.shard, object[0], i, value));
                    model[i] = value;
                } else if (prng.nextInt(4) == 0) {
                    harness.run(
                            false,
                            () -> {
                                assertArrayEquals(model[i], read(harness.shard, object[0], i));
                                return 0;
                            });
                } else {
                    Change change = change(model[i].length);
                    harness.run(true, () -> splice(harness.shard, object[0], i, change));
                    model[i] = change.apply(model[i]);
                }
            }
            ShardStats stats = harness.shard.stats();
            assertTrue(
                    stats.coldReads > 0 && stats.inPlaceUpdates > 0 && stats.copyUpdates > 0,
                    "the run was too tame");
            harness.shard.checkInvariants();
        }
        assertEquals(0, MemoryTag.LOG.bytes());
    }

    /** Values that grow leave what they outgrew behind; RAM has room for all of it, and is squeezed nevertheless, the more so when the shard is at rest. */
    @Test
    void whatIsOutgrownDoesNotStayInRam() throws IOException {
        try (ShardHarness harness = shard(400L << 20)) {
            int values = 20_000;
            byte[] piece = bytes(100);
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 2 * values; i += 2) {
                    int number = i;
                    Change change = new Change(100 * (round - 1), 0, piece);
                    boolean first = round == 0;
                    harness.run(
                            true,
                            () ->
                                    first
                                            ? put(harness.shard, 0, number, new byte[0])
                                            : splice(harness.shard, 0, number, change));
                }
            }
            harness.settle();
            long live = (long) values * Record.bytes(4, SplicedLayout.BYTES + 1900, false);
            long used = harness.shard.stats().mutablePages << 20;
            assertTrue(used < live + live / 3, used + " bytes of log for " + live);
            assertTrue(used > live + live / 10, "squeezed while it was busy");
            clock.advance(1_000_000_000);
            harness.settle();
            used = harness.shard.stats().mutablePages << 20;
            assertTrue(used < live + live / 16, used + " bytes of log at rest for " + live);
            assertTrue(
                    MemoryTag.LOG.bytes() < used + (16 << 20),
                    MemoryTag.LOG.bytes() + " bytes of memory for a log of " + used);
            harness.shard.checkInvariants();
            for (int i = 0; i < 2 * values; i += 2) {
                int number = i;
                harness.run(
                        false,
                        () -> {
                            assertEquals(1900, read(harness.shard, 0, number).length);
                            return 0;
                        });
            }
        }
    }

    // Even numbers are keys, odd ones pages.

    private static long key() {
        return Memory.allocate(4, MemoryTag.OTHER);
    }

    private static int put(Shard shard, long object, int i, byte[] value) {
        long key = key();
        try {
            Memory.putInt(key, i);
            int length = SplicedLayout.BYTES + value.length;
            long to =
                    i % 2 == 0
                            ? shard.upsert(0, key, 4, shard.hash(key, 4), KIND, length, 0)
                            : shard.upsertPage(object, i, length);
            SplicedLayout.putVersion(to, i);
            Memory.copyIn(value, 0, to + SplicedLayout.BYTES, value.length);
            return 0;
        } finally {
            Memory.free(key, 4, MemoryTag.OTHER);
        }
    }

    private static byte[] read(Shard shard, long object, int i) {
        long key = key();
        try {
            Memory.putInt(key, i);
            byte[] all =
                    ShardHarness.value(
                            i % 2 == 0
                                    ? shard.read(0, key, 4, shard.hash(key, 4))
                                    : shard.readPage(object, i));
            return Arrays.copyOfRange(all, SplicedLayout.BYTES, all.length);
        } finally {
            Memory.free(key, 4, MemoryTag.OTHER);
        }
    }

    private static int splice(Shard shard, long object, int i, Change change) {
        long key = key();
        try {
            Memory.putInt(key, i);
            int from = SplicedLayout.BYTES + change.from;
            int count = change.inserted.length;
            long value =
                    i % 2 == 0
                            ? shard.splice(
                                    0,
                                    key,
                                    4,
                                    shard.hash(key, 4),
                                    KIND,
                                    from,
                                    change.removed,
                                    count)
                            : shard.splicePage(object, i, from, change.removed, count);
            Memory.copyIn(change.inserted, 0, value + from, count);
            return 0;
        } finally {
            Memory.free(key, 4, MemoryTag.OTHER);
        }
    }

    /** Recovery's image has any later state: with all of the log applied it is the last one. */
    @Test
    void appliedAgainOnAnyLaterStateTheyEndInTheLast() throws IOException {
        for (int round = 0; round < 300; round++) {
            byte[] value = bytes(prng.nextInt(500));
            List<byte[]> states = new ArrayList<>(List.of(value));
            List<byte[]> effects = new ArrayList<>();
            try (ShardHarness harness = shard(38L << 20)) {
                harness.run(true, () -> put(harness.shard, 0, 0, value));
                for (int n = prng.nextInt(30); n >= 0; n--) {
                    Change change = change(states.getLast().length);
                    boolean anew = prng.nextInt(20) == 0;
                    byte[] next = anew ? bytes(50) : change.apply(states.getLast());
                    harness.run(
                            true,
                            () ->
                                    anew
                                            ? put(harness.shard, 0, 0, next)
                                            : splice(harness.shard, 0, 0, change));
                    harness.run(
                            false,
                            () -> {
                                effects.add(effect(harness.shard, anew ? null : change));
                                return 0;
                            });
                    states.add(next);
                }
                int seen = prng.nextInt(states.size());
                try (ShardHarness recovered = shard(38L << 20)) {
                    // The image's record is as the log's effects left it.
                    if (seen > 0) {
                        apply(recovered.shard, wholes.get(seen - 1));
                    } else {
                        recovered.run(true, () -> put(recovered.shard, 0, 0, value));
                    }
                    effects.forEach(effect -> apply(recovered.shard, effect));
                    byte[] wanted = states.getLast();
                    recovered.run(
                            false,
                            () -> {
                                assertArrayEquals(
                                        wanted,
                                        read(recovered.shard, 0, 0),
                                        () -> "-Dironcache.seed=" + seed);
                                return 0;
                            });
                }
                wholes.clear();
            }
        }
    }

    /** By effect, one that puts the record as it was after it. */
    private final List<byte[]> wholes = new ArrayList<>();

    /** @param change null: the value was put anew */
    private byte[] effect(Shard shard, @org.jspecify.annotations.Nullable Change change) {
        long key = key();
        long effect = Memory.allocate(1 << 14, MemoryTag.OTHER);
        try {
            Memory.putInt(key, 0);
            long record = shard.read(0, key, 4, shard.hash(key, 4));
            EffectLayout.put(effect, record);
            byte[] whole = copy(effect);
            wholes.add(whole);
            if (change == null) {
                return whole;
            }
            EffectLayout.splice(
                    effect,
                    record,
                    SplicedLayout.BYTES + change.from,
                    change.removed,
                    change.inserted.length);
            return copy(effect);
        } finally {
            Memory.free(effect, 1 << 14, MemoryTag.OTHER);
            Memory.free(key, 4, MemoryTag.OTHER);
        }
    }

    private static byte[] copy(long effect) {
        byte[] bytes = new byte[EffectLayout.bytes(effect)];
        Memory.copyOut(effect, bytes, 0, bytes.length);
        return bytes;
    }

    private static void apply(Shard shard, byte[] effect) {
        long memory = Memory.allocate(effect.length, MemoryTag.OTHER);
        Memory.copyIn(effect, 0, memory, effect.length);
        assertEquals(effect.length, shard.replay(memory, effect.length, 0));
        Memory.free(memory, effect.length, MemoryTag.OTHER);
    }
}
