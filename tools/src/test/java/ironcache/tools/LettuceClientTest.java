package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.CopyArgs;
import io.lettuce.core.ExpireArgs;
import io.lettuce.core.GetExArgs;
import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.KeyValue;
import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.SetArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.protocol.ProtocolVersion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Programs as applications write them, on an unmodified Lettuce: its event loop pipelines by itself. */
class LettuceClientTest extends ServerTestBase {
    private ServerProcess server;
    private RedisClient client;

    @BeforeEach
    void start() throws Exception {
        server = startSubject("--maxmemory", "512mb");
        client =
                RedisClient.create(
                        RedisURI.Builder.redis("127.0.0.1", server.port())
                                .withTimeout(Duration.ofSeconds(20))
                                .build());
    }

    @AfterEach
    void stop() {
        if (client != null) {
            client.shutdown(0, 5, TimeUnit.SECONDS);
        }
        if (server != null) {
            server.close();
        }
    }

    private StatefulRedisConnection<String, String> connect(ProtocolVersion protocol) {
        client.setOptions(ClientOptions.builder().protocolVersion(protocol).build());
        return client.connect();
    }

    @Test
    void connectsWithDefaults() {
        try (StatefulRedisConnection<String, String> connection = client.connect()) {
            assertEquals("PONG", connection.sync().ping());
            assertEquals("OK", connection.sync().set("k", "v"));
            assertEquals("v", connection.sync().get("k"));
        }
    }

    @ParameterizedTest
    @EnumSource(ProtocolVersion.class)
    void sessionStoreAndRateLimiter(ProtocolVersion protocol) {
        try (StatefulRedisConnection<String, String> connection = connect(protocol)) {
            RedisCommands<String, String> redis = connection.sync();
            for (int i = 0; i < 200; i++) {
                redis.set("session:" + i, "data " + i, SetArgs.Builder.ex(Duration.ofMinutes(30)));
            }
            assertEquals(
                    "data 5", redis.getex("session:5", GetExArgs.Builder.ex(Duration.ofHours(1))));
            assertTrue(redis.ttl("session:5") > 3590);
            assertEquals("OK", redis.set("session:5", "new", SetArgs.Builder.xx().keepttl()));
            assertTrue(redis.pttl("session:5") > 3_590_000);
            assertNull(redis.set("session:5", "no", SetArgs.Builder.nx()));
            assertEquals("new", redis.setGet("session:5", "newer"));
            assertEquals(-1, redis.ttl("session:5"));
            assertTrue(redis.expire("session:5", 100, ExpireArgs.Builder.nx()));
            assertFalse(redis.expire("session:5", 50, ExpireArgs.Builder.gt()));
            assertTrue(redis.persist("session:5"));
            assertEquals("newer", redis.getdel("session:5"));
            assertEquals(0, redis.exists("session:5"));
            for (int i = 1; i <= 100; i++) {
                assertEquals(i, redis.incr("limit"));
            }
            assertTrue(redis.pexpire("limit", 60_000));
            assertEquals(0.75, redis.incrbyfloat("float", 0.75));
            RedisCommandExecutionException error =
                    assertThrows(
                            RedisCommandExecutionException.class, () -> redis.incr("session:6"));
            assertEquals("ERR value is not an integer or out of range", error.getMessage());
        }
    }

    @ParameterizedTest
    @EnumSource(ProtocolVersion.class)
    void cacheAsideAndKeyspace(ProtocolVersion protocol) {
        try (StatefulRedisConnection<String, String> connection = connect(protocol)) {
            RedisCommands<String, String> redis = connection.sync();
            assertEquals(List.of(KeyValue.empty("a"), KeyValue.empty("b")), redis.mget("a", "b"));
            redis.mset(Map.of("a", "1", "b", "2"));
            assertEquals(
                    List.of(KeyValue.just("a", "1"), KeyValue.just("b", "2")),
                    redis.mget("a", "b"));
            assertFalse(redis.msetnx(Map.of("b", "x", "c", "y")));
            assertTrue(redis.copy("a", "c", CopyArgs.Builder.replace(true)));
            assertEquals("OK", redis.rename("c", "d"));
            assertFalse(redis.renamenx("d", "a"));
            assertEquals(4, redis.append("d", "bcd"));
            assertEquals("bc", redis.getrange("d", 1, 2));
            assertEquals("string", redis.type("d"));
            assertEquals(3, redis.touch("a", "b", "d", "zz"));
            assertTrue(redis.move("d", 1));
            assertEquals(2, redis.unlink("a", "b"));
            assertNull(redis.randomkey());
        }
    }

