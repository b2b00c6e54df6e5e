package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.engine.ColdMiss;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Random operations on two lists of all sizes, cold and hot, beside lists of arrays. */
final class ListsPropertyTest {
    private static final int[] EDGES = {
        0, 1, 31, 32, 127, 128, 1000, Spill.SPILL_BYTES, 2048, 4096, 16_383, 16_384, 70_000
    };
    private static final int LIMIT = -2;
    private static final long EXPIRY_MILLIS = 1_800_000_000_000L;

    private final long seed = Seed.get();
    private final Prng random = new Prng(seed);
    private final Lists lists = new Lists();
    private final Lists otherLists = new Lists();
    private final Args args = new Args();

    @SuppressWarnings("NullAway.Init")
    private TestShard owner;

    /** Of elements: how often they are long. */
    private double longOnes = 0.3;

    /** Strings for a command, in memory. */
    private static final class Args implements Arguments {
        private long[] addresses = {};
        private int[] lengths = {};

        void set(List<byte[]> strings) {
            close();
            addresses = new long[strings.size()];
            lengths = new int[strings.size()];
            for (int i = 0; i < addresses.length; i++) {
                byte[] string = strings.get(i);
                lengths[i] = string.length;
                addresses[i] = Memory.allocate(string.length + 1, MemoryTag.OTHER);
                Memory.copyIn(string, 0, addresses[i], string.length);
            }
        }

        @Override
        public long arg(int i) {
            return addresses[i];
        }

        @Override
        public int argLength(int i) {
            return lengths[i];
        }

        void close() {
            for (int i = 0; i < addresses.length; i++) {
                Memory.free(addresses[i], lengths[i] + 1, MemoryTag.OTHER);
            }
            addresses = new long[0];
        }
    }

    /** A key beside its model. */
    private final class Subject implements AutoCloseable {
        final TestKey key;
        List<byte[]> model = new ArrayList<>();

        Subject(String name) {
            key = new TestKey(owner, name);
        }

        long open(Lists with) {
            long record = key.record();
            with.open(key.shard, TestKey.DB, key.address, key.length, key.hash, record, LIMIT);
            return record;
        }

        void push(boolean first, List<byte[]> elements) {
            args.set(elements);
            key.command(
                    () -> {
                        open(lists);
                        long length = lists.push(first, args, 0, elements.size());
                        assertEquals(model.size() + elements.size(), length, Seed.line(seed));
                    });
            if (first) {
                List<byte[]> reversed = new ArrayList<>(elements);
                Collections.reverse(reversed);
                model.addAll(0, reversed);
            } else {
                model.addAll(elements);
            }
        }

        void remove(int atBegin, int atEnd) {
            key.command(
                    () -> {
                        open(lists);
                        boolean gone;
                        if (atBegin > 0 == atEnd > 0) {
                            lists.loadTrim(atBegin, atEnd);
                            gone = write(() -> lists.trim(atBegin, atEnd));
                        } else {
                            boolean first = atBegin > 0;
                            int count = Math.min(atBegin + atEnd, model.size());
                            ListWalk walk = lists.walkFrom(first, count);
                            for (int i = 0; i < count; i++) {
                                assertTrue(first ? walk.next() : walk.previous());
                                walk.loadElement();
                            }
                            gone = write(() -> lists.removeWalked(first, count));
                        }
                        assertEquals(atBegin + atEnd >= model.size(), gone, Seed.line(seed));
                    });
            model =
                    atBegin + atEnd >= model.size()
                            ? new ArrayList<>()
                            : new ArrayList<>(model.subList(atBegin, model.size() - atEnd));
        }

        void insert(int index, byte[] element) {
            args.set(List.of(element));
            key.command(
                    () -> {
                        open(lists);
                        assertEquals(
                                model.size() + 1,
                                lists.insert(index, args.arg(0), element.length),
                                Seed.line(seed));
                    });
            model.add(index, element);
        }

        void set(int index, byte[] element) {
            args.set(List.of(element));
            key.command(
                    () -> {
                        open(lists);
                        lists.set(index, args.arg(0), element.length);
                    });
            model.set(index, element);
        }

        void removeEqual(byte[] element, int most, boolean fromEnd) {
            args.set(List.of(element));
            long[] found = new long[1];
            key.command(
                    () -> {
                        open(lists);
                        found[0] = lists.removeEqual(args.arg(0), element.length, most, fromEnd, 0);
                    });
            int count = 0;
            int i = fromEnd ? model.size() - 1 : 0;
            while (i >= 0 && i < model.size() && (most == 0 || count < most)) {
                if (Arrays.equals(model.get(i), element)) {
                    model.remove(i);
                    count++;
                    i -= fromEnd ? 1 : 0;
                } else {
                    i += fromEnd ? -1 : 1;
                }
            }
            assertEquals(count, found[0], Seed.line(seed));
        }

