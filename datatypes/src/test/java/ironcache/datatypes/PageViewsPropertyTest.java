package ironcache.datatypes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.engine.PageView;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Values of all types are read in steps while they are changed at random, deleted, renamed, replaced, and their database flushed, now and then with all of it on the SSD: each reader finds what was there when it began.
 */
final class PageViewsPropertyTest {
    private static final int BUFFER_BYTES = 4 << 20;
    private static final int READERS_MAX = 4;

    private final long seed = Seed.get();
    private final Prng random = new Prng(seed);
    private final long buffer = Memory.allocate(BUFFER_BYTES, MemoryTag.OTHER);
    private long bufferUsed;
    private final Hashes hashes = new Hashes();
    private final Sets sets = new Sets();
    private final SetLimits setLimits = new SetLimits();
    private final Lists lists = new Lists();
    private final SortedSets sortedSets = new SortedSets();
    private final SetWalk setWalk = new SetWalk();
    private int begun;

    /** Views of which more was changed than a shard keeps. */
    private int broken;

    @AfterEach
    void free() {
        Memory.free(buffer, BUFFER_BYTES, MemoryTag.OTHER);
        hashes.close();
        sets.close();
        lists.close();
        sortedSets.close();
        setWalk.close();
        assertEquals(0, MemoryTag.VIEWS.bytes(), Seed.line(seed));
    }

    /** Strings for a command, in the buffer. */
    private static final class Args implements Arguments {
        final List<Long> addresses = new ArrayList<>();
        final List<Integer> lengths = new ArrayList<>();

        @Override
        public long arg(int i) {
            return addresses.get(i);
        }

        @Override
        public int argLength(int i) {
            return lengths.get(i);
        }
    }

    private Args args(List<String> texts) {
        bufferUsed = 0;
        Args args = new Args();
        for (String text : texts) {
            byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
            Memory.copyIn(bytes, 0, buffer + bufferUsed, bytes.length);
            args.addresses.add(buffer + bufferUsed);
            args.lengths.add(bytes.length);
            bufferUsed += bytes.length;
        }
        assertTrue(bufferUsed <= BUFFER_BYTES);
        return args;
    }

