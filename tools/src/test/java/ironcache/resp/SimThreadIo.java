package ironcache.resp;

import ironcache.ffm.FileView;
import ironcache.ffm.Io;
import ironcache.ffm.SimDisk;
import ironcache.ffm.SimIo;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;

/**
 * A shard's simulated I/O, of which the owner's wait is one among those of {@link SimThreads}. Whoever else uses it is told off: a ring belongs
 * to one thread, and only {@link #wake} and addresses are for others.
 */
final class SimThreadIo implements Io {
    private final SimIo io;
    private final SimThreads threads;
    private final int owner;
    private final SimDisk disk;
    private Gate gate = Gate.NONE;
    private Runnable betweenTurns = () -> {};

    SimThreadIo(SimIo io, SimThreads threads, int owner, SimDisk disk) {
        this.io = io;
        this.threads = threads;
        this.owner = owner;
        this.disk = disk;
    }

    /** What the owner's thread does besides, at the beginning of a turn. */
    void setBetweenTurns(Runnable newBetweenTurns) {
        betweenTurns = newBetweenTurns;
    }

    private SimIo own() {
        int caller = threads.current();
        if (caller >= 0 && caller != owner) {
            throw new IllegalStateException(
                    "thread " + caller + " uses the I/O of thread " + owner);
        }
        threads.mayPause();
        return io;
    }

    @Override
    public String name() {
        return io.name();
    }

    @Override
    public void setHandlers(SocketHandler sockets, FileHandler files) {
        io.setHandlers(sockets, files);
    }

    @Override
    public void setGate(Gate newGate) {
        gate = newGate;
    }

    @Override
    public int poll(long timeoutNanos) {
        if (threads.current() < 0) {
            // The server is being made, and waits for its disk.
            if (disk.isDead()) {
                throw new IllegalStateException("the disk has no power");
            }
            return io.poll(timeoutNanos);
        }
        gate.open();
        threads.poll(io, timeoutNanos);
        gate.close();
        betweenTurns.run();
        return own().poll(0);
    }

    @Override
    public void wake() {
        threads.wake(owner);
    }

    @Override
    public String peerAddress(int socket) {
        return io.peerAddress(socket);
    }

    @Override
    public String localAddress(int socket) {
        return io.localAddress(socket);
    }

    // The owner's.

    @Override
    public int openFile(Path path, OpenMode mode, boolean direct) throws IOException {
        return own().openFile(path, mode, direct);
    }

    @Override
    public void closeFile(int file) {
        own().closeFile(file);
    }

    @Override
    public void deleteFile(Path path) throws IOException {
        own().deleteFile(path);
    }

    @Override
    public void renameFile(Path from, Path to) throws IOException {
        own().renameFile(from, to);
    }

    @Override
    public List<Path> openDirectory(Path directory) {
        return own().openDirectory(directory);
    }

    @Override
    public FileView viewFile(Path path) throws IOException {
        return own().viewFile(path);
    }

    @Override
    public long usableSpace(Path directory) {
        return own().usableSpace(directory);
    }

    @Override
    public int registerBuffer(long address, long bytes) {
        return own().registerBuffer(address, bytes);
    }

    @Override
    public void unregisterBuffer(int buffer) {
        own().unregisterBuffer(buffer);
    }

    @Override
    public void read(int file, long offset, long address, int length, int buffer, long token) {
        own().read(file, offset, address, length, buffer, token);
    }

    @Override
    public void write(int file, long offset, long address, int length, int buffer, long token) {
        own().write(file, offset, address, length, buffer, token);
    }

    @Override
    public void sync(int file, long token) {
        own().sync(file, token);
    }

    @Override
    public void syncDirectory(Path directory, long token) {
        own().syncDirectory(directory, token);
    }

    @Override
    public void writeAndSync(
            int file, long offset, long address, int length, int buffer, long token) {
        own().writeAndSync(file, offset, address, length, buffer, token);
    }

    @Override
    public void allocate(int file, long offset, long length, long token) {
        own().allocate(file, offset, length, token);
    }

    @Override
    public int listen(InetSocketAddress address, int backlog) throws IOException {
        return own().listen(address, backlog);
    }

    @Override
    public InetSocketAddress listenAddress(int listener) {
        return own().listenAddress(listener);
    }

    @Override
    public void closeListener(int listener) {
        own().closeListener(listener);
    }

    @Override
    public void send(int socket, long address, int length) {
        own().send(socket, address, length);
    }

    @Override
    public void pauseReceive(int socket) {
        own().pauseReceive(socket);
    }

    @Override
    public void resumeReceive(int socket) {
        own().resumeReceive(socket);
    }

    @Override
    public int lastBytes(int socket) {
        return own().lastBytes(socket);
    }

    @Override
    public void closeSocket(int socket) {
        own().closeSocket(socket);
    }

    @Override
    public void close() {
        io.close();
    }
}
