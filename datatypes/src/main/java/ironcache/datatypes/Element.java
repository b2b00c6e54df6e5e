package ironcache.datatypes;

import ironcache.engine.KeyHash;
import ironcache.ffm.Memory;

/**
 * An element of a collection: a string as packed values and pages hold it. Strings that are whole numbers ({@link LongText}) are held as such.
 *
 * <pre>
 * tag 1        what follows
 * 00 – 7F      a string of tag bytes
 * 80 – BF  1   a string of ((tag & 3F) << 8 | next) bytes, 128 at least
 * C0       4   a string of so many bytes, 16384 at least
 * C1 – C8      an integer of 1 to 8 bytes, little-endian, two's complement, as few as hold it
 * C9      16   a spilled string: length 8, first page 8 ({@link Spill})
 * CB      24   the same with its hash 8 behind, where it is looked for by that
 * CA       8   a time, milliseconds since the epoch: it belongs to the element that follows
 * D0 – FF      the integer tag - E0
 * </pre>
 *
 * <p>There is one coding for each string, so two that are not spilled are equal where their codings are. Static methods on absolute addresses; nothing is allocated.
 */
public final class Element {
    private static final int SHORT_BYTES_MAX = 0x7F;
    private static final int MIDDLE = 0x80;
    private static final int MIDDLE_BYTES_MAX = 0x3FFF;
    private static final int LONG = 0xC0;
    private static final int SPILLED = 0xC9;
    private static final int TIME = 0xCA;
    private static final int SPILLED_HASHED = 0xCB;
    private static final int SMALL = 0xD0;
    private static final int ZERO = 0xE0;
    private static final int SMALL_MAX = 0xFF - ZERO;
    private static final int SMALL_MIN = SMALL - ZERO;

    static final int SPILLED_BYTES = 1 + 2 * Long.BYTES;
    static final int SPILLED_HASHED_BYTES = SPILLED_BYTES + Long.BYTES;
    static final int TIME_BYTES = 1 + Long.BYTES;

    /** Longest coding of a number. */
    static final int NUMBER_BYTES_MAX = 1 + Long.BYTES;

    private Element() {}

    private static int tag(long at) {
        return Memory.getByte(at) & 0xFF;
    }

    // Reading.

    /** Bytes of the element; of a time, without the element that follows. */
    public static int bytes(long at) {
        int tag = Memory.getByte(at);
        return tag >= 0 ? 1 + tag : otherBytes(at, tag & 0xFF);
    }

    /** Of what is not a short string: a walk's loop is to be small. */
    private static int otherBytes(long at, int tag) {
        if (tag < LONG) {
            return 2 + length(at);
        }
        if (tag >= SMALL) {
            return 1;
        }
        return switch (tag) {
            case LONG -> 5 + length(at);
            case SPILLED -> SPILLED_BYTES;
            case TIME -> TIME_BYTES;
            case SPILLED_HASHED -> SPILLED_HASHED_BYTES;
            default -> {
                if (tag > SPILLED_HASHED) {
                    throw new IllegalStateException("no element has the tag " + tag);
                }
                yield 1 + tag - LONG;
            }
        };
    }

    /** Whether it is an integer: {@link #number}. Else it is a string, or {@link #isSpilled}, or {@link #isTime}. */
    public static boolean isNumber(long at) {
        int tag = tag(at);
        return tag >= SMALL || tag > LONG && tag < SPILLED;
    }

    public static boolean isSpilled(long at) {
        int tag = tag(at);
        return tag == SPILLED || tag == SPILLED_HASHED;
    }

    public static boolean isTime(long at) {
        return tag(at) == TIME;
    }

    /** Of an integer. */
    public static long number(long at) {
        int tag = tag(at);
        if (tag >= SMALL) {
            return (long) tag - ZERO;
        }
        long number = 0;
        int count = tag - LONG;
        for (int i = 0; i < count; i++) {
            number |= (Memory.getByte(at + 1 + i) & 0xFFL) << (i << 3);
        }
        int unused = Long.SIZE - (count << 3);
        return number << unused >> unused;
    }

