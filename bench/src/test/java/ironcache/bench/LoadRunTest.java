package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The load generator against the oracle server; skipped where IRONCACHE_ORACLE does not name one. */
class LoadRunTest {
    @TempDir Path dir;

    private ServerProcess server;

    @BeforeEach
    void start() throws IOException {
        String oracle = System.getenv("IRONCACHE_ORACLE");
        Assumptions.assumeTrue(
                oracle != null, "skipped: IRONCACHE_ORACLE is unset, there is no server to load");
        server =
                ServerProcess.start(
                        ServerProcess.Kind.VALKEY,
                        Path.of(oracle),
                        ServerProcess.freePort(),
                        dir,
                        ServerProcess.NOT_PINNED,
                        false);
    }

    @AfterEach
    void stop() throws IOException {
        if (server != null) {
            server.close();
        }
    }

    @Test
    void loadsThenFindsEveryValueRight() throws IOException {
        LoadOptions load = options();
        load.load = true;
        load.pipeline = 16;
        assertEquals(10_000, run(load).replies());

        LoadOptions read = options();
        read.verify = true;
        read.requireHits = true;
        read.keyDistribution = "sequential";
        read.requests = 10_000;
        LoadResult result = run(read);
        assertEquals(10_000, result.replies());
        assertEquals(1.0, result.hitRate());
        assertEquals(0, result.errors(), result::toText);
    }

    @Test
    void wrongAndMissingValuesAreErrors() throws IOException {
        LoadOptions load = options();
        load.load = true;
        load.keys = 5_000;
        run(load);

        LoadOptions read = options();
        read.verify = true;
        read.requireHits = true;
        read.generation = 1;
        read.keyDistribution = "shuffled";
        read.requests = 10_000;
        LoadResult result = run(read);
        assertEquals(5_000, result.mismatches());
        assertEquals(10_000, result.errors());
        assertEquals(0.5, result.hitRate());
    }

    @Test
    void valuesLargerThanTheBuffersArriveWhole() throws IOException {
        LoadOptions load = options();
        load.load = true;
        load.keys = 20;
        load.connections = 2;
        load.pipeline = 5;
        load.valueSize = "100000-1000000";
        run(load);

        LoadOptions read = options();
        read.valueSize = load.valueSize;
        read.keys = 20;
        read.requests = 200;
        read.pipeline = 5;
        read.verify = true;
        read.requireHits = true;
        LoadResult result = run(read);
        assertEquals(0, result.errors(), result::toText);
    }

    @Test
    void openLoopKeepsItsRate() throws IOException {
        LoadOptions options = options();
        options.operations = "get:50,set:40,incr:10";
        options.rate = 2000;
        options.durationSeconds = 1;
        LoadResult result = run(options);
        assertTrue(result.replies() > 1000 && result.replies() <= 2001, result::toText);
        assertEquals(0, result.errors(), result::toText);
        assertEquals(3, result.operations().size());
    }

    /** Replies to queued commands are QUEUED, whatever the commands answer otherwise. */
    @Test
    void transactionsAndCommandsWithSeveralKeys() throws IOException {
        LoadOptions options = options();
        options.operations = "mget:40,mset:40,multi+get+set+incr+exec:20";
        options.pipeline = 3;
        options.spreadShards = 4;
        options.requests = 20_000;
        LoadResult result = run(options);
        assertEquals(20_000, result.replies());
        assertEquals(0, result.errors(), result::toText);
        long begun = result.latencyNs(Operation.MULTI).getTotalCount();
        long ended = result.latencyNs(Operation.EXEC).getTotalCount();
        assertTrue(ended > 1000 && begun - ended <= options.connections, result::toText);
    }

    @Test
    void keysGoRoundTheShards() throws IOException {
        LoadOptions options = options();
        options.operations = "mset";
        options.connections = 1;
        options.spreadShards = 4;
        options.requests = 1;
        run(options);
        List<Integer> shards = new ArrayList<>();
        try (AdminClient client = server.connect()) {
            for (Object key : (List<?>) Objects.requireNonNull(client.command("KEYS", "*"))) {
                long slot = client.integer("CLUSTER", "KEYSLOT", key.toString());
                shards.add((int) slot / (16384 / 4));
            }
        }
        assertEquals(List.of(0, 1, 2, 3), shards.stream().sorted().toList());
    }

    @Test
    void aServerThatIsNotThereIsToldPlainly() throws IOException {
        LoadOptions options = options();
        options.port = ServerProcess.freePort();
        assertThrows(IOException.class, () -> run(options));
    }

    private LoadOptions options() {
        LoadOptions options = new LoadOptions();
        options.port = server.port();
        options.connections = 7;
        options.keys = 10_000;
        options.quiet = true;
        return options;
    }

    private static LoadResult run(LoadOptions options) throws IOException {
        try (LoadRun run = new LoadRun(options, new LoadRun.Observer() {})) {
            return run.run();
        }
    }
}
