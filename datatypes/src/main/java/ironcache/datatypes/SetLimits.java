package ironcache.datatypes;

/** Up to where a set is told to be small, as the operator sets it. Read by all threads, changed by who has all shards. */
public final class SetLimits {
    /** set-max-intset-entries. */
    public long intsetEntriesMax = 512;

    /** set-max-listpack-entries. */
    public long listpackEntriesMax = 128;

    /** set-max-listpack-value, bytes. */
    public long listpackValueBytesMax = 64;
}
