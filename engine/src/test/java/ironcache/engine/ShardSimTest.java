package ironcache.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A shard with far less memory than data and hardly more disk than data, on the simulated disk, against maps. Longer runs:
 * {@code -Dironcache.steps=5000000 -Dironcache.seeds=100}.
 */
final class ShardSimTest {
    private static final int DATABASES = 3;
    private static final int KEYS = 12_000;
    private static final long MEMORY_BYTES = 40L << 20;
    private static final long DISK_BYTES = 80L << 20;

    private record Entry(byte[] value, long expiry) {}

    /** One seed's run. */
    private static final class Run {
        final Prng prng;
        final SimClock clock = new SimClock();
        final long seed;
        final SimDisk disk;
        SimIo io;
        ShardHarness harness;
        final Map<String, Entry>[] model = maps();
        final byte[] noise = new byte[1 << 17];

        @SuppressWarnings({"unchecked", "rawtypes"})
        private static Map<String, Entry>[] maps() {
            Map[] maps = new Map[DATABASES];
            Arrays.setAll(maps, i -> new HashMap<String, Entry>());
            return maps;
        }

        Run(long seed) throws IOException {
            this(seed, DISK_BYTES);
        }

        Run(long seed, long diskBytes) throws IOException {
            this.seed = seed;
            disk = new SimDisk(diskBytes);
            prng = new Prng(seed);
            io = new SimIo(seed, clock, disk);
            harness = new ShardHarness(io, clock, Path.of("data"), MEMORY_BYTES, 0, seed);
            for (int i = 0; i < noise.length; i++) {
                noise[i] = (byte) prng.nextInt();
            }
        }

        /** The shard goes on as another one in another process, with as much memory or less. */
        void restart(long memoryBytes) throws IOException {
            ShardHarness.Saved saved = harness.save(Path.of("data", "state.iron"));
            harness.close();
            io = new SimIo(seed, clock, disk);
            harness =
                    new ShardHarness(
                            io,
                            clock,
                            new ShardConfig(
                                    Path.of("data"),
                                    1,
                                    memoryBytes,
                                    0,
                                    0,
                                    seed,
                                    saved.frames(),
                                    saved.notes()));
            harness.load(saved);
            io.deleteFile(saved.file());
            harness.shard.deleteLeftovers();
            harness.shard.checkInvariants();
        }

        void step() {
            int db = prng.nextInt(16) == 0 ? prng.nextInt(DATABASES) : 0;
            Map<String, Entry> map = model[db];
            String key = "key:" + prng.nextInt(KEYS);
            switch (prng.nextInt(20)) {
                case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 -> {
                    byte[] value = value();
                    long expiry =
                            prng.nextInt(20) == 0
                                    ? clock.currentTimeMillis() + 100 + prng.nextInt(2000)
                                    : 0;
                    harness.set(db, key, value, expiry);
                    map.put(key, new Entry(value, expiry));
                }
                case 11, 12, 13, 14 -> {
                    byte[] actual = harness.get(db, key);
                    Entry expected = live(map, key);
                    assertArrayEquals(
                            expected == null ? null : expected.value, actual, () -> "GET " + key);
                }
                case 15 -> {
                    boolean deleted = harness.delete(db, key);
                    assertEquals(live(map, key) != null, deleted, () -> "DEL " + key);
                    map.remove(key);
                }
                case 16, 17 -> {
                    byte[] suffix =
                            "suffix".repeat(prng.nextInt(20)).getBytes(StandardCharsets.UTF_8);
                    boolean appended = harness.append(db, key, suffix);
                    Entry before = live(map, key);
                    assertEquals(before != null, appended, () -> "APPEND " + key);
                    if (before != null) {
                        byte[] after =
                                Arrays.copyOf(before.value, before.value.length + suffix.length);
                        System.arraycopy(suffix, 0, after, before.value.length, suffix.length);
                        map.put(key, new Entry(after, before.expiry));
                    }
                }
                case 18 -> {
                    long at =
                            prng.nextInt(3) == 0
                                    ? 0
                                    : clock.currentTimeMillis() + 100 + prng.nextInt(2000);
                    boolean changed = harness.expireAt(db, key, at);
                    Entry before = live(map, key);
                    assertEquals(before != null, changed, () -> "EXPIRE " + key);
                    if (before != null) {
                        map.put(key, new Entry(before.value, at));
                    }
                }
                default -> rarely(db);
            }
            if (prng.nextInt(50) == 0) {
                clock.advance(prng.nextInt(20_000_000));
            }
        }