    private static String text(long at, int length) {
        byte[] bytes = new byte[length];
        Memory.copyOut(at, bytes, 0, length);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    private static String element(TestShard shard, long object, long at) {
        if (Element.isNumber(at)) {
            return Long.toString(Element.number(at));
        }
        if (!Element.isSpilled(at)) {
            return text(Element.text(at), Element.length(at));
        }
        StringBuilder all = new StringBuilder();
        Spill.load(shard.shard(), object, at);
        for (long i = 0; i < Spill.pieces(at); i++) {
            all.append(text(Spill.piece(shard.shard(), object, at, i), Spill.pieceBytes(at, i)));
        }
        return all.toString();
    }

    /** One of so many strings; some are numbers, some are spilled. */
    private String any(int most) {
        int number = random.nextInt(most);
        return switch (number % 50) {
            case 0 -> number + "-" + "x".repeat(3_000);
            case 1 -> number + "-" + "y".repeat(40_000);
            case 2, 3, 4, 5, 6, 7, 8, 9 -> Integer.toString(number);
            default -> "member " + number;
        };
    }

    /** A type: what is changed at random, and how it is read in steps. */
    private abstract static class Subject {
        final TestShard shard;
        TestKey key;
        int size;

        Subject(TestShard shard) {
            this.shard = shard;
            key = new TestKey(shard, "subject");
        }

        abstract void change();

        /** Forgets all. */
        abstract void clear();

        abstract boolean isEmpty();

        abstract List<String> state();

        /** Whether the order counts. */
        boolean isOrdered() {
            return true;
        }

        /** Reads on within a view. Adds to {@code to}; may miss. @return how far it is now, -1: done */
        abstract long read(Reader reader, long record, long done, List<String> to);

        void open(Work work) {
            shard.run(
                    () -> {
                        work.run(key.record());
                        return 0;
                    });
        }
    }

    private interface Work {
        void run(long record);
    }

    private static final class Reader {
        final List<String> expected;
        final boolean backwards;
        PageView view;
        long done;
        List<String> found = new ArrayList<>();

        Reader(List<String> expected, boolean backwards) {
            this.expected = expected;
            this.backwards = backwards;
        }
    }

    private final class HashSubject extends Subject {
        final Map<String, String> model = new HashMap<>();

        HashSubject(TestShard shard) {
            super(shard);
        }

        @Override
        void change() {
            List<String> texts = new ArrayList<>();
            boolean shrinks = random.nextInt(3) == 0;
            for (int n = random.nextInt(size / 8 + 1); n >= 0; n--) {
                texts.add(any(size));
                texts.add(any(1 << 20));
            }
            apply(texts, shrinks);
        }

        /** Puts fields with their values, or removes the fields. */
        void apply(List<String> texts, boolean shrinks) {
            Args args = args(texts);
            open(
                    record -> {
                        hashes.open(shard.shard(), 0, key.address, key.length, key.hash, record);
                        hashes.setLimits(512, 64);
                        long pages = 0;
                        for (int i = 0; i < texts.size(); i += 2) {
                            hashes.prefetch(args.arg(i), args.argLength(i));
                        }
                        for (int i = 0; i < texts.size(); i += 2) {
                            hashes.load(args.arg(i), args.argLength(i));
                            pages += Hashes.spilledPages(args.argLength(i));
                            pages += Hashes.spilledPages(args.argLength(i + 1));
                        }
                        hashes.probe(pages, texts.size());
                        for (int i = 0; i < texts.size(); i += 2) {
                            if (shrinks) {
                                hashes.remove(args.arg(i), args.argLength(i));
                            } else {
                                hashes.put(
                                        args.arg(i),
                                        args.argLength(i),
                                        args.arg(i + 1),
                                        args.argLength(i + 1));
                            }
                        }
                        hashes.finish();
                    });
            for (int i = 0; i < texts.size(); i += 2) {
                if (shrinks) {
                    model.remove(texts.get(i));
                } else {
                    model.put(texts.get(i), texts.get(i + 1));
                }
            }
        }

        @Override
        void clear() {
            model.clear();
        }

        @Override
        boolean isEmpty() {
            return model.isEmpty();
        }

        @Override
        List<String> state() {
            List<String> all = new ArrayList<>();
            model.forEach((field, value) -> all.add(field + "=" + value));
            return all;
        }

        @Override
        boolean isOrdered() {
            return false;
        }

        @Override
        long read(Reader reader, long record, long done, List<String> to) {
            hashes.open(shard.shard(), 0, key.address, key.length, key.hash, record);
            long end = Math.min(hashes.parts(), done + 1 + size / 40);
            for (long part = done; part < end; part++) {
                hashes.goTo(part);
                for (long at = hashes.from(); at < hashes.end(); ) {
                    long value = Element.next(at);
                    to.add(
                            element(shard, hashes.object(), at)
                                    + "="
                                    + element(shard, hashes.object(), value));
                    at = Element.next(value);
                }
            }
            if (reader.view != null) {
                reader.view.passed(Hashes.pages(end), 0);
            }
            return end == hashes.parts() ? -1 : end;
        }
    }

    private final class SetSubject extends Subject {
        final LinkedHashSet<String> model = new LinkedHashSet<>();

        SetSubject(TestShard shard) {
            super(shard);
        }

        @Override
        void change() {
            List<String> texts = new ArrayList<>();
            boolean shrinks = random.nextInt(3) == 0;
            for (int n = random.nextInt(size / 8 + 1); n >= 0; n--) {
                texts.add(any(size));
            }
            Args args = args(texts);
            open(
                    record -> {
                        if (shrinks && record == 0) {
                            return;
                        }
                        sets.open(
                                shard.shard(),
                                0,
                                key.address,
                                key.length,
                                key.hash,
                                record,
                                setLimits);
                        for (int i = 0; i < texts.size(); i++) {
                            sets.prefetch(args.arg(i), args.argLength(i));
                        }
                        for (int i = 0; i < texts.size(); i++) {
                            sets.load(args.arg(i), args.argLength(i));
                        }
                        if (!shrinks) {
                            sets.expect(texts.size(), args.arg(0), args.argLength(0));
                        }
                        for (int i = 0; i < texts.size(); i++) {
                            if (shrinks) {
                                sets.remove(args.arg(i), args.argLength(i));
                            } else {
                                sets.add(args.arg(i), args.argLength(i));
                            }
                        }
                        sets.finish();
                    });
            if (shrinks) {
                texts.forEach(model::remove);
            } else {
                model.addAll(texts);
            }
        }

        @Override
        void clear() {
            model.clear();
        }

        @Override
        boolean isEmpty() {
            return model.isEmpty();
        }

        @Override
        List<String> state() {
            return new ArrayList<>(model);
        }

        @Override
        boolean isOrdered() {
            return false;
        }

        @Override
        long read(Reader reader, long record, long done, List<String> to) {
            setWalk.open(shard.shard(), record);
            long end = Math.min(setWalk.parts(), done + 1 + size / 100);
            for (long part = done; part < end; part++) {
                setWalk.goTo(part);
                while (setWalk.nextOfPart()) {
                    to.add(element(shard, setWalk.object(), setWalk.element()));
                }
            }
            if (reader.view != null) {
                reader.view.passed(SetWalk.pages(end), 0);
            }
            return end == setWalk.parts() ? -1 : end;
        }
    }

    private final class ListSubject extends Subject {
        final ArrayList<String> model = new ArrayList<>();

        ListSubject(TestShard shard) {
            super(shard);
        }

        private void openList(long record) {
            lists.open(shard.shard(), 0, key.address, key.length, key.hash, record, -2);
        }

        @Override
        void change() {
            int kind = model.size() > size ? 3 : random.nextInt(7);
            List<String> texts = new ArrayList<>();
            for (int n = random.nextInt(size / 8 + 1); n >= 0; n--) {
                texts.add(any(1 << 20));
            }
            if (kind >= 2 && model.isEmpty()) {
                kind = 0;
            }
            switch (kind) {
                case 0, 1 -> {
                    boolean first = kind == 0;
                    Args args = args(texts);
                    open(
                            record -> {
                                openList(record);
                                lists.push(first, args, 0, texts.size());
                            });
                    if (first) {
                        Collections.reverse(texts);
                        model.addAll(0, texts);
                    } else {
                        model.addAll(texts);
                    }
                }
                case 2, 3 -> {
                    int most = model.size() / (kind == 3 ? 3 : 20) + 1;
                    int begin = random.nextInt(most + 1);
                    int end = Math.min(random.nextInt(most + 1), model.size() - begin);
                    if (begin + end == 0) {
                        return;
                    }
                    open(
                            record -> {
                                openList(record);
                                lists.loadTrim(begin, end);
                                lists.trim(begin, end);
                            });
                    model.subList(model.size() - end, model.size()).clear();
                    model.subList(0, begin).clear();
                }
                case 4 -> {
                    Args args = args(texts.subList(0, 1));
                    int index = random.nextInt(model.size() + 1);
                    open(
                            record -> {
                                openList(record);
                                lists.insert(index, args.arg(0), args.argLength(0));
                            });
                    model.add(index, texts.get(0));
                }
                case 5 -> {
                    Args args = args(texts.subList(0, 1));
                    int index = random.nextInt(model.size());
                    open(
                            record -> {
                                openList(record);
                                lists.set(index, args.arg(0), args.argLength(0));
                            });
                    model.set(index, texts.get(0));
                }
                default -> {
                    String text = model.get(random.nextInt(model.size()));
                    Args args = args(List.of(text));
                    open(
                            record -> {
                                openList(record);
                                lists.removeEqual(args.arg(0), args.argLength(0), 0, false, 0);
                            });
                    model.removeIf(text::equals);
                }
            }
        }

        @Override
        void clear() {
            model.clear();
        }

        @Override
        boolean isEmpty() {
            return model.isEmpty();
        }

        @Override
        List<String> state() {
            return new ArrayList<>(model);
        }

        @Override
        long read(Reader reader, long record, long done, List<String> to) {
            openList(record);
            long length = Lists.length(record);
            long end = Math.min(length, done + 1 + size / 5);
            long rest = length - done;
            ListWalk walk =
                    lists.walk(reader.backwards ? rest : done, reader.backwards ? -rest : rest);
            for (long i = done; i < end; i++) {
                assertTrue(reader.backwards ? walk.previous() : walk.next());
                to.add(element(shard, walk.object(), walk.element()));
            }
            if (reader.view != null) {
                reader.view.passed(0, 0);
            }
            return end == length ? -1 : end;
        }
    }

    private final class SortedSetSubject extends Subject {
        final Map<String, Double> model = new HashMap<>();

        SortedSetSubject(TestShard shard) {
            super(shard);
        }

        @Override
        void change() {
            List<String> texts = new ArrayList<>();
            boolean shrinks = random.nextInt(3) == 0;
            LinkedHashSet<String> members = new LinkedHashSet<>();
            int bytes = 0;
            for (int n = random.nextInt(size / 8 + 1); n >= 0; n--) {
                String member = any(size);
                members.add(member);
                bytes += member.length() + SortedSets.ENTRY_BYTES;
            }
            texts.addAll(members);
            int allBytes = bytes;
            double[] scores = new double[texts.size()];
            for (int i = 0; i < scores.length; i++) {
                scores[i] = random.nextInt(20);
            }
            Args args = args(texts);
            open(
                    record -> {
                        if (shrinks && record == 0) {
                            return;
                        }
                        sortedSets.open(
                                shard.shard(), 0, key.address, key.length, key.hash, record);
                        sortedSets.limits(128, 64, texts.size(), 40_010, allBytes);
                        for (int i = 0; i < texts.size(); i++) {
                            if (!shrinks) {
                                sortedSets.loadPut(args.arg(i), args.argLength(i), scores[i]);
                            } else if (sortedSets.find(args.arg(i), args.argLength(i))) {
                                sortedSets.loadRemove(1);
                            }
                        }
                        sortedSets.loaded();
                        boolean changed = false;
                        for (int i = 0; i < texts.size(); i++) {
                            boolean there = sortedSets.find(args.arg(i), args.argLength(i));
                            if (shrinks) {
                                if (there) {
                                    sortedSets.remove(1);
                                    changed = true;
                                }
                            } else if (!there) {
                                sortedSets.add(args.arg(i), args.argLength(i), scores[i]);
                            } else if (sortedSets.score() != scores[i]) {
                                sortedSets.update(args.arg(i), args.argLength(i), scores[i]);
                            }
                        }
                        if (!shrinks || changed) {
                            sortedSets.finish();
                        }
                    });
            for (int i = 0; i < texts.size(); i++) {
                if (shrinks) {
                    model.remove(texts.get(i));
                } else {
                    model.put(texts.get(i), scores[i]);
                }
            }
        }

        @Override
        void clear() {
            model.clear();
        }

        @Override
        boolean isEmpty() {
            return model.isEmpty();
        }

        private record Entry(double score, String member) implements Comparable<Entry> {
            @Override
            public int compareTo(Entry other) {
                int order = Double.compare(score, other.score);
                return order != 0 ? order : member.compareTo(other.member);
            }
        }

        @Override
        List<String> state() {
            TreeSet<Entry> order = new TreeSet<>();
            model.forEach((member, score) -> order.add(new Entry(score, member)));
            List<String> all = new ArrayList<>();
            for (Entry entry : order) {
                all.add(entry.score + " " + entry.member);
            }
            return all;
        }

        @Override
        long read(Reader reader, long record, long done, List<String> to) {
            sortedSets.open(shard.shard(), 0, key.address, key.length, key.hash, record);
            long length = sortedSets.count();
            long end = Math.min(length, done + 1 + size / 5);
            long step = end - done;
            boolean there =
                    reader.backwards
                            ? sortedSets.seekRank(length - 1 - done, -step)
                            : sortedSets.seekRank(done, step);
            for (long i = 0; i < step; i++) {
                assertTrue(there);
                to.add(
                        sortedSets.score()
                                + " "
                                + text(sortedSets.member(), sortedSets.memberLength()));
                if (i < step - 1) {
                    there = reader.backwards ? sortedSets.previous() : sortedSets.next();
                }
            }
            if (reader.view != null) {
                reader.view.passed(0, 0);
            }
            return end == length ? -1 : end;
        }
    }

    private final class StringSubject extends Subject {
        private byte[] model = {};

        StringSubject(TestShard shard) {
            super(shard);
        }

        @Override
        void change() {
            int most = 60 * size;
            byte[] bytes = new byte[random.nextInt(3) == 0 ? most : 1 + random.nextInt(20_000)];
            java.util.Arrays.fill(bytes, (byte) ('a' + random.nextInt(26)));
            if (random.nextInt(40) == 0) {
                key.set(bytes, 0);
                model = bytes;
                return;
            }
            int offset =
                    Math.min(
                            model.length + random.nextInt(40_000),
                            random.nextInt(Math.max(1, most)));
            key.setRange(offset, bytes);
            byte[] after =
                    java.util.Arrays.copyOf(model, Math.max(model.length, offset + bytes.length));
            System.arraycopy(bytes, 0, after, offset, bytes.length);
            model = after;
        }

        @Override
        void clear() {
            model = new byte[0];
        }

        @Override
        boolean isEmpty() {
            return model.length == 0;
        }

        @Override
        List<String> state() {
            return List.of(new String(model, StandardCharsets.ISO_8859_1));
        }

        @Override
        long read(Reader reader, long record, long done, List<String> to) {
            long length = Strings.length(record);
            long end = Math.min(length, done + 1 + random.nextInt(15 * size));
            Strings.load(shard.shard(), record, done, end - done);
            StringPieces pieces = new StringPieces(shard.shard(), record, done, end - done);
            while (pieces.next()) {
                to.add(text(pieces.address(), pieces.length()));
            }
            if (reader.view != null && Record.isPaged(record)) {
                long pages = Strings.pages(record, end);
                reader.view.passed(pages, pages);
            }
            return end == length ? -1 : end;
        }
    }

    // The tests.

    private static List<String> normal(Subject subject, List<String> all) {
        if (subject instanceof StringSubject) {
            return List.of(String.join("", all));
        }
        List<String> sorted = new ArrayList<>(all);
        if (!subject.isOrdered()) {
            Collections.sort(sorted);
        }
        return sorted;
    }

    private Reader begin(Subject subject) {
        begun++;
        List<String> expected = subject.state();
        boolean backwards = !(subject instanceof StringSubject) && random.nextInt(3) == 0;
        if (backwards && subject.isOrdered()) {
            Collections.reverse(expected);
        }
        Reader reader = new Reader(normal(subject, expected), backwards);
        subject.open(record -> reader.view = subject.shard.shard().openView(record));
        return reader;
    }

    /** @return whether it is done, or given up */
    private boolean step(Subject subject, Reader reader) {
        if (reader.view.isBroken()) {
            broken++;
            return true;
        }
        subject.shard.run(
                () -> {
                    long record = subject.shard.shard().enterView(reader.view);
                    List<String> more = new ArrayList<>();
                    long done = subject.read(reader, record, reader.done, more);
                    reader.done = done;
                    reader.found.addAll(more);
                    return 0;
                });
        if (reader.done < 0) {
            assertEquals(reader.expected, normal(subject, reader.found), Seed.line(seed));
            return true;
        }
        return false;
    }

    private void compareLive(Subject subject) {
        List<String> found = new ArrayList<>();
        boolean[] there = new boolean[1];
        subject.open(
                record -> {
                    found.clear();
                    there[0] = record != 0;
                    Reader reader = new Reader(List.of(), false);
                    for (long done = 0; record != 0 && done >= 0; ) {
                        done = subject.read(reader, record, done, found);
                    }
                });
        assertEquals(!subject.isEmpty(), there[0], Seed.line(seed));
        if (there[0]) {
            assertEquals(normal(subject, subject.state()), normal(subject, found), Seed.line(seed));
        }
    }

    private void replace(Subject subject) {
        TestKey key = subject.key;
        switch (random.nextInt(4)) {
            case 0 ->
                    subject.open(
                            record -> {
                                if (record != 0) {
                                    key.shard.delete(0, key.address, key.length, key.hash);
                                }
                            });
            case 1 -> {
                key.set(new byte[random.nextInt(2) * 100_000 + 1], 0);
                subject.open(r -> key.shard.delete(0, key.address, key.length, key.hash));
            }
            case 2 ->
                    subject.shard.run(
                            () -> {
                                key.shard.flush(0);
                                return 0;
                            });
            default -> {
                if (!subject.isEmpty()) {
                    TestKey other = new TestKey(subject.shard, "subject" + random.nextInt(1 << 20));
                    subject.open(
                            record ->
                                    Keys.rename(
                                            key.shard,
                                            0,
                                            key.address,
                                            key.length,
                                            key.hash,
                                            record,
                                            key.shard,
                                            other.address,
                                            other.length,
                                            other.hash));
                    key.close();
                    subject.key = other;
                }
                return;
            }
        }
        subject.clear();
    }

    private interface Make {
        Subject of(TestShard shard);
    }

    private void run(Make make) throws Exception {
        try (TestShard shard = new TestShard()) {
            for (int size : List.of(20, 400, 4_000)) {
                Subject subject = make.of(shard);
                subject.size = size;
                List<Reader> readers = new ArrayList<>();
                for (int i = 0; i < 6; i++) {
                    subject.change();
                }
                for (int step = 0; step < 300; step++) {
                    int what = random.nextInt(100);
                    if (what < 35) {
                        subject.change();
                    } else if (what < 50 && readers.size() < READERS_MAX && !subject.isEmpty()) {
                        readers.add(begin(subject));
                    } else if (what < 92 && !readers.isEmpty()) {
                        Reader reader = readers.get(random.nextInt(readers.size()));
                        if (step(subject, reader)) {
                            reader.view.close();
                            readers.remove(reader);
                        }
                    } else if (what == 92 && random.nextInt(3) == 0) {
                        shard.pushOut();
                    } else if (what == 93 && !readers.isEmpty()) {
                        readers.remove(random.nextInt(readers.size())).view.close();
                    } else if (what == 94) {
                        replace(subject);
                    } else if (what == 95) {
                        compareLive(subject);
                    }
                }
                while (!readers.isEmpty()) {
                    Reader reader = readers.get(0);
                    if (step(subject, reader)) {
                        reader.view.close();
                        readers.remove(0);
                    }
                }
                assertEquals(0, MemoryTag.VIEWS.bytes(), Seed.line(seed));
                compareLive(subject);
                shard.run(
                        () -> {
                            shard.shard().flush(0);
                            return 0;
                        });
                subject.key.close();
                shard.shard().checkInvariants();
            }
        }
        assertTrue(broken <= begun / 4, broken + " of " + begun + " given up, " + Seed.line(seed));
    }

    @Test
    void hashes() throws Exception {
        run(HashSubject::new);
    }

    @Test
    void sets() throws Exception {
        run(SetSubject::new);
    }

    @Test
    void lists() throws Exception {
        run(ListSubject::new);
    }

    @Test
    void sortedSets() throws Exception {
        run(SortedSetSubject::new);
    }

    @Test
    void strings() throws Exception {
        run(StringSubject::new);
    }

    /** Readers that began with no change between them share what is kept; one that is given up does not hold the others' memory. */
    @Test
    void manyReadersCostOneCopy() throws Exception {
        try (TestShard shard = new TestShard()) {
            HashSubject subject = new HashSubject(shard);
            subject.size = 4_000;
            for (int i = 0; i < 10; i++) {
                subject.change();
            }
            List<Reader> readers = new ArrayList<>();
            readers.add(begin(subject));
            long one = MemoryTag.VIEWS.bytes();
            for (int i = 0; i < 100; i++) {
                readers.add(begin(subject));
            }
            assertEquals(one, MemoryTag.VIEWS.bytes());
            subject.change();
            long kept = MemoryTag.VIEWS.bytes();
            assertTrue(kept > one);
            while (readers.size() > 1) {
                readers.remove(readers.size() - 1).view.close();
            }
            assertEquals(kept, MemoryTag.VIEWS.bytes());
            while (!step(subject, readers.get(0))) {}
            readers.get(0).view.close();
            assertEquals(0, MemoryTag.VIEWS.bytes());
            subject.key.close();
        }
    }

    /** Few long values have many buckets, most of which are empty, and have no page. */
    @Test
    void emptyBucketsAreReadAsSuch() throws Exception {
        try (TestShard shard = new TestShard()) {
            HashSubject subject = new HashSubject(shard);
            subject.size = 4_000;
            for (int i = 0; i < 20; i++) {
                String field = "field " + i + " ";
                String value = "z".repeat(1_900);
                subject.apply(
                        List.of(field + "a", value, field + "b", value, field + "c", value), false);
                Reader reader = begin(subject);
                List<String> more = new ArrayList<>();
                for (int n = 0; n < 40; n++) {
                    more.addAll(List.of(field + n, "more"));
                }
                subject.apply(more, false);
                while (!step(subject, reader)) {}
                reader.view.close();
                shard.run(
                        () -> {
                            shard.shard().flush(0);
                            return 0;
                        });
                subject.clear();
            }
            subject.key.close();
        }
    }

    /** A shard of so little memory keeps 4 MB of one object. */
    @Test
    void whoWantsTooMuchIsGivenUp() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "string")) {
            byte[] bytes = new byte[16 << 10];
            byte[] all = new byte[12 << 20];
            java.util.Arrays.fill(all, (byte) 'a');
            key.set(all, 0);
            PageView[] views = new PageView[2];
            key.command(() -> views[0] = key.shard.openView(key.record()));
            key.command(() -> views[1] = key.shard.openView(key.record()));
            // What has been read is not kept.
            views[0].passed(200, 200);
            views[1].passed(100, 100);
            for (int i = 0; i < 100; i++) {
                key.setRange((long) i * bytes.length, bytes);
            }
            assertTrue(MemoryTag.VIEWS.bytes() < 100_000, "kept for nobody");
            long most = 0;
            int written = 100;
            while (!views[0].isBroken()) {
                key.setRange((long) written * bytes.length, bytes);
                most = Math.max(most, MemoryTag.VIEWS.bytes());
                written++;
            }
            assertTrue(written > 300 && most < 5 << 20, written + " pages, " + most + " bytes");
            assertTrue(views[1].isBroken());
            assertEquals(0, MemoryTag.VIEWS.bytes());
            views[0].close();
            views[1].close();
            java.util.Arrays.fill(all, 0, written * bytes.length, (byte) 0);
            for (int at = 0; at < all.length; at += 1 << 20) {
                byte[] wanted = java.util.Arrays.copyOfRange(all, at, at + (1 << 20));
                assertArrayEquals(wanted, key.range(at, wanted.length));
            }
        }
    }

    /** Pages of what was deleted stay as long as somebody reads them, and no longer. */
    @Test
    void whatWasDeletedGoesWithItsLastReader() throws Exception {
        try (TestShard shard = new TestShard();
                TestKey key = new TestKey(shard, "string")) {
            byte[] all = new byte[1 << 20];
            java.util.Arrays.fill(all, (byte) 'a');
            key.set(all, 0);
            long[] object = new long[1];
            PageView[] views = new PageView[2];
            key.command(
                    () -> {
                        long record = key.record();
                        object[0] = PagedStringLayout.object(Record.value(record));
                        views[0] = key.shard.openView(record);
                        views[1] = key.shard.openView(record);
                    });
            key.command(() -> key.shard.delete(0, key.address, key.length, key.hash));
            for (PageView view : views) {
                for (int turn = 0; turn < 100; turn++) {
                    key.command(() -> {});
                }
                assertEquals(64, pages(key, object[0]));
                key.command(
                        () -> {
                            long record = key.shard.enterView(view);
                            Strings.load(key.shard, record, 0, all.length);
                        });
                view.close();
            }
            for (int turn = 0; turn < 100; turn++) {
                key.command(() -> {});
            }
            assertEquals(0, pages(key, object[0]));
        }
    }

    private static int pages(TestKey key, long object) {
        int[] count = new int[1];
        key.command(
                () -> {
                    count[0] = 0;
                    for (long page = 0; page < 64; page++) {
                        count[0] += key.shard.readPage(object, page) == 0 ? 0 : 1;
                    }
                });
        return count[0];
    }

    /** 256 databases at most, flushed ones among them: whoever reads one of these gives way. */
    @Test
    void manyFlushesGiveUpReaders() throws Exception {
        try (TestShard shard = new TestShard()) {
            List<Reader> readers = new ArrayList<>();
            SetSubject subject = new SetSubject(shard);
            subject.size = 400;
            for (int i = 0; i < 300; i++) {
                while (subject.model.size() < 200) {
                    subject.change();
                }
                readers.add(begin(subject));
                shard.run(
                        () -> {
                            shard.shard().flush(0);
                            return 0;
                        });
                subject.clear();
            }
            for (Reader reader : readers) {
                while (!step(subject, reader)) {}
                reader.view.close();
            }
            assertTrue(broken > 0 && broken < 200, broken + " broken");
            subject.key.close();
        }
    }
}