        void rotate(boolean from, boolean to) {
            key.command(
                    () -> {
                        open(lists);
                        lists.rotate(from, to);
                    });
            byte[] moved = from ? model.removeFirst() : model.removeLast();
            model.add(to ? 0 : model.size(), moved);
        }

        void moveTo(Subject target, boolean from, boolean to) {
            key.command(
                    () -> {
                        open(lists);
                        ListWalk walk = lists.walkFrom(from, 1);
                        assertTrue(from ? walk.next() : walk.previous());
                        walk.loadElement();
                        target.open(otherLists);
                        otherLists.loadPush(to, walk.element());
                        write(
                                () -> {
                                    otherLists.pushLoaded(
                                            to, key.shard, walk.object(), walk.element());
                                    return lists.removeWalked(from, 1);
                                });
                    });
            byte[] moved = from ? model.removeFirst() : model.removeLast();
            target.model.add(to ? 0 : target.model.size(), moved);
        }

        private boolean write(java.util.function.BooleanSupplier body) {
            try {
                return body.getAsBoolean();
            } catch (ColdMiss miss) {
                throw new AssertionError("missed after the first write " + Seed.line(seed), miss);
            }
        }

        void check() {
            if (model.isEmpty()) {
                key.command(() -> assertEquals(0, key.record(), Seed.line(seed)));
                return;
            }
            int from = random.nextInt(model.size() + 1);
            int count = random.nextInt(model.size() - from + 1);
            key.command(
                    () -> {
                        long record = open(lists);
                        assertTrue(Lists.isList(record));
                        assertEquals(model.size(), Lists.length(record), Seed.line(seed));
                        ListWalk walk = lists.walk(from, count);
                        for (int i = from; i < from + count; i++) {
                            assertTrue(walk.next(), Seed.line(seed));
                            same(model.get(i), walk);
                        }
                        if (from + count == model.size()) {
                            assertTrue(!walk.next(), Seed.line(seed));
                        }
                    });
            key.command(
                    () -> {
                        open(lists);
                        ListWalk walk = lists.walk(from, -from);
                        for (int i = from - 1; i >= 0; i--) {
                            assertTrue(walk.previous(), Seed.line(seed));
                            same(model.get(i), walk);
                        }
                        assertTrue(!walk.previous(), Seed.line(seed));
                    });
            key.command(
                    () -> {
                        long record = key.record();
                        if (Record.isPaged(record)) {
                            long root = Record.value(record);
                            long bytes = 0;
                            open(lists);
                            ListWalk walk = lists.walk(0, model.size());
                            while (walk.next()) {
                                bytes += Listpack.entryBytes(walk.element());
                            }
                            assertEquals(bytes, ListLayout.listpackBytes(root), Seed.line(seed));
                        }
                    });
        }

        private void same(byte[] wanted, ListWalk walk) {
            long element = walk.element();
            byte[] actual = TestShard.bytes(key.shard, walk.object(), element);
            assertArrayEquals(wanted, actual, Seed.line(seed));
        }

        void delete() {
            key.command(() -> key.shard.delete(TestKey.DB, key.address, key.length, key.hash));
            model.clear();
        }

        @Override
        public void close() {
            key.close();
        }
    }

    @BeforeEach
    void open() throws Exception {
        owner = new TestShard();
    }

    @AfterEach
    void close() throws Exception {
        owner.close();
        lists.close();
        otherLists.close();
        args.close();
    }

