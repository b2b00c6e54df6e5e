package ironcache.engine;

import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;

/**
 * An effect: one thing that a command changed in a shard, as the log keeps it. 8-byte aligned, little-endian; begins with a word that says what it is.
 *
 * <pre>
 * 0    8          16          32      40     64
 * | op | keyspace | keyLength | flags | zero |         op 0 is invalid, so that zeroed memory never parses
 *
 * PUT        word | record                                             the key's record is this one now (as {@link Record#copyCarried} leaves it)
 * DELETE     word | key                                                the key is gone
 * PATCH      word | from 4, valueLength 4 | count 4, kind 4 | key | bytes   count bytes of the value from there on, its length and its kind
 * SPLICE     word | from 4, removed 4 | count 4, kind 4 | version 8 | key | bytes   removed bytes of the value from there on are these count ones now, where it has the version before this one
 * EXPIRE     word | millis 8 | key                                     the key's expiry, 0: none; with FIELDS: fields of the key's hash may expire then
 * KEYSPACES  word | 16 numbers of 1 byte                               each database's keyspace
 *
 * and in images only:
 * SEGMENT    word | number 4, pages 4 | generation 8                   a segment file that references point into; before the first of them
 * REFERENCES word | group 4, count 4 | count index words of 8          entries whose records are on the SSD
 * NOTE       word | address 8 | hash 8 | second hash 8                 the record there is superseded if it has these hashes ({@link Shadows})
 * WHEEL      word | count 8 | count times word 8, deadline 8           entries of the {@link TimingWheel}; with FIELDS: of that of hashes with field times
 * OBJECT     word | object 8 | pages 8                                 a retired object (pages 0: none, but numbers up to this one are taken)
 * EXPIRES    word | count 8 | count 8                                  keys with an expiry, and hashes with field times in the keyspace
 * </pre>
 *
 * Keys and bytes are padded with zeros to a multiple of 8. Flags: PAGE, the key is that of a paged object's page; DETACH, the object whose root goes lives on under another key.
 */
final class EffectLayout {
    static final int PUT = 1;
    static final int DELETE = 2;
    static final int PATCH = 3;
    static final int EXPIRE = 4;
    static final int KEYSPACES = 5;
    static final int SEGMENT = 6;
    static final int REFERENCES = 7;
    static final int NOTE = 8;
    static final int WHEEL = 9;
    static final int OBJECT = 10;
    static final int EXPIRES = 11;
    static final int SPLICE = 12;

    static final int PAGE = 1;
    static final int DETACH = 2;
    static final int FIELDS = 4;

    private static final int KEYSPACE_SHIFT = 8;
    private static final int KEY_LENGTH_SHIFT = 16;
    private static final int FLAGS_SHIFT = 32;

    static final int WORD_BYTES = 8;

    private static final int PATCH_FROM = WORD_BYTES;
    private static final int PATCH_VALUE_LENGTH = PATCH_FROM + Integer.BYTES;
    private static final int PATCH_COUNT = PATCH_VALUE_LENGTH + Integer.BYTES;
    private static final int PATCH_KIND = PATCH_COUNT + Integer.BYTES;
    private static final int PATCH_KEY = PATCH_KIND + Integer.BYTES;

    private static final int SPLICE_FROM = WORD_BYTES;
    private static final int SPLICE_REMOVED = SPLICE_FROM + Integer.BYTES;
    private static final int SPLICE_COUNT = SPLICE_REMOVED + Integer.BYTES;
    private static final int SPLICE_KIND = SPLICE_COUNT + Integer.BYTES;
    private static final int SPLICE_VERSION = SPLICE_KIND + Integer.BYTES;
    private static final int SPLICE_KEY = SPLICE_VERSION + Long.BYTES;

    private static final int EXPIRE_MILLIS = WORD_BYTES;
    private static final int EXPIRE_KEY = EXPIRE_MILLIS + Long.BYTES;

    private EffectLayout() {}

    private static int padded(int bytes) {
        return bytes + 7 & -8;
    }

    static int op(long effect) {
        return (int) Memory.getLong(effect) & 0xFF;
    }

    static int keyspace(long effect) {
        return (int) (Memory.getLong(effect) >>> KEYSPACE_SHIFT) & 0xFF;
    }

    static int keyLength(long effect) {
        return (int) (Memory.getLong(effect) >>> KEY_LENGTH_SHIFT) & 0xFFFF;
    }

    static boolean has(long effect, int flag) {
        return ((int) (Memory.getLong(effect) >>> FLAGS_SHIFT) & flag) != 0;
    }

