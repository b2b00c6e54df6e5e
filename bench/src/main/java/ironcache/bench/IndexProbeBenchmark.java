package ironcache.bench;

import ironcache.ffm.Prng;
import ironcache.index.HashIndex;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The index probe, in cache (40,000 entries, 0.4 MB) and out of it (6 M entries, 64 MB), for keys that are there and keys that are not,
 * one after the other and as a batch whose misses overlap. {@code chained} probes wait for the one before, as a client without
 * pipelining makes them; its difference to {@code hit} is what overlapping is worth. {@code hashOnly} is the cost of drawing a hash, contained in all.
 * The scalar twin is measured by {@code -jvmArgsAppend -Dironcache.index.probe=scalar}, narrower vectors by 256 and 128.
 */
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
public class IndexProbeBenchmark {
    private static final int BATCH = 64;

    @Param({"40000", "6000000"})
    public int entries;

    private HashIndex index = new HashIndex();
    private final long[] hashes = new long[BATCH];
    private long counter;

    @Setup(Level.Trial)
    public void fill() {
        for (int i = 0; i < entries; i++) {
            index.insert(Prng.mix(i), i + 1);
        }
    }

    @TearDown(Level.Trial)
    public void release() {
        index.close();
    }

    private long present(long random) {
        return Prng.mix(Math.unsignedMultiplyHigh(random, entries));
    }

    @Benchmark
    public long hashOnly() {
        return present(Prng.mix(++counter));
    }

    @Benchmark
    public long hit() {
        return index.first(present(Prng.mix(++counter)));
    }

    @Benchmark
    public long miss() {
        return index.first(Prng.mix(~++counter));
    }

    @Benchmark
    public long chained() {
        counter = HashIndex.payload(index.first(present(Prng.mix(counter)))) + counter;
        return counter;
    }

    /** As the server looks up what one receive brought: lines first, so that misses overlap, then entries. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long batch() {
        long sum = 0;
        for (int i = 0; i < BATCH; i++) {
            hashes[i] = present(Prng.mix(++counter));
            sum += index.touchLines(hashes[i]);
        }
        for (int i = 0; i < BATCH; i++) {
            sum += index.first(hashes[i]);
        }
        return sum;
    }

    @Benchmark
    public long insertAndRemove() {
        long slot = index.insert(Prng.mix(~++counter), 1);
        index.remove(slot);
        return slot;
    }
}
