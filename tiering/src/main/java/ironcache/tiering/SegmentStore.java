package ironcache.tiering;

import ironcache.ffm.Crc32c;
import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Mapping;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.StateInput;
import ironcache.ffm.StateOutput;
import ironcache.hybridlog.Address;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The SSD tier's files and books: segments of pages, which pages are free, what in them is alive, and the checksums to
 * verify cold reads with. One owner thread.
 *
 * <p>A segment is one file of a fixed number of pages, its space allocated before it is used, so that a page write does not meet a full disk. A
 * segment is filled page by page by one {@link Stream}, later loses records to updates, and is freed when its last record died or was moved by
 * compaction; its file is then used again or deleted. Sums, for all segments:
 *
 * <pre>
 * liveBytes(segment) = Σ liveBytes(page) ≤ bytes of records sealed into it
 * disk bytes = (open + sealed + spare segments) × segment bytes ≤ maxDiskBytes
 * </pre>
 */
public final class SegmentStore implements AutoCloseable {
    /** Who fills a segment: records that leave RAM, or survivors of compaction (colder: kept apart, so that garbage gathers). */
    public enum Stream {
        SEAL,
        COMPACT
    }

    /** Life of a segment. */
    enum State {
        /** The file is made and its space being allocated. */
        ALLOCATING,
        /** Allocated and empty. */
        SPARE,
        /** Being filled by a stream. */
        OPEN,
        /** Full. */
        SEALED,
        /** Read by compaction, which moves its survivors. */
        COMPACTING
    }

    /** One segment. */
    public static final class Segment {
        final int number;
        final int file;
        State state = State.ALLOCATING;
        long generation;
        int pagesTaken;
        int pagesFlushed;

        /** One bit for each page that is wholly written. */
        long flushed;

        /** An image that is kept refers to it: so many do. It is not freed meanwhile. */
        int images;

        /** Written to since it was last synced. */
        boolean unsynced;

        /** An image referred to it: its pages' tables are on the SSD only, until they have been read. */
        boolean restored;

        /** Of the records that were put into it, dead ones too. */
        long packedBytes;

        long liveBytes;
        long liveRecords;

        /** Reads in flight or queued; it is not freed meanwhile. */
        int pins;

        /** A page failed its verification; compaction leaves the segment alone. */
        boolean damaged;

        Segment(int number, int file) {
            this.number = number;
            this.file = file;
        }
    }

    /** Called before the pages of a segment become free: their numbers may come to mean other records. */
    public interface FreeListener {
        void onFree(int firstPage, int pages);
    }

    private static final String FILE_PREFIX = "segment-";
    private static final String FILE_SUFFIX = ".iron";
    private static final int MAX_SEGMENT_PAGES = 64;
    private static final int MIN_SEGMENT_PAGES = 4;

    /** The smallest disk that a segment size is derived for; below, segments stay at their minimum. */
    private static final int SEGMENTS_WANTED = 64;

    /** Spare segments that only compaction may take, so that it can always make progress. */
    private static final int RESERVED_SEGMENTS = 2;

    /**
     * Spare segments beyond the usual few that are kept where the disk is large enough. Without them segments are deleted and made by turns while compaction frees and others fill, and a
     * disk that is told what was deleted (discard) keeps readers waiting for some ten milliseconds each time.
     */
    private static final int SURPLUS_SEGMENTS = 2;

    /** Fewer segments than this could still be allocated: compaction begins. */
    private static final int TIGHT_SEGMENTS = 4;

    private static final double SPACE_FACTOR = 1.3;

    private static final long SLACK_BYTES_MAX = 1L << 30;

    /** On a small disk the slack is this part of it. */
    private static final int SLACK_PART = 16;

    private static final long RETRY_NANOS = 200_000_000;

    /** In a state file: no number of a segment. */
    private static final int SAVED_END = Integer.MAX_VALUE;

    /** Not where a test plants the bug of a store that believes its disk. */
    @SuppressWarnings("NonFinalStaticField")
    static boolean verifiesBlocks = true;

    /** Live counts of a page: bytes (4), records (4). */
    private static final int COUNTS_BYTES = 8;

    private final Io io;
    private final Path directory;
    private final long tokenBase;
    private final int segmentPages;
    private final int maxSegments;
    private final long slackBytes;
    private final int surplusMax;
    private final Mapping tables;
    private final Mapping counts;
    private final List<@Nullable Segment> segments = new ArrayList<>();
    private final ArrayDeque<Segment> spares = new ArrayDeque<>();
    private final @Nullable Segment[] open = new @Nullable Segment[Stream.values().length];
    private final Crc32c crc = new Crc32c();
    private FreeListener freeListener = (firstPage, pages) -> {};
    private PageMender mender = PageMender.NONE;