    private static void putWord(long effect, int op, int keyspace, int keyLength, int flags) {
        Memory.putLong(
                effect,
                op
                        | (long) keyspace << KEYSPACE_SHIFT
                        | (long) keyLength << KEY_LENGTH_SHIFT
                        | (long) flags << FLAGS_SHIFT);
    }

    /** Copies bytes and pads them with zeros. */
    private static void putBytes(long from, long to, int bytes) {
        if (bytes > 0) {
            Memory.putLong(to + padded(bytes) - 8, 0);
            Memory.copy(from, to, bytes);
        }
    }

    /** All bytes of an effect. */
    static int bytes(long effect) {
        return switch (op(effect)) {
            case PUT -> putBytes(record(effect));
            case DELETE -> deleteBytes(keyLength(effect));
            case PATCH -> patchBytes(keyLength(effect), patchCount(effect));
            case SPLICE -> spliceBytes(keyLength(effect), spliceCount(effect));
            case EXPIRE -> expireBytes(keyLength(effect));
            case KEYSPACES -> keyspacesBytes();
            case SEGMENT, OBJECT -> WORD_BYTES + 16;
            case REFERENCES -> referencesBytes(referenceCount(effect));
            case NOTE -> WORD_BYTES + 24;
            case WHEEL -> wheelBytes((int) first(effect));
            case EXPIRES -> expiresBytes();
            default -> 0;
        };
    }

    // PUT.

    static int putBytes(long record) {
        return WORD_BYTES + Record.carriedLength(record);
    }

    static void put(long effect, long record) {
        putWord(effect, PUT, Record.keyspace(record), Record.keyLength(record), 0);
        Record.copyCarried(record, effect + WORD_BYTES);
    }

    static long record(long effect) {
        return effect + WORD_BYTES;
    }

    // DELETE.

    static int deleteBytes(int keyLength) {
        return WORD_BYTES + padded(keyLength);
    }

    static void delete(long effect, int keyspace, long key, int keyLength, int flags) {
        putWord(effect, DELETE, keyspace, keyLength, flags);
        putBytes(key, effect + WORD_BYTES, keyLength);
    }

    static long deletedKey(long effect) {
        return effect + WORD_BYTES;
    }

    // PATCH.

    static int patchBytes(int keyLength, int count) {
        return PATCH_KEY + padded(keyLength) + padded(count);
    }

    /** @param record of which {@code count} bytes from {@code from} on were changed */
    static void patch(long effect, long record, int from, int count) {
        int keyLength = Record.keyLength(record);
        putWord(
                effect,
                PATCH,
                Record.keyspace(record),
                keyLength,
                Record.type(record) == Record.TYPE_PAGE ? PAGE : 0);
        Memory.putInt(effect + PATCH_FROM, from);
        Memory.putInt(effect + PATCH_VALUE_LENGTH, Record.valueLength(record));
        Memory.putInt(effect + PATCH_COUNT, count);
        Memory.putInt(effect + PATCH_KIND, Record.kind(record));
        putBytes(Record.key(record), effect + PATCH_KEY, keyLength);
        putBytes(Record.value(record) + from, patchedBytes(effect), count);
    }

    static int patchFrom(long effect) {
        return Memory.getInt(effect + PATCH_FROM);
    }

    static int patchValueLength(long effect) {
        return Memory.getInt(effect + PATCH_VALUE_LENGTH);
    }

    static int patchCount(long effect) {
        return Memory.getInt(effect + PATCH_COUNT);
    }

    static int patchKind(long effect) {
        return Memory.getInt(effect + PATCH_KIND);
    }

    static long patchedKey(long effect) {
        return effect + PATCH_KEY;
    }

    static long patchedBytes(long effect) {
        return effect + PATCH_KEY + padded(keyLength(effect));
    }

    // SPLICE.

    static int spliceBytes(int keyLength, int count) {
        return SPLICE_KEY + padded(keyLength) + padded(count);
    }

    /** @param record of which {@code removed} bytes from {@code from} on were replaced by {@code count} */
    static void splice(long effect, long record, int from, int removed, int count) {
        int keyLength = Record.keyLength(record);
        putWord(
                effect,
                SPLICE,
                Record.keyspace(record),
                keyLength,
                Record.type(record) == Record.TYPE_PAGE ? PAGE : 0);
        Memory.putInt(effect + SPLICE_FROM, from);
        Memory.putInt(effect + SPLICE_REMOVED, removed);
        Memory.putInt(effect + SPLICE_COUNT, count);
        Memory.putInt(effect + SPLICE_KIND, Record.kind(record));
        Memory.putLong(effect + SPLICE_VERSION, SplicedLayout.version(Record.value(record)));
        putBytes(Record.key(record), effect + SPLICE_KEY, keyLength);
        putBytes(Record.value(record) + from, splicedBytes(effect), count);
    }

