package ironcache.ffm;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * CRC-32C (Castagnoli) over absolute address ranges, without allocation after the first use of a
 * region.
 *
 * <p>The JDK's implementation is an intrinsic on the processor's instruction, but takes a
 * ByteBuffer. Making one per call costs an allocation, so this keeps views: one spans nearly 2 GiB
 * from a 1 GiB boundary; any range of nearly 1 GiB lies within the view of the GiB it starts in. A
 * shard touches a handful of such windows.
 *
 * <p>Owned by one thread.
 */
public final class Crc32c {
    private static final int WINDOW_SHIFT = 30;
    private static final long WINDOW_BYTES = 1L << WINDOW_SHIFT;

    /** A ByteBuffer holds a few bytes less than 2 GiB; so a step holds a page less than 1 GiB. */
    private static final long STEP_BYTES_MAX = WINDOW_BYTES - 4096;

    /** Direct-mapped; a power of two. 64 windows reach 64 GiB of one mapping without a collision. */
    private static final int VIEWS = 64;

    private final CRC32C crc = new CRC32C();
    private final ByteBuffer[] views = new ByteBuffer[VIEWS];
    private final long[] windows = new long[VIEWS];

    /** The checksum of a range, as an unsigned 32-bit value in an int. */
    public int of(long address, long bytes) {
        crc.reset();
        update(address, bytes);
        return (int) crc.getValue();
    }

    /** Starts a checksum of several ranges. */
    public void reset() {
        crc.reset();
    }

    /** Adds a range. */
    public void update(long address, long bytes) {
        long at = address;
        long left = bytes;
        while (left > 0) {
            int now = (int) Math.min(left, STEP_BYTES_MAX);
            ByteBuffer view = view(at);
            int position = (int) (at & (WINDOW_BYTES - 1));
            view.limit(position + now).position(position);
            crc.update(view);
            at += now;
            left -= now;
        }
    }

    /** Adds a little-endian word, for checksums that cover an address or a generation. */
    public void updateLong(long value) {
        for (int i = 0; i < Long.BYTES; i++) {
            crc.update((int) (value >>> (8 * i)) & 0xFF);
        }
    }

    /** Adds one byte. */
    public void updateByte(int value) {
        crc.update(value);
    }

    /** The checksum of what was added since {@link #reset}. */
    public int value() {
        return (int) crc.getValue();
    }

    private ByteBuffer view(long address) {
        long window = address >>> WINDOW_SHIFT;
        int slot = (int) window & (VIEWS - 1);
        ByteBuffer view = views[slot];
        if (view == null || windows[slot] != window) {
            view =
                    Memory.all()
                            .asSlice(window << WINDOW_SHIFT, WINDOW_BYTES + STEP_BYTES_MAX)
                            .asByteBuffer();
            views[slot] = view;
            windows[slot] = window;
        }
        return view;
    }
}
