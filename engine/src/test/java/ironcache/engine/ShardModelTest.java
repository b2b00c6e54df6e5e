package ironcache.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;
import ironcache.ffm.Prng;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random commands on a shard with far less memory than data, against maps. */
final class ShardModelTest {
    private static final int DATABASES = 3;

    private static final int KEYS = 40_000;

    private record Entry(byte[] value, long expiry) {}

    @TempDir
    Path directory;

    private final long seed = Long.getLong("ironcache.seed", 42);
    private final Prng prng = new Prng(seed);
    private final Map<String, Entry>[] model = maps();

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Map<String, Entry>[] maps() {
        Map[] maps = new Map[DATABASES];
        for (int i = 0; i < DATABASES; i++) {
            maps[i] = new HashMap<>();
        }
        return maps;
    }

    @Test
    void behavesAsMapsWhileTiering() throws Exception {
        System.out.println("-Dironcache.seed=" + seed);
        try (ShardHarness h =
                new ShardHarness(Ios.open(IoConfig.defaults()), directory, 40L << 20, 100L << 20, seed)) {
            int steps = Integer.getInteger("ironcache.steps", 100_000);
            for (int step = 0; step < steps; step++) {
                step(h, step);
            }
            for (int db = 0; db < DATABASES; db++) {
                compare(h, db);
            }
            h.shard.checkInvariants();
            ShardStats s = h.shard.stats();
            System.out.println("cold reads " + s.coldReads + ", misses " + h.misses + ", sealed pages " + s.sealedPages
                    + ", compacted segments " + s.compactedSegments + ", settled " + s.settled + ", promotions "
                    + s.promotions + ", disk MB " + (s.diskBytes >> 20) + ", live MB " + (s.diskLiveBytes >> 20)
                    + ", expired " + s.expiredKeys);
        }
    }

    private void step(ShardHarness h, int step) {
        int db = prng.nextInt(8) == 0 ? prng.nextInt(DATABASES) : 0;
        Map<String, Entry> map = model[db];
        String key = "key:" + prng.nextInt(KEYS);
        switch (prng.nextInt(20)) {
            case 0, 1, 2, 3, 4, 5, 6, 7 -> {
                byte[] value = value();
                long expiry = prng.nextInt(5) == 0 ? h.clock.millis + 1 + prng.nextInt(1000) : 0;
                h.set(db, key, value, expiry);
                map.put(key, new Entry(value, expiry));
            }
            case 8, 9, 10, 11, 12, 13 -> {
                Entry expected = live(h, map, key);
                byte[] actual = h.get(db, key);
                assertArrayEquals(expected == null ? null : expected.value, actual, () -> "GET " + key);
            }
            case 14, 15 -> assertEquals(live(h, map, key) != null, h.delete(db, key) && map.remove(key) != null, () -> "DEL " + key);
            case 16, 17 -> {
                Entry before = live(h, map, key);
                byte[] suffix = "suffix".repeat(prng.nextInt(20)).getBytes();
                assertEquals(before != null, h.append(db, key, suffix), () -> "APPEND " + key);
                if (before != null) {
                    byte[] after = java.util.Arrays.copyOf(before.value, before.value.length + suffix.length);
                    System.arraycopy(suffix, 0, after, before.value.length, suffix.length);
                    map.put(key, new Entry(after, before.expiry));
                }
            }
            case 18 -> {
                Entry before = live(h, map, key);
                long at = prng.nextInt(3) == 0 ? 0 : h.clock.millis + 1 + prng.nextInt(1000);
                assertEquals(before != null, h.expireAt(db, key, at), () -> "EXPIRE " + key);
                if (before != null) {
                    map.put(key, new Entry(before.value, at));
                }
            }
            default -> rarely(h, step, db);
        }
        if (prng.nextInt(50) == 0) {
            h.clock.millis += prng.nextInt(20);
        }
    }

    private void rarely(ShardHarness h, int step, int db) {
        switch (prng.nextInt(3000)) {
            case 0 -> {
                h.run(false, () -> {
                    h.shard.flush(db);
                    return 0;
                });
                model[db].clear();
            }
            case 1 -> {
                int other = prng.nextInt(DATABASES);
                h.run(false, () -> {
                    h.shard.swap(db, other);
                    return 0;
                });
                Map<String, Entry> map = model[db];
                model[db] = model[other];
                model[other] = map;
            }
            case 2 -> compare(h, db);
            default -> {}
        }
    }

    private void compare(ShardHarness h, int db) {
        model[db].values().removeIf(entry -> entry.expiry != 0 && entry.expiry <= h.clock.millis);
        assertEquals(model[db].keySet(), h.scan(db, 100), "SCAN");
        model[db].forEach((key, entry) -> assertArrayEquals(entry.value, h.get(db, key), () -> "GET " + key));
        while (h.size(db) != model[db].size()) {
            long size = h.size(db);
            h.turn();
            assertEquals(size >= model[db].size(), true, () -> "DBSIZE " + size + ", expected " + model[db].size());
        }
    }

    private Entry live(ShardHarness h, Map<String, Entry> map, String key) {
        Entry entry = map.get(key);
        if (entry != null && entry.expiry != 0 && entry.expiry <= h.clock.millis) {
            map.remove(key);
            return null;
        }
        return entry;
    }

    private byte[] value() {
        int length = prng.nextInt(100) == 0 ? prng.nextInt(60_000) : prng.nextInt(3000);
        byte[] bytes = new byte[length];
        for (int i = 0; i + 8 <= length; i += 8) {
            long word = prng.nextLong();
            for (int j = 0; j < 8; j++) {
                bytes[i + j] = (byte) (word >>> 8 * j);
            }
        }
        return bytes;
    }
}
