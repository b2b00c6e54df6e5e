package ironcache.engine;

import ironcache.ffm.Memory;
import ironcache.hybridlog.Record;

/**
 * What the engine knows of a hash of which some field has a time ({@link Record#isTimed}): when to look for fields whose time is over. No field's time is over before.
 *
 * <pre>
 * packed: 0         4      12            the root of a paged one:       length - 8   length
 *         | version | next | ...                                  | ... | next       |
 *         SplicedLayout                                     RootLayout
 *
 * next  milliseconds since the epoch; the shard has been told of it ({@link Shard#fieldsExpireAt})
 * </pre>
 */
public final class TimedLayout {
    public static final int NEXT_BYTES = Long.BYTES;

    /** Where it is in a packed value. */
    public static final int PACKED_NEXT = SplicedLayout.BYTES;

    /** The type's own part of a packed value begins here. */
    public static final int PACKED_BYTES = PACKED_NEXT + NEXT_BYTES;

    private TimedLayout() {}

    /** Of a value of such a kind. */
    public static long next(int kind, long value, int length) {
        return Memory.getLong(
                value + (Record.isPagedKind(kind) ? length - NEXT_BYTES : PACKED_NEXT));
    }

    static long next(long record) {
        return next(Record.kind(record), Record.value(record), Record.valueLength(record));
    }
}
