package ironcache.hybridlog;

/**
 * A logical address: where a record is, in RAM or on the SSD. It is what the index stores.
 *
 * <pre>
 * 40         17          0
 * | page (23) | word (17) |
 * </pre>
 *
 * A page is 1 MiB, a word 8 bytes. Pages below {@link #FIRST_SSD_PAGE} are mutable ones: RAM only,
 * numbered by frame. Pages from there on belong to segments and have a fixed place on the SSD; the
 * page table says whether a frame holds them too. Page numbers are reused once nothing refers to
 * the page, so addresses bear no order in time (docs/adr/0003-page-table.md).
 */
public final class Address {
    public static final int PAGE_SHIFT = 20;
    public static final int PAGE_BYTES = 1 << PAGE_SHIFT;
    private static final int WORD_SHIFT = 3;
    private static final int WORD_BITS = PAGE_SHIFT - WORD_SHIFT;
    private static final int PAGE_BITS = 23;

    /** One past the highest page number. */
    public static final int PAGES = 1 << PAGE_BITS;

    /** Mutable pages are below: at most 1 TiB of RAM a shard, and 7 TiB of SSD. */
    public static final int FIRST_SSD_PAGE = 1 << 20;

    private Address() {}

    /** @param offset bytes from the page's start, a multiple of 8 */
    public static long of(int page, int offset) {
        return (long) page << WORD_BITS | offset >>> WORD_SHIFT;
    }

    public static int page(long address) {
        return (int) (address >>> WORD_BITS) & PAGES - 1;
    }

    /** Bytes from the page's start. */
    public static int offset(long address) {
        return ((int) address & (1 << WORD_BITS) - 1) << WORD_SHIFT;
    }
}
