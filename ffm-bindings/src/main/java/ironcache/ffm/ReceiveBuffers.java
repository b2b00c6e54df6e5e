package ironcache.ffm;

/**
 * The buffers that the kernel receives into, and the ring of provided buffers that offers them to it:
 * each receive that selects {@link #GROUP} takes one.
 *
 * <p>A buffer that came back full is lent to the handlers until the next turn, which offers all of them
 * to the kernel again.
 *
 * <p>Owned by the thread of its {@link UringIo}. Memory owned: the buffers ({@link
 * MemoryTag#NETWORK}) and their ring ({@link MemoryTag#RING}); the kernel writes to both until its
 * ring is closed.
 */
final class ReceiveBuffers {
    /** Number of the group of provided buffers. */
    static final int GROUP = 0;

    /** A gap of two cache lines between receive buffers: at a stride of 16 KiB all their first lines would
     * compete for the same few sets of the caches. */
    private static final int GAP_BYTES = 128;

    private final int count;
    private final int bufferBytes;
    private final int stride;
    private final Mapping memory;
    private final Mapping entries;
    private final int mask;
    private int tail;

    /** Buffers whose bytes the handlers may still read. */
    private final int[] lent;

    private int lentCount;

    /** @param count power of two */
    ReceiveBuffers(int count, int bufferBytes) {
        this.count = count;
        this.bufferBytes = bufferBytes;
        this.stride = bufferBytes + GAP_BYTES;
        this.memory = Mapping.reserve((long) count * stride, MemoryTag.NETWORK);
        memory.commit(memory.bytes());
        // 256 buffers on 256 small pages would keep missing the TLB.
        memory.adviseHugePages(0, memory.bytes());
        this.entries = Mapping.reserve((long) count * BufferRingLayout.ENTRY_BYTES, MemoryTag.RING);
        entries.commit(entries.bytes());
        this.mask = count - 1;
        this.lent = new int[count];
    }

    /** Offers all of them to the kernel. @return 0 or a negated errno */
    int register(Ring ring) {
        int result = ring.registerBufferRing(entries.address(), count, GROUP);
        if (result < 0) {
            return result;
        }
        for (int buffer = 0; buffer < count; buffer++) {
            add(buffer);
        }
        Ring.publishBuffers(entries.address(), (short) tail);
        return result;
    }

    long address(int buffer) {
        return memory.address() + (long) buffer * stride;
    }

    /** The handlers may read it until the next turn. */
    void lend(int buffer) {
        lent[lentCount++] = buffer;
    }

    /** Offers to the kernel again what was lent. */
    void giveBack() {
        int lentBefore = lentCount;
        if (lentBefore == 0) {
            return;
        }
        for (int i = 0; i < lentBefore; i++) {
            add(lent[i]);
        }
        lentCount = 0;
        Ring.publishBuffers(entries.address(), (short) tail);
    }

    private void add(int buffer) {
        long entry = entries.address() + (long) (tail & mask) * BufferRingLayout.ENTRY_BYTES;
        BufferRingLayout.fill(entry, address(buffer), bufferBytes, buffer);
        tail++;
    }

    /** After the ring is closed, or where it never knew them. */
    void close() {
        memory.close();
        entries.close();
    }
}