    private byte[] element() {
        if (random.chance(0.2)) {
            long number = random.nextLong() >> random.nextInt(64);
            return Long.toString(number).getBytes();
        }
        if (random.chance(0.3)) {
            return new byte[] {(byte) ('a' + random.nextInt(3))};
        }
        int length =
                random.chance(longOnes)
                        ? EDGES[random.nextInt(EDGES.length)] + random.nextInt(3)
                        : random.nextInt(60);
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) random.nextInt();
        }
        return bytes;
    }

    private List<byte[]> elements(int most) {
        List<byte[]> elements = new ArrayList<>();
        for (int i = random.nextInt(most); i >= 0; i--) {
            elements.add(element());
        }
        return elements;
    }

    private void step(Subject list, Subject other, int most) {
        int size = list.model.size();
        boolean first = random.chance(0.5);
        boolean grows = size < most && random.chance(size < most / 2 ? 0.8 : 0.4);
        if (size == 0 || grows) {
            if (size == 0 || random.chance(0.7)) {
                list.push(first, elements(random.chance(0.2) ? 200 : 5));
            } else {
                list.insert(random.nextInt(size + 1), element());
            }
            return;
        }
        switch (random.nextInt(9)) {
            case 0 -> {
                int count = 1 + random.nextInt(random.chance(0.2) ? size : 5);
                list.remove(first ? count : 0, first ? 0 : count);
            }
            case 1 -> {
                int begin = random.nextInt(random.chance(0.1) ? size : Math.min(size, 10));
                int end = random.nextInt(random.chance(0.1) ? size : Math.min(size, 10));
                list.remove(begin, end);
            }
            case 2, 3 -> list.set(random.nextInt(size), element());
            case 4 ->
                    list.removeEqual(
                            random.chance(0.5) ? list.model.get(random.nextInt(size)) : element(),
                            random.nextInt(3) * random.nextInt(4),
                            first);
            case 5 -> list.rotate(first, random.chance(0.7) != first);
            case 6, 7 -> list.moveTo(other, first, random.chance(0.5));
            default -> list.insert(random.nextInt(size + 1), element());
        }
    }

    @Test
    void behavesAsAList() {
        try (Subject one = new Subject("one");
                Subject two = new Subject("two")) {
            int[] sizes = {3, 30, 100, 300, 2000};
            for (int round = 0; round < 10; round++) {
                longOnes = round % 2 == 0 ? 0.3 : 0.01;
                int most = sizes[round % sizes.length];
                for (int step = 0; step < 800; step++) {
                    if (random.chance(0.5)) {
                        step(one, two, most);
                    } else {
                        step(two, one, most);
                    }
                    if (step % 37 == 0) {
                        one.check();
                        two.check();
                    }
                }
                one.check();
                two.check();
                one.delete();
                two.delete();
            }
        }
    }

    @Test
    void coldListsAreReadBackForPartOfThem() {
        try (Subject one = new Subject("one");
                Subject two = new Subject("two")) {
            longOnes = 0.01;
            for (int i = 0; i < 300; i++) {
                one.push(random.chance(0.5), elements(200));
            }
            int before = owner.misses;
            for (int step = 0; step < 40; step++) {
                owner.pushOut();
                step(one, two, 30_000);
                step(two, one, 300);
                if (step % 5 == 0) {
                    one.check();
                    two.check();
                }
            }
            assertTrue(owner.misses > before + 40, "little was cold");
            one.check();
            two.check();
        }
    }

    @Test
    void aHundredThousandElements() {
        try (Subject list = new Subject("list")) {
            longOnes = 0.001;
            while (list.model.size() < 100_000) {
                list.push(random.chance(0.3), elements(400));
            }
            owner.pushOut();
            list.check();
            for (int i = 0; i < 30; i++) {
                list.insert(random.nextInt(list.model.size()), element());
                list.set(random.nextInt(list.model.size()), element());
                list.remove(random.nextInt(2000), random.nextInt(2000));
            }
            list.check();
            list.remove(list.model.size() / 3, list.model.size() / 3);
            list.check();
            owner.pushOut();
            list.remove(list.model.size() / 2, list.model.size() / 2 - 50);
            list.check();
            list.remove(list.model.size() - 3, 0);
            list.check();
            list.remove(3, 0);
            list.check();
        }
    }

    @Test
    void anEndOfAColdListIsFewReads() {
        try (Subject list = new Subject("list")) {
            longOnes = 0;
            while (list.model.size() < 50_000) {
                list.push(false, elements(400));
            }
            for (int i = 0; i < 10; i++) {
                owner.pushOut();
                int before = owner.misses;
                boolean first = random.chance(0.5);
                if (random.chance(0.5)) {
                    list.push(first, elements(2));
                } else {
                    list.remove(first ? 1 : 0, first ? 0 : 1);
                }
                // Root and leaf; where that is used up or full, the tree's pages to the next.
                assertTrue(owner.misses <= before + 5, () -> owner.misses - before + " misses");
            }
            list.check();
        }
    }

    @Test
    void whatIsWrittenKeepsTheExpiry() {
        try (Subject list = new Subject("list")) {
            list.push(true, elements(3));
            list.key.command(
                    () -> {
                        long _ = list.key.record();
                        list.key.shard.expireAt(
                                TestKey.DB,
                                list.key.address,
                                list.key.length,
                                list.key.hash,
                                EXPIRY_MILLIS);
                    });
            for (int i = 0; i < 30; i++) {
                list.push(true, elements(40));
                list.set(0, element());
                list.rotate(true, false);
                list.remove(1, 1);
                list.key.command(
                        () -> assertEquals(EXPIRY_MILLIS, Record.expiry(list.key.record())));
            }
            list.check();
        }
    }

    @Test
    void encodingFollowsTheListpackThatItWouldBe() {
        try (Subject list = new Subject("list")) {
            byte[] element = new byte[100];
            for (int i = 0; i < 79; i++) {
                list.push(false, List.of(element));
                assertEncoding(list, true);
            }
            list.push(false, List.of(element));
            assertEncoding(list, false);
            while (list.model.size() > 39) {
                assertEncoding(list, false);
                list.remove(1, 0);
            }
            assertEncoding(list, true);
        }
    }

    private static void assertEncoding(Subject list, boolean listpack) {
        list.key.command(
                () ->
                        assertEquals(
                                listpack,
                                Lists.isListpack(list.key.record()),
                                list.model.size() + " elements"));
    }
}