    /** Files of an earlier process. Until it is known which of them count, none is written over: an image may refer to one that is not restored yet. */
    private final BitSet found = new BitSet();

    private int segmentCount;
    private int allocating;
    private long generation;
    private long liveBytes;
    private boolean diskFull;
    private boolean lent;

    /** Syncs in flight, and the last that failed. */
    private int syncing;

    private @Nullable String syncFailure;

    /** An image is being made, which may refer to any segment. */
    private boolean imageRunning;

    /** The file system has room for few more segments. */
    private boolean tight;

    private long retryAtNanos;
    private int lastErrno;

    /**
     * @param tokenBase high bits of the tokens of allocations, low 32 bits zero
     * @param maxDiskBytes bound; 0 for what the file system has
     * @param pages of a segment, where that is decided already; 0: by what the disk has
     */
    public SegmentStore(Io io, Path directory, long maxDiskBytes, int pages, long tokenBase)
            throws IOException {
        this.io = io;
        this.directory = directory;
        this.tokenBase = tokenBase;
        for (Path file : io.openDirectory(directory)) {
            if (number(file) >= 0) {
                found.set(number(file));
            }
        }
        long usable = io.usableSpace(directory);
        long bound = maxDiskBytes == 0 ? usable : maxDiskBytes;
        long wanted = Math.min(bound, usable) / SEGMENTS_WANTED >>> Address.PAGE_SHIFT;
        segmentPages =
                pages != 0
                        ? pages
                        : Math.clamp(
                                Long.highestOneBit(Math.max(1, wanted)),
                                MIN_SEGMENT_PAGES,
                                MAX_SEGMENT_PAGES);
        int addressable = (Address.PAGES - Address.FIRST_SSD_PAGE) / segmentPages;
        maxSegments =
                (int)
                        Math.min(
                                maxDiskBytes == 0 ? addressable : maxDiskBytes / segmentBytes(),
                                addressable);
        slackBytes =
                Math.clamp(
                        Math.min(bound, usable) / SLACK_PART,
                        TIGHT_SEGMENTS * segmentBytes(),
                        SLACK_BYTES_MAX);
        surplusMax =
                slackBytes >= (TIGHT_SEGMENTS + SURPLUS_SEGMENTS) * segmentBytes()
                        ? SURPLUS_SEGMENTS
                        : 0;
        tables =
                Mapping.reserve(
                        (long) (Address.PAGES - Address.FIRST_SSD_PAGE) * PageLayout.TABLES_BYTES,
                        MemoryTag.LOG_META);
        counts =
                Mapping.reserve(
                        (long) (Address.PAGES - Address.FIRST_SSD_PAGE) * COUNTS_BYTES,
                        MemoryTag.LOG_META);
    }

    public void setFreeListener(FreeListener listener) {
        freeListener = listener;
    }

    public void setMender(PageMender newMender) {
        mender = newMender;
    }

    /** Tells the mender of all segments that are full. */
    public void offerFull() {
        for (Segment segment : segments) {
            if (segment != null && segment.generation != 0) {
                offerIfFull(segment);
            }
        }
    }

    private void offerIfFull(Segment segment) {
        boolean full = segment.state == State.SEALED || segment.state == State.COMPACTING;
        if (full && segment.pagesFlushed == segmentPages) {
            mender.onFull(segment.number, segment.generation, segmentPages);
        }
    }

    /**
     * Asks for a page to be made what it was. Its segment is not freed before {@link #unpin}.
     *
     * @param after is run when that was done, or could not be: the page may be read again
     * @return false: nobody can; it is not pinned
     */
    boolean mend(int page, Runnable after) {
        Segment segment = segmentOf(page);
        boolean asked =
                mender.mend(
                        segment.number,
                        segment.generation,
                        fileOffset(page),
                        Address.PAGE_BYTES,
                        after);
        if (asked) {
            segment.pins++;
        }
        return asked;
    }

    /** Segment files of an earlier process that nothing refers to any more. */
    public void deleteLeftovers() throws IOException {
        found.clear();
        for (Path file : io.openDirectory(directory)) {
            String name = file.getFileName().toString();
            if (name.startsWith(FILE_PREFIX) && name.endsWith(FILE_SUFFIX) && !isKnown(file)) {
                io.deleteFile(file);
            }
        }
    }

