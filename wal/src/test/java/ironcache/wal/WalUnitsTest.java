package ironcache.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.ffm.SimClock;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Units over several shards: acknowledged when all parts are ready, and after a crash whole in all shards or in none. */
final class WalUnitsTest {
    private static final int SHARDS = 4;
    private static final long READER = 100L << 32;
    private static final int CHUNK_BYTES = 16 << 10;

    /** A unit and its part in each of some shards. */
    private record Unit(long id, int[] shards, long[] seqnos) {}

    /** A frame that was read: the units in it, and the parts of the one that ends it. */
    private record Frame(
            long seqno,
            long generation,
            boolean more,
            List<Long> units,
            int[] shards,
            long[] seqnos) {}

    private static Path directory(int shard) {
        return Path.of("/sim/shard-" + shard);
    }

    /** Some shards' logs on one disk. */
    private static final class Node {
        private final SimClock clock = new SimClock();
        private final SimDisk disk = new SimDisk(256L << 20);
        private final WalWriter[] writers = new WalWriter[SHARDS];
        private final boolean[] woken = new boolean[SHARDS];
        private final List<Unit> units = new ArrayList<>();
        private final Prng prng;
        private final SimIo io;
        private long nextUnit = 1;

        /** The planted bug: replies wait for their own shard's part alone. */
        private final boolean impatient;

        private Node(long seed, boolean impatient) {
            this.impatient = impatient;
            prng = new Prng(seed);
            io = new SimIo(seed, clock, disk);
        }

        private void start() throws IOException {
            Peers peers =
                    new Peers() {
                        @Override
                        public long readySeqno(int shard) {
                            return writers[shard].readySeqno();
                        }

                        @Override
                        public boolean isFailed(int shard) {
                            return writers[shard].isFailed();
                        }

                        @Override
                        public void wake(int shard) {
                            woken[shard] = true;
                        }
                    };
            for (int i = 0; i < SHARDS; i++) {
                writers[i] =
                        new WalWriter(
                                io,
                                directory(i),
                                i,
                                WalSim.NODE_ID,
                                new WalOptions(4 * CHUNK_BYTES, CHUNK_BYTES, SyncPolicy.ALWAYS),
                                (long) i << 32,
                                peers,
                                1,
                                1);
            }
            io.setHandlers(
                    Io.SocketHandler.NONE,
                    (token, result) -> {
                        int shard = (int) (token >>> 32);
                        woken[shard] = true;
                        writers[shard].onFile((int) token, result, clock.nanoTime());
                    });
        }

        private void effect(int shard, long id) {
            int bytes = 16 + 8 * prng.nextInt(60);
            long at = writers[shard].append(bytes);
            Memory.fill(at, bytes, (byte) 0);
            Memory.putLong(at, bytes);
            Memory.putLong(at + 8, id);
        }

        private void append() {
            int[] order = new int[SHARDS];
            for (int i = 0; i < SHARDS; i++) {
                int other = prng.nextInt(i + 1);
                order[i] = order[other];
                order[other] = i;
            }
            int parts = prng.chance(0.5) ? 1 : 1 + prng.nextInt(SHARDS);
            int[] shards = java.util.Arrays.copyOf(order, parts);
            long[] seqnos = new long[parts];
            long id = nextUnit++;
            for (int shard : shards) {
                woken[shard] = true;
                writers[shard].beginUnit();
                for (int i = prng.nextInt(prng.chance(0.05) ? 100 : 3); i >= 0; i--) {
                    effect(shard, id);
                }
            }
            for (int i = 0; i < parts; i++) {
                seqnos[i] = writers[shards[i]].unitSeqno();
            }
            for (int i = 0; i < parts; i++) {
                if (parts == 1) {
                    writers[shards[i]].endUnit();
                } else {
                    writers[shards[i]].endUnit(parts, shards, seqnos);
                }
                assertEquals(seqnos[i], writers[shards[i]].appendedSeqno());
            }
            units.add(new Unit(id, shards, seqnos));
        }

        private void turn(boolean waits) {
            for (int i = 0; i < SHARDS; i++) {
                // As an owner does: when it was woken, has something to do, or its time has come.
                if (woken[i] && (waits || prng.chance(0.7))
                        || writers[i].nextNanos() <= clock.nanoTime()) {
                    woken[i] = false;
                    writers[i].commit(clock.nanoTime());
                }
            }
            io.poll(waits && io.hasEvents() ? -1 : 0);
        }

