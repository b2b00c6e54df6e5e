package ironcache.bench;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * Row 1: 6 GB of incompressible 1 KiB values into {@code --maxmemory 512mb} by a stock client ({@code valkey-cli --pipe}),
 * then every value read back and compared; resident memory must never pass 590 MB.
 */
final class LargerThanMemoryScenario implements Scenario {
    private static final long KEYS = 6L << 20;
    private static final long RSS_BYTES_MAX = 590_000_000;

    @Override
    public void run(Harness harness) throws IOException {
        Report report = harness.report();
        long keys = harness.scaled(KEYS);
        report.heading("Row 1: 6 GB of 1 KiB values in 512 MB");
        ServerProcess server =
                harness.start(ServerProcess.Kind.IRONCACHE, "--maxmemory", harness.scaledMb(512));
        try (ResidentSampler sampler = new ResidentSampler(server.figures()).start()) {
            LoadOptions options = new LoadOptions();
            options.port = server.port();
            options.keys = keys;
            options.valueSize = "1024";
            options.load = true;
            long startNs = System.nanoTime();
            String said = insert(harness, server, options);
            double seconds = (System.nanoTime() - startNs) / 1e9;
            report.line(
                    "Loaded %,d values by valkey-cli --pipe in %.0f s = %,.0f per second; it says: %s",
                    keys, seconds, keys / seconds, said);
            long peakAfterLoad = server.figures().rssPeakBytes();

            LoadResult read = harness.readAll(server, keys, options.valueSize);
            report.code(read.toText());
            long peak = server.figures().rssPeakBytes();
            long onDisk = server.figures().writtenBytes();
            report.line(
                    "Right: %,d of %,d. %s",
                    read.replies() - read.errors(),
                    keys,
                    read.errors() == 0 && read.replies() == keys
                            ? "All right."
                            : "**NOT ALL RIGHT.**");
            report.line(
                    "Peak RSS: %.1f MB after the load, %.1f MB after reading; at most %.0f MB: %s. Written: %.2f GB.",
                    peakAfterLoad / 1e6,
                    peak / 1e6,
                    RSS_BYTES_MAX / 1e6,
                    peak <= RSS_BYTES_MAX ? "met" : "MISSED",
                    onDisk / 1e9);
            report.lines(
                    "Row 1: resident memory, MB",
                    "MB",
                    1,
                    Map.of("IronCache", sampler.megabytes()));
        }
        harness.stop(server);
    }

    private static String insert(Harness harness, ServerProcess server, LoadOptions options)
            throws IOException {
        Process client =
                new ProcessBuilder(
                                List.of(
                                        harness.options()
                                                .oracleHome()
                                                .resolve("bin/valkey-cli")
                                                .toString(),
                                        "-p",
                                        Integer.toString(server.port()),
                                        "--pipe"))
                        .redirectErrorStream(true)
                        .start();
        try (OutputStream out = new BufferedOutputStream(client.getOutputStream(), 1 << 16)) {
            MassInsertion.write(options, out);
        }
        String said = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!said.contains("errors: 0, replies: " + options.keys)) {
            throw new IOException("valkey-cli --pipe: " + said);
        }
        return said.lines().reduce((first, last) -> last).orElse("");
    }
}
