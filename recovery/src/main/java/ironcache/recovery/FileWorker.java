package ironcache.recovery;

import ironcache.ffm.Io;
import ironcache.ffm.IoConfig;
import ironcache.ffm.Ios;

/** A thread's own door to files: the same {@link Io} as a shard's, driven until what was asked for has completed. Owned by the thread that makes it. */
public final class FileWorker implements AutoCloseable {
    private static final long POLL_NANOS = 200_000_000;

    public final Io io;
    private Io.FileHandler handler = (token, result) -> {};

    public FileWorker() {
        this(Ios.open(IoConfig.defaults().withReceiveBuffers(2, 4096).withLog(line -> {})));
    }

    /** Owns an Io from now on. */
    FileWorker(Io io) {
        this.io = io;
        io.setHandlers(Io.SocketHandler.NONE, (token, result) -> handler.onFile(token, result));
    }

    /** Completions go there from now on. */
    public void handle(Io.FileHandler newHandler) {
        handler = newHandler;
    }

    /** Waits for a completion, or a little. */
    public void await() {
        io.poll(POLL_NANOS);
    }

    @Override
    public void close() {
        io.close();
    }
}
