package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.datatypes.SortedSetRange.Bound;
import ironcache.engine.ColdMiss;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Random commands on sorted sets beside a map and an ordered set: packed and paged, with members around the lengths at which they are spilled, and all of it on the SSD now and then. */
final class SortedSetsPropertyTest {
    private static final long LIMIT = 128;
    private static final int SCRATCH_BYTES = 1 << 20;
    private static final int[] EDGES = {127, 128, 2031, 2032, 2033, 4070, 16_384, 16_385, 40_000};

    private record Entry(double score, Key member) {}

    /** Bytes by value. */
    private static final class Key implements Comparable<Key> {
        private final byte[] bytes;

        Key(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && Arrays.equals(bytes, key.bytes);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }

        @Override
        public int compareTo(Key other) {
            return Arrays.compareUnsigned(bytes, other.bytes);
        }

        @Override
        public String toString() {
            return bytes.length
                    + ":"
                    + Arrays.toString(Arrays.copyOf(bytes, Math.min(8, bytes.length)));
        }
    }

    /** Scores as numbers: both zeros are one. */
    private static final Comparator<Entry> ORDER =
            (a, b) -> a.score < b.score ? -1 : a.score > b.score ? 1 : a.member.compareTo(b.member);

    private final long seed = Seed.get();
    private final Prng random = new Prng(seed);
    private final Map<Key, Double> scores = new HashMap<>();
    private final TreeSet<Entry> order = new TreeSet<>(ORDER);

    private TestShard owner;
    private TestKey key;
    private final SortedSets set = new SortedSets();
    private final SortedSetRange range = new SortedSetRange();
    private final long scratch = Memory.allocate(SCRATCH_BYTES, MemoryTag.OTHER);
    private boolean skiplist;
    private int longest;
    private int kinds;

    @BeforeEach
    void open() throws Exception {
        owner = new TestShard();
        key = new TestKey(owner, "set");
    }

    @AfterEach
    void close() throws Exception {
        key.close();
        owner.close();
        set.close();
        Memory.free(scratch, SCRATCH_BYTES, MemoryTag.OTHER);
    }

    // Commands.

    private long record() {
        return key.shard.read(TestKey.DB, key.address, key.length, key.hash);
    }

    private void openSet(long record) {
        set.open(key.shard, TestKey.DB, key.address, key.length, key.hash, record);
    }

    /** Runs as a command does: what is loaded does not miss afterwards. */
    private void command(Runnable load, Runnable write) {
        owner.run(
                () -> {
                    openSet(record());
                    load.run();
                    set.loaded();
                    try {
                        write.run();
                    } catch (ColdMiss miss) {
                        throw new AssertionError("missed after the first write " + line(), miss);
                    }
                    return 0;
                });
    }

    private String line() {
        return Seed.line(seed);
    }

    /** Where members are in memory: one behind the other. */
    private long[] put(List<Key> members) {
        long[] addresses = new long[members.size()];
        long at = scratch;
        for (int i = 0; i < addresses.length; i++) {
            addresses[i] = at;
            Memory.copyIn(members.get(i).bytes, 0, at, members.get(i).bytes.length);
            at += members.get(i).bytes.length;
        }
        assertTrue(at <= scratch + SCRATCH_BYTES);
        return addresses;
    }

    private void add(List<Entry> entries) {
        List<Key> members = entries.stream().map(Entry::member).toList();
        long[] addresses = put(members);
        int most = members.stream().mapToInt(m -> m.bytes.length).max().orElse(0);
        long bytes = members.stream().mapToLong(m -> m.bytes.length + SortedSets.ENTRY_BYTES).sum();
        command(
                () -> {
                    set.limits(LIMIT, 64, entries.size(), most, bytes);
                    for (int i = 0; i < addresses.length; i++) {
                        set.loadPut(
                                addresses[i], members.get(i).bytes.length, entries.get(i).score);
                    }
                },
                () -> {
                    for (int i = 0; i < addresses.length; i++) {
                        int length = members.get(i).bytes.length;
                        double score = entries.get(i).score;
                        if (!set.find(addresses[i], length)) {
                            set.add(addresses[i], length, score);
                        } else if (set.score() != score) {
                            set.update(addresses[i], length, score);
                        }
                    }
                    assertFalse(set.finish(), line());
                });
        longest = Math.max(longest, most);
        skiplist |= entries.size() > LIMIT || longest > 64;
        for (Entry e : entries) {
            Double before = scores.put(e.member, e.score);
            if (before != null) {
                order.remove(new Entry(before, e.member));
            }
            order.add(e);
            skiplist |= scores.size() > LIMIT;
        }
    }