    /** Bytes of a string that is not spilled. */
    public static int length(long at) {
        int tag = tag(at);
        if (tag <= SHORT_BYTES_MAX) {
            return tag;
        }
        return tag < LONG
                ? (tag & 0x3F) << 8 | Memory.getByte(at + 1) & 0xFF
                : Memory.getInt(at + 1);
    }

    /** Where the bytes of a string are that is not spilled. */
    public static long text(long at) {
        int tag = tag(at);
        return at + (tag <= SHORT_BYTES_MAX ? 1 : tag < LONG ? 2 : 5);
    }

    /** Of a spilled string. */
    public static long spilledLength(long at) {
        return Memory.getLong(at + 1);
    }

    /** Of a spilled string: the number of its first page. */
    public static long spilledPage(long at) {
        return Memory.getLong(at + 1 + Long.BYTES);
    }

    /** Of a spilled string that has one. */
    static long spilledHash(long at) {
        return Memory.getLong(at + SPILLED_BYTES);
    }

    /** Of a time. */
    public static long time(long at) {
        return Memory.getLong(at + 1);
    }

    /** Bytes of the string that it stands for, whatever it is held as. */
    public static long textLength(long at) {
        if (isNumber(at)) {
            return LongText.length(number(at));
        }
        return isSpilled(at) ? spilledLength(at) : length(at);
    }

    // Writing.

    /** Bytes that {@link #put} takes for a string. */
    static int codedBytes(long text, int length) {
        if (length <= LongText.MAX_BYTES) {
            long number = LongText.parse(text, length);
            if (LongText.isNumber(number, text, length)) {
                return numberBytes(number);
            }
        }
        return stringBytes(length);
    }

    /** Bytes that {@link #putString} takes. */
    static int stringBytes(int length) {
        return length + (length <= SHORT_BYTES_MAX ? 1 : length <= MIDDLE_BYTES_MAX ? 2 : 5);
    }

    static int numberBytes(long number) {
        if (number >= SMALL_MIN && number <= SMALL_MAX) {
            return 1;
        }
        return 1 + (Long.SIZE - Long.numberOfLeadingZeros(number ^ number >> 63)) / 8 + 1;
    }

    /** Codes a string, as a number if it is one. @return bytes written */
    public static int put(long to, long text, int length) {
        if (length <= LongText.MAX_BYTES) {
            long number = LongText.parse(text, length);
            if (LongText.isNumber(number, text, length)) {
                return putNumber(to, number);
            }
        }
        return putString(to, text, length);
    }

    /** Codes a string as a string, as sorted sets hold theirs. @return bytes written */
    static int putString(long to, long text, int length) {
        long at = putLength(to, length);
        Memory.copy(text, at, length);
        return (int) (at - to) + length;
    }

    /** What precedes the bytes of a string. @return where those go */
    static long putLength(long to, int length) {
        long at = to;
        if (length <= SHORT_BYTES_MAX) {
            Memory.putByte(at++, (byte) length);
        } else if (length <= MIDDLE_BYTES_MAX) {
            Memory.putByte(at++, (byte) (MIDDLE | length >> 8));
            Memory.putByte(at++, (byte) length);
        } else {
            Memory.putByte(at++, (byte) LONG);
            Memory.putInt(at, length);
            at += Integer.BYTES;
        }
        return at;
    }

    /** @return bytes written */
    static int putNumber(long to, long number) {
        int bytes = numberBytes(number);
        if (bytes == 1) {
            Memory.putByte(to, (byte) (number + ZERO));
            return 1;
        }
        Memory.putByte(to, (byte) (LONG + bytes - 1));
        for (int i = 1; i < bytes; i++) {
            Memory.putByte(to + i, (byte) (number >> (i - 1 << 3)));
        }
        return bytes;
    }

    static void putSpilled(long to, long length, long page) {
        Memory.putByte(to, (byte) SPILLED);
        Memory.putLong(to + 1, length);
        Memory.putLong(to + 1 + Long.BYTES, page);
    }

    static void putSpilled(long to, long length, long page, long hash) {
        putSpilled(to, length, page);
        Memory.putByte(to, (byte) SPILLED_HASHED);
        Memory.putLong(to + SPILLED_BYTES, hash);
    }

