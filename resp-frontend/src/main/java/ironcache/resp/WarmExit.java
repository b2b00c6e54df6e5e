package ironcache.resp;

import ironcache.ffm.Clock;
import ironcache.recovery.WarmState;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The end of a process whose data are to live on: each shard's thread leaves the shard's state behind when all of them have drained. */
final class WarmExit {
    private final Path directory;
    private final @Nullable Path stateDirectory;
    private final long shutdown;
    private final Clock clock;
    private final AtomicInteger keeping = new AtomicInteger();

    /**
     * @param stateDirectory null: each state in its shard's directory
     * @param shutdown a number that no other process has
     */
    WarmExit(Path directory, @Nullable Path stateDirectory, long shutdown, Clock clock) {
        this.clock = clock;
        this.directory = directory;
        this.stateDirectory = stateDirectory;
        this.shutdown = shutdown;
    }

    /** Whether some shard's state is being written. Any thread. */
    boolean isKeeping() {
        return keeping.get() > 0;
    }

    /** On the worker's thread. */
    void keep(Node node, Worker worker) {
        if (!node.config.get("warm-restart").isYes() || node.forgetful) {
            return;
        }
        if (node.loading) {
            // What it was started from is still there.
            node.log.warn("no state is kept: the data were still being loaded");
            return;
        }
        if (node.shards.isAnyHeld()) {
            node.log.warn("no state is kept: a transaction was in the middle of its work");
            return;
        }
        keeping.incrementAndGet();
        int shard = worker.partition().number;
        Path file = WarmState.file(directory, stateDirectory, shard);
        long from = clock.nanoTime();
        try {
            long bytes = worker.keepState(file, directory, shutdown, node.shards.all.length);
            node.log.notice(
                    "state of shard "
                            + shard
                            + " kept: "
                            + (bytes >> 20)
                            + " MB in "
                            + (clock.nanoTime() - from) / 1_000_000
                            + " ms");
        } catch (IOException e) {
            node.log.warn(
                    "the state of shard "
                            + shard
                            + " could not be kept, only what snapshots and log have is: "
                            + e.getMessage());
        }
        keeping.decrementAndGet();
    }
}
