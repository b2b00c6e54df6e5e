package ironcache.tools;

import ironcache.engine.Shard;
import ironcache.hybridlog.Address;
import ironcache.recovery.StoredShard;
import ironcache.recovery.WarmState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code stat DIR}: what is in a data directory and where its bytes are: files, segments of the SSD tier, keys ({@link StatReport}). */
@Command(
        name = "stat",
        description = {
            "What a stopped server's directory holds: bytes of log, images and state; live and dead bytes of each segment of the SSD tier; keys and bytes by type, by prefix and by the time that they have left.",
            "Reads each key once, those on the SSD tier too. Changes nothing in DIR."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all was counted",
            "1:damage was found: see verify",
            "2:wrong usage",
            "3:DIR cannot be used, or a server holds it",
            "130:interrupted"
        })
final class StatCommand implements Callable<Integer> {
    @Mixin private CommonOptions common = new CommonOptions();
    @Mixin private StoredDataOptions options = new StoredDataOptions();

    @Parameters(paramLabel = "DIR", description = "The data directory.")
    private Path directory = Path.of("");

    @Option(
            names = "--separator",
            paramLabel = "C",
            description =
                    "A key's prefix ends with the first of this character (${DEFAULT-VALUE}).")
    private char separator = ':';

    @Option(
            names = "--prefixes",
            paramLabel = "N",
            description = "So many, those with the most bytes (${DEFAULT-VALUE}).")
    private int prefixes = 20;

    private final Cancellation cancellation = new Cancellation();

    /** Files of a shard by kind. */
    private record FileBytes(int shard, long log, long images, long segments, long state) {}

    /** A segment of the SSD tier. */
    private record Segment(
            int shard,
            int number,
            String state,
            long writtenBytes,
            long liveBytes,
            long liveRecords,
            int images,
            boolean damaged) {
        long deadBytes() {
            return Math.max(0, writtenBytes - liveBytes);
        }
    }

    @Override
    public Integer call() throws IOException {
        DataDirectory found = DataDirectory.open(directory);
        found.refuseHeld(false);
        CommonOptions.onInterrupt(cancellation::cancel);
        List<FileBytes> files = files(found);
        List<Segment> segments = new ArrayList<>();
        long nowMillis = System.currentTimeMillis();
        StatReport report = new StatReport(separator, nowMillis);
        try (StoredData data = StoredData.open(found, options, common, cancellation)) {
            ToolProgress progress =
                    new ToolProgress("stat", common.silent(), ToolProgress.Unit.KEYS);
            progress.expect(data.keyCount());
            try (progress) {
                for (int i = 0; i < data.shards().size(); i++) {
                    StoredShard shard = data.shards().get(i);
                    segments(i, shard, segments);
                    count(shard, nowMillis, report, progress);
                }
            }
            if (common.json) {
                json(data, files, segments, report, progress);
            } else {
                print(data, files, segments, report, progress);
            }
        } finally {
            CommonOptions.done();
        }
        return ExitCode.FINE;
    }

    private void count(
            StoredShard shard, long nowMillis, StatReport report, ToolProgress progress) {
        for (int db = 0; db < Shard.DATABASES; db++) {
            int current = db;
            shard.scan(
                    nowMillis,
                    db,
                    record -> {
                        report.add(current, record);
                        progress.did(1);
                        progress.show();
                        cancellation.check();
                    });
        }
    }

    private static void segments(int number, StoredShard shard, List<Segment> segments) {
        shard.shard()
                .visitSegments(
                        (segment, state, pages, live, records, images, damaged) ->
                                segments.add(
                                        new Segment(
                                                number,
                                                segment,
                                                state,
                                                (long) pages << Address.PAGE_SHIFT,
                                                live,
                                                records,
                                                images,
                                                damaged)));
    }

    private List<FileBytes> files(DataDirectory found) throws IOException {
        Path elsewhere = options.stateDirectory();
        List<FileBytes> all = new ArrayList<>();
        for (DataDirectory.ShardDirectory shard : found.shards.values()) {
            long state = size(WarmState.file(directory, null, shard.number));
            state +=
                    elsewhere == null
                            ? 0
                            : size(WarmState.file(directory, elsewhere, shard.number));
            all.add(
                    new FileBytes(
                            shard.number,
                            sizes(shard.logs.values()),
                            sizes(shard.images.values()),
                            sizes(shard.segments.values()),
                            state));
        }
        return all;
    }

    private static long sizes(Collection<Path> files) throws IOException {
        long bytes = 0;
        for (Path file : files) {
            bytes += size(file);
        }
        return bytes;
    }

    private static long size(@Nullable Path file) throws IOException {
        return file == null || !Files.exists(file) ? 0 : Files.size(file);
    }

