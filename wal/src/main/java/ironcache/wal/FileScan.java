package ironcache.wal;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Finds every frame of one log segment or image that verifies, whatever lies between: for salvage, and for saying what else is wrong behind the first damage. Where {@link
 * FrameReader} decides what a frame that does not verify means, this passes over it; that seqnos have gaps is for the caller to see.
 *
 * <p>Behind a frame that does not verify the next is looked for at every multiple of 8, as frames of one commit lie back to back and the length of a damaged one is
 * not known.
 *
 * <p>Owned by one thread. Owns 3 MiB of memory.
 */
public final class FileScan implements AutoCloseable {
    private final Io io;
    private final ReadAhead window;
    private final Crc32c crc = new Crc32c();

    private @Nullable Path path;
    private long nodeId;
    private long generation;
    private long position;
    private long lastSeqno;
    private boolean headerSeen;
    private boolean headerOnly;
    private boolean done;
    private @Nullable Damage damage;
    private int type;
    private int shard;
    private int frameShard;
    private long headerNodeId;
    private long firstSeqno;
    private long witness;

    private long frame;
    private long frameOffset;
    private int frameLength;

    /** @param tokenBase of tokens of its reads, low 32 bits zero */
    public FileScan(Io io, long tokenBase) {
        this.io = io;
        this.window = new ReadAhead(io, tokenBase);
    }

    /** Begins with a file, of the node and the shard that its header says. @throws IOException where it cannot be opened */
    public void open(Path file) throws IOException {
        open(file, 0, 0, 0);
    }

    /**
     * Begins with a file.
     *
     * @param newNodeId of the directory; 0: node and shard are as the file's header says
     * @param newShard whose file it is
     * @param fromOffset frames that begin before are passed over; 0 for none
     * @throws IOException where it cannot be opened
     */
    public void open(Path file, long newNodeId, int newShard, long fromOffset) throws IOException {
        path = file;
        nodeId = newNodeId;
        frameShard = newShard;
        generation =
                Math.max(WalFileLayout.logGeneration(file), WalFileLayout.imageGeneration(file));
        position = Math.max(WalFileLayout.BLOCK_BYTES, fromOffset);
        lastSeqno = 0;
        headerSeen = false;
        headerOnly = false;
        done = false;
        damage = null;
        firstSeqno = 0;
        witness = 0;
        window.open(io.openFile(file, Io.OpenMode.READ, true), Long.MAX_VALUE);
    }

    /** FRAME: see the accessors; PENDING; END; DAMAGED: the file cannot be read on, see {@link #damage}. */
    public FrameReader.Status next() {
        while (!done) {
            if (!headerSeen) {
                long block = window.window(0, WalFileLayout.BLOCK_BYTES);
                if (block == ReadAhead.PENDING) {
                    return FrameReader.Status.PENDING;
                }
                headerSeen = true;
                readHeader(block);
                done = headerOnly;
                continue;
            }
            long at = window.window(position, FrameLayout.HEADER_BYTES);
            if (at == ReadAhead.PENDING) {
                return FrameReader.Status.PENDING;
            }
            if (at <= 0) {
                end(at);
                break;
            }
            if (!looksLikeFrame(at)) {
                position += Long.BYTES;
                continue;
            }
            int bytes = FrameLayout.HEADER_BYTES + FrameLayout.length(at);
            at = window.window(position, bytes);
            if (at == ReadAhead.PENDING) {
                return FrameReader.Status.PENDING;
            }
            if (at == ReadAhead.FAILED) {
                end(at);
                break;
            }
            if (at > 0
                    && FrameLayout.expectedCrc(at, nodeId, frameShard, generation, position, crc)
                            == FrameLayout.crc32c(at)) {
                frame = at;
                frameOffset = position;
                frameLength = bytes - FrameLayout.HEADER_BYTES;
                lastSeqno = FrameLayout.seqno(at);
                position += bytes;
                return FrameReader.Status.FRAME;
            }
            position += Long.BYTES;
        }
        if (!window.closeFile()) {
            return FrameReader.Status.PENDING;
        }
        return damage != null && damage.field().equals("read")
                ? FrameReader.Status.DAMAGED
                : FrameReader.Status.END;
    }