    static void putTime(long to, long millis) {
        Memory.putByte(to, (byte) TIME);
        Memory.putLong(to + 1, millis);
    }

    // Hashing.

    /** The hash of the element that is held for this string. */
    static long hash(long salt, long text, int length) {
        long number = LongText.parse(text, length);
        return LongText.isNumber(number, text, length)
                ? KeyHash.ofNumber(salt, number)
                : KeyHash.of(salt, text, length);
    }

    /** The hash of an element; a spilled one has it with it. */
    static long hash(long salt, long at) {
        if (isNumber(at)) {
            return KeyHash.ofNumber(salt, number(at));
        }
        return isSpilled(at) ? spilledHash(at) : KeyHash.of(salt, text(at), length(at));
    }

    // Searching.

    /** Address of the element that is held for this string, among those from {@code from} to {@code to}; 0 where there is none. Spilled ones are passed over, and so are times. */
    public static long find(long from, long to, long text, int length) {
        long number = LongText.parse(text, length);
        return LongText.isNumber(number, text, length)
                ? findNumber(from, to, number, 1)
                : findString(from, to, text, length, 1);
    }

    /** As {@link #find}, of fields with values: every second element is looked at, from the first on. */
    static long findField(long from, long to, long text, int length) {
        long number = LongText.parse(text, length);
        return LongText.isNumber(number, text, length)
                ? findNumber(from, to, number, 2)
                : findString(from, to, text, length, 2);
    }

    /** As {@link #find}, of an element that is coded already and not spilled; elements are compared as they are. */
    static long findEqual(long from, long to, long element) {
        int bytes = bytes(element);
        byte tag = Memory.getByte(element);
        for (long at = from; at < to; at = next(at, 1)) {
            if (Memory.getByte(at) == tag
                    && bytes(at) == bytes
                    && Memory.equal(at, element, bytes)) {
                return at;
            }
        }
        return 0;
    }

    private static long findNumber(long from, long to, long number, int stride) {
        long at = from;
        while (at < to) {
            if (isNumber(at) && number(at) == number) {
                return at;
            }
            at = next(at, stride);
        }
        return 0;
    }

    private static long findString(long from, long to, long text, int length, int stride) {
        if (length <= SHORT_BYTES_MAX) {
            return findShort(from, to, text, length, stride);
        }
        long at = from;
        while (at < to) {
            if (isLongString(at) && length(at) == length && Memory.equal(text(at), text, length)) {
                return at;
            }
            at = next(at, stride);
        }
        return 0;
    }

    /**
     * Most elements of a collection are as long as what is looked for. Where the next one begins does then not depend on a byte that has to be loaded, only on a branch that is foreseen, and the
     * processor looks at many at once: 29 ns instead of 93 where none of 33 members of 16 bytes is it (ElementFindBenchmark).
     */
    private static long findShort(long from, long to, long text, int length, int stride) {
        long at = from;
        while (at < to) {
            long next;
            if (Memory.getByte(at) == length) {
                if (Memory.equal(at + 1, text, length)) {
                    return at;
                }
                next = at + 1 + length;
            } else {
                next = next(at);
            }
            at = next(next, stride - 1);
        }
        return 0;
    }

    private static boolean isLongString(long at) {
        int tag = tag(at);
        return tag > SHORT_BYTES_MAX && tag <= LONG;
    }

    /** The element {@code stride} further on; a time goes with the element that it belongs to. */
    private static long next(long at, int stride) {
        long next = at;
        for (int i = 0; i < stride; i++) {
            next = next(next);
        }
        return next;
    }

    /** The next element; a time goes with the element that it belongs to. */
    public static long next(long at) {
        int tag = Memory.getByte(at);
        return tag >= 0 ? at + 1 + tag : afterOther(at, tag & 0xFF);
    }

    private static long afterOther(long at, int tag) {
        long next = at + otherBytes(at, tag);
        return tag == TIME ? next + bytes(next) : next;
    }

    /** Elements from {@code from} to {@code to}, times not counted. */
    public static int count(long from, long to) {
        int count = 0;
        for (long at = from; at < to; at = next(at)) {
            count++;
        }
        return count;
    }
}
