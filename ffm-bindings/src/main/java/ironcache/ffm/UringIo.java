package ironcache.ffm;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * The seam on io_uring: one ring for sockets and files of one shard, one system call per turn. This
 * class is the turn: it decides what to wait for, takes completions off the ring, and hands each to
 * the part that it is for ({@link UserData}):
 *
 * <ul>
 *   <li>{@link UringListeners} accept, and hand connections to the sockets.
 *   <li>{@link UringSockets} send, and receive into {@link ReceiveBuffers}.
 *   <li>{@link UringFiles} are all file operations.
 *   <li>{@link UringWaker} ends the wait of a turn from other threads.
 * </ul>
 *
 * <p>All of them submit through {@link UringSubmissions}; none knows this class.
 *
 * <p>Owned by the thread that first polls; it may be prepared (files, listeners, buffers) by another
 * before. A turn allocates nothing on the heap once the tables have grown to the working set. A
 * receive buffer is the handler's until the next {@link #poll}, which gives all of them back first.
 *
 * <p>Memory owned: the parts', which it closes, and a few words for arguments of system calls, lent to
 * sockets and listeners ({@link MemoryTag#RING}).
 */
final class UringIo implements Io {
    private static final int SCRATCH_BYTES = 64;

    /** How often sockets that received are looked after. */
    private static final long SUSPECTS_NANOS = 500_000_000L;

    /**
     * A turn waits for one completion more than it has sends that will complete while they are
     * submitted: waiting for one would end at once, with nothing but the sends, and each request would
     * cost two turns. Where such a send is held up after all (a peer that does not read), the turn waits
     * for too many; this bounds by how much. Not shorter: the kernel's timer tick comes first, so that
     * its hardware timer need not be set, which on a virtual machine costs more than the system call.
     */
    private static final int PATIENCE_MICROS = 2_000;

    private final Ring ring;
    private final Consumer<String> log;
    private final long scratch;
    private final UringSubmissions submissions;
    private final UringWaker waker;
    private final ReceiveBuffers buffers;
    private final UringSockets sockets;
    private final UringListeners listeners;
    private final UringFiles files;

    private Gate gate = Gate.NONE;
    private final Crowd crowd;

    /** CPU time that the thread had taken at the last look at the crowd. */
    private long crowdCpuNanos;

    /** When sockets that received were last looked after. */
    private long suspectsNanos = System.nanoTime();

    private boolean closed;

    private UringIo(Ring ring, IoConfig config) throws Ring.Refused {
        this.ring = ring;
        this.log = config.log();
        this.crowd = new Crowd(config.owners(), Runtime.getRuntime().availableProcessors());
        this.submissions = new UringSubmissions(ring);
        this.buffers = new ReceiveBuffers(config.receiveBuffers(), config.receiveBufferBytes());
        this.scratch = Memory.allocate(SCRATCH_BYTES, MemoryTag.RING);
        this.waker = new UringWaker(submissions);
        int result = waker.result() < 0 ? waker.result() : buffers.register(ring);
        if (result < 0) {
            releaseMemory();
            throw new Ring.Refused(
                    -result, "provided buffer rings (they need Linux 5.19): " + Errno.name(result));
        }
        this.sockets = new UringSockets(submissions, buffers, crowd, scratch);
        this.listeners = new UringListeners(submissions, sockets, config, scratch);
        this.files = new UringFiles(ring, submissions, config);
    }

    /** @throws Ring.Refused where the kernel does not give what this needs */
    static UringIo open(RingCalls calls, IoConfig config) throws Ring.Refused {
        Ring ring =
                Ring.open(
                        calls,
                        config.submissionEntries(),
                        config.completionEntries(),
                        config.sqpoll() ? config.sqpollIdleMillis() : -1);
        try {
            return new UringIo(ring, config);
        } catch (Ring.Refused | RuntimeException | Error e) {
            ring.close();
            throw e;
        }
    }

    @Override
    public String name() {
        return "io_uring";
    }

    /** Modes granted by the kernel, for the log. */
    String description() {
        return ring.description();
    }

    @Override
    public void setHandlers(SocketHandler newSockets, FileHandler newFiles) {
        sockets.setHandler(newSockets);
        files.setHandler(newFiles);
    }

    @Override
    public void setGate(Gate newGate) {
        gate = newGate;
    }

    // Files.

    @Override
    public int openFile(Path path, OpenMode mode, boolean direct) throws IOException {
        return files.openFile(path, mode, direct);
    }

    @Override
    public void closeFile(int file) {
        files.closeFile(file);
    }

    @Override
    public void deleteFile(Path path) throws IOException {
        files.deleteFile(path);
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
        return files.registerBuffer(address, bytes);
    }

    @Override
    public void unregisterBuffer(int buffer) {
        files.unregisterBuffer(buffer);
    }

    @Override
    public void read(int file, long offset, long address, int length, int buffer, long token) {
        files.read(file, offset, address, length, buffer, token);
    }

    @Override
    public void write(int file, long offset, long address, int length, int buffer, long token) {
        files.write(file, offset, address, length, buffer, token);
    }

    @Override
    public void sync(int file, long token) {
        files.sync(file, token);
    }

    @Override
    public void syncDirectory(Path directory, long token) {
        files.syncDirectory(directory, token);
    }

    @Override
    public void writeAndSync(
            int file, long offset, long address, int length, int buffer, long token) {
        files.writeAndSync(file, offset, address, length, buffer, token);
    }

    @Override
    public void allocate(int file, long offset, long length, long token) {
        files.allocate(file, offset, length, token);
    }

    // Listeners and sockets.

    @Override
    public int listen(InetSocketAddress address, int backlog) throws IOException {
        return listeners.listen(address, backlog);
    }

    @Override
    public InetSocketAddress listenAddress(int listener) {
        return listeners.listenAddress(listener);
    }

    @Override
    public void closeListener(int listener) {
        listeners.close(listener);
    }

    @Override
    public void send(int socket, long address, int length) {
        sockets.send(socket, address, length);
    }

    @Override
    public void pauseReceive(int socket) {
        sockets.pauseReceive(socket);
    }

    @Override
    public void resumeReceive(int socket) {
        sockets.resumeReceive(socket);
    }

    @Override
    public int lastBytes(int socket) {
        return sockets.lastBytes(socket);
    }

    @Override
    public void closeSocket(int socket) {
        sockets.close(socket);
    }

    @Override
    public String peerAddress(int socket) {
        return sockets.peerAddress(socket);
    }

    @Override
    public String localAddress(int socket) {
        return sockets.localAddress(socket);
    }

    // The turn.

    @Override
    public int poll(long timeoutNanos) {
        buffers.giveBack();
        if (!waker.armed()) {
            waker.arm();
        }
        if (sockets.wantRearming()) {
            sockets.rearmReceives();
        }
        int suspects = sockets.suspects();
        if (suspects > 0) {
            long now = System.nanoTime();
            if (now - suspectsNanos >= SUSPECTS_NANOS) {
                lookAtCrowd(suspects, now - suspectsNanos);
                suspectsNanos = now;
                sockets.endLostStreams();
            }
        }
        long timeout = timeoutNanos;
        if (listeners.stalled()) {
            timeout = listeners.retry(timeout);
        }
        boolean wait = timeout != 0 && ring.completionsReady() == 0;
        if (wait && !waker.fallAsleep()) {
            wait = false;
        }
        gate.open();
        int result = submitAndWait(wait, timeout);
        // In this order: who wakes us after what the gate does wakes the next turn.
        waker.rise();
        gate.close();
        if (result < 0
                && result != -Errno.ETIME
                && result != -Errno.EINTR
                && result != -Errno.EBUSY
                && result != -Errno.EAGAIN) {
            throw new IllegalStateException("io_uring_enter: " + Errno.name(result));
        }
        return reap();
    }

    private void lookAtCrowd(int connections, long wallNanos) {
        long cpuNanos = Libc.threadCpuNanos(scratch);
        crowd.look(connections, cpuNanos - crowdCpuNanos, wallNanos);
        crowdCpuNanos = cpuNanos;
    }

    private int submitAndWait(boolean wait, long timeoutNanos) {
        int promptSends = sockets.takePromptSends();
        if (!wait) {
            return ring.submitAndWait(0, 0);
        }
        int requests = crowd.next();
        int patienceMicros = requests > 1 ? crowd.patienceMicros() : PATIENCE_MICROS;
        if (timeoutNanos > 0 && timeoutNanos / 1_000 < patienceMicros) {
            // The kernel would not look at its timeout before patience ends.
            patienceMicros = (int) (timeoutNanos / 1_000);
        }
        return promptSends > 0 && patienceMicros > 0 && ring.hasPatience()
                ? ring.submitAndWait(promptSends + requests, patienceMicros, timeoutNanos)
                : ring.submitAndWait(1, timeoutNanos);
    }

    private int reap() {
        int delivered = 0;
        // What handlers queue is submitted in the next turn; what completes meanwhile is taken
        // along only up to a bound, because buffers come back and time goes on per turn.
        for (int left = ring.completionsReady(); left > 0; left--) {
            long cqe = ring.completion();
            long data = CqeLayout.userData(cqe);
            int result = CqeLayout.result(cqe);
            int flags = CqeLayout.flags(cqe);
            ring.completionSeen();
            if ((flags & Ring.CQE_F_MORE) == 0) {
                submissions.completed();
            }
            if (deliver(UserData.kind(data), UserData.index(data), result, flags)) {
                delivered++;
            }
        }
        return delivered;
    }

    /** @return whether a handler was called */
    private boolean deliver(int kind, int index, int result, int flags) {
        switch (kind) {
            case UserData.RECEIVE:
                return sockets.received(index, result, flags);
            case UserData.SEND:
                return sockets.sent(index, result);
            case UserData.FILE:
                return files.completed(index, result);
            case UserData.WRITE_SYNC:
                return files.writeSynced(index, result);
            case UserData.DIRECTORY_SYNC:
                return files.directorySynced(index, result);
            case UserData.ACCEPT:
                return listeners.accepted(index, result, flags);
            case UserData.CANCEL:
                sockets.cancelled(index, result);
                return false;
            case UserData.CLOSE:
                listeners.descriptorFreed();
                return sockets.closed(index);
            case UserData.CANCEL_LISTENER:
                listeners.cancelled(index);
                return false;
            case UserData.WAKE:
                waker.completed((flags & Ring.CQE_F_MORE) != 0);
                return false;
            case UserData.CANCEL_ALL:
                return false;
            case UserData.RELEASE:
                files.released(index, result);
                return false;
            default:
                throw new IllegalStateException("completion of unknown kind " + kind);
        }
    }

    @Override
    public void wake() {
        waker.wake();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        cancelEverything();
        ring.close();
        sockets.closeDescriptors();
        listeners.closeDescriptors();
        files.closeDescriptors();
        waker.close();
        releaseMemory();
    }

    /** Nothing may write to our memory after it is unmapped: cancel, and wait until the kernel is done. */
    private void cancelEverything() {
        try {
            submissions.add(
                    Ring.OP_ASYNC_CANCEL,
                    0,
                    0,
                    -1,
                    0,
                    0,
                    0,
                    Ring.CANCEL_ALL | Ring.CANCEL_ANY,
                    UserData.of(UserData.CANCEL_ALL, 0),
                    0);
            while (submissions.inFlight() > 0) {
                int result = ring.submitAndWait(1, -1);
                if (result < 0
                        && result != -Errno.EINTR
                        && result != -Errno.EBUSY
                        && result != -Errno.EAGAIN) {
                    throw new IllegalStateException("io_uring_enter: " + Errno.name(result));
                }
                while (ring.completionsReady() > 0) {
                    long cqe = ring.completion();
                    long data = CqeLayout.userData(cqe);
                    closeMeanwhile(
                            UserData.kind(data), UserData.index(data), CqeLayout.result(cqe));
                    if ((CqeLayout.flags(cqe) & Ring.CQE_F_MORE) == 0) {
                        submissions.completed();
                    }
                    ring.completionSeen();
                }
            }
        } catch (IllegalStateException notOurs) {
            // Closed by a thread that does not own the ring: the kernel cancels when the ring goes.
            log.accept("io_uring closed with operations in flight: " + notOurs.getMessage());
        }
    }

    /** What a completion that nobody is told of any more leaves to close. */
    private void closeMeanwhile(int kind, int index, int result) {
        if (kind == UserData.CANCEL_LISTENER) {
            listeners.cancelled(index);
        } else if (kind == UserData.CLOSE && result >= 0) {
            sockets.closedUntold(index);
        } else if (kind == UserData.ACCEPT && result >= 0) {
            Libc.close(result);
        } else if (kind == UserData.RELEASE) {
            files.released(index, result);
        }
    }

    private void releaseMemory() {
        buffers.close();
        Memory.free(scratch, SCRATCH_BYTES, MemoryTag.RING);
    }
}
