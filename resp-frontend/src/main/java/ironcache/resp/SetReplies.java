package ironcache.resp;

import ironcache.datatypes.SetWalk;
import ironcache.datatypes.Sets;

/** Members of sets as replies. */
final class SetReplies {
    /** Pages that are asked for at once, and written before the client has to take some. */
    private static final int AHEAD = 64;

    /** What an element takes in a reply besides its text, bytes. */
    private static final long FRAME_BYTES = 8;

    private SetReplies() {}

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
        long done = LongReplies.done(c);
        if (!LongReplies.isStreaming(c)) {
            header(c, record == 0 ? 0 : Sets.count(record), asSet);
        }
        if (walk.parts() <= 1) {
            elements(c, walk);
            return;
        }
        for (long part = done; part < walk.parts(); part++) {
            if (part > done && part % AHEAD == 0) {
                LongReplies.pause(c, 1, part, SetWalk.pages(part), 0);
                walk.open(c.shard(), c.resume(1));
            }
            if (part == done || part % AHEAD == 0) {
                walk.prefetch(part, part + AHEAD);
            }
            walk.goTo(part);
            while (walk.nextOfPart()) {
                element(c, walk);
            }
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
