package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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

/** Random changes of sets from nothing to thousands of members, now and then all of it on the SSD, beside Java's sets. */
final class SetsPropertyTest {
    private static final int BUFFER_BYTES = 1 << 20;
    private static final int[] LENGTHS = {
        0, 1, 63, 64, 65, 127, 128, 2_047, 2_048, 2_049, 5_000, 70_000
    };

    private final long seed = Seed.get();
    private final Prng random = new Prng(seed);
    private final SetLimits limits = new SetLimits();
    private final long buffer = Memory.allocate(BUFFER_BYTES, MemoryTag.OTHER);
    private final Sets sets = new Sets();
    private final SetWalk walk = new SetWalk();
    private final SetAlgebra algebra = new SetAlgebra();
    private final SetSample sample = new SetSample();

    @AfterEach
    void free() {
        Memory.free(buffer, BUFFER_BYTES, MemoryTag.OTHER);
        sets.close();
        algebra.close();
        sample.close();
        walk.close();
    }

    private interface Work {
        void run(long record);
    }

    private void with(TestShard shard, TestKey key, Work work) {
        shard.run(
                () -> {
                    long record = key.record();
                    open(key, record);
                    work.run(record);
                    return 0;
                });
    }

    private void open(TestKey key, long record) {
        sets.open(key.shard, TestKey.DB, key.address, key.length, key.hash, record, limits);
    }

    private int put(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        Memory.copyIn(bytes, 0, buffer, bytes.length);
        return bytes.length;
    }

