package ironcache.engine;

import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.hybridlog.Record;
import org.jspecify.annotations.Nullable;

/**
 * A value as it was at a moment: a copy of its record, and where that is the root of a paged object, of those pages that were changed since and before the next version. Of the {@link PageViews} of one
 * shard, one owner thread.
 *
 * <pre>
 * table   by page number, open addressing    | page + 1 | address of its copy, 0: there was no such page |    page + 1 = 0: free
 * chunk   | the chunk before | its bytes | copies of records ... |
 * </pre>
 *
 * <p>Owns its copies, in memory tagged {@link MemoryTag#VIEWS}.
 */
final class PageVersion {
    /** Of a page that is not kept. */
    static final long UNCHANGED = -1;

    private static final int ENTRY_SHIFT = 4;
    private static final int TABLE_ENTRIES_MIN = 32;
    private static final int CHUNK_HEADER_BYTES = 2 * Long.BYTES;
    private static final int CHUNK_BYTES_MIN = 8 << 10;
    private static final int CHUNK_BYTES_MAX = 64 << 10;

    /** A longer record has a chunk of its own. */
    private static final int SHARING_BYTES_MAX = 6 << 10;

    /** A copy of the record. */
    final long record;

    private final int recordBytes;

    /** Page numbers from here on are of later pages. */
    final long pages;

    /** All that it owns. */
    long bytes;

    /** Views that have it. */
    int views;

    @Nullable PageVersion newer;

    // The table; 0: none yet.
    private long table;
    private int capacity;
    private int size;

    /** The last chunk; 0: none yet. */
    private long chunk;

    // Of the last chunk that records share: where the next goes, and how long it is.
    private long free;
    private long chunkEnd;
    private int shared;

    /** @param pagesAtLeast of the version before */
    PageVersion(long of, long pagesAtLeast) {
        recordBytes = Record.carriedLength(of);
        record = Memory.allocateUnset(recordBytes, MemoryTag.VIEWS);
        Record.copyCarried(of, record);
        bytes = recordBytes;
        pages = Record.isPaged(of) ? Math.max(pagesAtLeast, RootLayout.pages(Record.value(of))) : 0;
    }

    /** Whether the object of this root is as it was. */
    boolean isOf(long root) {
        int length = Record.valueLength(root);
        return Record.kind(root) == Record.kind(record)
                && length == Record.valueLength(record)
                && Memory.equal(Record.value(root), Record.value(record), length);
    }

    /** The page as it was; 0: there was none; {@link #UNCHANGED}: as in the next version. */
    long page(long page) {
        if (size == 0) {
            return UNCHANGED;
        }
        long entry = entry(page);
        return Memory.getLong(entry) == 0 ? UNCHANGED : Memory.getLong(entry + Long.BYTES);
    }

    /**
     * The page is about to be changed for the first time since.
     *
     * @param from its record, 0: there is none
     */
    void keep(long page, long from) {
        if (4 * size >= 3 * capacity) {
            grow();
        }
        long entry = entry(page);
        Memory.putLong(entry, page + 1);
        Memory.putLong(entry + Long.BYTES, from == 0 ? 0 : copy(from));
        size++;
    }

    private long copy(long from) {
        int length = Record.carriedLength(from);
        long to;
        if (length > SHARING_BYTES_MAX) {
            to = addChunk(length + CHUNK_HEADER_BYTES) + CHUNK_HEADER_BYTES;
        } else {
            if (free + length > chunkEnd) {
                shared = Math.clamp(2L * shared, CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
                free = addChunk(shared) + CHUNK_HEADER_BYTES;
                chunkEnd = chunk + shared;
            }
            to = free;
            free += length;
        }
        Record.copyCarried(from, to);
        return to;
    }

    private long addChunk(long chunkBytes) {
        long next = Memory.allocateUnset(chunkBytes, MemoryTag.VIEWS);
        Memory.putLong(next, chunk);
        Memory.putLong(next + Long.BYTES, chunkBytes);
        chunk = next;
        bytes += chunkBytes;
        return next;
    }

    // The table.

    /** Where the page's entry is, or will be. */
    private long entry(long page) {
        int mask = capacity - 1;
        int i = (int) (page * 0x9E3779B97F4A7C15L >>> 32) & mask;
        while (true) {
            long entry = table + ((long) i << ENTRY_SHIFT);
            long there = Memory.getLong(entry);
            if (there == 0 || there == page + 1) {
                return entry;
            }
            i = i + 1 & mask;
        }
    }

    private void grow() {
        long old = table;
        int oldCapacity = capacity;
        capacity = Math.max(TABLE_ENTRIES_MIN, 2 * oldCapacity);
        table = Memory.allocate((long) capacity << ENTRY_SHIFT, MemoryTag.VIEWS);
        bytes += (long) capacity - oldCapacity << ENTRY_SHIFT;
        for (int i = 0; i < oldCapacity; i++) {
            long from = old + ((long) i << ENTRY_SHIFT);
            long page = Memory.getLong(from);
            if (page != 0) {
                Memory.copy(from, entry(page - 1), 1 << ENTRY_SHIFT);
            }
        }
        freeTable(old, oldCapacity);
    }

    private static void freeTable(long table, int capacity) {
        if (table != 0) {
            Memory.free(table, (long) capacity << ENTRY_SHIFT, MemoryTag.VIEWS);
        }
    }

    void free() {
        Memory.free(record, recordBytes, MemoryTag.VIEWS);
        freeTable(table, capacity);
        while (chunk != 0) {
            long previous = Memory.getLong(chunk);
            Memory.free(chunk, Memory.getLong(chunk + Long.BYTES), MemoryTag.VIEWS);
            chunk = previous;
        }
    }
}
