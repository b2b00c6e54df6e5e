package ironcache.tools;

import ironcache.parity.ParityFiles;
import ironcache.parity.ParityId;
import ironcache.parity.Repair;
import ironcache.recovery.FileWorker;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * Copies of damaged files with what parity restores of them, in the directory that {@code recover} makes; they are read instead, so that its input stays as it is. They go when it is done.
 * Owned by one thread.
 */
final class MendedFiles {
    private static final String NAME = "recover-mended";

    private final DataDirectory from;
    private final Path to;
    private final BooleanSupplier cancelled;

    /** By what they are of. */
    private final Map<Path, Repair> made = new LinkedHashMap<>();

    MendedFiles(DataDirectory from, Path to, BooleanSupplier cancelled) {
        this.from = from;
        this.to = to;
        this.cancelled = cancelled;
    }

    /**
     * Copies the files that parity helps.
     *
     * @return whether there were any that are not copied yet: what could not be read before may say more now
     */
    boolean mend(Map<ParityId, Repair> repairs) throws IOException {
        boolean any = false;
        for (Map.Entry<ParityId, Repair> entry : repairs.entrySet()) {
            Path file = entry.getValue().file();
            if (entry.getValue().helps() && !cancelled.getAsBoolean()) {
                mend(entry.getKey(), file);
                any = true;
            }
        }
        return any;
    }

    private void mend(ParityId id, Path file) throws IOException {
        NewDirectory.begin(to, "recover");
        Path copy = to.resolve(NAME).resolve("shard-" + id.shard()).resolve(file.getFileName());
        Files.createDirectories(copy.getParent());
        try (FileWorker worker = new FileWorker();
                ParityFiles parity = new ParityFiles(worker.io, cancelled)) {
            made.put(file, parity.copy(id, file, copy));
        }
        from.mend(file, copy);
    }

    /** What was restored, file by file. */
    Iterable<Repair> made() {
        return made.values();
    }

    /** Nothing reads them any more. */
    void delete() throws IOException {
        Path own = to.resolve(NAME);
        if (Files.exists(own)) {
            delete(own);
        }
    }

    private static void delete(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
                for (Path entry : entries) {
                    delete(entry);
                }
            }
        }
        Files.delete(path);
    }
}
