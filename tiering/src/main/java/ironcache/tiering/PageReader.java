package ironcache.tiering;

import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Mapping;
import ironcache.hybridlog.Address;
import ironcache.tiering.SegmentStore.Segment;
import org.jspecify.annotations.Nullable;

/**
 * Reads the segment that compaction takes apart, page after page, whole and verified, into one buffer. Pages without a live record are not read. A page that
 * fails its verification is left where it is, and its segment is never chosen again. One owner thread.
 */
public final class PageReader implements AutoCloseable {
    private final SegmentStore segments;
    private final Mapping buffer;
    private final long token;
    private @Nullable Segment segment;
    private int index;
    private boolean reading;
    private boolean loaded;
    private @Nullable String damage;

    /** @param buffer one page long, owned by the reader from now on */
    public PageReader(SegmentStore segments, Mapping buffer, long token) {
        this.segments = segments;
        this.buffer = buffer;
        this.token = token;
        buffer.commit(Address.PAGE_BYTES);
    }

    public boolean isActive() {
        return segment != null;
    }

    /** Chooses the segment with the least alive. @return false where none is less than so many sixteenths alive */
    public boolean begin(int aliveSixteenths) {
        Segment chosen = segments.mostDead(aliveSixteenths);
        if (chosen == null) {
            return false;
        }
        segments.beginCompaction(chosen);
        segment = chosen;
        index = 0;
        loaded = false;
        return true;
    }

    /** Memory address of the current page; 0 while it is being read, or when the segment was at its end and is done with. */
    public long page() {
        if (reading || segment == null) {
            return 0;
        }
        if (loaded) {
            return buffer.address();
        }
        while (index < segments.segmentPages() && segments.liveRecords(pageNumber()) == 0) {
            index++;
        }
        if (index == segments.segmentPages()) {
            Segment done = segment;
            segment = null;
            segments.endCompaction(done);
            return 0;
        }
        reading = true;
        segments.read(pageNumber(), 0, PageLayout.BLOCKS, buffer.address(), Io.UNREGISTERED, token);
        return 0;
    }

    /** Completion of a page's read. */
    public void onRead(int result) {
        reading = false;
        int page = pageNumber();
        String found = verify(page, result);
        segments.unpin(page);
        if (found == null) {
            loaded = true;
        } else {
            damage = found;
            if (segment != null) {
                segment.damaged = true;
            }
            index++;
        }
    }

    private @Nullable String verify(int page, int result) {
        long address = buffer.address();
        if (result != Address.PAGE_BYTES) {
            return segments.describe(page) + ", read of " + Address.PAGE_BYTES + " bytes: "
                    + (result < 0 ? Errno.name(result) : "got " + result);
        }
        if (PageLayout.magic(address) != PageLayout.MAGIC) {
            return segments.describe(page) + ", field magic: expected 0x" + Long.toHexString(PageLayout.MAGIC)
                    + ", actual 0x" + Long.toHexString(PageLayout.magic(address));
        }
        if (PageLayout.number(address) != page) {
            return segments.describe(page) + ", field page: expected " + page + ", actual " + PageLayout.number(address);
        }
        if (PageLayout.generation(address) != segments.generationOf(page)) {
            return segments.describe(page) + ", field generation: expected " + segments.generationOf(page) + ", actual "
                    + PageLayout.generation(address);
        }
        int lastBlock = PageLayout.end(address) - 1 >>> PageLayout.BLOCK_SHIFT;
        for (int block = 1; block <= lastBlock; block++) {
            long at = address + ((long) block << PageLayout.BLOCK_SHIFT);
            if (!segments.verify(page, block, at)) {
                return segments.damage(page, block, at);
            }
        }
        return null;
    }

    public int pageNumber() {
        if (segment == null) {
            throw new IllegalStateException("no segment is being read");
        }
        return segments.firstPage(segment) + index;
    }

    public int recordsStart() {
        return PageLayout.RECORDS_START;
    }

    /** Bytes from the page's start up to which records go. */
    public int recordsEnd() {
        return PageLayout.end(buffer.address());
    }

    public void nextPage() {
        loaded = false;
        index++;
    }

    /** The last damage found, or null. */
    public @Nullable String damage() {
        return damage;
    }

    @Override
    public void close() {
        buffer.close();
    }
}
