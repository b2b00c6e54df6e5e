package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Fields that expire between commands, against a map of their times; in packed and paged hashes, in RAM and on the SSD. */
class HashExpiryPropertyTest {
    private static final int TURNS_MAX = 200_000;

    private final long seed = Seed.get();
    private final Prng random = new Prng(seed);
    private final long field = Memory.allocate(8 << 10, MemoryTag.OTHER);
    private final long value = Memory.allocate(8 << 10, MemoryTag.OTHER);
    private final Set<String> gone = new HashSet<>();

    @AfterEach
    void free() {
        Memory.free(field, 8 << 10, MemoryTag.OTHER);
        Memory.free(value, 8 << 10, MemoryTag.OTHER);
    }

    /** One hash: each field's time, 0: none. */
    private static final class Model {
        final String name;
        final TestKey key;
        final int fieldsMax;
        final Map<String, Long> times = new HashMap<>();

        Model(TestShard shard, String name, int fieldsMax) throws Exception {
            this.name = name;
            this.fieldsMax = fieldsMax;
            key = new TestKey(shard, name);
        }

        long expire(long now) {
            int before = times.size();
            times.values().removeIf(time -> time != 0 && time <= now);
            return (long) before - times.size();
        }

        boolean isTimed() {
            return times.values().stream().anyMatch(time -> time != 0);
        }
    }

    private static int put(long to, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        Memory.copyIn(bytes, 0, to, bytes.length);
        return bytes.length;
    }

    private HashExpiry serve(TestShard shard) {
        HashExpiry expiry =
                new HashExpiry(
                        shard.shard(),
                        (db, key, keyLength, isGone) -> {
                            byte[] name = new byte[keyLength];
                            Memory.copyOut(key, name, 0, keyLength);
                            if (isGone) {
                                gone.add(new String(name, StandardCharsets.ISO_8859_1));
                            }
                        });
        shard.shard().setFieldExpiry(expiry);
        return expiry;
    }

    private interface HashCommand {
        void run(Hashes hash);
    }

    private static void with(TestShard shard, Model of, Hashes hashes, HashCommand command) {
        shard.run(
                () -> {
                    open(of, hashes, of.key.record());
                    command.run(hashes);
                    return 0;
                });
    }

    private static void open(Model of, Hashes hashes, long record) {
        TestKey key = of.key;
        hashes.open(key.shard, TestKey.DB, key.address, key.length, key.hash, record);
    }

    @Test
    void behavesAsAMapOfTimes() throws Exception {
        try (TestShard shard = new TestShard();
                HashExpiry _ = serve(shard);
                Hashes hashes = new Hashes()) {
            List<Model> models = new ArrayList<>();
            for (int fields : new int[] {1, 3, 40, 150, 600, 4_000, 12_000}) {
                models.add(new Model(shard, "hash" + fields, fields));
            }
            long expired = 0;
            for (int step = 0; step < 300; step++) {
                for (Model model : models) {
                    change(shard, model, hashes);
                }
                if (random.nextInt(20) == 0) {
                    shard.pushOut();
                }
                if (random.chance(0.5)) {
                    long span = random.chance(0.1) ? 3_000_000 : random.chance(0.3) ? 3_000 : 50;
                    shard.passTo(shard.nowMillis() + random.nextInt((int) span));
                }
                gone.clear();
                Set<String> empty = new HashSet<>();
                for (Model model : models) {
                    boolean existed = !model.times.isEmpty();
                    expired += model.expire(shard.nowMillis());
                    if (existed && model.times.isEmpty()) {
                        empty.add(model.name);
                    }
                }
                await(shard, models, hashes);
                assertEquals(empty, gone, Seed.line(seed));
                assertEquals(expired, shard.shard().stats().expiredFields, Seed.line(seed));
                assertEquals(
                        models.stream().filter(Model::isTimed).count(),
                        shard.shard().timedHashes(0),
                        Seed.line(seed));
                if (step % 50 == 49) {
                    models.forEach(model -> compare(shard, model, hashes));
                }
            }
            assertTrue(expired > 1_000, Long.toString(expired));
            models.forEach(model -> model.key.close());
        }
    }

    /** Until nothing is left that has expired. */
    private void await(TestShard shard, List<Model> models, Hashes hashes) {
        for (int turns = 0; turns < TURNS_MAX; turns++) {
            boolean done = true;
            for (Model model : models) {
                done &= count(shard, model, hashes) == model.times.size();
            }
            if (done) {
                return;
            }
            shard.turn();
        }
        for (Model model : models) {
            assertEquals(
                    model.times.size(),
                    count(shard, model, hashes),
                    () -> model.name + " " + Seed.line(seed));
        }
    }

