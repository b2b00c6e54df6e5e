package ironcache.bench;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** One row of the "must show" table, run by one command. */
interface Scenario {
    /** Runs it and writes its section of the report. */
    void run(Harness harness) throws IOException;

    /** Whether its servers and its client share all cores, unless the command line places them. */
    default boolean onAllCores() {
        return false;
    }

    /** By the name on the command line. */
    static Map<String, Scenario> all() {
        Map<String, Scenario> all = new LinkedHashMap<>();
        all.put("row1", new LargerThanMemoryScenario());
        all.put("row2", new ThroughputScenario());
        all.put("row3", new AllocationScenario());
        all.put("row4", new MemoryPerItemScenario());
        all.put("row5", new ColdReadScenario());
        all.put("row6", new ZipfScenario());
        all.put("row7", new BlindSetScenario());
        all.put("row12", new StartScenario());
        all.put("shards-cpu", new ShardCpuScenario());
        all.put("shards-cores", new ShardCoresScenario());
        all.put("shards-transactions", new ShardTransactionsScenario());
        all.put("shards-handoff", new ShardHandOffScenario());
        all.put("durability-throughput", new DurabilityThroughputScenario());
        all.put("snapshot-pause", new SnapshotPauseScenario());
        all.put("warm-restart", new WarmRestartScenario());
        all.put("recovery-rate", new RecoveryRateScenario());
        all.put("verify-rate", new VerifyRateScenario());
        all.put("restart-budget", new RestartBudgetScenario());
        all.put("collections-memory", new CollectionMemoryScenario());
        all.put("collections-throughput", new CollectionThroughputScenario());
        all.put("collections-cold", new ColdCollectionScenario());
        all.put("collections-long-replies", new LongReplyScenario());
        return all;
    }
}
