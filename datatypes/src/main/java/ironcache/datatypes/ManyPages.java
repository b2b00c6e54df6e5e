package ironcache.datatypes;

import ironcache.engine.Shard;

/**
 * Reads that a command asks for before it waits, so that one which needs many pages at once begins anew a few times only. They are its own until it ends: none is pushed out meanwhile, as what is only prefetched would be. Static methods.
 *
 * <pre>
 * int asked = 0;
 * for (...) { asked = ManyPages.ask(shard, object, page, asked); }
 * ManyPages.await(shard, asked);
 * </pre>
 */
final class ManyPages {
    private static final int ASKED_MAX = 4096;

    private ManyPages() {}

    /** Asks for a page; waits where enough were asked for. @return how many were asked for with it that have to be read */
    static int ask(Shard shard, long object, long page, int asked) {
        if (!shard.requestPage(object, page)) {
            return asked;
        }
        if (asked + 1 == ASKED_MAX) {
            shard.awaitRequested();
        }
        return asked + 1;
    }

    /** Waits for all that were asked for. */
    static void await(Shard shard, int asked) {
        if (asked > 0) {
            shard.awaitRequested();
        }
    }
}
