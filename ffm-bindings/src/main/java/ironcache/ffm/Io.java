package ironcache.ffm;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The one door of a shard to files and sockets: completion based, so that io_uring is served
 * natively, and so that the simulator can decide the order of everything. Owned by one thread; only
 * {@link #wake} may be called from others.
 *
 * <p>Operations are queued and go to the kernel in {@link #poll}, together. Completions are
 * delivered inside {@code poll}, on the same thread, to the {@link SocketHandler} and {@link
 * FileHandler}. Results are byte counts, or a negative errno as in the kernel's completion queue
 * ({@link Errno}). All addresses are absolute off-heap addresses that must stay valid and, for
 * writes and sends, unchanged until the completion.
 */
public interface Io extends AutoCloseable {

    /** Completions of sockets. Sockets are small dense ints, reused after {@link #onClosed}. */
    interface SocketHandler {
        /** For whoever has files only. */
        SocketHandler NONE =
                new SocketHandler() {
                    @Override
                    public void onAccept(int listener, int socket) {}

                    @Override
                    public void onReceive(int socket, long address, int length) {}

                    @Override
                    public void onSent(int socket, int result) {}

                    @Override
                    public void onClosed(int socket) {}
                };

        /** A listener of {@link #listen} accepted a connection; receiving has begun. */
        void onAccept(int listener, int socket);

        /**
         * Bytes arrived. They stay valid until the next call of {@link #poll}; so a handler may
         * collect what one poll brought and run it as a batch. {@code length} is positive; 0 when
         * the peer closed its side; negative errno on error. After 0 or an error nothing more is
         * received and the owner is expected to close.
         */
        void onReceive(int socket, long address, int length);

        /** All bytes of the send were taken, or it failed with a negative errno. */
        void onSent(int socket, int result);

        /** After {@link #closeSocket}: no operation is in flight any more; the number may be reused. */
        void onClosed(int socket);
    }

    /** Completions of file operations. */
    interface FileHandler {
        /** {@code result}: bytes transferred, 0 for operations without bytes, or a negative errno. */
        void onFile(long token, int result);
    }

    /**
     * Told around the wait of each {@link #poll}, on the owner's thread. Between the two calls that thread touches nothing but kernel
     * interfaces, so another may work on what it owns.
     */
    interface Gate {
        void open();

        void close();

        /** Nobody else works on what this thread owns. */
        Gate NONE =
                new Gate() {
                    @Override
                    public void open() {}

                    @Override
                    public void close() {}
                };
    }

    /** How a file is opened. Data files are opened O_DIRECT where the file system allows it. */
    enum OpenMode {
        /** Existing file, reading only. */
        READ,
        /** Existing file, reading and writing. */
        READ_WRITE,
        /** Made if absent, truncated if present, reading and writing. */
        CREATE
    }

    /** Marks an operation whose buffer was not registered. */
    int UNREGISTERED = -1;

    /** Name for the log and INFO: {@code io_uring}, {@code nio}, {@code simulated}. */
    String name();

    void setHandlers(SocketHandler sockets, FileHandler files);

    /** Between two calls of {@link #poll}; {@link Gate#NONE} where it is not called. */
    void setGate(Gate gate);

    // Files. Opening and closing are control-path calls and may block briefly.

    /**
     * @param direct ask for O_DIRECT; then addresses, offsets and lengths must be multiples of 4096
     * @return a small dense file number
     */
    int openFile(Path path, OpenMode mode, boolean direct) throws IOException;

    /** No operation may be in flight on it. */
    void closeFile(int file);

    /** Closes nothing; removes the name, at once. The space is free some time later. Errors other than "absent" are thrown. */
    void deleteFile(Path path) throws IOException;

    /**
     * Gives a file another name, in place of the file that may have it already: nobody sees neither. Which of the two a crash leaves is
     * open until the directory is synced, and so is what is in the file, until that is.
     */
    void renameFile(Path from, Path to) throws IOException;

    /**
     * Makes the directory where it is absent, so that it is still there after a crash.
     *
     * @return the files in it, in no order
     */
    default List<Path> openDirectory(Path directory) throws IOException {
        Directories.make(directory);
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            entries.forEach(files::add);
        }
        return files;
    }

    /** Shows a whole file in memory; control path, blocking. */
    default FileView viewFile(Path path) throws IOException {
        return FileView.map(path);
    }

    /** Bytes free for this process on the file system of {@code directory}. */
    long usableSpace(Path directory) throws IOException;

    /**
     * Registers memory for fixed reads and writes (pins it).
     *
     * @return buffer number, or {@link #UNREGISTERED} where the implementation or a limit does not
     *     allow it; both are valid arguments below
     */
    int registerBuffer(long address, long bytes);

    void unregisterBuffer(int buffer);

    void read(int file, long offset, long address, int length, int buffer, long token);

    void write(int file, long offset, long address, int length, int buffer, long token);

    /** fdatasync. */
    void sync(int file, long token);

    /**
     * fsync of a directory: makes, renames and deletes of names in it that were done before this call are durable when it has completed. 0, or
     * a negative errno, ENOENT and ENOTDIR among them.
     */
    void syncDirectory(Path directory, long token);

    /**
     * A write that is durable when it completes, as if fdatasync of what it wrote had followed; of other writes it says nothing. Several may be in flight. An error says that
     * neither may be assumed.
     */
    void writeAndSync(int file, long offset, long address, int length, int buffer, long token);

    /** fallocate: afterwards writes in the range do not fail with ENOSPC. */
    void allocate(int file, long offset, long length, long token);

    // Sockets.

    /** Binds and accepts until closed. @return a listener number of its own numbering */
    int listen(InetSocketAddress address, int backlog) throws IOException;

    /** The address a listener is bound to (tells the port where 0 was asked). */
    InetSocketAddress listenAddress(int listener);

    void closeListener(int listener);

    /** Sends all bytes; at most one send in flight per socket. */
    void send(int socket, long address, int length);

    /**
     * Stops and resumes receiving: back-pressure. Idempotent. What the kernel had received before is
     * still delivered after the pause.
     */
    void pauseReceive(int socket);

    void resumeReceive(int socket);

    /**
     * Of a socket that is paused: how many bytes it will still deliver, where its peer has closed it or its half; so it may be found out
     * without receiving them.
     *
     * @return -1 where more may come, or nobody knows
     */
    default int lastBytes(int socket) {
        return -1;
    }

    /**
     * Cancels what is in flight and closes; {@link SocketHandler#onClosed} follows and is the only
     * callback for this socket from here on. Until then a send in flight may still read its buffer.
     */
    void closeSocket(int socket);

    /** For CLIENT LIST and logs; {@code "ip:port"}. May allocate. */
    String peerAddress(int socket);

    /** The local end, {@code "ip:port"}. May allocate. */
    String localAddress(int socket);

    // The turn.

    /**
     * One turn: hands queued operations to the kernel, waits until something completes or {@code
     * timeoutNanos} passed (0: does not wait; negative: no limit), and delivers completions.
     *
     * @return number of completions delivered
     */
    int poll(long timeoutNanos);

    /** Makes a waiting {@link #poll} of the owner return; from any thread. */
    void wake();

    /** Closes sockets, listeners and files. Operations in flight are cancelled. */
    @Override
    void close();
}
