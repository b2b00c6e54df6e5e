package ironcache.tools;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
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

/** {@code load FILE --to HOST:PORT} or {@code --to NEW}: the commands of a file into a server ({@link ServerLoad}), or into a new data directory ({@link DirectoryLoad}). */
@Command(
        name = "load",
        description = {
            "Sends the commands of a file that dump wrote, or any file that `valkey-cli --pipe` takes, to a server, and checks each reply.",
            "Of a dump, nothing is sent before it is known to be whole. Keys that are there already are set anew; others stay."
        },
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all commands were taken",
            "1:the file is damaged or cut off; nothing was sent (of a stream or a foreign file: nothing from there on)",
            "2:wrong usage",
            "3:the server cannot be reached, went away, or refused commands: the output names them; or NEW cannot be made",
            "130:interrupted: a server has what was sent so far; NEW is marked as not whole"
        })
final class LoadCommand implements Callable<Integer> {
    @Mixin private CommonOptions common = new CommonOptions();
    @Mixin private LoginOptions login = new LoginOptions();

    @Parameters(paramLabel = "FILE", description = "The file; - for standard input.")
    private Path file = Path.of("");

    @Option(
            names = "--to",
            required = true,
            paramLabel = "HOST:PORT|NEW",
            description =
                    "The server; or a directory to make, absent or empty, which takes what dump writes (of any version).")
    private String target = "";

    @Option(
            names = "--shards",
            paramLabel = "N",
            description = "Of a new directory (${DEFAULT-VALUE}); the server's --shards.")
    private int shards = 1;

    @Option(
            names = "--memory",
            paramLabel = "MIB",
            description =
                    "For a new directory, in MiB (${DEFAULT-VALUE}); what does not fit goes to its segment files.")
    private long memoryMib = 512;

    private final Cancellation cancellation = new Cancellation();

    /** Where commands go. */
    interface Target extends AutoCloseable {
        /** Takes bytes as they are in the file. */
        void bytes(byte[] from, int offset, int length) throws IOException;

        /** A command was read. */
        void command(DumpReader command) throws IOException;

        /** That was the last. */
        void finish() throws IOException;

        /** What it says afterwards. */
        Map<String, Object> report();

        /** Commands that were refused: a few of them. */
        List<String> refused();

        @Override
        void close() throws IOException;
    }

    @Override
    public Integer call() throws IOException {
        boolean stream = file.toString().equals("-");
        if (!stream && !Files.isReadable(file)) {
            throw new ToolException(file + ": no such file, or not readable");
        }
        ServerAddress address = ServerAddress.parse(target);
        if (address == null) {
            NewDirectory.check(Path.of(target), file);
        }
        CommonOptions.onInterrupt(cancellation::cancel);
        try {
            if (!stream) {
                check();
            }
            return load(stream, address);
        } finally {
            CommonOptions.done();
        }
    }

    private InputStream open(boolean stream) throws IOException {
        return stream ? System.in : Files.newInputStream(file);
    }

    /** Whether all of it can be read, and it is whole as far as it says. */
    private void check() throws IOException {
        try (ToolProgress progress = new ToolProgress("check", common.silent());
                DumpReader reader =
                        new DumpReader(file, open(false), false, (from, offset, length) -> {})) {
            progress.expect(Files.size(file));
            while (reader.next()) {
                progress.did(reader.position() - reader.offset());
                progress.show();
                cancellation.check();
            }
        }
    }

    private int load(boolean stream, @Nullable ServerAddress address) throws IOException {
        ToolProgress progress = new ToolProgress("load", common.silent());
        if (!stream) {
            progress.expect(Files.size(file));
        }
        long commands = 0;
        long keys = 0;
        try (progress;
                Target to =
                        address == null
                                ? new DirectoryLoad(
                                        Path.of(target), shards, memoryMib << 20, cancellation)
                                : new ServerLoad(login, address, file, cancellation);
                DumpReader reader =
                        new DumpReader(file, open(stream), address == null, to::bytes)) {
            try {
                while (reader.next()) {
                    to.command(reader);
                    commands++;
                    progress.did(reader.position() - reader.offset());
                    progress.show();
                    cancellation.check();
                }
                keys = reader.keys();
                to.finish();
            } catch (InterruptedToolException e) {
                throw new InterruptedToolException(
                        address == null
                                ? NewDirectory.notWhole(Path.of(target))
                                : "interrupted: "
                                        + commands
                                        + " commands were sent, and stay; to load the rest, load"
                                        + " all of it again");
            }
            report(to, commands, keys, progress);
            return to.refused().isEmpty() ? ExitCode.FINE : ExitCode.FAILED;
        }
    }

    private void report(Target to, long commands, long keys, ToolProgress progress) {
        if (common.json) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("file", file);
            result.put("to", target);
            result.put("ok", to.refused().isEmpty());
            result.put("commands", commands);
            result.put("keys", keys);
            result.putAll(to.report());
            result.put("refused", to.refused());
            result.put("seconds", progress.seconds());
            System.out.println(Json.of(result));
            return;
        }
        to.refused().forEach(line -> System.out.println("REFUSED: " + line));
        System.out.printf(
                Locale.ROOT,
                "%,d commands, %,d keys to %s in %.1f s%s%n",
                commands,
                keys,
                target,
                progress.seconds(),
                to.refused().isEmpty() ? "" : "; some were refused");
    }
}
