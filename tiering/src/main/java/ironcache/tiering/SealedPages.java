package ironcache.tiering;

import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Memory;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Log;
import ironcache.hybridlog.Record;
import ironcache.tiering.SegmentStore.Stream;
import java.util.Arrays;

/**
 * Sealed pages in RAM: those being packed (one a stream), those being written, and those written, which may lose their
 * frames at any time. Pages are written as they are, in one I/O, into space that was allocated before. One owner thread.
 *
 * <pre>
 * packing → writing → written → evicted (only on the SSD)
 * </pre>
 */
public final class SealedPages {
    /** Pages in flight at most: enough for the device's bandwidth, few enough that frames come back soon. */
    private static final int WRITES_IN_FLIGHT_MAX = 8;

    private static final long RETRY_NANOS = 1_000_000_000;

    private final Log log;
    private final SegmentStore segments;
    private final long tokenBase;

    // By stream: the page that is being packed; 0 for none.
    private final int[] packing = new int[Stream.values().length];
    private final int[] end = new int[packing.length];
    private final int[] records = new int[packing.length];

    private int writing;

    /** Pages whose write failed, to be written again. */
    private int[] failed = new int[4];

    private int failedCount;
    private long retryAtNanos;
    private String lastError = "";

    /** Written pages in RAM, oldest first: a ring; the generation tells whether a page is still the one that was written. */
    private int[] written = new int[64];

    private long[] writtenGeneration = new long[64];
    private int writtenHead;
    private int writtenCount;

    private long flushedBytes;
    private long sealedPages;
    private long writeErrors;

    /** @param tokenBase high bits of the tokens of page writes, low 32 bits zero */
    public SealedPages(Log log, SegmentStore segments, long tokenBase) {
        this.log = log;
        this.segments = segments;
        this.tokenBase = tokenBase;
    }

    /**
     * Appends a copy of a live record to the stream's page.
     *
     * @return its new logical address, or 0 where no page can be had now: none on the SSD, or too many are being written
     */
    public long append(Stream stream, long record) {
        int s = stream.ordinal();
        int bytes = Record.carriedLength(record);
        if (packing[s] != 0 && end[s] + bytes > Address.PAGE_BYTES) {
            finish(s);
        }
        if (packing[s] == 0 && !open(stream)) {
            return 0;
        }
        int page = packing[s];
        int offset = end[s];
        long pageAddress = log.pageAddress(page);
        Record.copyCarried(record, pageAddress + offset);
        end[s] = offset + bytes;
        records[s]++;
        PageLayout.putRecord(pageAddress + PageLayout.TABLES_OFFSET, offset, bytes);
        segments.recordAlive(page, bytes);
        return Address.of(page, offset);
    }

    private boolean open(Stream stream) {
        if (writing >= WRITES_IN_FLIGHT_MAX) {
            return false;
        }
        int page = segments.takePage(stream);
        if (page == 0) {
            return false;
        }
        int s = stream.ordinal();
        packing[s] = page;
        end[s] = PageLayout.RECORDS_START;
        records[s] = 0;
        Memory.fill(log.mapSealed(page), PageLayout.BLOCK_BYTES, (byte) 0);
        return true;
    }

    private void finish(int s) {
        int page = packing[s];
        packing[s] = 0;
        segments.finishPage(page, log.pageAddress(page), end[s], records[s]);
        sealedPages++;
        write(page);
    }

    private void write(int page) {
        writing++;
        segments.write(page, log.pageAddress(page), Io.UNREGISTERED, tokenBase | page);
    }

    /** Completion of a page's write. */
    public void onWritten(int page, int result, long nowNanos) {
        writing--;
        if (result != Address.PAGE_BYTES) {
            // The page stays in RAM and in its place; what it holds is not lost, and it is written
            // again later.
            writeErrors++;
            lastError =
                    segments.describe(page)
                            + ", write of "
                            + Address.PAGE_BYTES
                            + " bytes: "
                            + (result < 0 ? Errno.name(result) : "only " + result + " written");
            addFailed(page);
            retryAtNanos = nowNanos + RETRY_NANOS;
            return;
        }
        flushedBytes += result;
        addWritten(page);
        segments.flushed(page);
    }

