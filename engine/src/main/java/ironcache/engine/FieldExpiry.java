package ironcache.engine;

/** Removes the fields of hashes whose time is over; the shard calls it between commands, as if it were one. */
public interface FieldExpiry {
    /**
     * Removes such fields from a hash, a page's worth at most, and tells the shard when the next ones are due ({@link Shard#fieldsExpireAt}); without effect where none are. May miss before it
     * writes, and is called again then.
     */
    void expire(int db, long key, int keyLength, long hash);
}
