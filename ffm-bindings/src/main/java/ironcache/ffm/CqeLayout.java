package ironcache.ffm;

/**
 * Completion entry, {@code struct io_uring_cqe} of linux/io_uring.h, 16 bytes, native byte order.
 *
 * <pre>
 * 0           8     12      16
 * | user_data | res | flags |
 * </pre>
 *
 * The upper 16 bits of flags are the number of the provided buffer where F_BUFFER is set.
 * LayoutTest compares each offset with the generated binding.
 */
final class CqeLayout {
    static final int BYTES = 16;
    static final int BYTES_SHIFT = 4;

    static final int USER_DATA = 0;
    static final int RES = 8;
    static final int FLAGS = 12;

    private CqeLayout() {}

    static long userData(long cqe) {
        return Memory.getLong(cqe + USER_DATA);
    }

    static int result(long cqe) {
        return Memory.getInt(cqe + RES);
    }

    static int flags(long cqe) {
        return Memory.getInt(cqe + FLAGS);
    }
}
