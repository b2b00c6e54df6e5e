package ironcache.engine;

import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;

/** The door to effects for whoever reads a log or an image without a shard, as the tool does; {@link EffectLayout} knows what they look like. */
public final class LoggedEffects {
    private LoggedEffects() {}

    /**
     * Visits the effects of a frame, in their order.
     *
     * @param effects their memory address; they have been verified
     * @return how many bytes were visited: fewer than {@code length} where something is no effect that this version knows
     */
    public static int visit(long effects, int length, EffectVisitor visitor) {
        int at = 0;
        while (at < length) {
            int bytes = EffectLayout.bytes(effects + at);
            if (bytes == 0 || bytes > length - at) {
                return at;
            }
            visit(effects + at, visitor);
            at += bytes;
        }
        return at;
    }

    /** Bytes of an effect; 0 where it is none that this version knows. */
    public static int bytes(long effect) {
        return EffectLayout.bytes(effect);
    }

    /** Whether the effect says all by itself: it is one of a log, or tells of objects. Others are about the image's own shard and its SSD tier. */
    public static boolean isPortable(long effect) {
        int op = EffectLayout.op(effect);
        return op >= EffectLayout.PUT && op <= EffectLayout.KEYSPACES
                || op == EffectLayout.SPLICE
                || op == EffectLayout.OBJECT;
    }

    /** Visits one effect that {@link #bytes} knows. */
    public static void visitOne(long effect, EffectVisitor visitor) {
        visit(effect, visitor);
    }

    private static void visit(long effect, EffectVisitor visitor) {
        int keyspace = EffectLayout.keyspace(effect);
        int keyLength = EffectLayout.keyLength(effect);
        boolean page = EffectLayout.has(effect, EffectLayout.PAGE);
        switch (EffectLayout.op(effect)) {
            case EffectLayout.PUT -> visitor.put(EffectLayout.record(effect));
            case EffectLayout.DELETE ->
                    visitor.delete(keyspace, EffectLayout.deletedKey(effect), keyLength, page);
            case EffectLayout.PATCH ->
                    visitor.patch(
                            keyspace,
                            EffectLayout.patchedKey(effect),
                            keyLength,
                            page,
                            EffectLayout.patchFrom(effect),
                            EffectLayout.patchedBytes(effect),
                            EffectLayout.patchCount(effect));
            case EffectLayout.SPLICE ->
                    visitor.splice(
                            keyspace,
                            EffectLayout.splicedKey(effect),
                            keyLength,
                            page,
                            EffectLayout.spliceVersion(effect),
                            EffectLayout.spliceFrom(effect),
                            EffectLayout.spliceRemoved(effect),
                            EffectLayout.splicedBytes(effect),
                            EffectLayout.spliceCount(effect));
            case EffectLayout.EXPIRE ->
                    visitor.expire(
                            keyspace,
                            EffectLayout.expiringKey(effect),
                            keyLength,
                            EffectLayout.expireMillis(effect),
                            EffectLayout.has(effect, EffectLayout.FIELDS));
            case EffectLayout.KEYSPACES ->
                    visitor.keyspaces(effect + EffectLayout.WORD_BYTES, Shard.DATABASES);
            case EffectLayout.SEGMENT -> {
                long first = EffectLayout.first(effect);
                visitor.segment((int) first, (int) (first >>> 32), EffectLayout.second(effect));
            }
            case EffectLayout.REFERENCES -> references(effect, keyspace, page, visitor);
            case EffectLayout.NOTE ->
                    visitor.note(
                            keyspace,
                            EffectLayout.first(effect),
                            EffectLayout.second(effect),
                            EffectLayout.third(effect));
            case EffectLayout.WHEEL -> visitor.wheel((int) EffectLayout.first(effect));
            case EffectLayout.OBJECT ->
                    visitor.object(EffectLayout.first(effect), EffectLayout.second(effect));
            case EffectLayout.EXPIRES ->
                    visitor.expires(
                            keyspace, EffectLayout.first(effect), EffectLayout.second(effect));
            default -> throw new IllegalStateException("op " + EffectLayout.op(effect));
        }
    }

    private static void references(long effect, int keyspace, boolean page, EffectVisitor visitor) {
        int group = EffectLayout.group(effect);
        for (int i = 0; i < EffectLayout.referenceCount(effect); i++) {
            long word = Memory.getLong(EffectLayout.reference(effect, i));
            visitor.reference(
                    keyspace, page, HashIndex.payloadOf(word), HashIndex.hashOf(word, group));
        }
    }

    /** Bytes of the effect that puts a record in its place, for {@link Shard#replay}. */
    public static int putBytes(long record) {
        return EffectLayout.putBytes(record);
    }

    /** Makes the effect that puts a record in its place. */
    public static void put(long effect, long record) {
        EffectLayout.put(effect, record);
    }

    /** Bytes of the effect that has fields of such a hash expire in time; 0: the record is none of which some field has a time. */
    public static int timedBytes(long record) {
        return Record.isTimed(Record.kind(record))
                ? EffectLayout.expireBytes(Record.keyLength(record))
                : 0;
    }

    /** Makes that effect. */
    public static void timed(long effect, long record) {
        EffectLayout.expire(
                effect,
                Record.keyspace(record),
                Record.key(record),
                Record.keyLength(record),
                TimedLayout.next(record),
                EffectLayout.FIELDS);
    }

    /** Bytes of the effect that deletes a key, for {@link Shard#replay}. */
    public static int deleteBytes(int keyLength) {
        return EffectLayout.deleteBytes(keyLength);
    }

    /** Makes the effect that deletes a key. */
    public static void delete(long effect, int keyspace, long key, int keyLength) {
        EffectLayout.delete(effect, keyspace, key, keyLength, 0);
    }

    /** What of a key's hash a {@link EffectVisitor#reference} would have. */
    public static long entryHash(long hash) {
        return HashIndex.entryHash(hash);
    }

    /** The second hash of keys, that of {@link EffectVisitor#note}; the first is {@link KeyHash} with the seed itself. */
    public static KeyHash secondHash(long hashSeed) {
        return Store.secondHash(hashSeed);
    }
}
