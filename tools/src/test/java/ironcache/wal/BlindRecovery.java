package ironcache.wal;

/** A planted bug, for tests of other modules: as long as this is open, the frame that is expected counts, whatever its checksum says. One thread. */
public final class BlindRecovery implements AutoCloseable {
    private BlindRecovery() {}

    public static BlindRecovery plant() {
        FrameReader.verifiesFrames = false;
        return new BlindRecovery();
    }

    @Override
    public void close() {
        FrameReader.verifiesFrames = true;
    }
}
