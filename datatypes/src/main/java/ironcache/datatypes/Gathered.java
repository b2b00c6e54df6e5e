package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;

/** A spilled string's bytes in one stretch, for those who compare or hash it as a whole. One per thread; owns its memory, of which it keeps little. */
final class Gathered implements AutoCloseable {
    private static final long ORDINARY_BYTES = 32 << 10;

    private long address;
    private long capacity;

    /** May miss. @return where the bytes are, until the next call */
    long gather(Shard shard, long object, long element) {
        Spill.load(shard, object, element);
        long bytes = Element.spilledLength(element);
        if (bytes > capacity || capacity > ORDINARY_BYTES) {
            close();
            capacity = Math.max(bytes, ORDINARY_BYTES);
            address = Memory.allocateUnset(capacity, MemoryTag.OTHER);
        }
        long to = address;
        for (long i = 0; i < Spill.pieces(element); i++) {
            int piece = Spill.pieceBytes(element, i);
            Memory.copy(Spill.piece(shard, object, element, i), to, piece);
            to += piece;
        }
        return address;
    }

    @Override
    public void close() {
        if (capacity > 0) {
            Memory.free(address, capacity, MemoryTag.OTHER);
            capacity = 0;
        }
    }
}
