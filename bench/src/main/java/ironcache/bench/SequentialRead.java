package ironcache.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** How fast the disk gives the very files that a server or a tool reads: in order, 1 MiB at a time, past the page cache. */
final class SequentialRead {
    private static final int BLOCK_BYTES = 1 << 20;
    private static final int DEPTH = 8;

    /** fio takes options of 4096 characters at most. */
    private static final int FIO_NAMES_MAX = 4000;

    private SequentialRead() {}

    /** Who measures, in words. */
    static String by() {
        return Fio.isInstalled()
                ? "fio, 1 MiB, queue depth " + DEPTH + ", O_DIRECT"
                : DEPTH + " x dd, 1 MiB, O_DIRECT (fio is not installed)";
    }

    static double bytesPerSecond(List<Path> files) throws IOException {
        if (!Fio.isInstalled()) {
            return bytesPerSecondByDd(files);
        }
        double seconds = 0;
        for (List<Path> some : groups(files, FIO_NAMES_MAX)) {
            double bytesPerSecond =
                    Fio.read(
                            "bw_bytes",
                            "--filename=" + fioNames(some),
                            "--file_service_type=sequential",
                            "--readonly",
                            "--rw=read",
                            "--bs=" + BLOCK_BYTES,
                            "--iodepth=" + DEPTH);
            seconds += bytes(some) / bytesPerSecond;
        }
        return bytes(files) / seconds;
    }

    private static String fioNames(List<Path> files) {
        return files.stream()
                .map(file -> file.toString().replace(":", "\\:"))
                .collect(Collectors.joining(":"));
    }

    /** In order, as many together as have names of so many characters at most; one at least. */
    static List<List<Path>> groups(List<Path> files, int namesMax) {
        List<List<Path>> groups = new ArrayList<>();
        for (Path file : files) {
            if (!groups.isEmpty()) {
                List<Path> longer = new ArrayList<>(groups.getLast());
                longer.add(file);
                if (fioNames(longer).length() <= namesMax) {
                    groups.set(groups.size() - 1, longer);
                    continue;
                }
            }
            groups.add(List.of(file));
        }
        return groups;
    }

    /** As many files at a time stand for the queue depth. */
    static double bytesPerSecondByDd(List<Path> files) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "sh",
                                "-c",
                                "printf '%s\\0' \"$@\" | xargs -0 -P "
                                        + DEPTH
                                        + " -I{} dd if={} of=/dev/null iflag=direct status=none bs="
                                        + BLOCK_BYTES,
                                "sh"));
        files.forEach(file -> command.add(file.toString()));
        long startNs = System.nanoTime();
        Harness.output(command);
        return bytes(files) / ((System.nanoTime() - startNs) / 1e9);
    }

    /** All regular files below a directory that hold something, in the order of their names. */
    static List<Path> filesBelow(Path directory, String namePattern) throws IOException {
        List<Path> found = new ArrayList<>();
        try (var paths = Files.walk(directory)) {
            for (Path path : paths.sorted().toList()) {
                if (Files.isRegularFile(path)
                        && path.getFileName().toString().matches(namePattern)
                        && Files.size(path) > 0) {
                    found.add(path);
                }
            }
        }
        return found;
    }

    static long bytes(List<Path> files) throws IOException {
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
        }
        return bytes;
    }

    /** Writes back what is dirty and forgets these files alone: nobody else on the machine is disturbed. */
    static void dropFromPageCache(List<Path> files) throws IOException {
        for (Path file : files) {
            Harness.output(
                    List.of(
                            "dd",
                            "of=" + file,
                            "oflag=nocache",
                            "conv=notrunc,fdatasync",
                            "count=0",
                            "status=none"));
        }
    }
}
