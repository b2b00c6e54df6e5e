package ironcache.tiering;

import ironcache.ffm.Errno;
import ironcache.ffm.Io;
import ironcache.ffm.Mapping;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Address;
import org.jspecify.annotations.Nullable;

/**
 * A buffer for one sealed page, read part by part and verified block by block. One owner thread.
 *
 * <p>Not in one piece: clients wait behind such a read at the disk, and behind the verifying of all of it.
 *
 * <pre>
 * EMPTY → READING → LOADED | DAMAGED → EMPTY
 * </pre>
 */
public final class PageBuffer implements AutoCloseable {
    private enum State {
        EMPTY,
        READING,
        LOADED,
        DAMAGED
    }

    private static final int PART_BLOCKS = 32;
    private static final int PART_BYTES = PART_BLOCKS << PageLayout.BLOCK_SHIFT;

    private final SegmentStore segments;
    private final Mapping buffer;
    private final long token;
    private State state = State.EMPTY;
    private int page;

    /** Blocks that are there. */
    private int blocks;

    private @Nullable String damage;

    /** The page was damaged, and has been mended, or could not be. */
    private boolean mended;

    /** @param token of its reads' completions */
    public PageBuffer(SegmentStore segments, long token) {
        this.segments = segments;
        this.token = token;
        buffer = Mapping.reserve(Address.PAGE_BYTES, MemoryTag.STAGING);
        buffer.commit(Address.PAGE_BYTES);
    }

    public boolean isEmpty() {
        return state == State.EMPTY;
    }

    /** Begins to read a page that is wholly written; its segment is not freed before {@link #clear}. */
    public void read(int pageWanted) {
        assert state == State.EMPTY;
        page = pageWanted;
        state = State.READING;
        mended = false;
        blocks = 0;
        readPart();
    }

    private void readPart() {
        long to = buffer.address() + ((long) blocks << PageLayout.BLOCK_SHIFT);
        segments.read(page, blocks, PART_BLOCKS, to, Io.UNREGISTERED, token);
    }

    /** Completion of a read. @return false: there is more to read, or the page was damaged, is being mended, and is read again */
    public boolean onRead(int result) {
        damage = verify(result);
        if (damage != null && !mended) {
            mended = true;
            if (segments.mend(page, this::readAgain)) {
                segments.unpin(page);
                return false;
            }
        }
        blocks += PART_BLOCKS;
        if (damage == null && blocks < PageLayout.BLOCKS) {
            readPart();
            segments.unpin(page);
            return false;
        }
        state = damage == null ? State.LOADED : State.DAMAGED;
        if (damage != null) {
            segments.markDamaged(page);
        }
        return true;
    }

    private void readAgain() {
        blocks = 0;
        readPart();
        segments.unpin(page);
    }

    public boolean isLoaded() {
        return state == State.LOADED;
    }

    /** What is wrong with the page, or null. */
    public @Nullable String damage() {
        return state == State.DAMAGED ? damage : null;
    }

    /** The page has been dealt with. */
    public void clear() {
        assert state == State.LOADED || state == State.DAMAGED;
        state = State.EMPTY;
        segments.unpin(page);
    }

    public int page() {
        return page;
    }

    /** Memory address of the loaded page. */
    public long address() {
        assert state == State.LOADED;
        return buffer.address();
    }

    /** Bytes from the page's start up to which records go. */
    public int recordsEnd() {
        return PageLayout.end(buffer.address());
    }

    /** Verifies what a read brought. */
    private @Nullable String verify(int result) {
        long address = buffer.address();
        if (result != PART_BYTES) {
            return segments.describe(page)
                    + ", field read: expected "
                    + PART_BYTES
                    + " bytes, actual "
                    + (result < 0 ? Errno.name(result) : Integer.toString(result));
        }
        if (blocks == 0) {
            String wrong = verifyHeader(address);
            if (wrong != null) {
                return wrong;
            }
        }
        int lastBlock = PageLayout.end(address) - 1 >>> PageLayout.BLOCK_SHIFT;
        int last = Math.min(lastBlock, blocks + PART_BLOCKS - 1);
        for (int block = Math.max(1, blocks); block <= last; block++) {
            long at = address + ((long) block << PageLayout.BLOCK_SHIFT);
            if (!segments.verify(page, block, at)) {
                return segments.damage(page, block, at);
            }
        }
        return null;
    }

    private @Nullable String verifyHeader(long address) {
        if (PageLayout.magic(address) != PageLayout.MAGIC) {
            return segments.describe(page)
                    + ", field magic: expected 0x"
                    + Long.toHexString(PageLayout.MAGIC)
                    + ", actual 0x"
                    + Long.toHexString(PageLayout.magic(address));
        }
        if (PageLayout.number(address) != page) {
            return segments.describe(page)
                    + ", field page: expected "
                    + page
                    + ", actual "
                    + PageLayout.number(address);
        }
        if (PageLayout.generation(address) != segments.generationOf(page)) {
            return segments.describe(page)
                    + ", field generation: expected "
                    + segments.generationOf(page)
                    + ", actual "
                    + PageLayout.generation(address);
        }
        return null;
    }

    @Override
    public void close() {
        buffer.close();
    }
}
