package ironcache.tiering;

/** A planted bug, for tests of other modules: as long as this is open, stores take what they read from the disk as it is. One thread. */
public final class BlindStore implements AutoCloseable {
    private BlindStore() {}

    public static BlindStore plant() {
        SegmentStore.verifiesBlocks = false;
        return new BlindStore();
    }

    @Override
    public void close() {
        SegmentStore.verifiesBlocks = true;
    }
}
