package ironcache.ffm;

/** Stands where {@link Io#setHandlers} has not been called: a completion now is a mistake of the owner. */
final class NoHandlers implements Io.SocketHandler, Io.FileHandler {
    static final NoHandlers INSTANCE = new NoHandlers();

    private NoHandlers() {}

    private static IllegalStateException failure() {
        return new IllegalStateException("a completion before setHandlers");
    }

    @Override
    public void onAccept(int listener, int socket) {
        throw failure();
    }

    @Override
    public void onReceive(int socket, long address, int length) {
        throw failure();
    }

    @Override
    public void onSent(int socket, int result) {
        throw failure();
    }

    @Override
    public void onClosed(int socket) {
        throw failure();
    }

    @Override
    public void onFile(long token, int result) {
        throw failure();
    }
}
