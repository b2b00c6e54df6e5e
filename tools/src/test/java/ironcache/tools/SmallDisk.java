package ironcache.tools;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file system of its own with little space: ext4 in a file, or tmpfs where loop devices are not allowed. Needs root. */
final class SmallDisk implements AutoCloseable {
    private final Path mountPoint;
    private final Path image;
    private final String kind;

    private SmallDisk(Path mountPoint, Path image, String kind) {
        this.mountPoint = mountPoint;
        this.image = image;
        this.kind = kind;
    }

    /** Null where this machine lets nobody mount. */
    static SmallDisk mount(Path folder, int mebibytes) throws IOException {
        Path mountPoint = Files.createDirectories(folder.resolve("mnt"));
        Path image = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength((long) mebibytes << 20);
        }
        if (run("mkfs.ext4", "-q", "-F", "-m", "0", image.toString())
                && run("mount", "-o", "loop", image.toString(), mountPoint.toString())) {
            return new SmallDisk(mountPoint, image, "ext4");
        }
        Files.delete(image);
        if (run(
                "mount",
                "-t",
                "tmpfs",
                "-o",
                "size=" + mebibytes + "m",
                "tmpfs",
                mountPoint.toString())) {
            return new SmallDisk(mountPoint, null, "tmpfs");
        }
        return null;
    }

    Path root() {
        return mountPoint;
    }

    String kind() {
        return kind;
    }

    long freeBytes() throws IOException {
        return Files.getFileStore(mountPoint).getUsableSpace();
    }

    private static boolean run(String... command) throws IOException {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            boolean good = process.waitFor() == 0;
            if (!good) {
                System.out.println(String.join(" ", command) + ": " + output.strip());
            }
            return good;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (IOException e) {
            // The program is not there.
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        if (!run("umount", mountPoint.toString())) {
            run("umount", "-l", mountPoint.toString());
        }
        if (image != null) {
            Files.deleteIfExists(image);
        }
    }
}
