package ironcache.recovery;

import ironcache.ffm.Io;
import ironcache.hybridlog.Address;
import ironcache.parity.ParityFiles;
import ironcache.parity.ParityId;
import ironcache.parity.Repair;
import ironcache.tiering.PageCheck;
import ironcache.wal.FileScan;
import ironcache.wal.FrameReader;
import ironcache.wal.WalFileLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes parity of a data directory's files, when they hold by their own checksums what was written. Waits for the disk. Owned by one thread, with an {@link Io} that nobody else uses.
 */
public final class Protection implements AutoCloseable {
    private static final long POLL_NANOS = 200_000_000;

    private final Io io;
    private final ParityFiles files;
    private final PageCheck pages = new PageCheck();

    /** Of a file that is being read; null: none is. */
    private @Nullable Closing reading;

    /** What has memory. */
    private interface Closing {
        void close();
    }

    /** @param cancelled asked now and then: {@link java.io.InterruptedIOException} ends the work */
    public Protection(Io io, BooleanSupplier cancelled) {
        this.io = io;
        files = new ParityFiles(io, cancelled);
    }

    /**
     * Of a full segment of the SSD tier. Where it has been freed meanwhile, and used again, its pages are not those that they should be.
     *
     * @return the parity file's bytes; 0: the file does not hold what was written, and gets none
     */
    public long segment(ParityId id, Path file, int segmentPages, int parityBlocks)
            throws IOException {
        int first = PageCheck.firstPage((int) id.number(), segmentPages);
        return files.protect(
                id,
                file,
                parityBlocks,
                (address, offset, bytes) -> {
                    for (long at = 0; at < bytes; at += Address.PAGE_BYTES) {
                        int page = first + (int) (offset + at >>> Address.PAGE_SHIFT);
                        int length = (int) Math.min(Address.PAGE_BYTES, bytes - at);
                        if (!pages.check(address + at, length, page, id.generation()).isEmpty()) {
                            return false;
                        }
                    }
                    return true;
                });
    }

    /**
     * Of a log segment that is written no more.
     *
     * @param endSeqno the first frame that is not in it
     * @return as {@link #segment}
     */
    public long log(ParityId id, Path file, long endSeqno, int parityBlocks) throws IOException {
        FrameReader reader = newReader();
        reader.openLog(List.of(file), id.shard(), id.nodeId(), 0);
        boolean isWhole =
                readToEnd(reader) != FrameReader.Status.DAMAGED && reader.nextSeqno() >= endSeqno;
        closeReading();
        return isWhole ? files.protect(id, file, parityBlocks, (a, offset, bytes) -> true) : 0;
    }

    /** Of an image that a manifest names. @return as {@link #segment} */
    public long image(ParityId id, Path file, int parityBlocks) throws IOException {
        FrameReader reader = newReader();
        reader.openImage(file, id.shard(), id.nodeId());
        boolean isWhole = readToEnd(reader) == FrameReader.Status.END;
        closeReading();
        return isWhole ? files.protect(id, file, parityBlocks, (a, offset, bytes) -> true) : 0;
    }

    private FrameReader newReader() {
        FrameReader reader = new FrameReader(io, 0);
        setHandler((token, result) -> reader.onFile((int) token, result));
        reading = reader::close;
        return reader;
    }

    private void closeReading() {
        Closing last = reading;
        reading = null;
        if (last != null) {
            last.close();
        }
    }

    private FrameReader.Status readToEnd(FrameReader reader) {
        FrameReader.Status status = reader.next();
        while (status == FrameReader.Status.FRAME || status == FrameReader.Status.PENDING) {
            if (status == FrameReader.Status.PENDING) {
                io.poll(POLL_NANOS);
            }
            status = reader.next();
        }
        return status;
    }

    /** The first frame of a log segment; 0: it is not begun. */
    public long firstSeqno(Path file, long nodeId) throws IOException {
        FileScan scan = new FileScan(io, 0);
        reading = scan::close;
        try {
            setHandler((token, result) -> scan.onFile((int) token, result));
            scan.open(file);
            scan.stopAtHeader();
            while (scan.next() == FrameReader.Status.PENDING) {
                io.poll(POLL_NANOS);
            }
            return scan.nodeId() == nodeId && WalFileLayout.logGeneration(file) >= 0
                    ? scan.firstSeqno()
                    : 0;
        } finally {
            closeReading();
        }
    }

    private void setHandler(Io.FileHandler handler) {
        io.setHandlers(Io.SocketHandler.NONE, handler);
    }

    /** As {@link ParityFiles#parityBlocks}. */
    int parityBlocks(ParityId id, Path file) {
        return files.parityBlocks(id, file);
    }

    /** As {@link ParityFiles#mend}. */
    Repair mend(ParityId id, Path file, long fromByte, long toByte) throws IOException {
        return files.mend(id, file, fromByte, toByte);
    }

    /** Gives memory back until it is needed again. */
    void release() {
        files.release();
    }

    @Override
    public void close() {
        closeReading();
        files.close();
    }
}
