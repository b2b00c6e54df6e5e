package ironcache.tiering;

import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Mapping;
import ironcache.ffm.MemoryTag;
import org.jspecify.annotations.Nullable;

/**
 * Reads the first block of each page that a restored image refers to: with the tables in it, the page's records can be read and verified. Many reads are in flight at
 * once. One owner thread; owns the buffers.
 */
public final class TableLoader implements AutoCloseable {
    private static final int READS = 64;

    private final SegmentStore segments;
    private final long tokenBase;
    private final Mapping buffers;
    private final int[] page = new int[READS];
    private final boolean[] mended = new boolean[READS];
    private final int[] free = new int[READS];
    private int freeCount = READS;
    private int nextPage;
    private @Nullable String damage;

    /** @param tokenBase of its reads' completions, low 32 bits zero */
    public TableLoader(SegmentStore segments, long tokenBase) {
        this.segments = segments;
        this.tokenBase = tokenBase;
        buffers = Mapping.reserve((long) READS * PageLayout.BLOCK_BYTES, MemoryTag.STAGING);
        buffers.commit(buffers.bytes());
        for (int i = 0; i < READS; i++) {
            free[i] = i;
        }
    }

    /** Asks for more. @return whether all is there */
    public boolean step() {
        int end = segments.endPage();
        while (freeCount > 0 && damage == null) {
            nextPage = segments.nextAlive(nextPage);
            if (nextPage == end) {
                break;
            }
            int slot = free[--freeCount];
            page[slot] = nextPage++;
            mended[slot] = false;
            read(slot);
        }
        return freeCount == READS && (nextPage == end || damage != null);
    }

    private void read(int slot) {
        segments.read(page[slot], 0, 1, address(slot), Io.UNREGISTERED, tokenBase | slot);
    }

    private void readAgain(int slot) {
        read(slot);
        segments.unpin(page[slot]);
    }

    public void onRead(int slot, int result) {
        int read = page[slot];
        String wrong =
                result == PageLayout.BLOCK_BYTES
                        ? segments.restoreTables(read, address(slot))
                        : segments.describe(read)
                                + ", field block 0: expected "
                                + PageLayout.BLOCK_BYTES
                                + " bytes, actual "
                                + (result < 0 ? Errno.name(result) : Integer.toString(result));
        boolean again = false;
        if (wrong != null && !mended[slot]) {
            mended[slot] = true;
            again = segments.mend(read, () -> readAgain(slot));
        }
        segments.unpin(read);
        if (again) {
            return;
        }
        damage = wrong == null ? damage : wrong;
        free[freeCount++] = slot;
    }

    /** What is wrong with a page, or null. */
    public @Nullable String damage() {
        return damage;
    }

    private long address(int slot) {
        return buffers.address() + (long) slot * PageLayout.BLOCK_BYTES;
    }

    @Override
    public void close() {
        buffers.close();
    }
}
