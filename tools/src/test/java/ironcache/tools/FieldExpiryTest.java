package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Fields of hashes that expire by themselves: as in Valkey, and the same after a restart of each kind. */
final class FieldExpiryTest {
    private static final int LARGE = 3_000;
    private static final long AWAIT_NANOS = 60_000_000_000L;
    private static final String[] SETTINGS = {
        "--maxmemory", "256mb", "--shards", "2", "--appendonly", "yes", "--appendfsync", "always"
    };

    @TempDir Path temp;

    private static ServerProcess start(Path directory, String... more) throws IOException {
        Files.createDirectories(directory);
        return ServerProcess.start(
                "ironcache",
                directory,
                Stream.concat(Stream.of(SETTINGS), Stream.of(more)).toArray(String[]::new));
    }

    private static void await(String what, BooleanSupplier condition) {
        long until = System.nanoTime() + AWAIT_NANOS;
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - until < 0, what);
            Thread.onSpinWait();
        }
    }

    private static void awaitLoaded(RespClient client) {
        await("loaded", () -> !client.call("PING").toString().contains("LOADING"));
    }

    private static String info(RespClient client, String section, String field) {
        for (String line : client.call("INFO", section).text().split("\r\n")) {
            if (line.startsWith(field + ":")) {
                return line.substring(field.length() + 1);
            }
        }
        return "";
    }

    private static long integer(RespClient client, String... command) {
        return Long.parseLong(client.call(command).text());
    }

    /** Half of each hash expires at that time, and one hash as a whole. */
    private static void fill(RespClient client, long millis) {
        List<String> large = new ArrayList<>(List.of("HSET", "large"));
        List<String> times =
                new ArrayList<>(
                        List.of("HPEXPIREAT", "large", "" + millis, "FIELDS", "" + LARGE / 2));
        for (int i = 0; i < LARGE; i++) {
            large.add("field" + i);
            large.add("value" + i);
            if (i % 2 == 0) {
                times.add("field" + i);
            }
        }
        client.call(large.toArray(String[]::new));
        client.call(times.toArray(String[]::new));
        client.call("HSET", "small", "a", "1", "b", "2", "c", "3");
        client.call("HPEXPIREAT", "small", "" + millis, "FIELDS", "2", "a", "c");
        client.call("HSET", "whole", "a", "1", "b", "2");
        client.call("HPEXPIREAT", "whole", "" + millis, "FIELDS", "2", "a", "b");
        client.call("HSET", "later", "a", "1");
        client.call("HPEXPIREAT", "later", "4000000000000", "FIELDS", "1", "a");
    }

    private static void awaitExpired(RespClient client) {
        await("large", () -> integer(client, "HLEN", "large") == LARGE / 2);
        await("small", () -> integer(client, "HLEN", "small") == 1);
        await("whole", () -> integer(client, "EXISTS", "whole") == 0);
        assertEquals("2", client.call("HGET", "small", "b").text());
        assertTrue(client.call("HGET", "small", "a").isNull());
        assertEquals("3", client.call("DBSIZE").text());
        assertTrue(info(client, "keyspace", "db0").endsWith("keys_with_volatile_items=1"));
    }

    private static String expiredFields(RespClient client) {
        return info(client, "stats", "expired_fields");
    }

    /** What is not over yet expires after the restart; what has, was removed by the log. */
    private void comesBack(Path data, boolean kill, boolean snapshot) throws Exception {
        try (ServerProcess server = start(data);
                RespClient client = server.connect()) {
            awaitLoaded(client);
            fill(client, System.currentTimeMillis() + 3_000);
            if (snapshot) {
                client.call("BGSAVE");
                await(
                        "snapshot",
                        () -> info(client, "persistence", "rdb_bgsave_in_progress").equals("0"));
            }
            if (kill) {
                server.kill();
            } else {
                assertEquals(0, server.stop());
            }
        }
        try (ServerProcess server = start(data);
                RespClient client = server.connect()) {
            awaitLoaded(client);
            awaitExpired(client);
            assertEquals("" + (LARGE / 2 + 4), expiredFields(client));
            if (kill) {
                server.kill();
            } else {
                assertEquals(0, server.stop());
            }
        }
        try (ServerProcess server = start(data);
                RespClient client = server.connect()) {
            awaitLoaded(client);
            awaitExpired(client);
            assertEquals("0", expiredFields(client));
        }
    }

    @Test
    void afterACrash() throws Exception {
        comesBack(temp.resolve("log"), true, false);
        comesBack(temp.resolve("snapshot"), true, true);
    }

    @Test
    void afterAShutdown() throws Exception {
        comesBack(temp.resolve("state"), false, false);
    }

    /** With another number of shards, keys are copied one by one. */
    @Test
    void afterARepartition() throws Exception {
        Path data = temp.resolve("data");
        try (ServerProcess server = start(data);
                RespClient client = server.connect()) {
            awaitLoaded(client);
            fill(client, System.currentTimeMillis() + 3_000);
            assertEquals(0, server.stop());
        }
        try (ServerProcess server = start(data, "--shards", "3");
                RespClient client = server.connect()) {
            awaitLoaded(client);
            awaitExpired(client);
        }
    }

    /** A hundred thousand fields take more than a millisecond. */
    @Test
    void infoSaysHowLongItTook() throws Exception {
        try (ServerProcess server = start(temp.resolve("data"));
                RespClient client = server.connect()) {
            awaitLoaded(client);
            assertEquals("0", info(client, "stats", "expire_cycle_cpu_milliseconds"));
            List<byte[][]> hashes = new ArrayList<>();
            for (int i = 0; i < 1_000; i++) {
                List<String> words = new ArrayList<>();
                words.addAll(List.of("HSETEX", "hash" + i, "PX", "100", "FIELDS", "100"));
                for (int field = 0; field < 100; field++) {
                    words.add("field" + field);
                    words.add("value");
                }
                hashes.add(RespClient.bytes(words.toArray(String[]::new)));
            }
            client.pipeline(hashes);
            await("expiry", () -> integer(client, "DBSIZE") == 0);
            long millis = Long.parseLong(info(client, "stats", "expire_cycle_cpu_milliseconds"));
            assertTrue(millis > 0);
        }
    }

    /** What clients and INFO are told. */
    private static List<String> story(RespClient client, RespClient other) {
        List<String> told = new ArrayList<>();
        client.call("HSETEX", "mixed", "PX", "300", "FIELDS", "2", "a", "1", "b", "2");
        client.call("HSET", "mixed", "c", "3");
        client.call("HSETEX", "all", "PX", "300", "FIELDS", "1", "a", "1");
        client.call("HSETEX", "kept", "PX", "300", "FIELDS", "1", "a", "1");
        told.add(info(client, "keyspace", "db0"));
        told.add(client.call("HPERSIST", "kept", "FIELDS", "1", "a").toString());
        told.add(info(client, "keyspace", "db0"));
        other.call("WATCH", "mixed");
        await("expiry", () -> !expiredFields(client).equals("0"));
        await("expiry of the key", () -> integer(client, "EXISTS", "all") == 0);
        await("expiry of the fields", () -> integer(client, "HLEN", "mixed") == 1);
        other.call("MULTI");
        other.call("PING");
        told.add(other.call("EXEC").toString());
        told.add(client.call("HGETALL", "mixed").toString());
        told.add(client.call("OBJECT", "ENCODING", "mixed").toString());
        told.add(info(client, "keyspace", "db0"));
        told.add(expiredFields(client));
        told.add(info(client, "stats", "expired_keys"));
        client.call("HSET", "past", "a", "1", "b", "2", "c", "3");
        client.call("HPEXPIREAT", "past", "1", "FIELDS", "2", "a", "no");
        client.call("HGETEX", "past", "PXAT", "1", "FIELDS", "1", "b");
        told.add(expiredFields(client));
        client.call("HSETEX", "past", "PXAT", "1", "FIELDS", "1", "c", "3");
        told.add(expiredFields(client));
        told.add(client.call("EXISTS", "past").toString());
        client.call("CONFIG", "RESETSTAT");
        told.add(expiredFields(client));
        return told;
    }

    @Test
    void tellsWhatValkeyTells() throws Exception {
        assumeTrue(
                ServerProcess.command("valkey") != null,
                "SKIPPED: no valkey here; " + ServerProcess.whyAbsent("valkey"));
        List<String> expected;
        Path empty = Files.createDirectory(temp.resolve("valkey"));
        try (ServerProcess valkey = ServerProcess.start("valkey", empty);
                RespClient client = valkey.connect();
                RespClient other = valkey.connect()) {
            expected = story(client, other);
        }
        try (ServerProcess server = start(temp.resolve("data"));
                RespClient client = server.connect();
                RespClient other = server.connect()) {
            awaitLoaded(client);
            assertEquals(expected, story(client, other));
        }
    }
}
