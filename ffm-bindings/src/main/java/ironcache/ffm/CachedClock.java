package ironcache.ffm;

/**
 * A clock that stands still between calls of {@link #refresh}: a shard reads the time once per turn
 * and all commands of the turn see the same, as in Redis. Owned by one thread.
 */
public final class CachedClock implements Clock {
    private final Clock source;
    private long nanos;
    private long millis;

    public CachedClock(Clock source) {
        this.source = source;
        refresh();
    }

    /** Takes the time from the source. */
    public void refresh() {
        nanos = source.nanoTime();
        millis = source.currentTimeMillis();
    }

    @Override
    public long nanoTime() {
        return nanos;
    }

    @Override
    public long currentTimeMillis() {
        return millis;
    }

    /** Not cached: rarely asked, and its callers want the microseconds to move. */
    @Override
    public long currentTimeMicros() {
        return source.currentTimeMicros();
    }
}
