package ironcache.bench;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.io.ByteArrayOutputStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
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
 * The frontend's request parser over a receive buffer with a pipeline of {@value #PIPELINE} requests; one operation is one
 * request. The parser is private to its module and stays so: constant method handles reach it, which the JIT inlines like
 * ordinary calls.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RespParseBenchmark {
    static final int PIPELINE = 16;

    private static final MethodHandle NEW_TABLE;
    private static final MethodHandle CLEAR;
    private static final MethodHandle NEW_PARSER;
    private static final MethodHandle PARSE;
    private static final MethodHandle NEXT;

    static {
        try {
            Class<?> parser = Class.forName("ironcache.resp.RequestParser");
            Class<?> table = Class.forName("ironcache.resp.ArgumentTable");
            MethodHandles.Lookup lookup =
                    MethodHandles.privateLookupIn(parser, MethodHandles.lookup());
            NEW_TABLE =
                    lookup.findConstructor(table, MethodType.methodType(void.class))
                            .asType(MethodType.methodType(Object.class));
            CLEAR =
                    lookup.findVirtual(table, "clear", MethodType.methodType(void.class))
                            .asType(MethodType.methodType(void.class, Object.class));
            NEW_PARSER =
                    lookup.findConstructor(parser, MethodType.methodType(void.class, table))
                            .asType(MethodType.methodType(Object.class, Object.class));
            PARSE =
                    lookup.findVirtual(
                                    parser,
                                    "parse",
                                    MethodType.methodType(
                                            int.class, long.class, long.class, boolean.class))
                            .asType(
                                    MethodType.methodType(
                                            int.class,
                                            Object.class,
                                            long.class,
                                            long.class,
                                            boolean.class));
            NEXT =
                    lookup.findVirtual(parser, "next", MethodType.methodType(long.class))
                            .asType(MethodType.methodType(long.class, Object.class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** What the pipeline consists of. */
    @Param({"GET", "SET", "INLINE"})
    public String command;

    private Object table;
    private Object parser;
    private long buffer;
    private int length;

    @Setup(Level.Trial)
    public void setUp() throws Throwable {
        table = (Object) NEW_TABLE.invokeExact();
        parser = (Object) NEW_PARSER.invokeExact(table);
        ByteArrayOutputStream pipeline = new ByteArrayOutputStream();
        for (int i = 0; i < PIPELINE; i++) {
            String key = String.format(Locale.ROOT, "key:%012d", i * 7919);
            String request =
                    switch (command) {
                        case "GET" -> "*2\r\n$3\r\nGET\r\n$16\r\n" + key + "\r\n";
                        case "SET" ->
                                "*3\r\n$3\r\nSET\r\n$16\r\n"
                                        + key
                                        + "\r\n$64\r\n"
                                        + "v".repeat(64)
                                        + "\r\n";
                        default -> "GET " + key + "\r\n";
                    };
            pipeline.writeBytes(request.getBytes(StandardCharsets.US_ASCII));
        }
        byte[] bytes = pipeline.toByteArray();
        length = bytes.length;
        buffer = Memory.allocate(length + 64, MemoryTag.OTHER);
        Memory.copyIn(bytes, 0, buffer, length);
    }

    @TearDown(Level.Trial)
    public void tearDown() {
        Memory.free(buffer, length + 64, MemoryTag.OTHER);
    }

    @Benchmark
    @OperationsPerInvocation(PIPELINE)
    public long parse() throws Throwable {
        CLEAR.invokeExact(table);
        long at = buffer;
        long end = buffer + length;
        while (at < end) {
            if ((int) PARSE.invokeExact(parser, at, end, true) != 0) {
                throw new IllegalStateException("not parsed");
            }
            at = (long) NEXT.invokeExact(parser);
        }
        return at;
    }
}
