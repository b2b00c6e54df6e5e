package ironcache.datatypes;

/**
 * What Valkey's listpack would take for elements: OBJECT ENCODING follows from it. Static methods; nothing is kept in this form.
 *
 * <pre>
 * listpack: header 6 | entries | end 1
 * entry:    encoding 1 to 5 | bytes of the string or the integer | length of both, 1 to 5
 * </pre>
 */
final class Listpack {
    /** Of a listpack without entries. */
    static final int EMPTY_BYTES = 7;

    /** Most bytes of an entry for each byte of a short element: those of -16 to -1. */
    static final int EXPANSION = 3;

    private Listpack() {}

    /** Of all entries for the elements from there to there. */
    static long entriesBytes(long from, long to) {
        long bytes = 0;
        for (long at = from; at < to; at = Element.next(at)) {
            bytes += entryBytes(at);
        }
        return bytes;
    }

    static long entryBytes(long element) {
        return Element.isNumber(element)
                ? numberBytes(Element.number(element))
                : stringBytes(Element.textLength(element));
    }

    private static int numberBytes(long number) {
        if (number >= 0 && number <= 127) {
            return 2;
        }
        if (number >= -4096 && number <= 4095) {
            return 3;
        }
        int bits = Long.SIZE - Long.numberOfLeadingZeros(number ^ number >> 63) + 1;
        if (bits <= 16) {
            return 4;
        }
        return bits <= 24 ? 5 : bits <= 32 ? 6 : 10;
    }

    private static long stringBytes(long length) {
        long bytes = length + (length < 64 ? 1 : length < 4096 ? 2 : 5);
        return bytes
                + (bytes <= 127
                        ? 1
                        : bytes < 16383 ? 2 : bytes < 2097151 ? 3 : bytes < 268435455 ? 4 : 5);
    }
}
