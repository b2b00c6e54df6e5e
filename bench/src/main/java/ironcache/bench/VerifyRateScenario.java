package ironcache.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code ironcache-tool verify} of a directory that has some of everything: an image, pages of the SSD tier, a log. From the disk,
 * cold, against what the disk gives; and by one thread on one core, from a file system in memory.
 */
final class VerifyRateScenario implements Scenario {
    private static final double OF_DISK_MIN = 0.7;
    private static final double GB_PER_CORE_MIN = 1;
    private static final double GIGABYTES_IN_MEMORY_MAX = 2;
    private static final Path MEMORY = Path.of("/dev/shm");
    private static final String DATA_FILES = ".*\\.iron";

    /** One run of the tool; rates are of what it says it read in the time that it says it took. */
    private record Verified(double bytes, double seconds, double wholeSeconds, double cpuSeconds) {
        double mbPerSecond() {
            return bytes / 1e6 / seconds;
        }
    }

    @Override
    public boolean onAllCores() {
        return true;
    }

    @Override
    public void run(Harness harness) throws IOException {
        SideBySide options = harness.options();
        Report report = harness.report();
        report.heading(
                String.format(
                        Locale.ROOT,
                        "Durability: ironcache-tool verify, a set of %.1f GB",
                        options.gigabytes()));
        report.line("Data on %s. Its rate: %s.", harness.dataFileSystem(), SequentialRead.by());
        // Builds the tool where it is older than its sources.
        Harness.output(List.of(tool(harness), "--version"));
        List<List<String>> rows = new ArrayList<>();
        Spread ofDisk = fromDisk(harness, StoredSet.ofGigabytes(options.gigabytes()), rows);
        Spread perCore =
                fromMemory(
                        harness,
                        StoredSet.ofGigabytes(
                                Math.min(options.gigabytes(), GIGABYTES_IN_MEMORY_MAX)),
                        rows);
        report.table(
                List.of(
                        "",
                        "round",
                        "MB",
                        "seconds",
                        "MB/s",
                        "disk, MB/s",
                        "command s",
                        "CPU s",
                        "MB per CPU-second"),
                rows);
        report.table(
                List.of("verify", "", "at least"),
                List.of(
                        ofDisk.rowAtLeast("of the disk's rate", "%.2f", OF_DISK_MIN, "%.1f"),
                        perCore.rowAtLeast(
                                "GB/s from memory, one core", "%.2f", GB_PER_CORE_MIN, "%.0f")));
    }

    private static Spread fromDisk(Harness harness, StoredSet set, List<List<String>> rows)
            throws IOException {
        ServerProcess server = directory(harness, set);
        List<Path> files = SequentialRead.filesBelow(server.dir(), DATA_FILES);
        double[] ofDisk = new double[harness.options().rounds()];
        for (int round = 0; round < ofDisk.length; round++) {
            SequentialRead.dropFromPageCache(files);
            double diskMb = SequentialRead.bytesPerSecond(files) / 1e6;
            SequentialRead.dropFromPageCache(files);
            Verified verified = verify(harness, server.dir(), harness.serverCores());
            ofDisk[round] = verified.mbPerSecond() / diskMb;
            rows.add(
                    row("from disk", round, verified, String.format(Locale.ROOT, "%,.0f", diskMb)));
        }
        harness.stop(server);
        return Spread.of(ofDisk);
    }

    private static Spread fromMemory(Harness harness, StoredSet set, List<List<String>> rows)
            throws IOException {
        ServerProcess server = directory(harness, set);
        Path copy = Files.createTempDirectory(MEMORY, "ironcache-verify-");
        double[] gbPerSecond = new double[harness.options().rounds()];
        try {
            copyTree(server.dir(), copy);
            for (int round = 0; round < gbPerSecond.length; round++) {
                Verified verified =
                        verify(harness, copy, SideBySide.SERVER_CORES, "--threads", "1");
                gbPerSecond[round] = verified.mbPerSecond() / 1e3;
                rows.add(row("from memory, one core", round, verified, "-"));
            }
        } finally {
            Harness.deleteTree(copy);
        }
        harness.stop(server);
        return Spread.of(gbPerSecond);
    }

    /** A third of the set in RAM and so in the image, the rest in pages; another third was overwritten after the snapshot. */
    private static ServerProcess directory(Harness harness, StoredSet set) throws IOException {
        ServerProcess server =
                harness.start(
                        ServerProcess.Kind.IRONCACHE,
                        "--maxmemory",
                        set.memory(1.0 / 3, 256),
                        "--appendonly",
                        "yes",
                        "--auto-aof-rewrite-percentage",
                        "0",
                        "--warm-restart",
                        "no");
        set.load(harness, server);
        LoadOptions overwrite = set.requests(harness, server, "set");
        overwrite.requests = set.keys() / 3;
        try (AdminClient client = server.connect()) {
            client.command("SAVE");
        }
        harness.run(server, overwrite);
        server.terminate();
        return server;
    }

    private static Verified verify(
            Harness harness, Path directory, String cores, String... settings) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "taskset",
                                "-c",
                                cores,
                                tool(harness),
                                "verify",
                                directory.toString(),
                                "--json",
                                "--quiet"));
        command.addAll(List.of(settings));
        long startNs = System.nanoTime();
        long cpuNs = ProcessFigures.endedChildrenCpuNs();
        String json = Harness.output(command);
        return new Verified(
                number(json, "bytes"),
                number(json, "seconds"),
                (System.nanoTime() - startNs) / 1e9,
                (ProcessFigures.endedChildrenCpuNs() - cpuNs) / 1e9);
    }

    private static String tool(Harness harness) {
        return harness.options()
                .home(ServerProcess.Kind.IRONCACHE)
                .resolve("ironcache-tool")
                .toString();
    }

    private static double number(String json, String name) throws IOException {
        Matcher found = Pattern.compile('"' + name + "\"\\s*:\\s*([0-9.Ee+-]+)").matcher(json);
        if (!found.find()) {
            throw new IOException("verify says nothing of " + name + ":\n" + json);
        }
        return Double.parseDouble(found.group(1));
    }

    private static List<String> row(String title, int round, Verified verified, String disk) {
        List<String> row =
                List.of(
                        title,
                        Integer.toString(round + 1),
                        String.format(Locale.ROOT, "%,.0f", verified.bytes / 1e6),
                        String.format(Locale.ROOT, "%.2f", verified.seconds),
                        String.format(Locale.ROOT, "%,.0f", verified.mbPerSecond()),
                        disk,
                        String.format(Locale.ROOT, "%.2f", verified.wholeSeconds),
                        String.format(Locale.ROOT, "%.2f", verified.cpuSeconds),
                        String.format(
                                Locale.ROOT, "%,.0f", verified.bytes / 1e6 / verified.cpuSeconds));
        System.err.println(String.join("  ", row));
        return row;
    }

    private static void copyTree(Path from, Path to) throws IOException {
        try (var paths = Files.walk(from)) {
            for (Path path : paths.toList()) {
                Path target = to.resolve(from.relativize(path).toString());
                if (Files.isDirectory(path)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(path, target);
                }
            }
        }
    }
}
