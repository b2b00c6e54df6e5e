package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** dump and load of lists, hashes, sets and sorted sets: packed and paged ones, with long strings, times, and pages on the SSD tier. */
final class DumpCollectionsTest {
    private static final int[] SIZES = {1, 3, 60, 700, 12_000};
    private static final int CHUNK = 500;
    private static final String LATER = "4000000000000";

    @TempDir Path temp;

    private final SplittableRandom random = new SplittableRandom(1);

    private static ServerProcess start(Path directory, String shards, String memory)
            throws IOException {
        Files.createDirectories(directory);
        ServerProcess server =
                ServerProcess.start(
                        "ironcache", directory, "--shards", shards, "--maxmemory", memory);
        server.awaitLoaded();
        return server;
    }

    /** The same for the same number; numbers among them, and long strings. */
    private static String element(int i) {
        if (i % 7 == 0) {
            return Integer.toString(i * 1_000 - 5_000);
        }
        if (i % 450 == 2) {
            return "long" + i + "x".repeat(i % 900 == 2 ? 5_000 : 100_000);
        }
        return "element\r\n" + i + "\u00ff" + "y".repeat(i % 60);
    }

    private String score() {
        return switch (random.nextInt(8)) {
            case 0 -> "inf";
            case 1 -> "-inf";
            case 2 -> Double.toString(random.nextDouble() * 1e-300);
            case 3 -> "0.1";
            default -> Integer.toString(random.nextInt(-1000, 1000));
        };
    }

    private void fill(RespClient client) {
        for (int size : SIZES) {
            for (int from = 0; from < size; from += CHUNK) {
                List<String> list = new ArrayList<>(List.of("RPUSH", "list" + size));
                List<String> set = new ArrayList<>(List.of("SADD", "set" + size));
                List<String> hash = new ArrayList<>(List.of("HSET", "hash" + size));
                List<String> sorted = new ArrayList<>(List.of("ZADD", "zset" + size));
                for (int i = from; i < Math.min(size, from + CHUNK); i++) {
                    list.add(element(i % 1_000));
                    set.add(element(i));
                    hash.add(element(i));
                    hash.add(element(i + 1));
                    sorted.add(score());
                    sorted.add(element(i));
                }
                for (List<String> command : List.of(list, set, hash, sorted)) {
                    assertTrue(!client.call(command.toArray(String[]::new)).isError());
                }
            }
            List<String> times = new ArrayList<>();
            for (int i = 0; i < size; i += 3) {
                times.add(element(i));
            }
            for (int i = 0; i < times.size(); i += 100) {
                List<String> some = times.subList(i, Math.min(times.size(), i + 100));
                List<String> command =
                        new ArrayList<>(
                                List.of(
                                        "HPEXPIREAT",
                                        "hash" + size,
                                        "" + (4_000_000_000_000L + i),
                                        "FIELDS",
                                        "" + some.size()));
                command.addAll(some);
                client.call(command.toArray(String[]::new));
            }
        }
        client.call("SADD", "numbers", "3", "-1", "77");
        client.call("PEXPIREAT", "list60", LATER);
        client.call("PEXPIREAT", "zset12000", LATER);
        client.call("SET", "string", "s");
        client.call("SELECT", "3");
        client.call("RPUSH", "other", "a", "b");
        client.call("SELECT", "0");
    }

    /** Has what was written before go to the SSD tier. */
    private static void pushOut(RespClient client) {
        byte[] value = new byte[60_000];
        new SplittableRandom(2).nextBytes(value);
        String text = new String(value, StandardCharsets.ISO_8859_1);
        for (int i = 0; i < 5_000; i++) {
            client.call("SET", "filler" + i, text);
        }
        for (int i = 0; i < 5_000; i++) {
            client.call("DEL", "filler" + i);
        }
    }

    private static String digest(List<String> words) {
        CRC32C crc = new CRC32C();
        words.forEach(
                word -> {
                    crc.update(word.getBytes(StandardCharsets.ISO_8859_1));
                    crc.update(0);
                });
        return words.size() + " " + Long.toHexString(crc.getValue());
    }

    private static List<String> words(Reply reply) {
        List<String> words = new ArrayList<>();
        reply.elements().forEach(word -> words.add(String.valueOf(word.text())));
        return words;
    }

    /** Of each key, what tells whether it is the same. */
    private static Map<String, String> contents(RespClient client) {
        Map<String, String> all = new TreeMap<>();
        for (String db : List.of("0", "3")) {
            client.call("SELECT", db);
            for (String key : words(client.call("KEYS", "*"))) {
                String type = client.call("TYPE", key).text();
                List<String> words =
                        switch (type) {
                            case "list" -> words(client.call("LRANGE", key, "0", "-1"));
                            case "set" -> words(client.call("SMEMBERS", key));
                            case "zset" ->
                                    words(client.call("ZRANGE", key, "0", "-1", "WITHSCORES"));
                            case "hash" -> fields(client, key);
                            default -> List.of(client.call("GET", key).text());
                        };
                if (type.equals("set") || type.equals("hash")) {
                    words.sort(null);
                }
                all.put(
                        db + " " + key,
                        type + " " + digest(words) + " " + client.call("PEXPIRETIME", key).text());
            }
        }
        client.call("SELECT", "0");
        return all;
    }

