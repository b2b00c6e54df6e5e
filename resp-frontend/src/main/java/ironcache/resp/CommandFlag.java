package ironcache.resp;

/** Command flags in the order in which COMMAND INFO lists them; the names are Valkey's, lower case. */
enum CommandFlag {
    WRITE,
    READONLY,
    DENYOOM,
    MODULE,
    ADMIN,
    PUBSUB,
    NOSCRIPT,
    BLOCKING,
    LOADING,
    STALE,
    SKIP_MONITOR,
    SKIP_SLOWLOG,
    ASKING,
    FAST,
    NO_AUTH,
    MAY_REPLICATE,
    NO_MANDATORY_KEYS,
    PROTECTED,
    NO_ASYNC_LOADING,
    NO_MULTI,
    MOVABLEKEYS,
    ALLOW_BUSY,
    /** Its duration does not grow with its input, so it is timed together with its neighbours of the batch. Ours; never listed. */
    BRIEF;

    private final String wireName = name().toLowerCase(java.util.Locale.ROOT);

    String wireName() {
        return wireName;
    }

    long bit() {
        return 1L << ordinal();
    }
}
