package ironcache.tools;

import ironcache.datatypes.Element;
import ironcache.datatypes.Spill;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.recovery.StoredShard;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Words of a command that {@link DumpWriter} makes of a part of a collection: gathered while the part is in memory, written afterwards. Of a long string only the element is kept, and its pages are read as
 * they are written. Owned by one thread; owns memory for the elements.
 */
final class DumpChunk implements AutoCloseable {
    private static final int WORDS_ENOUGH = 512;
    private static final int BYTES_ENOUGH = 64 << 10;

    /** Pages of a long string that are read together. */
    private static final int PIECES_AT_ONCE = 64;

    /** More than a spilled element has. */
    private static final int ELEMENT_BYTES = 32;

    private byte[] bytes = new byte[2 * BYTES_ENOUGH];
    private int[] ends = new int[WORDS_ENOUGH];

    /** Of a long string: which of the kept elements; -1: the word is in the bytes. */
    private int[] kept = new int[WORDS_ENOUGH];

    private long[] times = new long[WORDS_ENOUGH];
    private int words;
    private long elements = Memory.allocate((long) WORDS_ENOUGH * ELEMENT_BYTES, MemoryTag.OTHER);
    private int elementsMax = WORDS_ENOUGH;
    private int elementCount;
    private byte[] pieces = new byte[0];

    void clear() {
        words = 0;
        elementCount = 0;
    }

    int words() {
        return words;
    }

    /** Whether the rest should go into another one. */
    boolean isFull() {
        return words >= WORDS_ENOUGH || end() >= BYTES_ENOUGH || elementCount > 0;
    }

    private int end() {
        return words == 0 ? 0 : ends[words - 1];
    }

    /** Adds what an element of a collection stands for. */
    void add(long element) {
        if (Element.isNumber(element)) {
            add(Long.toString(Element.number(element)));
        } else if (Element.isSpilled(element)) {
            keep(element);
        } else {
            add(Element.text(element), Element.length(element));
        }
    }

    void add(String text) {
        byte[] from = text.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(from, 0, bytes, word(from.length), from.length);
    }

    void add(long text, int length) {
        Memory.copyOut(text, bytes, word(length), length);
    }

    /** The word that was added last is a field that expires then. */
    void putTime(long millis) {
        times[words - 1] = millis;
    }

    /** Of a field; 0: none. */
    long time(int word) {
        return times[word];
    }

    /** @return where its bytes go */
    private int word(int length) {
        int from = end();
        if (words == ends.length) {
            ends = Arrays.copyOf(ends, 2 * words);
            kept = Arrays.copyOf(kept, 2 * words);
            times = Arrays.copyOf(times, 2 * words);
        }
        if (from + length > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, from + length));
        }
        ends[words] = from + length;
        kept[words] = -1;
        times[words] = 0;
        words++;
        return from;
    }

    private void keep(long element) {
        word(0);
        if (elementCount == elementsMax) {
            long more = Memory.allocate(2L * elementsMax * ELEMENT_BYTES, MemoryTag.OTHER);
            Memory.copy(elements, more, (long) elementsMax * ELEMENT_BYTES);
            Memory.free(elements, (long) elementsMax * ELEMENT_BYTES, MemoryTag.OTHER);
            elements = more;
            elementsMax *= 2;
        }
        Memory.copy(element, kept(elementCount), Element.bytes(element));
        kept[words - 1] = elementCount++;
    }

    private long kept(int number) {
        return elements + (long) number * ELEMENT_BYTES;
    }

    /**
     * Writes a word.
     *
     * @param object of the collection, whose pages long strings are on
     */
    void write(
            int word,
            RespWriter resp,
            OutputStream out,
            StoredShard stored,
            long nowMillis,
            long object)
            throws IOException {
        if (kept[word] < 0) {
            int from = word == 0 ? 0 : ends[word - 1];
            resp.bulkHeader(ends[word] - from);
            out.write(bytes, from, ends[word] - from);
        } else {
            long element = kept(kept[word]);
            resp.bulkHeader(Element.spilledLength(element));
            long count = Spill.pieces(element);
            for (long i = 0; i < count; i += PIECES_AT_ONCE) {
                long first = i;
                long end = Math.min(count, i + PIECES_AT_ONCE);
                int[] length = new int[1];
                stored.read(
                        nowMillis, () -> length[0] = gather(stored, object, element, first, end));
                out.write(pieces, 0, length[0]);
            }
        }
        resp.bulkEnd();
    }

    private int gather(StoredShard stored, long object, long element, long first, long end) {
        int length = 0;
        for (long i = first; i < end; i++) {
            int piece = Spill.pieceBytes(element, i);
            if (length + piece > pieces.length) {
                pieces = Arrays.copyOf(pieces, Math.max(2 * pieces.length, length + piece));
            }
            Memory.copyOut(Spill.piece(stored.shard(), object, element, i), pieces, length, piece);
            length += piece;
        }
        return length;
    }

    @Override
    public void close() {
        Memory.free(elements, (long) elementsMax * ELEMENT_BYTES, MemoryTag.OTHER);
    }
}
