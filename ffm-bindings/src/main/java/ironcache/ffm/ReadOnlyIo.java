package ironcache.ffm;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * An {@link Io} under which a data directory stays as it is: its files are opened for reading, whatever was asked for, so that the kernel refuses to write to them; new files
 * go to a directory beside it, as do deletions and new names. So the engine can be run on a directory to look at it. Owned as the Io behind it.
 */
public final class ReadOnlyIo implements Io {
    private final Io io;
    private final Path directory;
    private final Path scratch;
    private final LongConsumer onRead;

    /**
     * Of a directory.
     *
     * @param scratch for new files
     * @param onRead is told of the bytes of each read
     */
    public ReadOnlyIo(Io io, Path directory, Path scratch, LongConsumer onRead) {
        this.io = io;
        this.directory = directory;
        this.scratch = scratch;
        this.onRead = onRead;
    }

    /** Where a new file of this name goes. */
    private Path elsewhere(Path path) {
        return path.startsWith(directory) ? scratch.resolve(directory.relativize(path)) : path;
    }

    @Override
    public int openFile(Path path, OpenMode mode, boolean direct) throws IOException {
        Path made = elsewhere(path);
        if (mode == OpenMode.CREATE) {
            Files.createDirectories(made.getParent());
            return io.openFile(made, mode, direct);
        }
        return Files.exists(made) && !made.equals(path)
                ? io.openFile(made, mode, direct)
                : io.openFile(path, OpenMode.READ, direct);
    }

    @Override
    public void deleteFile(Path path) throws IOException {
        Files.deleteIfExists(own(path));
    }

    /** @throws IllegalStateException where it is not in the scratch directory */
    private Path own(Path path) {
        Path made = elsewhere(path);
        if (!made.startsWith(scratch)) {
            throw new IllegalStateException(path + " is not to be changed");
        }
        return made;
    }

    @Override
    public void renameFile(Path from, Path to) throws IOException {
        if (Files.exists(own(from))) {
            io.renameFile(own(from), own(to));
        }
    }

    @Override
    public List<Path> openDirectory(Path path) throws IOException {
        List<Path> files = new ArrayList<>();
        if (Files.isDirectory(path)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
                entries.forEach(files::add);
            }
        }
        return files;
    }

    @Override
    public FileView viewFile(Path path) throws IOException {
        return io.viewFile(path);
    }

    @Override
    public long usableSpace(Path path) throws IOException {
        return io.usableSpace(scratch);
    }

    @Override
    public void syncDirectory(Path path, long token) {
        io.syncDirectory(scratch, token);
    }

    @Override
    public void read(int file, long offset, long address, int length, int buffer, long token) {
        onRead.accept(length);
        io.read(file, offset, address, length, buffer, token);
    }

    // The rest is as it is.

    @Override
    public String name() {
        return io.name();
    }

    @Override
    public void setHandlers(SocketHandler sockets, FileHandler files) {
        io.setHandlers(sockets, files);
    }

    @Override
    public void setGate(Gate gate) {
        io.setGate(gate);
    }

    @Override
    public void closeFile(int file) {
        io.closeFile(file);
    }

    @Override
    public int registerBuffer(long address, long bytes) {
        return io.registerBuffer(address, bytes);
    }

    @Override
    public void unregisterBuffer(int buffer) {
        io.unregisterBuffer(buffer);
    }

    @Override
    public void write(int file, long offset, long address, int length, int buffer, long token) {
        io.write(file, offset, address, length, buffer, token);
    }

    @Override
    public void sync(int file, long token) {
        io.sync(file, token);
    }

    @Override
    public void writeAndSync(
            int file, long offset, long address, int length, int buffer, long token) {
        io.writeAndSync(file, offset, address, length, buffer, token);
    }

    @Override
    public void allocate(int file, long offset, long length, long token) {
        io.allocate(file, offset, length, token);
    }

    @Override
    public int listen(InetSocketAddress address, int backlog) throws IOException {
        return io.listen(address, backlog);
    }

    @Override
    public InetSocketAddress listenAddress(int listener) {
        return io.listenAddress(listener);
    }

    @Override
    public void closeListener(int listener) {
        io.closeListener(listener);
    }

    @Override
    public void send(int socket, long address, int length) {
        io.send(socket, address, length);
    }

    @Override
    public void pauseReceive(int socket) {
        io.pauseReceive(socket);
    }

    @Override
    public void resumeReceive(int socket) {
        io.resumeReceive(socket);
    }

    @Override
    public void closeSocket(int socket) {
        io.closeSocket(socket);
    }

    @Override
    public String peerAddress(int socket) {
        return io.peerAddress(socket);
    }

    @Override
    public String localAddress(int socket) {
        return io.localAddress(socket);
    }

    @Override
    public int poll(long timeoutNanos) {
        return io.poll(timeoutNanos);
    }

    @Override
    public void wake() {
        io.wake();
    }

    @Override
    public void close() {
        io.close();
    }
}