    private void remove(List<Key> members) {
        long[] addresses = put(members);
        boolean[] gone = new boolean[1];
        command(
                () -> {
                    for (int i = 0; i < addresses.length; i++) {
                        if (set.find(addresses[i], members.get(i).bytes.length)) {
                            set.loadRemove(1);
                        }
                    }
                },
                () -> {
                    for (int i = 0; i < addresses.length; i++) {
                        boolean there = set.find(addresses[i], members.get(i).bytes.length);
                        if (there) {
                            set.remove(1);
                        }
                    }
                    gone[0] = set.finish();
                });
        for (Key member : members) {
            Double score = scores.remove(member);
            if (score != null) {
                order.remove(new Entry(score, member));
            }
        }
        ended(gone[0]);
    }

    private void removeRange(int rank, int count) {
        boolean[] gone = new boolean[1];
        command(
                () -> {
                    assertTrue(set.seekRank(rank, count), line());
                    set.loadRemove(count);
                },
                () -> {
                    set.remove(count);
                    gone[0] = set.finish();
                });
        List<Entry> all = new ArrayList<>(order);
        for (Entry e : all.subList(rank, rank + count)) {
            scores.remove(e.member);
            order.remove(e);
        }
        ended(gone[0]);
    }

    private void ended(boolean gone) {
        assertEquals(scores.isEmpty(), gone, line());
        if (gone) {
            skiplist = false;
            longest = 0;
            key.command(() -> assertEquals(0, record(), line()));
        }
    }

    // Looking.

    private void same(Entry wanted) {
        assertEquals(
                wanted.score == 0 ? 0 : wanted.score, set.score() == 0 ? 0 : set.score(), line());
        byte[] member = new byte[set.memberLength()];
        Memory.copyOut(set.member(), member, 0, member.length);
        assertArrayEquals(wanted.member.bytes, member, line());
    }

    private void check() {
        if (scores.isEmpty()) {
            key.command(() -> assertEquals(0, record(), line()));
            return;
        }
        List<Entry> all = new ArrayList<>(order);
        key.command(
                () -> {
                    long record = record();
                    assertTrue(SortedSets.isSortedSet(record));
                    assertEquals(!skiplist, SortedSets.isListpack(record), line());
                    kinds |= Record.isPaged(record) ? 2 : 1;
                    openSet(record);
                    assertEquals(all.size(), set.count(), line());
                });
        checkWalk(all);
        checkMembers(all);
        for (int i = 0; i < 3; i++) {
            checkScores(all);
        }
        if (random.chance(0.3)) {
            checkScan(all);
        }
    }

    private void checkWalk(List<Entry> all) {
        int from = random.nextInt(all.size());
        int count = 1 + random.nextInt(all.size() - from);
        key.command(
                () -> {
                    openSet(record());
                    assertTrue(set.seekRank(from, count), line());
                    for (int i = from; i < from + count; i++) {
                        same(all.get(i));
                        if (random.chance(0.05)) {
                            assertEquals(i, set.rank(), line());
                        }
                        assertEquals(i + 1 < all.size(), set.next(), line());
                    }
                });
        key.command(
                () -> {
                    openSet(record());
                    assertTrue(set.seekRank(from, -from - 1), line());
                    for (int i = from; i >= 0; i--) {
                        same(all.get(i));
                        assertEquals(i > 0, set.previous(), line());
                    }
                });
        key.command(
                () -> {
                    openSet(record());
                    assertFalse(set.seekRank(all.size(), 1), line());
                });
    }

