package ironcache.engine;

/**
 * The one signal that unwinds a command which needs a record from the SSD. The read is already
 * queued; the command is parked and runs again from the start when the shard reports its waiter
 * ready. Stackless and single: throwing it costs nothing. Caught in one place, the frontend's executor.
 */
public final class ColdMiss extends RuntimeException {
    private static final long serialVersionUID = 1L;

    static final ColdMiss SIGNAL = new ColdMiss();

    private ColdMiss() {
        super(null, null, false, false);
    }
}
