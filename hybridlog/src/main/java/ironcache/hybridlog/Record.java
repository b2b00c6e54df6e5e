package ironcache.hybridlog;

import ironcache.ffm.Memory;

/**
 * A record of the log: one key and its value, or one page of a paged object. 8-byte aligned.
 *
 * <pre>
 * 0        8           8|16    +keyLength   +valueLength   aligned 8     |+8     +8*filler
 * | header | [expiry]  | key   | value      | padding      | [home]      | filler |
 *
 * header, from the lowest bit:
 *  0  keyLength    16   bytes
 * 16  valueLength  19   bytes
 * 35  filler        8   unused 8-byte words at the end, left by values that shrank in place
 * 43  type          4   0 is invalid, so that zeroed memory never parses
 * 47  encoding      3   the type's own
 * 50  expiry        1   the 8 bytes of expiry are there (milliseconds since the epoch)
 * 51  home          1   the 8 bytes of home are there: a clean copy, promoted from that SSD address
 * 52  dead          1   superseded or deleted; only maintained in RAM
 * 53  visits        2   saturating count of reads since written or last looked at by a rewrite
 * 55  keyspace      8   the keyspace's number (not the database's: SWAPDB exchanges them)
 * 63  spare         1
 * </pre>
 *
 * The length of the record follows from the header alone, by one load. Cost of a small string with
 * a 16-byte key: 8 bytes of header, at most 7 of padding, and its index slot.
 *
 * <p>Records are addressed here by absolute memory address; {@link Address} is their logical one.
 */
public final class Record {
    private static final int KEY_BITS = 16;
    private static final int VALUE_SHIFT = KEY_BITS;
    private static final int VALUE_BITS = 19;
    private static final int FILLER_SHIFT = VALUE_SHIFT + VALUE_BITS;
    private static final int FILLER_BITS = 8;
    private static final int TYPE_SHIFT = FILLER_SHIFT + FILLER_BITS;
    private static final int TYPE_BITS = 4;
    private static final int ENCODING_SHIFT = TYPE_SHIFT + TYPE_BITS;
    private static final int ENCODING_BITS = 3;
    private static final int EXPIRY_SHIFT = ENCODING_SHIFT + ENCODING_BITS;
    private static final int HOME_SHIFT = EXPIRY_SHIFT + 1;
    private static final int DEAD_SHIFT = HOME_SHIFT + 1;
    private static final int VISITS_SHIFT = DEAD_SHIFT + 1;
    private static final int VISITS_BITS = 2;
    private static final int KEYSPACE_SHIFT = VISITS_SHIFT + VISITS_BITS;
    private static final int KEYSPACE_BITS = 8;

    public static final int HEADER_BYTES = 8;
    public static final int ALIGNMENT = 8;

    /** Longest key, bytes. */
    public static final int MAX_KEY_BYTES = (1 << KEY_BITS) - 1;

    /** Longest value that one record holds, bytes; longer ones are paged objects. */
    public static final int MAX_VALUE_BYTES = 1 << 16;

    /** Most filler that a header can state, bytes. */
    public static final int MAX_FILLER_BYTES = ((1 << FILLER_BITS) - 1) * ALIGNMENT;

    /** Longest record, bytes. */
    public static final int MAX_BYTES =
            (HEADER_BYTES + 8 + MAX_KEY_BYTES + MAX_VALUE_BYTES + 7 & -ALIGNMENT)
                    + 8
                    + MAX_FILLER_BYTES;

    // Types. A kind is a type with its encoding: type | encoding << 4.
    public static final int TYPE_STRING = 1;
    public static final int TYPE_HASH = 2;
    public static final int TYPE_LIST = 3;
    public static final int TYPE_SET = 4;
    public static final int TYPE_ZSET = 5;
    public static final int TYPE_STREAM = 6;

    /** A page of a paged object; its key is (object number, page number). */
    public static final int TYPE_PAGE = 14;

    /** Unused space of a page; only the header's lengths count. */
    public static final int TYPE_FILLER = 15;

    /** Kinds of strings. */
    public static final int STRING = TYPE_STRING;

    /** A string that APPEND, SETRANGE and the like made: OBJECT ENCODING says raw whatever it holds. */
    public static final int STRING_RAW = TYPE_STRING | 1 << TYPE_BITS;

    /** A string longer than {@link #MAX_VALUE_BYTES}: the value is the root of a paged object. */
    public static final int STRING_PAGED = TYPE_STRING | 2 << TYPE_BITS;

    /** A string that INCRBYFLOAT made: OBJECT ENCODING never says int. */
    public static final int STRING_TEXT = TYPE_STRING | 3 << TYPE_BITS;

    public static final int PAGE = TYPE_PAGE;

    // Encodings of collections: where their elements are, and what OBJECT ENCODING says of them.
    private static final int COLLECTION_PAGED = 1;
    private static final int FORM_SHIFT = TYPE_BITS + 1;

