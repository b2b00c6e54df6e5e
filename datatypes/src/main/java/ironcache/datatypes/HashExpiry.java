package ironcache.datatypes;

import ironcache.engine.FieldExpiry;
import ironcache.engine.Shard;
import ironcache.hybridlog.Record;

/** Removes fields of a shard's hashes whose time is over. Owned as the shard is; owns a {@link Hashes}. */
public final class HashExpiry implements FieldExpiry, AutoCloseable {
    /** Told of what was removed. */
    public interface Listener {
        /** @param gone the hash went with its last field */
        void onFieldsExpired(int db, long key, int keyLength, boolean gone);
    }

    private final Hashes hash = new Hashes();
    private final Shard shard;
    private final Listener listener;

    public HashExpiry(Shard shard, Listener listener) {
        this.shard = shard;
        this.listener = listener;
    }

    @Override
    public void expire(int db, long key, int keyLength, long keyHash) {
        long record = shard.peek(db, key, keyLength, keyHash);
        if (record == 0 || !Record.isTimed(Record.kind(record))) {
            return;
        }
        hash.open(shard, db, key, keyLength, keyHash, record);
        long removed = hash.purge();
        boolean gone = hash.finish();
        if (removed > 0) {
            shard.countExpiredFields(removed);
            listener.onFieldsExpired(db, key, keyLength, gone);
        }
    }

    @Override
    public void close() {
        hash.close();
    }
}
