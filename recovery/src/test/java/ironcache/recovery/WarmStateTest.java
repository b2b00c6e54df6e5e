package ironcache.recovery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.ffm.Io;
import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.SystemClock;
import ironcache.hybridlog.Record;
import ironcache.wal.Manifest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** States of two shards, on a real file system: taken over as they were, and refused with the reason whatever is wrong with them. */
final class WarmStateTest {
    private static final int SHARDS = 2;
    private static final int KEYS = 4000;
    private static final long TOKEN = Shard.FIRST_FOREIGN_TOKEN;
    private static final long SEED = 99;
    private static final long BLOCK = 1 << 20;

    @TempDir Path directory;

    private final List<String> log = new ArrayList<>();
    private Io io;
    private final long buffer = Memory.allocate(4096, MemoryTag.OTHER);

    @BeforeEach
    void open() throws IOException {
        io = Ios.open(IoConfig.defaults().withKind(IoConfig.Kind.NIO).withLog(line -> {}));
    }

    @AfterEach
    void close() {
        io.close();
        Memory.free(buffer, 4096, MemoryTag.OTHER);
    }

    private Shard shard(int number, int frames, int notes) throws IOException {
        Path path = directory.resolve("shard-" + number);
        return new Shard(
                io,
                SystemClock.INSTANCE,
                new ShardConfig(path, SHARDS, 48L << 20, 0, 4, SEED, frames, notes),
                waiter -> {});
    }

    private int key(int i) {
        byte[] key = ("key:" + i).getBytes(StandardCharsets.US_ASCII);
        Memory.copyIn(key, 0, buffer, key.length);
        return key.length;
    }

    private void fill(Shard shard, int seed) {
        for (int i = 0; i < KEYS; i++) {
            shard.begin(1, 1);
            int length = key(i);
            long hash = shard.hash(buffer, length);
            long value = shard.upsert(0, buffer, length, hash, Record.STRING, 1000, 0);
            Memory.fill(value, 1000, (byte) (i + seed));
            shard.end();
        }
    }

    private void verify(Shard shard, int seed) {
        assertEquals(KEYS, shard.size(0));
        for (int i = 0; i < KEYS; i++) {
            shard.begin(1, 1);
            int length = key(i);
            long record = shard.read(0, buffer, length, shard.hash(buffer, length));
            assertEquals((byte) (i + seed), Memory.getByte(Record.value(record) + 999));
            shard.end();
        }
        shard.checkInvariants();
    }

    /** What a process with data leaves. */
    private void leave(long shutdown, @Nullable Path elsewhere) throws IOException {
        for (int i = 0; i < SHARDS; i++) {
            try (Shard shard = shard(i, 0, 0)) {
                io.setHandlers(Io.SocketHandler.NONE, shard.fileHandler());
                fill(shard, i);
                keep(shard, i, shutdown, elsewhere);
            }
        }
    }

    private void keep(Shard shard, int number, long shutdown, @Nullable Path elsewhere)
            throws IOException {
        StateKeeper keeper = new StateKeeper(io, TOKEN);
        io.setHandlers(
                Io.SocketHandler.NONE,
                (token, result) -> {
                    if (token >= TOKEN) {
                        keeper.onFile((int) token, result);
                    } else {
                        shard.fileHandler().onFile(token, result);
                    }
                });
        keeper.keep(
                shard,
                WarmState.file(directory, elsewhere, number),
                new StateKeeper.Identity(
                        directory, number, SHARDS, 5, SEED, shutdown, 0, 3, 4, false));
    }

    private @Nullable WarmState find(@Nullable Manifest manifest) {
        return WarmState.find(
                io,
                directory,
                null,
                SHARDS,
                manifest,
                true,
                (count, task) -> {
                    for (int i = 0; i < count; i++) {
                        task.accept(i);
                    }
                },
                log::add);
    }

    @Test
    void whatWasLeftIsTakenOverOnce() throws IOException {
        leave(7, null);
        assertEquals(SHARDS, WarmState.shardsIn(directory, null));
        WarmState state = find(null);
        assertNotNull(state);
        assertEquals(5, state.nodeId());
        assertEquals(SEED, state.hashSeed());
        assertEquals(4, state.segmentPages());
        assertEquals(3, state.logGeneration(1));
        assertEquals(4, state.logSeqno(0));
        assertFalse(state.logWasKept());
        List<Shard> shards = new ArrayList<>();
        for (int i = 0; i < SHARDS; i++) {
            Shard shard = shard(i, state.framesUsed(i), state.notesUsed(i));
            io.setHandlers(Io.SocketHandler.NONE, shard.fileHandler());
            state.load(i, shard);
            shards.add(shard);
        }
        state.consume(io);
        assertNull(find(null), "it was there twice");
        for (int i = 0; i < SHARDS; i++) {
            Shard shard = shards.get(i);
            // Once as the file shows it, then while it is being moved to memory of its own, and
            // after.
            verify(shard, i);
            shard.ownState();
            for (int turn = 0; turn < 200; turn++) {
                shard.work(1_000_000);
                verifySome(shard, i, turn);
            }
            fill(shard, i + 50);
            verify(shard, i + 50);
            shard.close();
        }
        assertEquals(0, MemoryTag.LOG.bytes());
        assertEquals(List.of(), log);
    }

