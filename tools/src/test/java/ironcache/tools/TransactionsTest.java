package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.ffm.Prng;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Transactions of four clients that watch and change each other's keys, next to the oracle. */
class TransactionsTest extends ServerTestBase {
    private static final int COMMANDS = 20_000;
    private static final int CLIENTS = 4;

    /** A query of K is a key, another one L, a number N, a database D. */
    private static final String[] COMMANDS_TO_PLAY = {
        "SET K N",
        "SET K N NX",
        "SET K N XX GET",
        "SETNX K N",
        "GETSET K N",
        "GETDEL K",
        "GET K",
        "GETEX K",
        "GETEX K PERSIST",
        "GETEX K EX 1000",
        "MGET K L",
        "MSET K N L N",
        "MSETNX K N L N",
        "INCR K",
        "DECRBY K N",
        "INCRBYFLOAT K 1.5",
        "APPEND K x",
        "SETRANGE K 2 ab",
        "STRLEN K",
        "LCS K L",
        "DEL K L",
        "UNLINK K",
        "EXISTS K K",
        "TOUCH K L",
        "TYPE K",
        "RENAME K L",
        "RENAMENX K L",
        "COPY K L REPLACE",
        "COPY K L DB D",
        "MOVE K D",
        "EXPIRE K 1000",
        "EXPIRE K -1",
        "PEXPIREAT K 99999999999999",
        "PERSIST K",
        "TTL K",
        "SELECT D",
        "SWAPDB 0 1",
        "FLUSHDB",
        "FLUSHALL",
        "DBSIZE",
        "ECHO N",
        "KEYS none*",
        "GET",
        "INCR K N",
        "NOSUCH K",
        "CLIENT REPLY SKIP X",
        "CLIENT GETNAME"
    };

    private static final String[] CONTROLS = {
        "MULTI",
        "MULTI",
        "MULTI",
        "EXEC",
        "EXEC",
        "EXEC",
        "EXEC",
        "EXEC now",
        "DISCARD",
        "UNWATCH",
        "RESET",
        "WATCH K",
        "WATCH K L",
        "WATCH K K L",
        "WATCH"
    };

    @ParameterizedTest
    @ValueSource(strings = {"1", "4"})
    void repliesAreThoseOfTheOracle(String shards) throws IOException {
        long seed = seed(20261122);
        Prng prng = new Prng(seed);
        try (ServerProcess oracle = startOracle();
                ServerProcess subject = startSubject("--shards", shards, "--maxmemory", "384mb")) {
            List<RespClient> left = connect(oracle);
            List<RespClient> right = connect(subject);
            int executed = 0;
            int broken = 0;
            for (int i = 0; i < COMMANDS; i++) {
                int client = prng.nextInt(CLIENTS);
                String[] command = command(prng);
                Reply expected = left.get(client).call(command);
                Reply actual = right.get(client).call(command);
                String where = "seed " + seed + ", command " + i + ": " + String.join(" ", command);
                assertEquals(expected.show(500), actual.show(500), where);
                if (command[0].equals("RESET")) {
                    greet(left.get(client), client);
                    greet(right.get(client), client);
                }
                if (command[0].equals("EXEC") && !expected.isError()) {
                    executed += expected.isNull() ? 0 : 1;
                    broken += expected.isNull() ? 1 : 0;
                }
            }
            assertTrue(executed > 20 && broken > 20, executed + " executed, " + broken + " broken");
            left.forEach(RespClient::close);
            right.forEach(RespClient::close);
        }
    }

    private static List<RespClient> connect(ServerProcess server) throws IOException {
        List<RespClient> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            clients.add(new RespClient(server.port()));
            greet(clients.get(i), i);
        }
        return clients;
    }

    /** Half of the clients speak RESP3. The reply has the connection's number and is not compared. */
    private static void greet(RespClient client, int number) {
        client.call("HELLO", number % 2 == 0 ? "2" : "3");
    }

    private static String[] command(Prng prng) {
        String[] from = prng.nextInt(10) < 4 ? CONTROLS : COMMANDS_TO_PLAY;
        String[] words = from[prng.nextInt(from.length)].split(" ");
        for (int i = 1; i < words.length; i++) {
            words[i] =
                    switch (words[i]) {
                        case "K", "L" -> "key" + prng.nextInt(7);
                        case "N" -> Integer.toString(prng.nextInt(5));
                        case "D" -> Integer.toString(prng.nextInt(2));
                        default -> words[i];
                    };
        }
        return words;
    }
}
