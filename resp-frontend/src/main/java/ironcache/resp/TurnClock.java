package ironcache.resp;

import ironcache.ffm.Clock;

/**
 * The shard's clock: the wall clock stands still within a turn, so that all its commands see the same time and none pays for reading it; the
 * monotonic one runs on, because background work watches its budget with it. Owned by the shard's thread.
 */
final class TurnClock implements Clock {
    private final Clock source;
    private long millis;

    TurnClock(Clock source) {
        this.source = source;
        refresh();
    }

    void refresh() {
        millis = source.currentTimeMillis();
    }

    @Override
    public long nanoTime() {
        return source.nanoTime();
    }

    @Override
    public long currentTimeMillis() {
        return millis;
    }

    @Override
    public long currentTimeMicros() {
        return source.currentTimeMicros();
    }
}