    private static List<String> fields(RespClient client, String key) {
        List<String> pairs = words(client.call("HGETALL", key));
        List<String> fields = new ArrayList<>();
        for (int i = 0; i < pairs.size(); i += 2) {
            String time =
                    words(client.call("HPEXPIRETIME", key, "FIELDS", "1", pairs.get(i))).getFirst();
            fields.add(pairs.get(i) + "=" + pairs.get(i + 1) + " " + time);
        }
        return fields;
    }

    @Test
    void collectionsComeBackElsewhere() throws Exception {
        Path data = temp.resolve("data");
        Map<String, String> model;
        try (ServerProcess server = start(data, "1", "192mb");
                RespClient client = server.connect()) {
            fill(client);
            model = contents(client);
            client.call("HSET", "over", "f", "v");
            client.call("HPEXPIRE", "over", "1", "FIELDS", "1", "f");
            pushOut(client);
            assertEquals(0, server.stop());
        }
        assertEquals(4 * SIZES.length + 3, model.size());
        Path file = temp.resolve("all.resp");
        ToolRun dump = ToolRun.of("dump", data, "--to", file, "--json", "--memory", "128");
        assertEquals(ExitCode.FINE, dump.code(), dump.err() + dump.out());
        assertTrue(dump.out().contains("\"keys\":" + model.size()), dump.out());
        ToolRun stat = ToolRun.of("stat", data, "--json");
        assertEquals(ExitCode.FINE, stat.code(), stat.err());
        for (String type : List.of("list", "set", "hash", "zset", "string")) {
            assertTrue(stat.out().contains("\"" + type + "\""), stat.out());
        }

        Path made = temp.resolve("made");
        ToolRun load = ToolRun.of("load", file, "--to", made, "--shards", 2, "--memory", 128);
        assertEquals(ExitCode.FINE, load.code(), load.err());
        assertEquals(ExitCode.FINE, ToolRun.of("verify", made).code());
        try (ServerProcess server = start(made, "2", "256mb");
                RespClient client = server.connect()) {
            assertEquals(model, contents(client));
        }
        // Over what is there, twice: keys are set anew.
        try (ServerProcess server = start(temp.resolve("other"), "2", "256mb");
                RespClient client = server.connect()) {
            client.call("RPUSH", "list3", "what", "is", "there");
            client.call("SET", "zset60", "another type");
            for (int times = 0; times < 2; times++) {
                ToolRun into = ToolRun.of("load", file, "--to", "127.0.0.1:" + server.port());
                assertEquals(ExitCode.FINE, into.code(), into.err() + into.out());
                assertEquals(model, contents(client));
            }
        }
        if (ServerProcess.command("valkey") != null) {
            Path empty = Files.createDirectory(temp.resolve("valkey"));
            try (ServerProcess valkey = ServerProcess.start("valkey", empty);
                    RespClient client = valkey.connect()) {
                ToolRun into = ToolRun.of("load", file, "--to", "127.0.0.1:" + valkey.port());
                assertEquals(ExitCode.FINE, into.code(), into.err() + into.out());
                assertEquals(model, contents(client));
            }
        }
    }

    /** A dump of strings alone, as version 1 was. */
    @Test
    void versionOneIsTaken() throws Exception {
        Path file = temp.resolve("old.resp");
        String body =
                "*2\r\n$4\r\nECHO\r\n$16\r\nironcache-dump 1\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
        CRC32C crc = new CRC32C();
        crc.update(body.getBytes(StandardCharsets.ISO_8859_1));
        String end = DumpWriter.end(1, body.length(), (int) crc.getValue());
        Files.writeString(
                file, body + "*2\r\n$4\r\nECHO\r\n$" + end.length() + "\r\n" + end + "\r\n");
        ToolRun load = ToolRun.of("load", file, "--to", temp.resolve("made"));
        assertEquals(ExitCode.FINE, load.code(), load.err());
        assertTrue(load.out().contains("1 keys"), load.out());
        Files.writeString(file, body.replace("dump 1", "dump 3"));
        ToolRun newer = ToolRun.of("load", file, "--to", temp.resolve("newer"));
        assertEquals(ExitCode.DAMAGE, newer.code());
        assertTrue(newer.err().contains("version"), newer.err());
    }

    /** The bytes of a small one, as the format says. */
    @Test
    void bytesOfAStream() throws Exception {
        Path data = temp.resolve("data");
        try (ServerProcess server = start(data, "1", "192mb");
                RespClient client = server.connect()) {
            client.call("HSET", "h", "f", "1", "g", "2");
            client.call("HPEXPIREAT", "h", LATER, "FIELDS", "2", "f", "g");
            client.call("PEXPIREAT", "h", "4000000000001");
            assertEquals(0, server.stop());
        }
        Path file = temp.resolve("all.resp");
        assertEquals(ExitCode.FINE, ToolRun.of("dump", data, "--to", file).code());
        String expected =
                "*2 $4 ECHO $16 ironcache-dump 2 *2 $6 SELECT $1 0 *2 $3 DEL $1 h "
                        + "*6 $4 HSET $1 h $1 f $1 1 $1 g $1 2 "
                        + "*7 $10 HPEXPIREAT $1 h $13 4000000000000 $6 FIELDS $1 2 $1 f $1 g "
                        + "*3 $9 PEXPIREAT $1 h $13 4000000000001 *2 $4 ECHO ";
        String text = Files.readString(file, StandardCharsets.ISO_8859_1).replace("\r\n", " ");
        assertEquals(expected, text.substring(0, expected.length()));
        assertTrue(text.contains("ironcache-dump end keys=1 "), text);
    }
}
