package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Scenes in which clients wait for lists, played before the oracle and before IronCache: who gets what must be the same. */
class ListWaitingTest extends ServerTestBase {
    private static final long LIMIT_NS = 20_000_000_000L;

    /**
     * A line is {@code client command}. Client 0 never waits. A client whose reply is not there yet waits: {@code client !} reads it. A {@code +} before the command: it waits, and the
     * scene goes on when it does.
     */
    private static final String[][] SCENES = {
        // Who came first is first; what is left stays.
        {
            "1 +BLPOP k 0",
            "2 +BRPOP k 0",
            "3 +BLPOP other k 0",
            "0 RPUSH k a b c d",
            "1 !",
            "2 !",
            "3 !",
            "0 LRANGE k 0 -1"
        },
        // One after the other.
        {"1 +BLPOP k 0", "2 +BLPOP k 0", "0 LPUSH k a", "1 !", "0 LPUSH k b", "2 !", "0 EXISTS k"},
        // Chains.
        {
            "1 +BLMOVE a b LEFT RIGHT 0",
            "2 +BLMOVE b c RIGHT LEFT 0",
            "3 +BLPOP c 0",
            "0 LPUSH a x",
            "1 !",
            "2 !",
            "3 !",
            "0 EXISTS a b c"
        },
        {"1 +BRPOPLPUSH k k 0", "2 +BLPOP k 0", "0 RPUSH k a b", "1 !", "2 !", "0 LRANGE k 0 -1"},
        // Something else than a list is not waited for.
        {"1 +BLPOP k 0", "0 SET s 1", "0 RENAME s k", "0 TYPE k", "0 DEL k", "0 RPUSH k a", "1 !"},
        {"1 +BLPOP k j 0", "0 SET k 1", "0 RPUSH j a", "1 !", "0 LRANGE j 0 -1"},
        {"1 +BLPOP j k 0", "0 SET k 1", "0 RPUSH j a", "1 !"},
        {"1 +BLMOVE k s LEFT LEFT 0", "0 SET s 1", "0 RPUSH k a b", "1 !", "0 LRANGE k 0 -1"},
        {"1 +BLMOVE k d LEFT LEFT 0", "0 SET s 1", "0 COPY s k", "0 DEL k", "0 RPUSH k a", "1 !"},
        // Within a transaction nobody sees what is gone at its end.
        {
            "1 +BLPOP k 0",
            "0 MULTI",
            "0 RPUSH k a",
            "0 DEL k",
            "0 EXEC",
            "0 MULTI",
            "0 RPUSH k b",
            "0 LPUSH k c",
            "0 EXEC",
            "1 !",
            "0 LRANGE k 0 -1"
        },
        {
            "1 MULTI",
            "1 BLPOP k 0",
            "1 BLMOVE k d LEFT LEFT 0",
            "1 BLMPOP 0 1 k LEFT",
            "1 BRPOPLPUSH k d 0",
            "1 EXEC"
        },
        // Several at once.
        {
            "1 +BLMPOP 0 2 j k RIGHT COUNT 2",
            "2 +BLMPOP 0 1 k LEFT COUNT 10",
            "0 RPUSH k a b c d e",
            "1 !",
            "2 !",
            "0 EXISTS k"
        },
        // Keys that become lists in other ways.
        {"1 +BLPOP k 0", "0 RPUSH j a b", "0 RENAME j k", "1 !", "0 LRANGE k 0 -1"},
        {"1 +BLPOP k 0", "0 RPUSH j a b", "0 COPY j k", "1 !", "0 LRANGE j 0 -1"},
        {"1 +BLPOP k 0", "0 RPUSH j a", "0 LMOVE j k LEFT LEFT", "1 !", "0 EXISTS j k"},
        {"1 +BLPOP k 0", "0 SELECT 1", "0 RPUSH k a", "0 MOVE k 0", "1 !", "0 SELECT 0"},
        {"1 +BLPOP k 0", "0 SELECT 1", "0 RPUSH k a", "0 SWAPDB 0 1", "1 !", "0 SELECT 0"},
        // A push to a list that there is does not come to those who wait for another.
        {
            "0 RPUSH j x",
            "1 +BLPOP k 0",
            "0 RPUSH j a",
            "0 LINSERT j AFTER x y",
            "0 RPUSH k b",
            "1 !"
        },
        // Time.
        {
            "1 BLPOP k 0.02",
            "1 BRPOP k j 0.001",
            "1 BLMOVE k j LEFT LEFT 0.02",
            "1 BRPOPLPUSH k j 0.02",
            "1 BLMPOP 0.02 2 k j LEFT COUNT 3"
        },
        {
            "1 HELLO 3",
            "1 BLPOP k 0.02",
            "1 BLMOVE k j LEFT LEFT 0.02",
            "1 BLMPOP 0.02 1 k LEFT",
            "1 +BLPOP k 0",
            "0 RPUSH k 17",
            "1 !"
        },
        {"1 +BLPOP k 0", "0 UNBLOCK 1", "1 !", "1 +BLPOP k 0", "0 UNBLOCK 1 ERROR", "1 !"},
        {"1 +BLPOP k 0", "2 +BLPOP k 0", "1 close", "0 RPUSH k a", "2 !"}
    };

    @ParameterizedTest
    @ValueSource(strings = {"1", "4"})
    void whoGetsWhatIsAsWithTheOracle(String shards) throws Exception {
        try (ServerProcess oracle = startOracle();
                ServerProcess subject = startSubject("--shards", shards, "--maxmemory", "384mb")) {
            for (String[] scene : SCENES) {
                assertEquals(
                        String.join("\n", play(oracle, scene)),
                        String.join("\n", play(subject, scene)));
            }
        }
    }

    private static List<String> play(ServerProcess server, String[] scene) throws IOException {
        List<String> seen = new ArrayList<>();
        RespClient[] clients = new RespClient[4];
        long[] ids = new long[clients.length];
        try {
            for (int i = 0; i < clients.length; i++) {
                clients[i] = server.connect();
                ids[i] = clients[i].call("CLIENT", "ID").integer();
            }
            clients[0].call("FLUSHALL");
            int waiting = 0;
            for (String line : scene) {
                int number = line.charAt(0) - '0';
                RespClient client = clients[number];
                String command = line.substring(2);
                if (command.equals("!")) {
                    seen.add(line + " " + client.read().show(200));
                    waiting--;
                } else if (command.equals("close")) {
                    client.close();
                    awaitWaiting(clients[0], --waiting);
                } else if (command.startsWith("+")) {
                    client.send(RespClient.bytes(command.substring(1).split(" ")));
                    awaitWaiting(clients[0], ++waiting);
                } else {
                    String[] words = command.split(" ");
                    if (words[0].equals("UNBLOCK")) {
                        long id = ids[Integer.parseInt(words[1])];
                        command = "CLIENT UNBLOCK " + id + (words.length > 2 ? " ERROR" : "");
                    }
                    Reply reply = client.call(command.split(" "));
                    seen.add(
                            line
                                    + " "
                                    + reply.show(200).replaceAll("(?s)\\$6\\\\r\\\\nserver.*", ""));
                }
            }
        } finally {
            for (RespClient client : clients) {
                client.close();
            }
        }
        return seen;
    }

    private static void awaitWaiting(RespClient by, int count) {
        long since = System.nanoTime();
        String wanted = "blocked_clients:" + count + "\r\n";
        String info;
        do {
            info = by.call("INFO", "clients").text();
            assertTrue(System.nanoTime() - since < LIMIT_NS, info);
        } while (!info.contains(wanted));
    }
}
