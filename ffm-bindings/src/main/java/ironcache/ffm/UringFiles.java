package ironcache.ffm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The files of a {@link UringIo}, its table of registered buffers, and the file operations in flight.
 * Files and buffers use the ring's slots where the kernel grants them, and do without where it does
 * not.
 *
 * <p>Owned by the thread of its {@link UringIo}. Memory owned: none; registered buffers stay their
 * owner's.
 */
final class UringFiles {
    /** A fixed buffer may hold 1 GiB, and so may one transfer. */
    private static final long REGISTERED_BUFFER_BYTES_MAX = 1L << 30;

    /** Reads are handed over to the kernel when there are this many times as many operations in flight, or fewer. */
    private static final int IN_FLIGHT_PER_BATCH = 8;

    /** rw-r--r-- */
    private static final int FILE_MODE = 0644;

    private final Ring ring;
    private final UringSubmissions submissions;
    private Io.FileHandler handler = NoHandlers.INSTANCE;

    // Files, by number.
    private int[] fileFd = new int[16];
    private boolean[] fileRegistered = new boolean[16];
    private final IntStack freeFiles = new IntStack();
    private int fileCount;
    private final int fileSlots;

    // Operations in flight, by slot.
    private long[] operationToken = new long[256];

    /** Of a directory's sync: its descriptor, or the negated errno of opening it; -1 for all else. */
    private int[] operationDirectory = new int[256];

    /** Of a {@link #writeAndSync}. */
    private int[] operationLength = new int[256];

    private final IntStack freeOperations = new IntStack();
    private int operationCount;

    // Registered buffers.
    private final int bufferSlots;
    private final IntStack freeBufferSlots = new IntStack();
    private int bufferSlotCount;

    UringFiles(Ring ring, UringSubmissions submissions, IoConfig config) {
        this.ring = ring;
        this.submissions = submissions;
        this.fileSlots = registerSlots(ring, config.registeredFiles(), true);
        this.bufferSlots = registerSlots(ring, config.registeredBuffers(), false);
    }

    /** As many slots as the kernel grants: the limit of open files bounds them. 0: do without. */
    private static int registerSlots(Ring ring, int wanted, boolean forFiles) {
        for (int slots = wanted; slots > 0; slots /= 2) {
            int result =
                    forFiles ? ring.registerSparseFiles(slots) : ring.registerSparseBuffers(slots);
            if (result >= 0) {
                return slots;
            }
        }
        return 0;
    }

    void setHandler(Io.FileHandler newHandler) {
        handler = newHandler;
    }

    int openFile(Path path, Io.OpenMode mode, boolean direct) throws IOException {
        int flags =
                Libc.O_CLOEXEC
                        | switch (mode) {
                            case READ -> Libc.O_RDONLY;
                            case READ_WRITE -> Libc.O_RDWR;
                            case CREATE -> Libc.O_RDWR | Libc.O_CREAT | Libc.O_TRUNC;
                        };
        String name = path.toString();
        int fd = Libc.open(name, direct ? flags | Libc.O_DIRECT : flags, FILE_MODE);
        if (fd == -Errno.EINVAL && direct) {
            // A file system without O_DIRECT: through the page cache, then.
            fd = Libc.open(name, flags, FILE_MODE);
        }
        if (fd < 0) {
            throw FileErrors.opening(path, mode, fd);
        }
        int file = freeFiles.isEmpty() ? fileCount++ : freeFiles.pop();
        if (file >= fileFd.length) {
            fileFd = Arrays.copyOf(fileFd, file * 2);
            fileRegistered = Arrays.copyOf(fileRegistered, file * 2);
        }
        fileFd[file] = fd;
        fileRegistered[file] = file < fileSlots && ring.updateFile(file, fd) == 1;
        return file;
    }

    void closeFile(int file) {
        int fd = fileFd[file];
        if (fd < 0) {
            throw new IllegalStateException("file " + file + " is closed");
        }
        if (fileRegistered[file]) {
            ring.updateFile(file, -1);
        }
        Libc.close(fd);
        fileFd[file] = -1;
        freeFiles.push(file);
    }

