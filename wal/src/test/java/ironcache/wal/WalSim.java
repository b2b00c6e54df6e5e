package ironcache.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A shard's log on a simulated disk, with effects that say of which unit they are, and a list of what was appended. */
final class WalSim implements Io.FileHandler, AutoCloseable {
    static final Path DIRECTORY = Path.of("/sim/shard-0");
    static final long NODE_ID = 0x1234_5678_9ABCL;
    static final int SHARD = 3;
    private static final long WRITER = 1L << 32;
    private static final long READER = 2L << 32;
    private static final int EFFECT_HEADER_BYTES = 24;

    /** A unit as it was appended, and the seqno that its reply would wait for. */
    record Unit(long id, long seqno) {}

    /** What a reader found. */
    static final class Found {
        final List<Long> units = new ArrayList<>();
        final List<Long> marks = new ArrayList<>();
        FrameReader.Status status = FrameReader.Status.PENDING;
        @Nullable Damage damage;
        long nextSeqno;
        long lastGeneration;
        int frames;
    }

    final SimClock clock = new SimClock();
    final SimDisk disk = new SimDisk(64L << 20);
    final WalOptions options;
    final Prng prng;
    SimIo io;
    WalWriter writer;
    final List<Unit> units = new ArrayList<>();
    private long nextUnit = 1;

    /** The first segment that counts, as a manifest would say. */
    long from = 1;

    WalSim(long seed, WalOptions options) {
        this.prng = new Prng(seed);
        this.options = options;
        this.io = newIo();
        this.writer = newWriter(1, 1);
    }

    private SimIo newIo() {
        SimIo fresh = new SimIo(prng.nextLong(), clock, disk);
        fresh.setHandlers(Io.SocketHandler.NONE, this);
        return fresh;
    }

