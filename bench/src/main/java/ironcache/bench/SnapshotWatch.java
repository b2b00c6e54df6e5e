package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Looks at a server while a load is measured: its resident memory, and where it is told to, one BGSAVE after the other from the
 * beginning to the end of the interval, which ends with a snapshot. It asks the server as often where it makes none.
 */
final class SnapshotWatch implements LoadRun.Observer {
    private static final long INTERVAL_MS = 50;

    private final ServerProcess server;
    private final boolean saves;
    private final double secondsMin;
    private final Thread thread;
    private final List<Double> saveSeconds = new ArrayList<>();
    private long rssBytesMax;
    private volatile boolean isEnough;
    private @Nullable IOException failure;

    /** @param secondsMin how long to go on at least */
    SnapshotWatch(ServerProcess server, boolean saves, double secondsMin) {
        this.server = server;
        this.saves = saves;
        this.secondsMin = secondsMin;
        thread = Thread.ofPlatform().daemon().name("snapshot-watch").unstarted(this::watch);
    }

    @Override
    public void measureStarts() {
        thread.start();
    }

    @Override
    public boolean isEnough() {
        return isEnough;
    }

    @Override
    public void measureEnds() throws IOException {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
        if (failure != null) {
            throw failure;
        }
    }

    private void watch() {
        long startNs = System.nanoTime();
        try (AdminClient client = server.connect()) {
            do {
                if (saves) {
                    save(client);
                } else {
                    look(client);
                    ServerProcess.pauseMs(INTERVAL_MS);
                }
            } while (System.nanoTime() - startNs < secondsMin * 1e9);
        } catch (IOException e) {
            failure = e;
        } catch (AdminClient.ServerError e) {
            failure = new IOException("BGSAVE or INFO", e);
        } finally {
            isEnough = true;
        }
    }

    private void save(AdminClient client) throws IOException {
        long startNs = System.nanoTime();
        client.command("BGSAVE");
        Map<String, String> info;
        do {
            ServerProcess.pauseMs(INTERVAL_MS);
            info = look(client);
        } while (!"0".equals(info.get("rdb_bgsave_in_progress")));
        if (!"ok".equals(info.get("rdb_last_bgsave_status"))) {
            throw new IOException("BGSAVE failed: " + info);
        }
        saveSeconds.add((System.nanoTime() - startNs) / 1e9);
    }

    private Map<String, String> look(AdminClient client) throws IOException {
        rssBytesMax = Math.max(rssBytesMax, server.figures().rssBytes());
        return client.info("persistence");
    }

    /** Of all samples, one every 50 ms. */
    long rssBytesMax() {
        return rssBytesMax;
    }

    /** How many snapshots, and for how long each was made. */
    String saves() {
        return saveSeconds.isEmpty()
                ? "none"
                : String.format(
                        Locale.ROOT,
                        "%d, %.1f s each",
                        saveSeconds.size(),
                        saveSeconds.stream().mapToDouble(d -> d).average().orElse(0));
    }
}
