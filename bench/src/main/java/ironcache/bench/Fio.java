package ironcache.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The reference for what a disk can do; used where it is installed. */
final class Fio {
    private Fio() {}

    static boolean isInstalled() {
        for (String folder : System.getenv("PATH").split(":")) {
            if (Files.isExecutable(Path.of(folder, "fio"))) {
                return true;
            }
        }
        return false;
    }

    /** Runs one job of reads past the page cache, by io_uring; returns a figure that its JSON has about them. */
    static double read(String figure, String... arguments) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "fio",
                                "--name=read",
                                "--ioengine=io_uring",
                                "--direct=1",
                                "--output-format=json"));
        command.addAll(List.of(arguments));
        String json = Harness.output(command);
        Matcher found =
                Pattern.compile(
                                "\"read\"\\s*:\\s*\\{.*?\"" + figure + "\"\\s*:\\s*([0-9.]+)",
                                Pattern.DOTALL)
                        .matcher(json);
        if (!found.find()) {
            throw new IOException("no " + figure + " of reads in fio's output:\n" + json);
        }
        return Double.parseDouble(found.group(1));
    }
}