    /**
     * Removes the name at once. What the file holds is freed with its last descriptor, and that is closed by a thread of the kernel's: a file system that discards what is freed takes as
     * much as half a second for a large file.
     */
    void deleteFile(Path path) throws IOException {
        int fd = Libc.open(path.toString(), Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        try {
            Files.deleteIfExists(path);
        } finally {
            if (fd >= 0) {
                submissions.add(
                        Ring.OP_CLOSE,
                        Ring.ASYNC,
                        0,
                        fd,
                        0,
                        0,
                        0,
                        0,
                        UserData.of(UserData.RELEASE, fd),
                        0);
            }
        }
    }

    /** The completion of what {@link #deleteFile} left to close. */
    void released(int fd, int result) {
        if (result < 0) {
            Libc.close(fd); // It was cancelled before it began.
        }
    }

    int registerBuffer(long address, long bytes) {
        if (bytes > REGISTERED_BUFFER_BYTES_MAX
                || (freeBufferSlots.isEmpty() && bufferSlotCount == bufferSlots)) {
            return Io.UNREGISTERED;
        }
        int slot = freeBufferSlots.isEmpty() ? bufferSlotCount++ : freeBufferSlots.pop();
        if (ring.updateBuffer(slot, address, bytes) != 1) {
            // Most often RLIMIT_MEMLOCK. Unregistered transfers do the same work a little slower.
            freeBufferSlots.push(slot);
            return Io.UNREGISTERED;
        }
        return slot;
    }

    void unregisterBuffer(int buffer) {
        if (buffer != Io.UNREGISTERED) {
            ring.updateBuffer(buffer, 0, 0);
            freeBufferSlots.push(buffer);
        }
    }

    private int newOperation(long token) {
        int slot = freeOperations.isEmpty() ? operationCount++ : freeOperations.pop();
        if (slot >= operationToken.length) {
            operationToken = Arrays.copyOf(operationToken, slot * 2);
            operationDirectory = Arrays.copyOf(operationDirectory, slot * 2);
            operationLength = Arrays.copyOf(operationLength, slot * 2);
        }
        operationToken[slot] = token;
        operationDirectory[slot] = -1;
        return slot;
    }

    private int fileFlags(int file) {
        return fileRegistered[file] ? Ring.FIXED_FILE : 0;
    }

    /** What an entry names a file by: its slot where registered, else its descriptor. */
    private int fileTarget(int file) {
        return fileRegistered[file] ? file : fileFd[file];
    }

    void read(int file, long offset, long address, int length, int buffer, long token) {
        transfer(
                buffer == Io.UNREGISTERED ? Ring.OP_READ : Ring.OP_READ_FIXED,
                fileFlags(file),
                file,
                offset,
                address,
                length,
                buffer,
                newOperation(token));
        // The disk begins while the turn goes on. The more it has to do already, the less that
        // matters, and the more calls are saved.
        if (ring.unsubmitted() * IN_FLIGHT_PER_BATCH >= operationCount - freeOperations.size()) {
            ring.submit();
        }
    }

    void write(int file, long offset, long address, int length, int buffer, long token) {
        transfer(
                buffer == Io.UNREGISTERED ? Ring.OP_WRITE : Ring.OP_WRITE_FIXED,
                fileFlags(file),
                file,
                offset,
                address,
                length,
                buffer,
                newOperation(token));
    }

    private void transfer(
            int opcode,
            int flags,
            int file,
            long offset,
            long address,
            int length,
            int buffer,
            int slot) {
        submissions.add(
                opcode,
                flags,
                0,
                fileTarget(file),
                offset,
                address,
                length,
                0,
                UserData.of(UserData.FILE, slot),
                buffer == Io.UNREGISTERED ? 0 : buffer);
    }

    void sync(int file, long token) {
        addSync(file, UserData.of(UserData.FILE, newOperation(token)));
    }

    private void addSync(int file, long userData) {
        submissions.add(
                Ring.OP_FSYNC,
                fileFlags(file),
                0,
                fileTarget(file),
                0,
                0,
                0,
                Ring.FSYNC_DATASYNC,
                userData,
                0);
    }

    /**
     * A write, and a sync that the kernel begins when all is written; else the sync does not take place, and the write says why. One of the two completes.
     *
     * <p>Handed over at once: of many entries the kernel holds back what is for a disk until it has worked through all of them, and a turn's replies would be sent before.
     *
     * <p>A write with RWF_DSYNC is one entry, but its sync is the work of a kernel thread of the processor that takes the device's interrupts, wherever that is: where that one is busy, a
     * commit takes twice as long.
     */
    void writeAndSync(int file, long offset, long address, int length, int buffer, long token) {
        int slot = newOperation(token);
        operationLength[slot] = length;
        submissions.beginChain(2);
        transfer(
                buffer == Io.UNREGISTERED ? Ring.OP_WRITE : Ring.OP_WRITE_FIXED,
                fileFlags(file) | Ring.LINK | Ring.SKIP_SUCCESS,
                file,
                offset,
                address,
                length,
                buffer,
                slot);
        addSync(file, UserData.of(UserData.WRITE_SYNC, slot));
        submissions.submit();
    }

    void syncDirectory(Path directory, long token) {
        int slot = newOperation(token);
        int fd =
                Libc.open(
                        directory.toString(), Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_CLOEXEC, 0);
        operationDirectory[slot] = fd;
        long data = UserData.of(UserData.DIRECTORY_SYNC, slot);
        if (fd < 0) {
            // The failure takes the way of all completions.
            submissions.add(Ring.OP_NOP, 0, 0, -1, 0, 0, 0, 0, data, 0);
        } else {
            submissions.add(Ring.OP_FSYNC, 0, 0, fd, 0, 0, 0, 0, data, 0);
        }
    }

    void allocate(int file, long offset, long length, long token) {
        // fallocate(2) passes its length in addr, its mode (0: allocate, grow) in len.
        submissions.add(
                Ring.OP_FALLOCATE,
                fileFlags(file),
                0,
                fileTarget(file),
                offset,
                length,
                0,
                0,
                UserData.of(UserData.FILE, newOperation(token)),
                0);
    }

    /**
     * The completion of an operation.
     *
     * @return whether the handler was called
     */
    boolean completed(int slot, int result) {
        long token = operationToken[slot];
        freeOperations.push(slot);
        handler.onFile(token, result);
        return true;
    }

    /** The completion of the sync of a {@link #writeAndSync}. @return whether the handler was called */
    boolean writeSynced(int slot, int result) {
        return completed(slot, result < 0 ? result : operationLength[slot]);
    }

    /** The completion of a {@link #syncDirectory}. @return whether the handler was called */
    boolean directorySynced(int slot, int result) {
        int fd = operationDirectory[slot];
        operationDirectory[slot] = -1;
        if (fd >= 0) {
            Libc.close(fd);
        }
        return completed(slot, fd < 0 ? fd : result);
    }

    /** After the ring is closed. */
    void closeDescriptors() {
        for (int file = 0; file < fileCount; file++) {
            if (fileFd[file] >= 0) {
                Libc.close(fileFd[file]);
            }
        }
        for (int slot = 0; slot < operationCount; slot++) {
            if (operationDirectory[slot] >= 0) {
                Libc.close(operationDirectory[slot]);
            }
        }
    }
}
