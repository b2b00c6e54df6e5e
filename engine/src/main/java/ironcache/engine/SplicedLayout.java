package ironcache.engine;

import ironcache.ffm.Memory;

/**
 * What the engine knows of a value that is changed by {@link Shard#splice} and {@link Shard#splicePage}: its first 4 bytes.
 *
 * <pre>
 * 0         4
 * | version | ...
 *
 * version  counts the splices, around zero; recovery tells by it which of those in the log the value has already
 * </pre>
 *
 * Whoever makes such a value writes a version; any will do. A splice begins behind it.
 */
public final class SplicedLayout {
    /** The type's own part begins here. */
    public static final int BYTES = Integer.BYTES;

    private SplicedLayout() {}

    public static int version(long value) {
        return Memory.getInt(value);
    }

    public static void putVersion(long value, int version) {
        Memory.putInt(value, version);
    }

    static void nextVersion(long value) {
        Memory.putInt(value, version(value) + 1);
    }
}
