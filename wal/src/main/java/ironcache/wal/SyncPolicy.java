package ironcache.wal;

/** When what was logged is made durable: {@code appendfsync}. */
public enum SyncPolicy {
    /** Each commit is written and synced; replies wait for it. */
    ALWAYS,
    /** Written within 10 ms, synced once a second. */
    EVERYSEC,
    /** Written within 10 ms; synced only where a segment ends, since the next one vouches for it. */
    NO
}