    private void verifySome(Shard shard, int seed, int i) {
        shard.begin(1, 1);
        int length = key(i);
        long record = shard.read(0, buffer, length, shard.hash(buffer, length));
        assertEquals((byte) (i + seed), Memory.getByte(Record.value(record)));
        shard.end();
    }

    /** Leaves states, damages them, and wants a refusal that says this. */
    private void refused(String why) {
        assertNull(find(null));
        assertEquals(1, log.size(), log::toString);
        assertTrue(log.get(0).contains(why), () -> log.get(0) + " does not say " + why);
        log.clear();
        assertFalse(Files.exists(WarmState.file(directory, null, 0)));
        assertNull(find(null));
        assertEquals(List.of(), log);
    }

    private void flip(int shard, long offset) throws IOException {
        Path file = WarmState.file(directory, null, shard);
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, offset);
            one.put(0, (byte) (one.get(0) ^ 4)).flip();
            channel.write(one, offset);
        }
    }

    @Test
    void eachFlippedByteIsFound() throws IOException {
        leave(8, null);
        Path kept = Files.createTempDirectory(directory, "kept");
        for (int i = 0; i < SHARDS; i++) {
            Files.copy(WarmState.file(directory, null, i), kept.resolve("state-" + i));
        }
        long bytes = Files.size(WarmState.file(directory, null, 1));
        long table = 4096 + (bytes - 4096) / BLOCK * BLOCK;
        List<Long> offsets = new ArrayList<>();
        for (long offset = 0; offset < StateFileLayout.PATH_OFFSET + 40; offset += 3) {
            offsets.add(offset);
        }
        offsets.add(4095L);
        for (long offset = 4096; offset < bytes; offset += BLOCK / 3 + 7) {
            offsets.add(offset);
        }
        offsets.add(table);
        offsets.add(bytes - 1);
        for (long offset : offsets) {
            for (int i = 0; i < SHARDS; i++) {
                Files.copy(
                        kept.resolve("state-" + i),
                        WarmState.file(directory, null, i),
                        StandardCopyOption.REPLACE_EXISTING);
            }
            flip(1, offset);
            refused(
                    offset >= table
                            ? "field checksums"
                            : offset >= 4096
                                    ? "checksum of block " + (offset - 4096) / BLOCK
                                    : "expected");
        }
    }

    @Test
    void whatIsNotWholeIsRefused() throws IOException {
        leave(9, null);
        Path second = WarmState.file(directory, null, 1);
        try (FileChannel channel = FileChannel.open(second, StandardOpenOption.WRITE)) {
            channel.truncate(Files.size(second) - 4096);
        }
        refused("field length");
        leave(9, null);
        try (FileChannel channel = FileChannel.open(second, StandardOpenOption.WRITE)) {
            channel.truncate(100);
        }
        refused("field header");
        leave(9, null);
        try (FileChannel channel = FileChannel.open(second, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(4096), 0);
        }
        refused("field clean");
        leave(9, null);
        Files.delete(second);
        refused("actual nothing");
    }

    @Test
    void whatDoesNotBelongHereIsRefused() throws IOException {
        leave(10, null);
        try (Shard other = shard(1, 0, 0)) {
            keep(other, 1, 11, null);
        }
        refused("field shutdown");
        leave(12, null);
        Files.copy(
                WarmState.file(directory, null, 0),
                WarmState.file(directory, null, 1),
                StandardCopyOption.REPLACE_EXISTING);
        refused("field shard");
        leave(13, null);
        Manifest manifest = new Manifest(1, 6, SEED, 1, List.of(), List.of());
        assertNull(find(manifest));
        assertTrue(log.get(0).contains("field nodeId"), log::toString);
        log.clear();
        leave(13, null);
        assertNull(find(new Manifest(1, 5, SEED, 1, List.of(), List.of())));
        assertTrue(log.get(0).contains("field manifestGeneration"), log::toString);
    }

    @Test
    void anotherNumberOfShardsDoesNotStart() throws IOException {
        leave(14, null);
        RecoveryException e =
                assertThrows(
                        RecoveryException.class,
                        () ->
                                WarmState.find(
                                        io,
                                        directory,
                                        null,
                                        SHARDS + 1,
                                        null,
                                        true,
                                        (count, task) -> {},
                                        log::add));
        assertTrue(String.valueOf(e.getMessage()).contains("--shards 2"), e.getMessage());
        assertTrue(Files.exists(WarmState.file(directory, null, 0)));
    }

    @Test
    void elsewhereItMustBeOfThisDirectory() throws IOException {
        Path elsewhere = directory.resolve("elsewhere");
        leave(15, elsewhere);
        for (Path of : List.of(directory, directory.resolve("other"))) {
            WarmState state =
                    WarmState.find(
                            io,
                            of,
                            elsewhere,
                            SHARDS,
                            null,
                            true,
                            (count, task) -> {
                                for (int i = 0; i < count; i++) {
                                    task.accept(i);
                                }
                            },
                            log::add);
            assertEquals(of.equals(directory), state != null, log::toString);
            if (state != null) {
                state.close();
            }
        }
        assertTrue(log.get(0).contains("field path"), log::toString);
    }
}
