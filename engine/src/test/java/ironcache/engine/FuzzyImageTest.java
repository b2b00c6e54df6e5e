package ironcache.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import ironcache.hybridlog.Record;
import ironcache.wal.FrameLayout;
import ironcache.wal.FrameReader;
import ironcache.wal.ImageFile;
import ironcache.wal.Peers;
import ironcache.wal.SyncPolicy;
import ironcache.wal.WalFileLayout;
import ironcache.wal.WalOptions;
import ironcache.wal.WalWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * An image that is made while keys come, go and change places with the objects that they name, a cut some time later, more commands, and what another shard makes of the image and the log: what the
 * first had, and not one page more. Longer runs: {@code -Dironcache.seeds=1000}.
 */
final class FuzzyImageTest {
    private static final Path DIRECTORY = Path.of("data");
    private static final long NODE_ID = 7;
    private static final long IMAGE_TOKEN = Shard.FIRST_FOREIGN_TOKEN | 1L << 48;
    private static final long LOG_BYTES = 8L << 20;
    private static final int KEYS = 60;
    private static final int PAGES_MAX = 100;
    private static final int SMALL_PAGE_BYTES = 40;
    private static final int LARGE_PAGE_BYTES = 20_000;
    private static final int KEY_BYTES = 4;
    private static final int TURNS_MAX = 10_000;
    private static final int SEEDS = Integer.getInteger("ironcache.seeds", 200);

    /** A key's value: a string, or an object's pages. */
    private record Value(byte @Nullable [] string, List<byte @Nullable []> pages) {}

    /** Time that goes on a little whenever it is asked for, so that slices of work are short. */
    private record Ticking(SimClock clock) implements Clock {
        @Override
        public long nanoTime() {
            clock.advance(30_000);
            return clock.nanoTime();
        }

        @Override
        public long currentTimeMillis() {
            return clock.currentTimeMillis();
        }

        @Override
        public long currentTimeMicros() {
            return clock.currentTimeMicros();
        }
    }

    /** One seed's shard, and the model of what it has. */
    private static final class Run implements AutoCloseable {
        final long seed;
        final int pageBytes;

        /** Of a new object. */
        final double largeChance;

        final Prng random;
        final SimDisk disk = new SimDisk(400 << 20);
        final Map<Integer, Value> model = new HashMap<>();
        final long key = Memory.allocate(2 * KEY_BYTES, MemoryTag.OTHER);
        ShardHarness harness;
        Shard shard;
        long lastLog;

        Run(long seed, int pageBytes, double largeChance) throws IOException {
            this.seed = seed;
            this.pageBytes = pageBytes;
            this.largeChance = largeChance;
            random = new Prng(seed);
            open();
        }

        private SimIo open() throws IOException {
            SimClock clock = new SimClock();
            SimIo io = new SimIo(seed, clock, disk);
            harness = new ShardHarness(io, new Ticking(clock), DIRECTORY, 40L << 20, 0, seed);
            shard = harness.shard;
            return io;
        }

        /** Puts the key's name into memory. */
        private long name(int number, int at) {
            Memory.putInt(key + (long) at * KEY_BYTES, number);
            return key + (long) at * KEY_BYTES;
        }

        private long hash(long name) {
            return shard.hash(name, KEY_BYTES);
        }

        private byte[] bytes() {
            byte[] bytes = new byte[SplicedLayout.BYTES + random.nextInt(pageBytes)];
            for (int i = SplicedLayout.BYTES; i < bytes.length; i++) {
                bytes[i] = (byte) random.nextInt();
            }
            return bytes;
        }

        private static long write(byte[] bytes, long at) {
            Memory.copyIn(bytes, 0, at, bytes.length);
            return 0;
        }

        void step() {
            int number = random.nextInt(KEYS);
            Value before = model.get(number);
            switch (random.nextInt(10)) {
                case 0 -> putString(number);
                case 1, 2 -> create(number);
                case 3 -> delete(number);
                case 4, 5 -> rename(number, random.nextInt(KEYS));
                default -> {
                    if (before != null && before.string == null) {
                        change(number, before);
                    }
                }
            }
        }

        private void putString(int number) {
            byte[] bytes = bytes();
            harness.run(
                    true,
                    () -> {
                        long name = name(number, 0);
                        return write(
                                bytes,
                                shard.upsert(
                                        0,
                                        name,
                                        KEY_BYTES,
                                        hash(name),
                                        Record.STRING,
                                        bytes.length,
                                        0));
                    });
            model.put(number, new Value(bytes, List.of()));
        }