    /** OBJECT ENCODING: listpack. */
    public static final int FORM_LISTPACK = 0;

    /** OBJECT ENCODING: hashtable, quicklist or skiplist. */
    public static final int FORM_LARGE = 1;

    /** OBJECT ENCODING: intset. */
    public static final int FORM_INTSET = 2;

    /** OBJECT ENCODING: hashtable. A hash of which some field has a time: where the next one is over, its value says. */
    public static final int FORM_TIMED = 3;

    private static final long DEAD_BIT = 1L << DEAD_SHIFT;
    private static final long EXPIRY_BIT = 1L << EXPIRY_SHIFT;
    private static final long HOME_BIT = 1L << HOME_SHIFT;
    private static final long VISITS_FIELD = (1L << VISITS_BITS) - 1 << VISITS_SHIFT;

    private Record() {}

    /** Bytes of a record without home and filler. */
    public static int bytes(int keyLength, int valueLength, boolean expiry) {
        return HEADER_BYTES + (expiry ? 8 : 0) + keyLength + valueLength + (ALIGNMENT - 1)
                & -ALIGNMENT;
    }

    /** A header word without home, filler, dead or visits. */
    public static long header(
            int keyLength, int valueLength, int kind, boolean expiry, int keyspace) {
        return keyLength
                | (long) valueLength << VALUE_SHIFT
                | (long) kind << TYPE_SHIFT
                | (expiry ? EXPIRY_BIT : 0)
                | (long) keyspace << KEYSPACE_SHIFT;
    }

    /** Writes a filler record of {@code bytes} (a positive multiple of 8) at {@code record}. */
    public static void putFiller(long record, int bytes) {
        long body = (long) bytes - HEADER_BYTES;
        // Split over the value length (a multiple of 8) only: at most one page, which 19 bits do
        // not hold at once.
        if (body < 1L << VALUE_BITS) {
            Memory.putLong(record, body << VALUE_SHIFT | (long) TYPE_FILLER << TYPE_SHIFT);
        } else {
            int first = 1 << VALUE_BITS - 1;
            putFiller(record, first);
            putFiller(record + first, bytes - first);
        }
    }

    public static int keyLength(long record) {
        return (int) Memory.getLong(record) & MAX_KEY_BYTES;
    }

    public static int valueLength(long record) {
        return (int) (Memory.getLong(record) >>> VALUE_SHIFT) & (1 << VALUE_BITS) - 1;
    }

    public static int type(long record) {
        return (int) (Memory.getLong(record) >>> TYPE_SHIFT) & (1 << TYPE_BITS) - 1;
    }

    /** The type of a kind. */
    public static int typeOf(int kind) {
        return kind & (1 << TYPE_BITS) - 1;
    }

    /** Type and encoding: {@code type | encoding << 4}. */
    public static int kind(long record) {
        return (int) (Memory.getLong(record) >>> TYPE_SHIFT) & (1 << TYPE_BITS + ENCODING_BITS) - 1;
    }

    public static int keyspace(long record) {
        return (int) (Memory.getLong(record) >>> KEYSPACE_SHIFT) & (1 << KEYSPACE_BITS) - 1;
    }

    public static boolean hasExpiry(long record) {
        return (Memory.getLong(record) & EXPIRY_BIT) != 0;
    }

    /** Milliseconds since the epoch; 0 where the record has none. */
    public static long expiry(long record) {
        return hasExpiry(record) ? Memory.getLong(record + HEADER_BYTES) : 0;
    }

    public static boolean isDead(long record) {
        return (Memory.getLong(record) & DEAD_BIT) != 0;
    }

    public static int visits(long record) {
        return (int) (Memory.getLong(record) >>> VISITS_SHIFT) & (1 << VISITS_BITS) - 1;
    }

    public static boolean hasHome(long record) {
        return (Memory.getLong(record) & HOME_BIT) != 0;
    }

    /** Address of the key's first byte. */
    public static long key(long record) {
        return record + HEADER_BYTES + expiryBytes(Memory.getLong(record));
    }

    /** Address of the value's first byte. */
    public static long value(long record) {
        long header = Memory.getLong(record);
        return record + HEADER_BYTES + expiryBytes(header) + (header & MAX_KEY_BYTES);
    }

    private static long expiryBytes(long header) {
        return header >>> EXPIRY_SHIFT - 3 & 8;
    }

    /** All bytes that the record occupies. */
    public static int length(long record) {
        return lengthOf(Memory.getLong(record));
    }

    /** As {@link #length}, of a header word that was already read. */
    public static int lengthOf(long header) {
        return bytesUsed(header)
                + (int) (header >>> HOME_SHIFT - 3 & 8)
                + (((int) (header >>> FILLER_SHIFT) & (1 << FILLER_BITS) - 1) << 3);
    }

