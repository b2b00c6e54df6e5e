package ironcache.ffm;

/**
 * Ring of provided buffers: an array of {@code struct io_uring_buf}, 16 bytes each; the ring's tail
 * lies over the unused last field of entry 0.
 *
 * <pre>
 * 0      8     12    14     16
 * | addr | len | bid | resv |      resv of entry 0 is the tail
 * </pre>
 */
final class BufferRingLayout {
    static final int ENTRY_BYTES = 16;
    static final int ADDR = 0;
    static final int LEN = 8;
    static final int BID = 12;
    static final int TAIL = 14;

    private BufferRingLayout() {}

    /** Writes all but the last field, which in entry 0 is the tail. */
    static void fill(long entry, long address, int length, int buffer) {
        Memory.putLong(entry + ADDR, address);
        Memory.putInt(entry + LEN, length);
        Memory.putShort(entry + BID, (short) buffer);
    }
}
