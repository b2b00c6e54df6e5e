package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.ffm.FileView;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import ironcache.hybridlog.Record;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Drives a shard as the frontend does, one command at a time, with keys and values as Java objects. */
final class ShardHarness implements AutoCloseable {
    private static final int WAITER = 7;
    private static final int BUFFER_BYTES = 1 << 17;
    private static final long STATE_TOKEN = Shard.FIRST_FOREIGN_TOKEN;

    /** Turns, of a simulated millisecond mostly, after which a command that waits is said to wait for ever. */
    private static final int TURNS_MAX = 100_000;

    final Shard shard;
    final Io io;
    private final Clock clock;
    private final Set<Integer> ready = new HashSet<>();
    private final long keyBuffer = Memory.allocate(BUFFER_BYTES, MemoryTag.OTHER);
    int misses;

    ShardHarness(Io io, Clock clock, Path directory, long memoryBytes, long maxDiskBytes, long seed)
            throws IOException {
        this(io, clock, new ShardConfig(directory, 1, memoryBytes, maxDiskBytes, 0, seed));
    }

    ShardHarness(Io io, Clock clock, ShardConfig config) throws IOException {
        this.io = io;
        this.clock = clock;
        shard = new Shard(io, clock, config, ready::add);
        io.setHandlers(Io.SocketHandler.NONE, shard.fileHandler());
    }

    /** What of a state file its header would say. */
    record Saved(Path file, int wholeBlocks, int blocks, int frames, int notes) {}

    /** Writes the shard's state; afterwards it can only be closed. */
    Saved save(Path path) throws IOException {
        while (!shard.quiesce()) {
            io.poll(1_000_000);
        }
        int frames = shard.framesUsed();
        int notes = shard.notesUsed();
        int file = io.openFile(path, Io.OpenMode.CREATE, false);
        try (StateOutput out = new StateOutput(io, file, 42, STATE_TOKEN)) {
            io.setHandlers(
                    Io.SocketHandler.NONE,
                    (token, result) -> {
                        if (token >= STATE_TOKEN) {
                            out.onFile((int) token, result);
                        }
                    });
            shard.saveState(out);
            out.end();
            io.closeFile(file);
            if (out.failure() != null) {
                throw new IOException(out.failure());
            }
            return new Saved(path, out.wholeBlocks(), out.blocks(), frames, notes);
        }
    }

    /** Loads what another shard saved. */
    void load(Saved saved) throws IOException {
        try (FileView view = io.viewFile(saved.file)) {
            shard.loadState(new StateInput(view, saved.wholeBlocks, saved.blocks));
        }
    }

    /** Runs one command to its end, however often it misses. */
    long run(boolean writes, LongSupplier command) {
        while (true) {
            if (writes && !shard.hasSpace()) {
                String refusal = shard.writeRefusal();
                if (refusal != null) {
                    throw new IllegalStateException(refusal);
                }
                shard.parkForSpace(WAITER);
                await();
                continue;
            }
            shard.begin(WAITER, clock.currentTimeMillis());
            try {
                long result = command.getAsLong();
                shard.end();
                turn();
                return result;
            } catch (ColdMiss miss) {
                misses++;
                shard.park();
                await();
            }
        }
    }

    void turn() {
        io.poll(0);
        shard.work(100_000);
    }

    private void await() {
        for (int turns = 0; !ready.remove(WAITER); turns++) {
            if (turns == TURNS_MAX) {
                throw new AssertionError(
                        "the command waits for ever, "
                                + (shard.hasSpace() ? "though not for space" : "for space"));
            }
            io.poll(1_000_000);
            shard.work(100_000);
        }
    }

    private long key(String key) {
        byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
        Memory.copyIn(bytes, 0, keyBuffer, bytes.length);
        return keyBuffer;
    }

    /** The time that the last command ran at. */
    long now() {
        return shard.nowMillis();
    }

    void set(int db, String key, byte[] value, long expiryMillis) {
        run(
                true,
                () -> {
                    long k = key(key);
                    int length = key.length();
                    long at =
                            shard.upsert(
                                    db,
                                    k,
                                    length,
                                    shard.hash(k, length),
                                    Record.STRING,
                                    value.length,
                                    expiryMillis);
                    Memory.copyIn(value, 0, at, value.length);
                    return 0;
                });
    }

    /** As {@link #set}, of a cold key, and the shard does nothing behind it: the old entry is not settled yet. */
    void setBlindly(int db, String key, byte[] value, long expiryMillis) {
        long k = key(key);
        int length = key.length();
        shard.begin(WAITER, clock.currentTimeMillis());
        long hash = shard.hash(k, length);
        long at = shard.upsert(db, k, length, hash, Record.STRING, value.length, expiryMillis);
        Memory.copyIn(value, 0, at, value.length);
        shard.end();
    }

    byte @Nullable [] get(int db, String key) {
        byte[][] result = new byte[1][];
        run(
                false,
                () -> {
                    long k = key(key);
                    int length = key.length();
                    long record = shard.read(db, k, length, shard.hash(k, length));
                    result[0] = record == 0 ? null : value(record);
                    return 0;
                });
        return result[0];
    }

    static byte[] value(long record) {
        byte[] bytes = new byte[Record.valueLength(record)];
        Memory.copyOut(Record.value(record), bytes, 0, bytes.length);
        return bytes;
    }

    static String keyOf(long record) {
        byte[] bytes = new byte[Record.keyLength(record)];
        Memory.copyOut(Record.key(record), bytes, 0, bytes.length);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Appends to an existing key; false where it does not exist. */
    boolean append(int db, String key, byte[] suffix) {
        return run(
                        true,
                        () -> {
                            long k = key(key);
                            int length = key.length();
                            long hash = shard.hash(k, length);
                            long record = shard.read(db, k, length, hash);
                            if (record == 0) {
                                return 0;
                            }
                            int before = Record.valueLength(record);
                            long at =
                                    shard.modify(
                                            db,
                                            k,
                                            length,
                                            hash,
                                            Record.STRING_RAW,
                                            before + suffix.length);
                            Memory.copyIn(suffix, 0, at + before, suffix.length);
                            return 1;
                        })
                == 1;
    }

    boolean delete(int db, String key) {
        return run(
                        false,
                        () -> {
                            long k = key(key);
                            return shard.delete(db, k, key.length(), shard.hash(k, key.length()))
                                    ? 1
                                    : 0;
                        })
                == 1;
    }

    boolean expireAt(int db, String key, long millis) {
        return run(
                        true,
                        () -> {
                            long k = key(key);
                            long hash = shard.hash(k, key.length());
                            if (shard.peek(db, k, key.length(), hash) == 0) {
                                return 0;
                            }
                            shard.expireAt(db, k, key.length(), hash, millis);
                            return 1;
                        })
                == 1;
    }

    long size(int db) {
        return run(false, () -> shard.size(db));
    }

    Set<String> scan(int db, int count) {
        Set<String> keys = new TreeSet<>();
        long cursor = 0;
        do {
            long from = cursor;
            cursor =
                    run(
                            false,
                            () -> shard.scan(db, from, count, record -> keys.add(keyOf(record))));
        } while (cursor != 0);
        return keys;
    }

    /** Waits until the shard has nothing left to do by itself. */
    void settle() {
        do {
            io.poll(1_000_000);
        } while (shard.work(1_000_000));
    }

    @Override
    public void close() {
        shard.close();
        io.close();
        Memory.free(keyBuffer, BUFFER_BYTES, MemoryTag.OTHER);
    }
}
