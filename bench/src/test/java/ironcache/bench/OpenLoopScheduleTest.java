package ironcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class OpenLoopScheduleTest {
    @Test
    void requestsAreDueByTheClockWhateverWasSent() {
        OpenLoopSchedule schedule = new OpenLoopSchedule(1000);
        schedule.start(5_000_000);
        for (int i = 0; i < 10; i++) {
            assertEquals(5_000_000 + i * 1_000_000L, schedule.dueNs());
            schedule.advance();
        }
    }

    @Test
    void roundingDoesNotAddUp() {
        OpenLoopSchedule schedule = new OpenLoopSchedule(3);
        schedule.start(0);
        for (int i = 0; i < 3_000_000; i++) {
            schedule.advance();
        }
        assertEquals(1e15, (double) schedule.dueNs(), 1e3);
    }

    /** A server that pauses for a second: the requests due meanwhile must each show their own share of the pause. */
    @Test
    void aPauseShowsInAllRequestsThatFellIntoIt() {
        OpenLoopSchedule schedule = new OpenLoopSchedule(1000);
        LoadStats stats = new LoadStats(List.of(Operation.GET));
        schedule.start(0);
        stats.start(0);
        long pauseEndNs = 1_000_000_000;
        assertEquals(1001, schedule.backlog(pauseEndNs));
        while (schedule.dueNs() < pauseEndNs) {
            stats.record(Operation.GET, pauseEndNs - schedule.dueNs(), 1);
            schedule.advance();
        }
        var latency = stats.of(Operation.GET).latencyNs;
        assertEquals(1000, latency.getTotalCount());
        assertEquals(500_000_000, (double) latency.getValueAtPercentile(50), 5_000_000);
        assertTrue(latency.getMaxValue() >= 999_000_000);
    }

    @Test
    void statsCountOnlyBetweenStartAndFreeze() {
        LoadStats stats = new LoadStats(List.of(Operation.GET));
        stats.start(0);
        stats.record(Operation.GET, 10_000, 16);
        stats.repliesArrived(1_500_000_000, 16);
        stats.freeze();
        stats.record(Operation.GET, 10_000, 16);
        stats.repliesArrived(2_500_000_000L, 16);
        stats.error(Operation.GET, "late");
        assertEquals(16, stats.replies());
        assertEquals(16, stats.of(Operation.GET).latencyNs.getTotalCount());
        assertEquals(1_500_000_000, stats.stallNsMax());
        assertEquals(0, stats.of(Operation.GET).errors);
        stats.start(0);
        assertEquals(0, stats.replies());
    }
}
