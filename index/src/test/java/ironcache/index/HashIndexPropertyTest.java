package ironcache.index;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Random operations beside a model that knows, for each hash, the payloads stored under it. Payloads are unique, so a
 * candidate tells whose it is. The build runs this once per width of the probe.
 */
class HashIndexPropertyTest {
    /** How hashes are drawn: uniformly, or with much in common, so that stash and overflow get work. */
    private enum Shape {
        UNIFORM,
        FEW_GROUPS,
        FEW_TAGS,
        CLUSTERED;

        long hash(Prng prng, int keys) {
            long mixed = Prng.mix(prng.nextInt(keys));
            return switch (this) {
                case UNIFORM -> mixed;
                case FEW_GROUPS -> mixed & 0xFFFFFFFF00000000L | (mixed & 7) << 28;
                case FEW_TAGS -> mixed & 0xFFFFFFFFL | (mixed >>> 60) << 60;
                case CLUSTERED -> (mixed & 3) == 0 ? mixed : mixed >>> 7;
            };
        }
    }

    @Test
    void uniform() {
        Seeds.run(prng -> againstModel(prng, Shape.UNIFORM, 100_000, 200_000));
    }

    @Test
    void fewGroups() {
        Seeds.run(prng -> againstModel(prng, Shape.FEW_GROUPS, 6_000, 15_000));
    }

    @Test
    void fewTags() {
        Seeds.run(prng -> againstModel(prng, Shape.FEW_TAGS, 50_000, 100_000));
    }

    @Test
    void clustered() {
        Seeds.run(prng -> againstModel(prng, Shape.CLUSTERED, 50_000, 100_000));
    }

    private static void againstModel(Prng prng, Shape shape, int keys, int operations) {
        long bytesBefore = MemoryTag.INDEX.bytes();
        try (HashIndex index = new HashIndex()) {
            Map<Long, Set<Long>> model = new HashMap<>();
            long size = 0;
            long nextPayload = 1;
            double insertShare = 0.7;
            for (int i = 0; i < operations; i++) {
                if (i % 50_000 == 0) {
                    insertShare = 0.3 + 0.5 * prng.nextDouble();
                }
                long hash = shape.hash(prng, keys);
                Set<Long> expected = model.computeIfAbsent(hash, h -> new HashSet<>(2));
                if (prng.chance(insertShare)) {
                    long payload = nextPayload++;
                    long slot = index.insert(hash, payload);
                    assertEquals(payload, HashIndex.payload(slot));
                    expected.add(payload);
                    size++;
                } else if (!expected.isEmpty()) {
                    long payload = expected.iterator().next();
                    long slot = find(index, hash, payload);
                    assertTrue(
                            slot != 0,
                            "lost: hash " + Long.toHexString(hash) + " payload " + payload);
                    expected.remove(payload);
                    if (prng.chance(0.5)) {
                        index.remove(slot);
                        size--;
                    } else {
                        index.replace(slot, nextPayload);
                        assertEquals(slot, find(index, hash, nextPayload));
                        expected.add(nextPayload++);
                    }
                } else {
                    assertEquals(0, countOwn(index, hash, expected));
                }
                assertEquals(size, index.size());
            }
            verify(index, model, size);
        }
        assertEquals(bytesBefore, MemoryTag.INDEX.bytes());
    }

    private static void verify(HashIndex index, Map<Long, Set<Long>> model, long size) {
        Set<Long> all = new HashSet<>();
        model.forEach(
                (hash, payloads) -> {
                    assertEquals(
                            payloads.size(),
                            countOwn(index, hash, payloads),
                            "hash " + Long.toHexString(hash));
                    all.addAll(payloads);
                });
        List<Long> scanned = new ArrayList<>();
        long cursor = 0;
        do {
            cursor = index.scan(cursor, (slot, payload) -> scanned.add(payload));
        } while (cursor != 0);
        assertEquals(size, scanned.size(), "an undisturbed scan visits each entry once");
        assertEquals(all, new HashSet<>(scanned));
    }

    private static long find(HashIndex index, long hash, long payload) {
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            if (HashIndex.payload(slot) == payload) {
                return slot;
            }
        }
        return 0;
    }

    private static int countOwn(HashIndex index, long hash, Set<Long> payloads) {
        int count = 0;
        Set<Long> slots = new HashSet<>();
        for (long slot = index.first(hash); slot != 0; slot = index.next()) {
            assertTrue(slots.add(slot), "the probe returned a slot twice");
            count += payloads.contains(HashIndex.payload(slot)) ? 1 : 0;
        }
        return count;
    }

    @Test
    void scanSeesEverythingThatStays() {
        Seeds.run(prng -> scanUnderChange(prng, Shape.UNIFORM, 30_000, 60));
        Seeds.run(prng -> scanUnderChange(prng, Shape.FEW_GROUPS, 3_000, 1));
        Seeds.run(prng -> scanUnderChange(prng, Shape.CLUSTERED, 20_000, 20));
    }

    /** Between calls of the scan, entries come (segments split) and other entries go; the stayers must all be seen. */
    private static void scanUnderChange(Prng prng, Shape shape, int stayers, int insertsPerCall) {
        try (HashIndex index = new HashIndex()) {
            for (int i = 1; i <= stayers; i++) {
                index.insert(shape.hash(prng, 1 << 30), i);
            }
            Set<Long> seen = new HashSet<>();
            List<long[]> passing = new ArrayList<>();
            long nextPayload = stayers + 1L;
            long cursor = 0;
            long calls = 0;
            do {
                cursor = index.scan(cursor, (slot, payload) -> seen.add(payload));
                assertTrue(cursor >= 0 && cursor < 1L << 49);
                boolean growing = calls++ < 2_000;
                for (int i = 0; growing && i < insertsPerCall; i++) {
                    long hash = shape.hash(prng, 1 << 30);
                    index.insert(hash, nextPayload);
                    passing.add(new long[] {hash, nextPayload++});
                }
                for (int i = 0; i < insertsPerCall / 2 && !passing.isEmpty(); i++) {
                    long[] entry = passing.removeLast();
                    long slot = find(index, entry[0], entry[1]);
                    assertTrue(slot != 0);
                    index.remove(slot);
                }
            } while (cursor != 0);
            for (long i = 1; i <= stayers; i++) {
                assertTrue(seen.contains(i), "not visited: " + i);
            }
        }
    }
}
