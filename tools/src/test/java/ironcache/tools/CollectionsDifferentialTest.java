package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertNull;

import ironcache.tools.CommandGen.Families;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The short form of {@link DifferentialRun} over the collections, for every build. */
class CollectionsDifferentialTest extends FamilyTestBase {
    private static final int EPOCHS = 2;
    private static final int COMMANDS = 3_000;

    /** Lists and sorted sets have tests of their own. */
    private static final String ROWS =
            "hdel hexists hexpire hexpireat hexpiretime hget hgetall hgetdel hgetex hincrby hincrbyfloat hkeys hlen hmget hmset hpersist hpexpire hpexpireat"
                    + " hpexpiretime hpttl hrandfield hscan hset hsetex hsetnx hstrlen httl hvals sadd scard sdiff sdiffstore sinter sintercard sinterstore"
                    + " sismember smembers smismember smove sort sort_ro spop srandmember srem sscan sunion sunionstore";

    @Test
    void rowsAreThoseOfTheOracle() throws Exception {
        compareRows(ROWS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "4"})
    void repliesAreThoseOfTheOracle(String shards) throws Exception {
        long first = seed(20261123);
        try (ServerProcess oracle = startOracle();
                ServerProcess subject = startSubject("--shards", shards, "--maxmemory", "384mb")) {
            for (int e = 0; e < EPOCHS; e++) {
                DifferentialRun.Result result =
                        DifferentialRun.epoch(
                                oracle.port(),
                                subject.port(),
                                DifferentialRun.epochSeed(first, e),
                                COMMANDS,
                                Families.COLLECTIONS);
                assertNull(
                        result.mismatch(), () -> result.report() + "\n-Dironcache.seed=" + first);
            }
        }
    }
}
