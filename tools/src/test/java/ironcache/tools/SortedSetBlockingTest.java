package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** BZPOPMIN, BZPOPMAX and BZMPOP that have to wait: the same steps on the oracle and on the subject, and what everybody hears. */
class SortedSetBlockingTest extends ServerTestBase {
    private static final int WAITERS = 3;

    /** {@code n>} has client n wait with a command; others are run at once; {@code n<} reads what client n was told. */
    private static final String[][] SCENES = {
        {"1>BZPOPMIN k 0", "ZADD k 2 b 1 a", "1<", "ZRANGE k 0 -1"},
        {"1>BZPOPMAX k j 0", "ZADD j 2 b 1 a", "1<", "ZRANGE j 0 -1"},
        {"1>BZMPOP 0 2 k j MAX COUNT 2", "ZADD j 3 c 2 b 1 a", "1<", "ZRANGE j 0 -1"},
        {
            "1>BZPOPMIN k 0",
            "2>BZPOPMIN k 0",
            "3>BZPOPMAX k 0",
            "ZADD k 1 a 2 b",
            "1<",
            "2<",
            "ZADD k 5 z",
            "3<"
        },
        {"1>BZPOPMIN k 0", "ZADD other 1 a", "ZUNIONSTORE k 1 other", "1<", "EXISTS k"},
        {"1>BZPOPMIN k 0", "ZADD other 1 a 2 b", "ZRANGESTORE k other 0 -1", "1<", "ZCARD k"},
        {"1>BZPOPMIN k 0", "ZINCRBY k 1.5 a", "1<"},
        {"1>BZPOPMIN k 0", "ZADD other 1 a", "RENAME other k", "1<", "EXISTS k"},
        {"1>BZPOPMIN k 0", "ZADD other 1 a", "COPY other k", "1<", "EXISTS k"},
        {"1>BZPOPMIN k 0", "SET other x", "RENAME other k", "DEL k", "ZADD k 1 a", "1<"},
        {"1>BZPOPMIN j k 0", "SET j x", "ZADD k 1 a", "1<", "ZCARD k"},
        {"1>BZPOPMIN k 0", "SADD k a", "DEL k", "ZADD k 1 a", "1<"},
        {"1>BZPOPMIN k 0", "MULTI", "ZADD k 1 a", "ZREM k a", "EXEC", "ZADD k 2 b", "1<"},
        {"1>BZPOPMIN k 0", "MULTI", "ZADD k 1 a", "ZADD k 0 b", "EXEC", "1<"},
        {"1>BZPOPMIN k 0.05", "1<"},
        {"1>BZMPOP 0.05 1 k MIN", "1<"},
        {"1>BZPOPMIN k j 0", "2>BZPOPMIN j k 0", "ZADD k 1 a", "1<", "ZADD j 1 b", "2<"},
    };

    @ParameterizedTest
    @CsvSource({"2, 1", "3, 4"})
    void whoWaitsHearsWhatTheOracleSays(String protocol, String shards) throws Exception {
        try (ServerProcess oracle = startOracle();
                ServerProcess subject = startSubject("--shards", shards)) {
            for (String[] scene : SCENES) {
                assertEquals(
                        play(oracle, protocol, scene),
                        play(subject, protocol, scene),
                        () -> String.join("; ", scene));
            }
            assertTrue(subject.isAlive(), subject.logTail());
        }
    }

    private static List<String> play(ServerProcess server, String protocol, String[] scene)
            throws Exception {
        List<String> heard = new ArrayList<>();
        List<RespClient> waiters = new ArrayList<>();
        try (RespClient main = server.connect()) {
            main.call("HELLO", protocol);
            main.call("FLUSHALL");
            for (int i = 0; i < WAITERS; i++) {
                waiters.add(server.connect());
                waiters.get(i).call("HELLO", protocol);
            }
            int blocked = 0;
            for (String step : scene) {
                char mark = step.charAt(1);
                if (mark == '>') {
                    waiters.get(step.charAt(0) - '1')
                            .send(RespClient.bytes(step.substring(2).split(" ")));
                    blocked++;
                    awaitBlocked(main, blocked);
                } else if (mark == '<') {
                    heard.add(waiters.get(step.charAt(0) - '1').read().show(500));
                    blocked--;
                } else {
                    heard.add(main.call(step.split(" ")).show(500));
                }
            }
        } finally {
            for (RespClient waiter : waiters) {
                waiter.close();
            }
        }
        return heard;
    }

    /** The order of those who wait is that in which they came. */
    private static void awaitBlocked(RespClient main, int count) {
        while (!main.call("INFO", "clients").text().contains("blocked_clients:" + count + "\r\n")) {
            Thread.onSpinWait();
        }
    }
}
