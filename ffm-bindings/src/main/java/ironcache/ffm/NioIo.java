package ironcache.ffm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The seam on java.nio, for machines where io_uring is refused. The same semantics; slower: each
 * socket costs its own system calls, and file operations run in {@link #poll}, one after the other,
 * so that a disk read holds up the shard. Files go through the page cache ({@code direct} is not
 * heeded).
 *
 * <p>Owned by one thread. Memory: receive buffers under {@link MemoryTag#NETWORK}. Views of memory
 * as ByteBuffers are allocated per operation.
 */
final class NioIo implements Io {
    private static final int ACCEPTS_PER_POLL = 64;

    private enum Kind {
        READ,
        WRITE,
        SYNC,
        SYNC_DIRECTORY,
        WRITE_AND_SYNC,
        ALLOCATE
    }

    /** A queued file operation; reused. */
    private static final class FileOperation {
        Kind kind = Kind.READ;
        int file;
        long offset;
        long address;
        long length;
        long token;
        @Nullable Path directory;
    }

    /** A connection; its number is its index in {@link #connections}. */
    private static final class Connection {
        final int number;
        final SocketChannel channel;
        final SelectionKey key;
        @Nullable ByteBuffer pendingSend;
        boolean sendQueued;
        boolean paused;
        boolean ended;
        boolean closing;

        Connection(int number, SocketChannel channel, SelectionKey key) {
            this.number = number;
            this.channel = channel;
            this.key = key;
        }

        void updateInterest() {
            if (key.isValid()) {
                int receive = paused || ended ? 0 : SelectionKey.OP_READ;
                int send = pendingSend != null && !sendQueued ? SelectionKey.OP_WRITE : 0;
                key.interestOps(receive | send);
            }
        }
    }

    private final IoConfig config;
    private final Consumer<String> log;
    private final Selector selector;
    private SocketHandler sockets = NoHandlers.INSTANCE;
    private Gate gate = Gate.NONE;
    private FileHandler files = NoHandlers.INSTANCE;

    private final Mapping receiveMemory;

    /** One view per receive buffer. */
    private final ByteBuffer[] receiveBuffers;

    private int receiveBuffersUsed;

    private @Nullable Connection[] connections = new Connection[64];
    private final IntStack freeSockets = new IntStack();
    private int socketCount;
    private IntStack queuedSends = new IntStack();
    private IntStack servedSends = new IntStack();
    private final IntStack queuedCloses = new IntStack();

    private ServerSocketChannel[] listeners = new ServerSocketChannel[4];
    private int listenerCount;

    private @Nullable FileChannel[] channels = new FileChannel[16];
    private final IntStack freeFiles = new IntStack();
    private int fileCount;

    /** Queue of file operations, the first operationCount elements; objects are reused. */
    private FileOperation[] operations = new FileOperation[64];

    private int operationCount;
    private boolean closed;

    NioIo(IoConfig config) {
        this.config = config;
        this.log = config.log();
        int count = config.receiveBuffers();
        int bytes = config.receiveBufferBytes();
        try {
            this.selector = Selector.open();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        this.receiveMemory = Mapping.reserve((long) count * bytes, MemoryTag.NETWORK);
        receiveMemory.commit(receiveMemory.bytes());
        this.receiveBuffers = new ByteBuffer[count];
        for (int i = 0; i < count; i++) {
            receiveBuffers[i] = view(receiveMemory.address() + (long) i * bytes, bytes);
        }
    }

    private static ByteBuffer view(long address, long bytes) {
        return Memory.all().asSlice(address, bytes).asByteBuffer();
    }

    @Override
    public String name() {
        return "nio";
    }

    @Override
    public void setHandlers(SocketHandler newSockets, FileHandler newFiles) {
        sockets = newSockets;
        files = newFiles;
    }

    @Override
    public void setGate(Gate newGate) {
        gate = newGate;
    }

    // Files.

    @Override
    public int openFile(Path path, OpenMode mode, boolean direct) throws IOException {
        FileChannel channel =
                switch (mode) {
                    case READ -> FileChannel.open(path, StandardOpenOption.READ);
                    case READ_WRITE ->
                            FileChannel.open(
                                    path, StandardOpenOption.READ, StandardOpenOption.WRITE);
                    case CREATE ->
                            FileChannel.open(
                                    path,
                                    StandardOpenOption.READ,
                                    StandardOpenOption.WRITE,
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.TRUNCATE_EXISTING);
                };
        int file = freeFiles.isEmpty() ? fileCount++ : freeFiles.pop();
        if (file >= channels.length) {
            channels = Arrays.copyOf(channels, file * 2);
        }
        channels[file] = channel;
        return file;
    }

    @Override
    public void closeFile(int file) {
        FileChannel channel = channels[file];
        if (channel == null) {
            throw new IllegalStateException("file " + file + " is closed");
        }
        channels[file] = null;
        freeFiles.push(file);
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void deleteFile(Path path) throws IOException {
        Files.deleteIfExists(path);
    }

    @Override
    public void renameFile(Path from, Path to) throws IOException {
        Directories.rename(from, to);
    }

    @Override
    public long usableSpace(Path directory) throws IOException {
        return Files.getFileStore(directory).getUsableSpace();
    }

    @Override
    public int registerBuffer(long address, long bytes) {
        return UNREGISTERED;
    }

    @Override
    public void unregisterBuffer(int buffer) {}

    private FileOperation queue(
            Kind kind, int file, long offset, long address, long length, long token) {
        if (operationCount == operations.length) {
            operations = Arrays.copyOf(operations, operationCount * 2);
        }
        FileOperation operation = operations[operationCount];
        if (operation == null) {
            operation = new FileOperation();
            operations[operationCount] = operation;
        }
        operationCount++;
        operation.kind = kind;
        operation.file = file;
        operation.offset = offset;
        operation.address = address;
        operation.length = length;
        operation.token = token;
        return operation;
    }

    @Override
    public void read(int file, long offset, long address, int length, int buffer, long token) {
        queue(Kind.READ, file, offset, address, length, token);
    }

    @Override
    public void write(int file, long offset, long address, int length, int buffer, long token) {
        queue(Kind.WRITE, file, offset, address, length, token);
    }

    @Override
    public void sync(int file, long token) {
        queue(Kind.SYNC, file, 0, 0, 0, token);
    }

    @Override
    public void syncDirectory(Path directory, long token) {
        queue(Kind.SYNC_DIRECTORY, -1, 0, 0, 0, token).directory = directory;
    }

    @Override
    public void writeAndSync(
            int file, long offset, long address, int length, int buffer, long token) {
        queue(Kind.WRITE_AND_SYNC, file, offset, address, length, token);
    }

    /** Writes zeros beyond the file's end: the portable way to have the space, though not a quick one. */
    @Override
    public void allocate(int file, long offset, long length, long token) {
        queue(Kind.ALLOCATE, file, offset, 0, length, token);
    }

    private int runFileOperations() {
        int count = operationCount;
        if (count == 0) {
            return 0;
        }
        // What handlers queue meanwhile goes behind these and runs in the next turn.
        for (int i = 0; i < count; i++) {
            FileOperation operation = operations[i];
            long token = operation.token;
            files.onFile(token, run(operation));
        }
        int added = operationCount - count;
        for (int i = 0; i < added; i++) {
            FileOperation swapped = operations[i];
            operations[i] = operations[count + i];
            operations[count + i] = swapped;
        }
        operationCount = added;
        return count;
    }

    private int run(FileOperation operation) {
        if (operation.kind == Kind.SYNC_DIRECTORY) {
            return syncDirectoryNow(Objects.requireNonNull(operation.directory));
        }
        FileChannel channel = channels[operation.file];
        if (channel == null) {
            return -Errno.EBADF;
        }
        try {
            return switch (operation.kind) {
                case READ -> readFully(channel, operation);
                case WRITE -> writeFully(channel, operation);
                case SYNC_DIRECTORY -> throw new AssertionError("has no channel");
                case SYNC -> {
                    channel.force(false);
                    yield 0;
                }
                case WRITE_AND_SYNC -> {
                    int written = writeFully(channel, operation);
                    channel.force(false);
                    yield written;
                }
                case ALLOCATE -> {
                    allocateNow(channel, operation.offset + operation.length);
                    yield 0;
                }
            };
        } catch (NonWritableChannelException | NonReadableChannelException e) {
            return -Errno.EBADF;
        } catch (IOException e) {
            return FileErrors.errnoOf(e);
        }
    }

    private static int syncDirectoryNow(Path directory) {
        if (!Files.isDirectory(directory)) {
            return Files.exists(directory) ? -Errno.ENOTDIR : -Errno.ENOENT;
        }
        try {
            Directories.sync(directory);
            return 0;
        } catch (IOException e) {
            return FileErrors.errnoOf(e);
        }
    }

    /** Short at the end of the file only. */
    private static int readFully(FileChannel channel, FileOperation operation) throws IOException {
        ByteBuffer target = view(operation.address, operation.length);
        while (target.hasRemaining()) {
            int read = channel.read(target, operation.offset + target.position());
            if (read <= 0) {
                break;
            }
        }
        return target.position();
    }

    private static int writeFully(FileChannel channel, FileOperation operation) throws IOException {
        ByteBuffer source = view(operation.address, operation.length);
        while (source.hasRemaining()) {
            channel.write(source, operation.offset + source.position());
        }
        return source.position();
    }

    private static void allocateNow(FileChannel channel, long end) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect(1 << 16);
        for (long at = channel.size(); at < end; at += zeros.position()) {
            zeros.clear().limit((int) Math.min(zeros.capacity(), end - at));
            channel.write(zeros, at);
        }
    }

    // Sockets.

    @Override
    public int listen(InetSocketAddress address, int backlog) throws IOException {
        ServerSocketChannel channel = ServerSocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            if (config.owners() > 1) {
                channel.setOption(StandardSocketOptions.SO_REUSEPORT, true);
            }
            channel.bind(address, backlog);
            channel.configureBlocking(false);
        } catch (IOException e) {
            channel.close();
            java.net.BindException failure =
                    new java.net.BindException(
                            "cannot listen on "
                                    + SocketAddresses.format(address)
                                    + ": "
                                    + e.getMessage());
            failure.initCause(e);
            throw failure;
        }
        int listener = listenerCount++;
        if (listener == listeners.length) {
            listeners = Arrays.copyOf(listeners, listener * 2);
        }
        listeners[listener] = channel;
        channel.register(selector, SelectionKey.OP_ACCEPT, listener);
        return listener;
    }

    @Override
    public InetSocketAddress listenAddress(int listener) {
        try {
            return (InetSocketAddress) listeners[listener].getLocalAddress();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void closeListener(int listener) {
        closeQuietly(listeners[listener]);
    }

    private static void closeQuietly(java.nio.channels.Channel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // The descriptor is gone either way.
        }
    }

    @Override
    public void send(int socket, long address, int length) {
        Connection connection = open(socket);
        if (connection == null || connection.pendingSend != null) {
            throw new IllegalStateException(
                    "send on socket "
                            + socket
                            + (connection == null ? ": closed" : ": one is in flight"));
        }
        connection.pendingSend = view(address, length);
        connection.sendQueued = true;
        queuedSends.push(socket);
    }

    /** The connection, or null where it is closed or closing. */
    private @Nullable Connection open(int socket) {
        Connection connection = connections[socket];
        return connection == null || connection.closing ? null : connection;
    }

    @Override
    public void pauseReceive(int socket) {
        Connection connection = open(socket);
        if (connection != null && !connection.paused) {
            connection.paused = true;
            connection.updateInterest();
        }
    }

    @Override
    public void resumeReceive(int socket) {
        Connection connection = open(socket);
        if (connection != null && connection.paused) {
            connection.paused = false;
            connection.updateInterest();
        }
    }

    @Override
    public void closeSocket(int socket) {
        Connection connection = open(socket);
        if (connection != null) {
            connection.closing = true;
            queuedCloses.push(socket);
        }
    }

    @Override
    public String peerAddress(int socket) {
        try {
            return SocketAddresses.format(
                    (InetSocketAddress) connections[socket].channel.getRemoteAddress());
        } catch (IOException e) {
            return "?:0";
        }
    }

    @Override
    public String localAddress(int socket) {
        try {
            return SocketAddresses.format(
                    (InetSocketAddress) connections[socket].channel.getLocalAddress());
        } catch (IOException e) {
            return "?:0";
        }
    }

    // The turn.

    @Override
    public int poll(long timeoutNanos) {
        receiveBuffersUsed = 0;
        int delivered = runFileOperations() + runQueuedSends() + runQueuedCloses();
        gate.open();
        try {
            if (delivered > 0
                    || timeoutNanos == 0
                    || !queuedSends.isEmpty()
                    || operationCount > 0) {
                selector.selectNow();
            } else if (timeoutNanos < 0) {
                selector.select();
            } else {
                selector.select(Math.max(1, (timeoutNanos + 999_999) / 1_000_000));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            gate.close();
        }
        Iterator<SelectionKey> ready = selector.selectedKeys().iterator();
        while (ready.hasNext()) {
            SelectionKey key = ready.next();
            ready.remove();
            if (key.isValid()) {
                delivered += serve(key);
            }
        }
        return delivered + runQueuedCloses();
    }

    private int serve(SelectionKey key) {
        if (key.attachment() instanceof Integer listener) {
            return accept(listener);
        }
        Connection connection = (Connection) key.attachment();
        int delivered = 0;
        if (key.isReadable() && !connection.paused && !connection.closing) {
            delivered += receive(connection);
        }
        if (key.isValid()
                && key.isWritable()
                && connection.pendingSend != null
                && !connection.closing) {
            delivered += send(connection);
        }
        return delivered;
    }

    private int accept(int listener) {
        int accepted = 0;
        try {
            while (accepted < ACCEPTS_PER_POLL && listeners[listener].isOpen()) {
                SocketChannel channel = listeners[listener].accept();
                if (channel == null) {
                    break;
                }
                channel.configureBlocking(false);
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                int socket = freeSockets.isEmpty() ? socketCount++ : freeSockets.pop();
                if (socket >= connections.length) {
                    connections = Arrays.copyOf(connections, socket * 2);
                }
                SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
                Connection connection = new Connection(socket, channel, key);
                key.attach(connection);
                connections[socket] = connection;
                accepted++;
                sockets.onAccept(listener, socket);
            }
        } catch (IOException e) {
            log.accept(
                    "cannot accept connections ("
                            + e.getMessage()
                            + "): raise the limit of open files (ulimit -n) or lower maxclients");
        }
        return accepted;
    }

    private int receive(Connection connection) {
        if (receiveBuffersUsed == receiveBuffers.length) {
            // All buffers are lent until the next turn; the selector will name this socket again.
            return 0;
        }
        int index = receiveBuffersUsed;
        ByteBuffer buffer = receiveBuffers[index].clear();
        int result;
        try {
            result = connection.channel.read(buffer);
        } catch (IOException e) {
            result = -1;
            connection.ended = true;
            connection.updateInterest();
            sockets.onReceive(connection.number, 0, -Errno.ECONNRESET);
            return 1;
        }
        if (result == 0) {
            return 0;
        }
        if (result < 0) {
            connection.ended = true;
            connection.updateInterest();
            sockets.onReceive(connection.number, 0, 0);
            return 1;
        }
        receiveBuffersUsed++;
        sockets.onReceive(
                connection.number,
                receiveMemory.address() + (long) index * config.receiveBufferBytes(),
                result);
        return 1;
    }

    private int runQueuedSends() {
        int delivered = 0;
        // Sends that handlers queue in here wait for the next turn, so that none can hold the
        // others up.
        IntStack sends = queuedSends;
        queuedSends = servedSends;
        servedSends = sends;
        while (!sends.isEmpty()) {
            Connection connection = connections[sends.pop()];
            if (connection == null || !connection.sendQueued) {
                continue;
            }
            connection.sendQueued = false;
            if (!connection.closing) {
                delivered += send(connection);
            }
        }
        return delivered;
    }

    private int send(Connection connection) {
        ByteBuffer source = connection.pendingSend;
        if (source == null) {
            return 0;
        }
        int result = 0;
        try {
            connection.channel.write(source);
        } catch (IOException e) {
            int errno = FileErrors.errnoOf(e);
            result = errno == -Errno.EIO ? -Errno.EPIPE : errno;
        }
        if (result == 0 && source.hasRemaining()) {
            connection.updateInterest();
            return 0;
        }
        connection.pendingSend = null;
        connection.updateInterest();
        sockets.onSent(connection.number, result);
        return 1;
    }

    private int runQueuedCloses() {
        int delivered = 0;
        while (!queuedCloses.isEmpty()) {
            int socket = queuedCloses.pop();
            Connection connection = connections[socket];
            connections[socket] = null;
            closeQuietly(connection.channel);
            sockets.onClosed(socket);
            freeSockets.push(socket);
            delivered++;
        }
        return delivered;
    }

    @Override
    public void wake() {
        selector.wakeup();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Connection connection : connections) {
            if (connection != null) {
                closeQuietly(connection.channel);
            }
        }
        for (int i = 0; i < listenerCount; i++) {
            closeQuietly(listeners[i]);
        }
        for (FileChannel channel : channels) {
            if (channel != null) {
                closeQuietly(channel);
            }
        }
        try {
            selector.close();
        } catch (IOException e) {
            // Nothing depends on it any more.
        }
        receiveMemory.close();
    }
}
