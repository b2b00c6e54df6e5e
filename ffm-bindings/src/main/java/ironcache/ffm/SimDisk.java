package ironcache.ffm;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Simulated disk with a file system, as hostile as the contracts of the real ones allow. It outlives the {@link SimIo}s that use it, of which there
 * may be several, as a disk outlives the power.
 *
 * <ul>
 *   <li>Contents and sizes are durable after a sync of the file that was called after the write had completed. A {@link #crash} leaves of the rest
 *       any part in any order, torn at 512 bytes; writes that had not completed are among it.
 *   <li>Names are durable after a sync of their directory that was called after the change. A crash does or undoes other changes, each by itself. A
 *       name says nothing about contents: a file that was renamed without being synced may be there, torn or empty.
 *   <li>Directories are durable at once.
 *   <li>A process that ends without a crash ({@link SimIo#close}) loses nothing that has completed; what was in flight has been done or not.
 *   <li>{@link SimFaults} says what goes wrong besides, and has planted bugs: syncs that do nothing, renames before contents.
 * </ul>
 *
 * <p>Every operation but reads is a <em>call</em> and counted when it takes effect; a write that is linked to a sync is two. {@link #crashAt} lets
 * the power fail right before or after one of them: from then on nothing completes, and whatever touches a name throws, until {@link #crash} or
 * {@link #kill} has decided what is left and a new {@link SimIo} has been made. {@link #failAt} lets one call fail. So a test runs once, reads
 * {@link #calls}, and then crashes or fails at each. {@link #failFrom} lets all fail that follow.
 *
 * <p>All chance comes from the callers' generators. Owned by the simulation's thread; heap only.
 */
public final class SimDisk {
    static final int BLOCK_BYTES = 4096;
    static final int SECTOR_BYTES = 512;

    /** What is counted. */
    enum Call {
        WRITE,
        SYNC,
        ALLOCATE,
        CREATE,
        RENAME,
        DELETE,
        SYNC_DIRECTORY
    }

    /** When, relative to a call, the power fails. */
    public enum Moment {
        /** It has not happened; of a write that was in flight a part may have. */
        BEFORE,
        /** It has happened, and nobody was told. */
        AFTER
    }

    /** Told of each call, right before and right after it. May {@link #copy} the disk, to see what a crash would leave here. */
    public interface Observer {
        void at(long call, Moment moment);
    }

    /** How a call fails. */
    public enum Failure {
        /** EIO. What a write leaves in its place is open. */
        IO_ERROR,
        /** As {@link #IO_ERROR}; of a sync, the kernel forgets what there was to write: the next sync succeeds and the data is gone. */
        IO_ERROR_DROPPING,
        NO_SPACE,
        /** Half of a write is done. Nothing, for other calls. */
        SHORT
    }

    /** What becomes of a call. */
    enum Verdict {
        DONE,
        FAILS_WITH_EIO,
        FAILS_AND_DROPS,
        FAILS_WITH_ENOSPC,
        IS_SHORT,
        /** The disk is dead: nothing happens, and nobody is told. */
        NEVER
    }

    private long capacityBytes;
    private SimNames names = new SimNames();

    private long calls;
    private boolean dead;
    private long crashCall = -1;
    private Moment crashMoment = Moment.BEFORE;
    private final TreeMap<Long, Failure> failures = new TreeMap<>();
    private long failingFrom = Long.MAX_VALUE;
    private Failure lastingFailure = Failure.IO_ERROR;

    /** Changes with each crash: a {@link SimIo} of an earlier time is cut off. */
    private int generation;

    private long traceHash;
    private @Nullable Consumer<String> log;
    private Observer observer = (atCall, moment) -> {};

    // The call that is being done.
    private Call call = Call.WRITE;
    private String callName = "";
    private long callOffset;
    private long callLength;

    public SimDisk(long capacityBytes) {
        this.capacityBytes = capacityBytes;
    }

    // The adversary.

    /** Power fails: what was not synced is in doubt, decided by {@code prng}. {@link SimIo}s made before are cut off for good. */
    public void crash(Prng prng) {
        names.crash(prng);
        restart();
    }

    /** The process is killed, and the power stays on: everything is there; what was in flight has been done or not. Else as {@link #crash}. */
    public void kill(Prng prng) {
        names.settleAll(prng);
        restart();
    }

    private void restart() {
        generation++;
        dead = false;
        crashCall = -1;
        heal();
    }

    /**
     * Lets the power fail at a call, counted from 1 as {@link #calls} does; a linked write and sync are two. Then {@link #isDead}, and {@link
     * #crash} is due.
     */
    public void crashAt(long atCall, Moment moment) {
        crashCall = atCall;
        crashMoment = moment;
    }

    /** Lets a call fail, counted from 1 as {@link #calls} does. May be asked for several. */
    public void failAt(long atCall, Failure failure) {
        failures.put(atCall, failure);
    }

    /**
     * Lets all calls fail from one on, counted from 1 as {@link #calls} does, until {@link #heal}. Where that is for want of space, syncs and deletions go on.
     */
    public void failFrom(long fromCall, Failure failure) {
        failingFrom = fromCall;
        lastingFailure = failure;
    }

    /** No call fails from now on. */
    public void heal() {
        failingFrom = Long.MAX_VALUE;
        failures.clear();
    }

    /** How many calls there have been, crashes included. */
    public long calls() {
        return calls;
    }

    /** Whether the power has failed at a {@link #crashAt}. */
    public boolean isDead() {
        return dead;
    }

    /** A hash over all calls, their order and their results. */
    public long traceHash() {
        return traceHash;
    }

    /** Told each call in a line. */
    public void setLog(@Nullable Consumer<String> newLog) {
        log = newLog;
    }

    /** With {@link #copy}, one run does what otherwise takes a run and {@link #crashAt} for each call. */
    public void setObserver(Observer newObserver) {
        observer = newObserver;
    }

    /** From here on there is so much room. */
    public void setCapacity(long newCapacityBytes) {
        capacityBytes = newCapacityBytes;
    }

    /** Bytes not occupied by any file; a file occupies up to its highest written or allocated byte. */
    public long freeBytes() {
        long used = 0;
        for (SimFile file : names.files()) {
            used += file.bytes();
        }
        return capacityBytes - used;
    }

    /**
     * A disk as this one is now, with all that is in doubt, and in flight, on which neither calls nor failures have happened. Shares memory; takes
     * microseconds per file.
     */
    public SimDisk copy() {
        SimDisk copy = new SimDisk(capacityBytes);
        copy.names = names.copy();
        return copy;
    }

    // What a test does to files by itself: current and durable contents alike, and no calls.

    /** The names of all files, in order. */
    public List<String> names() {
        return names.all();
    }

    private SimFile file(Path path) {
        SimFile file = find(path);
        if (file == null) {
            throw new IllegalArgumentException("no file " + path);
        }
        return file;
    }

    private SimFile file(Path path, long end) {
        SimFile file = file(path);
        if (end < 0 || end > file.bytes()) {
            throw new IllegalArgumentException(
                    path + " has " + file.bytes() + " bytes, not " + end);
        }
        return file;
    }

    /** The size of a file. */
    public long bytes(Path path) {
        return file(path).bytes();
    }

    /** Flips one bit, as a failing medium would. */
    public void flipBit(Path path, long bit) {
        file(path, bit / 8 + 1).flip(bit);
    }

    public void zero(Path path, long offset, int length) {
        file(path, offset + length).overwrite(SimWrite.of(offset, new byte[length], length));
    }

    /** Cuts a file off, or lets it grow by zeros. */
    public void truncate(Path path, long bytes) {
        file(path).resize(bytes);
    }

    /** Exchanges two blocks of 4096 bytes of the same or of two files; a block that its file's end cuts off is not exchanged. */
    public void swapBlocks(Path path, long block, Path otherPath, long otherBlock) {
        SimFile file = file(path, (block + 1) * BLOCK_BYTES);
        SimFile other = file(otherPath, (otherBlock + 1) * BLOCK_BYTES);
        SimWrite here = SimWrite.of(block * BLOCK_BYTES, other.block(otherBlock), BLOCK_BYTES);
        SimWrite there = SimWrite.of(otherBlock * BLOCK_BYTES, file.block(block), BLOCK_BYTES);
        file.overwrite(here);
        other.overwrite(there);
    }

    /** Puts a block of 4096 bytes back to what it was before its last change. @return whether there was one */
    public boolean revertBlock(Path path, long block) {
        SimFile file = file(path);
        byte[] older = file.olderBlock(block);
        int length = (int) Math.min(BLOCK_BYTES, file.bytes() - block * BLOCK_BYTES);
        if (older == null || length <= 0) {
            return false;
        }
        file.overwrite(SimWrite.of(block * BLOCK_BYTES, older, length));
        return true;
    }

    /** What a file holds; of at most 2 GiB. */
    public byte[] contents(Path path) {
        SimFile file = file(path);
        byte[] contents = new byte[Math.toIntExact(file.bytes())];
        file.read(0, contents, contents.length);
        return contents;
    }

    /** A part of what a file holds: fewer bytes at its end. */
    public byte[] contents(Path path, long offset, int length) {
        SimFile file = file(path);
        byte[] contents = new byte[(int) Math.max(0, Math.min(length, file.bytes() - offset))];
        file.read(offset, contents, contents.length);
        return contents;
    }

    /** Changes a part of a file, which may not reach beyond its end. */
    public void overwrite(Path path, long offset, byte[] contents) {
        file(path, offset + contents.length)
                .overwrite(SimWrite.of(offset, contents, contents.length));
    }

    /** Makes or replaces a file. */
    public void put(Path path, byte[] contents) {
        SimFile file = new SimFile();
        names.put(path.toString(), file);
        file.resize(contents.length);
        file.overwrite(SimWrite.of(0, contents, contents.length));
    }

    /** A file is gone. */
    public void remove(Path path) {
        file(path);
        names.remove(path.toString());
    }

    // For SimFiles: calls.

    int generation() {
        return generation;
    }

    /** Before a call takes effect. */
    Verdict begin(Call newCall, String name, long offset, long length) {
        if (dead) {
            return Verdict.NEVER;
        }
        calls++;
        call = newCall;
        callName = name;
        callOffset = offset;
        callLength = length;
        if (calls == crashCall && crashMoment == Moment.BEFORE) {
            die();
            return Verdict.NEVER;
        }
        observer.at(calls, Moment.BEFORE);
        Failure failure = failures.remove(calls);
        if (failure == null) {
            if (calls < failingFrom
                    || lastingFailure == Failure.NO_SPACE
                            && (call == Call.SYNC
                                    || call == Call.SYNC_DIRECTORY
                                    || call == Call.DELETE)) {
                return Verdict.DONE;
            }
            failure = lastingFailure;
        }
        return switch (failure) {
            case IO_ERROR -> Verdict.FAILS_WITH_EIO;
            case IO_ERROR_DROPPING -> Verdict.FAILS_AND_DROPS;
            case NO_SPACE -> Verdict.FAILS_WITH_ENOSPC;
            case SHORT -> Verdict.IS_SHORT;
        };
    }

    /** After a call took effect. @return whether somebody is told */
    boolean end(long result) {
        traceHash =
                Prng.mix(
                        traceHash
                                ^ Prng.mix(call.ordinal() * 31L + callName.hashCode())
                                ^ Prng.mix(callOffset * 31 + callLength) + result);
        if (log != null) {
            log.accept(describeCall() + ": " + (result < 0 ? Errno.name((int) result) : result));
        }
        observer.at(calls, Moment.AFTER);
        if (calls == crashCall) {
            die();
        }
        return !dead;
    }

    private String describeCall() {
        return calls
                + " "
                + call
                + " "
                + callName
                + (callLength == 0 ? "" : " " + callOffset + "+" + callLength);
    }

    private void die() {
        dead = true;
        if (log != null) {
            log.accept(describeCall() + ": the power fails " + crashMoment);
        }
    }

    // For SimFiles: names. These are done at once, and fail by throwing.

    private void beginName(Call nameCall, String name) throws IOException {
        Verdict verdict = begin(nameCall, name, 0, 0);
        switch (verdict) {
            case NEVER -> throw poweredOff();
            case FAILS_WITH_EIO, FAILS_AND_DROPS -> throw failed(name, -Errno.EIO);
            case FAILS_WITH_ENOSPC -> throw failed(name, -Errno.ENOSPC);
            case DONE, IS_SHORT -> {}
        }
    }

    private IOException failed(String name, int errno) {
        end(errno);
        return new FileSystemException(
                name,
                null,
                errno == -Errno.ENOSPC ? "No space left on device" : "Input/output error");
    }

    private void endName() throws IOException {
        if (!end(0)) {
            throw poweredOff();
        }
    }

    IOException poweredOff() {
        return new IOException("the simulated disk has no power since call " + calls);
    }

    void makeDirectory(Path directory) {
        names.makeDirectory(directory.toString());
    }

    boolean hasDirectory(Path directory) {
        return names.hasDirectory(directory.toString());
    }

    /** Null where there is none. */
    @Nullable SimFile find(Path path) {
        return names.find(path.toString());
    }

    /** A new file, or the one that has the name, emptied. */
    SimFile create(Path path) throws IOException {
        beginName(Call.CREATE, path.toString());
        SimFile file = find(path);
        if (file == null) {
            file = names.create(path.toString());
        } else {
            file.empty();
        }
        endName();
        return file;
    }

    /** @param early the rename is durable before what is in the file */
    void rename(Path from, Path to, boolean early) throws IOException {
        SimFile file = find(from);
        if (file == null) {
            throw new NoSuchFileException(from.toString());
        }
        beginName(Call.RENAME, from + " to " + to);
        if (!from.equals(to)) {
            names.rename(from.toString(), to.toString(), file);
            if (early) {
                names.overtake();
            }
        }
        endName();
    }

    void delete(Path path) throws IOException {
        if (find(path) != null) {
            beginName(Call.DELETE, path.toString());
            names.delete(path.toString());
            endName();
        }
    }

    long namesSequence() {
        return names.sequence();
    }

    void syncDirectory(Path directory, long upTo) {
        names.sync(directory.toString(), upTo);
    }

    void dropDirectory(Path directory, long upTo) {
        names.drop(directory.toString(), upTo);
    }

    /** Any file of the disk that has a block; null where there is none. */
    @Nullable SimFile any(Prng prng) {
        int skip = names.size() == 0 ? 0 : prng.nextInt(names.size());
        SimFile found = null;
        for (SimFile file : names.files()) {
            if (file.bytes() >= BLOCK_BYTES) {
                found = file;
                if (skip <= 0) {
                    break;
                }
            }
            skip--;
        }
        return found;
    }

    /** Makes a file occupy the disk up to {@code end}. @return false where there is no room */
    boolean grow(SimFile file, long end) {
        if (end > file.bytes()) {
            if (end - file.bytes() > freeBytes()) {
                return false;
            }
            file.grow(end);
        }
        return true;
    }
}