        private boolean isAcknowledged(Unit unit) {
            // The reply waits in the shard of the connection, say the first: for its stable
            // watermark.
            WalWriter writer = writers[unit.shards[0]];
            return (impatient ? writer.readySeqno() : writer.stableSeqno()) >= unit.seqnos[0];
        }

        private void run() throws IOException {
            start();
            int steps = 20 + prng.nextInt(300);
            for (int i = 0; i < steps; i++) {
                if (prng.chance(0.6)) {
                    append();
                } else {
                    turn(prng.chance(0.5));
                }
            }
            Set<Long> acknowledged = new HashSet<>();
            for (Unit unit : units) {
                if (isAcknowledged(unit)) {
                    acknowledged.add(unit.id);
                }
            }
            boolean power = prng.chance(0.8);
            if (prng.chance(0.1)) {
                for (int i = 0; i < 10_000 && !allStable(); i++) {
                    turn(true);
                }
                assertTrue(allStable(), () -> "all that is written becomes stable" + state());
                units.forEach(unit -> acknowledged.add(unit.id));
            }
            io.close();
            for (WalWriter writer : writers) {
                writer.close();
            }
            if (power) {
                disk.crash(prng.split());
            } else {
                disk.kill(prng.split());
            }
            check(recover(), acknowledged);
            assertEquals(0, MemoryTag.WAL.bytes());
        }

        private String state() {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < SHARDS; i++) {
                WalWriter writer = writers[i];
                text.append("\nshard ")
                        .append(i)
                        .append(": appended ")
                        .append(writer.appendedSeqno())
                        .append(", ready ")
                        .append(writer.readySeqno())
                        .append(", stable ")
                        .append(writer.stableSeqno())
                        .append(", pending ")
                        .append(writer.pendingBytes())
                        .append(", woken ")
                        .append(woken[i])
                        .append(", failure ")
                        .append(writer.failure())
                        .append(", next in ")
                        .append(writer.nextNanos() - clock.nanoTime());
            }
            return text + ", events " + io.hasEvents();
        }

        /** By shard, the last frame that its log calls stable. */
        private final long[] stable = new long[SHARDS];

        /** By shard, the frame that its log lacks. */
        private final long[] ends = new long[SHARDS];

        private boolean allStable() {
            for (WalWriter writer : writers) {
                if (writer.stableSeqno() < writer.appendedSeqno()) {
                    return false;
                }
            }
            return true;
        }

        /** Reads all logs, and cuts each before the first unit that lacks a part until no cut moves. @return the units of each shard */
        private List<Set<Long>> recover() {
            List<List<Frame>> logs = new ArrayList<>();
            for (int i = 0; i < SHARDS; i++) {
                logs.add(read(i));
            }
            long[] cuts = new long[SHARDS];
            for (int i = 0; i < SHARDS; i++) {
                List<Frame> log = logs.get(i);
                cuts[i] = ends[i];
                if (!log.isEmpty() && log.getLast().more) {
                    cuts[i] = chainStart(log, log.size() - 1);
                }
            }
            boolean moved = true;
            while (moved) {
                moved = false;
                for (int i = 0; i < SHARDS; i++) {
                    List<Frame> log = logs.get(i);
                    for (int f = 0; f < log.size() && log.get(f).seqno < cuts[i]; f++) {
                        Frame frame = log.get(f);
                        for (int part = 0; part < frame.shards.length; part++) {
                            if (frame.seqnos[part] >= cuts[frame.shards[part]]) {
                                cuts[i] = chainStart(log, f);
                                moved = true;
                            }
                        }
                    }
                }
            }
            for (int i = 0; i < SHARDS; i++) {
                int shard = i;
                assertTrue(
                        stable[i] < cuts[i],
                        () ->
                                "shard "
                                        + shard
                                        + " is cut at "
                                        + cuts[shard]
                                        + ", within what it called stable, up to "
                                        + stable[shard]);
            }
            List<Set<Long>> found = new ArrayList<>();
            for (int i = 0; i < SHARDS; i++) {
                Set<Long> ids = new HashSet<>();
                for (Frame frame : logs.get(i)) {
                    if (frame.seqno < cuts[i]) {
                        ids.addAll(frame.units);
                    }
                }
                found.add(ids);
            }
            return found;
        }

