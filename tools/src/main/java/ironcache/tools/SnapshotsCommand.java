package ironcache.tools;

import ironcache.wal.Manifest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code snapshots}: {@code list DIR} says what the newest manifest does of the snapshots that are kept; restore and prune are classes of their own. */
@Command(
        name = "snapshots",
        description = "The snapshots that a data directory keeps: list, restore, prune.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "list|restore|prune",
        subcommands = {
            SnapshotsCommand.ListCommand.class,
            SnapshotsRestoreCommand.class,
            SnapshotsPruneCommand.class
        })
final class SnapshotsCommand implements Runnable {
    @Spec private CommandSpec spec;

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                spec.commandLine(), "snapshots: say list, restore or prune");
    }

    /** A snapshot as it is listed. */
    private record Row(Manifest.Snapshot snapshot, long bytes, int missing) {}

    @Command(
            name = "list",
            description =
                    "Lists them, oldest first; a start of the server goes on from the newest.",
            mixinStandardHelpOptions = true,
            exitCodeListHeading = "%nExit codes:%n",
            exitCodeList = {
                "0:listed",
                "1:the newest manifest is damaged, or files are missing",
                "2:wrong usage",
                "3:the directory cannot be looked at"
            })
    static final class ListCommand implements Callable<Integer> {
        @Mixin private CommonOptions common = new CommonOptions();

        @Parameters(paramLabel = "DIR", description = "The data directory.")
        private Path directory = Path.of("");

        @Override
        public Integer call() {
            DataDirectory found = DataDirectory.open(directory);
            Manifest manifest = found.manifest();
            List<Row> rows = new ArrayList<>();
            int missing = 0;
            for (Manifest.Snapshot snapshot : manifest.snapshots()) {
                Row row = row(found, snapshot);
                missing += row.missing;
                rows.add(row);
            }
            print(manifest, rows);
            return missing == 0 ? ExitCode.FINE : ExitCode.DAMAGE;
        }

        private static Row row(DataDirectory found, Manifest.Snapshot snapshot) {
            int missing =
                    (int)
                            SnapshotFiles.of(found, snapshot).all().stream()
                                    .filter(file -> !Files.exists(file))
                                    .count();
            return new Row(snapshot, snapshot.bytes(), missing);
        }

        private void print(Manifest manifest, List<Row> rows) {
            if (common.json) {
                List<Map<String, Object>> list = new ArrayList<>();
                for (Row row : rows) {
                    Map<String, Object> map = new LinkedHashMap<>();
                    map.put("number", row.snapshot.number());
                    map.put("time_ms", row.snapshot.timeMillis());
                    map.put("keys", row.snapshot.keys());
                    map.put("image_bytes", row.bytes);
                    map.put("shards", row.snapshot.parts().size());
                    map.put("missing_files", row.missing);
                    list.add(map);
                }
                System.out.println(
                        Json.of(Map.of("manifest", manifest.generation(), "snapshots", list)));
                return;
            }
            if (rows.isEmpty()) {
                System.out.println("no snapshots; the data are in the log from its begin");
            }
            for (Row row : rows) {
                System.out.printf(
                        Locale.ROOT,
                        "%6d  %s  %,12d keys  %,10.1f MB of images  %d shards%s%n",
                        row.snapshot.number(),
                        Instant.ofEpochMilli(row.snapshot.timeMillis()),
                        row.snapshot.keys(),
                        row.bytes / 1e6,
                        row.snapshot.parts().size(),
                        row.missing == 0 ? "" : "  " + row.missing + " FILES MISSING");
            }
        }
    }
}
