package ironcache.datatypes;

import ironcache.engine.Shard;
import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;

/**
 * Strings of any length over a shard: one record up to {@link Record#MAX_VALUE_BYTES}, a {@link PagedString} beyond. The door of
 * the string type for the frontend, which asks lengths and limits of clients; here they fit.
 *
 * <p>Runs on the shard's thread, holds no memory and allocates nothing. Operations that change a value take the record that the
 * caller has read in the same command, and do their own further reads before their first write, so a command that makes one
 * of these calls after its reads may be unwound by a cold miss at any point.
 */
public final class Strings {
    /** What OBJECT ENCODING answers. */
    public enum Encoding {
        INT,
        EMBSTR,
        RAW
    }

    /**
     * Valkey keeps key, value and expiry of a short string in one allocation of at most this many bytes and calls that embstr.
     * The parts besides the bytes themselves: 8 of object header, 8 of expiry, 1 for the size of the key's header, the key's
     * header of 1 (under 32 bytes), 3 (under 256) or more, the value's header of 3, and a zero after each.
     */
    private static final int EMBEDDED_BYTES_MAX = 128;

    private static final int EMBEDDED_BYTES_FIXED = 8 + 1 + 1 + 3 + 1;

    private Strings() {}

    public static boolean isString(long record) {
        return Record.type(record) == Record.TYPE_STRING;
    }

    /** Bytes of the string. Where the record is paged, they are not in it: use {@link #load}, {@link #copyOut} or {@link StringPieces}. */
    public static long length(long record) {
        return Record.isPaged(record)
                ? PagedStringLayout.length(Record.value(record))
                : Record.valueLength(record);
    }

    /** The representation that Valkey would use for it. */
    public static Encoding encoding(long record) {
        int kind = Record.kind(record);
        if (kind != Record.STRING && kind != Record.STRING_TEXT) {
            return Encoding.RAW;
        }
        int length = Record.valueLength(record);
        long value = Record.value(record);
        if (kind == Record.STRING
                && LongText.isNumber(LongText.parse(value, length), value, length)) {
            return Encoding.INT;
        }
        int keyLength = Record.keyLength(record);
        int keyHeader = keyLength < 32 ? 1 : 3;
        int bytes =
                EMBEDDED_BYTES_FIXED
                        + (Record.hasExpiry(record) ? 8 : 0)
                        + keyHeader
                        + keyLength
                        + length;
        return bytes <= EMBEDDED_BYTES_MAX ? Encoding.EMBSTR : Encoding.RAW;
    }

    /**
     * Makes the key hold a value, whatever it held. Misses only where {@link Shard#upsert} does, before it writes. The value may lie in another key's record, but not in this key's own.
     *
     * @param expiryMillis absolute; 0 for none
     */
    public static void set(
            Shard shard,
            int db,
            long key,
            int keyLength,
            long hash,
            long value,
            long valueLength,
            long expiryMillis) {
        if (valueLength <= Record.MAX_VALUE_BYTES) {
            long to =
                    shard.upsert(
                            db,
                            key,
                            keyLength,
                            hash,
                            Record.STRING,
                            (int) valueLength,
                            expiryMillis);
            Memory.copy(value, to, valueLength);
        } else {
            // The root first: should it miss, no page is without one.
            long object = shard.createObject(db);
            putRoot(shard, db, key, keyLength, hash, object, valueLength, expiryMillis);
            PagedString.create(
                    shard,
                    object,
                    PagedStringLayout.DEFAULT_PAGE_BYTES,
                    0,
                    0,
                    0,
                    value,
                    valueLength);
        }
    }

    private static void putRoot(
            Shard shard,
            int db,
            long key,
            int keyLength,
            long hash,
            long object,
            long length,
            long expiryMillis) {
        long root =
                shard.upsert(
                        db,
                        key,
                        keyLength,
                        hash,
                        Record.STRING_PAGED,
                        PagedStringLayout.BYTES,
                        expiryMillis);
        PagedStringLayout.put(root, object, length);
    }

    /**
     * Adds bytes to the end. May miss.
     *
     * @param record of the key; 0 where it does not exist: then it is set
     * @return the new length
     */
    public static long append(
            Shard shard,
            int db,
            long key,
            int keyLength,
            long hash,
            long record,
            long value,
            int valueLength) {
        if (record == 0) {
            set(shard, db, key, keyLength, hash, value, valueLength, 0);
            return valueLength;
        }
        return setRange(
                shard, db, key, keyLength, hash, record, length(record), value, valueLength);
    }