        private void rarely(int db) {
            switch (prng.nextInt(4000)) {
                case 0 -> {
                    int flushed = 1 + prng.nextInt(DATABASES - 1);
                    harness.run(
                            false,
                            () -> {
                                harness.shard.flush(flushed);
                                return 0;
                            });
                    model[flushed].clear();
                }
                case 1 -> {
                    int one = 1;
                    int other = 2;
                    harness.run(
                            false,
                            () -> {
                                harness.shard.swap(one, other);
                                return 0;
                            });
                    Map<String, Entry> map = model[one];
                    model[one] = model[other];
                    model[other] = map;
                }
                case 2 -> compare(db);
                case 3 -> harness.shard.checkInvariants();
                default -> {}
            }
        }

        void compare(int db) {
            Map<String, Entry> map = model[db];
            for (String key : harness.scan(db, 100)) {
                assertTrue(map.containsKey(key), () -> "SCAN made up " + key);
            }
            for (String key : map.keySet().toArray(String[]::new)) {
                byte[] actual = harness.get(db, key);
                Entry entry = live(map, key);
                assertArrayEquals(entry == null ? null : entry.value, actual, () -> "GET " + key);
            }
            // Expired keys count until they are removed; after that the size is exact.
            clock.advance(3_000_000_000L);
            for (int i = 0; i < 100; i++) {
                harness.settle();
                clock.advance(10_000_000);
            }
            map.values()
                    .removeIf(
                            entry ->
                                    entry.expiry != 0 && entry.expiry <= clock.currentTimeMillis());
            assertEquals(map.size(), harness.size(db), "DBSIZE");
            assertEquals(map.keySet(), harness.scan(db, 1000), "SCAN");
            assertEquals(
                    map.values().stream().filter(entry -> entry.expiry != 0).count(),
                    harness.shard.expires(db));
        }

        private @Nullable Entry live(Map<String, Entry> map, String key) {
            Entry entry = map.get(key);
            if (entry != null && entry.expiry != 0 && entry.expiry <= harness.now()) {
                map.remove(key);
                return null;
            }
            return entry;
        }

        private byte[] value() {
            int length = prng.nextInt(200) == 0 ? prng.nextInt(60_000) : prng.nextInt(12_000);
            int from = prng.nextInt(noise.length - length);
            return Arrays.copyOfRange(noise, from, from + length);
        }

        long run(int count) {
            for (int i = 0; i < count; i++) {
                step();
            }
            for (int db = 0; db < DATABASES; db++) {
                compare(db);
            }
            harness.shard.checkInvariants();
            return io.traceHash();
        }
    }

    @Test
    void behavesAsMapsWhileTiering() throws IOException {
        long first = Long.getLong("ironcache.seed", 42);
        int count = Integer.getInteger("ironcache.steps", 40_000);
        for (long seed = first; seed < first + Integer.getInteger("ironcache.seeds", 1); seed++) {
            System.out.println("-Dironcache.seed=" + seed);
            Run run = new Run(seed);
            long trace = run.run(count);
            ShardStats s = run.harness.shard.stats();
            System.out.println(
                    "cold reads "
                            + s.coldReads
                            + ", misses "
                            + run.harness.misses
                            + ", sealed pages "
                            + s.sealedPages
                            + ", compacted segments "
                            + s.compactedSegments
                            + ", settled "
                            + s.settled
                            + ", promotions "
                            + s.promotions
                            + ", disk MB "
                            + (s.diskBytes >> 20)
                            + ", live MB "
                            + (s.diskLiveBytes >> 20)
                            + ", expired "
                            + s.expiredKeys);
            assertTrue(
                    s.compactedSegments > 0 && s.settled > 0 && s.promotions > 0,
                    "the run was too tame");
            run.harness.close();
            assertNothingLeft();
            if (seed == first) {
                Run again = new Run(seed);
                assertEquals(trace, again.run(count), "the same seed took another way");
                again.harness.close();
            }
        }
    }

    private static void assertNothingLeft() {
        for (MemoryTag tag : MemoryTag.values()) {
            assertEquals(0, tag.bytes(), () -> tag + " bytes left");
        }
    }

    /** Warm restarts at any moment: notes unsettled, pages half walked, segments half full, databases being dissolved. */
    @Test
    void whatWasSavedGoesOn() throws IOException {
        for (long seed = 1; seed <= Long.getLong("ironcache.seeds", 2); seed++) {
            Run run = new Run(seed, DISK_BYTES + 2 * MEMORY_BYTES);
            for (int restart = 0; restart < 12; restart++) {
                int steps = 200 + run.prng.nextInt(6_000);
                for (int i = 0; i < steps; i++) {
                    run.step();
                }
                run.restart(restart % 3 == 2 ? 34L << 20 : MEMORY_BYTES);
                if (restart % 4 == 3) {
                    run.compare(run.prng.nextInt(DATABASES));
                }
            }
            run.run(2_000);
            run.harness.close();
        }
        assertEquals(0, MemoryTag.LOG.bytes());
        assertEquals(0, MemoryTag.INDEX.bytes());
    }
}
