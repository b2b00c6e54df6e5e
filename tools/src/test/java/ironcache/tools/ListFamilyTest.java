package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lists beside the oracle's: of no, few, and many thousand elements, of all lengths around the sizes at which they are kept otherwise, and commands that wait. */
class ListFamilyTest extends FamilyTestBase {
    private static final int ROUNDS = 20_000;
    private static final int BATCH = 50;

    private static final String COMMANDS =
            "lpush rpush lpushx rpushx lpop rpop llen lindex lset lrange linsert lrem ltrim lpos lmove"
                    + " rpoplpush lmpop blpop brpop blmove brpoplpush blmpop";

    private static final int[] EDGES = {31, 127, 128, 2032, 2048, 4096, 16_384, 70_000};

    @Test
    void rowsAreThoseOfTheOracle() throws Exception {
        compareRows(COMMANDS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "4"})
    void repliesAreThoseOfTheOracle(String shards) throws Exception {
        besideTheOracle(
                (oracle, subject) -> {
                    for (String protocol : new String[] {"2", "3"}) {
                        for (RespClient client : List.of(oracle, subject)) {
                            client.call("HELLO", protocol);
                            client.call("SET", "s", "1");
                        }
                        for (int round = 0; round < ROUNDS / 2; round += BATCH) {
                            List<byte[][]> commands = new ArrayList<>();
                            for (int i = 0; i < BATCH; i++) {
                                addRandom(commands, round * 5 / ROUNDS);
                            }
                            compare(oracle, subject, commands);
                        }
                    }
                },
                "--shards",
                shards,
                "--maxmemory",
                "384mb");
    }

    /** @param phase what grows in it, from 0 on */
    private void addRandom(List<byte[][]> to, int phase) {
        if (random.chance(0.01)) {
            add(to, "DEL", key());
        }
        if (random.chance(phase == 0 ? 0.2 : 0.5)) {
            push(to, phase);
        }
        String key = key();
        switch (random.nextInt(20)) {
            case 0 -> add(to, pop(), key);
            case 1 -> add(to, pop(), key, "" + (random.nextInt(random.chance(0.1) ? 500 : 6) - 1));
            case 2 -> add(to, "LLEN", key);
            case 3, 4 -> add(to, "LINDEX", key, "" + index());
            case 5, 6 -> add(to, "LSET", key, "" + index(), element());
            case 7 -> add(to, "LRANGE", key, "" + index(), "" + index());
            case 8 -> add(to, "LINSERT", key, side("BEFORE", "AFTER"), element(), element());
            case 9 -> add(to, "LREM", key, "" + (random.nextInt(9) - 4), element());
            case 10 -> {
                int cut = random.nextInt(random.chance(0.1) ? 1000 : 4);
                add(to, "LTRIM", key, "" + cut, "" + (-1 - random.nextInt(4)));
            }
            case 11, 12 -> lpos(to, key);
            case 13, 14 -> {
                String end = side("LEFT", "RIGHT");
                add(to, side("LMOVE", "lmove"), key, key(), end, side("LEFT", "RIGHT"));
            }
            case 15 -> add(to, "RPOPLPUSH", key, key());
            case 16 -> {
                String count = "" + random.nextInt(random.chance(0.1) ? 500 : 5);
                String end = side("LEFT", "RIGHT");
                add(to, "LMPOP", "3", key, key(), key(), end, "COUNT", count);
            }
            case 17 -> waiting(to, key);
            case 18 -> wrong(to, key);
            default -> whole(to, key);
        }
    }

    private void push(List<byte[][]> to, int phase) {
        int most = random.chance(0.1) ? phase * 100 + 3 : 4;
        List<String> words = new ArrayList<>();
        words.add(side("LPUSH", "RPUSH") + (random.chance(0.1) ? "X" : ""));
        words.add(key());
        for (int i = random.nextInt(most); i >= 0; i--) {
            words.add(element());
        }
        add(to, words.toArray(new String[0]));
    }

    private void lpos(List<byte[][]> to, String key) {
        List<String> words = new ArrayList<>(List.of("LPOS", key, element()));
        if (random.chance(0.5)) {
            words.addAll(List.of("RANK", "" + (random.nextInt(9) - 4)));
        }
        if (random.chance(0.5)) {
            words.addAll(List.of("COUNT", "" + (random.nextInt(5) - 1)));
        }
        if (random.chance(0.3)) {
            words.addAll(List.of("MAXLEN", "" + (random.nextInt(50) - 1)));
        }
        add(to, words.toArray(new String[0]));
    }