    /** Without home and filler. */
    private static int bytesUsed(long header) {
        int keyLength = (int) header & MAX_KEY_BYTES;
        int valueLength = (int) (header >>> VALUE_SHIFT) & (1 << VALUE_BITS) - 1;
        return HEADER_BYTES + (int) expiryBytes(header) + keyLength + valueLength + (ALIGNMENT - 1)
                & -ALIGNMENT;
    }

    /** Whether the value is the root of a paged object. */
    public static boolean isPaged(long record) {
        return isPagedKind(kind(record));
    }

    /** Whether a value of this kind is the root of a paged object. */
    public static boolean isPagedKind(int kind) {
        int type = typeOf(kind);
        return type == TYPE_STRING
                ? kind == STRING_PAGED
                : type <= TYPE_STREAM && (kind >>> TYPE_BITS & COLLECTION_PAGED) != 0;
    }

    /**
     * The kind of a collection.
     *
     * @param form FORM_LISTPACK, FORM_LARGE, FORM_INTSET or FORM_TIMED: what clients are told, whatever it is
     */
    public static int collection(int type, boolean paged, int form) {
        return type | (paged ? COLLECTION_PAGED << TYPE_BITS : 0) | form << FORM_SHIFT;
    }

    /** Of a collection's kind. */
    public static int form(int kind) {
        return kind >>> FORM_SHIFT;
    }

    /** Whether a kind is that of a hash of which some field has a time. */
    public static boolean isTimed(int kind) {
        return kind >>> FORM_SHIFT == FORM_TIMED;
    }

    /** Whether the key of {@code record} is these bytes. */
    public static boolean hasKey(long record, long key, int keyLength) {
        long header = Memory.getLong(record);
        return ((int) header & MAX_KEY_BYTES) == keyLength
                && Memory.equal(record + HEADER_BYTES + expiryBytes(header), key, keyLength);
    }

    public static void markDead(long record) {
        Memory.putLong(record, Memory.getLong(record) | DEAD_BIT);
    }

    /** Counts one read, up to 3. */
    public static void visit(long record) {
        long header = Memory.getLong(record);
        if ((header & VISITS_FIELD) != VISITS_FIELD) {
            Memory.putLong(record, header + (1L << VISITS_SHIFT));
        }
    }

    public static void putExpiry(long record, long millis) {
        assert hasExpiry(record);
        Memory.putLong(record + HEADER_BYTES, millis);
    }

    /** The SSD address that a promoted copy was read from. */
    public static long home(long record) {
        assert hasHome(record);
        return Memory.getLong(record + bytesUsed(Memory.getLong(record)));
    }

    /** The copy is about to differ from its SSD original: the 8 bytes of home become filler. */
    public static void dropHome(long record) {
        long header = Memory.getLong(record);
        assert (header & HOME_BIT) != 0;
        Memory.putLong(record, (header & ~HOME_BIT) + (1L << FILLER_SHIFT));
    }

    /**
     * Changes kind and value length in place, keeping the record's total length by filler. The record has no home.
     *
     * @return false, with nothing changed, where the new value does not fit or leaves more filler than a header holds
     */
    public static boolean resize(long record, int kind, int newValueLength) {
        long header = Memory.getLong(record);
        assert (header & HOME_BIT) == 0;
        int total = lengthOf(header);
        int used = bytes((int) header & MAX_KEY_BYTES, newValueLength, (header & EXPIRY_BIT) != 0);
        int filler = total - used;
        if (filler < 0 || filler > MAX_FILLER_BYTES) {
            return false;
        }
        long kept =
                header
                        & ~((1L << VALUE_BITS + FILLER_BITS + TYPE_BITS + ENCODING_BITS) - 1
                                << VALUE_SHIFT);
        Memory.putLong(
                record,
                kept
                        | (long) newValueLength << VALUE_SHIFT
                        | (long) (filler >>> 3) << FILLER_SHIFT
                        | (long) kind << TYPE_SHIFT);
        return true;
    }

    /** The header as a rewrite carries it over: no filler, home, dead or visits. */
    public static long carriedHeader(long record) {
        return Memory.getLong(record)
                & ~(DEAD_BIT
                        | HOME_BIT
                        | VISITS_FIELD
                        | (long) ((1 << FILLER_BITS) - 1) << FILLER_SHIFT);
    }

    /** Bytes that {@link #copyCarried} writes. */
    public static int carriedLength(long record) {
        return bytesUsed(Memory.getLong(record));
    }

    /** Copies a record as a rewrite carries it over, see {@link #carriedHeader}. */
    public static void copyCarried(long record, long to) {
        Memory.copy(record + HEADER_BYTES, to + HEADER_BYTES, carriedLength(record) - HEADER_BYTES);
        Memory.putLong(to, carriedHeader(record));
    }

    /** Turns the copy just made at {@code record} by {@link #copyCarried} into one with a home; 8 more bytes. */
    public static void putHome(long record, long home) {
        long header = Memory.getLong(record);
        Memory.putLong(record + bytesUsed(header), home);
        Memory.putLong(record, header | HOME_BIT);
    }
}