    private void checkMembers(List<Entry> all) {
        for (int i = 0; i < 20; i++) {
            int rank = random.nextInt(all.size());
            Key member = random.chance(0.8) ? all.get(rank).member : member(40);
            put(List.of(member));
            Double score = scores.get(member);
            key.command(
                    () -> {
                        openSet(record());
                        assertEquals(score != null, set.find(scratch, member.bytes.length), line());
                        if (score != null) {
                            Entry e = new Entry(score, member);
                            same(e);
                            assertEquals(order.headSet(e).size(), set.rank(), line());
                        }
                    });
        }
    }

    private void checkScores(List<Entry> all) {
        double a = all.get(random.nextInt(all.size())).score;
        double b = random.chance(0.5) ? all.get(random.nextInt(all.size())).score : score();
        boolean withoutMin = random.chance(0.4);
        boolean withoutMax = random.chance(0.4);
        range.scores(a, withoutMin, b, withoutMax);
        List<Entry> in = new ArrayList<>();
        for (Entry e : all) {
            if ((withoutMin ? e.score > a : e.score >= a)
                    && (withoutMax ? e.score < b : e.score <= b)) {
                in.add(e);
            }
        }
        checkRange(in);
    }

    private void checkRange(List<Entry> in) {
        int skipped = random.nextInt(5);
        int most = random.chance(0.5) ? Integer.MAX_VALUE : random.nextInt(10);
        for (boolean backwards : new boolean[] {false, true}) {
            key.command(
                    () -> {
                        openSet(record());
                        boolean there = backwards ? set.seekLast(range) : set.seekFirst(range);
                        assertEquals(!in.isEmpty(), there, line());
                        if (!there) {
                            return;
                        }
                        same(backwards ? in.getLast() : in.getFirst());
                        if (!set.skip(skipped, backwards)) {
                            assertTrue(in.size() <= skipped, line());
                            return;
                        }
                        long count = set.countOn(range, most, backwards);
                        assertEquals(Math.clamp(in.size() - skipped, 0, most), count, line());
                        for (int i = 0; i < count; i++) {
                            same(in.get(backwards ? in.size() - 1 - skipped - i : skipped + i));
                            there = backwards ? set.previous() : set.next();
                        }
                    });
        }
    }

    private void checkScan(List<Entry> all) {
        boolean[] paged = new boolean[1];
        key.command(
                () -> {
                    openSet(record());
                    paged[0] = set.isPaged();
                });
        if (!paged[0]) {
            return;
        }
        Set<Entry> seen = new HashSet<>();
        long[] cursor = new long[1];
        do {
            // A miss runs the command again: what it saw may be seen twice.
            long begin = cursor[0];
            key.command(
                    () -> {
                        openSet(record());
                        long end = set.scanEnd(begin, 1);
                        Set<Entry> now = new HashSet<>();
                        for (boolean there = set.scanFirst(begin, end);
                                there;
                                there = set.scanNext()) {
                            byte[] member = new byte[set.memberLength()];
                            Memory.copyOut(set.member(), member, 0, member.length);
                            Entry found = new Entry(set.score(), new Key(member));
                            assertTrue(now.add(found), "twice in one call " + line());
                            seen.add(found);
                        }
                        cursor[0] = end;
                    });
        } while (cursor[0] != 0);
        assertEquals(all.size(), seen.size(), line());
        Set<Key> members = new HashSet<>();
        seen.forEach(e -> members.add(e.member));
        assertEquals(scores.keySet(), members, line());
    }

    // What is random.

    private Key member(int longest) {
        int length =
                random.chance(0.85)
                        ? random.nextInt(20)
                        : EDGES[random.nextInt(EDGES.length)] + random.nextInt(3) - 1;
        byte[] bytes = new byte[Math.min(length, longest)];
        // Long ones often differ at the end alone.
        for (int i = bytes.length > 200 ? bytes.length - 2 : 0; i < bytes.length; i++) {
            bytes[i] = (byte) (random.nextInt(bytes.length > 4 ? 3 : 256) - 1);
        }
        return new Key(bytes);
    }