    /** None waits here: what they would wait for is there, or they are within a transaction. */
    private void waiting(List<byte[][]> to, String key) {
        add(to, "MULTI");
        switch (random.nextInt(5)) {
            case 0 -> add(to, "BLPOP", key, key(), "0");
            case 1 -> add(to, "BRPOP", key(), key, "0.5");
            case 2 -> add(to, "BLMOVE", key, key(), side("LEFT", "RIGHT"), "LEFT", "1");
            case 3 -> add(to, "BRPOPLPUSH", key, key(), "0");
            default -> add(to, "BLMPOP", "0", "2", key, key(), side("LEFT", "RIGHT"));
        }
        add(to, "EXEC");
    }

    private void wrong(List<byte[][]> to, String key) {
        String[] all = {
            "SET s 1",
            "LPUSH s x",
            "LPOP s",
            "LPOP " + key + " x",
            "LPOP " + key + " -1",
            "LPOP " + key + " 1 2",
            "LINDEX " + key + " x",
            "LINDEX s x",
            "LRANGE s x 1",
            "LRANGE s 0 1",
            "LSET none x y",
            "LSET s x y",
            "LSET " + key + " 1x y",
            "LINSERT " + key + " up a b",
            "LINSERT s BEFORE a b",
            "LREM s x a",
            "LREM none 0 a",
            "LTRIM s 0 1",
            "LPOS " + key + " a RANK 0",
            "LPOS " + key + " a RANK -9223372036854775808",
            "LPOS none a COUNT 0",
            "LPOS s a",
            "LMOVE s " + key + " LEFT RIGHT",
            "LMOVE " + key + " s LEFT RIGHT",
            "LMOVE none s LEFT up",
            "LMPOP 0 a LEFT",
            "LMPOP 3 a LEFT",
            "LMPOP 2 none s LEFT",
            "BLPOP s 0",
            "BLPOP " + key + " -1",
            "BLPOP " + key + " x",
            "BLPOP " + key + " 1e400",
            "BLPOP " + key + " 9223372036854775807",
            "BLMPOP -1 1 none LEFT COUNT 0",
            "BLMOVE none none LEFT RIGHT nan",
            "OBJECT ENCODING none",
            "TYPE " + key
        };
        add(to, all[random.nextInt(all.length)].split(" "));
    }

    private void whole(List<byte[][]> to, String key) {
        switch (random.nextInt(6)) {
            case 0 -> add(to, "COPY", key, key(), "REPLACE");
            case 1 -> add(to, "RENAME", key, key());
            case 2 -> add(to, "LRANGE", key, "0", "-1");
            case 3 -> add(to, "EXPIRE", key, "1000");
            case 4 -> {
                add(to, "MOVE", key, "2");
                add(to, "SELECT", "2");
                add(to, "LRANGE", key, "0", "-1");
                add(to, "FLUSHDB");
                add(to, "SELECT", "0");
            }
            default -> add(to, "SCAN", "0", "TYPE", "zset");
        }
    }

    private String pop() {
        return side("LPOP", "RPOP");
    }

    private String side(String one, String other) {
        return random.chance(0.5) ? one : other;
    }

    private String key() {
        return "l" + random.nextInt(4);
    }

    private int index() {
        return random.nextInt(random.chance(0.2) ? 2000 : 20) - (random.chance(0.5) ? 0 : 10);
    }

    private String element() {
        return switch (random.nextInt(12)) {
            case 0, 1, 2, 3 -> "" + (char) ('a' + random.nextInt(3));
            case 4 -> "" + (random.nextLong() >> random.nextInt(64));
            case 5 -> "0" + random.nextInt(3);
            case 6 -> "";
            case 7 -> {
                int most = random.chance(0.05) ? EDGES.length : 4;
                int length = EDGES[random.nextInt(most)] + random.nextInt(3) - 1;
                yield "" + random.nextInt(3) + "x".repeat(length);
            }
            default -> "e".repeat(random.nextInt(60)) + random.nextInt(30);
        };
    }

    /** With so little memory that most of the lists are on the SSD: each command finds little of what it needs in RAM. */
    @Test
    void coldListsAreThoseOfTheOracle() throws Exception {
        besideTheOracle(
                (oracle, subject) -> {
                    for (RespClient client : List.of(oracle, subject)) {
                        client.call("SET", "s", "1");
                    }
                    for (int list = 0; list < 4; list++) {
                        for (int i = 0; i < 1500; i++) {
                            compare(oracle, subject, longPush(list));
                        }
                    }
                    pushOut(subject);
                    for (int round = 0; round < 3000; round += BATCH) {
                        List<byte[][]> commands = new ArrayList<>();
                        for (int i = 0; i < BATCH; i++) {
                            addCold(commands);
                        }
                        compare(oracle, subject, commands);
                        if (round % 600 == 0) {
                            pushOut(subject);
                        }
                    }
                    assertTrue(coldReads(subject) > 0, "nothing was cold");
                },
                "--shards",
                "1",
                "--maxmemory",
                "192mb");
    }

