package ironcache.datatypes;

import ironcache.engine.RootLayout;
import ironcache.ffm.Memory;

/**
 * Root of a string longer than one record holds: the value of a record of kind STRING_PAGED, 32 bytes, little-endian.
 *
 * <pre>
 * 0        8       16              24          28        32
 * | object | pages | length, bytes | pageBytes | version |
 *   RootLayout
 * </pre>
 *
 * Page {@code i} of the object holds bytes {@code [i * pageBytes, (i + 1) * pageBytes)}. A page may be absent, and its record may be
 * shorter than pageBytes: what is not there reads as zeros. Bytes that a page record has past the string's length are zero, so
 * that growing the string never uncovers old bytes. The version changes with every write to the string, so that a reader who
 * was interrupted knows whether what it has read so far still holds.
 */
final class PagedStringLayout {
    static final int LENGTH = RootLayout.BYTES;
    static final int PAGE_BYTES = LENGTH + Long.BYTES;
    static final int VERSION = PAGE_BYTES + Integer.BYTES;
    static final int BYTES = VERSION + Integer.BYTES;

    /** Bytes of string on one page of the objects that this version of the software writes. */
    static final int DEFAULT_PAGE_BYTES = 16 << 10;

    private PagedStringLayout() {}

    /** The root of a new object with default pages. */
    static void put(long root, long object, long length) {
        RootLayout.putObject(root, object);
        Memory.putInt(root + PAGE_BYTES, DEFAULT_PAGE_BYTES);
        // Another object under the same name begins with another version, so far as 32 bits go.
        Memory.putInt(root + VERSION, (int) (object * 0x9E3779B97F4A7C15L >>> 32));
        putLength(root, length);
    }

    static long object(long root) {
        return RootLayout.object(root);
    }

    static long length(long root) {
        return Memory.getLong(root + LENGTH);
    }

    /** Sets the length, and the number of pages that follows from it. */
    static void putLength(long root, long length) {
        Memory.putLong(root + LENGTH, length);
        int pageBytes = pageBytes(root);
        RootLayout.putPages(root, (length + pageBytes - 1) / pageBytes);
    }

    static int pageBytes(long root) {
        return Memory.getInt(root + PAGE_BYTES);
    }

    static int version(long root) {
        return Memory.getInt(root + VERSION);
    }

    static void nextVersion(long root) {
        Memory.putInt(root + VERSION, version(root) + 1);
    }
}
