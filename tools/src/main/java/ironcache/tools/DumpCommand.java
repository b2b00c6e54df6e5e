package ironcache.tools;

import java.io.IOException;
import java.nio.file.Files;
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

/** {@code dump DIR [--to FILE]}: all keys as the commands that set them ({@link DumpWriter}). */
@Command(
        name = "dump",
        description = {
            "Writes all keys of a stopped server's directory as commands: SELECT, SET, and for collections DEL, RPUSH, SADD, ZADD, HSET and times. Changes nothing in DIR.",
            "`load` takes the file, and so does `valkey-cli --pipe` (or redis-cli), for any server from Redis 6.2 on; from Valkey 9.0 or Redis 7.4 on where fields of hashes expire."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all keys were written",
            "1:damage was found; there is no FILE: see recover",
            "2:wrong usage",
            "3:DIR or FILE cannot be used, or a server holds DIR; there is no FILE",
            "130:interrupted; there is no FILE"
        })
final class DumpCommand implements Callable<Integer> {
    @Mixin private CommonOptions common = new CommonOptions();
    @Mixin private StoredDataOptions options = new StoredDataOptions();

    @Parameters(paramLabel = "DIR", description = "The data directory.")
    private Path directory = Path.of("");

    @Option(
            names = "--to",
            paramLabel = "FILE",
            description =
                    "The file to write; standard output without it. It has its name when it is whole.")
    private @Nullable Path file;

    @Option(names = "--overwrite", description = "Even though FILE exists.")
    private boolean overwrite;

    private final Cancellation cancellation = new Cancellation();

    @Override
    public Integer call() throws IOException {
        DataDirectory found = DataDirectory.open(directory);
        found.refuseHeld(false);
        Path target = file;
        if (target == null && common.json) {
            throw new ToolException(
                    "--json says how it went on standard output: name a file, --to");
        }
        if (target != null && Files.exists(target) && !overwrite) {
            throw new ToolException(target + ": exists; say --overwrite, or another name");
        }
        CommonOptions.onInterrupt(cancellation::cancel);
        try (StoredData data = StoredData.open(found, options, common, cancellation);
                DumpWriter writer = DumpWriter.to(target)) {
            data.notes().forEach(note -> System.err.println("note: " + note));
            ToolProgress progress =
                    new ToolProgress("dump", common.silent(), ToolProgress.Unit.KEYS);
            try (progress) {
                writer.write(data, System.currentTimeMillis(), progress, cancellation);
                writer.complete();
            }
            report(data, writer, progress.seconds());
        } catch (InterruptedToolException e) {
            throw new InterruptedToolException(
                    "interrupted; "
                            + (target == null
                                    ? "what was written has no end"
                                    : target + " was not written"));
        } finally {
            CommonOptions.done();
        }
        return ExitCode.FINE;
    }

    private void report(StoredData data, DumpWriter writer, double seconds) {
        if (common.json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("directory", directory);
            result.put("ok", true);
            result.put("from", data.origin());
            result.put("to", String.valueOf(file));
            result.put("keys", writer.keys());
            result.put("bytes", writer.bytes());
            result.put("notes", data.notes());
            result.put("seconds", seconds);
            System.out.println(Json.of(result));
        } else if (file != null) {
            System.out.printf(
                    Locale.ROOT,
                    "%,d keys of %s: %,.1f MB in %.1f s to %s%n",
                    writer.keys(),
                    data.origin(),
                    writer.bytes() / 1e6,
                    seconds,
                    file);
        }
    }
}
