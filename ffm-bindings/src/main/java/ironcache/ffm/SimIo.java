package ironcache.ffm;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

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

    // What traceHash distinguishes.
    private static final int TRACE_ACCEPT = 1;
    private static final int TRACE_RECEIVE = 2;
    private static final int TRACE_SENT = 3;
    private static final int TRACE_CLOSED = 4;
    private static final int TRACE_FILE = 5;

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

        // At most room() bytes, or bytes(). In two pieces where the ring ends between.

        void put(byte[] from, int offset, int length) {
            int at = (int) (written % PIPE_BYTES);
            int first = Math.min(length, PIPE_BYTES - at);
            System.arraycopy(from, offset, ring, at, first);
            System.arraycopy(from, offset + first, ring, 0, length - first);
            written += length;
        }

        void put(long from, int length) {
            int at = (int) (written % PIPE_BYTES);
            int first = Math.min(length, PIPE_BYTES - at);
            Memory.copyOut(from, ring, at, first);
            Memory.copyOut(from + first, ring, 0, length - first);
            written += length;
        }

        void take(byte[] to, int offset, int length) {
            int at = (int) (read % PIPE_BYTES);
            int first = Math.min(length, PIPE_BYTES - at);
            System.arraycopy(ring, at, to, offset, first);
            System.arraycopy(ring, 0, to, offset + first, length - first);
            read += length;
        }

        void take(long to, int length) {
            int at = (int) (read % PIPE_BYTES);
            int first = Math.min(length, PIPE_BYTES - at);
            Memory.copyIn(ring, at, to, first);
            Memory.copyIn(ring, 0, to + first, length - first);
            read += length;
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
            connection.toServer.put(bytes, offset, taken);
            scheduleReceive(connection);
            return taken;
        }

        /** @return bytes read, 0 where none have arrived, -1 at the end */
        public int read(byte[] bytes, int offset, int length) {
            int available = Math.min(length, connection.toPeer.bytes());
            connection.toPeer.take(bytes, offset, available);
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

    private record Listener(InetSocketAddress address) {}

    private final SimClock clock;
    private final SimDisk disk;
    private final SimFaults faults;
    private final Prng prng;
    private final SimEvents events;
    private final SimFiles simFiles;
    private long traceHash;

    private final Mapping receiveMemory = Mapping.reserve(RECEIVE_MEMORY_BYTES, MemoryTag.NETWORK);
    private int receiveMemoryUsed;

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
        this(seed, clock, disk, new SimFaults());
    }

    /** With faults that several may share. */
    public SimIo(long seed, SimClock clock, SimDisk disk, SimFaults faults) {
        this.prng = new Prng(seed);
        this.clock = clock;
        this.faults = faults;
        this.events = new SimEvents(clock);
        this.disk = disk;
        this.simFiles = new SimFiles(disk, faults, prng, events, this::completeFile);
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
        return events.nextNanos();
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

    private void schedule(SimEvents.Action action) {
        long spread = Math.max(1, faults.delayNanosMax - faults.delayNanosMin + 1);
        events.add(faults.delayNanosMin + prng.nextLong(spread), action);
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
        return simFiles.openFile(path, mode, direct);
    }

    @Override
    public void closeFile(int file) {
        simFiles.closeFile(file);
    }

    @Override
    public void deleteFile(Path path) throws IOException {
        simFiles.deleteFile(path);
    }

    @Override
    public void renameFile(Path from, Path to) throws IOException {
        simFiles.renameFile(from, to);
    }

    @Override
    public List<Path> openDirectory(Path directory) {
        return simFiles.openDirectory(directory);
    }

    @Override
    public FileView viewFile(Path path) throws IOException {
        return FileView.copyOf(simFiles.contents(path));
    }

    @Override
    public long usableSpace(Path directory) {
        return disk.freeBytes();
    }

    @Override
    public int registerBuffer(long address, long bytes) {
        return simFiles.registerBuffer(address, bytes);
    }

    @Override
    public void unregisterBuffer(int buffer) {
        simFiles.unregisterBuffer(buffer);
    }

    @Override
    public void read(int file, long offset, long address, int length, int buffer, long token) {
        simFiles.read(file, offset, address, length, buffer, token);
    }

    @Override
    public void write(int file, long offset, long address, int length, int buffer, long token) {
        simFiles.write(file, offset, address, length, buffer, token);
    }

    @Override
    public void sync(int file, long token) {
        simFiles.sync(file, token);
    }

    @Override
    public void syncDirectory(Path directory, long token) {
        simFiles.syncDirectory(directory, token);
    }

    @Override
    public void writeAndSync(
            int file, long offset, long address, int length, int buffer, long token) {
        simFiles.writeAndSync(file, offset, address, length, buffer, token);
    }

    @Override
    public void allocate(int file, long offset, long length, long token) {
        simFiles.allocate(file, offset, length, token);
    }

    private void completeFile(long token, int result) {
        trace(TRACE_FILE, token, result);
        files.onFile(token, result);
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
        connection.toServer.take(address, length);
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
        connection.toPeer.put(connection.sendAddress, now);
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
        long next = events.nextNanos();
        if (timeoutNanos != 0 && !woken) {
            long now = clock.nanoTime();
            long until = timeoutNanos < 0 ? Long.MAX_VALUE : now + timeoutNanos;
            if (next <= until && !events.isEmpty()) {
                clock.advance(Math.max(0, next - now));
            } else if (timeoutNanos > 0) {
                clock.advance(timeoutNanos);
            }
        }
        woken = false;
        return events.runDue();
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
            simFiles.close();
            events.clear();
            for (Connection connection : connections) {
                connection.serverClosed = true;
            }
            receiveMemory.close();
        }
    }
}
