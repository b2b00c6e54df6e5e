package ironcache.ffm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The files of a {@link SimIo}: operations take a while, happen in one moment of it, and fail as {@link SimFaults} has it. What a file is, and what
 * is left of it after a crash, is {@link SimDisk}'s.
 *
 * <p>A write has its bytes from the moment it is asked for, since a crash may leave them; who changes them before the completion is told off. A
 * sync covers what had completed when it was asked for.
 *
 * <p>Owned by the simulation's thread.
 */
final class SimFiles {
    private static final int DIRECT_ALIGNMENT = 4096;

    /** Instead of a result: the power has failed, and nobody is told. */
    private static final int NEVER = Integer.MIN_VALUE;

    /** Tells the owner. */
    interface Completions {
        void completed(long token, int result);
    }

    /** What an operation does at its moment. @return its result, or {@link #NEVER} */
    private interface Work {
        int run();
    }

    private static final class OpenFile {
        final Path path;
        final SimFile file;
        final Io.OpenMode mode;
        final boolean direct;
        int inFlight;

        OpenFile(Path path, SimFile file, Io.OpenMode mode, boolean direct) {
            this.path = path;
            this.file = file;
            this.mode = mode;
            this.direct = direct;
        }
    }

    private record Buffer(long address, long bytes) {}

    /** A write that is under way. */
    private record Write(OpenFile open, SimWrite bytes, long address, int buffer) {}

    private final SimDisk disk;
    private final int generation;
    private final SimFaults faults;
    private final Prng prng;
    private final SimEvents events;
    private final Completions completions;
    private final List<@Nullable OpenFile> openFiles = new ArrayList<>();
    private final List<@Nullable Buffer> buffers = new ArrayList<>();
    private final List<Write> writes = new ArrayList<>();

    SimFiles(SimDisk disk, SimFaults faults, Prng prng, SimEvents events, Completions completions) {
        if (disk.isDead()) {
            throw new IllegalStateException("the disk has no power: crash() first");
        }
        this.disk = disk;
        this.generation = disk.generation();
        this.faults = faults;
        this.prng = prng;
        this.events = events;
        this.completions = completions;
    }

    private boolean hasPower() {
        return !disk.isDead() && disk.generation() == generation;
    }

    private void checkPower() throws IOException {
        if (!hasPower()) {
            throw disk.poweredOff();
        }
    }

    private boolean happens(double probability) {
        return probability > 0 && prng.chance(probability);
    }

    // Names.

    int openFile(Path path, Io.OpenMode mode, boolean direct) throws IOException {
        checkPower();
        if (disk.hasDirectory(path)) {
            throw new FileSystemException(path.toString(), null, "Is a directory");
        }
        SimFile file = mode == Io.OpenMode.CREATE ? disk.create(path) : disk.find(path);
        if (file == null) {
            throw new NoSuchFileException(path.toString());
        }
        OpenFile open = new OpenFile(path, file, mode, direct);
        int number = openFiles.indexOf(null);
        if (number >= 0) {
            openFiles.set(number, open);
            return number;
        }
        openFiles.add(open);
        return openFiles.size() - 1;
    }

    /** All that a file holds, as reads see it. */
    byte[] contents(Path path) throws IOException {
        checkPower();
        SimFile file = disk.find(path);
        if (file == null) {
            throw new NoSuchFileException(path.toString());
        }
        byte[] contents = new byte[(int) file.bytes()];
        file.read(0, contents, contents.length);
        return contents;
    }

    void closeFile(int number) {
        OpenFile open = openFiles.set(number, null);
        if (open == null) {
            throw new IllegalStateException("file " + number + " is closed");
        }
        if (open.inFlight > 0 && hasPower()) {
            throw new IllegalStateException(
                    open.path + " is closed with " + open.inFlight + " operations in flight");
        }
    }

    void deleteFile(Path path) throws IOException {
        checkPower();
        disk.delete(path);
    }

    void renameFile(Path from, Path to) throws IOException {
        checkPower();
        disk.rename(from, to, faults.reorderedRename);
    }

    List<Path> openDirectory(Path directory) {
        if (!hasPower()) {
            // Callers of the simulation know no failure of this; without power nobody handles it
            // either.
            throw new UncheckedIOException(disk.poweredOff());
        }
        disk.makeDirectory(directory);
        List<Path> inside = new ArrayList<>();
        for (String name : disk.names()) {
            if (directory.equals(Path.of(name).getParent())) {
                inside.add(Path.of(name));
            }
        }
        return inside;
    }

    // Buffers.

