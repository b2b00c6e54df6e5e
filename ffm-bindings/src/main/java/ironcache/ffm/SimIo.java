package ironcache.ffm;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;

/**
 * The seam simulated: disk, network and time in one thread, every delay, order, fragment and fault
 * drawn from one seed. Two runs with one seed give equal {@link #traceHash}es; a failing seed
 * replays.
 *
 * <p>All that happens is an event on one queue, ordered by (time, sequence). {@link #poll} delivers
 * what is due; where nothing is and the caller waits, time jumps to the next event. Tests play the
 * clients through {@link #connect}.
 *
 * <p>Stricter than the real ones, to catch mistakes that a real disk forgives: direct files demand
 * alignment, registered buffers their range, and memory handed to onReceive is overwritten in the
 * next turn.
 */
public final class SimIo implements Io {
    private static final int RECEIVE_MEMORY_BYTES = 1 << 20;
    private static final int RECEIVE_BYTES_MAX = 16 << 10;

    /** Bytes that a connection holds in each direction before its writer must wait. */
    private static final int PIPE_BYTES = 256 << 10;

    private static final byte STALE = (byte) 0xDB;
    private static final int FIRST_PORT = 20_000;
    private static final int FIRST_PEER_PORT = 40_000;
    private static final int DIRECT_ALIGNMENT = 4096;

    // What traceHash distinguishes.
    private static final int TRACE_ACCEPT = 1;
    private static final int TRACE_RECEIVE = 2;
    private static final int TRACE_SENT = 3;
    private static final int TRACE_CLOSED = 4;
    private static final int TRACE_FILE = 5;

    /** Something that happens at a time. Returns how many completions it delivered. */
    private interface Action {
        int run();
    }

    private record Event(long nanos, long sequence, Action action) {}

    /** Bytes under way in one direction. */
    private static final class Pipe {
        private final byte[] ring = new byte[PIPE_BYTES];
        private long written;
        private long read;

        int bytes() {
            return (int) (written - read);
        }

        int room() {
            return PIPE_BYTES - bytes();
        }

        void put(byte value) {
            ring[(int) (written++ % PIPE_BYTES)] = value;
        }

        byte take() {
            return ring[(int) (read++ % PIPE_BYTES)];
        }
    }

    /** One connection, both ends. */
    private static final class Connection {
        final int number;
        final int peerPort;
        final InetSocketAddress local;
        final Pipe toServer = new Pipe();
        final Pipe toPeer = new Pipe();
        boolean peerClosed;
        boolean reset;
        boolean serverClosed;
        boolean ended;
        boolean paused;
        boolean closing;
        boolean receiveScheduled;
        boolean sendScheduled;
        long sendAddress;
        int sendLeft;
        boolean sending;

        Connection(int number, int peerPort, InetSocketAddress local) {
            this.number = number;
            this.peerPort = peerPort;
            this.local = local;
        }
    }

    /** A test's end of a connection. Nothing here blocks; all on the simulation's thread. */
    public final class Peer {
        private final Connection connection;

        private Peer(Connection connection) {
            this.connection = connection;
        }

        /** @return bytes taken, fewer where the connection is full */
        public int write(byte[] bytes, int offset, int length) throws IOException {
            if (connection.serverClosed || connection.reset) {
                throw new IOException("Broken pipe");
            }
            int taken = Math.min(length, connection.toServer.room());
            for (int i = 0; i < taken; i++) {
                connection.toServer.put(bytes[offset + i]);
            }
            scheduleReceive(connection);
            return taken;
        }

        /** @return bytes read, 0 where none have arrived, -1 at the end */
        public int read(byte[] bytes, int offset, int length) {
            int available = Math.min(length, connection.toPeer.bytes());
            for (int i = 0; i < available; i++) {
                bytes[offset + i] = connection.toPeer.take();
            }
            if (available > 0) {
                scheduleSend(connection);
            }
            return available == 0 && length > 0 && connection.serverClosed ? -1 : available;
        }

        public void close() {
            connection.peerClosed = true;
            scheduleReceive(connection);
            scheduleSend(connection);
        }

        /** Closes without an orderly end; bytes under way are lost. */
        public void reset() {
            connection.reset = true;
            close();
        }
    }