    /**
     * Writes bytes at an offset, with zeros before it where the string is shorter. May miss.
     *
     * @param record of the key; 0 where it does not exist: then it is made
     * @return the new length
     */
    public static long setRange(
            Shard shard,
            int db,
            long key,
            int keyLength,
            long hash,
            long record,
            long offset,
            long value,
            int valueLength) {
        long end = offset + valueLength;
        if (record == 0) {
            create(shard, db, key, keyLength, hash, offset, value, valueLength);
            return end;
        }
        long oldLength = length(record);
        long newLength = Math.max(oldLength, end);
        if (Record.isPaged(record)) {
            long root = Record.value(record);
            long object = PagedStringLayout.object(root);
            int pageBytes = PagedStringLayout.pageBytes(root);
            PagedString.load(shard, object, pageBytes, offset, valueLength);
            PagedString.write(shard, object, pageBytes, offset, value, valueLength);
            long newRoot =
                    shard.modify(
                            db, key, keyLength, hash, Record.STRING_PAGED, PagedStringLayout.BYTES);
            PagedStringLayout.putLength(newRoot, newLength);
            PagedStringLayout.nextVersion(newRoot);
        } else if (newLength <= Record.MAX_VALUE_BYTES) {
            int from = (int) Math.min(oldLength, offset);
            long to =
                    shard.modify(
                            db,
                            key,
                            keyLength,
                            hash,
                            Record.STRING_RAW,
                            (int) newLength,
                            from,
                            (int) end - from);
            zero(to + oldLength, offset - oldLength);
            Memory.copy(value, to + offset, valueLength);
        } else {
            // Outgrows its record. The old one stays where it is until the root replaces it.
            long object = shard.createObject(db);
            long expiryMillis = Record.expiry(record);
            long head = Record.value(record);
            PagedString.create(
                    shard,
                    object,
                    PagedStringLayout.DEFAULT_PAGE_BYTES,
                    head,
                    oldLength,
                    offset,
                    value,
                    valueLength);
            putRoot(shard, db, key, keyLength, hash, object, newLength, expiryMillis);
        }
        return newLength;
    }

    private static void create(
            Shard shard,
            int db,
            long key,
            int keyLength,
            long hash,
            long offset,
            long value,
            int valueLength) {
        long length = offset + valueLength;
        if (length <= Record.MAX_VALUE_BYTES) {
            long to = shard.upsert(db, key, keyLength, hash, Record.STRING_RAW, (int) length, 0);
            zero(to, offset);
            Memory.copy(value, to + offset, valueLength);
        } else {
            // Pages before the offset stay absent: they read as zeros.
            long object = shard.createObject(db);
            PagedString.create(
                    shard,
                    object,
                    PagedStringLayout.DEFAULT_PAGE_BYTES,
                    0,
                    0,
                    offset,
                    value,
                    valueLength);
            putRoot(shard, db, key, keyLength, hash, object, length, 0);
        }
    }

    /** Makes a range of the string readable without a miss, all reads queued together. May miss. */
    public static void load(Shard shard, long record, long offset, long bytes) {
        if (Record.isPaged(record)) {
            long root = Record.value(record);
            PagedString.load(
                    shard,
                    PagedStringLayout.object(root),
                    PagedStringLayout.pageBytes(root),
                    offset,
                    bytes);
        }
    }

    /** Of a paged string: pages with lower numbers have bytes before this offset alone. */
    public static long pages(long record, long offset) {
        return offset / PagedStringLayout.pageBytes(Record.value(record));
    }

    /** Copies a range within the string to memory. May miss, where it is not loaded. */
    public static void copyOut(Shard shard, long record, long offset, long to, long bytes) {
        long value = Record.value(record);
        if (Record.isPaged(record)) {
            PagedString.read(
                    shard,
                    PagedStringLayout.object(value),
                    PagedStringLayout.pageBytes(value),
                    offset,
                    to,
                    bytes);
        } else {
            Memory.copy(value + offset, to, bytes);
        }
    }

    /** Whether the string is exactly these bytes. May miss. */
    public static boolean equal(Shard shard, long record, long other, long otherLength) {
        if (length(record) != otherLength) {
            return false;
        }
        long value = Record.value(record);
        if (!Record.isPaged(record)) {
            return Memory.equal(value, other, otherLength);
        }
        return PagedString.equal(
                shard,
                PagedStringLayout.object(value),
                PagedStringLayout.pageBytes(value),
                0,
                other,
                otherLength);
    }

    private static void zero(long address, long bytes) {
        if (bytes > 0) {
            Memory.fill(address, bytes, (byte) 0);
        }
    }
}
