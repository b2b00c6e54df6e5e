package ironcache.resp;

import ironcache.datatypes.SetWalk;
import ironcache.datatypes.Sets;

/** Members of sets as replies. */
final class SetReplies {
    /** Pages that are asked for ahead. */
    private static final int AHEAD = 32;

    /** What an element takes in a reply besides its text, bytes. */
    private static final long FRAME_BYTES = 8;

    // State of a streaming reply: one more than the parts done, and the low bits of the version.
    private static final int DONE_BITS = 40;
    private static final long DONE_MASK = (1L << DONE_BITS) - 1;
    private static final int VERSION_MASK = (1 << 63 - DONE_BITS) - 1;

    private SetReplies() {}

    /** Whether the command stands in the middle of {@link #all}. */
    static boolean isStreaming(CommandContext c) {
        return c.progress() != 0;
    }

    private static void header(CommandContext c, long count, boolean asSet) {
        if (asSet) {
            c.reply().set(count);
        } else {
            c.reply().array(count);
        }
    }

    /**
     * All members of a set as the command's only reply, which leaves while it is being made. May miss.
     *
     * @param record 0: of an empty one
     */
    static void all(CommandContext c, long record, boolean asSet) {
        SetWalk walk = c.types().setWalk;
        walk.open(c.shard(), record);
        if (walk.parts() <= 1) {
            if (isStreaming(c)) {
                StringReplies.broken(c);
                return;
            }
            header(c, record == 0 ? 0 : Sets.count(record), asSet);
            elements(c, walk);
            return;
        }
        long version = (long) (walk.version() & VERSION_MASK) << DONE_BITS;
        long done = 0;
        if (isStreaming(c)) {
            if ((c.progress() & ~DONE_MASK) != version) {
                StringReplies.broken(c);
                return;
            }
            done = (c.progress() & DONE_MASK) - 1;
        } else {
            header(c, Sets.count(record), asSet);
        }
        for (long part = done; part < walk.parts(); part++) {
            if (part == done || part % AHEAD == 0) {
                walk.prefetch(part, part + 2 * AHEAD);
            }
            walk.goTo(part);
            while (walk.nextOfPart()) {
                element(c, walk);
            }
            c.checkpoint(version | part + 2);
            c.awaitOutput();
        }
    }

    /** What a command gathered, in one go; before its first write. */
    static void gathered(CommandContext c, SetWalk walk, long count, long bytes, boolean asSet) {
        c.reserveOutput(bytes + FRAME_BYTES * count);
        header(c, count, asSet);
        elements(c, walk);
    }

    /** The element that a walk stands at. May miss where it is spilled. */
    static void element(CommandContext c, SetWalk walk) {
        ElementReplies.bulk(c, walk.element(), walk.shard(), walk.object());
    }

    private static void elements(CommandContext c, SetWalk walk) {
        while (walk.next()) {
            element(c, walk);
        }
    }
}
