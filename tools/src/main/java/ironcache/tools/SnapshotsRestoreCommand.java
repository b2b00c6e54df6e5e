package ironcache.tools;

import ironcache.wal.Damage;
import ironcache.wal.Manifest;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code snapshots restore DIR N --to NEW}: a new data directory with copies of that snapshot's files and a manifest that names nothing else. It is verified before it counts.
 */
@Command(
        name = "restore",
        description = {
            "Makes a new data directory that starts as the data were at a snapshot. Never writes to DIR.",
            "Start a server on it with --dir NEW and as many --shards."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:NEW is whole, and verified",
            "1:the manifest or a file of the snapshot is damaged or missing; NEW is marked as not whole: see recover",
            "2:wrong usage",
            "3:no such snapshot, DIR cannot be read, NEW cannot be written or is not empty",
            "130:interrupted; NEW is marked as not whole"
        })
final class SnapshotsRestoreCommand implements Callable<Integer> {
    private static final long COPY_BYTES = 16L << 20;

    @Mixin private CommonOptions common = new CommonOptions();

    @Parameters(index = "0", paramLabel = "DIR", description = "The data directory.")
    private Path directory = Path.of("");

    @Parameters(
            index = "1",
            paramLabel = "N",
            description = "The snapshot's number, as snapshots list says it.")
    private long number;

    @Option(
            names = "--to",
            required = true,
            paramLabel = "NEW",
            description = "The directory to make; absent or empty.")
    private Path target = Path.of("");

    @Option(
            names = "--force",
            description =
                    "Even though a running server holds DIR. It may delete the snapshot meanwhile; then that is said.")
    private boolean force;

    private final Cancellation cancellation = new Cancellation();

    @Override
    public Integer call() throws IOException {
        DataDirectory found = DataDirectory.open(directory);
        found.refuseHeld(force);
        NewDirectory.check(target, directory);
        Manifest manifest = found.manifest();
        Manifest.Snapshot snapshot = SnapshotFiles.chosen(found, manifest, number);
        SnapshotFiles files = SnapshotFiles.of(found, snapshot);
        files.check();
        ToolProgress progress = new ToolProgress("restore", common.silent());
        CommonOptions.onInterrupt(cancellation::cancel);
        long bytes;
        List<Damage> findings;
        try (progress) {
            for (Path file : files.all()) {
                // Copied, then verified.
                progress.expect(2 * Files.size(file));
            }
            NewDirectory made = NewDirectory.begin(target, "snapshots restore");
            bytes = copy(files, progress);
            made.publish(manifestOf(manifest, snapshot));
            findings = verify(progress);
            if (findings.isEmpty()) {
                made.complete();
            }
        } catch (InterruptedToolException e) {
            throw new InterruptedToolException(NewDirectory.notWhole(target));
        } finally {
            CommonOptions.done();
        }
        report(snapshot, bytes, findings, progress);
        return findings.isEmpty() ? ExitCode.FINE : ExitCode.DAMAGE;
    }

    /** @return bytes copied */
    private long copy(SnapshotFiles files, ToolProgress progress) throws IOException {
        long bytes = 0;
        for (int i = 0; i < files.shards().size(); i++) {
            Path to = target.resolve("shard-" + i);
            Files.createDirectories(to);
            for (Path file : files.shards().get(i)) {
                bytes += copy(file, to.resolve(String.valueOf(file.getFileName())), progress);
            }
            NewDirectory.sync(to);
        }
        return bytes;
    }

    /** That snapshot, and no log behind it. */
    private static Manifest manifestOf(Manifest manifest, Manifest.Snapshot snapshot) {
        List<Manifest.ShardFiles> shards = new ArrayList<>();
        for (int i = 0; i < snapshot.parts().size(); i++) {
            int segmentPages = manifest.shards().get(i).segmentPages();
            long cut = snapshot.parts().get(i).cutSeqno();
            shards.add(new Manifest.ShardFiles(segmentPages, 0, 0, 0, cut));
        }
        // A later generation than that of any image: a server names its next image by it.
        return new Manifest(
                manifest.generation() + 1,
                manifest.nodeId(),
                manifest.hashSeed(),
                manifest.epoch(),
                shards,
                List.of(snapshot));
    }

    private long copy(Path from, Path to, ToolProgress progress) throws IOException {
        try (FileChannel in = FileChannel.open(from, StandardOpenOption.READ);
                FileChannel out =
                        FileChannel.open(
                                to, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            long bytes = in.size();
            long at = 0;
            while (at < bytes) {
                cancellation.check();
                long copied = in.transferTo(at, Math.min(COPY_BYTES, bytes - at), out);
                if (copied <= 0) {
                    throw new DamageException(new Damage(from, at, "length", "" + bytes, "" + at));
                }
                at += copied;
                progress.did(copied);
                progress.show();
            }
            out.force(true);
            return bytes;
        }
    }

    /** What is wrong with the new directory. */
    private List<Damage> verify(ToolProgress progress) {
        Verification verification = new Verification(DataDirectory.open(target), progress);
        cancellation.tell(verification::cancel);
        verification.run(Runtime.getRuntime().availableProcessors());
        cancellation.check();
        return verification.findings();
    }

    private void report(
            Manifest.Snapshot snapshot, long bytes, List<Damage> findings, ToolProgress progress) {
        if (common.json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("directory", directory);
            result.put("snapshot", snapshot.number());
            result.put("to", target);
            result.put("ok", findings.isEmpty());
            result.put("shards", snapshot.parts().size());
            result.put("keys", snapshot.keys());
            result.put("bytes", bytes);
            result.put("findings", findings.stream().map(VerifyCommand::json).toList());
            result.put("seconds", progress.seconds());
            System.out.println(Json.of(result));
            return;
        }
        findings.forEach(damage -> System.out.println("DAMAGED: " + damage));
        if (!findings.isEmpty()) {
            System.out.println(
                    "snapshot "
                            + snapshot.number()
                            + ", copied to "
                            + target
                            + ", is damaged, and marked so; to save what is not: ironcache-tool"
                            + " recover");
            return;
        }
        System.out.printf(
                Locale.ROOT,
                "snapshot %d restored to %s: %,d keys, %,.1f MB in %.1f s, verified%n",
                snapshot.number(),
                target,
                snapshot.keys(),
                bytes / 1e6,
                progress.seconds());
        System.out.println(
                "to start it: ironcache server --dir "
                        + target
                        + " --shards "
                        + snapshot.parts().size());
    }
}
