package ironcache.tools;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code recover DIR --to NEW}: {@link Salvage}, and its report. */
@Command(
        name = "recover",
        description = {
            "Saves what can be read of a damaged data directory into a new one, and says what was lost.",
            "Never writes to DIR. NEW is as after a snapshot: start a server on it with --dir NEW and as many --shards."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all of it was saved",
            "1:saved, but for what the report names",
            "2:wrong usage",
            "3:nothing was saved: DIR cannot be read, NEW cannot be written or is not empty",
            "130:interrupted; NEW is marked as not whole"
        })
final class RecoverCommand implements Callable<Integer> {
    private static final long MIB = 1L << 20;

    @Mixin private CommonOptions common = new CommonOptions();

    @Parameters(paramLabel = "DIR", description = "The damaged data directory.")
    private Path directory = Path.of("");

    @Option(
            names = "--to",
            required = true,
            paramLabel = "NEW",
            description = "The directory to make; absent or empty.")
    private Path target = Path.of("");

    @Option(names = "--force", description = "Even though a running server holds DIR.")
    private boolean force;

    @Option(
            names = "--memory",
            paramLabel = "MIB",
            description =
                    "Memory for the shard being rebuilt, in MiB (${DEFAULT-VALUE}); what does not fit goes to NEW's segment files.")
    private int memoryMib = 512;

    private volatile @Nullable Verification running;

    @Override
    public Integer call() throws IOException {
        DataDirectory found = DataDirectory.open(directory);
        found.refuseHeld(force);
        NewDirectory.check(target, directory);
        ToolProgress progress = new ToolProgress("recover", common.silent());
        Salvage salvage = new Salvage(found, target, Math.max(64, memoryMib) * MIB, progress);
        MendedFiles mended = new MendedFiles(found, target, salvage::isCancelled);
        CommonOptions.onInterrupt(
                () -> {
                    salvage.cancel();
                    Verification now = running;
                    if (now != null) {
                        now.cancel();
                    }
                });
        try (progress) {
            Verification verification = verify(found, progress);
            // A mended image may name segments that nobody knew of.
            while (!salvage.isCancelled() && mended.mend(verification.repairs())) {
                verification = verify(found, progress);
            }
            progress.expect(progress.doneBytes());
            if (!salvage.isCancelled()) {
                mended.made()
                        .forEach(repair -> salvage.report.decide("R", "from parity: " + repair));
                salvage.run(verification.findings(), mended::delete);
            }
        } catch (ToolException | InterruptedToolException | InterruptedIOException e) {
            if (!salvage.isCancelled()) {
                throw e;
            }
        }
        CommonOptions.done();
        if (salvage.isCancelled()) {
            throw new InterruptedToolException(NewDirectory.notWhole(target));
        }
        report(salvage.report, progress);
        return salvage.report.isComplete() ? ExitCode.FINE : ExitCode.DAMAGE;
    }

    private Verification verify(DataDirectory found, ToolProgress progress) {
        Verification verification = new Verification(found, progress);
        running = verification;
        verification.run(Runtime.getRuntime().availableProcessors());
        return verification;
    }

    private void report(SalvageReport report, ToolProgress progress) {
        if (common.json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("directory", directory);
            result.put("to", target);
            result.put("complete", report.isComplete());
            result.put("keys", report.keys);
            result.put("decisions", report.decisions);
            result.put("losses", report.losses.stream().map(SalvageReport.Loss::json).toList());
            result.put("lost_records", report.lostReferences);
            result.put("lost_frames", report.lostFrames);
            result.put("removed_keys_total", report.removedKeyCount);
            result.put("removed_keys", report.removedKeys);
            result.put("seconds", progress.seconds());
            System.out.println(Json.of(result));
            return;
        }
        report.decisions.forEach(decision -> System.out.println("decision " + decision));
        report.losses.forEach(loss -> System.out.println("LOST " + loss));
        report.removedKeys.forEach(
                key -> System.out.println("REMOVED, not known for sure: " + key));
        System.out.printf(
                Locale.ROOT,
                "%,d keys saved to %s in %.1f s%s%n",
                report.keys,
                target,
                progress.seconds(),
                report.isComplete()
                        ? "; nothing was lost"
                        : String.format(
                                Locale.ROOT,
                                "; lost: %,d records of the SSD tier, %,d frames; %,d keys removed"
                                        + " (rows: docs/operations.md)",
                                report.lostReferences,
                                report.lostFrames,
                                report.removedKeyCount));
    }
}