    static int spliceFrom(long effect) {
        return Memory.getInt(effect + SPLICE_FROM);
    }

    static int spliceRemoved(long effect) {
        return Memory.getInt(effect + SPLICE_REMOVED);
    }

    static int spliceCount(long effect) {
        return Memory.getInt(effect + SPLICE_COUNT);
    }

    static int spliceKind(long effect) {
        return Memory.getInt(effect + SPLICE_KIND);
    }

    /** That the value has afterwards. */
    static int spliceVersion(long effect) {
        return (int) Memory.getLong(effect + SPLICE_VERSION);
    }

    static long splicedKey(long effect) {
        return effect + SPLICE_KEY;
    }

    static long splicedBytes(long effect) {
        return effect + SPLICE_KEY + padded(keyLength(effect));
    }

    // EXPIRE.

    static int expireBytes(int keyLength) {
        return EXPIRE_KEY + padded(keyLength);
    }

    static void expire(long effect, int keyspace, long key, int keyLength, long millis, int flags) {
        putWord(effect, EXPIRE, keyspace, keyLength, flags);
        Memory.putLong(effect + EXPIRE_MILLIS, millis);
        putBytes(key, effect + EXPIRE_KEY, keyLength);
    }

    static long expireMillis(long effect) {
        return Memory.getLong(effect + EXPIRE_MILLIS);
    }

    static long expiringKey(long effect) {
        return effect + EXPIRE_KEY;
    }

    // KEYSPACES.

    static int keyspacesBytes() {
        return WORD_BYTES + Shard.DATABASES;
    }

    static void keyspaces(long effect, Keyspace[] databases) {
        putWord(effect, KEYSPACES, 0, 0, 0);
        for (int db = 0; db < databases.length; db++) {
            Memory.putByte(effect + WORD_BYTES + db, (byte) databases[db].number);
        }
    }

    static int keyspaceOf(long effect, int db) {
        return Byte.toUnsignedInt(Memory.getByte(effect + WORD_BYTES + db));
    }

    // Those of images: a word and up to three numbers.

    static void put(long effect, int op, int keyspace, long first) {
        putWord(effect, op, keyspace, 0, 0);
        Memory.putLong(effect + WORD_BYTES, first);
    }

    static void put(long effect, int op, int keyspace, long first, long second) {
        put(effect, op, keyspace, first);
        Memory.putLong(effect + WORD_BYTES + 8, second);
    }

    static void put(long effect, int op, int keyspace, long first, long second, long third) {
        put(effect, op, keyspace, first, second);
        Memory.putLong(effect + WORD_BYTES + 16, third);
    }

    static long first(long effect) {
        return Memory.getLong(effect + WORD_BYTES);
    }

    static long second(long effect) {
        return Memory.getLong(effect + WORD_BYTES + 8);
    }

    static long third(long effect) {
        return Memory.getLong(effect + WORD_BYTES + 16);
    }

    static int expiresBytes() {
        return WORD_BYTES + 16;
    }

    // REFERENCES.

    static int referencesBytes(int count) {
        return WORD_BYTES + 8 + 8 * count;
    }

    static void references(long effect, int keyspace, int flags, int group, int count) {
        putWord(effect, REFERENCES, keyspace, 0, flags);
        Memory.putLong(effect + WORD_BYTES, group | (long) count << 32);
    }

    static int group(long effect) {
        return (int) first(effect);
    }

    static int referenceCount(long effect) {
        return (int) (first(effect) >>> 32);
    }

    /** Where an index word is. */
    static long reference(long effect, int i) {
        return effect + WORD_BYTES + 8 + 8L * i;
    }

    // WHEEL.

    static int wheelBytes(int count) {
        return WORD_BYTES + 8 + 16 * count;
    }

    static void wheel(long effect, int flags, int count) {
        putWord(effect, WHEEL, 0, 0, flags);
        Memory.putLong(effect + WORD_BYTES, count);
    }

    /** Where an entry's word is; its deadline follows. */
    static long wheelEntry(long effect, int i) {
        return effect + WORD_BYTES + 8 + 16L * i;
    }
}
