package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Random changes of hashes from nothing to thousands of fields, now and then all of it on the SSD, beside a map. */
final class HashesPropertyTest {
    private static final int ENTRIES_MAX = 512;
    private static final int VALUE_BYTES_MAX = 64;
    private static final int BUFFER_BYTES = 1 << 20;

    private final long seed = Seed.get();
    private final Prng random = new Prng(seed);
    private final long field = Memory.allocate(BUFFER_BYTES, MemoryTag.OTHER);
    private final long value = Memory.allocate(BUFFER_BYTES, MemoryTag.OTHER);

    @AfterEach
    void free() {
        Memory.free(field, BUFFER_BYTES, MemoryTag.OTHER);
        Memory.free(value, BUFFER_BYTES, MemoryTag.OTHER);
    }

    private interface Work {
        void run(Hashes hash);
    }

    private static void with(TestShard shard, TestKey key, Hashes hashes, Work work) {
        shard.run(
                () -> {
                    hashes.open(
                            key.shard, TestKey.DB, key.address, key.length, key.hash, key.record());
                    hashes.setLimits(ENTRIES_MAX, VALUE_BYTES_MAX);
                    work.run(hashes);
                    return 0;
                });
    }

    private int put(long to, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        Memory.copyIn(bytes, 0, to, bytes.length);
        return bytes.length;
    }

