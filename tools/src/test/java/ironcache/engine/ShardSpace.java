package ironcache.engine;

import ironcache.hybridlog.Log;
import java.lang.reflect.Field;

/** Less memory for a shard's log than any setting gives it: until the shard computes its bound anew, within a millisecond. */
public final class ShardSpace {
    private static final Field STORE;

    static {
        try {
            STORE = Shard.class.getDeclaredField("store");
            STORE.setAccessible(true);
        } catch (NoSuchFieldException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private ShardSpace() {}

    /** @param framesFree so many may still be taken: the shard seals and evicts where it wants to have more */
    public static void squeeze(Shard shard, int framesFree) {
        try {
            Log log = ((Store) STORE.get(shard)).log;
            log.setFramesLimit(log.framesInUse() + framesFree);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }
}
