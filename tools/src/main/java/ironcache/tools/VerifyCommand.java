package ironcache.tools;

import ironcache.parity.Repair;
import ironcache.wal.Damage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code verify DIR}: {@link Verification}, and its findings as lines or as JSON. */
@Command(
        name = "verify",
        description = {
            "Reads everything that counts in a data directory and says what is damaged: file, offset, field, expected, actual.",
            "Changes nothing."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:everything verifies",
            "1:damage was found",
            "2:wrong usage",
            "3:the directory cannot be looked at, or a server holds it",
            "130:interrupted"
        })
final class VerifyCommand implements Callable<Integer> {
    @Mixin private CommonOptions common = new CommonOptions();

    @Parameters(paramLabel = "DIR", description = "The data directory (the server's --dir).")
    private Path directory = Path.of("");

    @Option(names = "--force", description = "Even though a running server holds the directory.")
    private boolean force;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "How many at a time; by itself as many as there are cores.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Override
    public Integer call() {
        DataDirectory found = DataDirectory.open(directory);
        found.refuseHeld(force);
        ToolProgress progress = new ToolProgress("verify", common.silent());
        Verification verification = new Verification(found, progress);
        CommonOptions.onInterrupt(verification::cancel);
        try (progress) {
            verification.run(Math.clamp(threads, 1, 64));
        }
        report(verification, progress);
        CommonOptions.done();
        if (verification.isCancelled()) {
            return ExitCode.INTERRUPTED;
        }
        return verification.findingCount() == 0 ? ExitCode.FINE : ExitCode.DAMAGE;
    }

    private void report(Verification verification, ToolProgress progress) {
        List<Damage> findings = new ArrayList<>(verification.findings());
        findings.sort(Comparator.comparing(Damage::file).thenComparingLong(Damage::offset));
        double seconds = progress.seconds();
        long bytes = progress.doneBytes();
        if (common.json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("directory", directory);
            result.put("ok", verification.findingCount() == 0 && !verification.isCancelled());
            result.put("interrupted", verification.isCancelled());
            result.put("findings", findings.stream().map(VerifyCommand::json).toList());
            result.put("findings_total", verification.findingCount());
            result.put("notes", verification.notes());
            result.put(
                    "parity",
                    verification.repairs().values().stream()
                            .sorted(Comparator.comparing(Repair::file))
                            .map(VerifyCommand::json)
                            .toList());
            result.put("files", verification.files.get());
            result.put("frames", verification.frames.get());
            result.put("pages", verification.pagesRead.get());
            result.put("references", verification.records.get());
            result.put("bytes", bytes);
            result.put("seconds", seconds);
            result.put("bytes_per_second", Math.round(bytes / Math.max(seconds, 1e-9)));
            System.out.println(Json.of(result));
            return;
        }
        verification.notes().forEach(note -> System.out.println("note: " + note));
        findings.forEach(damage -> System.out.println("DAMAGED: " + damage));
        System.out.printf(
                Locale.ROOT,
                "%s%d files, %,d frames, %,d pages, %,d references: %,.1f MB in %.2f s, %,.0f MB/s:"
                        + " %s%n",
                verification.isCancelled() ? "interrupted after " : "",
                verification.files.get(),
                verification.frames.get(),
                verification.pagesRead.get(),
                verification.records.get(),
                bytes / 1e6,
                seconds,
                bytes / 1e6 / Math.max(seconds, 1e-9),
                verification.findingCount() == 0
                        ? "no damage"
                        : verification.findingCount() + " findings");
        if (verification.findingCount() > 0) {
            System.out.println(
                    "to save what is not damaged: ironcache-tool recover "
                            + directory
                            + " --to NEW");
        }
    }

    /** Fields of what parity says of a file. */
    static Map<String, Object> json(Repair repair) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("file", repair.file());
        map.put("outcome", repair.outcome().name().toLowerCase(Locale.ROOT));
        map.put("damaged_blocks", repair.damaged().cardinality());
        map.put("repairable_blocks", repair.restored());
        map.put("lost_blocks", repair.lost().cardinality());
        map.put("damaged_parity_blocks", repair.parityDamaged());
        return map;
    }

    /** Fields of a finding. */
    static Map<String, Object> json(Damage damage) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("file", damage.file());
        map.put("offset", damage.offset());
        map.put("field", damage.field());
        map.put("expected", damage.expected());
        map.put("actual", damage.actual());
        return map;
    }
}
