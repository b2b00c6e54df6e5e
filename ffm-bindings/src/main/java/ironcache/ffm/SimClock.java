package ironcache.ffm;

/** Simulated time: stands still until the simulator moves it. Owned by the simulation's thread. */
public final class SimClock implements Clock {
    /** 2026-01-01T00:00:00Z. A fixed start, so that a seed gives the same expiry times on every day. */
    private static final long EPOCH_MILLIS = 1_767_225_600_000L;

    private long nanos;

    @Override
    public long nanoTime() {
        return nanos;
    }

    @Override
    public long currentTimeMillis() {
        return EPOCH_MILLIS + nanos / 1_000_000;
    }

    @Override
    public long currentTimeMicros() {
        return EPOCH_MILLIS * 1_000 + nanos / 1_000;
    }

    /** Moves time on. */
    public void advance(long deltaNanos) {
        if (deltaNanos < 0) {
            throw new IllegalArgumentException("time runs forward: " + deltaNanos);
        }
        nanos += deltaNanos;
    }
}