    int registerBuffer(long address, long bytes) {
        buffers.add(new Buffer(address, bytes));
        return buffers.size() - 1;
    }

    void unregisterBuffer(int buffer) {
        if (buffer != Io.UNREGISTERED) {
            buffers.set(buffer, null);
        }
    }

    // Operations: when.

    private long delay(SimFaults.@Nullable Latency latency) {
        long min = latency == null ? faults.delayNanosMin : latency.nanosMin();
        long max = latency == null ? faults.delayNanosMax : latency.nanosMax();
        long delay = min + prng.nextLong(Math.max(1, max - min + 1));
        return happens(faults.slow) ? delay + prng.nextLong(faults.slowNanosMax + 1) : delay;
    }

    private void schedule(@Nullable OpenFile open, long delayNanos, long token, Work work) {
        if (open != null) {
            open.inFlight++;
        }
        events.add(
                delayNanos,
                () -> {
                    int result = hasPower() ? work.run() : NEVER;
                    if (result == NEVER) {
                        return 0;
                    }
                    if (open != null) {
                        open.inFlight--;
                    }
                    completions.completed(token, result);
                    return 1;
                });
    }

    void read(int file, long offset, long address, int length, int buffer, long token) {
        OpenFile open = openFiles.get(file);
        schedule(
                open,
                delay(faults.readLatency),
                token,
                () -> readNow(open, offset, address, length, buffer));
    }

    void write(int file, long offset, long address, int length, int buffer, long token) {
        OpenFile open = openFiles.get(file);
        Write write = begin(open, offset, address, length, buffer);
        schedule(
                open,
                delay(faults.writeLatency),
                token,
                () -> write == null ? -Errno.EBADF : writeCall(write));
    }

    void writeAndSync(int file, long offset, long address, int length, int buffer, long token) {
        OpenFile open = openFiles.get(file);
        Write write = begin(open, offset, address, length, buffer);
        long delay = delay(faults.writeLatency);
        if (faults.syncLatency != null) {
            delay += delay(faults.syncLatency);
        }
        schedule(
                open,
                delay,
                token,
                () -> {
                    if (write == null) {
                        return -Errno.EBADF;
                    }
                    int written = writeCall(write);
                    // A short write breaks the chain: nothing is synced.
                    if (written != length) {
                        return written;
                    }
                    int synced = syncCall(write.open, write.open.file.sequence());
                    return synced < 0 ? synced : written;
                });
    }

    void sync(int file, long token) {
        OpenFile open = openFiles.get(file);
        long upTo = open == null ? 0 : open.file.sequence();
        schedule(
                open,
                delay(faults.syncLatency),
                token,
                () -> open == null ? -Errno.EBADF : syncCall(open, upTo));
    }

    void allocate(int file, long offset, long length, long token) {
        OpenFile open = openFiles.get(file);
        schedule(
                open,
                delay(null),
                token,
                () -> open == null ? -Errno.EBADF : allocateCall(open, offset, length));
    }

    void syncDirectory(Path directory, long token) {
        long upTo = disk.namesSequence();
        schedule(null, delay(faults.syncLatency), token, () -> syncDirectoryCall(directory, upTo));
    }

    // Operations: what.

    private int check(
            OpenFile open, boolean writes, long offset, long address, int length, int buffer) {
        if (writes && open.mode == Io.OpenMode.READ) {
            return -Errno.EBADF;
        }
        if (open.direct && ((offset | address | length) & (DIRECT_ALIGNMENT - 1)) != 0) {
            return -Errno.EINVAL;
        }
        if (buffer != Io.UNREGISTERED) {
            Buffer registered = buffers.get(buffer);
            if (registered == null
                    || address < registered.address
                    || address + length > registered.address + registered.bytes) {
                return -Errno.EFAULT;
            }
        }
        return 0;
    }

    private int cut(int length) {
        if (length > SimDisk.SECTOR_BYTES && happens(faults.shortTransfer)) {
            return SimDisk.SECTOR_BYTES * (1 + prng.nextInt((length - 1) / SimDisk.SECTOR_BYTES));
        }
        return length;
    }