    private static String read(long at) {
        if (Element.isNumber(at)) {
            return Long.toString(Element.number(at));
        }
        byte[] bytes = new byte[Element.length(at)];
        Memory.copyOut(Element.text(at), bytes, 0, bytes.length);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    /** One of so many members; numbers, and lengths at which codings change, among them. */
    private static String member(int number) {
        return switch (number % 5) {
            case 0 -> Integer.toString(number);
            case 1 -> Long.toString(number * 0x9E3779B97F4A7C15L >> number % 64);
            case 2 ->
                    number % 40 == 2
                            ? (number + "-" + "x".repeat(70_000))
                                    .substring(0, LENGTHS[number / 40 % LENGTHS.length])
                            : "m" + number;
            default -> "member" + number;
        };
    }

    private Set<String> all() {
        Set<String> all = new HashSet<>();
        while (walk.next()) {
            assertTrue(all.add(read(walk.whole())), "a member twice");
        }
        return all;
    }

    private void compare(TestShard shard, TestKey key, Set<String> model) {
        shard.run(
                () -> {
                    long record = key.record();
                    assertEquals(model.isEmpty(), record == 0, Seed.line(seed));
                    if (record != 0) {
                        assertEquals(model.size(), Sets.count(record), Seed.line(seed));
                        walk.open(key.shard, record);
                        walk.load();
                        assertEquals(model, all(), Seed.line(seed));
                    }
                    return 0;
                });
    }

    private void change(TestShard shard, TestKey key, List<String> members, boolean adds) {
        with(
                shard,
                key,
                record -> {
                    for (String member : members) {
                        sets.prefetch(buffer, put(member));
                    }
                    for (String member : members) {
                        sets.load(buffer, put(member));
                    }
                    if (adds) {
                        sets.expect(members.size(), buffer, put(members.getFirst()));
                    }
                    for (String member : members) {
                        int length = put(member);
                        if (adds) {
                            sets.add(buffer, length);
                        } else if (record != 0) {
                            sets.remove(buffer, length);
                        }
                    }
                    sets.finish();
                });
    }

    @Test
    void behavesAsASet() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "set")) {
            for (int round = 0; round < 8; round++) {
                int size = List.of(5, 60, 400, 5_000).get(round % 4);
                Set<String> model = new HashSet<>();
                for (int step = 0; step < 2 * size; step++) {
                    if (random.nextInt(6 * size) == 0) {
                        shard.pushOut();
                    }
                    step(shard, key, model, size, step > size);
                }
                compare(shard, key, model);
                shard.pushOut();
                compare(shard, key, model);
                for (String member : List.copyOf(model)) {
                    model.remove(member);
                    change(shard, key, List.of(member), false);
                }
                compare(shard, key, model);
            }
        }
    }

    private void step(TestShard shard, TestKey key, Set<String> model, int size, boolean shrinks) {
        List<String> members = new ArrayList<>();
        for (int n = random.nextInt(4); n >= 0; n--) {
            members.add(member(random.nextInt(size)));
        }
        boolean adds = !random.chance(shrinks ? 0.8 : 0.2);
        int before = model.size();
        if (adds) {
            model.addAll(members);
        } else {
            members.forEach(model::remove);
        }
        change(shard, key, members, adds);
        String asked = member(random.nextInt(size));
        with(
                shard,
                key,
                record ->
                        assertEquals(
                                model.contains(asked),
                                sets.contains(buffer, put(asked)),
                                () -> asked + " of " + before + " " + Seed.line(seed)));
    }

    @Test
    void whatOneCommandMakesIsTheSameAsWhatManyMake() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "set")) {
            for (int count : new int[] {1, 10, 100, 300, 3_000, 100_000}) {
                List<String> members = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    members.add("member" + i);
                }
                change(shard, key, members, true);
                compare(shard, key, new HashSet<>(members));
                shard.pushOut();
                compare(shard, key, new HashSet<>(members));
                change(shard, key, members, false);
                compare(shard, key, Set.of());
            }
        }
    }

    /** Against the definition, over sets of all sizes, cold and hot. */
    @Test
    void algebraIsThatOfSets() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey to = new TestKey(shard, "result")) {
            int[] sizes = {1, 20, 150, 700, 4_000};
            List<TestKey> keys = new ArrayList<>();
            List<Set<String>> models = new ArrayList<>();
            for (int size : sizes) {
                TestKey key = new TestKey(shard, "set" + size);
                Set<String> model = new HashSet<>();
                for (int i = 0; i < size; i++) {
                    model.add(member(random.nextInt(2 * size)));
                }
                change(shard, key, List.copyOf(model), true);
                keys.add(key);
                models.add(model);
            }
            for (int round = 0; round < 60; round++) {
                if (round % 12 == 0) {
                    shard.pushOut();
                }
                int[] chosen = new int[1 + random.nextInt(4)];
                for (int i = 0; i < chosen.length; i++) {
                    chosen[i] = random.nextInt(sizes.length);
                }
                algebra(shard, keys, models, chosen, round % 3, to);
            }
            keys.forEach(TestKey::close);
        }
    }

    private void algebra(
            TestShard shard,
            List<TestKey> keys,
            List<Set<String>> models,
            int[] chosen,
            int operation,
            TestKey to) {
        Set<String> expected = new HashSet<>(models.get(chosen[0]));
        for (int i = 1; i < chosen.length; i++) {
            Set<String> other = models.get(chosen[i]);
            switch (operation) {
                case 0 -> expected.retainAll(other);
                case 1 -> expected.addAll(other);
                default -> expected.removeAll(other);
            }
        }
        shard.run(
                () -> {
                    algebra.begin();
                    for (int i : chosen) {
                        algebra.take(shard.shard(), keys.get(i).record());
                    }
                    switch (operation) {
                        case 0 -> algebra.intersect(limits);
                        case 1 -> algebra.unite(limits);
                        default -> algebra.subtract(limits);
                    }
                    assertEquals(expected.size(), algebra.count(), Seed.line(seed));
                    algebra.walk(walk);
                    assertEquals(expected, all(), Seed.line(seed));
                    if (operation == 0) {
                        assertEquals(
                                Math.min(7, expected.size()),
                                algebra.intersectionCount(7),
                                Seed.line(seed));
                    }
                    if (!expected.isEmpty()) {
                        algebra.store(sets, to.shard, TestKey.DB, to.address, to.length, to.hash);
                    } else {
                        shard.shard().delete(TestKey.DB, to.address, to.length, to.hash);
                    }
                    return 0;
                });
        compare(shard, to, expected);
    }

    /** Each member is picked about as often as any other, and what is removed at random is gone. */
    @Test
    void picksAreUniform() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "set")) {
            for (int count : new int[] {3, 50, 2_000}) {
                List<String> members = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    // Of lengths that differ: what is long is not picked more.
                    members.add(i % 3 == 0 ? Integer.toString(i) : "x".repeat(i % 50) + i);
                }
                change(shard, key, members, true);
                Map<String, Integer> seen = new HashMap<>();
                int picks = 200 * count;
                shard.run(
                        () -> {
                            seen.clear();
                            sample.begin(shard.shard(), key.record(), seed);
                            for (int i = 0; i < picks; i++) {
                                sample.pick(i);
                                seen.merge(read(sample.picked().whole()), 1, Integer::sum);
                            }
                            return 0;
                        });
                assertEquals(new HashSet<>(members), seen.keySet(), Seed.line(seed));
                // 200 expected, deviation 14: eight of them.
                for (Map.Entry<String, Integer> one : seen.entrySet()) {
                    assertTrue(
                            one.getValue() > 87 && one.getValue() < 313,
                            () -> one + " of " + count + " " + Seed.line(seed));
                }
                pop(shard, key, new HashSet<>(members));
            }
        }
    }

    private void pop(TestShard shard, TestKey key, Set<String> model) {
        shard.pushOut();
        while (model.size() > 1) {
            int wanted = 1 + random.nextInt(model.size() - 1);
            long commandSeed = random.nextLong();
            Set<String> popped = new HashSet<>();
            with(
                    shard,
                    key,
                    record -> {
                        sample.begin(shard.shard(), record, commandSeed);
                        sample.pickDifferent(wanted);
                        popped.clear();
                        sample.walk(walk);
                        popped.addAll(all());
                        sample.removeFrom(sets, limits);
                        assertFalse(sets.finish(), Seed.line(seed));
                    });
            assertEquals(wanted, popped.size(), Seed.line(seed));
            assertTrue(model.removeAll(popped), Seed.line(seed));
            compare(shard, key, model);
        }
        with(
                shard,
                key,
                record -> {
                    sample.begin(shard.shard(), record, 1);
                    sample.pick(0);
                    sample.removePicked(sets);
                    assertTrue(sets.finish(), Seed.line(seed));
                });
        compare(shard, key, Set.of());
    }

    /** What is there from a scan's begin to its end is told, whatever comes and goes meanwhile. */
    @Test
    void scansMissNothing() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "set")) {
            List<String> stable = new ArrayList<>();
            for (int i = 0; i < 1_000; i++) {
                stable.add("stable" + i);
            }
            change(shard, key, stable, true);
            Set<String> seen = new HashSet<>();
            long[] cursor = new long[1];
            int others = 0;
            do {
                shard.run(
                        () -> {
                            walk.open(shard.shard(), key.record());
                            walk.goTo(walk.partAt(cursor[0]));
                            while (walk.nextOfPart()) {
                                seen.add(read(walk.whole()));
                            }
                            cursor[0] = walk.nextCursor(cursor[0]);
                            return 0;
                        });
                List<String> more = new ArrayList<>();
                for (int i = 0; i < 100; i++) {
                    more.add("other" + (others++ + i));
                }
                change(shard, key, more, random.chance(0.7));
            } while (cursor[0] != 0);
            assertTrue(seen.containsAll(stable), Seed.line(seed));
        }
    }

    /** The encoding depends on what ever was in the set. */
    @Test
    void formsStick() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "set")) {
            assertEquals(Record.FORM_INTSET, form(shard, key, numbers(0, 512)));
            assertEquals(Record.FORM_LARGE, form(shard, key, numbers(512, 513)));
            change(shard, key, numbers(1, 513), false);
            assertEquals(Record.FORM_LARGE, form(shard, key, numbers(0, 1)));
            change(shard, key, numbers(0, 1), false);
            assertEquals(Record.FORM_INTSET, form(shard, key, numbers(0, 127)));
            assertEquals(Record.FORM_LISTPACK, form(shard, key, List.of("x".repeat(64))));
            assertEquals(Record.FORM_LARGE, form(shard, key, numbers(127, 128)));
            change(shard, key, List.of("x".repeat(64)), false);
            change(shard, key, numbers(0, 128), false);
            assertEquals(Record.FORM_LISTPACK, form(shard, key, List.of("a")));
            assertEquals(Record.FORM_LARGE, form(shard, key, List.of("x".repeat(65))));
        }
    }

    private int form(TestShard shard, TestKey key, List<String> added) {
        change(shard, key, added, true);
        return (int) shard.run(() -> Record.form(Record.kind(key.record())));
    }

    private static List<String> numbers(int from, int to) {
        List<String> numbers = new ArrayList<>();
        for (int i = from; i < to; i++) {
            numbers.add(Integer.toString(i));
        }
        return numbers;
    }
}
