package ironcache.engine;

/** What a shard tells the frontend that drives it; called on the shard's thread, inside its poll or work. */
public interface ShardListener {
    /** Everything that the parked waiter's command missed has arrived, or space for its write was made: run it again. */
    void onReady(int waiter);
}