    private static long count(TestShard shard, Model model, Hashes hashes) {
        return shard.run(
                () -> {
                    long record = model.key.record();
                    if (record == 0) {
                        return 0;
                    }
                    open(model, hashes, record);
                    return hashes.count();
                });
    }

    private String name(int number) {
        return number % 500 == 7 ? "long" + number + "f".repeat(3_000) : "field" + number;
    }

    private void change(TestShard shard, Model model, Hashes hashes) {
        Map<String, Long> changes = new HashMap<>();
        int most = model.fieldsMax > 1_000 && random.chance(0.1) ? 3_000 : 8;
        for (int n = 1 + random.nextInt(Math.min(most, model.fieldsMax)); n > 0; n--) {
            String name = name(random.nextInt(model.fieldsMax));
            long time =
                    shard.nowMillis()
                            + 1
                            + random.nextInt(random.chance(0.5) ? 100_000 : 2_000_000);
            changes.put(name, random.chance(0.4) ? 0 : time);
        }
        List<String> names = new ArrayList<>(changes.keySet());
        int kind = random.nextInt(10);
        with(
                shard,
                model,
                hashes,
                hash -> {
                    long pages = 0;
                    for (String name : names) {
                        hash.loadTime(field, put(field, name), 20);
                        pages += Hashes.spilledPages(name.length());
                    }
                    hash.probe(pages, 2 * names.size());
                    for (String name : names) {
                        int length = put(field, name);
                        long time = changes.get(name);
                        if (kind == 0) {
                            hash.remove(field, length);
                        } else if (kind == 1) {
                            if (hash.find(field, length) != 0 && hash.foundTime() != 0) {
                                hash.setTime(field, length, 0);
                            }
                        } else {
                            hash.put(field, length, value, put(value, "value " + name.length()));
                            if (time != 0) {
                                hash.setTime(field, length, time);
                            }
                        }
                    }
                    hash.finish();
                });
        for (String name : names) {
            if (kind == 0) {
                model.times.remove(name);
            } else if (kind == 1) {
                model.times.computeIfPresent(name, (n, time) -> 0L);
            } else {
                model.times.put(name, changes.get(name));
            }
        }
    }

    private void compare(TestShard shard, Model model, Hashes hashes) {
        for (Map.Entry<String, Long> entry : model.times.entrySet()) {
            with(
                    shard,
                    model,
                    hashes,
                    hash -> {
                        int length = put(field, entry.getKey());
                        assertNotEquals(0, hash.find(field, length), Seed.line(seed));
                        assertEquals(entry.getValue(), hash.foundTime(), Seed.line(seed));
                    });
        }
    }

    private void fill(TestShard shard, Model model, Hashes hashes, int fields, long time) {
        for (int i = 0; i < fields; i += 100) {
            int from = i;
            with(
                    shard,
                    model,
                    hashes,
                    hash -> {
                        for (int n = from; n < from + 100; n++) {
                            hash.loadTime(field, put(field, "f" + n), 20);
                        }
                        for (int n = from; n < from + 100; n++) {
                            int length = put(field, "f" + n);
                            hash.put(field, length, value, 20);
                            if (time != 0) {
                                hash.setTime(field, length, time + n);
                            }
                        }
                        hash.finish();
                    });
        }
    }

    /** A cold hash is not read before its time, and then only where something has expired. */
    @Test
    void readsFewColdPages() throws Exception {
        try (TestShard shard = new TestShard();
                HashExpiry _ = serve(shard);
                Hashes hashes = new Hashes()) {
            Memory.fill(value, 20, (byte) 'v');
            Model model = new Model(shard, "large", 0);
            int fields = 20_000;
            long begin = shard.nowMillis() + 1_000_000;
            fill(shard, model, hashes, fields, begin);
            shard.pushOut();
            long reads = shard.shard().stats().coldReads;
            for (int i = 0; i < 100; i++) {
                shard.passTo(shard.nowMillis() + 9_000);
                shard.turn();
            }
            assertEquals(reads, shard.shard().stats().coldReads, "before the first time");
            shard.passTo(begin + 99);
            for (int turns = 0;
                    shard.shard().stats().expiredFields < 100 && turns < TURNS_MAX;
                    turns++) {
                shard.turn();
            }
            assertEquals(100, shard.shard().stats().expiredFields);
            long read = shard.shard().stats().coldReads - reads;
            assertTrue(read <= 130, () -> read + " reads for 100 fields");
            assertEquals(fields - 100, count(shard, model, hashes));
            model.key.close();
        }
    }

