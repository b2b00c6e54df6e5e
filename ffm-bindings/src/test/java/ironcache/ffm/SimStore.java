package ironcache.ffm;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A simulated process for tests of the disk: one {@link SimIo}, used as if it blocked, and memory for it. */
final class SimStore implements AutoCloseable, Io.FileHandler {
    static final int BYTES_MAX = 1 << 20;

    /** The disk died while something was waited for. */
    static final class PowerFailure extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    final SimIo io;
    final SimDisk disk;
    final SimClock clock = new SimClock();
    private final Mapping memory = Mapping.reserve(2L * BYTES_MAX, MemoryTag.OTHER);
    final long out = memory.address();
    final long in = out + BYTES_MAX;
    private final Map<Long, Integer> results = new HashMap<>();
    private long tokens;

    SimStore(long seed, SimDisk disk) {
        this(seed, disk, new SimFaults());
    }

    SimStore(long seed, SimDisk disk, SimFaults faults) {
        this.disk = disk;
        this.io = new SimIo(seed, clock, disk, faults);
        io.setHandlers(NoHandlers.INSTANCE, this);
    }

    @Override
    public void onFile(long token, int result) {
        if (results.put(token, result) != null) {
            throw new AssertionError("second completion of " + token);
        }
    }

    /** @return the result of the operation last begun */
    int await(long token) {
        while (!results.containsKey(token)) {
            if (!io.hasEvents()) {
                throw new PowerFailure();
            }
            io.poll(-1);
        }
        return results.remove(token);
    }

    long token() {
        return ++tokens;
    }

    void drain() {
        while (io.hasEvents()) {
            io.poll(-1);
        }
    }

    int file(Path path) throws IOException {
        return io.openFile(path, Io.OpenMode.CREATE, false);
    }

    /** Begins to write bytes of one value. @return the token */
    long begin(int file, long offset, int length, int value) {
        // Memory of its own: the last one may be in flight.
        long at = out + offset % (BYTES_MAX / 2);
        Memory.fill(at, length, (byte) value);
        long token = token();
        io.write(file, offset, at, length, Io.UNREGISTERED, token);
        return token;
    }

    int write(int file, long offset, int length, int value) {
        return await(begin(file, offset, length, value));
    }

    int write(int file, long offset, byte[] bytes) {
        Memory.copyIn(bytes, 0, out, bytes.length);
        long token = token();
        io.write(file, offset, out, bytes.length, Io.UNREGISTERED, token);
        return await(token);
    }

    int sync(int file) {
        long token = token();
        io.sync(file, token);
        return await(token);
    }

    int allocate(int file, long length) {
        long token = token();
        io.allocate(file, 0, length, token);
        return await(token);
    }

    int syncDirectory(Path directory) {
        long token = token();
        io.syncDirectory(directory, token);
        return await(token);
    }

    int read(int file, long offset, int length) {
        long token = token();
        io.read(file, offset, in, length, Io.UNREGISTERED, token);
        return await(token);
    }

    /** What a file holds, null where there is none. */
    byte @Nullable [] contents(Path path) throws IOException {
        int file;
        try {
            file = io.openFile(path, Io.OpenMode.READ, false);
        } catch (NoSuchFileException e) {
            return null;
        }
        int read = read(file, 0, BYTES_MAX);
        io.closeFile(file);
        byte[] contents = new byte[read];
        Memory.copyOut(in, contents, 0, read);
        return contents;
    }

    @Override
    public void close() {
        io.close();
        memory.close();
    }
}
