package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A long reply is the value of the moment at which its command began, whatever becomes of the key while a slow client receives it. */
final class LongReplyTest extends ServerTestBase {
    private static final int ELEMENTS = 40_000;

    /** More of a reply than sockets hold are left when its first byte was read. */
    private static final String TAIL = "t".repeat(500);

    private static final String[] ANY_CHANGES = {
        "DEL long",
        "SET long x",
        "FLUSHALL",
        "RENAME long other",
        "RENAME short long",
        "PEXPIRE long 1",
        "SWAPDB 0 1",
        "MOVE long 3",
        "MULTI; DEL long; SET long y; EXEC"
    };

    private interface Words {
        void add(List<String> words, int i);
    }

    private static void clear(RespClient client) {
        client.call("FLUSHALL");
        client.call("SET", "short", "s");
    }

    private static void fill(RespClient client, String command, Words words) {
        clear(client);
        for (int i = 0; i < ELEMENTS; i += 500) {
            List<String> all = new ArrayList<>(List.of(command, "long"));
            for (int n = 0; n < 500; n++) {
                words.add(all, i + n);
            }
            client.call(all.toArray(new String[0]));
        }
    }

    private static void fillHash(RespClient client) {
        fill(
                client,
                "HSET",
                (words, i) -> {
                    words.add("field" + i);
                    words.add(i + TAIL);
                });
    }

    private static void fillSet(RespClient client) {
        fill(client, "SADD", (words, i) -> words.add(i + TAIL));
    }

    private static void fillList(RespClient client) {
        fill(client, "RPUSH", (words, i) -> words.add(i + TAIL));
    }

    private static void fillSortedSet(RespClient client) {
        fill(
                client,
                "ZADD",
                (words, i) -> {
                    words.add(Integer.toString(i / 10));
                    words.add(i + TAIL);
                });
    }

    private static void fillString(RespClient client) {
        clear(client);
        for (int i = 0; i < 20; i++) {
            client.call("APPEND", "long", Character.toString('a' + i).repeat(1 << 20));
        }
    }

    private interface Fill {
        void run(RespClient client);
    }

    private void check(ServerProcess subject, Fill fill, List<String[]> requests, String... changes)
            throws Exception {
        try (RespClient client = subject.connect()) {
            for (String change : changes) {
                fill.run(client);
                List<Reply> expected = new ArrayList<>();
                List<RespClient> slow = new ArrayList<>();
                for (String[] request : requests) {
                    expected.add(client.call(request));
                    assertTrue(expected.get(0).raw().length > 15_000_000, change);
                }
                for (String[] request : requests) {
                    RespClient one = subject.connect();
                    slow.add(one);
                    one.send(RespClient.bytes(request));
                    assertEquals(
                            expected.get(slow.size() - 1).type(),
                            one.socket().getInputStream().read());
                }
                for (String command : change.split("; ")) {
                    Reply reply = client.call(command.split(" "));
                    assertTrue(!reply.isError(), command + ": " + reply);
                }
                for (int i = 0; i < slow.size(); i++) {
                    try (RespClient one = slow.get(i)) {
                        one.send(RespClient.bytes("QUIT"));
                        assertEnds(expected.get(i), one.readToEnd(), begin(change));
                    }
                }
                assertNothingKept(client, begin(change));
            }
        }
    }

    private static String begin(String text) {
        return text.substring(0, Math.min(80, text.length()));
    }

    private static void assertEnds(Reply expected, byte[] rest, String change) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.write(expected.type());
        all.writeBytes(rest);
        ByteArrayOutputStream wanted = new ByteArrayOutputStream();
        wanted.writeBytes(expected.raw());
        wanted.writeBytes("+OK\r\n".getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(wanted.size(), all.size(), change);
        assertArrayEquals(wanted.toByteArray(), all.toByteArray(), change);
    }

