package ironcache.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program of {@code tools/clients}, in a process of its own. What it uses comes from npm when a test first wants it; where that cannot be, the test is skipped. */
final class NodeProgram {
    private static final Path CLIENTS = Path.of("clients").toAbsolutePath();

    private NodeProgram() {}

    /** What is done where a program says {@code pause} and waits. */
    interface Pause {
        void run() throws IOException;
    }

    static void install() throws InterruptedException {
        assumeTrue(Files.isDirectory(CLIENTS), "SKIPPED: " + CLIENTS + " is not there");
        assumeTrue(works("node", "--version"), "SKIPPED: no node on the path");
        if (!works("npm", "ls")) {
            assumeTrue(
                    works(
                            "npm",
                            "install",
                            "--no-package-lock",
                            "--no-audit",
                            "--no-fund",
                            "--ignore-scripts"),
                    "SKIPPED: npm cannot install what tools/clients uses");
        }
    }

    private static boolean works(String... command) throws InterruptedException {
        try {
            Process process =
                    new ProcessBuilder(command)
                            .directory(CLIENTS.toFile())
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            return process.waitFor(3, TimeUnit.MINUTES) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Runs it to its end, which must be a good one.
     *
     * @param scratch a directory for what it says on its error stream
     * @return its lines, but for the pauses
     */
    static List<String> run(Path scratch, Pause pause, String name, Object... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("node", name));
        for (Object argument : arguments) {
            command.add(argument.toString());
        }
        Path errors = Files.createTempFile(scratch, "stderr", "");
        Process process =
                new ProcessBuilder(command)
                        .directory(CLIENTS.toFile())
                        .redirectError(errors.toFile())
                        .start();
        List<String> lines = new ArrayList<>();
        try (BufferedReader output = process.inputReader();
                OutputStream input = process.getOutputStream()) {
            for (String line; (line = output.readLine()) != null; ) {
                if (line.equals("pause")) {
                    pause.run();
                    input.write('\n');
                    input.flush();
                } else {
                    lines.add(line);
                }
            }
            int code = process.waitFor();
            assertEquals(
                    0,
                    code,
                    () -> name + ": " + String.join("\n", lines) + "\n" + readString(errors));
        } finally {
            process.destroyForcibly();
        }
        return lines;
    }

    private static String readString(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
