package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ironcache.tools.HistoryChecker.SessionOrder;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The short form of {@link HistoriesRun} for every build. */
class HistoriesTest extends ServerTestBase {
    @Test
    void serverHasOneOrder() throws Exception {
        try (ServerProcess server = startSubject()) {
            run(server, 2, new HistoriesRun.Options());
        }
    }

    /** With log memory so small, and filler that rolls it on, that a part of the keys is read from the SSD. */
    @Test
    void serverHasOneOrderWithColdKeys() throws Exception {
        try (ServerProcess server = startSubject("--maxmemory", "192mb");
                Pressure pressure = new Pressure(server.port(), 1_000)) {
            run(server, 3, new HistoriesRun.Options());
            assertTrue(pressure.batches() > 0, "there was no pressure");
        }
    }

    /** Shards that lend each other to whoever needs several, and here too a part of the keys is cold. A pipeline keeps its order. */
    @Test
    void fourShardsHaveOneOrder() throws Exception {
        HistoriesRun.Options options = new HistoriesRun.Options();
        options.session = SessionOrder.ALL;
        try (ServerProcess server = startSubject("--maxmemory", "288mb", "--shards", "4");
                Pressure pressure = new Pressure(server.port(), 1_000)) {
            run(server, 4, options);
            assertTrue(pressure.batches() > 0, "there was no pressure");
        }
    }

    /** The sanity of the tool: a store that is known to be right, by the strictest measure. */
    @Test
    void oracleHasOneOrder() throws Exception {
        HistoriesRun.Options options = new HistoriesRun.Options();
        options.session = SessionOrder.ALL;
        try (ServerProcess server = startOracle()) {
            run(server, 2, options);
        }
    }

    /** The canary: whoever looks through this proxy sees halves of MSETs. */
    @Test
    void tornMsetIsCaught() throws Exception {
        HistoriesRun.Options options = new HistoriesRun.Options();
        options.seconds = 20;
        options.roundSeconds = 1;
        options.works = EnumSet.of(HistoryClient.Work.REGISTERS);
        try (ServerProcess server = startSubject();
                FracturingProxy proxy = new FracturingProxy(server.port())) {
            HistoriesRun run = new HistoriesRun(proxy.port(), options);
            run.run();
            assertTrue(
                    run.failures().stream().anyMatch(f -> f.contains("fractured read")),
                    run.failures()::toString);
        }
    }

    private static void run(ServerProcess server, double seconds, HistoriesRun.Options options)
            throws Exception {
        options.seconds = seconds;
        options.seed = seed(20261123);
        options.cutEvery = 300;
        HistoriesRun run = new HistoriesRun(server.port(), options);
        HistoriesRun.Figures figures = run.run();
        assertEquals(
                List.of(),
                run.failures(),
                () -> "-Dironcache.seed=" + options.seed + server.logTail());
        assertTrue(figures.units() > 100 && figures.snapshots() > 0, figures.toString());
    }
}
