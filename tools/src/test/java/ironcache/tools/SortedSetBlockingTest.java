package ironcache.tools;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** BZPOPMIN, BZPOPMAX and BZMPOP that have to wait, in {@link WaitingScenes}. */
class SortedSetBlockingTest extends ServerTestBase {
    private static final String[][] SCENES = {
        {"1 +BZPOPMIN k 0", "0 ZADD k 2 b 1 a", "1 !", "0 ZRANGE k 0 -1"},
        {"1 +BZPOPMAX k j 0", "0 ZADD j 2 b 1 a", "1 !", "0 ZRANGE j 0 -1"},
        {"1 +BZMPOP 0 2 k j MAX COUNT 2", "0 ZADD j 3 c 2 b 1 a", "1 !", "0 ZRANGE j 0 -1"},
        {
            "1 +BZPOPMIN k 0",
            "2 +BZPOPMIN k 0",
            "3 +BZPOPMAX k 0",
            "0 ZADD k 1 a 2 b",
            "1 !",
            "2 !",
            "0 ZADD k 5 z",
            "3 !"
        },
        {"1 +BZPOPMIN k 0", "0 ZADD other 1 a", "0 ZUNIONSTORE k 1 other", "1 !", "0 EXISTS k"},
        {
            "1 +BZPOPMIN k 0",
            "0 ZADD other 1 a 2 b",
            "0 ZRANGESTORE k other 0 -1",
            "1 !",
            "0 ZCARD k"
        },
        {"1 +BZPOPMIN k 0", "0 ZINCRBY k 1.5 a", "1 !"},
        {"1 +BZPOPMIN k 0", "0 ZADD other 1 a", "0 RENAME other k", "1 !", "0 EXISTS k"},
        {"1 +BZPOPMIN k 0", "0 ZADD other 1 a", "0 COPY other k", "1 !", "0 EXISTS k"},
        {"1 +BZPOPMIN k 0", "0 SET other x", "0 RENAME other k", "0 DEL k", "0 ZADD k 1 a", "1 !"},
        {"1 +BZPOPMIN j k 0", "0 SET j x", "0 ZADD k 1 a", "1 !", "0 ZCARD k"},
        {"1 +BZPOPMIN k 0", "0 SADD k a", "0 DEL k", "0 ZADD k 1 a", "1 !"},
        {
            "1 +BZPOPMIN k 0",
            "0 MULTI",
            "0 ZADD k 1 a",
            "0 ZREM k a",
            "0 EXEC",
            "0 ZADD k 2 b",
            "1 !"
        },
        {"1 +BZPOPMIN k 0", "0 MULTI", "0 ZADD k 1 a", "0 ZADD k 0 b", "0 EXEC", "1 !"},
        {"1 BZPOPMIN k 0.05"},
        {"1 BZMPOP 0.05 1 k MIN"},
        {"1 +BZPOPMIN k j 0", "2 +BZPOPMIN j k 0", "0 ZADD k 1 a", "1 !", "0 ZADD j 1 b", "2 !"},
    };

    @ParameterizedTest
    @CsvSource({"2, 1", "3, 4"})
    void whoWaitsHearsWhatTheOracleSays(String protocol, String shards) throws Exception {
        try (ServerProcess oracle = startOracle();
                ServerProcess subject = startSubject("--shards", shards)) {
            WaitingScenes.check(oracle, subject, protocol, SCENES);
        }
    }
}