    private boolean isKnown(Path file) {
        for (Segment segment : segments) {
            if (segment != null && path(segment.number).equals(file)) {
                return true;
            }
        }
        return false;
    }

    // Recovery.

    /**
     * An image that is not read back, but kept, refers to these segments: they stay until {@link #releaseImage}, and nobody else takes their numbers. Nothing in them is alive but for what a later
     * {@link #restore} says; until then which generation they are of is not known.
     *
     * @throws UncheckedIOException where the file of one cannot be opened; the message names it
     */
    public void restoreImage(BitSet numbers) {
        for (int n = numbers.nextSetBit(0); n >= 0; n = numbers.nextSetBit(n + 1)) {
            restored(n).images++;
        }
    }

    /**
     * A segment of an earlier process, full and durable, of which nothing is alive yet.
     *
     * @throws UncheckedIOException where its file cannot be opened; the message names it
     */
    public void restore(int number, int pages, long oldGeneration) {
        if (pages != segmentPages) {
            throw new IllegalStateException(
                    path(number) + ", field pages: expected " + segmentPages + ", actual " + pages);
        }
        Segment segment = restored(number);
        segment.generation = oldGeneration;
        segment.images++;
        generation = Math.max(generation, oldGeneration);
    }

    private Segment restored(int number) {
        while (segments.size() <= number) {
            segments.add(null);
        }
        Segment known = segments.get(number);
        if (known != null) {
            return known;
        }
        Segment segment;
        try {
            segment = new Segment(number, io.openFile(path(number), Io.OpenMode.READ_WRITE, true));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        segment.state = State.SEALED;
        segment.pagesTaken = segmentPages;
        segment.pagesFlushed = segmentPages;
        segment.flushed = -1L >>> 64 - segmentPages;
        segment.restored = true;
        segment.packedBytes = segmentBytes(); // At most: what in it is dead is not known.
        segments.set(number, segment);
        segmentCount++;
        tables.commit((long) segmentPages * PageLayout.TABLES_BYTES);
        return segment;
    }

    /** A record of a restored segment's page is alive; how long it is shows when the page's tables are read. */
    public void restoreRecord(int page) {
        long at = counts(page);
        Memory.putInt(at + 4, Memory.getInt(at + 4) + 1);
        segmentOf(page).liveRecords++;
    }

    // Warm restart.

    /** Whether space is being allocated for a segment. */
    public boolean isAllocating() {
        return allocating > 0;
    }

    /** Makes durable what was written since the last sync. @return how many syncs are in flight now */
    public int syncAll(long token) {
        BitSet all = new BitSet();
        for (Segment segment : segments) {
            if (segment != null) {
                all.set(segment.number);
            }
        }
        return sync(all, token);
    }

    /** Writes the books: each segment with what is alive in its pages, and its blocks' checksums. One whose space is being allocated is left out. */
    public void save(StateOutput out) {
        out.putLong(segmentPages);
        out.putLong(generation);
        for (Segment segment : segments) {
            if (segment != null && segment.state != State.ALLOCATING) {
                save(segment, out);
            }
        }
        out.putLong(SAVED_END);
        for (Segment spare : spares) {
            out.putLong(spare.number);
        }
        out.putLong(SAVED_END);
    }

    private void save(Segment segment, StateOutput out) {
        out.putLong(segment.number);
        // Who compacted it is gone; what it did not come to is still alive here.
        State state = segment.state == State.COMPACTING ? State.SEALED : segment.state;
        out.putLong(state.ordinal());
        out.putLong(segment == open[0] ? 0 : segment == open[1] ? 1 : 2);
        out.putLong(segment.generation);
        out.putLong(segment.pagesTaken);
        out.putLong(segment.pagesFlushed);
        out.putLong(segment.flushed);
        out.putLong(segment.images);
        out.putLong(segment.damaged ? 1 : 0);
        out.putLong(segment.packedBytes);
        out.putLong(segment.liveBytes);
        out.putLong(segment.liveRecords);
        if (state != State.SPARE) {
            int first = firstPage(segment);
            out.put(counts(first), (long) segmentPages * COUNTS_BYTES);
            out.put(tables(first), (long) segmentPages * PageLayout.TABLES_BYTES);
        }
    }

    /**
     * Of a store without segments: takes over what another one saved.
     *
     * @throws UncheckedIOException where a segment's file cannot be opened; the message names it
     */
    public void load(StateInput in) {
        int pages = in.getInt(MAX_SEGMENT_PAGES);
        if (pages != segmentPages) {
            throw new IllegalStateException(
                    "state file, field segmentPages: expected "
                            + segmentPages
                            + ", actual "
                            + pages);
        }
        generation = in.getLong();
        int most = Address.PAGES / segmentPages;
        for (int number = in.getInt(SAVED_END); number < most; number = in.getInt(SAVED_END)) {
            load(number, in);
        }
        for (int number = in.getInt(SAVED_END); number < most; number = in.getInt(SAVED_END)) {
            spares.add(segment(number));
        }
    }

    private void load(int number, StateInput in) {
        while (segments.size() <= number) {
            segments.add(null);
        }
        Segment segment;
        try {
            segment = new Segment(number, io.openFile(path(number), Io.OpenMode.READ_WRITE, true));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        segments.set(number, segment);
        segmentCount++;
        tables.commit((long) segmentPages * PageLayout.TABLES_BYTES);
        segment.state = State.values()[in.getInt(State.COMPACTING.ordinal())];
        int stream = in.getInt(open.length);
        if (stream < open.length) {
            open[stream] = segment;
        }
        segment.generation = in.getLong();
        segment.pagesTaken = in.getInt(segmentPages);
        segment.pagesFlushed = in.getInt(segmentPages);
        segment.flushed = in.getLong();
        segment.images = in.getInt(Integer.MAX_VALUE);
        segment.damaged = in.getInt(1) != 0;
        segment.packedBytes = in.getLong();
        segment.liveBytes = in.getLong();
        segment.liveRecords = in.getLong();
        liveBytes += segment.liveBytes;
        if (segment.state != State.SPARE) {
            int first = firstPage(segment);
            in.get(counts(first), (long) segmentPages * COUNTS_BYTES);
            in.get(tables(first), (long) segmentPages * PageLayout.TABLES_BYTES);
        }
    }

    /** One past the last page of any segment. */
    public int endPage() {
        return Address.FIRST_SSD_PAGE + segments.size() * segmentPages;
    }

    /** The first page from this one on that is an image's and has a live record, or {@link #endPage}. */
    int nextAlive(int fromPage) {
        int end = endPage();
        int page = Math.max(fromPage, Address.FIRST_SSD_PAGE);
        while (page < end
                && (!isRestored((page - Address.FIRST_SSD_PAGE) / segmentPages)
                        || liveRecords(page) == 0)) {
            page++;
        }
        return page;
    }

    /** What this process has sealed since the start has its tables, and may not be written yet. */
    private boolean isRestored(int number) {
        Segment segment = segments.get(number);
        return segment != null && segment.restored;
    }

    /**
     * Takes over the tables of a restored page, and what of it is alive.
     *
     * @param block its first block
     * @return what is wrong with it, or null
     */
    @Nullable String restoreTables(int page, long block) {
        int stored = PageLayout.headerCrc(block);
        PageLayout.putHeaderCrc(block, 0);
        int computed = crc.of(block, PageLayout.BLOCK_BYTES);
        String wrong =
                PageLayout.magic(block) != PageLayout.MAGIC
                        ? wrong("magic", PageLayout.MAGIC, PageLayout.magic(block))
                        : PageLayout.version(block) != PageLayout.VERSION
                                ? wrong("version", PageLayout.VERSION, PageLayout.version(block))
                                : computed != stored
                                        ? wrong("headerCrc", computed, stored)
                                        : PageLayout.number(block) != page
                                                ? wrong("page", page, PageLayout.number(block))
                                                : PageLayout.generation(block) != generationOf(page)
                                                        ? wrong(
                                                                "generation",
                                                                generationOf(page),
                                                                PageLayout.generation(block))
                                                        : null;
        if (wrong != null) {
            return describe(page) + wrong;
        }
        Memory.copy(block + PageLayout.TABLES_OFFSET, tables(page), PageLayout.TABLES_BYTES);
        long bytes =
                (long) (PageLayout.end(block) - PageLayout.RECORDS_START)
                        * liveRecords(page)
                        / Math.max(1, PageLayout.records(block));
        Memory.putInt(counts(page), (int) bytes);
        segmentOf(page).liveBytes += bytes;
        liveBytes += bytes;
        return null;
    }

    private static String wrong(String field, long expected, long actual) {
        return ", field "
                + field
                + ": expected 0x"
                + Long.toHexString(expected)
                + ", actual 0x"
                + Long.toHexString(actual);
    }

    // Images.

    /** From now on no segment is freed, until {@link #endImage}. */
    public void beginImage() {
        imageRunning = true;
    }

    /**
     * Makes durable what was written to these segments. Completions are given to {@link #onSynced}.
     *
     * @return how many are in flight now
     */
    public int sync(BitSet numbers, long token) {
        for (int n = numbers.nextSetBit(0); n >= 0; n = numbers.nextSetBit(n + 1)) {
            Segment segment = segment(n);
            if (segment.unsynced) {
                segment.unsynced = false;
                syncing++;
                io.sync(segment.file, token | n);
            }
        }
        return syncing;
    }

    /** Whether no sync is in flight. */
    public boolean isSynced() {
        return syncing == 0;
    }

    public void onSynced(int number, int result) {
        if (result < 0) {
            syncFailure = path(number) + ", fsync: " + Errno.name(result);
        }
        syncing--;
    }

    /** Why what was written to some segment will never be known to be durable; null: nothing of that kind happened. */
    public @Nullable String syncFailure() {
        return syncFailure;
    }

    /** The image ended; what was not freed for its sake is freed, but for the segments that it keeps. */
    public void endImage(BitSet kept) {
        imageRunning = false;
        pin(kept, 1);
        for (int i = 0; i < segments.size(); i++) {
            Segment segment = segments.get(i);
            if (segment != null) {
                freeIfDead(segment);
            }
        }
    }

    /** An image that referred to these segments is gone. */
    public void releaseImage(BitSet kept) {
        pin(kept, -1);
        for (int n = kept.nextSetBit(0); n >= 0; n = kept.nextSetBit(n + 1)) {
            freeIfDead(segment(n));
        }
    }

    private void pin(BitSet numbers, int delta) {
        for (int n = numbers.nextSetBit(0); n >= 0; n = numbers.nextSetBit(n + 1)) {
            segment(n).images += delta;
        }
    }

    // Pages.

    /**
     * The next page of the stream to be written; 0 where none is ready now (space is being allocated, or the disk is full).
     */
    public int takePage(Stream stream) {
        Segment segment = open[stream.ordinal()];
        if (segment == null) {
            if (spares.size() <= (stream == Stream.SEAL ? RESERVED_SEGMENTS : 0)) {
                return 0;
            }
            segment = spares.remove();
            segment.state = State.OPEN;
            segment.generation = ++generation;
            segment.pagesTaken = 0;
            segment.pagesFlushed = 0;
            segment.flushed = 0;
            segment.packedBytes = 0;
            open[stream.ordinal()] = segment;
        }
        int page = firstPage(segment) + segment.pagesTaken++;
        if (segment.pagesTaken == segmentPages) {
            segment.state = State.SEALED;
            open[stream.ordinal()] = null;
        }
        return page;
    }

    /** Completes a page in memory: header, checksums, tables in RAM. */
    void finishPage(int page, long address, int end, int records) {
        long pageTables = address + PageLayout.TABLES_OFFSET;
        int lastBlock = end - 1 >>> PageLayout.BLOCK_SHIFT;
        int zeroTo = lastBlock + 1 << PageLayout.BLOCK_SHIFT;
        Memory.fill(address + end, zeroTo - end, (byte) 0);
        for (int block = 1; block <= lastBlock; block++) {
            long at = address + ((long) block << PageLayout.BLOCK_SHIFT);
            PageLayout.putBlockCrc(pageTables, block, crc.of(at, PageLayout.BLOCK_BYTES));
        }
        PageLayout.putHeader(address, page, segmentOf(page).generation, end, records);
        PageLayout.putHeaderCrc(address, crc.of(address, PageLayout.BLOCK_BYTES));
        Memory.copy(pageTables, tables(page), PageLayout.TABLES_BYTES);
    }

    /** A record was put into a page that is being filled. */
    void recordAlive(int page, int bytes) {
        long at = counts(page);
        Memory.putInt(at, Memory.getInt(at) + bytes);
        Memory.putInt(at + 4, Memory.getInt(at + 4) + 1);
        Segment segment = segmentOf(page);
        segment.packedBytes += bytes;
        segment.liveBytes += bytes;
        segment.liveRecords++;
        liveBytes += bytes;
    }

    void write(int page, long address, int buffer, long token) {
        io.write(
                segmentOf(page).file, fileOffset(page), address, Address.PAGE_BYTES, buffer, token);
    }

    void flushed(int page) {
        Segment segment = segmentOf(page);
        segment.pagesFlushed++;
        segment.flushed |= 1L << (page - Address.FIRST_SSD_PAGE) % segmentPages;
        segment.unsynced = true;
        offerIfFull(segment);
        freeIfDead(segment);
    }

    void read(int page, int fromBlock, int blocks, long address, int buffer, long token) {
        Segment segment = segmentOf(page);
        segment.pins++;
        io.read(
                segment.file,
                fileOffset(page) + ((long) fromBlock << PageLayout.BLOCK_SHIFT),
                address,
                blocks << PageLayout.BLOCK_SHIFT,
                buffer,
                token);
    }

    /** The page's segment is not freed until {@link #unpin}. */
    void pin(int page) {
        segmentOf(page).pins++;
    }

    /** After {@link #pin}, or when a read completed and its data was taken. */
    void unpin(int page) {
        Segment segment = segmentOf(page);
        segment.pins--;
        freeIfDead(segment);
    }

    /** Blocks to read for the record that begins at this offset of the page. */
    int blocksOf(int page, int offset) {
        return PageLayout.blocksOf(tables(page), offset);
    }

    /** Whether a block just read has the checksum that was computed when its page was sealed. */
    boolean verify(int page, int block, long address) {
        return crc.of(address, PageLayout.BLOCK_BYTES) == PageLayout.blockCrc(tables(page), block)
                || !verifiesBlocks;
    }

    /** Says which block is damaged, where, what was expected and what was found. */
    String damage(int page, int block, long address) {
        return path(segmentOf(page).number)
                + ", offset "
                + (fileOffset(page) + ((long) block << PageLayout.BLOCK_SHIFT))
                + ", field blockCrc["
                + block
                + "]: expected 0x"
                + Integer.toHexString(PageLayout.blockCrc(tables(page), block))
                + ", actual 0x"
                + Integer.toHexString(crc.of(address, PageLayout.BLOCK_BYTES));
    }

    String describe(int page) {
        return path(segmentOf(page).number) + ", offset " + fileOffset(page);
    }

    // Liveness.

    /**
     * A record of a sealed page is superseded, deleted or moved.
     *
     * @param bytes its length; 0 where unknown (not read): the page's average is taken
     */
    public void recordDead(long recordAddress, int bytes) {
        int page = Address.page(recordAddress);
        long at = counts(page);
        int pageBytes = Memory.getInt(at);
        int pageRecords = Memory.getInt(at + 4);
        assert pageRecords > 0 : "page " + page + " has no live record";
        int off =
                pageRecords == 1
                        ? pageBytes
                        : Math.min(bytes == 0 ? pageBytes / pageRecords : bytes, pageBytes);
        Memory.putInt(at, pageBytes - off);
        Memory.putInt(at + 4, pageRecords - 1);
        Segment segment = segmentOf(page);
        segment.liveBytes -= off;
        segment.liveRecords--;
        liveBytes -= off;
        if (segment.liveRecords == 0) {
            freeIfDead(segment);
        }
    }

    public int liveRecords(int page) {
        return Memory.getInt(counts(page) + 4);
    }

    private void freeIfDead(Segment segment) {
        if (segment.liveRecords == 0
                && segment.pins == 0
                && segment.images == 0
                && !imageRunning
                && segment.state == State.SEALED
                && segment.pagesFlushed == segmentPages) {
            free(segment);
        }
    }

    private void free(Segment segment) {
        int first = firstPage(segment);
        freeListener.onFree(first, segmentPages);
        assert segment.liveBytes == 0;
        // What is of no known generation could be taken for what will be written there.
        boolean isUnknown = segment.generation == 0;
        segment.generation = 0;
        if (isUnknown) {
            assert !lent : "images are released by the owner";
            delete(segment);
        } else if (lent || surplus() < surplusMax) {
            segment.state = State.SPARE;
            spares.add(segment);
        } else {
            delete(segment);
        }
        diskFull = false;
    }

    /** Another thread runs commands, which may not use the owner's I/O: no file is closed meanwhile. */
    void setLent(boolean newLent) {
        lent = newLent;
    }

    /** Spares beyond the usual few; negative: there are not as many. */
    private int surplus() {
        return spares.size() - RESERVED_SEGMENTS - 1;
    }

    /** On the owner's thread: deletes the spare segments that came to be while it was lent, but for those that are kept. */
    void deleteSurplus() {
        while (surplus() > surplusMax) {
            delete(spares.removeLast());
        }
    }

    private void delete(Segment segment) {
        long pageBytes = PageLayout.TABLES_BYTES;
        long from = (firstPage(segment) - Address.FIRST_SSD_PAGE) * pageBytes + 4095 & -4096;
        long to = (firstPage(segment) - Address.FIRST_SSD_PAGE + segmentPages) * pageBytes & -4096;
        if (to > from) {
            tables.release(from, to - from);
        }
        io.closeFile(segment.file);
        try {
            io.deleteFile(path(segment.number));
        } catch (IOException e) {
            // It is in nobody's way: who makes a segment of this number empties it.
        }
        segments.set(segment.number, null);
        segmentCount--;
        tables.commit(-segmentPages * pageBytes);
    }

    // Space.

    /**
     * Keeps spare segments at hand; called every turn once RAM gets scarce.
     *
     * @param nowNanos monotonic
     */
    public void maintain(long nowNanos) {
        if (spares.size() <= RESERVED_SEGMENTS && allocating == 0) {
            if (segmentCount == maxSegments) {
                diskFull = true;
                lastErrno = 0;
            } else if (nowNanos - retryAtNanos >= 0) {
                allocate(nowNanos);
            }
        }
    }

    private void allocate(long nowNanos) {
        int number = 0;
        while (number < segments.size() && segments.get(number) != null || found.get(number)) {
            number++;
        }
        while (segments.size() <= number) {
            segments.add(null);
        }
        try {
            tight = io.usableSpace(directory) < TIGHT_SEGMENTS * segmentBytes();
            int file = io.openFile(path(number), Io.OpenMode.CREATE, true);
            Segment segment = new Segment(number, file);
            segments.set(number, segment);
            segmentCount++;
            tables.commit((long) segmentPages * PageLayout.TABLES_BYTES);
            allocating++;
            retryAtNanos = nowNanos + RETRY_NANOS;
            io.allocate(file, 0, segmentBytes(), tokenBase | number);
        } catch (IOException e) {
            diskFull = true;
            retryAtNanos = nowNanos + RETRY_NANOS;
        }
    }

    /** Completion of an allocation. */
    public void onAllocated(int number, int result) {
        Segment segment = segment(number);
        allocating--;
        if (result < 0) {
            lastErrno = -result;
            diskFull = true;
            delete(segment);
        } else {
            segment.state = State.SPARE;
            spares.add(segment);
            diskFull = false;
            retryAtNanos -= RETRY_NANOS; // The next may follow at once.
        }
    }

    /** No space for another segment: the file system is full or maxdisk is reached. */
    public boolean isDiskFull() {
        return diskFull
                && spares.size() <= RESERVED_SEGMENTS
                && open[Stream.SEAL.ordinal()] == null;
    }

    /** The errno of the last refused allocation, for messages. */
    public String lastError() {
        return lastErrno == 0 ? "maxdisk" : Errno.name(lastErrno);
    }

    public long diskBytes() {
        return segmentCount * segmentBytes();
    }

    public long liveBytes() {
        return liveBytes;
    }

    public long maxDiskBytes() {
        return maxSegments * segmentBytes();
    }

    public long segmentBytes() {
        return (long) segmentPages << Address.PAGE_SHIFT;
    }

    public int segmentPages() {
        return segmentPages;
    }

    /** Is told of segments, for reports. */
    public interface SegmentVisitor {
        /**
         * One of them.
         *
         * @param pages written or about to be
         * @param images that refer to it
         */
        void visit(
                int number,
                String state,
                int pages,
                long liveBytes,
                long liveRecords,
                int images,
                boolean damaged);
    }

    /** Tells of all segments in use. What is alive in one that was restored is known by count; its bytes are an average of its page. */
    public void visitSegments(SegmentVisitor visitor) {
        for (Segment segment : segments) {
            if (segment != null) {
                visitor.visit(
                        segment.number,
                        segment.state.name(),
                        segment.pagesTaken,
                        segment.liveBytes,
                        segment.liveRecords,
                        segment.images,
                        segment.damaged);
            }
        }
    }

    /**
     * The sealed segment with the least alive, or null where of each so many sixteenths at least of what was put into it are alive. What its records left free at the ends of pages is no
     * reason to move them: large ones would leave as much elsewhere.
     */
    public @Nullable Segment mostDead(int aliveSixteenths) {
        Segment best = null;
        for (Segment segment : segments) {
            if (segment != null
                    && segment.state == State.SEALED
                    && !segment.damaged
                    && segment.images == 0
                    && segment.liveRecords > 0
                    && segment.pagesFlushed == segmentPages
                    && segment.liveBytes * 16 < segment.packedBytes * aliveSixteenths
                    && (best == null || segment.liveBytes < best.liveBytes)) {
                best = segment;
            }
        }
        return best;
    }

    /** A page failed its verification: compaction leaves its segment alone. */
    void markDamaged(int page) {
        segmentOf(page).damaged = true;
    }

    public boolean isDamaged(int page) {
        return segmentOf(page).damaged;
    }

    /** Whether the page itself is written. */
    public boolean isFlushed(int page) {
        return (segmentOf(page).flushed >>> (page - Address.FIRST_SSD_PAGE) % segmentPages & 1)
                != 0;
    }

    /** Whether the page and all others of its segment are on the SSD. */
    public boolean isWritten(int page) {
        Segment segment = segmentOf(page);
        return segment.state != State.OPEN && segment.pagesFlushed == segmentPages;
    }

    /** Whether compaction would make room: not while an image is being made, for which all that was moved stays. */
    public boolean hasCompactable(int aliveSixteenths) {
        return !imageRunning && mostDead(aliveSixteenths) != null;
    }

    /** New segments can hardly be had: compaction is the way to get some. */
    public boolean isShortOfSpace() {
        return surplus() <= 0
                && (diskFull || tight || segmentCount + TIGHT_SEGMENTS >= maxSegments);
    }

    /**
     * Whether compaction should make room: more disk is used than the space law allows, {@value #SPACE_FACTOR} × live + slack. It does not wait until the spares that are kept for later are
     * used.
     */
    public boolean isOverLaw() {
        int toCome = surplusMax - Math.clamp(surplus(), 0, surplusMax);
        return bytesOverLaw() + toCome * segmentBytes() > 0;
    }

    private double bytesOverLaw() {
        long disk = diskBytes();
        long live = liveBytes;
        for (Segment segment : segments) {
            if (segment != null && segment.images > 0) {
                // Whatever in it is dead, an image needs.
                disk -= segmentBytes();
                live -= segment.liveBytes;
            }
        }
        return disk - SPACE_FACTOR * live - slackBytes;
    }

    /** Where there is nothing to compact: deletes spares beyond the usual few until the law holds. */
    public void trim() {
        while (surplus() > 0 && bytesOverLaw() > 0) {
            delete(spares.removeLast());
        }
    }

    public void beginCompaction(Segment segment) {
        segment.state = State.COMPACTING;
    }

    public void endCompaction(Segment segment) {
        segment.state = State.SEALED;
        freeIfDead(segment);
    }

    // Places.

    public int firstPage(Segment segment) {
        return Address.FIRST_SSD_PAGE + segment.number * segmentPages;
    }

    public int numberOf(int page) {
        return segmentOf(page).number;
    }

    public long generationOf(int page) {
        return segmentOf(page).generation;
    }

    /** Whether the page is still of the segment's generation that it was written under. */
    boolean isGeneration(int page, long generation) {
        Segment segment = segments.get((page - Address.FIRST_SSD_PAGE) / segmentPages);
        return segment != null && segment.generation == generation;
    }

    private Segment segmentOf(int page) {
        return segment((page - Address.FIRST_SSD_PAGE) / segmentPages);
    }

    private Segment segment(int number) {
        Segment segment = segments.get(number);
        if (segment == null) {
            throw new IllegalStateException("segment " + number + " does not exist");
        }
        return segment;
    }

    private long fileOffset(int page) {
        return (long) ((page - Address.FIRST_SSD_PAGE) % segmentPages) << Address.PAGE_SHIFT;
    }

    private long tables(int page) {
        return tables.address() + (long) (page - Address.FIRST_SSD_PAGE) * PageLayout.TABLES_BYTES;
    }

    private long counts(int page) {
        return counts.address() + (long) (page - Address.FIRST_SSD_PAGE) * COUNTS_BYTES;
    }

    private Path path(int number) {
        return file(directory, number);
    }

    /** The file of a segment. */
    public static Path file(Path directory, int number) {
        String digits = Integer.toString(number);
        return directory.resolve(
                FILE_PREFIX
                        + "00000000".substring(Math.min(8, digits.length()))
                        + digits
                        + FILE_SUFFIX);
    }

    /** The number in the name of a segment file; -1 where it is no such name. */
    public static int number(Path file) {
        String name = String.valueOf(file.getFileName());
        int digits = name.length() - FILE_PREFIX.length() - FILE_SUFFIX.length();
        if (digits < 8 || !name.startsWith(FILE_PREFIX) || !name.endsWith(FILE_SUFFIX)) {
            return -1;
        }
        try {
            return Integer.parseInt(name, FILE_PREFIX.length(), FILE_PREFIX.length() + digits, 10);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    @Override
    public void close() {
        tables.close();
        counts.close();
    }
}
