package ironcache.bench;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The load generator's command line: {@code bench/load}. Exit status 1 if a reply was an error or a value was wrong. */
@Command(
        name = "load",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Puts load on a Redis-compatible server and measures throughput and latency.")
public final class LoadGenerator implements Callable<Integer> {
    @Mixin private LoadOptions options = new LoadOptions();

    @Option(
            names = "--json",
            description = "also write the result as JSON to this file, - for standard output only")
    private @Nullable String jsonFile;

    @Option(
            names = "--emit",
            description =
                    "connect to nothing; write SETs of all keys to standard output, for valkey-cli --pipe")
    private boolean emit;

    private LoadGenerator() {}

    public static void main(String[] args) {
        System.exit(commandLine(new LoadGenerator()).execute(args));
    }

    /** Enum values in any case; a refused option is told without a stack trace. */
    static CommandLine commandLine(Object command) {
        return new CommandLine(command)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(
                        (e, line, parsed) -> {
                            if (!(e instanceof IOException
                                    || e instanceof IllegalArgumentException)) {
                                throw e;
                            }
                            line.getErr()
                                    .println(
                                            e instanceof IOException
                                                    ? "failed: " + e
                                                    : e.getMessage());
                            return e instanceof IOException ? 1 : 2;
                        });
    }

    @Override
    public Integer call() throws IOException {
        if (emit) {
            options.load = true;
            MassInsertion.write(options, new FileOutputStream(FileDescriptor.out));
            return 0;
        }
        LoadResult result;
        try (LoadRun run = new LoadRun(options, new LoadRun.Observer() {})) {
            result = run.run();
        }
        if ("-".equals(jsonFile)) {
            System.out.println(result.toJson());
        } else {
            System.out.print(result.toText());
            if (jsonFile != null) {
                Files.writeString(
                        Path.of(jsonFile), result.toJson() + "\n", StandardCharsets.UTF_8);
            }
        }
        return result.errors() == 0 ? 0 : 1;
    }
}
