package ironcache.datatypes;

import ironcache.engine.ColdMiss;
import ironcache.engine.Shard;
import ironcache.engine.ShardConfig;
import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;
import ironcache.ffm.Memory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/** A real shard in a directory of its own, driven one command at a time. Time stands still, but for {@link #passTo}. */
final class TestShard implements AutoCloseable {
    private static final int WAITER = 3;
    private long nowMillis = 1_700_000_000_000L;

    private final Path directory = Files.createTempDirectory("ironcache-datatypes");
    private final Io io = Ios.open(IoConfig.defaults());
    private final Set<Integer> ready = new HashSet<>();
    private final Shard shard;
    int misses;

    TestShard() throws IOException {
        shard =
                new Shard(
                        io,
                        new StandingClock(),
                        new ShardConfig(directory, 1, 40L << 20, 0, 0, 42),
                        ready::add);
        io.setHandlers(Io.SocketHandler.NONE, shard.fileHandler());
    }

    Shard shard() {
        return shard;
    }

    /** Runs one command to its end, however often it misses. */
    long run(LongSupplier command) {
        while (true) {
            if (!shard.hasSpace()) {
                shard.parkForSpace(WAITER);
                await();
                continue;
            }
            shard.begin(WAITER, nowMillis);
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

    private void await() {
        while (!ready.remove(WAITER)) {
            turn();
        }
    }

    /** An element's bytes, as a client gets them. May miss. */
    static byte[] bytes(Shard shard, long object, long element) {
        if (Element.isNumber(element)) {
            return Long.toString(Element.number(element)).getBytes();
        }
        byte[] bytes = new byte[(int) Element.textLength(element)];
        if (!Element.isSpilled(element)) {
            Memory.copyOut(Element.text(element), bytes, 0, bytes.length);
            return bytes;
        }
        for (int i = 0; i < Spill.pieces(element); i++) {
            Memory.copyOut(
                    Spill.piece(shard, object, element, i),
                    bytes,
                    i * Spill.PAGE_BYTES,
                    Spill.pieceBytes(element, i));
        }
        return bytes;
    }

    long nowMillis() {
        return nowMillis;
    }

    /** It is so late now. */
    void passTo(long millis) {
        nowMillis = millis;
    }

    void turn() {
        io.poll(shard.work(1_000_000) ? 0 : 100_000);
    }

    /** Writes so much else that whatever was there before is on the SSD. */
    void pushOut() {
        byte[] value = new byte[50_000];
        for (int i = 0; i < 1600; i++) {
            try (TestKey key = new TestKey(this, "filler" + i)) {
                value[i] = 1;
                key.set(value, 0);
            }
        }
    }

    @Override
    public void close() throws IOException {
        shard.close();
        io.close();
        try (Stream<Path> files = Files.walk(directory)) {
            List<Path> all = files.sorted(Comparator.reverseOrder()).toList();
            for (Path file : all) {
                Files.delete(file);
            }
        }
    }

    private final class StandingClock implements Clock {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public long currentTimeMillis() {
            return nowMillis;
        }

        @Override
        public long currentTimeMicros() {
            return currentTimeMillis() * 1000;
        }
    }
}
