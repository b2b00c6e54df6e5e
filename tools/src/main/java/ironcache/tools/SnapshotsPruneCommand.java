package ironcache.tools;

import ironcache.recovery.RebuiltNode;
import ironcache.recovery.WarmState;
import ironcache.wal.Manifest;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code snapshots prune --keep N DIR}: publishes a manifest that names the newest N snapshots only, and when that is durable deletes what only the others needed. The one command that
 * changes a directory that it is given; it holds the server's lock meanwhile.
 */
@Command(
        name = "prune",
        description = {
            "Forgets all snapshots but the newest, and deletes what only they needed. The newest always stays: the data are read back from it.",
            "Only with the server stopped: it holds ironcache.lock."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done, or there was nothing to do",
            "1:the newest manifest is damaged, or one that stays lacks files: nothing was changed",
            "2:wrong usage",
            "3:a server holds DIR, or the state of the last shutdown is there; nothing was changed",
            "130:interrupted; files that are left over do no harm, the next start deletes them"
        })
final class SnapshotsPruneCommand implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;
    @Mixin private CommonOptions common = new CommonOptions();

    @Parameters(paramLabel = "DIR", description = "The data directory.")
    private Path directory = Path.of("");

    @Option(
            names = "--keep",
            required = true,
            paramLabel = "N",
            description = "How many stay, 1 at least.")
    private int keep;

    @Option(
            names = "--state-file",
            paramLabel = "PATH",
            description = "The server's --state-file, where it has one.")
    private @Nullable Path stateDirectory;

    @Option(
            names = "--drop-state",
            description = {
                "Sets the state of the last shutdown aside. Only where a log is kept, which has all of it: the next start then reads that back,"
                        + " which takes longer."
            })
    private boolean dropState;

    private final Cancellation cancellation = new Cancellation();
    private final List<Path> deleted = new ArrayList<>();
    private long freedBytes;

    @Override
    public Integer call() throws IOException {
        if (keep < 1) {
            throw new ParameterException(
                    Objects.requireNonNull(spec).commandLine(),
                    "--keep " + keep + ": 1 at least: the data are read back from the newest");
        }
        // Before the lock makes a file in what is no data directory.
        DataDirectory.open(directory);
        CommonOptions.onInterrupt(cancellation::cancel);
        try (FileChannel lock = DataDirectory.open(directory).hold()) {
            assert lock.isOpen();
            prune(DataDirectory.open(directory));
        } finally {
            CommonOptions.done();
        }
        return ExitCode.FINE;
    }

    private void prune(DataDirectory found) throws IOException {
        Manifest manifest = found.manifest();
        List<Manifest.Snapshot> all = manifest.snapshots();
        int over = Math.max(0, all.size() - keep);
        List<Manifest.Snapshot> dropped = all.subList(0, over);
        List<Manifest.Snapshot> kept = all.subList(over, all.size());
        if (over > 0) {
            for (Manifest.Snapshot snapshot : kept) {
                SnapshotFiles.of(found, snapshot).check();
            }
            setStateAside(manifest);
            Manifest next =
                    new Manifest(
                            manifest.generation() + 1,
                            manifest.nodeId(),
                            manifest.hashSeed(),
                            manifest.epoch(),
                            manifest.shards(),
                            kept);
            cancellation.check();
            RebuiltNode.publish(directory, next);
            delete(found, next, dropped);
        }
        report(dropped, kept);
    }

    /** It goes with the manifest that it was left under, and would be refused. */
    private void setStateAside(Manifest manifest) throws IOException {
        List<Path> states = new ArrayList<>();
        for (int i = 0; i < manifest.shards().size(); i++) {
            for (Path at : new Path[] {null, stateDirectory}) {
                Path file = WarmState.file(directory, at, i);
                if (Files.exists(file) && !states.contains(file)) {
                    states.add(file);
                }
            }
        }
        boolean logged =
                manifest.shards().stream()
                        .allMatch(
                                shard ->
                                        shard.logFromGeneration() != 0
                                                && shard.logToGeneration() == 0);
        if (!states.isEmpty() && !(dropState && logged)) {
            throw new ToolException(
                    states.getFirst()
                            + ": the last shutdown left the data in RAM there, and this belongs to the"
                            + " manifest as it is. "
                            + (logged
                                    ? "The log has all of it: say --drop-state, and the next start"
                                            + " reads the log back"
                                    : "No log has it. Start the server, BGSAVE, then SHUTDOWN"
                                            + " NOSAVE, then prune"));
        }
        for (Path state : states) {
            Files.move(
                    state,
                    state.resolveSibling(state.getFileName() + ".refused"),
                    StandardCopyOption.REPLACE_EXISTING);
            NewDirectory.sync(Objects.requireNonNull(state.toAbsolutePath().getParent()));
        }
    }

    /** What the dropped ones needed and nothing else does. */
    private void delete(DataDirectory found, Manifest next, List<Manifest.Snapshot> dropped)
            throws IOException {
        Set<Path> needed = new HashSet<>();
        next.snapshots().forEach(one -> needed.addAll(SnapshotFiles.of(found, one).all()));
        for (int i = 0; i < next.shards().size(); i++) {
            LogRange range = LogRange.of(next, i);
            if (range != null) {
                found.shard(i).logs.tailMap(range.from(), true).values().forEach(needed::add);
            }
        }
        Set<Path> unneeded = new HashSet<>();
        dropped.forEach(one -> unneeded.addAll(SnapshotFiles.of(found, one).all()));
        for (DataDirectory.ShardDirectory shard : found.shards.values()) {
            // Between two snapshots there may be log that belongs to neither.
            shard.logs.values().forEach(unneeded::add);
        }
        unneeded.removeAll(needed);
        for (Path file : unneeded.stream().sorted().toList()) {
            cancellation.check();
            if (Files.exists(file)) {
                freedBytes += Files.size(file);
                Files.delete(file);
                deleted.add(file);
            }
        }
    }

    private void report(List<Manifest.Snapshot> dropped, List<Manifest.Snapshot> kept) {
        List<Long> numbers = dropped.stream().map(Manifest.Snapshot::number).toList();
        if (common.json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("directory", directory);
            result.put("ok", true);
            result.put("dropped", numbers);
            result.put("kept", kept.stream().map(Manifest.Snapshot::number).toList());
            result.put("deleted", deleted);
            result.put("bytes", freedBytes);
            System.out.println(Json.of(result));
        } else if (dropped.isEmpty()) {
            System.out.println("nothing to do: " + kept.size() + " snapshots are kept");
        } else {
            System.out.printf(
                    Locale.ROOT,
                    "dropped %s, kept %s; %d files deleted, %,.1f MB%n",
                    numbers,
                    kept.stream().map(Manifest.Snapshot::number).toList(),
                    deleted.size(),
                    freedBytes / 1e6);
        }
    }
}
