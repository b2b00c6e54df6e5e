package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.datatypes.TestTree.Entry;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Random changes of trees beside lists, cold and hot: by position, and in the order of (score, member). */
final class TreePropertyTest {
    private static final int[] EDGES = {0, 1, 31, 32, 127, 128, 700, 1500, Spill.SPILL_BYTES};

    private final long seed = Seed.get();
    private final Prng random = new Prng(seed);
    private final List<Entry> model = new ArrayList<>();

    @SuppressWarnings("NullAway.Init")
    private TestTree on;

    @SuppressWarnings("NullAway.Init")
    private Tree tree;

    @SuppressWarnings("NullAway.Init")
    private TestShard owner;

    @SuppressWarnings("NullAway.Init")
    private Shard shard;

    @BeforeEach
    void open() throws Exception {
        on = new TestTree(Seed.line(seed));
        tree = on.tree;
        owner = on.owner;
        shard = on.shard;
    }

    @AfterEach
    void close() throws Exception {
        on.close();
    }

    private void begin(boolean scored) {
        model.clear();
        on.begin(scored);
    }

    // Entries.

    private byte[] member(int longest) {
        int length =
                random.chance(0.7)
                        ? random.nextInt(40)
                        : EDGES[random.nextInt(EDGES.length)] + random.nextInt(3);
        byte[] bytes = new byte[Math.min(length, longest)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) random.nextInt();
        }
        return bytes;
    }

    private void insert(int position, Entry e) {
        on.command(
                () -> {
                    on.open();
                    int bytes = on.code(e);
                    if (on.scored) {
                        assertEquals(position, on.seek(e), Seed.line(seed));
                    } else {
                        tree.seek(position, 0);
                    }
                    tree.loadInsert(on.entry, bytes);
                    on.write(
                            () -> {
                                on.spill(e);
                                tree.insert(on.entry, bytes);
                            });
                });
        model.add(position, e);
    }

    /** Some entries of one leaf. */
    private void remove(int position, int most) {
        int[] removed = new int[1];
        on.command(
                () -> {
                    on.open();
                    tree.seek(position, 0);
                    long at = tree.entry();
                    int count = 0;
                    while (count < most && at < tree.leafEnd()) {
                        if (Element.isSpilled(at + on.scoreBytes)) {
                            Spill.load(shard, tree.object(), at + on.scoreBytes);
                        }
                        at += TreeLayout.leafEntryBytes(at, on.scoreBytes);
                        count++;
                    }
                    removed[0] = count;
                    int bytes = (int) (at - tree.entry());
                    tree.loadRemove();
                    on.write(
                            () -> {
                                for (long e = tree.entry(); e < tree.entry() + bytes; ) {
                                    if (Element.isSpilled(e + on.scoreBytes)) {
                                        Spill.delete(shard, on.root, e + on.scoreBytes);
                                    }
                                    e += TreeLayout.leafEntryBytes(e, on.scoreBytes);
                                }
                                tree.remove(removed[0], bytes);
                            });
                });
        model.subList(position, position + removed[0]).clear();
    }

    // Looking.

    private void same(Entry wanted, Entry actual) {
        assertEquals(wanted.score(), actual.score(), Seed.line(seed));
        assertArrayEquals(wanted.member(), actual.member(), Seed.line(seed));
    }

    private void check() {
        int from = random.nextInt(model.size() + 1);
        int count = random.nextInt(model.size() - from + 1);
        on.command(
                () -> {
                    on.open();
                    assertEquals(model.size(), tree.count(), Seed.line(seed));
                    tree.seek(from, count);
                    for (int i = from; i < from + count; i++) {
                        assertTrue(tree.settle(), Seed.line(seed));
                        same(model.get(i), on.decode(tree.entry()));
                        tree.next();
                    }
                    if (from + count == model.size()) {
                        assertTrue(!tree.settle(), Seed.line(seed));
                    }
                });
        on.command(
                () -> {
                    on.open();
                    tree.seek(from, -from);
                    for (int i = from - 1; i >= 0; i--) {
                        assertTrue(tree.previous(), Seed.line(seed));
                        same(model.get(i), on.decode(tree.entry()));
                    }
                    assertTrue(!tree.previous(), Seed.line(seed));
                });
        if (on.scored && !model.isEmpty()) {
            int i = random.nextInt(model.size());
            Entry e = model.get(i);
            on.command(
                    () -> {
                        on.open();
                        assertEquals(i, on.seek(e));
                        assertTrue(tree.settle());
                        same(e, on.decode(tree.entry()));
                    });
        }
        if (random.chance(0.3)) {
            on.command(
                    () -> {
                        on.open();
                        int height = TreeLayout.height(on.root + TestTree.PART);
                        if (height > 0) {
                            long top = TreeLayout.top(on.root + TestTree.PART);
                            assertEquals(model.size(), countBelow(top, height - 1));
                        }
                    });
        }
    }

    /** Counts, and lengths of pages. */
    private long countBelow(long page, int level) {
        long record = shard.readPage(tree.object(), page);
        long value = Record.value(record);
        int bytes = Record.valueLength(record);
        long count = 0;
        int entries = 0;
        for (int at = TreeLayout.ENTRIES; at < bytes; entries++) {
            if (level == 0) {
                count++;
                at += TreeLayout.leafEntryBytes(value + at, on.scoreBytes);
            } else {
                long below = countBelow(TreeLayout.child(value + at), level - 1);
                assertEquals(TreeLayout.count(value + at), below, Seed.line(seed));
                count += below;
                at += TreeLayout.innerEntryBytes(value + at, on.scoreBytes);
            }
        }
        assertTrue(
                bytes <= (level == 0 ? TreeLayout.PAGE_BYTES_MAX : TreeLayout.INNER_BYTES_MAX)
                        || level > 0 && entries < TreeLayout.INNER_ENTRIES_MIN,
                () -> "page of " + bytes + " bytes at level " + level + " " + Seed.line(seed));
        assertTrue(count > 0, Seed.line(seed));
        return count;
    }

    // Lists.

    @Test
    void byPosition() {
        for (int round = 0; round < 6; round++) {
            begin(false);
            int most = random.nextInt(2) == 0 ? 50 : 4000;
            double growth = 0.9;
            for (int step = 0; step < 6000; step++) {
                if (model.size() > most) {
                    growth = 0.2;
                } else if (model.isEmpty()) {
                    growth = 0.8;
                }
                if (model.isEmpty() || random.chance(growth)) {
                    int place =
                            switch (random.nextInt(4)) {
                                case 0 -> 0;
                                case 1 -> model.size();
                                default -> random.nextInt(model.size() + 1);
                            };
                    insert(place, new Entry(0, member(round % 2 == 0 ? 200 : 40_000)));
                } else {
                    remove(random.nextInt(model.size()), 1 + random.nextInt(growth < 0.5 ? 40 : 2));
                }
                if (step % 97 == 0) {
                    check();
                }
            }
            check();
        }
    }

    @Test
    void leavesGoInAndOutAtBothEnds() {
        begin(false);
        for (int step = 0; step < 4000; step++) {
            boolean first = random.chance(0.5);
            if (model.isEmpty() || random.chance(step < 2500 ? 0.7 : 0.3)) {
                List<Entry> leaf = new ArrayList<>();
                int count = 1 + random.nextInt(5);
                for (int i = 0; i < count; i++) {
                    leaf.add(new Entry(0, member(60)));
                }
                on.command(
                        () -> {
                            on.open();
                            tree.loadEnd(first);
                            CollectionRoot.probe(shard, on.root, tree.pagesOfInsert() + 1);
                            on.write(
                                    () -> {
                                        long page = CollectionRoot.takePage(on.root);
                                        putLeaf(page, leaf);
                                        tree.addLeaf(first, page, count);
                                    });
                        });
                model.addAll(first ? 0 : model.size(), leaf);
            } else {
                long[] taken = new long[1];
                on.command(
                        () -> {
                            on.open();
                            tree.loadEnd(first);
                            shard.readPage(tree.object(), tree.endPage());
                            on.write(
                                    () -> {
                                        long page = tree.takeLeaf();
                                        taken[0] = tree.takenCount;
                                        shard.deletePage(tree.object(), page);
                                        CollectionRoot.givePage(on.root, page);
                                    });
                        });
                int count = (int) taken[0];
                int from = first ? 0 : model.size() - count;
                model.subList(from, from + count).clear();
            }
            if (step % 50 == 0) {
                check();
            }
            if (step % 1000 == 0) {
                owner.pushOut();
            }
        }
        check();
    }

    private void putLeaf(long page, List<Entry> leaf) {
        int bytes = TreeLayout.ENTRIES;
        for (Entry e : leaf) {
            bytes += on.code(e);
        }
        long value = shard.upsertPage(tree.object(), page, bytes);
        Memory.putInt(value, 0);
        long at = value + TreeLayout.ENTRIES;
        for (Entry e : leaf) {
            int length = on.code(e);
            Memory.copy(on.entry, at, length);
            at += length;
        }
    }

    // Sorted sets.

    private int place(Entry e) {
        return -1 - Collections.binarySearch(model, e, Entry.ORDER);
    }

    @Test
    void byOrder() {
        for (int round = 0; round < 6; round++) {
            begin(true);
            int scores = new int[] {1, 3, 100_000}[round % 3];
            int most = round < 3 ? 4000 : 300;
            byte[] common = new byte[random.chance(0.5) ? 0 : 2100];
            double growth = 0.9;
            for (int step = 0; step < 5000; step++) {
                if (model.size() > most) {
                    growth = 0.2;
                } else if (model.isEmpty()) {
                    growth = 0.8;
                }
                if (model.isEmpty() || random.chance(growth)) {
                    byte[] member = member(most < 1000 ? 40_000 : 100);
                    if (most < 1000 && random.chance(0.3)) {
                        byte[] tail = member;
                        member = Arrays.copyOf(common, common.length + tail.length);
                        System.arraycopy(tail, 0, member, common.length, tail.length);
                    }
                    double score =
                            round % 2 == 0 || random.chance(0.3)
                                    ? random.nextInt(scores) - scores / 2
                                    : step;
                    Entry e = new Entry(score, member);
                    int place = place(e);
                    if (place >= 0) {
                        insert(place, e);
                    }
                } else {
                    remove(random.nextInt(model.size()), 1 + random.nextInt(growth < 0.5 ? 40 : 2));
                }
                if (step % 97 == 0) {
                    check();
                }
                if (step % 1700 == 1699) {
                    owner.pushOut();
                }
            }
            check();
        }
    }

    // Cold.

    @Test
    void coldTreesAreReadBackForPartOfThem() {
        for (int round = 0; round < 2; round++) {
            begin(round == 1);
            for (int i = 0; i < 20_000; i++) {
                Entry e =
                        on.scored
                                ? new Entry(random.nextInt(1000), member(100))
                                : new Entry(0, member(i % 500 == 0 ? 70_000 : 100));
                int place = on.scored ? place(e) : model.size();
                if (place >= 0) {
                    insert(place, e);
                }
            }
            int all = owner.misses;
            for (int step = 0; step < 12; step++) {
                owner.pushOut();
                int before = owner.misses;
                if (step % 2 == 0) {
                    Entry e = new Entry(on.scored ? random.nextInt(1000) : 0, member(2000));
                    int place = on.scored ? place(e) : random.nextInt(model.size() + 1);
                    if (place >= 0) {
                        insert(place, e);
                    }
                } else {
                    remove(random.nextInt(model.size()), 1000);
                }
                assertTrue(
                        owner.misses < before + 12,
                        () -> owner.misses - before + " misses " + Seed.line(seed));
                check();
            }
            assertTrue(owner.misses > all + 12, "little was cold");
            owner.pushOut();
            check();
        }
    }

    @Test
    void leavesStayFullWhereEntriesComeInOrder() {
        for (int direction = 0; direction < 2; direction++) {
            for (int kind = 0; kind < 2; kind++) {
                begin(kind == 1);
                byte[] member = new byte[32];
                for (int i = 0; i < 20_000; i++) {
                    int score = direction == 0 ? i : -i;
                    insert(direction == 0 ? i : 0, new Entry(on.scored ? score : 0, member));
                }
                long pages = (CollectionRoot.nextPage(on.root) - 1) / 2;
                int leafBytes =
                        on.scored ? TreeLayout.SCORED_LEAF_BYTES : TreeLayout.PAGE_BYTES_MAX;
                double perLeaf = Math.floor((leafBytes - 4.0) / (33 + on.scoreBytes));
                assertTrue(pages < 20_000 / perLeaf * 1.04, pages + " pages");
                check();
            }
        }
    }

    @Test
    void removingAllLeavesNoPage() {
        begin(true);
        for (int i = 0; i < 3000; i++) {
            Entry e = new Entry(random.nextInt(5), member(3000));
            int place = place(e);
            if (place >= 0) {
                insert(place, e);
            }
        }
        while (!model.isEmpty()) {
            remove(random.nextInt(model.size()), 1 + random.nextInt(3));
        }
        check();
        on.command(
                () -> {
                    for (long page = 1; page < CollectionRoot.nextPage(on.root); page += 2) {
                        assertEquals(0, shard.readPage(CollectionRoot.object(on.root), page));
                    }
                });
    }
}