    private void addFailed(int page) {
        if (failedCount == failed.length) {
            failed = Arrays.copyOf(failed, 2 * failedCount);
        }
        failed[failedCount++] = page;
    }

    private void addWritten(int page) {
        if (writtenCount == written.length) {
            growRing();
        }
        int at = (writtenHead + writtenCount++) % written.length;
        written[at] = page;
        writtenGeneration[at] = segments.generationOf(page);
    }

    private void growRing() {
        int[] pages = new int[2 * written.length];
        long[] generations = new long[pages.length];
        for (int i = 0; i < writtenCount; i++) {
            pages[i] = written[(writtenHead + i) % written.length];
            generations[i] = writtenGeneration[(writtenHead + i) % written.length];
        }
        written = pages;
        writtenGeneration = generations;
        writtenHead = 0;
    }

    /** Writes again what failed, once a second. */
    public void retry(long nowNanos) {
        if (mayRetry() && nowNanos - retryAtNanos >= 0) {
            write(failed[--failedCount]);
        }
    }

    private boolean mayRetry() {
        return failedCount > 0 && writing < WRITES_IN_FLIGHT_MAX;
    }

    /** For how long {@link #retry} has nothing to do, as far as nothing happens; Long.MAX_VALUE: for ever. */
    public long idleNanos(long nowNanos) {
        return mayRetry() ? Math.max(0, retryAtNanos - nowNanos) : Long.MAX_VALUE;
    }

    /** Takes the frame of the page written first. @return whether there was one */
    public boolean evictOldest() {
        while (writtenCount > 0) {
            int at = writtenHead;
            writtenHead = (writtenHead + 1) % written.length;
            writtenCount--;
            int page = written[at];
            if (segments.isGeneration(page, writtenGeneration[at]) && log.pageAddress(page) != 0) {
                log.freePage(page);
                return true;
            }
        }
        return false;
    }

    /** The pages' segment is free: frames that still hold them are, too. */
    public void forget(int firstPage, int pages) {
        for (int page = firstPage; page < firstPage + pages; page++) {
            if (log.pageAddress(page) != 0) {
                log.freePage(page);
            }
        }
    }

    // Warm restart.

    /** Writes the books; no page is being written. */
    public void save(StateOutput out) {
        for (int s = 0; s < packing.length; s++) {
            out.putLong(packing[s]);
            out.putLong(end[s]);
            out.putLong(records[s]);
        }
        for (int i = 0; i < writtenCount; i++) {
            int at = (writtenHead + i) % written.length;
            int page = written[at];
            if (segments.isGeneration(page, writtenGeneration[at]) && log.pageAddress(page) != 0) {
                out.putLong(page);
            }
        }
        out.putLong(0);
    }

    /** Of an empty log's sealed pages, when log and segments have been loaded: takes over what others saved. What was not written yet is written again. */
    public void load(StateInput in) {
        for (int s = 0; s < packing.length; s++) {
            packing[s] = in.getInt(Address.PAGES - 1);
            end[s] = in.getInt(Address.PAGE_BYTES);
            records[s] = in.getInt(Address.PAGE_BYTES);
        }
        for (int page = in.getInt(Address.PAGES - 1);
                page != 0;
                page = in.getInt(Address.PAGES - 1)) {
            addWritten(page);
        }
        int endPage = segments.endPage();
        for (int page = Address.FIRST_SSD_PAGE; page < endPage; page++) {
            if (log.pageAddress(page) != 0
                    && page != packing[0]
                    && page != packing[1]
                    && !segments.isFlushed(page)) {
                addFailed(page);
            }
        }
    }

    /** Writes keep failing: nothing more can leave RAM. */
    public boolean isFailing() {
        return failedCount > 0;
    }

    public String lastError() {
        return lastError;
    }

    public int writing() {
        return writing;
    }

    /** Frames that will be free without sealing anything: written already or on their way. */
    public int evictable() {
        return writtenCount;
    }

    public long flushedBytes() {
        return flushedBytes;
    }

    public long sealedPages() {
        return sealedPages;
    }

    public long writeErrors() {
        return writeErrors;
    }
}
