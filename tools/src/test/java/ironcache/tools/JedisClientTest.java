package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.Response;
import redis.clients.jedis.args.ExpiryOption;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.GetExParams;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.resps.ScanResult;

/** Programs as applications write them, on an unmodified Jedis. */
class JedisClientTest extends ServerTestBase {
    private ServerProcess server;

    @BeforeEach
    void start() throws Exception {
        server = startSubject("--maxmemory", "512mb");
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    private RedisClient client(RedisProtocol protocol) {
        return RedisClient.builder()
                .hostAndPort("127.0.0.1", server.port())
                .clientConfig(
                        DefaultJedisClientConfig.builder()
                                .protocol(protocol)
                                .clientName("jedis-test")
                                .socketTimeoutMillis(20_000)
                                .build())
                .build();
    }

    private Jedis connection(RedisProtocol protocol) {
        return new Jedis(
                new HostAndPort("127.0.0.1", server.port()),
                DefaultJedisClientConfig.builder()
                        .protocol(protocol)
                        .socketTimeoutMillis(20_000)
                        .build());
    }

    @Test
    void connectsWithDefaults() {
        try (RedisClient client = RedisClient.create("127.0.0.1", server.port())) {
            assertEquals("OK", client.set("greeting", "hello"));
            assertEquals("hello", client.get("greeting"));
        }
        try (Jedis jedis = new Jedis("127.0.0.1", server.port())) {
            assertEquals("PONG", jedis.ping());
            assertEquals("hello", jedis.get("greeting"));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = RedisProtocol.class,
            names = {"RESP2", "RESP3"})
    void sessionStore(RedisProtocol protocol) {
        try (RedisClient client = client(protocol)) {
            for (int user = 0; user < 200; user++) {
                client.set(
                        "session:" + user,
                        "{\"user\":" + user + ",\"cart\":[]}",
                        SetParams.setParams().ex(1800));
            }
            assertEquals(
                    "{\"user\":7,\"cart\":[]}",
                    client.getEx("session:7", GetExParams.getExParams().ex(3600)));
            assertTrue(client.ttl("session:7") > 3590);
            assertTrue(client.ttl("session:8") <= 1800);
            assertEquals(
                    "OK", client.set("session:7", "changed", SetParams.setParams().xx().keepTtl()));
            assertTrue(client.pttl("session:7") > 3_590_000);
            assertNull(client.set("session:7", "x", SetParams.setParams().nx()));
            assertEquals(
                    "changed", client.setGet("session:7", "again", SetParams.setParams().ex(5)));
            assertEquals(1, client.expire("session:7", 100, ExpiryOption.GT));
            assertEquals(0, client.expire("session:7", 50, ExpiryOption.GT));
            assertEquals(1, client.persist("session:7"));
            assertEquals(-1, client.ttl("session:7"));
            assertEquals("again", client.getDel("session:7"));
            assertFalse(client.exists("session:7"));
            assertEquals(-2, client.ttl("session:7"));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = RedisProtocol.class,
            names = {"RESP2", "RESP3"})
    void rateLimiterOfManyThreads(RedisProtocol protocol) throws Exception {
        AtomicLong admitted = new AtomicLong();
        try (RedisClient client = client(protocol)) {
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                threads.add(
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            for (int i = 0; i < 100; i++) {
                                                long n = client.incr("limit:10.0.0.1");
                                                if (n == 1) {
                                                    client.expire("limit:10.0.0.1", 60);
                                                }
                                                if (n <= 250) {
                                                    admitted.incrementAndGet();
                                                }
                                            }
                                        }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals("800", client.get("limit:10.0.0.1"));
            assertEquals(250, admitted.get());
            assertTrue(client.ttl("limit:10.0.0.1") > 0);
            assertEquals(10.5, client.incrByFloat("price", 10.5));
            assertEquals(700, client.decrBy("limit:10.0.0.1", 100));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = RedisProtocol.class,
            names = {"RESP2", "RESP3"})
    void cacheAside(RedisProtocol protocol) {
        try (RedisClient client = client(protocol)) {
            assertEquals(java.util.Arrays.asList(null, null), client.mget("user:1", "user:2"));
            client.set("user:1", "Ada", SetParams.setParams().ex(300));
            assertEquals(java.util.Arrays.asList("Ada", null), client.mget("user:1", "user:2"));
            client.mset("user:2", "Bob", "user:3", "Cy");
            assertEquals(List.of("Ada", "Bob", "Cy"), client.mget("user:1", "user:2", "user:3"));
            assertEquals(0, client.msetnx("user:3", "x", "user:4", "y"));
            assertEquals(2, client.del("user:1", "user:2", "user:9"));
            assertTrue(client.copy("user:3", "user:5", true));
            assertEquals("OK", client.rename("user:5", "user:6"));
            assertEquals("Cy", client.get("user:6"));
            assertEquals(6, client.append("user:6", "rus!"));
            assertEquals(9, client.setrange("user:6", 6, "abc"));
            assertEquals("Cyrus", client.getrange("user:6", 0, 4));
            assertEquals("string", client.type("user:6"));
            JedisDataException error =
                    assertThrows(JedisDataException.class, () -> client.incr("user:6"));
            assertEquals("ERR value is not an integer or out of range", error.getMessage());
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = RedisProtocol.class,
            names = {"RESP2", "RESP3"})
    void pipelinesAndScan(RedisProtocol protocol) {
        try (RedisClient client = client(protocol)) {
            List<Response<String>> replies = new ArrayList<>();
            try (Pipeline pipeline = client.pipelined()) {
                for (int i = 0; i < 5000; i++) {
                    pipeline.set("scan:" + i, "v" + i);
                    replies.add(pipeline.get("scan:" + i));
                }
                pipeline.set("other", "x");
                pipeline.sync();
            }
            for (int i = 0; i < 5000; i++) {
                assertEquals("v" + i, replies.get(i).get());
            }
            Set<String> seen = new HashSet<>();
            ScanParams params = new ScanParams().match("scan:*").count(200);
            String cursor = ScanParams.SCAN_POINTER_START;
            do {
                ScanResult<String> page = client.scan(cursor, params, "string");
                seen.addAll(page.getResult());
                cursor = page.getCursor();
            } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
            assertEquals(5000, seen.size());
            assertEquals(5001, client.dbSize());
            assertEquals(10, client.keys("scan:10?").size());
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = RedisProtocol.class,
            names = {"RESP2", "RESP3"})
    void binaryAndLargeValues(RedisProtocol protocol) {
        Random random = new Random(1);
        try (Jedis jedis = connection(protocol)) {
            byte[] key = {0, 1, (byte) 0xff, '\r', '\n'};
            for (int size : new int[] {0, 1, 255, 65_536, 65_537, 1 << 20, 20 << 20}) {
                byte[] value = new byte[size];
                random.nextBytes(value);
                assertEquals("OK", jedis.set(key, value));
                assertArrayEquals(value, jedis.get(key));
                assertEquals(size, jedis.strlen(key));
                if (size > 100_000) {
                    byte[] patch = "patched".getBytes(StandardCharsets.UTF_8);
                    jedis.setrange(key, size / 2, patch);
                    System.arraycopy(patch, 0, value, size / 2, patch.length);
                    assertArrayEquals(
                            java.util.Arrays.copyOfRange(value, size / 2 - 10, size / 2 + 21),
                            jedis.getrange(key, size / 2 - 10, size / 2 + 20));
                    assertEquals(size + 7, jedis.append(key, patch));
                }
            }
            assertEquals(1, jedis.unlink(key));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = RedisProtocol.class,
            names = {"RESP2", "RESP3"})
    void serverAndConnectionCommands(RedisProtocol protocol) {
        try (Jedis jedis = connection(protocol)) {
            assertEquals("OK", jedis.clientSetname("worker-1"));
            assertEquals("worker-1", jedis.clientGetname());
            assertTrue(jedis.clientId() > 0);
            assertTrue(jedis.clientInfo().contains("name=worker-1"));
            assertTrue(jedis.info().contains("redis_version:7.2.4"), jedis.info("server"));
            assertTrue(jedis.info("replication").contains("role:master"));
            assertEquals("16", jedis.configGet("databases").get("databases"));
            assertEquals("OK", jedis.configSet("timeout", "0"));
            assertTrue(jedis.commandCount() > 60);
            assertEquals(1, jedis.commandInfo("get").size());
            jedis.select(3);
            jedis.set("here", "1");
            assertEquals(1, jedis.dbSize());
            jedis.swapDB(3, 4);
            assertEquals(0, jedis.dbSize());
            jedis.select(4);
            assertEquals("int", jedis.objectEncoding("here"));
            assertTrue(jedis.memoryUsage("here") > 0);
            assertEquals(1, jedis.move("here", 5));
            assertEquals("OK", jedis.flushDB());
            assertEquals("OK", jedis.flushAll());
            assertTrue(jedis.time().size() == 2);
            assertEquals("OK", jedis.slowlogReset());
            assertEquals("echo", jedis.echo("echo"));
        }
    }
}