    private record OpenFile(Path path, SimDisk.SimFile file, OpenMode mode, boolean direct) {}

    private record Listener(InetSocketAddress address) {}

    private record Buffer(long address, long bytes) {}

    private final SimClock clock;
    private final SimDisk disk;
    private final SimFaults faults = new SimFaults();
    private final Prng prng;
    private final PriorityQueue<Event> events =
            new PriorityQueue<>(
                    (a, b) ->
                            a.nanos != b.nanos
                                    ? Long.compare(a.nanos, b.nanos)
                                    : Long.compare(a.sequence, b.sequence));
    private long sequence;
    private long traceHash;

    private final Mapping receiveMemory = Mapping.reserve(RECEIVE_MEMORY_BYTES, MemoryTag.NETWORK);
    private int receiveMemoryUsed;

    private final List<OpenFile> openFiles = new ArrayList<>();
    private final List<Buffer> buffers = new ArrayList<>();
    private final List<Listener> listeners = new ArrayList<>();
    private final List<Connection> connections = new ArrayList<>();
    private final IntStack freeSockets = new IntStack();
    private int peerCount;
    private int portCount;

    private SocketHandler sockets = NoHandlers.INSTANCE;
    private Gate gate = Gate.NONE;
    private FileHandler files = NoHandlers.INSTANCE;
    private volatile boolean woken;
    private boolean closed;

    public SimIo(long seed, SimClock clock, SimDisk disk) {
        this.prng = new Prng(seed);
        this.clock = clock;
        this.disk = disk;
        receiveMemory.commit(receiveMemory.bytes());
    }

    /** What may go wrong; set its fields at any time. */
    public SimFaults faults() {
        return faults;
    }

    /** A hash over all that was delivered and when. */
    public long traceHash() {
        return traceHash;
    }

    /** Whether something is bound to happen without further input. */
    public boolean hasEvents() {
        return !events.isEmpty();
    }

    /** When the next thing is bound to happen; Long.MAX_VALUE where nothing is. */
    public long nextNanos() {
        Event next = events.peek();
        return next == null ? Long.MAX_VALUE : next.nanos;
    }