    /** Fields with long values are removed a few at a time, so that little is read for it at once. */
    @Test
    void longValuesExpireToo() throws Exception {
        int bytes = 40_000;
        long large = Memory.allocate(bytes, MemoryTag.OTHER);
        try (TestShard shard = new TestShard();
                HashExpiry _ = serve(shard);
                Hashes hashes = new Hashes()) {
            Model model = new Model(shard, "long", 0);
            Memory.fill(large, bytes, (byte) 'v');
            long time = shard.nowMillis() + 1_000;
            for (int i = 0; i < 120; i++) {
                String name = "f" + i;
                with(
                        shard,
                        model,
                        hashes,
                        hash -> {
                            int length = put(field, name);
                            hash.loadTime(field, length, bytes);
                            hash.probe(Hashes.spilledPages(bytes), 2);
                            hash.put(field, length, large, bytes);
                            hash.setTime(field, length, time);
                            hash.finish();
                        });
            }
            shard.pushOut();
            shard.passTo(time);
            await(shard, List.of(model), hashes);
            assertEquals(120, shard.shard().stats().expiredFields);
            assertEquals(0, shard.shard().timedHashes(0));
            model.key.close();
        } finally {
            Memory.free(large, bytes, MemoryTag.OTHER);
        }
    }

    /** Names and copies of a hash expire as it does. */
    @Test
    void copiesExpireToo() throws Exception {
        try (TestShard shard = new TestShard();
                HashExpiry _ = serve(shard);
                Hashes hashes = new Hashes()) {
            Memory.fill(value, 20, (byte) 'v');
            for (int fields : new int[] {100, 3_000}) {
                Model model = new Model(shard, "from", 0);
                Model copy = new Model(shard, "copy", 0);
                Model name = new Model(shard, "name", 0);
                fill(shard, model, hashes, fields, shard.nowMillis() + 1_000);
                copy(shard, model.key, copy.key);
                rename(shard, model.key, name.key);
                assertEquals(2, shard.shard().timedHashes(0));
                shard.pushOut();
                shard.passTo(shard.nowMillis() + 1_000 + fields);
                await(shard, List.of(copy, name), hashes);
                assertEquals(0, shard.shard().timedHashes(0));
                assertEquals(0, shard.shard().keyCount() - fillers(shard));
                model.key.close();
                copy.key.close();
                name.key.close();
            }
        }
    }

    private static void copy(TestShard shard, TestKey from, TestKey to) {
        shard.run(
                () -> {
                    Keys.copy(
                            from.shard,
                            from.record(),
                            to.shard,
                            TestKey.DB,
                            to.address,
                            to.length,
                            to.hash);
                    return 0;
                });
    }

    private static void rename(TestShard shard, TestKey from, TestKey to) {
        shard.run(
                () -> {
                    Keys.rename(
                            from.shard,
                            TestKey.DB,
                            from.address,
                            from.length,
                            from.hash,
                            from.record(),
                            to.shard,
                            to.address,
                            to.length,
                            to.hash);
                    return 0;
                });
    }

    private static long fillers(TestShard shard) throws Exception {
        long count = 0;
        for (int i = 0; i < 1600; i++) {
            try (TestKey key = new TestKey(shard, "filler" + i)) {
                count += shard.run(() -> key.record() == 0 ? 0 : 1);
            }
        }
        return count;
    }

    /** A hash is told apart by its kind as long as some field has a time, and no longer. */
    @Test
    void kindTellsOfTimes() throws Exception {
        try (TestShard shard = new TestShard();
                HashExpiry _ = serve(shard);
                Hashes hashes = new Hashes()) {
            for (int fields : new int[] {100, 1_000}) {
                Model model = new Model(shard, "kind" + fields, 0);
                fill(shard, model, hashes, fields, 0);
                for (int round = 0; round < 3; round++) {
                    time(shard, model, hashes, shard.nowMillis() + 1_000);
                    assertEquals(1, shard.shard().timedHashes(0));
                    assertTrue(Record.isTimed(kind(shard, model)));
                    time(shard, model, hashes, 0);
                    assertEquals(0, shard.shard().timedHashes(0));
                    assertEquals(Record.FORM_LARGE, Record.form(kind(shard, model)));
                }
                model.key.close();
            }
        }
    }

    private static int kind(TestShard shard, Model model) {
        return (int) shard.run(() -> Record.kind(model.key.record()));
    }

    private void time(TestShard shard, Model model, Hashes hashes, long millis) {
        with(
                shard,
                model,
                hashes,
                hash -> {
                    int length = put(field, "f7");
                    hash.loadTime(field, length, 0);
                    hash.setTime(field, length, millis);
                    hash.finish();
                });
    }
}
