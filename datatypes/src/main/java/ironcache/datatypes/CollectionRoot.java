package ironcache.datatypes;

import ironcache.engine.RootLayout;
import ironcache.engine.Shard;
import ironcache.ffm.Memory;

/**
 * What the roots of all paged collections begin with, little-endian; what follows is the structures' own.
 *
 * <pre>
 * 0        8       16      24        28       32         40          72
 * | object | pages | count | version | form 4 | nextPage | free 4×8  | ...
 *   RootLayout
 *
 * count     elements; of a hash, fields
 * version   changes with every write to the collection
 * form      zero
 * nextPage  of the odd page numbers, the first that was never used
 * free      odd page numbers that may be used again, 0: none
 * </pre>
 *
 * Even page numbers are those of {@link Buckets}.
 */
final class CollectionRoot {
    private static final int COUNT = RootLayout.BYTES;
    private static final int VERSION = COUNT + Long.BYTES;
    private static final int NEXT_PAGE = VERSION + 2 * Integer.BYTES;
    private static final int FREE = NEXT_PAGE + Long.BYTES;
    private static final int FREE_COUNT = 4;

    /** The structures' own parts begin here. */
    static final int BYTES = FREE + FREE_COUNT * Long.BYTES;

    private CollectionRoot() {}

    /** Of an object without elements and pages. */
    static void put(long root, long object) {
        Memory.fill(root, BYTES, (byte) 0);
        RootLayout.putObject(root, object);
        // Another object under the same name begins with another version, so far as 32 bits go.
        Memory.putInt(root + VERSION, (int) (object * 0x9E3779B97F4A7C15L >>> 32));
        Memory.putLong(root + NEXT_PAGE, 1);
    }

    static long object(long root) {
        return RootLayout.object(root);
    }

    static long count(long root) {
        return Memory.getLong(root + COUNT);
    }

    static void putCount(long root, long count) {
        Memory.putLong(root + COUNT, count);
    }

    static int version(long root) {
        return Memory.getInt(root + VERSION);
    }

    static void nextVersion(long root) {
        Memory.putInt(root + VERSION, version(root) + 1);
    }

    /** All odd page numbers from here on were never used. */
    static long nextPage(long root) {
        return Memory.getLong(root + NEXT_PAGE);
    }

    /** An odd page number that no page has. */
    static long takePage(long root) {
        for (int i = 0; i < FREE_COUNT; i++) {
            long free = Memory.getLong(root + FREE + (long) i * Long.BYTES);
            if (free != 0) {
                Memory.putLong(root + FREE + (long) i * Long.BYTES, 0);
                return free;
            }
        }
        return takePages(root, 1);
    }

    /** So many odd page numbers in a row. @return the first; the next is 2 more */
    static long takePages(long root, long count) {
        long first = Memory.getLong(root + NEXT_PAGE);
        long next = first + 2 * count;
        Memory.putLong(root + NEXT_PAGE, next);
        needPages(root, next - 1);
        return first;
    }

    /**
     * Looks for the pages that the next numbers will be of: as many as will be taken, one by one or in a row. There are none; but that another page has a hash like theirs may
     * have to be read from the SSD, and that is to be known before the first write. May miss.
     */
    static void probe(Shard shard, long root, long count) {
        long object = object(root);
        for (int i = 0; i < FREE_COUNT; i++) {
            long free = Memory.getLong(root + FREE + (long) i * Long.BYTES);
            if (free != 0) {
                shard.readPage(object, free);
            }
        }
        long next = nextPage(root);
        for (long i = 0; i < count; i++) {
            shard.readPage(object, next + 2 * i);
        }
    }

    /** The page is deleted; its odd number may be used again. */
    static void givePage(long root, long page) {
        if (Memory.getLong(root + NEXT_PAGE) == page + 2) {
            Memory.putLong(root + NEXT_PAGE, page);
            return;
        }
        for (int i = 0; i < FREE_COUNT; i++) {
            if (Memory.getLong(root + FREE + (long) i * Long.BYTES) == 0) {
                Memory.putLong(root + FREE + (long) i * Long.BYTES, page);
                return;
            }
        }
    }

    /** Pages 0 to {@code pages - 1} may exist. */
    static void needPages(long root, long pages) {
        if (RootLayout.pages(root) < pages) {
            RootLayout.putPages(root, pages);
        }
    }
}