    private double score() {
        return switch (random.nextInt(8)) {
            case 0 -> -0.0;
            case 1 -> random.chance(0.5) ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
            case 2 -> random.nextDouble();
            case 3 -> (random.nextDouble() - 0.5) * 1e300;
            default -> random.nextInt(12) - 4;
        };
    }

    private Key known() {
        return random.chance(0.3) || order.isEmpty()
                ? member(40_010)
                : new ArrayList<>(order).get(random.nextInt(order.size())).member;
    }

    private void play(int most, int longestMember, int steps, boolean pushesOut) {
        double growth = 0.8;
        for (int step = 0; step < steps; step++) {
            if (scores.size() > most) {
                growth = 0.25;
            } else if (scores.isEmpty()) {
                growth = 0.8;
            }
            if (scores.isEmpty() || random.chance(growth)) {
                int count = random.chance(0.05) ? 1 + random.nextInt(most) : 1 + random.nextInt(4);
                List<Entry> entries = new ArrayList<>();
                long bytes = 0;
                for (int i = 0; i < count && bytes < SCRATCH_BYTES / 2; i++) {
                    Key member = random.chance(0.2) ? known() : member(longestMember);
                    entries.add(new Entry(score(), member));
                    bytes += member.bytes.length;
                }
                add(entries);
            } else if (random.chance(0.4)) {
                int rank = random.nextInt(scores.size());
                int count = scores.size() - rank;
                removeRange(
                        rank, 1 + random.nextInt(random.chance(0.1) ? count : Math.min(count, 9)));
            } else {
                List<Key> members = new ArrayList<>();
                for (int i = random.nextInt(5); i >= 0; i--) {
                    members.add(known());
                }
                remove(members);
            }
            if (step % 7 == 0) {
                check();
            }
            if (pushesOut && step % 60 == 30) {
                owner.pushOut();
            }
        }
        check();
    }

    @Test
    void smallOnesAreAsAMap() {
        for (int round = 0; round < 8; round++) {
            play(10 + random.nextInt(250), 60, 400, false);
        }
        assertTrue((kinds & 1) != 0, "none was packed");
    }

    @Test
    void largeOnesAreAsAMap() {
        play(3000, 20, 700, false);
        assertTrue((kinds & 2) != 0, "none was paged");
    }

    @Test
    void longMembersAreAsAMap() {
        play(60, 40_010, 500, false);
        assertTrue((kinds & 2) != 0, "none was paged");
    }

    @Test
    void coldOnesAreAsAMap() {
        play(25, 60, 120, true);
        play(2000, 2100, 260, true);
        assertTrue(owner.misses > 0, "nothing was cold");
        assertTrue((kinds & 2) != 0, "none was paged");
    }

    /**
     * One command empties leaves and puts others where they were, among members of the same scores of
     * which most are long, and cold: what it loaded first was all that it needs.
     */
    @Test
    void coldTiesAreAsAMap() {
        int ties = 1 + random.nextInt(60);
        for (int i = 0; i < 60; i++) {
            add(ties(20, ties));
        }
        for (int round = 0; round < 12; round++) {
            // What was used stays once.
            owner.pushOut();
            owner.pushOut();
            for (int i = 0; i < 20; i++) {
                List<Entry> all = new ArrayList<>(order);
                int run = 1 + random.nextInt(12);
                int from = random.nextInt(all.size() - run);
                List<Entry> entries = ties(random.nextInt(4), ties);
                for (Entry e : all.subList(from, from + run)) {
                    double to =
                            random.chance(0.5)
                                    ? all.get(random.nextInt(all.size())).score
                                    : e.score + random.nextInt(3) - 1;
                    entries.add(new Entry(to, e.member));
                    if (random.chance(0.3)) {
                        entries.add(new Entry(e.score, tie()));
                    }
                }
                add(entries);
            }
            removeRange(random.nextInt(scores.size() - 60), 60);
            check();
        }
    }

