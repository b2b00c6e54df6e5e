package ironcache.datatypes;

import ironcache.engine.TimedLayout;
import ironcache.ffm.Memory;

/**
 * The part of {@link FieldTimes} in a hash's root, its last 32 bytes, and the nodes of its tree; little-endian.
 *
 * <pre>
 * 0       8     16       24     32
 * | count | top | levels | next |
 *
 * count   fields with a time
 * top     page of the tree's top node; 0: there is none yet
 * levels  of the tree
 * next    ({@link TimedLayout}) no field's time is over before
 *
 * leaf: entry i of 8                   inner node: entry i of 16
 * | time |                             | time | page of the child |
 *
 * time  no field of the bucket, or of those below the child, has its time over before; 0: none has a time
 * </pre>
 *
 * A node has {@value #ENTRIES} entries at most; those behind its end are zero. Bucket b is entry b % 256 of a leaf, which is entry (b >> 8) % 256 of a node, and so on.
 */
final class FieldTimesLayout {
    private static final int COUNT = 0;
    private static final int TOP = COUNT + Long.BYTES;
    private static final int LEVELS = TOP + Long.BYTES;
    private static final int NEXT = LEVELS + Long.BYTES;
    static final int BYTES = NEXT + TimedLayout.NEXT_BYTES;

    /** Bits of a bucket's number that a level decides by. */
    static final int LEVEL_BITS = 8;

    static final int ENTRIES = 1 << LEVEL_BITS;

    private FieldTimesLayout() {}

    // The root's part.

    static long count(long part) {
        return Memory.getLong(part + COUNT);
    }

    static void putCount(long part, long count) {
        Memory.putLong(part + COUNT, count);
    }

    static long top(long part) {
        return Memory.getLong(part + TOP);
    }

    static int levels(long part) {
        return (int) Memory.getLong(part + LEVELS);
    }

    static void putTop(long part, long page, int levels) {
        Memory.putLong(part + TOP, page);
        Memory.putLong(part + LEVELS, levels);
    }

    static long next(long part) {
        return Memory.getLong(part + NEXT);
    }

    static void putNext(long part, long millis) {
        Memory.putLong(part + NEXT, millis);
    }

    // Nodes. Level 0 is that of the leaves.

    static int entryBytes(int level) {
        return level == 0 ? Long.BYTES : 2 * Long.BYTES;
    }

    /** The entry of a bucket in its node of this level. */
    static int entry(long bucket, int level) {
        return (int) (bucket >>> level * LEVEL_BITS) & ENTRIES - 1;
    }

    /** Whether a tree of so many levels has an entry for the bucket. */
    static boolean covers(int levels, long bucket) {
        return bucket >>> levels * LEVEL_BITS == 0;
    }

    /**
     * @param node memory address of its value
     * @param length of it
     */
    static long time(long node, int length, int level, int entry) {
        int at = entry * entryBytes(level);
        return at < length ? Memory.getLong(node + at) : 0;
    }

    /** Of an inner node: 0 where there is none. */
    static long child(long node, int length, int level, int entry) {
        int at = entry * entryBytes(level);
        return at < length ? Memory.getLong(node + at + Long.BYTES) : 0;
    }

    /** The entry with the earliest time; -1: no entry has one. */
    static int first(long node, int length, int level) {
        int bytes = entryBytes(level);
        int first = -1;
        long earliest = Long.MAX_VALUE;
        for (int at = 0; at < length; at += bytes) {
            long time = Memory.getLong(node + at);
            if (time != 0 && time < earliest) {
                earliest = time;
                first = at / bytes;
            }
        }
        return first;
    }
}