    private static String read(Hashes hash, long at) {
        if (Element.isNumber(at)) {
            return Long.toString(Element.number(at));
        }
        if (Element.isSpilled(at)) {
            StringBuilder text = new StringBuilder();
            Spill.load(hash.shard(), hash.object(), at);
            for (long i = 0; i < Spill.pieces(at); i++) {
                byte[] piece = new byte[Spill.pieceBytes(at, i)];
                Memory.copyOut(
                        Spill.piece(hash.shard(), hash.object(), at, i), piece, 0, piece.length);
                text.append(new String(piece, StandardCharsets.ISO_8859_1));
            }
            return text.toString();
        }
        byte[] bytes = new byte[Element.length(at)];
        Memory.copyOut(Element.text(at), bytes, 0, bytes.length);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private String text(int most) {
        return switch (random.nextInt(4)) {
            case 0 -> Long.toString(random.nextLong() >> random.nextInt(64));
            case 1 -> "x".repeat(random.nextInt(most + 1));
            default -> "text" + random.nextInt(1 << 20);
        };
    }

    @Test
    void behavesAsAMap() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "hash");
                Hashes hashes = new Hashes()) {
            for (int round = 0; round < 8; round++) {
                int fields = List.of(5, 40, 300, 5_000).get(round % 4);
                Map<String, String> model = new HashMap<>();
                for (int step = 0; step < 3 * fields; step++) {
                    if (random.nextInt(8 * fields) == 0) {
                        shard.pushOut();
                    }
                    boolean shrinks = step > 2 * fields;
                    step(shard, key, hashes, model, fields, shrinks);
                }
                compare(shard, key, hashes, model);
                shard.pushOut();
                compare(shard, key, hashes, model);
                removeAll(shard, key, hashes, model);
            }
        }
    }

    private void step(
            TestShard shard,
            TestKey key,
            Hashes hashes,
            Map<String, String> model,
            int fields,
            boolean shrinks) {
        List<String> names = new ArrayList<>();
        List<String> values = new ArrayList<>();
        for (int n = random.nextInt(4); n >= 0; n--) {
            int number = random.nextInt(fields);
            names.add(
                    number % 3 == 0
                            ? Integer.toString(number)
                            : number % 50 == 1
                                    ? "long" + number + "f".repeat(3_000)
                                    : "field" + number);
            values.add(text(random.chance(0.01) ? 70_000 : random.chance(0.02) ? 5_000 : 100));
        }
        boolean removes = random.chance(shrinks ? 0.8 : 0.2);
        int before = model.size();
        boolean existed = !model.isEmpty();
        int[] count = new int[1];
        boolean[] gone = new boolean[1];
        with(
                shard,
                key,
                hashes,
                hash -> {
                    assertEquals(before, hash.count(), Seed.line(seed));
                    long pages = 0;
                    for (int i = 0; i < names.size(); i++) {
                        hash.load(field, put(field, names.get(i)));
                        pages +=
                                Hashes.spilledPages(names.get(i).length())
                                        + Hashes.spilledPages(values.get(i).length());
                    }
                    hash.probe(removes ? 0 : pages, 2 * names.size());
                    count[0] = 0;
                    for (int i = 0; i < names.size(); i++) {
                        int length = put(field, names.get(i));
                        boolean counts =
                                removes
                                        ? hash.remove(field, length)
                                        : hash.put(field, length, value, put(value, values.get(i)));
                        count[0] += counts ? 1 : 0;
                    }
                    gone[0] = hash.finish();
                });
        for (int i = 0; i < names.size(); i++) {
            if (removes) {
                model.remove(names.get(i));
            } else {
                model.put(names.get(i), values.get(i));
            }
        }
        assertEquals(Math.abs(model.size() - before), count[0], Seed.line(seed));
        if (existed || !removes) {
            assertEquals(model.isEmpty(), gone[0], Seed.line(seed));
        }
        shard.run(
                () -> {
                    assertEquals(model.isEmpty(), key.record() == 0, Seed.line(seed));
                    return 0;
                });
    }

    private void compare(TestShard shard, TestKey key, Hashes hashes, Map<String, String> model) {
        for (Map.Entry<String, String> entry : model.entrySet()) {
            with(
                    shard,
                    key,
                    hashes,
                    hash -> {
                        long at = hash.find(field, put(field, entry.getKey()));
                        assertTrue(at != 0, () -> entry.getKey() + " " + Seed.line(seed));
                        assertEquals(entry.getValue(), read(hash, at), Seed.line(seed));
                    });
        }
        with(shard, key, hashes, hash -> assertEquals(0, hash.find(field, put(field, "missing"))));
        Map<String, String> all = new HashMap<>();
        with(
                shard,
                key,
                hashes,
                hash -> {
                    all.clear();
                    for (long part = 0; part < hash.parts(); part++) {
                        hash.goTo(part);
                        visit(hash, all);
                    }
                });
        assertEquals(model, all, Seed.line(seed));
    }

    private static void visit(Hashes hash, Map<String, String> all) {
        for (long at = hash.from(); at < hash.end(); ) {
            long valueAt = Element.next(at);
            String before = all.put(read(hash, at), read(hash, valueAt));
            assertArrayEquals(new String[1], new String[] {before}, "a field twice");
            at = Element.next(valueAt);
        }
    }

    private void removeAll(TestShard shard, TestKey key, Hashes hashes, Map<String, String> model) {
        for (String name : new ArrayList<>(model.keySet())) {
            model.remove(name);
            with(
                    shard,
                    key,
                    hashes,
                    hash -> {
                        int length = put(field, name);
                        hash.load(field, length);
                        assertTrue(hash.remove(field, length), Seed.line(seed));
                        assertEquals(model.isEmpty(), hash.finish(), Seed.line(seed));
                    });
        }
        with(shard, key, hashes, hash -> assertEquals(0, hash.count()));
    }

    /** What is there from a scan's begin to its end is told, whatever comes and goes meanwhile. */
    @Test
    void scansMissNothing() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "hash");
                Hashes hashes = new Hashes()) {
            for (int round = 0; round < 8; round++) {
                int stable = 1 + random.nextInt(2_000);
                int others = random.nextInt(4_000);
                change(shard, key, hashes, "stable", stable, true);
                boolean grows = random.nextInt(2) == 0;
                change(shard, key, hashes, "other", others, !grows);
                Set<String> seen = new HashSet<>();
                long[] cursor = new long[1];
                int step = 0;
                do {
                    with(
                            shard,
                            key,
                            hashes,
                            hash -> {
                                hash.goTo(hash.partAt(cursor[0]));
                                Map<String, String> all = new HashMap<>();
                                visit(hash, all);
                                seen.addAll(all.keySet());
                                cursor[0] = hash.nextCursor(cursor[0]);
                            });
                    int to = Math.min(others, step + 300);
                    for (; step < to; step++) {
                        change(shard, key, hashes, "other", step, step + 1, grows);
                    }
                } while (cursor[0] != 0);
                for (int i = 0; i < stable; i++) {
                    assertTrue(seen.contains("stable" + i), Seed.line(seed));
                }
                change(shard, key, hashes, "stable", stable, false);
                change(shard, key, hashes, "other", others, false);
            }
        }
    }

    private void change(
            TestShard shard, TestKey key, Hashes hashes, String name, int count, boolean puts) {
        change(shard, key, hashes, name, 0, count, puts);
    }

    private void change(
            TestShard shard,
            TestKey key,
            Hashes hashes,
            String name,
            int from,
            int to,
            boolean puts) {
        with(
                shard,
                key,
                hashes,
                hash -> {
                    for (int i = from; i < to; i++) {
                        hash.load(field, put(field, name + i));
                    }
                    for (int i = from; i < to; i++) {
                        int length = put(field, name + i);
                        if (puts) {
                            hash.put(field, length, value, 20);
                        } else {
                            hash.remove(field, length);
                        }
                    }
                    hash.finish();
                });
    }

    @Test
    void whatOneCommandMakesIsTheSameAsWhatManyMake() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "hash");
                Hashes hashes = new Hashes()) {
            for (int count : new int[] {1, 10, 100, 200, 1_000, 20_000}) {
                Memory.fill(value, 20, (byte) 'v');
                change(shard, key, hashes, "f", count, true);
                Map<String, String> model = new HashMap<>();
                for (int i = 0; i < count; i++) {
                    model.put("f" + i, "v".repeat(20));
                }
                compare(shard, key, hashes, model);
                change(shard, key, hashes, "f", count, false);
                shard.run(
                        () -> {
                            assertEquals(0, key.record());
                            return 0;
                        });
            }
        }
    }
}