    /** Only the header is wanted: {@link #next} gives no frame. */
    public void stopAtHeader() {
        headerOnly = true;
    }

    /** No more of this file is wanted; {@link #next} says END when nothing is in flight any more. */
    public void stop() {
        done = true;
    }

    private void end(long found) {
        done = true;
        if (found == ReadAhead.FAILED) {
            damage =
                    new Damage(
                            path(),
                            window.failedOffset(),
                            "read",
                            "the bytes there",
                            Errno.name(window.errno()));
        }
    }

    private void readHeader(long block) {
        if (block <= 0) {
            damage = new Damage(path(), 0, "fileBytes", "a header of 4096 bytes", "fewer");
            return;
        }
        damage = WalFileLayout.checkWhole(block, path(), crc);
        if (damage == null) {
            headerNodeId = WalFileLayout.nodeId(block);
            type = WalFileLayout.type(block);
            shard = WalFileLayout.shard(block);
            firstSeqno =
                    WalFileLayout.generation(block) == generation
                            ? WalFileLayout.firstSeqno(block)
                            : 0;
            witness = WalFileLayout.witness(block, crc);
            if (nodeId == 0) {
                nodeId = headerNodeId;
                frameShard = shard;
            }
        }
    }

    /** Cheap tests that keep the checksum for what can be a frame: the search tries every word of a damaged stretch. */
    private boolean looksLikeFrame(long at) {
        long seqno = FrameLayout.seqno(at);
        return FrameLayout.isPlausible(at)
                && FrameLayout.flags(at) <= (FrameLayout.MORE | FrameLayout.PARTS)
                && seqno > lastSeqno
                && Long.compareUnsigned(FrameLayout.durable(at), seqno) < 0
                && Long.compareUnsigned(FrameLayout.stable(at), seqno) < 0;
    }

    private Path path() {
        return path == null ? Path.of("") : path;
    }

    /** What is wrong with the file's header, or why it could not be read on. */
    public @Nullable Damage damage() {
        return damage;
    }

    // Of the header, where it verifies.

    public boolean isImage() {
        return type == WalFileLayout.TYPE_IMAGE;
    }

    public int shard() {
        return shard;
    }

    public long nodeId() {
        return headerNodeId;
    }

    /** 0 where the header is not this file's own. */
    public long firstSeqno() {
        return firstSeqno;
    }

    /** The last frame that was acknowledged, as the file's witness says; 0: it says nothing. */
    public long witness() {
        return witness;
    }

    // The frame given last.

    public long seqno() {
        return FrameLayout.seqno(frame);
    }

    public int kind() {
        return FrameLayout.kind(frame);
    }

    public int flags() {
        return FrameLayout.flags(frame);
    }

    public long durable() {
        return FrameLayout.durable(frame);
    }

    public long stable() {
        return FrameLayout.stable(frame);
    }

    /** Address of the payload; valid until the next call of {@link #next}. */
    public long payload() {
        return frame + FrameLayout.HEADER_BYTES;
    }

    /** Bytes of the payload, the list of parts included. */
    public int length() {
        return frameLength;
    }

    public long offset() {
        return frameOffset;
    }

    /** The checksum that the frame has. */
    public int crc32c() {
        return Memory.getInt(frame + FrameLayout.CRC_OFFSET);
    }

    /** Read from files so far, for progress. */
    public long bytesRead() {
        return window.bytesRead();
    }

    /** The operation whose token was {@code tokenBase | op} has completed. */
    public void onFile(int op, int result) {
        window.onFile(op, result);
    }

    /** Frees the memory; after END or DAMAGED, or after the {@link Io} is closed. */
    @Override
    public void close() {
        window.close();
    }
}
