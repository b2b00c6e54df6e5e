package ironcache.bench;

import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.ffm.CachedClock;
import ironcache.ffm.Io;
import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.SystemClock;
import ironcache.hybridlog.Record;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The engine below the wire, on one core: read, in-place update, read-modify-write and append of 16-byte keys with 64-byte
 * values, all in RAM, uniformly chosen. One operation is one command; a turn of the event loop's other duties comes after
 * every {@value #COMMANDS_PER_TURN}. To beat: FASTER's C++ with 1.6 to 2.2 M operations/s on 10 M 8-byte keys (blueprint,
 * section 8).
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class ShardBenchmark {
    static final int COMMANDS_PER_TURN = 64;

    private static final int KEY_LENGTH = 16;
    private static final int VALUE_LENGTH = 64;
    private static final int WAITER = 0;
    private static final long WORK_NS = 100_000;

    /** In the processor's cache, and far beyond it. */
    @Param({"10000", "4000000"})
    public int keys;

    private final Mix64 random = new Mix64(1);
    private final CachedClock clock = new CachedClock(SystemClock.INSTANCE);
    private Path directory;
    private Io io;
    private Shard shard;
    private long key;
    private long value;
    private long nextNewKey;
    private int untilTurn;

    @Setup(Level.Trial)
    public void setUp() throws IOException {
        directory = Files.createTempDirectory(Path.of("target"), "shard-benchmark");
        io = Ios.open(IoConfig.defaults());
        shard =
                new Shard(
                        io, clock, new ShardConfig(directory, 1, 1L << 30, 0, 0, 42), waiter -> {});
        io.setHandlers(Io.SocketHandler.NONE, shard.fileHandler());
        key = Memory.allocate(KEY_LENGTH, MemoryTag.OTHER);
        value = Memory.allocate(VALUE_LENGTH, MemoryTag.OTHER);
        Memory.fill(value, VALUE_LENGTH, (byte) 'v');
        for (nextNewKey = 0; nextNewKey < keys; nextNewKey++) {
            upsert(nextNewKey);
        }
    }

    @TearDown(Level.Trial)
    public void tearDown() throws IOException {
        shard.close();
        io.close();
        Memory.free(key, KEY_LENGTH, MemoryTag.OTHER);
        Memory.free(value, VALUE_LENGTH, MemoryTag.OTHER);
        Harness.deleteTree(directory);
    }

    /** The price of making a key and hashing it, which is part of all the others. */
    @Benchmark
    public long keyAndHash() {
        putKey(random.nextLong(keys));
        return shard.hash(key, KEY_LENGTH);
    }

    /** GET. */
    @Benchmark
    public long read() {
        putKey(random.nextLong(keys));
        shard.begin(WAITER, clock.currentTimeMillis());
        long record = shard.read(0, key, KEY_LENGTH, shard.hash(key, KEY_LENGTH));
        long word = record == 0 ? 0 : Memory.getLong(Record.value(record));
        end();
        return word;
    }

    /** GET of a key that was never there. */
    @Benchmark
    public long readAbsent() {
        putKey(-1 - random.nextLong(keys));
        shard.begin(WAITER, clock.currentTimeMillis());
        long record = shard.read(0, key, KEY_LENGTH, shard.hash(key, KEY_LENGTH));
        end();
        return record;
    }

    /** SET of an existing key with a value of the same length. */
    @Benchmark
    public void update() {
        upsert(random.nextLong(keys));
    }

    /** INCR-like: reads a word of the value, writes it back changed. */
    @Benchmark
    public void readModifyWrite() {
        putKey(random.nextLong(keys));
        shard.begin(WAITER, clock.currentTimeMillis());
        long hash = shard.hash(key, KEY_LENGTH);
        if (shard.read(0, key, KEY_LENGTH, hash) != 0) {
            long at = shard.modify(0, key, KEY_LENGTH, hash, Record.STRING_RAW, VALUE_LENGTH);
            Memory.putLong(at, Memory.getLong(at) + 1);
        }
        end();
    }

    /** SET of a new key and, to keep the set's size, DEL of the oldest. */
    @Benchmark
    public void appendAndDelete() {
        upsert(nextNewKey);
        putKey(nextNewKey - keys);
        shard.begin(WAITER, clock.currentTimeMillis());
        shard.delete(0, key, KEY_LENGTH, shard.hash(key, KEY_LENGTH));
        end();
        nextNewKey++;
    }

    private void upsert(long number) {
        while (!shard.hasSpace()) {
            turn();
        }
        putKey(number);
        shard.begin(WAITER, clock.currentTimeMillis());
        long hash = shard.hash(key, KEY_LENGTH);
        long at = shard.upsert(0, key, KEY_LENGTH, hash, Record.STRING_RAW, VALUE_LENGTH, 0);
        Memory.copy(value, at, VALUE_LENGTH);
        end();
    }

    private void putKey(long number) {
        Memory.putLong(key, 0x3A79_656BL << 32); // "key:" in the upper half
        Memory.putLong(key + 8, number);
    }

    private void end() {
        shard.end();
        if (--untilTurn <= 0) {
            turn();
        }
    }

    private void turn() {
        untilTurn = COMMANDS_PER_TURN;
        clock.refresh();
        io.poll(0);
        shard.work(WORK_NS);
    }
}