    @ParameterizedTest
    @EnumSource(ProtocolVersion.class)
    void pipelinesAndScan(ProtocolVersion protocol) {
        try (StatefulRedisConnection<String, String> connection = connect(protocol)) {
            RedisAsyncCommands<String, String> redis = connection.async();
            connection.setAutoFlushCommands(false);
            List<RedisFuture<String>> futures = new ArrayList<>();
            for (int i = 0; i < 5000; i++) {
                futures.add(redis.set("scan:" + i, "v" + i));
                futures.add(redis.get("scan:" + i));
            }
            connection.flushCommands();
            connection.setAutoFlushCommands(true);
            assertTrue(
                    LettuceFutures.awaitAll(
                            Duration.ofSeconds(20), futures.toArray(RedisFuture[]::new)));
            for (int i = 0; i < 5000; i++) {
                assertEquals("OK", futures.get(2 * i).toCompletableFuture().join());
                assertEquals("v" + i, futures.get(2 * i + 1).toCompletableFuture().join());
            }
            Set<String> seen = new HashSet<>();
            ScanArgs args = ScanArgs.Builder.matches("scan:*").limit(333);
            KeyScanCursor<String> cursor = connection.sync().scan(args);
            seen.addAll(cursor.getKeys());
            while (!cursor.isFinished()) {
                cursor = connection.sync().scan(cursor, args);
                seen.addAll(cursor.getKeys());
            }
            assertEquals(5000, seen.size());
            assertEquals(5000, connection.sync().dbsize());
        }
    }

    @ParameterizedTest
    @EnumSource(ProtocolVersion.class)
    void binaryAndLargeValues(ProtocolVersion protocol) {
        client.setOptions(ClientOptions.builder().protocolVersion(protocol).build());
        Random random = new Random(2);
        try (StatefulRedisConnection<byte[], byte[]> connection =
                client.connect(ByteArrayCodec.INSTANCE)) {
            RedisCommands<byte[], byte[]> redis = connection.sync();
            byte[] key = {0, '\n', (byte) 0x80};
            for (int size : new int[] {0, 1, 1000, 65_536, 65_537, 1 << 20, 20 << 20}) {
                byte[] value = new byte[size];
                random.nextBytes(value);
                assertEquals("OK", redis.set(key, value));
                assertArrayEquals(value, redis.get(key));
            }
            assertEquals((20 << 20) + 3, redis.append(key, new byte[3]));
            assertEquals(1, redis.del(key));
        }
    }

    @ParameterizedTest
    @EnumSource(ProtocolVersion.class)
    void serverAndConnectionCommands(ProtocolVersion protocol) {
        try (StatefulRedisConnection<String, String> connection = connect(protocol)) {
            RedisCommands<String, String> redis = connection.sync();
            assertEquals("OK", redis.clientSetname("worker"));
            assertEquals("worker", redis.clientGetname());
            assertTrue(redis.clientId() > 0);
            assertTrue(redis.clientList().contains("name=worker"));
            assertTrue(redis.clientInfo().contains("lib-name=Lettuce"), redis.clientInfo());
            assertEquals("OK", redis.clientNoEvict(true));
            assertTrue(redis.info().contains("role:master"));
            assertEquals("16", redis.configGet("databases").get("databases"));
            assertEquals("OK", redis.configSet("timeout", "0"));
            assertEquals("OK", redis.configResetstat());
            assertTrue(redis.commandCount() > 60);
            assertEquals(2, redis.commandInfo("get", "set").size());
            assertTrue(redis.command().size() > 60);
            assertEquals(2, redis.time().size());
            redis.set("k", "12");
            assertEquals("int", redis.objectEncoding("k"));
            assertTrue(redis.memoryUsage("k") > 0);
            assertEquals("OK", redis.slowlogReset());
            assertEquals("OK", redis.select(2));
            assertEquals("OK", redis.swapdb(0, 2));
            assertEquals("12", redis.get("k"));
            assertEquals("OK", redis.flushall());
            assertEquals(0, redis.dbsize());
        }
    }
}