    private void json(
            StoredData data,
            List<FileBytes> files,
            List<Segment> segments,
            StatReport report,
            ToolProgress progress) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("directory", directory);
        result.put("ok", true);
        result.put("from", data.origin());
        result.put("notes", data.notes());
        result.put("keys", report.all.keys);
        result.put("bytes", report.all.bytes);
        List<Map<String, Object>> shards = new ArrayList<>();
        for (FileBytes one : files) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("shard", one.shard);
            map.put("log_bytes", one.log);
            map.put("image_bytes", one.images);
            map.put("segment_bytes", one.segments);
            map.put("state_bytes", one.state);
            shards.add(map);
        }
        result.put("shards", shards);
        List<Map<String, Object>> tier = new ArrayList<>();
        for (Segment one : segments) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("shard", one.shard);
            map.put("segment", one.number);
            map.put("state", one.state.toLowerCase(Locale.ROOT));
            map.put("written_bytes", one.writtenBytes);
            map.put("live_bytes", one.liveBytes);
            map.put("dead_bytes", one.deadBytes());
            map.put("live_records", one.liveRecords);
            map.put("images", one.images);
            map.put("damaged", one.damaged);
            tier.add(map);
        }
        result.put("segments", tier);
        List<Map<String, Object>> databases = new ArrayList<>();
        report.databases.forEach((db, sum) -> databases.add(sum.json("database", "" + db)));
        result.put("databases", databases);
        result.put("types", sums("type", report.types.entrySet()));
        result.put("ttl", sums("left", report.ttls.entrySet()));
        result.put("prefixes", sums("prefix", report.largestPrefixes(prefixes)));
        result.put("seconds", progress.seconds());
        System.out.println(Json.of(result));
    }

    private static List<Map<String, Object>> sums(
            String name, Collection<Map.Entry<String, StatReport.Sum>> entries) {
        List<Map<String, Object>> list = new ArrayList<>();
        entries.forEach(entry -> list.add(entry.getValue().json(name, entry.getKey())));
        return list;
    }

    private void print(
            StoredData data,
            List<FileBytes> files,
            List<Segment> segments,
            StatReport report,
            ToolProgress progress) {
        data.notes().forEach(note -> System.out.println("note: " + note));
        System.out.printf(
                Locale.ROOT,
                "%,d keys, %,.1f MB of records and values, from %s; counted in %.1f s%n%n",
                report.all.keys,
                report.all.bytes / 1e6,
                data.origin(),
                progress.seconds());
        System.out.println("files, MB      log    images  segments     state");
        for (FileBytes one : files) {
            System.out.printf(
                    Locale.ROOT,
                    "shard %-4d %,8.1f  %,8.1f  %,8.1f  %,8.1f%n",
                    one.shard,
                    one.log / 1e6,
                    one.images / 1e6,
                    one.segments / 1e6,
                    one.state / 1e6);
        }
        if (!segments.isEmpty()) {
            System.out.println("\nSSD tier, MB            written      live      dead  records");
        }
        for (Segment one : segments) {
            System.out.printf(
                    Locale.ROOT,
                    "shard %-3d segment %-5d %,8.1f  %,8.1f  %,8.1f  %,8d  %s%s%s%n",
                    one.shard,
                    one.number,
                    one.writtenBytes / 1e6,
                    one.liveBytes / 1e6,
                    one.deadBytes() / 1e6,
                    one.liveRecords,
                    one.state.toLowerCase(Locale.ROOT),
                    one.images > 0 ? ", in a snapshot" : "",
                    one.damaged ? ", DAMAGED" : "");
        }
        table("type", report.types.entrySet(), report);
        table("time left", report.ttls.entrySet(), report);
        List<Map.Entry<String, StatReport.Sum>> databases = new ArrayList<>();
        report.databases.forEach((db, sum) -> databases.add(Map.entry("" + db, sum)));
        table("database", databases, report);
        table("prefix", report.largestPrefixes(prefixes), report);
    }

    private static void table(
            String title,
            Collection<Map.Entry<String, StatReport.Sum>> entries,
            StatReport report) {
        System.out.printf(Locale.ROOT, "%n%-32s %14s %12s%n", title, "keys", "MB");
        for (Map.Entry<String, StatReport.Sum> entry : entries) {
            StatReport.Sum sum = entry.getValue();
            if (sum.keys > 0) {
                System.out.printf(
                        Locale.ROOT,
                        "%-32s %,14d %,12.1f  %5.1f %%%n",
                        entry.getKey(),
                        sum.keys,
                        sum.bytes / 1e6,
                        100.0 * sum.bytes / Math.max(1, report.all.bytes));
            }
        }
    }
}
