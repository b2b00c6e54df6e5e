package ironcache.wal;

/** The logs of the other shards, as far as units over several shards need them. Called by whoever is in this shard. */
public interface Peers {
    /** {@link WalWriter#readySeqno} of that shard's log. */
    long readySeqno(int shard);

    /** {@link WalWriter#isFailed} of that shard's log: what is not ready there never will be. */
    boolean isFailed(int shard);

    /** That shard's owner shall call {@link WalWriter#commit} soon: what it waited for may have come to be. */
    void wake(int shard);

    /** For a log whose units never span shards. */
    Peers NONE =
            new Peers() {
                @Override
                public long readySeqno(int shard) {
                    return 0;
                }

                @Override
                public boolean isFailed(int shard) {
                    return false;
                }

                @Override
                public void wake(int shard) {}
            };
}
