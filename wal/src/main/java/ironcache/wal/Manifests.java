package ironcache.wal;

import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The manifests of a data directory: finds the newest, publishes the next.
 *
 * <p>Publishing: write {@code manifest-N.tmp}, sync it, rename it to {@code manifest-N}, sync the directory; then N is in force, and what is older than N-1 is deleted. A crash leaves
 * N-1 or N, whole. So a newest one that does not verify is damage, and is refused rather than passed over: what N-1 names may have been deleted since.
 *
 * <p>Loading: the name of the newest may not be durable yet, where the process before ended right behind the rename. So the directory is synced before anybody acts on what it
 * says.
 *
 * <p>A failure before the rename leaves things as they were, and the caller may publish again. Once the rename was asked for, what is in force is open until the directory is
 * synced: if that fails, {@link #isFailed} for good, and nothing that either of the two names may be deleted.
 *
 * <p>Owned by one thread. Owns the memory of the operation in flight.
 */
public final class Manifests implements AutoCloseable {
    /** What it does at the moment; operations carry no more than this. */
    private enum State {
        IDLE,
        /** Reads the newest. */
        READING,
        /** Makes the name of the newest durable. */
        CONFIRMING,
        /** Writes the next one's temporary file. */
        WRITING,
        SYNCING,
        /** The next one has its name, and the directory is being synced. */
        NAMING
    }

    private static final String PREFIX = "manifest-";
    private static final String TEMPORARY = ".tmp";
    private static final int READ_BYTES = 256 << 10;
    private static final int KEPT = 2;

    private final Io io;
    private final Path directory;
    private final long tokenBase;
    private State state = State.IDLE;
    private @Nullable Manifest newest;
    private @Nullable Manifest next;
    private @Nullable Damage damage;
    private @Nullable String failure;
    private boolean failed;

    private Path path;
    private int file = -1;
    private long memory;
    private int memoryBytes;
    private int done;
    private int length;

    /** @param tokenBase of the tokens of its operations, low 32 bits zero */
    public Manifests(Io io, Path directory, long tokenBase) {
        this.io = io;
        this.directory = directory;
        this.path = directory;
        this.tokenBase = tokenBase;
    }

    public static Path file(Path directory, long generation) {
        return directory.resolve(WalFileLayout.name(PREFIX, generation, ""));
    }

    /** The generation in the name of a manifest; -1 where it is no such name, as that of a temporary one. */
    public static long generation(Path file) {
        return WalFileLayout.generation(file, PREFIX, "");
    }

    /** The newest of these files by its name; null where there is no manifest. */
    public static @Nullable Path newestOf(List<Path> files) {
        Path newest = null;
        for (Path file : files) {
            if (generation(file) >= 0
                    && (newest == null || generation(file) > generation(newest))) {
                newest = file;
            }
        }
        return newest;
    }

    // Loading.

    /** Begins to read the newest manifest; done when {@link #isBusy} is false: then there is {@link #newest}, or {@link #damage}, or neither where there is none. */
    public void load() throws IOException {
        checkIdle();
        newest = null;
        damage = null;
        Path found = newestOf(io.openDirectory(directory));
        if (found == null) {
            return;
        }
        path = found;
        file = io.openFile(path, Io.OpenMode.READ, false);
        allocate(READ_BYTES);
        state = State.READING;
        readOn();
    }

    private void readOn() {
        if (done == memoryBytes) {
            long wider = Memory.allocate(2L * memoryBytes, MemoryTag.WAL);
            Memory.copy(memory, wider, done);
            Memory.free(memory, memoryBytes, MemoryTag.WAL);
            memory = wider;
            memoryBytes *= 2;
        }
        io.read(file, done, memory + done, memoryBytes - done, Io.UNREGISTERED, tokenBase);
    }

    private void onRead(int result) {
        if (result > 0) {
            done += result;
            readOn();
            return;
        }
        byte[] bytes = new byte[done];
        Memory.copyOut(memory, bytes, 0, done);
        int readBytes = done;
        finish();
        if (result < 0) {
            damage = new Damage(path, readBytes, "read", "the bytes there", Errno.name(result));
            return;
        }
        try {
            Manifest read = Manifest.parse(path, bytes);
            if (read.generation() == generation(path)) {
                next = read;
                state = State.CONFIRMING;
                io.syncDirectory(directory, tokenBase);
            } else {
                damage =
                        new Damage(
                                path,
                                0,
                                "generation",
                                "" + generation(path),
                                "" + read.generation());
            }
        } catch (DamagedManifestException e) {
            damage = e.damage();
        }
    }

    private void onConfirmed(int result) {
        state = State.IDLE;
        if (result < 0) {
            damage =
                    new Damage(
                            directory, 0, "fsync", "a durable name of " + path, Errno.name(result));
        } else {
            newest = next;
        }
        next = null;
    }

    // Publishing.

    /**
     * Begins to publish; done when {@link #isBusy} is false: then it is {@link #newest}, or there is a {@link #failure}.
     *
     * @param manifest of a later generation than the newest
     */
    public void publish(Manifest manifest) {
        checkIdle();
        if (failed || newest != null && manifest.generation() <= newest.generation()) {
            throw new IllegalStateException(
                    "manifest " + manifest.generation() + " after " + newest + ", " + failure);
        }
        failure = null;
        next = manifest;
        byte[] bytes = manifest.toBytes();
        path = file(directory, manifest.generation());
        try {
            // A new file: a temporary one that is there may be one whose sync failed.
            io.deleteFile(temporary());
            file = io.openFile(temporary(), Io.OpenMode.CREATE, false);
        } catch (IOException e) {
            fail(String.valueOf(e));
            return;
        }
        allocate(bytes.length);
        Memory.copyIn(bytes, 0, memory, bytes.length);
        length = bytes.length;
        state = State.WRITING;
        writeOn();
    }

    private Path temporary() {
        return path.resolveSibling(path.getFileName() + TEMPORARY);
    }

    private void writeOn() {
        io.write(file, done, memory + done, length - done, Io.UNREGISTERED, tokenBase);
    }

    private void onWritten(int result) {
        if (result <= 0) {
            abandon(result == 0 ? "short write" : Errno.name(result));
            return;
        }
        done += result;
        if (done < length) {
            writeOn();
        } else {
            state = State.SYNCING;
            io.sync(file, tokenBase);
        }
    }

    private void onSynced(int result) {
        if (result < 0) {
            abandon(Errno.name(result));
            return;
        }
        finish();
        try {
            io.renameFile(temporary(), path);
        } catch (IOException e) {
            failed = true; // It may have been done.
            fail(String.valueOf(e));
            return;
        }
        state = State.NAMING;
        io.syncDirectory(directory, tokenBase);
    }

    private void onNamed(int result) {
        state = State.IDLE;
        if (result < 0) {
            failed = true;
            fail(Errno.name(result) + " (" + directory + ")");
            return;
        }
        newest = next;
        next = null;
        deleteOld();
    }

    /** Keeps the newest two; what is left of others does no harm. */
    private void deleteOld() {
        long keepFrom = generation(path) - KEPT + 1;
        try {
            long previous = previousGeneration();
            for (Path old : io.openDirectory(directory)) {
                String name = String.valueOf(old.getFileName());
                long generation = generation(old);
                boolean stale = generation >= 0 && generation < Math.min(keepFrom, previous);
                if (stale || name.startsWith(PREFIX) && name.endsWith(TEMPORARY)) {
                    io.deleteFile(old);
                }
            }
        } catch (IOException e) {
            // Tried again with the next.
        }
    }

    /** Of the newest before the one just published. */
    private long previousGeneration() throws IOException {
        long previous = 0;
        for (Path old : io.openDirectory(directory)) {
            long generation = generation(old);
            if (generation < generation(path)) {
                previous = Math.max(previous, generation);
            }
        }
        return previous;
    }

    private void abandon(String cause) {
        Path unfinished = temporary();
        finish();
        try {
            io.deleteFile(unfinished);
        } catch (IOException e) {
            // The next one deletes it.
        }
        fail(cause);
    }

    private void fail(String cause) {
        failure = "cannot publish " + path + ": " + cause;
        next = null;
        state = State.IDLE;
    }

    // The operation in flight.

    /** The operation whose token was {@code tokenBase} has completed. */
    public void onFile(int result) {
        switch (state) {
            case IDLE -> throw new IllegalStateException("no operation of the manifests");
            case READING -> onRead(result);
            case CONFIRMING -> onConfirmed(result);
            case WRITING -> onWritten(result);
            case SYNCING -> onSynced(result);
            case NAMING -> onNamed(result);
        }
    }

    private void checkIdle() {
        if (state != State.IDLE) {
            throw new IllegalStateException("busy: " + state);
        }
    }

    private void allocate(int bytes) {
        memory = Memory.allocate(bytes, MemoryTag.WAL);
        memoryBytes = bytes;
        done = 0;
    }

    private void finish() {
        io.closeFile(file);
        file = -1;
        Memory.free(memory, memoryBytes, MemoryTag.WAL);
        memory = 0;
        state = State.IDLE;
    }

    public boolean isBusy() {
        return state != State.IDLE;
    }

    /** The one in force, as far as it is known here; null where there is none. */
    public @Nullable Manifest newest() {
        return newest;
    }

    /** Why the newest could not be loaded. */
    public @Nullable Damage damage() {
        return damage;
    }

    /** Why the last one could not be published. */
    public @Nullable String failure() {
        return failure;
    }

    /** It is not known which manifest a crash would leave in force: publishes no more. */
    public boolean isFailed() {
        return failed;
    }

    /** Frees the memory of an operation that was cut off; after the {@link Io} is closed. */
    @Override
    public void close() {
        if (memory != 0) {
            Memory.free(memory, memoryBytes, MemoryTag.WAL);
            memory = 0;
        }
        state = State.IDLE;
    }
}