        private static long chainStart(List<Frame> log, int frame) {
            int first = frame;
            while (first > 0 && log.get(first - 1).more) {
                first--;
            }
            return log.get(first).seqno;
        }

        private List<Frame> read(int shard) {
            List<Frame> frames = new ArrayList<>();
            try (SimIo fresh = new SimIo(1, new SimClock(), disk);
                    FrameReader reader = new FrameReader(fresh, READER)) {
                fresh.setHandlers(
                        Io.SocketHandler.NONE,
                        (token, result) -> reader.onFile((int) token, result));
                List<Path> files = new ArrayList<>(fresh.openDirectory(directory(shard)));
                files.removeIf(file -> WalFileLayout.logGeneration(file) < 0);
                files.sort(null);
                reader.openLog(files, shard, WalSim.NODE_ID, 0);
                stable[shard] = 0;
                while (true) {
                    FrameReader.Status status = reader.next();
                    if (status == FrameReader.Status.FRAME) {
                        stable[shard] =
                                Math.max(
                                        stable[shard], Math.max(reader.stable(), reader.witness()));
                    }
                    if (status == FrameReader.Status.PENDING) {
                        fresh.poll(-1);
                    } else if (status != FrameReader.Status.FRAME) {
                        assertTrue(
                                status != FrameReader.Status.DAMAGED
                                        || reader.lastGeneration() == 0,
                                () -> "" + reader.damage());
                        ends[shard] = Math.max(1, reader.nextSeqno());
                        return frames;
                    } else if (reader.kind() == FrameLayout.EFFECTS) {
                        frames.add(frame(reader));
                    }
                }
            }
        }

        private static Frame frame(FrameReader reader) {
            List<Long> ids = new ArrayList<>();
            long at = reader.payload();
            int length = reader.length();
            long end = at + FrameLayout.effectsBytes(at, length, reader.flags());
            while (at < end) {
                ids.add(Memory.getLong(at + 8));
                at += Memory.getLong(at);
            }
            boolean several = (reader.flags() & FrameLayout.PARTS) != 0;
            int parts = several ? FrameLayout.parts(reader.payload(), length) : 0;
            int[] shards = new int[parts];
            long[] seqnos = new long[parts];
            for (int i = 0; i < parts; i++) {
                shards[i] = FrameLayout.partShard(reader.payload(), length, i);
                seqnos[i] = FrameLayout.partSeqno(reader.payload(), length, i);
            }
            return new Frame(
                    reader.seqno(),
                    reader.generation(),
                    (reader.flags() & FrameLayout.MORE) != 0,
                    ids,
                    shards,
                    seqnos);
        }

        private void check(List<Set<Long>> found, Set<Long> acknowledged) {
            Map<Integer, Boolean> cut = new HashMap<>();
            for (Unit unit : units) {
                int there = 0;
                for (int shard : unit.shards) {
                    boolean has = found.get(shard).contains(unit.id);
                    there += has ? 1 : 0;
                    assertTrue(
                            !has || !cut.getOrDefault(shard, false),
                            "shard " + shard + " is not a prefix: unit " + unit.id);
                    if (!has) {
                        cut.put(shard, true);
                    }
                }
                assertTrue(
                        there == 0 || there == unit.shards.length,
                        "unit "
                                + unit.id
                                + " has "
                                + there
                                + " of "
                                + unit.shards.length
                                + " parts");
                assertTrue(
                        there > 0 || !acknowledged.contains(unit.id),
                        "unit " + unit.id + " was acknowledged and is lost");
            }
        }
    }

    @Test
    void unitsAreWholeAndWhatWasAcknowledgedIsThere() {
        int seeds = Integer.getInteger("ironcache.walSeeds", 300);
        for (long seed = 0; seed < seeds; seed++) {
            try {
                new Node(seed, false).run();
            } catch (AssertionError | IOException | RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    @Test
    void aReplyThatWaitsForItsOwnPartAloneIsNoticed() throws IOException {
        int noticed = 0;
        for (long seed = 0; seed < 100; seed++) {
            try {
                new Node(seed, true).run();
            } catch (AssertionError expected) {
                noticed += expected.getMessage().contains("was acknowledged and is lost") ? 1 : 0;
            }
        }
        assertTrue(noticed > 3, "noticed " + noticed + " of 100");
    }
}