    private List<Entry> ties(int count, int ties) {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            entries.add(new Entry(random.nextInt(ties), tie()));
        }
        return entries;
    }

    /** A leaf has two, or seventy; most differ at the end alone. */
    private Key tie() {
        byte[] bytes = new byte[random.chance(0.5) ? 900 : 2040];
        bytes[0] = (byte) random.nextInt(2);
        for (int i = bytes.length - 2; i < bytes.length; i++) {
            bytes[i] = (byte) random.nextInt(256);
        }
        return new Key(bytes);
    }

    /** The leaf where it belongs is being read already: the command reads no more than was asked for. */
    @Test
    void aPlaceIsAskedForBeforeItIsNeeded() {
        for (int i = 0; i < 30; i++) {
            List<Entry> entries = new ArrayList<>();
            for (int j = 0; j < 100; j++) {
                entries.add(
                        new Entry(random.nextInt(1000), new Key(new byte[] {(byte) i, (byte) j})));
            }
            add(entries);
        }
        // What was used stays once.
        owner.pushOut();
        owner.pushOut();
        long[] member = put(List.of(new Key(new byte[] {7, 7})));
        key.command(
                () -> {
                    openSet(record());
                    assertTrue(set.find(member[0], 2), line());
                });
        double score = scores.get(new Key(new byte[] {7, 7})) < 500 ? 990 : 10;
        long before = key.shard.stats().coldReads;
        key.command(
                () -> {
                    openSet(record());
                    assertFalse(set.prefetch(member[0], 2), line());
                    set.prefetchPlace(member[0], 2, score);
                });
        long asked = key.shard.stats().coldReads;
        assertTrue(asked > before, "nothing was asked for");
        key.command(
                () -> {
                    openSet(record());
                    set.limits(LIMIT, 64, 1, 2, 2 + SortedSets.ENTRY_BYTES);
                    set.loadPut(member[0], 2, score);
                });
        assertEquals(asked, key.shard.stats().coldReads, line());
    }

    @Test
    void rangesByMembers() {
        for (int round = 0; round < 6; round++) {
            List<Entry> entries = new ArrayList<>();
            for (int i = 0; i < 20 + 600 * (round % 2); i++) {
                entries.add(new Entry(3, member(round < 4 ? 30 : 2100)));
            }
            add(entries.subList(0, 10));
            add(entries);
            if (round > 2) {
                owner.pushOut();
            }
            List<Entry> all = new ArrayList<>(order);
            for (int i = 0; i < 60; i++) {
                checkMemberRange(all);
            }
            removeRange(0, scores.size());
        }
    }

    private void checkMemberRange(List<Entry> all) {
        Key min = random.chance(0.5) ? known() : member(30);
        Key max = random.chance(0.5) ? known() : member(30);
        long[] addresses = put(List.of(min, max));
        Bound from = random.chance(0.2) ? Bound.LOWEST : Bound.MEMBER;
        Bound to = random.chance(0.2) ? Bound.HIGHEST : Bound.MEMBER;
        boolean withoutMin = random.chance(0.5);
        boolean withoutMax = random.chance(0.5);
        range.minMember(from, addresses[0], min.bytes.length, withoutMin);
        range.maxMember(to, addresses[1], max.bytes.length, withoutMax);
        List<Entry> in = new ArrayList<>();
        for (Entry e : all) {
            int low = e.member.compareTo(min);
            int high = e.member.compareTo(max);
            if ((from == Bound.LOWEST || (withoutMin ? low > 0 : low >= 0))
                    && (to == Bound.HIGHEST || (withoutMax ? high < 0 : high <= 0))) {
                in.add(e);
            }
        }
        checkRange(in);
    }

    @Test
    void theExpiryStaysWhenASetGoesToPages() {
        long expiry = key.shard.nowMillis() + 100_000;
        add(List.of(new Entry(1, member(10))));
        key.command(
                () -> {
                    record();
                    key.shard.expireAt(TestKey.DB, key.address, key.length, key.hash, expiry);
                });
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            entries.add(new Entry(i, member(20)));
        }
        add(entries);
        key.command(
                () -> {
                    assertTrue(Record.isPaged(record()));
                    assertEquals(expiry, Record.expiry(record()));
                });
    }
}
