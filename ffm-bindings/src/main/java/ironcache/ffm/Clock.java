package ironcache.ffm;

/** Time, behind the seam: the simulator owns it in tests. */
public interface Clock {
    /** Monotonic nanoseconds, for durations. */
    long nanoTime();

    /** Milliseconds since the epoch, for expiry. */
    long currentTimeMillis();

    /** Microseconds since the epoch, for TIME. */
    long currentTimeMicros();
}
