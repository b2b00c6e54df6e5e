package ironcache.ffm;

/**
 * Submission entry, {@code struct io_uring_sqe} of linux/io_uring.h, 64 bytes, native byte order.
 *
 * <pre>
 * 0        1       2        4    8               16     24    28       32
 * | opcode | flags | ioprio | fd | off           | addr | len | op_flags |
 * 32          40          42            44           48      56
 * | user_data | buf_index | personality | file_index | addr3 | pad |
 *             | buf_group |             |
 * </pre>
 *
 * {@code op_flags} stands for the union of rw_flags, msg_flags, fsync_flags, accept_flags,
 * cancel_flags and poll32_events. LayoutTest compares each offset with the generated binding.
 */
final class SqeLayout {
    static final int BYTES = 64;
    static final int BYTES_SHIFT = 6;

    static final int OPCODE = 0;
    static final int FLAGS = 1;
    static final int IOPRIO = 2;
    static final int FD = 4;
    static final int OFF = 8;
    static final int ADDR = 16;
    static final int LEN = 24;
    static final int OP_FLAGS = 28;
    static final int USER_DATA = 32;
    static final int BUF_INDEX = 40;
    static final int FILE_INDEX = 44;
    static final int ADDR3 = 48;
    static final int PAD = 56;

    private SqeLayout() {}

    /** Writes the whole entry, with the upper half beyond user_data zero but for {@code bufIndex}. */
    static void fill(
            long sqe,
            int opcode,
            int flags,
            int ioprio,
            int fd,
            long off,
            long addr,
            int len,
            int opFlags,
            long userData,
            int bufIndex) {
        // The first eight bytes are one store: opcode, flags and ioprio are its lower half.
        Memory.putLong(sqe, opcode | flags << 8 | (long) ioprio << 16 | (long) fd << 32);
        Memory.putLong(sqe + OFF, off);
        Memory.putLong(sqe + ADDR, addr);
        Memory.putLong(sqe + LEN, Integer.toUnsignedLong(len) | (long) opFlags << 32);
        Memory.putLong(sqe + USER_DATA, userData);
        Memory.putLong(sqe + BUF_INDEX, bufIndex & 0xFFFFL);
        Memory.putLong(sqe + ADDR3, 0);
        Memory.putLong(sqe + PAD, 0);
    }
}
