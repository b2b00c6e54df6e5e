package ironcache.tools;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that wait for lists, in {@link WaitingScenes}. */
class ListWaitingTest extends ServerTestBase {
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
            WaitingScenes.check(oracle, subject, "2", SCENES);
        }
    }
}
