package ironcache.ffm;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * The seam on io_uring: one ring for sockets and files of one shard, one system call per turn.
 *
 * <p>Owned by the thread that first polls; it may be prepared (files, listeners, buffers) by another
 * before. A turn allocates nothing on the heap once the tables have grown to the working set.
 *
 * <p>Receiving: each socket has one multishot receive armed, which takes buffers from one ring of
 * provided buffers. A buffer is the handler's until the next {@link #poll}, which gives all of them
 * back first. Where the buffers run out, the kernel ends the multishot receive with ENOBUFS and it
 * is armed again in the next turn, when buffers are back: back-pressure without losing a byte.
 *
 * <p>What a completion is for is in its user data:
 *
 * <pre>
 * 63     56        32      0
 * | kind   | unused | index |     index: socket, listener or slot of a file operation
 * </pre>
 *
 * <p>Memory owned: receive buffers ({@link MemoryTag#NETWORK}), their ring and the submission ring
 * ({@link MemoryTag#RING}).
 */
final class UringIo implements Io {
    private static final int KIND_SHIFT = 56;
    private static final int KIND_ACCEPT = 1;
    private static final int KIND_RECEIVE = 2;
    private static final int KIND_SEND = 3;
    private static final int KIND_CLOSE = 4;
    private static final int KIND_CANCEL = 5;
    private static final int KIND_FILE = 6;

    /** The fdatasync that is linked to a write; the write is KIND_FILE. */
    private static final int KIND_FILE_SYNC = 7;

    private static final int KIND_WAKE = 8;
    private static final int KIND_CANCEL_LISTENER = 9;
    private static final int KIND_CANCEL_ALL = 10;

    private static final int MSG_WAITALL = 0x100;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_REUSEADDR = 2;
    private static final int SO_REUSEPORT = 15;
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_NODELAY = 1;
    private static final int IPPROTO_IPV6 = 41;
    private static final int IPV6_V6ONLY = 26;
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int EFD_NONBLOCK = 0x800;
    private static final int POLLIN = 1;

    private static final int BUFFER_GROUP = 0;

    /** A gap of two cache lines between receive buffers: at a stride of 16 KiB all their first lines would
     * compete for the same few sets of the caches. */
    private static final int BUFFER_GAP_BYTES = 128;

    /** A fixed buffer may hold 1 GiB, and so may one transfer. */
    private static final long REGISTERED_BUFFER_BYTES_MAX = 1L << 30;

    /** After running out of descriptors, accepting is tried again when a socket closed or this long after. */
    private static final long ACCEPT_RETRY_NANOS = 100_000_000L;

    /** rw-r--r-- */
    private static final int FILE_MODE = 0644;

    private static final int SCRATCH_BYTES = 64;

    // Bits of socketState.
    private static final int OPEN = 1;

    /** A multishot receive is in flight. */
    private static final int RECEIVING = 2;

    private static final int SENDING = 4;
    private static final int PAUSED = 8;
    private static final int CLOSING = 16;

    /** The close entry itself is in flight. */
    private static final int CLOSE_QUEUED = 32;

    /** A cancel of the receive is in flight. */
    private static final int CANCELLING = 64;

    /** End of stream or an error was told: never receive again. */
    private static final int ENDED = 128;

    /** Waits in the re-arm list. */
    private static final int REARM_LISTED = 256;

    /** Waits in the list of sockets to look after: it received since the last look. */
    private static final int SUSPECT = 512;

    /** How often sockets that received are looked after. */
    private static final long SUSPECTS_NANOS = 500_000_000L;

    /**
     * A send of up to this many bytes is expected to complete while it is submitted. A turn then waits
     * for one completion more than it has such sends: waiting for one would end at once, with nothing
     * but the sends, and each request would cost two turns.
     */
    private static final int PROMPT_SEND_BYTES_MAX = 16 << 10;

    /**
     * Where such a send is held up after all (a peer that does not read), the turn waits for too many;
     * this bounds by how much. Not shorter: the kernel's timer tick comes first, so that its hardware
     * timer need not be set, which on a virtual machine costs more than the system call.
     */
    private static final int PATIENCE_MICROS = 2_000;

    private static final int AWAKE = 0;
    private static final int ASLEEP = 1;
    private static final int WOKEN = 2;

    private static final VarHandle WAKE_STATE;

    static {
        try {
            WAKE_STATE =
                    MethodHandles.lookup().findVarHandle(UringIo.class, "wakeState", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Ring ring;
    private final IoConfig config;
    private final Consumer<String> log;
    private SocketHandler sockets = NoHandlers.INSTANCE;
    private FileHandler files = NoHandlers.INSTANCE;

    // Receive buffers.
    private final Mapping receiveMemory;
    private final int receiveBufferStride;
    private final Mapping bufferRing;
    private final int bufferMask;
    private int bufferTail;

    /** Buffers whose bytes the handlers may still read; given back at the next poll. */
    private final int[] lentBuffers;

    private int lentCount;

    // Sockets, by number.
    private int[] socketFd = new int[64];
    private int[] socketState = new int[64];

    /** Operations in flight, cancels included. */
    private int[] socketInFlight = new int[64];

    private long[] sendAddress = new long[64];
    private int[] sendLeft = new int[64];
    private final IntStack freeSockets = new IntStack();
    private int socketCount;

    /** Sockets to receive from again once buffers are back. */
    private final IntStack rearm = new IntStack();

    /** Sockets that received since they were looked after; see {@link #endLostStreams}. */
    private final IntStack suspects = new IntStack();

    private long suspectsNanos = System.nanoTime();

    // Listeners, by number.
    private int[] listenerFd = new int[4];
    private boolean[] listenerOpen = new boolean[4];
    private int listenerCount;

    /** Listeners whose accept ended for want of descriptors. */
    private final IntStack stalledListeners = new IntStack();

    private long acceptRetryNanos;

    // Files, by number.
    private int[] fileFd = new int[16];
    private boolean[] fileRegistered = new boolean[16];
    private final IntStack freeFiles = new IntStack();
    private int fileCount;
    private int fileSlots;

    // File operations in flight, by slot.
    private long[] operationToken = new long[256];

    /** Completions that an operation still waits for: two where a write is linked to a sync. */
    private byte[] operationWaits = new byte[256];

    /** Of a write linked to a sync: the results of the two, once known. */
    private int[] operationWriteResult = new int[256];

    private int[] operationSyncResult = new int[256];
    private final IntStack freeOperations = new IntStack();
    private int operationCount;

    private int bufferSlots;
    private final IntStack freeBufferSlots = new IntStack();
    private int bufferSlotCount;

    private final Crowd crowd = new Crowd();

    private long crowdCpuNanos;

    /** Sends queued for the next turn that will most likely complete while they are submitted. */
    private int promptSendsQueued;

    private final int wakeFd;
    private volatile int wakeState;
    private final long scratch;

    /** Everything submitted whose final completion has not come. */
    private int inFlight;

    private boolean wakeArmed;
    private boolean closed;

    private UringIo(Ring ring, IoConfig config) throws Ring.Refused {
        this.ring = ring;
        this.config = config;
        this.log = config.log();
        int count = config.receiveBuffers();
        this.receiveBufferStride = config.receiveBufferBytes() + BUFFER_GAP_BYTES;
        this.receiveMemory = Mapping.reserve((long) count * receiveBufferStride, MemoryTag.NETWORK);
        receiveMemory.commit(receiveMemory.bytes());
        // 256 buffers on 256 small pages would keep missing the TLB.
        receiveMemory.adviseHugePages(0, receiveMemory.bytes());
        this.bufferRing =
                Mapping.reserve((long) count * BufferRingLayout.ENTRY_BYTES, MemoryTag.RING);
        bufferRing.commit(bufferRing.bytes());
        this.bufferMask = count - 1;
        this.lentBuffers = new int[count];
        this.scratch = Memory.allocate(SCRATCH_BYTES, MemoryTag.RING);
        this.wakeFd = Libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        int result =
                wakeFd < 0
                        ? wakeFd
                        : ring.registerBufferRing(bufferRing.address(), count, BUFFER_GROUP);
        if (result < 0) {
            releaseMemory();
            throw new Ring.Refused(
                    -result, "provided buffer rings (they need Linux 5.19): " + Errno.name(result));
        }
        for (int buffer = 0; buffer < count; buffer++) {
            addBuffer(buffer);
        }
        Ring.publishBuffers(bufferRing.address(), (short) bufferTail);
        this.fileSlots = registerSlots(config.registeredFiles(), true);
        this.bufferSlots = registerSlots(config.registeredBuffers(), false);
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

    /** As many slots as the kernel grants: the limit of open files bounds them. 0: do without. */
    private int registerSlots(int wanted, boolean forFiles) {
        for (int slots = wanted; slots > 0; slots /= 2) {
            int result =
                    forFiles ? ring.registerSparseFiles(slots) : ring.registerSparseBuffers(slots);
            if (result >= 0) {
                return slots;
            }
        }
        return 0;
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
        sockets = newSockets;
        files = newFiles;
    }

    private static long userData(int kind, int index) {
        return (long) kind << KIND_SHIFT | index;
    }

    private void entry(
            int opcode,
            int flags,
            int ioprio,
            int fd,
            long off,
            long addr,
            int len,
            int opFlags,
            long data,
            int buf) {
        SqeLayout.fill(
                ring.nextEntry(), opcode, flags, ioprio, fd, off, addr, len, opFlags, data, buf);
        inFlight++;
    }

    // Files.

    @Override
    public int openFile(Path path, OpenMode mode, boolean direct) throws IOException {
        int flags =
                Libc.O_CLOEXEC
                        | switch (mode) {
                            case READ -> Libc.O_RDONLY;
                            case READ_WRITE -> Libc.O_RDWR;
                            case CREATE -> Libc.O_RDWR | Libc.O_CREAT | Libc.O_TRUNC;
                        };
        String name = path.toString();
        int fd = Libc.open(name, direct ? flags | Libc.O_DIRECT : flags, FILE_MODE);
        if (fd == -Errno.EINVAL && direct) {
            // A file system without O_DIRECT: through the page cache, then.
            fd = Libc.open(name, flags, FILE_MODE);
        }
        if (fd < 0) {
            throw FileErrors.opening(path, mode, fd);
        }
        int file = freeFiles.isEmpty() ? fileCount++ : freeFiles.pop();
        if (file >= fileFd.length) {
            fileFd = Arrays.copyOf(fileFd, file * 2);
            fileRegistered = Arrays.copyOf(fileRegistered, file * 2);
        }
        fileFd[file] = fd;
        fileRegistered[file] = file < fileSlots && ring.updateFile(file, fd) == 1;
        return file;
    }

    @Override
    public void closeFile(int file) {
        int fd = fileFd[file];
        if (fd < 0) {
            throw new IllegalStateException("file " + file + " is closed");
        }
        if (fileRegistered[file]) {
            ring.updateFile(file, -1);
        }
        Libc.close(fd);
        fileFd[file] = -1;
        freeFiles.push(file);
    }

    @Override
    public void deleteFile(Path path) throws IOException {
        Files.deleteIfExists(path);
    }

    @Override
    public long usableSpace(Path directory) throws IOException {
        return Files.getFileStore(directory).getUsableSpace();
    }

    @Override
    public int registerBuffer(long address, long bytes) {
        if (bytes > REGISTERED_BUFFER_BYTES_MAX
                || (freeBufferSlots.isEmpty() && bufferSlotCount == bufferSlots)) {
            return UNREGISTERED;
        }
        int slot = freeBufferSlots.isEmpty() ? bufferSlotCount++ : freeBufferSlots.pop();
        if (ring.updateBuffer(slot, address, bytes) != 1) {
            // Most often RLIMIT_MEMLOCK. Unregistered transfers do the same work a little slower.
            freeBufferSlots.push(slot);
            return UNREGISTERED;
        }
        return slot;
    }

    @Override
    public void unregisterBuffer(int buffer) {
        if (buffer != UNREGISTERED) {
            ring.updateBuffer(buffer, 0, 0);
            freeBufferSlots.push(buffer);
        }
    }

    private int newOperation(long token) {
        int slot = freeOperations.isEmpty() ? operationCount++ : freeOperations.pop();
        if (slot >= operationToken.length) {
            operationToken = Arrays.copyOf(operationToken, slot * 2);
            operationWriteResult = Arrays.copyOf(operationWriteResult, slot * 2);
            operationSyncResult = Arrays.copyOf(operationSyncResult, slot * 2);
            operationWaits = Arrays.copyOf(operationWaits, slot * 2);
        }
        operationToken[slot] = token;
        operationWaits[slot] = 1;
        operationSyncResult[slot] = 0;
        return slot;
    }

    private int fileFlags(int file) {
        return fileRegistered[file] ? Ring.FIXED_FILE : 0;
    }

    /** What an entry names a file by: its slot where registered, else its descriptor. */
    private int fileTarget(int file) {
        return fileRegistered[file] ? file : fileFd[file];
    }

    @Override
    public void read(int file, long offset, long address, int length, int buffer, long token) {
        transfer(
                buffer == UNREGISTERED ? Ring.OP_READ : Ring.OP_READ_FIXED,
                file,
                0,
                offset,
                address,
                length,
                buffer,
                newOperation(token));
    }

    @Override
    public void write(int file, long offset, long address, int length, int buffer, long token) {
        transfer(
                buffer == UNREGISTERED ? Ring.OP_WRITE : Ring.OP_WRITE_FIXED,
                file,
                0,
                offset,
                address,
                length,
                buffer,
                newOperation(token));
    }

    private void transfer(
            int opcode,
            int file,
            int flags,
            long offset,
            long address,
            int length,
            int buffer,
            int slot) {
        entry(
                opcode,
                fileFlags(file) | flags,
                0,
                fileTarget(file),
                offset,
                address,
                length,
                0,
                userData(KIND_FILE, slot),
                buffer == UNREGISTERED ? 0 : buffer);
    }

    @Override
    public void sync(int file, long token) {
        syncEntry(file, userData(KIND_FILE, newOperation(token)));
    }

    private void syncEntry(int file, long data) {
        entry(
                Ring.OP_FSYNC,
                fileFlags(file),
                0,
                fileTarget(file),
                0,
                0,
                0,
                Ring.FSYNC_DATASYNC,
                data,
                0);
    }

    @Override
    public void writeAndSync(
            int file, long offset, long address, int length, int buffer, long token) {
        int slot = newOperation(token);
        operationWaits[slot] = 2;
        // A chain ends where a submission ends: both entries must go together.
        ring.ensureSpace(2);
        int opcode = buffer == UNREGISTERED ? Ring.OP_WRITE : Ring.OP_WRITE_FIXED;
        transfer(opcode, file, Ring.LINK, offset, address, length, buffer, slot);
        syncEntry(file, userData(KIND_FILE_SYNC, slot));
    }

    @Override
    public void allocate(int file, long offset, long length, long token) {
        // fallocate(2) passes its length in addr, its mode (0: allocate, grow) in len.
        SqeLayout.fill(
                ring.nextEntry(),
                Ring.OP_FALLOCATE,
                fileFlags(file),
                0,
                fileTarget(file),
                offset,
                length,
                0,
                0,
                userData(KIND_FILE, newOperation(token)),
                0);
        inFlight++;
    }

    // Sockets.

    @Override
    public int listen(InetSocketAddress address, int backlog) throws IOException {
        int fd = Libc.socket(SocketAddresses.family(address), SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            throw new IOException("socket: " + Errno.name(fd));
        }
        Libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1, scratch);
        if (config.reusePort()) {
            Libc.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1, scratch);
        }
        if (SocketAddresses.family(address) == SocketAddresses.AF_INET6) {
            Libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, scratch);
        }
        // Accepted sockets inherit it, which saves a system call for each.
        Libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1, scratch);
        int result = Libc.bind(fd, scratch, SocketAddresses.write(address, scratch));
        if (result >= 0) {
            result = Libc.listen(fd, backlog);
        }
        if (result < 0) {
            Libc.close(fd);
            throw new java.net.BindException(
                    "cannot listen on "
                            + SocketAddresses.format(address)
                            + ": "
                            + Errno.name(result)
                            + (result == -Errno.EADDRINUSE
                                    ? " (another process has this port)"
                                    : ""));
        }
        int listener = listenerCount++;
        if (listener == listenerFd.length) {
            listenerFd = Arrays.copyOf(listenerFd, listener * 2);
            listenerOpen = Arrays.copyOf(listenerOpen, listener * 2);
        }
        listenerFd[listener] = fd;
        listenerOpen[listener] = true;
        armAccept(listener);
        return listener;
    }

    private void armAccept(int listener) {
        entry(
                Ring.OP_ACCEPT,
                0,
                Ring.ACCEPT_MULTISHOT,
                listenerFd[listener],
                0,
                0,
                0,
                SOCK_CLOEXEC,
                userData(KIND_ACCEPT, listener),
                0);
    }

    @Override
    public InetSocketAddress listenAddress(int listener) {
        try {
            Memory.putInt(scratch + 32, SocketAddresses.BYTES_MAX);
            Libc.getsockname(listenerFd[listener], scratch, scratch + 32);
            return SocketAddresses.read(scratch);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void closeListener(int listener) {
        if (!listenerOpen[listener]) {
            return;
        }
        listenerOpen[listener] = false;
        entry(
                Ring.OP_ASYNC_CANCEL,
                0,
                0,
                -1,
                0,
                userData(KIND_ACCEPT, listener),
                0,
                0,
                userData(KIND_CANCEL_LISTENER, listener),
                0);
    }

    private int newSocket(int fd) {
        int socket = freeSockets.isEmpty() ? socketCount++ : freeSockets.pop();
        if (socket >= socketFd.length) {
            int length = socket * 2;
            socketFd = Arrays.copyOf(socketFd, length);
            socketState = Arrays.copyOf(socketState, length);
            socketInFlight = Arrays.copyOf(socketInFlight, length);
            sendAddress = Arrays.copyOf(sendAddress, length);
            sendLeft = Arrays.copyOf(sendLeft, length);
        }
        socketFd[socket] = fd;
        socketState[socket] = OPEN;
        socketInFlight[socket] = 0;
        return socket;
    }

    private void socketEntry(
            int opcode,
            int flags,
            int ioprio,
            int socket,
            long addr,
            int len,
            int opFlags,
            int kind) {
        entry(
                opcode,
                flags,
                ioprio,
                socketFd[socket],
                0,
                addr,
                len,
                opFlags,
                userData(kind, socket),
                BUFFER_GROUP);
        socketInFlight[socket]++;
    }

    /** @param pollFirst true where nothing is expected to be there yet: saves the first, vain attempt */
    private void armReceive(int socket, boolean pollFirst) {
        socketState[socket] |= RECEIVING;
        socketEntry(
                Ring.OP_RECV,
                Ring.BUFFER_SELECT,
                pollFirst ? Ring.RECV_MULTISHOT | Ring.RECVSEND_POLL_FIRST : Ring.RECV_MULTISHOT,
                socket,
                0,
                0,
                0,
                KIND_RECEIVE);
    }

    @Override
    public void send(int socket, long address, int length) {
        int state = socketState[socket];
        if ((state & (OPEN | SENDING | CLOSING)) != OPEN) {
            throw new IllegalStateException(
                    "send on socket "
                            + socket
                            + ((state & SENDING) != 0 ? ": one is in flight" : ": closed"));
        }
        socketState[socket] = state | SENDING;
        sendAddress[socket] = address;
        sendLeft[socket] = length;
        queueSend(socket);
    }

    private void queueSend(int socket) {
        if (sendLeft[socket] <= PROMPT_SEND_BYTES_MAX) {
            promptSendsQueued++;
        }
        socketEntry(
                Ring.OP_SEND,
                0,
                0,
                socket,
                sendAddress[socket],
                sendLeft[socket],
                MSG_WAITALL | MSG_NOSIGNAL,
                KIND_SEND);
    }

    @Override
    public void pauseReceive(int socket) {
        int state = socketState[socket];
        if ((state & OPEN) == 0 || (state & (PAUSED | CLOSING)) != 0) {
            return;
        }
        socketState[socket] = state | PAUSED;
        cancelReceive(socket);
    }

    private void cancelReceive(int socket) {
        if ((socketState[socket] & (RECEIVING | CANCELLING)) == RECEIVING) {
            socketState[socket] |= CANCELLING;
            socketEntry(
                    Ring.OP_ASYNC_CANCEL,
                    0,
                    0,
                    socket,
                    userData(KIND_RECEIVE, socket),
                    0,
                    0,
                    KIND_CANCEL);
        }
    }

    @Override
    public void resumeReceive(int socket) {
        int state = socketState[socket];
        if ((state & PAUSED) == 0 || (state & CLOSING) != 0) {
            return;
        }
        state &= ~PAUSED;
        socketState[socket] = state;
        // Where the cancelled receive has not ended yet, its end arms the new one.
        if ((state & (RECEIVING | ENDED | REARM_LISTED)) == 0) {
            armReceive(socket, false);
        }
    }

    @Override
    public int lastBytes(int socket) {
        return (socketState[socket] & (OPEN | CLOSING)) == OPEN
                ? Libc.lastBytes(socketFd[socket], scratch)
                : -1;
    }

    @Override
    public void closeSocket(int socket) {
        int state = socketState[socket];
        if ((state & OPEN) == 0 || (state & CLOSING) != 0) {
            return;
        }
        socketState[socket] = state | CLOSING;
        cancelReceive(socket);
        if ((state & SENDING) != 0) {
            socketEntry(
                    Ring.OP_ASYNC_CANCEL,
                    0,
                    0,
                    socket,
                    userData(KIND_SEND, socket),
                    0,
                    0,
                    KIND_CANCEL);
        }
        closeIfQuiet(socket);
    }

    /** The last completion of a closing socket queues the close itself. */
    private void closeIfQuiet(int socket) {
        if (socketInFlight[socket] == 0
                && (socketState[socket] & (CLOSING | CLOSE_QUEUED)) == CLOSING) {
            socketState[socket] |= CLOSE_QUEUED;
            socketEntry(Ring.OP_CLOSE, 0, 0, socket, 0, 0, 0, KIND_CLOSE);
        }
    }

    @Override
    public String peerAddress(int socket) {
        Memory.putInt(scratch + 32, SocketAddresses.BYTES_MAX);
        return formatAddress(Libc.getpeername(socketFd[socket], scratch, scratch + 32));
    }

    @Override
    public String localAddress(int socket) {
        Memory.putInt(scratch + 32, SocketAddresses.BYTES_MAX);
        return formatAddress(Libc.getsockname(socketFd[socket], scratch, scratch + 32));
    }

    /** Of what a call just wrote to the scratch memory; a peer that is gone has no address. */
    private String formatAddress(int result) {
        try {
            return result < 0 ? "?:0" : SocketAddresses.format(SocketAddresses.read(scratch));
        } catch (IOException e) {
            return "?:0";
        }
    }

    // The turn.

    @Override
    public int poll(long timeoutNanos) {
        giveBackBuffers();
        if (!wakeArmed) {
            armWake();
        }
        if (!rearm.isEmpty()) {
            rearmReceives();
        }
        if (!suspects.isEmpty()) {
            long now = System.nanoTime();
            if (now - suspectsNanos >= SUSPECTS_NANOS) {
                lookAtCrowd(now - suspectsNanos);
                suspectsNanos = now;
                endLostStreams();
            }
        }
        long timeout = timeoutNanos;
        if (!stalledListeners.isEmpty()) {
            timeout = retryAccept(timeout);
        }
        boolean wait = timeout != 0 && ring.completionsReady() == 0;
        if (wait && !WAKE_STATE.compareAndSet(this, AWAKE, ASLEEP)) {
            wait = false;
        }
        int result = submitAndWait(wait, timeout);
        if (wakeState != AWAKE) {
            // This turn serves the waker, who published what he woke us for before; a later wake()
            // is for the next.
            int ignored = (int) WAKE_STATE.getAndSet(this, AWAKE);
        }
        if (result < 0
                && result != -Errno.ETIME
                && result != -Errno.EINTR
                && result != -Errno.EBUSY
                && result != -Errno.EAGAIN) {
            throw new IllegalStateException("io_uring_enter: " + Errno.name(result));
        }
        return reap();
    }

    private int submitAndWait(boolean wait, long timeoutNanos) {
        int promptSends = promptSendsQueued;
        promptSendsQueued = 0;
        if (!wait) {
            return ring.submitAndWait(0, 0);
        }
        int requests = crowd.next();
        int patienceMicros = requests > 1 ? Crowd.PATIENCE_MICROS : PATIENCE_MICROS;
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
        // along only up to
        // a bound, because buffers come back and time goes on per turn.
        for (int left = ring.completionsReady(); left > 0; left--) {
            long cqe = ring.completion();
            long data = CqeLayout.userData(cqe);
            int result = CqeLayout.result(cqe);
            int flags = CqeLayout.flags(cqe);
            ring.completionSeen();
            if ((flags & Ring.CQE_F_MORE) == 0) {
                inFlight--;
            }
            if (deliver((int) (data >>> KIND_SHIFT), (int) data, result, flags)) {
                delivered++;
            }
        }
        return delivered;
    }

    /** @return whether a handler was called */
    private boolean deliver(int kind, int index, int result, int flags) {
        switch (kind) {
            case KIND_RECEIVE:
                return received(index, result, flags);
            case KIND_SEND:
                return sent(index, result);
            case KIND_FILE:
                operationWriteResult[index] = result;
                return fileDone(index);
            case KIND_FILE_SYNC:
                operationSyncResult[index] = result;
                return fileDone(index);
            case KIND_ACCEPT:
                return accepted(index, result, flags);
            case KIND_CANCEL:
                cancelled(index, result);
                return false;
            case KIND_CLOSE:
                return socketClosed(index);
            case KIND_CANCEL_LISTENER:
                Libc.close(listenerFd[index]);
                return false;
            case KIND_WAKE:
                wakeArmed = (flags & Ring.CQE_F_MORE) != 0;
                return false;
            case KIND_CANCEL_ALL:
                return false;
            default:
                throw new IllegalStateException("completion of unknown kind " + kind);
        }
    }

    private boolean received(int socket, int result, int flags) {
        int state = socketState[socket];
        boolean told = false;
        if ((flags & Ring.CQE_F_MORE) == 0) {
            state &= ~(RECEIVING | CANCELLING);
            socketState[socket] = state;
            socketInFlight[socket]--;
        }
        int buffer = flags >>> Ring.CQE_BUFFER_SHIFT;
        if ((flags & Ring.CQE_F_BUFFER) != 0) {
            lentBuffers[lentCount++] = buffer;
        }
        if ((state & CLOSING) == 0) {
            if (result > 0) {
                crowd.arrived();
                if ((state & SUSPECT) == 0) {
                    socketState[socket] = state | SUSPECT;
                    suspects.push(socket);
                }
                sockets.onReceive(socket, bufferAddress(buffer), result);
                told = true;
            } else if (result != -Errno.ENOBUFS && result != -Errno.ECANCELED) {
                socketState[socket] = state | ENDED;
                sockets.onReceive(socket, 0, result);
                told = true;
            }
        }
        if ((flags & Ring.CQE_F_MORE) == 0) {
            receiveEnded(socket);
        }
        return told;
    }

    /** The multishot receive is over; the handler may have paused or closed the socket meanwhile. */
    private void receiveEnded(int socket) {
        int state = socketState[socket];
        if ((state & CLOSING) != 0) {
            closeIfQuiet(socket);
        } else if ((state & (PAUSED | ENDED | RECEIVING | REARM_LISTED)) == 0) {
            socketState[socket] = state | REARM_LISTED;
            rearm.push(socket);
        }
    }

    private void rearmReceives() {
        while (!rearm.isEmpty()) {
            int socket = rearm.pop();
            int state = socketState[socket] & ~REARM_LISTED;
            socketState[socket] = state;
            if ((state & (OPEN | CLOSING | PAUSED | ENDED | RECEIVING)) == OPEN) {
                armReceive(socket, false);
            }
        }
    }

    /**
     * Linux (seen on 6.18) may lose the end of a stream that comes close behind data: the multishot
     * receive hands the data up, takes the two wake-ups for one, and waits for another. On a busy
     * machine that was one client of a thousand that sent and reset at once, one of ten thousand that
     * sent and shut down; each would keep its connection for ever. So each socket that received is
     * asked once afterwards whether its peer has gone; where it has, its receive is cancelled, and the
     * next one gets the end. At most one short system call per socket and half second.
     */
    private void endLostStreams() {
        while (!suspects.isEmpty()) {
            int socket = suspects.pop();
            int state = socketState[socket] & ~SUSPECT;
            socketState[socket] = state;
            if ((state & (OPEN | RECEIVING | CLOSING | PAUSED | CANCELLING))
                    == (OPEN | RECEIVING)) {
                if (Libc.isHungUp(socketFd[socket], scratch)) {
                    cancelReceive(socket);
                }
            }
        }
    }

    private void lookAtCrowd(long wallNanos) {
        long cpuNanos = Libc.threadCpuNanos(scratch);
        crowd.look(suspects.size(), cpuNanos - crowdCpuNanos, wallNanos);
        crowdCpuNanos = cpuNanos;
    }

    private void cancelled(int socket, int result) {
        socketInFlight[socket]--;
        int state = socketState[socket];
        if (result == -Errno.EALREADY
                && (state & RECEIVING) != 0
                && (state & (PAUSED | CLOSING)) != 0) {
            // The receive was just being served and may go on: ask again.
            socketState[socket] = state & ~CANCELLING;
            cancelReceive(socket);
        } else if (result < 0) {
            // It ends by itself; or, where it does not, may be cancelled another time.
            socketState[socket] = socketState[socket] & ~CANCELLING;
        }
        closeIfQuiet(socket);
    }

    private boolean sent(int socket, int result) {
        socketInFlight[socket]--;
        int state = socketState[socket];
        if ((state & CLOSING) != 0) {
            socketState[socket] = state & ~SENDING;
            closeIfQuiet(socket);
            return false;
        }
        if (result > 0 && result < sendLeft[socket]) {
            // MSG_WAITALL makes this rare: the kernel was interrupted half way.
            sendAddress[socket] += result;
            sendLeft[socket] -= result;
            queueSend(socket);
            return false;
        }
        if (result == -Errno.EINTR || result == -Errno.EAGAIN) {
            queueSend(socket);
            return false;
        }
        socketState[socket] = state & ~SENDING;
        sockets.onSent(socket, Math.min(result, 0));
        return true;
    }

    /** One completion of a file operation; the last one tells the owner. */
    private boolean fileDone(int slot) {
        if (--operationWaits[slot] > 0) {
            return false;
        }
        int written = operationWriteResult[slot];
        int synced = operationSyncResult[slot];
        long token = operationToken[slot];
        freeOperations.push(slot);
        // The sync is cancelled where the write failed or was short: then the write's result says
        // why.
        files.onFile(
                token, written >= 0 && synced < 0 && synced != -Errno.ECANCELED ? synced : written);
        return true;
    }

    private boolean accepted(int listener, int result, int flags) {
        boolean told = false;
        if (result >= 0) {
            if (listenerOpen[listener]) {
                int socket = newSocket(result);
                armReceive(socket, true);
                sockets.onAccept(listener, socket);
                told = true;
            } else {
                Libc.close(result);
            }
        }
        if ((flags & Ring.CQE_F_MORE) == 0 && listenerOpen[listener]) {
            if (result == -Errno.EMFILE || result == -Errno.ENFILE || result == -Errno.ENOMEM) {
                log.accept(
                        "cannot accept connections ("
                                + Errno.name(result)
                                + "): raise the limit of open files (ulimit -n) or lower maxclients");
                stalledListeners.push(listener);
                acceptRetryNanos = System.nanoTime() + ACCEPT_RETRY_NANOS;
            } else {
                armAccept(listener);
            }
        }
        return told;
    }

    /** Accepts again when the time has come. @return the timeout, shortened so that it will */
    private long retryAccept(long timeoutNanos) {
        long left = acceptRetryNanos - System.nanoTime();
        if (left > 0) {
            return timeoutNanos < 0 ? left : Math.min(timeoutNanos, left);
        }
        while (!stalledListeners.isEmpty()) {
            int listener = stalledListeners.pop();
            if (listenerOpen[listener]) {
                armAccept(listener);
            }
        }
        return timeoutNanos;
    }

    private boolean socketClosed(int socket) {
        socketInFlight[socket]--;
        socketState[socket] &= REARM_LISTED | SUSPECT;
        socketFd[socket] = -1;
        if (!stalledListeners.isEmpty()) {
            // A descriptor is free again.
            acceptRetryNanos = System.nanoTime();
        }
        sockets.onClosed(socket);
        freeSockets.push(socket);
        return true;
    }

    private long bufferAddress(int buffer) {
        return receiveMemory.address() + (long) buffer * receiveBufferStride;
    }

    private void addBuffer(int buffer) {
        long entry =
                bufferRing.address()
                        + (long) (bufferTail & bufferMask) * BufferRingLayout.ENTRY_BYTES;
        BufferRingLayout.fill(entry, bufferAddress(buffer), config.receiveBufferBytes(), buffer);
        bufferTail++;
    }

    private void giveBackBuffers() {
        int count = lentCount;
        if (count == 0) {
            return;
        }
        for (int i = 0; i < count; i++) {
            addBuffer(lentBuffers[i]);
        }
        lentCount = 0;
        Ring.publishBuffers(bufferRing.address(), (short) bufferTail);
    }

    // Waking.

    /** Multishot and edge-triggered: each write to the eventfd completes once, and nobody needs to read it. */
    private void armWake() {
        wakeArmed = true;
        entry(
                Ring.OP_POLL_ADD,
                0,
                0,
                wakeFd,
                0,
                0,
                Ring.POLL_ADD_MULTI,
                POLLIN,
                userData(KIND_WAKE, 0),
                0);
    }

    /** A system call only where the owner sleeps or is about to. */
    @Override
    public void wake() {
        if ((int) WAKE_STATE.getAndSet(this, WOKEN) == ASLEEP) {
            WakeWord.write(wakeFd);
        }
    }

    /** The eventfd adds the eight bytes written; constant, so that wakers share it. */
    private static final class WakeWord {
        private static final long ADDRESS = one();

        private static long one() {
            // Lives as long as the class: eight bytes, not worth an owner.
            long address = Libc.alignedAlloc(64, 64);
            Memory.putLong(address, 1);
            return address;
        }

        static void write(int fd) {
            Libc.write(fd, ADDRESS, Long.BYTES);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        cancelEverything();
        ring.close();
        for (int socket = 0; socket < socketCount; socket++) {
            if ((socketState[socket] & OPEN) != 0 && socketFd[socket] >= 0) {
                Libc.close(socketFd[socket]);
            }
        }
        for (int listener = 0; listener < listenerCount; listener++) {
            if (listenerOpen[listener]) {
                Libc.close(listenerFd[listener]);
            }
        }
        for (int file = 0; file < fileCount; file++) {
            if (fileFd[file] >= 0) {
                Libc.close(fileFd[file]);
            }
        }
        Libc.close(wakeFd);
        releaseMemory();
    }

    /** Nothing may write to our memory after it is unmapped: cancel, and wait until the kernel is done. */
    private void cancelEverything() {
        try {
            entry(
                    Ring.OP_ASYNC_CANCEL,
                    0,
                    0,
                    -1,
                    0,
                    0,
                    0,
                    Ring.CANCEL_ALL | Ring.CANCEL_ANY,
                    userData(KIND_CANCEL_ALL, 0),
                    0);
            while (inFlight > 0) {
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
                    int kind = (int) (data >>> KIND_SHIFT);
                    if (kind == KIND_CANCEL_LISTENER
                            || kind == KIND_CLOSE && CqeLayout.result(cqe) >= 0) {
                        closedMeanwhile(kind, (int) data);
                    } else if (kind == KIND_ACCEPT && CqeLayout.result(cqe) >= 0) {
                        Libc.close(CqeLayout.result(cqe));
                    }
                    if ((CqeLayout.flags(cqe) & Ring.CQE_F_MORE) == 0) {
                        inFlight--;
                    }
                    ring.completionSeen();
                }
            }
        } catch (IllegalStateException notOurs) {
            // Closed by a thread that does not own the ring: the kernel cancels when the ring goes.
            log.accept("io_uring closed with operations in flight: " + notOurs.getMessage());
        }
    }

    private void closedMeanwhile(int kind, int index) {
        if (kind == KIND_CLOSE) {
            socketFd[index] = -1;
        } else {
            Libc.close(listenerFd[index]);
        }
    }

    private void releaseMemory() {
        receiveMemory.close();
        bufferRing.close();
        Memory.free(scratch, SCRATCH_BYTES, MemoryTag.RING);
    }
}
