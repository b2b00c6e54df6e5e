package ironcache.engine;

import ironcache.ffm.Memory;

/**
 * What the engine knows of the root of a paged object, the value of a record whose encoding is paged: its first 16 bytes. What follows is the type's own.
 *
 * <pre>
 * 0        8       16
 * | object | pages | ...
 *
 * object  number from {@link Shard#createObject}; it names the keyspace too, so pages cannot move to another database
 * pages   pages 0 to pages - 1 may exist: how far to look when the object is retired
 * </pre>
 */
public final class RootLayout {
    private static final int OBJECT = 0;
    private static final int PAGES = OBJECT + Long.BYTES;

    /** The type's own part begins here. */
    public static final int BYTES = PAGES + Long.BYTES;

    private RootLayout() {}

    public static long object(long root) {
        return Memory.getLong(root + OBJECT);
    }

    public static void putObject(long root, long object) {
        Memory.putLong(root + OBJECT, object);
    }

    public static long pages(long root) {
        return Memory.getLong(root + PAGES);
    }

    public static void putPages(long root, long pages) {
        Memory.putLong(root + PAGES, pages);
    }
}
