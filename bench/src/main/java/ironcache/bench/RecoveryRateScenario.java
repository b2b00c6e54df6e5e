package ironcache.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** kill -9 with a log of all that there is, and a start: bytes of log by seconds from exec to the first right GET, cold cache. */
final class RecoveryRateScenario implements Scenario {
    private static final double MB_PER_SECOND_MIN = 500;
    private static final String LOG_FILES = "wal-.*\\.iron";

    @Override
    public boolean onAllCores() {
        return true;
    }

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        StoredSet set = StoredSet.ofGigabytes(options.gigabytes());
        report.heading("Durability: recovery from a log of " + set.title());
        report.line("Data on %s. Its rate: %s.", harness.dataFileSystem(), SequentialRead.by());
        String[] settings = {
            "--maxmemory",
            set.memoryForAll(),
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--auto-aof-rewrite-percentage",
            "0"
        };
        ServerProcess server = harness.start(ServerProcess.Kind.IRONCACHE, settings);
        set.load(harness, server);
        // What is written within 10 ms is synced within a second.
        ServerProcess.pauseMs(2000);
        double payloadMb;
        try (AdminClient client = server.connect()) {
            // Files have headers, padding, and room that was made in advance; that is no rate.
            payloadMb = Long.parseLong(client.info().get("aof_current_size")) / 1e6;
        }

        int rounds = options.rounds();
        double[] mbPerSecond = new double[rounds];
        double[] ofDisk = new double[rounds];
        List<List<String>> rows = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            server.kill();
            List<Path> files = SequentialRead.filesBelow(server.dir(), LOG_FILES);
            long bytes = SequentialRead.bytes(files);
            SequentialRead.dropFromPageCache(files);
            double diskMb = SequentialRead.bytesPerSecond(files) / 1e6;
            SequentialRead.dropFromPageCache(files);

            server = harness.restart(server, settings);
            double pongSeconds = server.startMs() / 1e3;
            double seconds = set.firstGetSeconds(server);
            double cpuSeconds = server.figures().cpuNs() / 1e9;
            mbPerSecond[round] = payloadMb / seconds;
            ofDisk[round] = mbPerSecond[round] / diskMb;
            rows.add(
                    List.of(
                            Integer.toString(round + 1),
                            Integer.toString(files.size()),
                            String.format(Locale.ROOT, "%,.0f", bytes / 1e6),
                            String.format(Locale.ROOT, "%,.0f", payloadMb),
                            String.format(Locale.ROOT, "%.2f", pongSeconds),
                            String.format(Locale.ROOT, "%.2f", seconds),
                            String.format(Locale.ROOT, "%.2f", cpuSeconds),
                            String.format(Locale.ROOT, "%,.0f", mbPerSecond[round]),
                            String.format(Locale.ROOT, "%,.0f", diskMb),
                            set.readAll(harness, server)));
            System.err.println(String.join("  ", rows.getLast()));
        }
        report.table(
                List.of(
                        "round",
                        "files",
                        "MB of files",
                        "MB of log in them",
                        "PONG s",
                        "first GET s",
                        "its CPU s until then",
                        "MB/s",
                        "disk, MB/s",
                        "read back"),
                rows);
        Spread rate = Spread.of(mbPerSecond);
        Spread share = Spread.of(ofDisk);
        boolean met = rate.median() >= MB_PER_SECOND_MIN || share.median() >= 1;
        report.line(
                "Recovery: %s MB/s, %s of the disk's rate; at least %.0f MB/s or the disk's rate: %s.",
                rate.toText("%,.0f"),
                share.toText("%.2f"),
                MB_PER_SECOND_MIN,
                met ? "met" : "MISSED");
        harness.stop(server);
    }
}