        private void create(int number) {
            List<byte @Nullable []> pages = new ArrayList<>();
            for (int n = 1 + random.nextInt(random.chance(largeChance) ? PAGES_MAX : 4);
                    n > 0;
                    n--) {
                pages.add(bytes());
            }
            harness.run(
                    true,
                    () -> {
                        long object = shard.createObject(0);
                        for (int i = 0; i < pages.size(); i++) {
                            byte[] page = pages.get(i);
                            write(page, shard.insertPage(object, i, page.length));
                        }
                        return putRoot(number, object, pages.size());
                    });
            model.put(number, new Value(null, pages));
        }

        private long putRoot(int number, long object, long pages) {
            long name = name(number, 0);
            long root =
                    shard.upsert(
                            0,
                            name,
                            KEY_BYTES,
                            hash(name),
                            Record.STRING_PAGED,
                            RootLayout.BYTES,
                            0);
            RootLayout.putObject(root, object);
            RootLayout.putPages(root, pages);
            return 0;
        }

        private void delete(int number) {
            harness.run(
                    false,
                    () -> {
                        long name = name(number, 0);
                        return shard.delete(0, name, KEY_BYTES, hash(name)) ? 1 : 0;
                    });
            model.remove(number);
        }

        private void rename(int number, int to) {
            Value value = model.get(number);
            if (value == null || value.string != null || number == to) {
                return;
            }
            harness.run(
                    true,
                    () -> {
                        long root = root(number);
                        putRoot(to, RootLayout.object(root), RootLayout.pages(root));
                        long name = name(number, 1);
                        return shard.detach(0, name, KEY_BYTES, hash(name)) ? 1 : 0;
                    });
            model.put(to, value);
            model.remove(number);
        }

        private long root(int number) {
            long name = name(number, 1);
            return Record.value(Store.found(shard.read(0, name, KEY_BYTES, hash(name))));
        }

        /** One page is put anew, spliced or deleted, or one more is added. */
        private void change(int number, Value value) {
            int count = value.pages.size();
            int page = random.nextInt(count + (count < PAGES_MAX ? 1 : 0));
            byte[] before = page < count ? value.pages.get(page) : null;
            byte[] after = bytes();
            boolean deleted = before != null && random.chance(0.2);
            boolean spliced = before != null && random.chance(0.7);
            if (page == count) {
                value.pages.add(after);
            }
            harness.run(
                    true,
                    () -> {
                        long object = RootLayout.object(root(number));
                        if (deleted) {
                            return shard.deletePage(object, page) ? 1 : 0;
                        }
                        if (spliced) {
                            int from = SplicedLayout.BYTES;
                            int removed = before.length - from;
                            int inserted = after.length - from;
                            long at = shard.splicePage(object, page, from, removed, inserted);
                            Memory.copyIn(after, from, at + from, inserted);
                            return 0;
                        }
                        write(after, shard.upsertPage(object, page, after.length));
                        return page == count ? putSameRoot(number, object, count + 1) : 0;
                    });
            value.pages.set(page, deleted ? null : after);
        }

        private long putSameRoot(int number, long object, long pages) {
            long name = name(number, 0);
            long root =
                    shard.modify(
                            0, name, KEY_BYTES, hash(name), Record.STRING_PAGED, RootLayout.BYTES);
            RootLayout.putObject(root, object);
            RootLayout.putPages(root, pages);
            return 0;
        }

        /** Commands, an image among them and a cut behind it; then the process ends. */
        void live() throws IOException {
            SimIo io = (SimIo) harness.io;
            try (WalWriter log =
                            new WalWriter(
                                    io,
                                    DIRECTORY,
                                    0,
                                    NODE_ID,
                                    new WalOptions(LOG_BYTES, SyncPolicy.ALWAYS),
                                    Shard.logToken(),
                                    Peers.NONE,
                                    1,
                                    1);
                    ImageFile image = new ImageFile(io, DIRECTORY, 0, NODE_ID, 1, IMAGE_TOKEN)) {
                io.setHandlers(
                        Io.SocketHandler.NONE,
                        (token, result) -> {
                            if (token >= Shard.FIRST_FOREIGN_TOKEN) {
                                image.onFile((int) token, result);
                            } else {
                                shard.fileHandler().onFile(token, result);
                            }
                        });
                for (int n = random.nextInt(400); n > 0; n--) {
                    step();
                }
                shard.keepLog(log);
                shard.beginImage(image);
                while (!shard.isImageScanned()) {
                    step();
                    image.commit();
                }
                image.finish();
                for (int n = random.nextInt(50); n > 0; n--) {
                    step();
                }
                shard.markCut();
                for (int n = random.nextInt(100); n > 0; n--) {
                    step();
                }
                while (!image.isFinished() || !log.isQuiet()) {
                    image.commit();
                    harness.turn();
                    io.poll(1_000_000);
                }
                lastLog = log.begunGeneration();
                shard.endImage(true);
                shard.keepLog(null);
                harness.close();
            }
        }