    private int readNow(
            @Nullable OpenFile open, long offset, long address, int length, int buffer) {
        if (open == null) {
            return -Errno.EBADF;
        }
        int error = check(open, false, offset, address, length, buffer);
        if (error < 0) {
            return error;
        }
        if (happens(faults.ioError) || happens(faults.readError)) {
            return -Errno.EIO;
        }
        int wanted = cut(length);
        if (!faults.changesReads()) {
            return open.file.read(offset, address, wanted);
        }
        byte[] bytes = new byte[wanted];
        int available = (int) Math.max(0, Math.min(bytes.length, open.file.bytes() - offset));
        if (available > 0 && happens(faults.mediumBitFlip)) {
            open.file.flip(offset * 8 + prng.nextLong(available * 8L));
        }
        int read = open.file.read(offset, bytes, bytes.length);
        if (read > 0) {
            if (happens(faults.misdirectedRead)) {
                SimFile other = disk.any(prng);
                if (other != null) {
                    long block = prng.nextLong(other.bytes() / SimDisk.BLOCK_BYTES);
                    replaceBlock(bytes, read, offset, other.block(block));
                }
            }
            if (happens(faults.staleRead)) {
                long first = offset / SimDisk.BLOCK_BYTES;
                long last = (offset + read - 1) / SimDisk.BLOCK_BYTES;
                long block = first + prng.nextLong(last - first + 1);
                byte[] older = open.file.olderBlock(block);
                if (older != null) {
                    replace(bytes, read, offset, block, older);
                }
            }
            if (happens(faults.readBitFlip)) {
                int bit = prng.nextInt(read * 8);
                bytes[bit / 8] ^= (byte) (1 << bit % 8);
            }
        }
        Memory.copyIn(bytes, 0, address, read);
        return read;
    }

    /** Puts what belongs elsewhere in place of one of the blocks that were read. */
    private void replaceBlock(byte[] bytes, int read, long offset, byte[] wrong) {
        long first = offset / SimDisk.BLOCK_BYTES;
        long last = (offset + read - 1) / SimDisk.BLOCK_BYTES;
        replace(bytes, read, offset, first + prng.nextLong(last - first + 1), wrong);
    }

    private static void replace(byte[] bytes, int read, long offset, long block, byte[] by) {
        long begin = Math.max(offset, block * SimDisk.BLOCK_BYTES);
        long end = Math.min(offset + read, (block + 1) * SimDisk.BLOCK_BYTES);
        System.arraycopy(
                by,
                (int) (begin - block * SimDisk.BLOCK_BYTES),
                bytes,
                (int) (begin - offset),
                (int) (end - begin));
    }

    private @Nullable Write begin(
            @Nullable OpenFile open, long offset, long address, int length, int buffer) {
        if (open == null) {
            return null;
        }
        Write write = new Write(open, SimWrite.of(offset, address, length), address, buffer);
        if (hasPower() && check(open, true, offset, address, length, buffer) == 0) {
            open.file.begin(write.bytes);
            writes.add(write);
        }
        return write;
    }

    private int writeCall(Write write) {
        SimWrite bytes = write.bytes;
        SimDisk.Verdict verdict =
                disk.begin(
                        SimDisk.Call.WRITE,
                        write.open.path.toString(),
                        bytes.offset(),
                        bytes.length());
        if (verdict == SimDisk.Verdict.NEVER) {
            return NEVER;
        }
        write.open.file.settle(bytes);
        writes.remove(write);
        int result = writeNow(write, verdict);
        return disk.end(result) ? result : NEVER;
    }

    private int writeNow(Write write, SimDisk.Verdict verdict) {
        OpenFile open = write.open;
        SimWrite bytes = write.bytes;
        int length = bytes.length();
        int error = check(open, true, bytes.offset(), write.address, length, write.buffer);
        if (error < 0) {
            return error;
        }
        if (!bytes.isAt(write.address)) {
            throw new IllegalStateException(
                    open.path
                            + ", offset "
                            + bytes.offset()
                            + ": a buffer was changed while it was written");
        }
        if (failsWithEio(verdict, faults.writeError)) {
            int sectors = length / SimDisk.SECTOR_BYTES;
            int done = SimDisk.SECTOR_BYTES * prng.nextInt(sectors + 1);
            if (done > 0 && bytes.offset() + done <= open.file.bytes()) {
                open.file.write(bytes.first(done));
            }
            return -Errno.EIO;
        }
        int written =
                verdict == SimDisk.Verdict.IS_SHORT && length > 1 ? half(length) : cut(length);
        if (verdict == SimDisk.Verdict.FAILS_WITH_ENOSPC
                || happens(faults.noSpace)
                || !disk.grow(open.file, bytes.offset() + written)) {
            return -Errno.ENOSPC;
        }
        SimWrite done = written == length ? bytes : bytes.first(written);
        if (happens(faults.writeBitFlip)) {
            done.flip(prng.nextInt(written * 8));
        }
        if (happens(faults.misdirectedWrite)) {
            misdirect(open.file, done);
        } else if (!happens(faults.lostWrite)) {
            open.file.write(done);
        }
        return written;
    }

