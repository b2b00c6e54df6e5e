package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;

/**
 * Walks a range of a string piece by piece, where it lies, for replies that are written without gathering the string first.
 * Owned by the shard's thread; a piece is valid as the record it came from is.
 *
 * <pre>
 * var pieces = new StringPieces(shard, record, offset, bytes);
 * while (pieces.next()) { write(pieces.address(), pieces.length()); }
 * </pre>
 */
public final class StringPieces {
    /** What absent pages read as. Never freed. */
    private static final long ZEROS =
            Memory.allocate(PagedStringLayout.DEFAULT_PAGE_BYTES, MemoryTag.OTHER);

    private final Shard shard;
    private final long object;

    /** 0 where the string is in its record. */
    private final int pageBytes;

    private final long end;
    private long at;
    private long address;
    private int length;

    /** A walk over {@code bytes} bytes from {@code offset}, within the string. {@link Strings#load} them first. */
    public StringPieces(Shard shard, long record, long offset, long bytes) {
        this.shard = shard;
        long value = Record.value(record);
        at = offset;
        end = offset + bytes;
        if (Record.isPaged(record)) {
            object = PagedStringLayout.object(value);
            pageBytes = PagedStringLayout.pageBytes(value);
        } else {
            object = 0;
            pageBytes = 0;
            address = value + offset;
            length = (int) bytes;
        }
    }

    /** Finds the next piece. May miss, where the range is not loaded. @return false at the end */
    public boolean next() {
        if (at >= end) {
            return false;
        }
        if (pageBytes == 0) {
            at = end;
            return true;
        }
        int inPage = (int) (at % pageBytes);
        long record = shard.readPage(object, at / pageBytes);
        int wanted = (int) Math.min(end - at, pageBytes - inPage);
        int there = record == 0 ? 0 : Record.valueLength(record) - inPage;
        if (there > 0) {
            address = Record.value(record) + inPage;
            length = Math.min(there, wanted);
        } else {
            address = ZEROS;
            length = Math.min(wanted, PagedStringLayout.DEFAULT_PAGE_BYTES);
        }
        at += length;
        return true;
    }

    public long address() {
        return address;
    }

    public int length() {
        return length;
    }
}
