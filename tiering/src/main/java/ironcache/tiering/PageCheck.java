package ironcache.tiering;

import ironcache.ffm.Crc32c;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Record;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Verifies a page that was read from a segment file, by what is in the page and where it should be; for whoever has no checksums of it in RAM. Where only some
 * blocks are damaged, the records in the others can still be read.
 *
 * <p>Owned by one thread; the memory is the caller's.
 */
public final class PageCheck {
    /** What is wrong, where in the page. */
    public record Flaw(int offset, String field, String expected, String actual) {}

    /** Where the first record of a page begins. */
    public static final int FIRST_RECORD = PageLayout.RECORDS_START;

    private final Crc32c crc = new Crc32c();
    private final BitSet bad = new BitSet(PageLayout.BLOCKS);
    private final List<Flaw> flaws = new ArrayList<>();
    private long page;
    private int end;

    /**
     * Verifies a whole page.
     *
     * @param address of its 1 MiB
     * @param readBytes how many of them were there
     * @param number of the page in its shard
     * @param generation of its segment; 0 where it is not known
     * @return what is wrong with it
     */
    public List<Flaw> check(long address, int readBytes, int number, long generation) {
        page = address;
        bad.clear();
        flaws.clear();
        end = 0;
        if (readBytes < PageLayout.BLOCK_BYTES) {
            flaw(0, "fileBytes", "a page of " + Address.PAGE_BYTES + " bytes", "" + readBytes);
        } else {
            checkHeader(number, generation);
        }
        if (!flaws.isEmpty()) {
            bad.set(0, PageLayout.BLOCKS);
            return flaws;
        }
        end = PageLayout.end(page);
        int lastBlock = end - 1 >>> PageLayout.BLOCK_SHIFT;
        for (int block = 1; block <= lastBlock; block++) {
            checkBlock(block, readBytes);
        }
        return flaws;
    }

    private void checkHeader(int number, long generation) {
        long magic = PageLayout.magic(page);
        int version = PageLayout.version(page);
        if (magic != PageLayout.MAGIC) {
            flaw(0, "magic", hex(PageLayout.MAGIC), hex(magic));
            return;
        }
        if (version != PageLayout.VERSION) {
            String reason = version > PageLayout.VERSION ? " (too new)" : " (too old)";
            flaw(8, "version", PageLayout.VERSION + reason, "" + version);
            return;
        }
        int stored = PageLayout.headerCrc(page);
        PageLayout.putHeaderCrc(page, 0);
        int computed = crc.of(page, PageLayout.BLOCK_BYTES);
        PageLayout.putHeaderCrc(page, stored);
        if (computed != stored) {
            flaw(32, "headerCrc", hex(computed), hex(stored));
        } else if (PageLayout.number(page) != number) {
            flaw(12, "page", "" + number, "" + PageLayout.number(page));
        } else if (generation != 0 && PageLayout.generation(page) != generation) {
            flaw(16, "generation", "" + generation, "" + PageLayout.generation(page));
        } else if (PageLayout.end(page) < PageLayout.RECORDS_START
                || PageLayout.end(page) > Address.PAGE_BYTES) {
            flaw(24, "end", "4096 to " + Address.PAGE_BYTES, "" + PageLayout.end(page));
        }
    }

    private void checkBlock(int block, int readBytes) {
        int offset = block << PageLayout.BLOCK_SHIFT;
        if (offset + PageLayout.BLOCK_BYTES > readBytes) {
            bad.set(block);
            flaw(offset, "fileBytes", "a block", Math.max(0, readBytes - offset) + " bytes of it");
            return;
        }
        int expected = PageLayout.blockCrc(page + PageLayout.TABLES_OFFSET, block);
        int actual = crc.of(page + offset, PageLayout.BLOCK_BYTES);
        if (expected != actual) {
            bad.set(block);
            flaw(offset, "blockCrc[" + block + "]", hex(expected), hex(actual));
        }
    }

    private void flaw(int offset, String field, String expected, String actual) {
        flaws.add(new Flaw(offset, field, expected, actual));
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    private static String hex(int value) {
        return "0x" + Integer.toHexString(value);
    }

    // Of the page that was checked last.

    /** Records that were put into it, dead ones too. */
    public int records() {
        return end == 0 ? 0 : PageLayout.records(page);
    }

    /** One past its last record. */
    public int end() {
        return end;
    }

    public long generation() {
        return PageLayout.generation(page);
    }

    /**
     * The record that begins at this offset.
     *
     * @return its memory address; 0 where a block that it lies in is damaged, or there cannot be one
     */
    public long record(int offset) {
        int first = offset >>> PageLayout.BLOCK_SHIFT;
        if (offset < PageLayout.RECORDS_START
                || offset + Record.HEADER_BYTES > end
                || bad.get(first)) {
            return 0;
        }
        long record = page + offset;
        int length = Record.length(record);
        int last = offset + length - 1 >>> PageLayout.BLOCK_SHIFT;
        int next = bad.nextSetBit(first);
        return length > end - offset || next >= 0 && next <= last || Record.type(record) == 0
                ? 0
                : record;
    }

    /** The number that a page says it has, before anything is verified. */
    public static int storedNumber(long page) {
        return PageLayout.number(page);
    }

    /** The file offset, in pages, of a page of a store whose segments have so many. */
    public static int indexInSegment(int number, int segmentPages) {
        return (number - Address.FIRST_SSD_PAGE) % segmentPages;
    }

    /** The segment that a page belongs to. */
    public static int segmentOf(int number, int segmentPages) {
        return (number - Address.FIRST_SSD_PAGE) / segmentPages;
    }

    /** The number of a segment's first page. */
    public static int firstPage(int segment, int segmentPages) {
        return Address.FIRST_SSD_PAGE + segment * segmentPages;
    }

    /** Blocks of the page that are damaged. */
    public int[] badBlocks() {
        int[] blocks = new int[bad.cardinality()];
        int i = 0;
        for (int block = bad.nextSetBit(0); block >= 0; block = bad.nextSetBit(block + 1)) {
            blocks[i++] = block;
        }
        return blocks;
    }
}