    private static int half(int length) {
        int sectors = length / 2 / SimDisk.SECTOR_BYTES;
        return sectors > 0 ? sectors * SimDisk.SECTOR_BYTES : length / 2;
    }

    private boolean failsWithEio(SimDisk.Verdict verdict, double probability) {
        return verdict == SimDisk.Verdict.FAILS_WITH_EIO
                || verdict == SimDisk.Verdict.FAILS_AND_DROPS
                || happens(faults.ioError)
                || happens(probability);
    }

    /** To another block, as far as the file there goes. The head was elsewhere: it is on the medium as it is. */
    private void misdirect(SimFile file, SimWrite write) {
        SimFile any = prng.chance(0.5) ? file : disk.any(prng);
        SimFile target = any == null ? file : any;
        long blocks = Math.max(1, target.bytes() / SimDisk.BLOCK_BYTES);
        long offset =
                prng.nextLong(blocks) * SimDisk.BLOCK_BYTES + write.offset() % SimDisk.BLOCK_BYTES;
        if (target == file && offset == write.offset()) {
            offset += SimDisk.BLOCK_BYTES;
        }
        int length = (int) Math.max(0, Math.min(write.length(), target.bytes() - offset));
        target.overwrite(write.first(length).at(offset));
    }

    private int syncCall(OpenFile open, long upTo) {
        SimDisk.Verdict verdict = disk.begin(SimDisk.Call.SYNC, open.path.toString(), 0, 0);
        if (verdict == SimDisk.Verdict.NEVER) {
            return NEVER;
        }
        int result = syncNow(open, upTo, verdict);
        return disk.end(result) ? result : NEVER;
    }

    private int syncNow(OpenFile open, long upTo, SimDisk.Verdict verdict) {
        if (verdict == SimDisk.Verdict.FAILS_WITH_ENOSPC) {
            return -Errno.ENOSPC;
        }
        if (failsWithEio(verdict, faults.syncError)) {
            if (verdict == SimDisk.Verdict.FAILS_AND_DROPS || happens(faults.syncErrorDrops)) {
                open.file.drop(upTo, prng.chance(0.5));
            }
            return -Errno.EIO;
        }
        if (!faults.ignoreSync) {
            open.file.sync(upTo);
        }
        return 0;
    }

    private int syncDirectoryCall(Path directory, long upTo) {
        SimDisk.Verdict verdict =
                disk.begin(SimDisk.Call.SYNC_DIRECTORY, directory.toString(), 0, 0);
        if (verdict == SimDisk.Verdict.NEVER) {
            return NEVER;
        }
        int result = syncDirectoryNow(directory, upTo, verdict);
        return disk.end(result) ? result : NEVER;
    }

    private int syncDirectoryNow(Path directory, long upTo, SimDisk.Verdict verdict) {
        if (!disk.hasDirectory(directory)) {
            return disk.find(directory) != null ? -Errno.ENOTDIR : -Errno.ENOENT;
        }
        if (failsWithEio(verdict, faults.syncError)) {
            if (verdict == SimDisk.Verdict.FAILS_AND_DROPS || happens(faults.syncErrorDrops)) {
                disk.dropDirectory(directory, upTo);
            }
            return -Errno.EIO;
        }
        if (!faults.ignoreDirectorySync) {
            disk.syncDirectory(directory, upTo);
        }
        return 0;
    }

    private int allocateCall(OpenFile open, long offset, long length) {
        SimDisk.Verdict verdict =
                disk.begin(SimDisk.Call.ALLOCATE, open.path.toString(), offset, length);
        if (verdict == SimDisk.Verdict.NEVER) {
            return NEVER;
        }
        int result = check(open, true, 0, 0, 0, Io.UNREGISTERED);
        if (result == 0 && failsWithEio(verdict, faults.writeError)) {
            result = -Errno.EIO;
        } else if (result == 0
                && (verdict == SimDisk.Verdict.FAILS_WITH_ENOSPC
                        || happens(faults.noSpace)
                        || !disk.grow(open.file, offset + length))) {
            result = -Errno.ENOSPC;
        }
        return disk.end(result) ? result : NEVER;
    }

    /** The process ends. What is in flight is in the kernel's hands: some of it is still done. */
    void close() {
        if (hasPower()) {
            for (Write write : writes) {
                SimFile file = write.open.file;
                if (file.settle(write.bytes)
                        && prng.chance(0.5)
                        && disk.grow(file, write.bytes.end())) {
                    file.write(write.bytes);
                }
            }
        }
        writes.clear();
    }
}
