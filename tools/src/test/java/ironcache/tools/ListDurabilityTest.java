package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ironcache.ffm.Prng;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lists that are changed while a snapshot is made, a crash, and what is read back: all that was acknowledged, from an image of any age and the log behind it. */
class ListDurabilityTest extends ServerTestBase {
    private static final int KEYS = 6;
    private static final int BATCHES = 120;

    private final long seed = seed(Prng.freshSeed());
    private final Prng random = new Prng(seed);

    @ParameterizedTest
    @ValueSource(strings = {"1", "2"})
    void whatWasAcknowledgedIsThereAfterACrash(String shards) throws Exception {
        Path directory = java.nio.file.Files.createTempDirectory(temp, "lists");
        List<String> wanted = new ArrayList<>();
        for (int round = 0; round < 3; round++) {
            try (ServerProcess server = start(directory, shards);
                    RespClient client = server.connect()) {
                assertEquals(wanted, round == 0 ? wanted : contents(client), seedLine());
                for (int i = 0; i < BATCHES; i++) {
                    List<byte[][]> commands = new ArrayList<>();
                    for (int n = 0; n < 40; n++) {
                        commands.add(command());
                    }
                    client.pipeline(commands);
                    if (i % 40 == 20) {
                        client.call("BGSAVE");
                    }
                }
                wanted = contents(client);
                server.kill();
            }
        }
        try (ServerProcess server = start(directory, shards);
                RespClient client = server.connect()) {
            assertEquals(wanted, contents(client), seedLine());
        }
    }

    private String seedLine() {
        return "-Dironcache.seed=" + seed;
    }

    private static ServerProcess start(Path directory, String shards) throws IOException {
        return ServerProcess.start(
                "ironcache",
                directory,
                "--maxmemory",
                "320mb",
                "--shards",
                shards,
                "--appendonly",
                "yes",
                "--appendfsync",
                "always");
    }

    private static List<String> contents(RespClient client) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < KEYS; i++) {
            Reply reply = client.call("LRANGE", "l" + i, "0", "-1");
            while (reply.toString().contains("LOADING")) {
                reply = client.call("LRANGE", "l" + i, "0", "-1");
            }
            all.add(reply.show(1 << 24));
            all.add(client.call("OBJECT", "ENCODING", "l" + i).show(100));
        }
        return all;
    }

    private byte[][] command() {
        String key = "l" + random.nextInt(KEYS);
        String other = "l" + random.nextInt(KEYS);
        String index = "" + (random.nextInt(400) - 200);
        boolean left = random.chance(0.5);
        return switch (random.nextInt(12)) {
            case 0, 1, 2, 3 -> {
                String[] words = new String[3 + random.nextInt(random.chance(0.2) ? 100 : 4)];
                words[0] = left ? "LPUSH" : "RPUSH";
                words[1] = key;
                for (int i = 2; i < words.length; i++) {
                    words[i] = element();
                }
                yield RespClient.bytes(words);
            }
            case 4 -> RespClient.bytes("LSET", key, index, element());
            case 5, 6 ->
                    RespClient.bytes(
                            "LINSERT",
                            key,
                            left ? "BEFORE" : "AFTER",
                            "" + random.nextInt(9),
                            element());
            case 7 -> RespClient.bytes("LREM", key, left ? "2" : "-2", "" + random.nextInt(9));
            case 8 -> RespClient.bytes(left ? "LPOP" : "RPOP", key, "" + random.nextInt(30));
            case 9, 10 -> RespClient.bytes("LMOVE", key, other, left ? "LEFT" : "RIGHT", "LEFT");
            default ->
                    random.chance(0.1)
                            ? RespClient.bytes("DEL", key)
                            : RespClient.bytes("LTRIM", key, "3", "-4");
        };
    }

    private String element() {
        if (random.chance(0.5)) {
            return "" + random.nextInt(9);
        }
        return "e".repeat(random.nextInt(random.chance(0.03) ? 40_000 : 120));
    }
}