    private WalWriter newWriter(long generation, long firstSeqno) {
        try {
            return new WalWriter(
                    io,
                    DIRECTORY,
                    SHARD,
                    NODE_ID,
                    options,
                    WRITER,
                    Peers.NONE,
                    generation,
                    firstSeqno);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // Writing.

    /** A unit of so many effects; each says its unit, its number and how many there are, then random bytes that follow from both. */
    void appendUnit(int effects, int bytesMax) {
        long id = nextUnit++;
        if (effects > 1) {
            writer.beginUnit();
        }
        for (int i = 0; i < effects; i++) {
            int bytes = EFFECT_HEADER_BYTES + 8 * prng.nextInt(Math.max(1, bytesMax / 8));
            appendEffect(id, i, effects, bytes);
        }
        if (effects > 1) {
            writer.endUnit();
        }
        units.add(new Unit(id, writer.appendedSeqno()));
    }

    /** The next unit's id, for one that is appended effect by effect. */
    long newUnit() {
        return nextUnit++;
    }

    void appendEffect(long id, int number, int effects, int bytes) {
        long at = writer.append(bytes);
        Memory.putLong(at, bytes);
        Memory.putLong(at + 8, id);
        Memory.putLong(at + 16, (long) number << 32 | effects);
        new Prng(id * 31 + number).fill(at + EFFECT_HEADER_BYTES, bytes - EFFECT_HEADER_BYTES);
    }

    /** One turn of a shard: commit, then wait for whatever comes first. */
    void turn() {
        writer.commit(clock.nanoTime());
        poll(false);
    }

    private void poll(boolean atOnce) {
        long next = writer.nextNanos();
        long wait = next == Long.MAX_VALUE ? -1 : Math.max(0, next - clock.nanoTime());
        if (atOnce || io.hasEvents() || wait >= 0) {
            io.poll(atOnce ? 0 : wait);
        }
    }

    /** Turns until everything that was appended is synced (with NO: written). */
    void settle() {
        for (int i = 0; !isSettled(); i++) {
            assertTrue(i < 100_000, "the log does not come to rest");
            turn();
        }
    }

    private boolean isSettled() {
        return writer.policy() == SyncPolicy.NO
                ? writer.pendingBytes() == 0 && writer.isBegun()
                : writer.isQuiet() && writer.isBegun();
    }

    /** Turns until replies to what is in this frame may go. */
    void await(long seqno) {
        for (int i = 0; writer.stableSeqno() < seqno; i++) {
            assertTrue(i < 100_000, "seqno " + seqno + " does not become stable");
            turn();
        }
    }

    /** As after a snapshot: what came before the next frame is not needed, its segments are used again. */
    void dropAll() {
        writer.rotate();
        for (int i = 0; writer.begunGeneration() < writer.segmentGeneration(); i++) {
            assertTrue(i < 100_000, "the segment is not begun");
            turn();
        }
        from = writer.segmentGeneration();
        units.clear();
        writer.deleteBefore(from);
    }

    void run(long nanos) {
        long until = clock.nanoTime() + nanos;
        while (clock.nanoTime() < until) {
            writer.commit(clock.nanoTime());
            long next = Math.min(writer.nextNanos(), until);
            io.poll(Math.max(0, next - clock.nanoTime()));
        }
    }

    // The end of a process.

    /** The process ends; with {@code power} the disk loses what was not synced. */
    void crash(boolean power) {
        io.close();
        writer.close();
        if (power) {
            disk.crash(prng.split());
        } else {
            disk.kill(prng.split());
        }
        io = newIo();
    }

    /** A new process goes on behind what was found. */
    void restart(Found found) {
        syncLast(found.lastGeneration);
        io.setHandlers(Io.SocketHandler.NONE, this);
        writer = newWriter(found.lastGeneration + 1, found.nextSeqno);
        units.removeIf(unit -> unit.seqno() >= found.nextSeqno);
    }

    /** As recovery does: what it has read need not be durable after a kill. */
    private void syncLast(long generation) {
        Path last = WalFileLayout.logFile(DIRECTORY, generation);
        if (generation > 0 && segments(generation).contains(last)) {
            int[] results = {1};
            io.setHandlers(Io.SocketHandler.NONE, (token, result) -> results[0] = result);
            try {
                int file = io.openFile(last, Io.OpenMode.READ_WRITE, true);
                io.sync(file, READER);
                while (results[0] > 0) {
                    io.poll(-1);
                }
                io.closeFile(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            assertEquals(0, results[0]);
        }
    }

    // Reading.

    List<Path> segments(long from) {
        return segments(io, from);
    }

    static List<Path> segments(Io seam, long from) {
        List<Path> files = new ArrayList<>();
        try {
            for (Path file : seam.openDirectory(DIRECTORY)) {
                if (WalFileLayout.logGeneration(file) >= from) {
                    files.add(file);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        files.sort(null);
        return files;
    }

    /** With a log that is at rest, or after a crash. */
    Found read(long fromGeneration) {
        Found found = read(io, segments(fromGeneration), false);
        io.setHandlers(Io.SocketHandler.NONE, this);
        return found;
    }

    /** What a process would find on this disk. */
    static Found readDisk(SimDisk disk, long from) {
        try (SimIo fresh = new SimIo(1, new SimClock(), disk)) {
            return read(fresh, segments(fresh, from), false);
        }
    }

    /**
     * What {@link FrameReader#openLogEnd} makes of a log.
     *
     * @param frames that it gave
     */
    record End(long passedOver, long frames, long lastSeqno) {}

    /** Of the log on a disk, which is whole. */
    static End readEnd(SimDisk disk) {
        try (SimIo io = new SimIo(1, new SimClock(), disk);
                FrameReader reader = new FrameReader(io, READER)) {
            io.setHandlers(
                    Io.SocketHandler.NONE, (token, result) -> reader.onFile((int) token, result));
            reader.openLogEnd(segments(io, 1), SHARD, NODE_ID, 0);
            long frames = 0;
            FrameReader.Status status = reader.next();
            while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
                if (status == FrameReader.Status.PENDING) {
                    io.poll(-1);
                } else {
                    frames++;
                }
                status = reader.next();
            }
            assertEquals(FrameReader.Status.END, status, () -> "" + reader.damage());
            return new End(reader.passedOver(), frames, reader.nextSeqno() - 1);
        }
    }

    /** What the witness of a segment says; 0: nothing. */
    static long witness(SimDisk disk, Path file) {
        long block = Memory.allocate(WalFileLayout.BLOCK_BYTES, MemoryTag.OTHER);
        try {
            byte[] contents = disk.contents(file, 0, WalFileLayout.BLOCK_BYTES);
            Memory.copyIn(contents, 0, block, contents.length);
            assertNull(WalFileLayout.checkWhole(block, file, new Crc32c()));
            return WalFileLayout.witness(block, new Crc32c());
        } finally {
            Memory.free(block, WalFileLayout.BLOCK_BYTES, MemoryTag.OTHER);
        }
    }

    /** Reads all; a unit that lacks its end is cut, so that {@code nextSeqno} is its first frame. Others' completions go where they belong. */
    static Found read(SimIo io, List<Path> files, boolean image) {
        Found found = new Found();
        try (FrameReader fresh = new FrameReader(io, READER)) {
            io.setHandlers(
                    Io.SocketHandler.NONE, (token, result) -> fresh.onFile((int) token, result));
            if (image) {
                fresh.openImage(files.get(0), SHARD, NODE_ID);
            } else {
                fresh.openLog(files, SHARD, NODE_ID, 0);
            }
            List<Long> effects = new ArrayList<>();
            long chainSeqno = 0;
            while (true) {
                FrameReader.Status status = fresh.next();
                if (status == FrameReader.Status.PENDING) {
                    assertTrue(io.hasEvents(), "the reader waits for nothing");
                    io.poll(-1);
                    continue;
                }
                if (status != FrameReader.Status.FRAME) {
                    found.status = status;
                    found.damage = fresh.damage();
                    found.lastGeneration = fresh.lastGeneration();
                    found.nextSeqno = chainSeqno != 0 ? chainSeqno : fresh.nextSeqno();
                    assertEquals(status == FrameReader.Status.DAMAGED, found.damage != null);
                    return found;
                }
                found.frames++;
                if (fresh.kind() == FrameLayout.MARK) {
                    if (fresh.length() == 8) {
                        found.marks.add(Memory.getLong(fresh.payload()));
                    }
                    continue;
                }
                if (fresh.kind() == FrameLayout.END) {
                    continue;
                }
                parse(fresh, effects);
                boolean more = (fresh.flags() & FrameLayout.MORE) != 0;
                if (more && chainSeqno == 0) {
                    chainSeqno = fresh.seqno();
                }
                if (!more) {
                    chainSeqno = 0;
                    wholeUnits(effects, found.units);
                    effects.clear();
                }
            }
        }
    }

    /** Adds id, number and count of each effect. */
    private static void parse(FrameReader frame, List<Long> effects) {
        long at = frame.payload();
        long end = at + FrameLayout.effectsBytes(frame.payload(), frame.length(), frame.flags());
        while (at < end) {
            long bytes = Memory.getLong(at);
            long id = Memory.getLong(at + 8);
            long place = Memory.getLong(at + 16);
            Prng expected = new Prng(id * 31 + (place >>> 32));
            for (long i = EFFECT_HEADER_BYTES; i < bytes; i += 8) {
                assertEquals(expected.nextLong(), Memory.getLong(at + i), "wrong data was read");
            }
            effects.add(id);
            effects.add(place >>> 32);
            effects.add(place & 0xFFFF_FFFFL);
            at += bytes;
        }
        assertEquals(end, at);
    }

    private static void wholeUnits(List<Long> effects, List<Long> units) {
        for (int i = 0; i < effects.size(); ) {
            long id = effects.get(i);
            long count = effects.get(i + 2);
            for (int number = 0; number < count; number++, i += 3) {
                assertTrue(i < effects.size(), "unit " + id + " lacks effect " + number);
                assertEquals(id, effects.get(i));
                assertEquals(number, effects.get(i + 1));
            }
            units.add(id);
        }
    }

    /** What was found is the beginning of what was appended, and goes as far as it was acknowledged. */
    void check(Found found, long stableSeqno) {
        assertTrue(found.status != FrameReader.Status.DAMAGED, () -> String.valueOf(found.damage));
        List<Long> expected = new ArrayList<>();
        int acknowledged = 0;
        for (Unit unit : units) {
            expected.add(unit.id());
            acknowledged += unit.seqno() <= stableSeqno ? 1 : 0;
        }
        assertTrue(
                found.units.size() >= acknowledged,
                "found " + found.units.size() + " units, acknowledged " + acknowledged);
        assertTrue(found.units.size() <= expected.size(), "found more than was appended");
        assertEquals(expected.subList(0, found.units.size()), found.units);
    }

    @Override
    public void onFile(long token, int result) {
        writer.onFile((int) token, result, clock.nanoTime());
    }

    @Override
    public void close() {
        io.close();
        writer.close();
        assertEquals(0, MemoryTag.WAL.bytes(), "memory of the log that is left");
    }
}
