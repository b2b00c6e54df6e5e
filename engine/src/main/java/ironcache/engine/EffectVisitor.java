package ironcache.engine;

/** Receives effects as {@link LoggedEffects} reads them back. Addresses are absolute, and valid as long as the frame is. A key of a page is (object, page), 8 bytes each. */
public interface EffectVisitor {
    /** The key's record is this one now ({@link ironcache.hybridlog.Record}). */
    default void put(long record) {}

    /** The key is gone. */
    default void delete(int keyspace, long key, int keyLength, boolean page) {}

    /** {@code count} bytes of the value from {@code from} on are those at {@code bytes}. */
    default void patch(
            int keyspace, long key, int keyLength, boolean page, int from, long bytes, int count) {}

    /** {@code removed} bytes of the value from {@code from} on are the {@code count} at {@code bytes} now, where its version is the one before this. */
    default void splice(
            int keyspace,
            long key,
            int keyLength,
            boolean page,
            int version,
            int from,
            int removed,
            long bytes,
            int count) {}

    /** The key's expiry in milliseconds since the epoch, 0: none; or when fields of its hash may expire. */
    default void expire(int keyspace, long key, int keyLength, long millis, boolean fields) {}

    /** Each database's keyspace: so many numbers of one byte. */
    default void keyspaces(long numbers, int count) {}

    // Of images only.

    /** A segment file that references point into. */
    default void segment(int number, int pages, long generation) {}

    /** An entry whose record is on the SSD, at {@code address}; {@code entryHash} has the bits of the key's hash that the index knows. */
    default void reference(int keyspace, boolean page, long address, long entryHash) {}

    /** The record at this address is superseded if its key has these two hashes. */
    default void note(int keyspace, long address, long hash, long secondHash) {}

    /** Entries of the timing wheel. */
    default void wheel(int count) {}

    /** A retired object; with 0 pages: numbers of objects up to this one are taken. */
    default void object(long object, long pages) {}

    /** Keys with an expiry, and hashes with field times, in the keyspace. */
    default void expires(int keyspace, long keys, long timedHashes) {}
}