    /** Also what was deleted has gone, or is about to. */
    private static void assertNothingKept(RespClient client, String change) {
        String info = "";
        for (int i = 0; i < 10_000; i++) {
            info = client.call("INFO", "memory").text();
            if (info.contains("used_memory_views:0\r\n")) {
                return;
            }
        }
        throw new AssertionError(change + " " + info);
    }

    private static String[] with(String... changes) {
        List<String> all = new ArrayList<>(List.of(changes));
        all.addAll(List.of(ANY_CHANGES));
        return all.toArray(new String[0]);
    }

    /** So many commands, with a number in place of #. */
    private static String many(int count, int step, String command) {
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < count; i++) {
            all.append(i == 0 ? "" : "; ").append(command.replace("#", Integer.toString(i * step)));
        }
        return all.toString();
    }

    private ServerProcess start() throws Exception {
        return startSubject("--shards", "2", "--maxmemory", "640mb");
    }

    @Test
    void hashes() throws Exception {
        try (ServerProcess subject = start()) {
            check(
                    subject,
                    LongReplyTest::fillHash,
                    List.of(
                            new String[] {"HGETALL", "long"},
                            new String[] {"HVALS", "long"},
                            new String[] {"HRANDFIELD", "long", "1000000", "WITHVALUES"}),
                    with(
                            many(1_000, 37, "HSET long field# v new# w"),
                            many(1_000, 39, "HDEL long field#"),
                            "HEXPIRE long 1000 FIELDS 1 field7",
                            "HPEXPIRE long 1 FIELDS 2 field7 field8"));
        }
    }

    /** Some fields have a time: how many there are shows only when all were looked at. */
    @Test
    void hashesWithTimes() throws Exception {
        try (ServerProcess subject = start()) {
            check(
                    subject,
                    client -> {
                        fillHash(client);
                        client.call(
                                "HEXPIRE", "long", "1000", "FIELDS", "2", "field1", "field30000");
                        client.call("HPEXPIRE", "long", "1", "FIELDS", "1", "field2");
                        while (client.call("HGET", "long", "field2").bytes() != null) {}
                    },
                    List.of(new String[] {"HGETALL", "long"}, new String[] {"HVALS", "long"}),
                    many(1_000, 37, "HSET long field# v new# w"),
                    "HPEXPIRE long 1 FIELDS 2 field1 field30000",
                    "DEL long");
        }
    }

    @Test
    void sets() throws Exception {
        try (ServerProcess subject = start()) {
            check(
                    subject,
                    LongReplyTest::fillSet,
                    List.of(
                            new String[] {"SMEMBERS", "long"},
                            new String[] {"SRANDMEMBER", "long", "50000"}),
                    with(
                            many(1_000, 17, "SADD long new#"),
                            "SPOP long 2000",
                            "SINTERSTORE long long short2"));
        }
    }

    @Test
    void lists() throws Exception {
        try (ServerProcess subject = start()) {
            check(
                    subject,
                    LongReplyTest::fillList,
                    List.of(
                            new String[] {"LRANGE", "long", "0", "-1"},
                            new String[] {"LRANGE", "long", "100", "-100"}),
                    with(
                            many(
                                    2_000,
                                    13,
                                    "LPUSH long new#; RPOP long; RPUSH long new#; LPOP long"),
                            many(500, 71, "LSET long # x; LINSERT long BEFORE x y; LREM long 1 x"),
                            "LTRIM long 1 5000",
                            "LTRIM long 1 -5000"));
        }
    }

    @Test
    void sortedSets() throws Exception {
        try (ServerProcess subject = start()) {
            check(
                    subject,
                    LongReplyTest::fillSortedSet,
                    List.of(
                            new String[] {"ZRANGE", "long", "0", "-1", "WITHSCORES"},
                            new String[] {"ZREVRANGE", "long", "10", "-10"},
                            new String[] {"ZRANGEBYSCORE", "long", "(1", "3990", "WITHSCORES"},
                            new String[] {"ZRANDMEMBER", "long", "40000", "WITHSCORES"},
                            new String[] {
                                "ZRANGE", "long", "+inf", "5", "BYSCORE", "REV", "LIMIT", "7",
                                "39000"
                            }),
                    with(
                            many(1_000, 4, "ZADD long # new#; ZREM long new#"),
                            many(500, 6, "ZINCRBY long # new; ZPOPMIN long; ZPOPMAX long"),
                            "ZREMRANGEBYSCORE long 500 1500"));
        }
    }

    @Test
    void strings() throws Exception {
        try (ServerProcess subject = start()) {
            check(
                    subject,
                    LongReplyTest::fillString,
                    List.of(
                            new String[] {"GET", "long"},
                            new String[] {"GETRANGE", "long", "1", "-5000"}),
                    with(
                            many(300, 66_001, "SETRANGE long # xyz"),
                            "APPEND long abc",
                            "SETRANGE long 30000000 x"));
        }
    }

    /** What is kept for a reply is given up with its client. */
    @Test
    void clientsThatGo() throws Exception {
        try (ServerProcess subject = start();
                RespClient client = subject.connect()) {
            for (String change :
                    new String[] {"SETRANGE long 19000000 x", "DEL long", "FLUSHALL"}) {
                fillString(client);
                for (int i = 0; i < 3; i++) {
                    try (RespClient slow = subject.connect()) {
                        slow.send(RespClient.bytes("GET", "long"));
                        slow.socket().getInputStream().read();
                        client.call(change.split(" "));
                        if (i == 1) {
                            client.call("CLIENT", "KILL", "SKIPME", "yes");
                        }
                    }
                    assertNothingKept(client, change);
                }
            }
            assertEquals(
                    "+PONG\r\n", new String(client.call("PING").raw(), StandardCharsets.UTF_8));
        }
    }

    /** Whose reply would have to keep too much is cut off; one that is not in its way goes on. */
    @Test
    void tooMuchChangedEndsTheConnection() throws Exception {
        try (ServerProcess subject = startSubject("--shards", "1", "--maxmemory", "256mb");
                RespClient client = subject.connect()) {
            fillList(client);
            for (int i = 0; i < 20; i++) {
                client.call("APPEND", "string", Character.toString('a' + i).repeat(1 << 20));
            }
            try (RespClient slow = subject.connect();
                    RespClient other = subject.connect()) {
                Reply list = client.call("LRANGE", "long", "0", "-1");
                other.send(RespClient.bytes("LRANGE", "long", "0", "-1"));
                assertEquals('*', other.socket().getInputStream().read());
                slow.send(RespClient.bytes("GET", "string"));
                assertEquals('$', slow.socket().getInputStream().read());
                client.call("LPOP", "long");
                for (int i = 19; i >= 0; i--) {
                    client.call(
                            "SETRANGE", "string", Integer.toString(i << 20), "x".repeat(1 << 20));
                }
                byte[] rest = slow.readToEnd();
                assertTrue(rest.length < 20 << 20, rest.length + " bytes");
                String sent = new String(rest, StandardCharsets.ISO_8859_1);
                assertTrue(sent.indexOf('x') < 0, "bytes that are not the old ones");
                other.send(RespClient.bytes("QUIT"));
                assertEnds(list, other.readToEnd(), "LPOP");
            }
            assertNothingKept(client, "SETRANGE");
        }
    }

    /** All of them are cold, and stay so but for what is changed. */
    @Test
    void coldOnes() throws Exception {
        try (ServerProcess subject = startSubject("--shards", "1", "--maxmemory", "256mb")) {
            check(
                    subject,
                    client -> {
                        fillSortedSet(client);
                        for (int i = 0; i < 5_000; i++) {
                            client.call("SET", "filler" + i, "f".repeat(50_000));
                        }
                    },
                    List.of(
                            new String[] {"ZRANGE", "long", "0", "-1", "WITHSCORES"},
                            new String[] {"ZREVRANGEBYSCORE", "long", "4000", "-1"}),
                    many(100, 370, "ZADD long # new#; ZREM long new#"),
                    "DEL long",
                    "FLUSHALL");
        }
    }
}
