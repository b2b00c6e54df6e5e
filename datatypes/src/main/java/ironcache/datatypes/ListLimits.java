package ironcache.datatypes;

/** What list-max-listpack-size says: a number of elements, or with a minus one of five sizes. */
final class ListLimits {
    private static final int SIZES = 5;
    private static final int SMALLEST_BYTES = 4096;

    /** Where the number is of elements. */
    private static final int SAFE_BYTES = 8192;

    private static final int COUNT_MAX = (1 << 15) - 1;

    private ListLimits() {}

    /** Most bytes of a listpack. */
    static long bytes(int limit) {
        return limit >= 0 ? SAFE_BYTES : SMALLEST_BYTES << Math.min(-(limit + 1), SIZES - 1);
    }

    /** Most elements. */
    static long count(int limit) {
        return limit < 0 ? Integer.MAX_VALUE : Math.clamp(limit, 1, COUNT_MAX);
    }

    /** Whether a quicklist of so much becomes a listpack: with half of what it may have. Where that is a number of elements, their bytes need only fit. */
    static boolean isHalf(int limit, long count, long bytes) {
        return count <= count(limit) / 2 && bytes <= (limit < 0 ? bytes(limit) / 2 : SAFE_BYTES);
    }
}