        void recover() throws IOException {
            SimIo io = open();
            shard.beginReplay();
            try (FrameReader reader = new FrameReader(io, IMAGE_TOKEN)) {
                io.setHandlers(
                        Io.SocketHandler.NONE,
                        (token, result) -> {
                            if (token >= Shard.FIRST_FOREIGN_TOKEN) {
                                reader.onFile((int) token, result);
                            } else {
                                shard.fileHandler().onFile(token, result);
                            }
                        });
                reader.openImage(WalFileLayout.imageFile(DIRECTORY, 1), 0, NODE_ID);
                shard.beginImageReplay();
                replay(reader, io);
                while (!shard.endImageReplay()) {
                    harness.turn();
                }
                List<Path> log = new ArrayList<>();
                for (long generation = 1; generation <= lastLog; generation++) {
                    log.add(WalFileLayout.logFile(DIRECTORY, generation));
                }
                reader.openLog(log, 0, NODE_ID, 1);
                replay(reader, io);
            }
            shard.endReplay();
            shard.deleteLeftovers();
            harness.settle();
        }

        private void replay(FrameReader reader, SimIo io) {
            FrameReader.Status status = reader.next();
            while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                if (status == FrameReader.Status.PENDING) {
                    io.poll(1_000_000);
                } else {
                    int length =
                            FrameLayout.effectsBytes(
                                    reader.payload(), reader.length(), reader.flags());
                    int applied = 0;
                    while (applied < length) {
                        applied = shard.replay(reader.payload(), length, applied);
                        harness.turn();
                    }
                    // What was retired would be gone before the next frame.
                    for (int i = 0; i < 8; i++) {
                        harness.turn();
                    }
                }
                status = reader.next();
            }
            assertTrue(
                    status == FrameReader.Status.END || status == FrameReader.Status.TORN,
                    () -> where() + reader.damage());
        }

        void check() {
            shard.checkInvariants();
            long entries = model.size();
            for (int number = 0; number < KEYS; number++) {
                Value value = model.get(number);
                int name = number;
                harness.run(
                        false,
                        () -> {
                            long at = name(name, 0);
                            long record = shard.read(0, at, KEY_BYTES, hash(at));
                            assertEquals(value != null, record != 0, where() + "key " + name);
                            if (value != null && value.string != null) {
                                assertArrayEquals(
                                        value.string, ShardHarness.value(record), where());
                            } else if (value != null) {
                                check(name, RootLayout.object(Record.value(record)), value.pages);
                            }
                            return 0;
                        });
                if (value != null) {
                    entries += value.pages.stream().filter(page -> page != null).count();
                }
            }
            // What is dropped is read first where it is on the SSD.
            for (int turns = 0; shard.entries() != entries && turns < TURNS_MAX; turns++) {
                harness.settle();
            }
            assertEquals(entries, shard.entries(), where() + "keys and pages");
        }

        private void check(int number, long object, List<byte @Nullable []> pages) {
            for (int i = 0; i < pages.size(); i++) {
                String which = where() + "page " + i + " of key " + number;
                byte[] page = pages.get(i);
                long record = shard.readPage(object, i);
                assertEquals(page != null, record != 0, which);
                if (page != null) {
                    byte[] actual = ShardHarness.value(record);
                    assertEquals(text(page), text(actual), which);
                }
            }
        }

        /** Without the version, which the engine counts. */
        private static String text(byte[] page) {
            return new String(
                    Arrays.copyOfRange(page, SplicedLayout.BYTES, page.length),
                    StandardCharsets.ISO_8859_1);
        }

        private String where() {
            return "-Dironcache.seed=" + seed + ": ";
        }

        @Override
        public void close() {
            harness.close();
            Memory.free(key, 2 * KEY_BYTES, MemoryTag.OTHER);
        }
    }

    private static Run run(long seed, int pageBytes, double largeChance) throws IOException {
        try (Run run = new Run(seed, pageBytes, largeChance)) {
            run.live();
            run.recover();
            run.check();
            return run;
        }
    }

    @Test
    void imageAndLogMakeWhatWasThere() throws IOException {
        long first = Long.getLong("ironcache.seed", Prng.freshSeed());
        for (int i = 0; i < SEEDS; i++) {
            run(first + i, SMALL_PAGE_BYTES, 0.2);
        }
    }

    @Test
    void anImageThatRefersToTheSsdDoesToo() throws IOException {
        long first = Long.getLong("ironcache.seed", Prng.freshSeed());
        int misses = 0;
        for (int i = 0; i < SEEDS / 100; i++) {
            misses += run(first + i, LARGE_PAGE_BYTES, 1).harness.misses;
        }
        assertTrue(misses > 0, "-Dironcache.seed=" + first + ": nothing was on the SSD alone");
    }
}
