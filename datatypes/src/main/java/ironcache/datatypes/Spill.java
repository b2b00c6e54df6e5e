package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;

/**
 * Strings that are too long for an element's place: their bytes are pages of the collection's object, numbered in a row (each number 2 more than the one before), and the element is their
 * length and the first number.
 *
 * <pre>
 * page i of a string: bytes [i * PAGE_BYTES, (i + 1) * PAGE_BYTES) of it, no more than it has
 * </pre>
 *
 * A spilled string is written once and deleted, never changed. Static methods on the shard's thread; they hold no memory and allocate nothing.
 */
public final class Spill {
    /** A string of more bytes is spilled. So small that two entries of a page of {@link TreeLayout#PAGE_BYTES_MAX}, scores included, always fit. */
    static final int SPILL_BYTES = 2032;

    /** Bytes of string on a page. */
    static final int PAGE_BYTES = 16 << 10;

    private Spill() {}

    /** Pages of a string of this length. */
    static long pages(long length) {
        return (length + PAGE_BYTES - 1) / PAGE_BYTES;
    }

    private static long number(long element, long i) {
        return Element.spilledPage(element) + 2 * i;
    }

    // Writing.

    /** Codes a string of any length as an element: as it is where it is short, else spilled. Reads nothing. @return bytes written */
    static int put(Shard shard, long root, long to, long text, int length) {
        if (length <= SPILL_BYTES) {
            return Element.put(to, text, length);
        }
        Element.putSpilled(to, length, write(shard, root, text, length));
        return Element.SPILLED_BYTES;
    }

    /** Bytes that {@link #put} takes. */
    static int codedBytes(long text, int length) {
        return length <= SPILL_BYTES ? Element.codedBytes(text, length) : Element.SPILLED_BYTES;
    }

    /** A string of this length takes no more in an entry, be it the key or not. */
    static int entryBytesMax(int length) {
        return length <= SPILL_BYTES
                ? Math.max(Element.stringBytes(length), Element.NUMBER_BYTES_MAX)
                : Element.SPILLED_HASHED_BYTES;
    }

    /** Page numbers that strings to be written will take: {@link CollectionRoot#probe} with it, before the first write. */
    static long pagesOf(int length) {
        return length <= SPILL_BYTES ? 0 : pages(length);
    }

    /** Writes a string's pages under new numbers, which were probed. @return the first number */
    static long write(Shard shard, long root, long text, long length) {
        long object = CollectionRoot.object(root);
        long first = CollectionRoot.takePages(root, pages(length));
        long page = first;
        for (long done = 0; done < length; done += PAGE_BYTES) {
            int bytes = (int) Math.min(length - done, PAGE_BYTES);
            Memory.copy(text + done, shard.upsertPage(object, page, bytes), bytes);
            page += 2;
        }
        return first;
    }

    /** Writes a string that is spilled already, and loaded, once more: for another object, or another owner. @return the first number */
    static long copy(Shard shard, long object, long element, Shard toShard, long toRoot) {
        long length = Element.spilledLength(element);
        long pages = pages(length);
        long first = CollectionRoot.takePages(toRoot, pages);
        for (long i = 0; i < pages; i++) {
            long record = shard.readPage(object, number(element, i));
            int bytes = Record.valueLength(record);
            long to = toShard.upsertPage(CollectionRoot.object(toRoot), first + 2 * i, bytes);
            Memory.copy(Record.value(record), to, bytes);
        }
        return first;
    }

    /** Deletes the pages, which were loaded; their numbers may be used again. */
    static void delete(Shard shard, long root, long element) {
        long object = CollectionRoot.object(root);
        for (long i = pages(Element.spilledLength(element)) - 1; i >= 0; i--) {
            long page = number(element, i);
            shard.deletePage(object, page);
            CollectionRoot.givePage(root, page);
        }
    }

    // Reading.

    /** Asks for all pages without waiting for them. */
    static void prefetch(Shard shard, long object, long element) {
        long pages = pages(Element.spilledLength(element));
        for (long i = 0; i < pages; i++) {
            shard.prefetchPage(object, number(element, i));
        }
    }

    /** Asks for all pages, as {@link ManyPages}. */
    static int ask(Shard shard, long object, long element, int askedBefore) {
        int asked = askedBefore;
        long pages = pages(Element.spilledLength(element));
        for (long i = 0; i < pages; i++) {
            asked = ManyPages.ask(shard, object, number(element, i), asked);
        }
        return asked;
    }

    /** Reads all pages, so that nothing that is done to them can miss. May miss. */
    public static void load(Shard shard, long object, long element) {
        long pages = pages(Element.spilledLength(element));
        if (pages > 1) {
            prefetch(shard, object, element);
        }
        for (long i = 0; i < pages; i++) {
            shard.readPage(object, number(element, i));
        }
    }

    /** Whether {@link #load} would not miss. */
    static boolean isRead(Shard shard, long object, long element) {
        long pages = pages(Element.spilledLength(element));
        for (long i = 0; i < pages; i++) {
            if (shard.isPageCold(object, number(element, i))) {
                return false;
            }
        }
        return true;
    }

    /** Pieces of the string, in order. */
    public static long pieces(long element) {
        return pages(Element.spilledLength(element));
    }

    /** Where a piece's bytes are. May miss. */
    public static long piece(Shard shard, long object, long element, long i) {
        return Record.value(shard.readPage(object, number(element, i)));
    }

    /** Writes the whole string to the buffer's room, coded as one that is not spilled. May miss. @return its bytes, which the buffer takes by put or putOnce */
    static int gather(Shard shard, long object, long element, ElementBuffer to) {
        load(shard, object, element);
        int length = (int) Element.spilledLength(element);
        int bytes = Element.stringBytes(length);
        long at = Element.putLength(to.room(bytes), length);
        for (long i = 0; i < pieces(element); i++) {
            int piece = pieceBytes(element, i);
            Memory.copy(piece(shard, object, element, i), at, piece);
            at += piece;
        }
        return bytes;
    }

    public static int pieceBytes(long element, long i) {
        return (int) Math.min(PAGE_BYTES, Element.spilledLength(element) - i * PAGE_BYTES);
    }

    /** Whether the string is exactly these bytes. May miss. */
    static boolean equal(Shard shard, long object, long element, long text, long length) {
        return Element.spilledLength(element) == length
                && compare(shard, object, element, text, length) == 0;
    }

    /** As memcmp of the string and these bytes, the shorter one first where it is the begin of the other. Reads as many pages as decide it. May miss. */
    static int compare(Shard shard, long object, long element, long text, long length) {
        long spilled = Element.spilledLength(element);
        for (long done = 0; done < spilled && done < length; done += PAGE_BYTES) {
            long bytes = Math.min(PAGE_BYTES, Math.min(spilled, length) - done);
            long piece = piece(shard, object, element, done / PAGE_BYTES);
            int order = Memory.compare(piece, bytes, text + done, bytes);
            if (order != 0) {
                return order;
            }
        }
        return Long.compare(spilled, length);
    }
}
