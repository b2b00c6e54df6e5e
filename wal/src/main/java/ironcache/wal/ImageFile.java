package ironcache.wal;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * An image that is being written: one file of the same frames as the log's, numbered from 1, that ends with an END frame.
 *
 * <p>It is synced once, at its end, and counts when a manifest names it; so any failure, a full disk included, is the end of it: {@link #failure}, then {@link #abandon}. Space is allocated ahead
 * in steps that grow with the file, from {@link #STEP_BYTES_MIN} to {@link #STEP_BYTES_MAX}, so that small images stay small.
 *
 * <p>Owned like its shard: one thread at a time; methods marked <i>owner</i> are for the thread that owns the {@link Io}. Owns the chunks of its {@link FrameBuffer}
 * and one block for the header.
 */
public final class ImageFile implements AutoCloseable {
    /** Less than this is not worth a write, unless it is the end. */
    private static final int GATHER_BYTES = 256 << 10;

    private static final long STEP_BYTES_MIN = 1L << 20;
    private static final long STEP_BYTES_MAX = 64L << 20;
    private static final int BLOCK_BYTES = WalFileLayout.BLOCK_BYTES;

    // Operations: low bits of tokens.
    private static final int HEADER = 1;
    private static final int ALLOCATE = 2;
    private static final int WRITE = 3;
    private static final int SYNC = 4;
    private static final int DIRECTORY = 5;

    private final Io io;
    private final Path directory;
    private final Path path;
    private final long nodeId;
    private final int shard;
    private final long tokenBase;
    private final int file;
    private final FrameBuffer buffer;
    private final Crc32c crc = new Crc32c();
    private final long headerBlock = Memory.allocate(FrameBuffer.MAPPED_BYTES, MemoryTag.WAL);

    /** Up to here the file has its space. */
    private long allocatedBytes;

    private long allocatingBytes;
    private boolean headerWritten;
    private boolean busy;
    private int regionDone;
    private boolean regionSealed;
    private boolean finishing;
    private boolean synced;
    private boolean finished;
    private boolean fileClosed;
    private boolean closed;
    private @Nullable String failure;
    private long writtenBytes = BLOCK_BYTES;

    /**
     * Makes the file.
     *
     * @param tokenBase of the tokens of its operations, low 32 bits zero
     */
    public ImageFile(Io io, Path directory, int shard, long nodeId, long generation, long tokenBase)
            throws IOException {
        this.io = io;
        this.directory = directory;
        this.nodeId = nodeId;
        this.shard = shard;
        this.tokenBase = tokenBase;
        path = WalFileLayout.imageFile(directory, generation);
        buffer = new FrameBuffer(WalOptions.DEFAULT_CHUNK_BYTES, Long.MAX_VALUE, generation, 1);
        try {
            io.openDirectory(directory);
            file = io.openFile(path, Io.OpenMode.CREATE, true);
        } catch (IOException e) {
            Memory.free(headerBlock, FrameBuffer.MAPPED_BYTES, MemoryTag.WAL);
            throw e;
        }
        WalFileLayout.put(
                headerBlock, WalFileLayout.TYPE_IMAGE, shard, generation, 1, nodeId, 0, crc);
    }

    /** As {@link WalWriter#append}. */
    public long append(int bytes) {
        return buffer.append(bytes);
    }

    /** A MARK frame by itself. @return address of its payload */
    public long mark(int bytes) {
        return buffer.mark(bytes);
    }

    /** No more is appended: {@link #commit} writes the rest, the END frame, and syncs. */
    public void finish() {
        if (!finishing) {
            finishing = true;
            buffer.endFile();
        }
    }

    /** Bytes appended and not yet written: memory, which the caller bounds. */
    public long pendingBytes() {
        return buffer.pendingBytes();
    }

    /** Bytes of the file so far. */
    public long writtenBytes() {
        return writtenBytes;
    }

    /** The file is whole and durable, and so is its name. */
    public boolean isFinished() {
        return finished;
    }

    /** Null, or why there will be no image. */
    public @Nullable String failure() {
        return failure;
    }

    public Path path() {
        return path;
    }

    /** Owner; when something was appended, after {@link #finish} and after completions. Hands the next operation to the kernel. */
    public void commit() {
        if (busy || finished || failure != null) {
            return;
        }
        if (buffer.regions() == 0 && buffer.pendingBytes() >= GATHER_BYTES) {
            buffer.closeForCommit();
        }
        if (!headerWritten) {
            busy = true;
            io.write(file, 0, headerBlock, BLOCK_BYTES, Io.UNREGISTERED, tokenBase | HEADER);
        } else if (buffer.regions() > 0) {
            writeRegion();
        } else if (finishing && !synced) {
            busy = true;
            io.sync(file, tokenBase | SYNC);
        } else if (finishing) {
            busy = true;
            io.syncDirectory(directory, tokenBase | DIRECTORY);
        }
    }

    private void writeRegion() {
        busy = true;
        long end = buffer.regionOffset() + buffer.regionLength();
        if (end > allocatedBytes) {
            long step = Math.clamp(allocatedBytes, STEP_BYTES_MIN, STEP_BYTES_MAX);
            // Nothing is gained by space behind the end.
            allocatingBytes =
                    finishing && buffer.regions() == 1 ? end : Math.max(end, allocatedBytes + step);
            io.allocate(
                    file, allocatedBytes, allocatingBytes - allocatedBytes, tokenBase | ALLOCATE);
            return;
        }
        if (!regionSealed) {
            buffer.sealRegion(0, 0, nodeId, shard, crc);
            regionSealed = true;
        }
        io.write(
                file,
                buffer.regionOffset() + regionDone,
                buffer.regionAddress() + regionDone,
                buffer.regionLength() - regionDone,
                Io.UNREGISTERED,
                tokenBase | WRITE);
    }

    /** Owner. The operation whose token was {@code tokenBase | op} has completed. */
    public void onFile(int op, int result) {
        busy = false;
        if (failure != null) {
            return;
        }
        if (result < 0 && !(op == ALLOCATE && result == -Errno.EOPNOTSUPP)) {
            fail(Errno.name(result));
            return;
        }
        switch (op) {
            case HEADER -> {
                headerWritten = result == BLOCK_BYTES;
                if (!headerWritten) {
                    fail("short write, " + result + " of " + BLOCK_BYTES + " bytes");
                }
            }
            case ALLOCATE -> allocatedBytes = allocatingBytes;
            case WRITE -> onWritten(result);
            case SYNC -> synced = true;
            case DIRECTORY -> {
                finished = true;
                closeFile();
            }
            default -> throw new IllegalArgumentException("operation " + op);
        }
        commit();
    }

    private void onWritten(int result) {
        int wanted = buffer.regionLength() - regionDone;
        if (result == wanted) {
            writtenBytes += buffer.regionLength();
            regionDone = 0;
            regionSealed = false;
            buffer.releaseRegion();
        } else if (result < BLOCK_BYTES) {
            fail("short write, " + result + " of " + wanted + " bytes");
        } else {
            regionDone += result & -BLOCK_BYTES;
        }
    }

    private void fail(String cause) {
        failure = "cannot write " + path + " at offset " + writtenBytes + ": " + cause;
    }

    /** Whether an operation is in flight. */
    public boolean isBusy() {
        return busy;
    }

    /** Owner. There shall be no image after all: no further operation begins; {@link #abandon} when the last has completed. */
    public void giveUp() {
        if (failure == null) {
            failure = path + " is given up";
        }
    }

    /** Owner. Deletes what there is of it. Not while {@link #isBusy}. */
    public void abandon() throws IOException {
        if (busy) {
            throw new IllegalStateException("an operation on " + path + " is in flight");
        }
        closeFile();
        io.deleteFile(path);
    }

    private void closeFile() {
        if (!fileClosed) {
            fileClosed = true;
            io.closeFile(file);
        }
    }

    /** Frees the memory. After {@link #isFinished} or {@link #abandon}, or after the {@link Io} is closed. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            buffer.close();
            Memory.free(headerBlock, FrameBuffer.MAPPED_BYTES, MemoryTag.WAL);
        }
    }
}