    private List<byte[][]> longPush(int list) {
        String[] words = new String[102];
        words[0] = side("LPUSH", "RPUSH");
        words[1] = "l" + list;
        for (int i = 2; i < words.length; i++) {
            words[i] = element();
        }
        List<byte[][]> commands = new ArrayList<>();
        add(commands, words);
        return commands;
    }

    private void addCold(List<byte[][]> to) {
        String key = key();
        String index = "" + (random.nextInt(200_000) - 100_000);
        String end = side("LEFT", "RIGHT");
        switch (random.nextInt(12)) {
            case 0, 1 -> add(to, "LINDEX", key, index);
            case 2 -> add(to, "LSET", key, index, element());
            case 3 -> add(to, "LRANGE", key, index, "" + (Integer.parseInt(index) + 300));
            case 4 -> add(to, pop(), key, "" + random.nextInt(300));
            case 5 -> push(to, 1);
            case 6 -> add(to, "LMOVE", key, key(), end, side("LEFT", "RIGHT"));
            case 7 -> add(to, "LREM", key, side("1", "-1"), element());
            case 8 -> add(to, "LINSERT", key, side("BEFORE", "AFTER"), element(), element());
            case 9 -> lpos(to, key);
            case 10 -> add(to, "LTRIM", key, "" + random.nextInt(100), "-" + random.nextInt(100));
            default -> add(to, "LLEN", key);
        }
    }

    /** A long reply leaves while it is made, and what is not read does not gather in the server. */
    @Test
    void longRangesAreStreamed() throws Exception {
        try (ServerProcess subject = startSubject("--shards", "1", "--maxmemory", "192mb");
                RespClient client = subject.connect();
                RespClient slow = subject.connect()) {
            String tail = "t".repeat(90);
            int count = 400_000;
            String[] words = new String[1002];
            words[0] = "RPUSH";
            words[1] = "long";
            for (int i = 0; i < count; i += 1000) {
                for (int n = 0; n < 1000; n++) {
                    words[n + 2] = (i + n) + tail;
                }
                client.call(words);
            }
            slow.send(RespClient.bytes("LRANGE", "long", "0", "-1"));
            // Others are served meanwhile.
            for (int i = 0; i < 1000; i++) {
                assertEquals(count, client.call("LLEN", "long").integer());
            }
            String clients = client.call("CLIENT", "LIST").text();
            for (String line : clients.split("\n")) {
                int at = line.indexOf("tot-mem=");
                long bytes = Long.parseLong(line.substring(at + 8).split(" ")[0]);
                assertTrue(bytes < 8 << 20, line);
            }
            Reply reply = slow.read();
            assertEquals(count, reply.elements().size());
            for (int i = 0; i < count; i += 777) {
                assertEquals(i + tail, reply.elements().get(i).text());
            }
            // What was half replied cannot go on when it has changed.
            slow.send(RespClient.bytes("LRANGE", "long", "0", "-1"));
            client.call("LSET", "long", "-1", "other");
            Reply ended = slow.readOrClosed();
            if (ended.isAggregate()) {
                int last = ended.elements().size() - 1;
                String text = ended.elements().get(last).text();
                assertTrue(text.equals("other") || text.equals(last + tail), text);
            }
        }
    }

    /** What OBJECT ENCODING says while a list grows and shrinks at one end. */
    @Test
    void encodingsAreThoseOfTheOracle() throws Exception {
        besideTheOracle(
                (oracle, subject) -> {
                    for (String size : new String[] {"-2", "-1", "-5", "0", "1", "7"}) {
                        List<byte[][]> commands = new ArrayList<>();
                        add(commands, "CONFIG", "SET", "list-max-listpack-size", size);
                        add(commands, "CONFIG", "GET", "list-max-*");
                        add(commands, "DEL", "l");
                        compare(oracle, subject, commands);
                        growAndShrink(oracle, subject);
                    }
                });
    }

    private void growAndShrink(RespClient oracle, RespClient subject) {
        List<byte[][]> commands = new ArrayList<>();
        String push = side("LPUSH", "RPUSH");
        String pop = push.equals("LPUSH") ? "LPOP" : "RPOP";
        int bytes = 0;
        while (bytes < 70_000) {
            String element = element();
            if (element.length() > 2000) {
                continue;
            }
            bytes += element.length() + 100;
            commands.clear();
            add(commands, push, "l", element);
            add(commands, "OBJECT", "ENCODING", "l");
            compare(oracle, subject, commands);
        }
        long length = oracle.call("LLEN", "l").integer();
        for (long i = 0; i < length; i++) {
            commands.clear();
            add(commands, pop, "l");
            add(commands, "OBJECT", "ENCODING", "l");
            compare(oracle, subject, commands);
        }
    }
}
