package ironcache.resp;

/** Unwinds a command until the snapshot that is being made is over; stackless and single, like ColdMiss. Caught in the executor. */
final class SnapshotWanted extends RuntimeException {
    private static final long serialVersionUID = 1L;

    static final SnapshotWanted SIGNAL = new SnapshotWanted();

    private SnapshotWanted() {
        super(null, null, false, false);
    }
}
