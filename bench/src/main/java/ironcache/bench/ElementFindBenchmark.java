package ironcache.bench;

import ironcache.datatypes.Element;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
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

/** The search in a bucket of a large set: 33 members of 16 bytes, or of 8 to 24; in 64 buckets, which are in the cache, or in 100,000, which are not. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 1,
        jvmArgsAppend = {
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-Xmx128m",
            "-XX:+UseSerialGC"
        })
public class ElementFindBenchmark {
    private static final int BUCKET_BYTES = 1024;
    private static final int MEMBERS = 33;
    private static final int TEXT_BYTES = 24;

    @Param({"64", "100000"})
    public int buckets;

    @Param({"16", "8-24"})
    public String lengths;

    private final long text = Memory.allocate(TEXT_BYTES, MemoryTag.OTHER);
    private long memory;
    private int[] ends = {};
    private long counter;

    @Setup(Level.Trial)
    public void fill() {
        memory = Memory.allocate((long) buckets * BUCKET_BYTES, MemoryTag.OTHER);
        ends = new int[buckets];
        for (int bucket = 0; bucket < buckets; bucket++) {
            long from = memory + (long) bucket * BUCKET_BYTES;
            long at = from;
            for (int i = 0; i < MEMBERS; i++) {
                at += Element.put(at, text, text((long) bucket * MEMBERS + i));
            }
            ends[bucket] = (int) (at - from);
        }
    }

    @TearDown(Level.Trial)
    public void release() {
        Memory.free(memory, (long) buckets * BUCKET_BYTES, MemoryTag.OTHER);
        Memory.free(text, TEXT_BYTES, MemoryTag.OTHER);
    }

    /** Writes a member. @return its length */
    private int text(long member) {
        long word = Prng.mix(member);
        Memory.putLong(text, word | 0x4040404040404040L); // No number.
        Memory.putLong(text + 8, word);
        Memory.putLong(text + 16, word);
        return lengths.equals("16") ? 16 : 8 + (int) Long.remainderUnsigned(word, 17);
    }

    @Benchmark
    public long hit() {
        long word = Prng.mix(counter++);
        int bucket = (int) ((word >>> 32) % buckets);
        return find(bucket, (long) bucket * MEMBERS + (word & 31));
    }

    @Benchmark
    public long miss() {
        int bucket = (int) ((Prng.mix(counter++) >>> 32) % buckets);
        return find(bucket, -1 - counter);
    }

    private long find(int bucket, long member) {
        long from = memory + (long) bucket * BUCKET_BYTES;
        return Element.find(from, from + ends[bucket], text, text(member));
    }
}