    @Override
    public String name() {
        return "simulated";
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

    private void schedule(Action action) {
        long spread = Math.max(1, faults.delayNanosMax - faults.delayNanosMin + 1);
        long at = clock.nanoTime() + faults.delayNanosMin + prng.nextLong(spread);
        events.add(new Event(at, sequence++, action));
    }

    private void trace(int kind, long index, long result) {
        traceHash =
                Prng.mix(
                        traceHash
                                ^ Prng.mix(clock.nanoTime())
                                ^ Prng.mix(kind * 31L + index) + result);
    }

    // Files.

    @Override
    public int openFile(Path path, OpenMode mode, boolean direct) throws IOException {
        SimDisk.SimFile file = disk.find(path);
        if (mode == OpenMode.CREATE) {
            file = disk.create(path);
        } else if (file == null) {
            throw new NoSuchFileException(path.toString());
        }
        OpenFile open = new OpenFile(path, file, mode, direct);
        int number = openFiles.indexOf(null);
        if (number >= 0) {
            openFiles.set(number, open);
            return number;
        }
        openFiles.add(open);
        return openFiles.size() - 1;
    }

    @Override
    public void closeFile(int file) {
        if (openFiles.set(file, null) == null) {
            throw new IllegalStateException("file " + file + " is closed");
        }
    }

    @Override
    public void deleteFile(Path path) {
        disk.delete(path);
    }

    @Override
    public void renameFile(Path from, Path to) throws IOException {
        if (!disk.rename(from, to)) {
            throw new NoSuchFileException(from.toString());
        }
    }

    @Override
    public List<Path> openDirectory(Path directory) {
        disk.makeDirectory(directory);
        List<Path> inside = new ArrayList<>();
        for (String name : disk.names()) {
            if (directory.equals(Path.of(name).getParent())) {
                inside.add(Path.of(name));
            }
        }
        return inside;
    }

    @Override
    public long usableSpace(Path directory) {
        return disk.freeBytes();
    }

    @Override
    public int registerBuffer(long address, long bytes) {
        buffers.add(new Buffer(address, bytes));
        return buffers.size() - 1;
    }

    @Override
    public void unregisterBuffer(int buffer) {
        if (buffer != UNREGISTERED) {
            buffers.set(buffer, null);
        }
    }

    private int check(
            OpenFile open, boolean writes, long offset, long address, int length, int buffer) {
        if (open == null || writes && open.mode == OpenMode.READ) {
            return -Errno.EBADF;
        }
        if (open.direct && ((offset | address | length) & (DIRECT_ALIGNMENT - 1)) != 0) {
            return -Errno.EINVAL;
        }
        if (buffer != UNREGISTERED) {
            Buffer registered = buffers.get(buffer);
            if (registered == null
                    || address < registered.address
                    || address + length > registered.address + registered.bytes) {
                return -Errno.EFAULT;
            }
        }
        return prng.chance(faults.ioError) ? -Errno.EIO : 0;
    }

    private int cut(int length) {
        if (length > SimDisk.SECTOR_BYTES && prng.chance(faults.shortTransfer)) {
            return SimDisk.SECTOR_BYTES * (1 + prng.nextInt((length - 1) / SimDisk.SECTOR_BYTES));
        }
        return length;
    }

    @Override
    public void read(int file, long offset, long address, int length, int buffer, long token) {
        OpenFile open = openFiles.get(file);
        schedule(
                () -> {
                    int error = check(open, false, offset, address, length, buffer);
                    return completeFile(
                            token, error < 0 ? error : readNow(open, offset, address, cut(length)));
                });
    }

    private int readNow(OpenFile open, long offset, long address, int length) {
        byte[] bytes = new byte[length];
        int read = open.file.read(offset, bytes, length);
        if (read > 0 && prng.chance(faults.readBitFlip)) {
            flip(bytes, read);
        }
        Memory.copyIn(bytes, 0, address, read);
        return read;
    }

    private void flip(byte[] bytes, int length) {
        int bit = prng.nextInt(length * 8);
        bytes[bit / 8] ^= (byte) (1 << bit % 8);
    }

    @Override
    public void write(int file, long offset, long address, int length, int buffer, long token) {
        OpenFile open = openFiles.get(file);
        schedule(() -> completeFile(token, writeNow(open, offset, address, length, buffer)));
    }

    private int writeNow(OpenFile open, long offset, long address, int length, int buffer) {
        int error = check(open, true, offset, address, length, buffer);
        if (error < 0) {
            return error;
        }
        int written = cut(length);
        if (prng.chance(faults.noSpace) || !disk.grow(open.file, offset + written)) {
            return -Errno.ENOSPC;
        }
        byte[] bytes = new byte[written];
        Memory.copyOut(address, bytes, 0, written);
        if (prng.chance(faults.writeBitFlip)) {
            flip(bytes, written);
        }
        boolean misdirected = prng.chance(faults.misdirectedWrite);
        open.file.write(misdirected ? offset + SimDisk.BLOCK_BYTES : offset, bytes);
        return written;
    }

    @Override
    public void sync(int file, long token) {
        OpenFile open = openFiles.get(file);
        schedule(() -> completeFile(token, syncNow(open)));
    }

    private int syncNow(OpenFile open) {
        int error = check(open, false, 0, 0, 0, UNREGISTERED);
        if (error == 0) {
            open.file.sync();
        }
        return error;
    }

    @Override
    public void syncDirectory(Path directory, long token) {
        schedule(
                () -> {
                    int error = prng.chance(faults.ioError) ? -Errno.EIO : 0;
                    int kind = disk.find(directory) != null ? -Errno.ENOTDIR : -Errno.ENOENT;
                    return completeFile(token, disk.hasDirectory(directory) ? error : kind);
                });
    }

    @Override
    public void writeAndSync(
            int file, long offset, long address, int length, int buffer, long token) {
        OpenFile open = openFiles.get(file);
        schedule(
                () -> {
                    int written = writeNow(open, offset, address, length, buffer);
                    // A short write breaks the chain: nothing is synced.
                    int synced = written == length ? syncNow(open) : 0;
                    return completeFile(token, synced < 0 ? synced : written);
                });
    }

    @Override
    public void allocate(int file, long offset, long length, long token) {
        OpenFile open = openFiles.get(file);
        schedule(
                () -> {
                    int error = check(open, true, 0, 0, 0, UNREGISTERED);
                    if (error == 0
                            && (prng.chance(faults.noSpace)
                                    || !disk.grow(open.file, offset + length))) {
                        error = -Errno.ENOSPC;
                    }
                    return completeFile(token, error);
                });
    }

    private int completeFile(long token, int result) {
        trace(TRACE_FILE, token, result);
        files.onFile(token, result);
        return 1;
    }

    // Sockets.

    @Override
    public int listen(InetSocketAddress address, int backlog) throws IOException {
        int port = address.getPort() == 0 ? FIRST_PORT + portCount++ : address.getPort();
        if (listener(port) >= 0) {
            throw new BindException(
                    "cannot listen on " + SocketAddresses.format(address) + ": EADDRINUSE");
        }
        listeners.add(new Listener(new InetSocketAddress(address.getAddress(), port)));
        return listeners.size() - 1;
    }

    private int listener(int port) {
        for (int i = 0; i < listeners.size(); i++) {
            if (listeners.get(i) != null && listeners.get(i).address.getPort() == port) {
                return i;
            }
        }
        return -1;
    }

    @Override
    public InetSocketAddress listenAddress(int listener) {
        return listeners.get(listener).address;
    }

    @Override
    public void closeListener(int listener) {
        listeners.set(listener, null);
    }

    /** A client connects; the server is told in one of the next turns. */
    public Peer connect(InetSocketAddress address) throws IOException {
        int listener = listener(address.getPort());
        if (listener < 0) {
            throw new ConnectException("Connection refused: " + SocketAddresses.format(address));
        }
        int number = freeSockets.isEmpty() ? connections.size() : freeSockets.pop();
        Connection connection =
                new Connection(
                        number,
                        FIRST_PEER_PORT + peerCount++,
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), address.getPort()));
        if (number == connections.size()) {
            connections.add(connection);
        } else {
            connections.set(number, connection);
        }
        // Nothing is received before the accept was told, whatever the delays say.
        connection.receiveScheduled = true;
        schedule(
                () -> {
                    trace(TRACE_ACCEPT, listener, number);
                    sockets.onAccept(listener, number);
                    connection.receiveScheduled = false;
                    scheduleReceive(connection);
                    return 1;
                });
        return new Peer(connection);
    }

    private void scheduleReceive(Connection connection) {
        boolean something = connection.toServer.bytes() > 0 || connection.peerClosed;
        if (something
                && !connection.receiveScheduled
                && !connection.paused
                && !connection.ended
                && !connection.closing) {
            connection.receiveScheduled = true;
            schedule(() -> receive(connection));
        }
    }

    private int receive(Connection connection) {
        connection.receiveScheduled = false;
        if (connection.paused || connection.closing || connection.ended) {
            return 0;
        }
        if (prng.chance(faults.connectionReset)) {
            connection.reset = true;
            connection.peerClosed = true;
        }
        if (connection.reset || connection.toServer.bytes() == 0) {
            connection.ended = true;
            return tellReceive(connection, 0, connection.reset ? -Errno.ECONNRESET : 0);
        }
        int available = Math.min(connection.toServer.bytes(), RECEIVE_BYTES_MAX);
        // Now all that is there, now a fragment: parsers must live with both.
        int length = prng.chance(0.5) ? available : 1 + prng.nextInt(available);
        length = Math.min(length, RECEIVE_MEMORY_BYTES - receiveMemoryUsed);
        if (length == 0) {
            scheduleReceive(connection);
            return 0;
        }
        long address = receiveMemory.address() + receiveMemoryUsed;
        receiveMemoryUsed += length;
        for (int i = 0; i < length; i++) {
            Memory.putByte(address + i, connection.toServer.take());
        }
        scheduleReceive(connection);
        return tellReceive(connection, address, length);
    }

    private int tellReceive(Connection connection, long address, int length) {
        trace(TRACE_RECEIVE, connection.number, length);
        sockets.onReceive(connection.number, address, length);
        return 1;
    }

    @Override
    public void send(int socket, long address, int length) {
        Connection connection = connections.get(socket);
        if (connection.sending || connection.closing || connection.serverClosed) {
            throw new IllegalStateException(
                    "send on socket "
                            + socket
                            + (connection.sending ? ": one is in flight" : ": closed"));
        }
        connection.sending = true;
        connection.sendAddress = address;
        connection.sendLeft = length;
        scheduleSend(connection);
    }

    private void scheduleSend(Connection connection) {
        boolean progress = connection.toPeer.room() > 0 || connection.peerClosed;
        if (connection.sending && !connection.sendScheduled && progress) {
            connection.sendScheduled = true;
            schedule(() -> progressSend(connection));
        }
    }

    private int progressSend(Connection connection) {
        connection.sendScheduled = false;
        if (!connection.sending || connection.closing) {
            return 0;
        }
        if (connection.peerClosed) {
            connection.sending = false;
            return tellSent(connection, connection.reset ? -Errno.ECONNRESET : -Errno.EPIPE);
        }
        int now = Math.min(connection.sendLeft, connection.toPeer.room());
        for (int i = 0; i < now; i++) {
            connection.toPeer.put(Memory.getByte(connection.sendAddress + i));
        }
        connection.sendAddress += now;
        connection.sendLeft -= now;
        if (connection.sendLeft > 0) {
            scheduleSend(connection);
            return 0;
        }
        connection.sending = false;
        return tellSent(connection, 0);
    }

    private int tellSent(Connection connection, int result) {
        trace(TRACE_SENT, connection.number, result);
        sockets.onSent(connection.number, result);
        return 1;
    }

    @Override
    public void pauseReceive(int socket) {
        connections.get(socket).paused = true;
    }

    @Override
    public void resumeReceive(int socket) {
        Connection connection = connections.get(socket);
        connection.paused = false;
        scheduleReceive(connection);
    }

    @Override
    public int lastBytes(int socket) {
        Connection connection = connections.get(socket);
        if (connection.reset) {
            return 0;
        }
        return connection.peerClosed ? connection.toServer.bytes() : -1;
    }

    @Override
    public void closeSocket(int socket) {
        Connection connection = connections.get(socket);
        if (connection.closing) {
            return;
        }
        connection.closing = true;
        schedule(
                () -> {
                    connection.serverClosed = true;
                    connection.sending = false;
                    trace(TRACE_CLOSED, socket, 0);
                    sockets.onClosed(socket);
                    freeSockets.push(socket);
                    return 1;
                });
    }

    @Override
    public String peerAddress(int socket) {
        return "127.0.0.1:" + connections.get(socket).peerPort;
    }

    @Override
    public String localAddress(int socket) {
        return SocketAddresses.format(connections.get(socket).local);
    }

    // The turn.

    @Override
    public int poll(long timeoutNanos) {
        if (receiveMemoryUsed > 0) {
            // Who still reads what the last turn brought shall notice.
            Memory.fill(receiveMemory.address(), receiveMemoryUsed, STALE);
            receiveMemoryUsed = 0;
        }
        gate.open();
        gate.close();
        Event next = events.peek();
        if (timeoutNanos != 0 && !woken) {
            long now = clock.nanoTime();
            long until = timeoutNanos < 0 ? Long.MAX_VALUE : now + timeoutNanos;
            if (next != null && next.nanos <= until) {
                clock.advance(Math.max(0, next.nanos - now));
            } else if (timeoutNanos > 0) {
                clock.advance(timeoutNanos);
            }
        }
        woken = false;
        int delivered = 0;
        // What these events cause comes later, even where the delay is zero.
        long bound = sequence;
        while (!events.isEmpty()
                && events.peek().nanos <= clock.nanoTime()
                && events.peek().sequence < bound) {
            delivered += events.poll().action.run();
        }
        return delivered;
    }

    @Override
    public void wake() {
        woken = true;
    }

    /** As when the process ends: peers see the end, the disk keeps what it has (see {@link SimDisk#crash}). */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            events.clear();
            for (Connection connection : connections) {
                connection.serverClosed = true;
            }
            receiveMemory.close();
        }
    }
}
