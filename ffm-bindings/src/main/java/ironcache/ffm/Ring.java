package ironcache.ffm;

import ironcache.ffm.liburing.IoUring;
import ironcache.ffm.liburing.io_cqring_offsets;
import ironcache.ffm.liburing.io_sqring_offsets;
import ironcache.ffm.liburing.io_uring_buf_reg;
import ironcache.ffm.liburing.io_uring_getevents_arg;
import ironcache.ffm.liburing.io_uring_params;
import ironcache.ffm.liburing.io_uring_rsrc_register;
import ironcache.ffm.liburing.io_uring_rsrc_update2;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * An io_uring: setup, entries, submission, completions, registered files and buffers. Knows nothing
 * of sockets or files beyond their entries; {@link UringIo} gives them meaning.
 *
 * <p>Whatever makes the system calls ({@link RingCalls}), entries and completions are plain memory
 * accesses here. Order with the kernel: the tail of submissions and the head of completions are
 * stored with release, the other two loaded with acquire, as liburing's barrier.h does.
 *
 * <p>The ring is made disabled, so that one thread can prepare it and another own it: the thread
 * that calls {@link #enable} (or first enters) is the owner from then on; the kernel refuses others
 * (SINGLE_ISSUER). Memory: the kernel's mappings, and one small block under {@link MemoryTag#RING}.
 */
final class Ring implements AutoCloseable {
    static final int OP_NOP = IoUring.IORING_OP_NOP();
    static final int OP_FSYNC = IoUring.IORING_OP_FSYNC();
    static final int OP_READ_FIXED = IoUring.IORING_OP_READ_FIXED();
    static final int OP_WRITE_FIXED = IoUring.IORING_OP_WRITE_FIXED();
    static final int OP_READ = IoUring.IORING_OP_READ();
    static final int OP_WRITE = IoUring.IORING_OP_WRITE();
    static final int OP_POLL_ADD = IoUring.IORING_OP_POLL_ADD();
    static final int OP_ACCEPT = IoUring.IORING_OP_ACCEPT();
    static final int OP_ASYNC_CANCEL = IoUring.IORING_OP_ASYNC_CANCEL();
    static final int OP_FALLOCATE = IoUring.IORING_OP_FALLOCATE();
    static final int OP_CLOSE = IoUring.IORING_OP_CLOSE();
    static final int OP_SEND = IoUring.IORING_OP_SEND();
    static final int OP_RECV = IoUring.IORING_OP_RECV();

    static final int FIXED_FILE = 1 << IoUring.IOSQE_FIXED_FILE_BIT();
    static final int LINK = 1 << IoUring.IOSQE_IO_LINK_BIT();
    static final int ASYNC = 1 << IoUring.IOSQE_ASYNC_BIT();
    static final int SKIP_SUCCESS = 1 << IoUring.IOSQE_CQE_SKIP_SUCCESS_BIT();
    static final int BUFFER_SELECT = 1 << IoUring.IOSQE_BUFFER_SELECT_BIT();

    static final int FSYNC_DATASYNC = IoUring.IORING_FSYNC_DATASYNC();

    static final int POLL_ADD_MULTI = IoUring.IORING_POLL_ADD_MULTI();
    static final int RECVSEND_POLL_FIRST = IoUring.IORING_RECVSEND_POLL_FIRST();
    static final int RECV_MULTISHOT = IoUring.IORING_RECV_MULTISHOT();
    static final int ACCEPT_MULTISHOT = IoUring.IORING_ACCEPT_MULTISHOT();
    static final int CANCEL_ALL = IoUring.IORING_ASYNC_CANCEL_ALL();
    static final int CANCEL_ANY = IoUring.IORING_ASYNC_CANCEL_ANY();

    static final int CQE_F_BUFFER = IoUring.IORING_CQE_F_BUFFER();
    static final int CQE_F_MORE = IoUring.IORING_CQE_F_MORE();
    static final int CQE_BUFFER_SHIFT = IoUring.IORING_CQE_BUFFER_SHIFT();

    private static final int SETUP_SQPOLL = IoUring.IORING_SETUP_SQPOLL();
    private static final int SETUP_NO_SQARRAY = IoUring.IORING_SETUP_NO_SQARRAY();
    private static final int SETUP_DEFER_TASKRUN = IoUring.IORING_SETUP_DEFER_TASKRUN();
    private static final int SETUP_SINGLE_ISSUER = IoUring.IORING_SETUP_SINGLE_ISSUER();
    private static final int SETUP_COOP_TASKRUN = IoUring.IORING_SETUP_COOP_TASKRUN();
    private static final int SETUP_TASKRUN_FLAG = IoUring.IORING_SETUP_TASKRUN_FLAG();
    private static final int SETUP_ALWAYS =
            IoUring.IORING_SETUP_CQSIZE()
                    | IoUring.IORING_SETUP_CLAMP()
                    | IoUring.IORING_SETUP_R_DISABLED()
                    | IoUring.IORING_SETUP_SUBMIT_ALL();

    private static final int SQ_NEED_WAKEUP = IoUring.IORING_SQ_NEED_WAKEUP();
    private static final int SQ_CQ_OVERFLOW = IoUring.IORING_SQ_CQ_OVERFLOW();
    private static final int SQ_TASKRUN = IoUring.IORING_SQ_TASKRUN();

    private static final int ENTER_GETEVENTS = IoUring.IORING_ENTER_GETEVENTS();
    private static final int ENTER_SQ_WAKEUP = IoUring.IORING_ENTER_SQ_WAKEUP();
    private static final int ENTER_SQ_WAIT = IoUring.IORING_ENTER_SQ_WAIT();
    private static final int ENTER_EXT_ARG = IoUring.IORING_ENTER_EXT_ARG();

    private static final int FEATURES_NEEDED =
            IoUring.IORING_FEAT_SINGLE_MMAP()
                    | IoUring.IORING_FEAT_NODROP()
                    | IoUring.IORING_FEAT_EXT_ARG();

    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();
    private static final VarHandle SHORT =
            ValueLayout.JAVA_SHORT.varHandle().withInvokeExactBehavior();

    // The small block: room for each argument structure, then the waiting argument and its time.
    private static final int SCRATCH = 0;
    private static final int SCRATCH_BYTES = 256;
    private static final int WAIT_ARGUMENT = SCRATCH + SCRATCH_BYTES;
    private static final int WAIT_ARGUMENT_BYTES = 24;
    private static final int WAIT_TIME = WAIT_ARGUMENT + 32;
    private static final int BLOCK_BYTES = WAIT_TIME + 32;

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** Eleven days: where the caller has no limit but the kernel wants one. */
    private static final long FOR_EVER_NANOS = 1_000_000 * NANOS_PER_SECOND;

    private final RingCalls calls;
    private final int fd;
    private final int setupFlags;
    private final int enterFlagsAlways;
    private final boolean patience;
    private final long block;

    private final long ringMemory;
    private final long ringBytes;
    private final long sqeMemory;
    private final long sqeBytes;

    private final long sqHead;
    private final long sqTail;
    private final long sqFlags;
    private final int sqEntries;
    private final int sqMask;
    private final long cqHead;
    private final long cqTail;
    private final long cqes;
    private final int cqMask;
    private final int cqEntries;

    /** Next entry to fill; published to the kernel in {@link #submitAndWait}. */
    private int localSqTail;

    /** Entries published before this one were taken by the kernel. Not used with SQPOLL. */
    private int submittedSqTail;

    private int localCqHead;

    /** What enter is called with: the descriptor, or its number in the owner's table of ring descriptors. */
    private int enterFd;

    private int enterFdFlag;
    private boolean enabled;
    private boolean closed;
    private long ownerId = -1;

    /** A kernel's refusal: no io_uring here. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;
        private final int errno;

        Refused(int errno, String message) {
            super(message, null, false, false);
            this.errno = errno;
        }

        /** Positive errno, 0 where a needed feature is missing. */
        int errno() {
            return errno;
        }
    }

    /**
     * @param sqEntries entries of the submission ring; the kernel rounds up to a power of two
     * @param cqEntries entries of the completion ring
     * @param sqpollIdleMillis how long the kernel's submission thread spins before it sleeps; -1: no such thread
     */
    static Ring open(RingCalls calls, int sqEntries, int cqEntries, int sqpollIdleMillis)
            throws Refused {
        int block = BLOCK_BYTES;
        long params = Memory.allocate(block, MemoryTag.RING);
        try {
            int[] attempts =
                    sqpollIdleMillis >= 0
                            ? new int[] {
                                SETUP_SQPOLL | SETUP_SINGLE_ISSUER | SETUP_NO_SQARRAY,
                                SETUP_SQPOLL | SETUP_SINGLE_ISSUER
                            }
                            : new int[] {
                                SETUP_SINGLE_ISSUER
                                        | SETUP_DEFER_TASKRUN
                                        | SETUP_TASKRUN_FLAG
                                        | SETUP_NO_SQARRAY,
                                SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN | SETUP_TASKRUN_FLAG,
                                SETUP_COOP_TASKRUN | SETUP_TASKRUN_FLAG,
                                0
                            };
            int result = -Errno.EINVAL;
            for (int attempt = 0; attempt < attempts.length && result == -Errno.EINVAL; attempt++) {
                // An older kernel answers EINVAL to a flag it does not know: ask for less.
                Memory.fill(params, SCRATCH_BYTES, (byte) 0);
                Memory.putInt(
                        params + io_uring_params.flags$offset(), attempts[attempt] | SETUP_ALWAYS);
                Memory.putInt(params + io_uring_params.cq_entries$offset(), cqEntries);
                Memory.putInt(
                        params + io_uring_params.sq_thread_idle$offset(),
                        Math.max(0, sqpollIdleMillis));
                result = calls.setup(sqEntries, params);
            }
            if (result < 0) {
                throw new Refused(-result, "io_uring_setup: " + Errno.name(result));
            }
            int features = Memory.getInt(params + io_uring_params.features$offset());
            if ((features & FEATURES_NEEDED) != FEATURES_NEEDED) {
                Libc.close(result);
                throw new Refused(0, "this kernel's io_uring lacks features that need Linux 5.11");
            }
            return new Ring(calls, result, params);
        } catch (Refused | RuntimeException | Error e) {
            Memory.free(params, block, MemoryTag.RING);
            throw e;
        }
    }

    private Ring(RingCalls calls, int fd, long block) throws Refused {
        this.calls = calls;
        this.fd = fd;
        this.enterFd = fd;
        this.block = block;
        this.setupFlags = Memory.getInt(block + io_uring_params.flags$offset());
        int features = Memory.getInt(block + io_uring_params.features$offset());
        // An idle server must not look like one that waits for disks.
        this.enterFlagsAlways =
                (features & IoUring.IORING_FEAT_NO_IOWAIT()) != 0
                        ? IoUring.IORING_ENTER_NO_IOWAIT()
                        : 0;
        this.patience = (features & IoUring.IORING_FEAT_MIN_TIMEOUT()) != 0;
        this.sqEntries = Memory.getInt(block + io_uring_params.sq_entries$offset());
        this.cqEntries = Memory.getInt(block + io_uring_params.cq_entries$offset());

        long sq = block + io_uring_params.sq_off$offset();
        long cq = block + io_uring_params.cq_off$offset();
        long sqArray = Integer.toUnsignedLong(Memory.getInt(sq + io_sqring_offsets.array$offset()));
        long cqesOffset =
                Integer.toUnsignedLong(Memory.getInt(cq + io_cqring_offsets.cqes$offset()));
        long sqBytes = hasSqArray() ? sqArray + 4L * sqEntries : 0;
        this.ringBytes = Math.max(sqBytes, cqesOffset + (long) cqEntries * CqeLayout.BYTES);
        this.sqeBytes = (long) sqEntries * SqeLayout.BYTES;
        this.ringMemory = map(ringBytes, IoUring.IORING_OFF_SQ_RING());
        this.sqeMemory = map(sqeBytes, IoUring.IORING_OFF_SQES());
        MemoryTag.RING.add(ringBytes + sqeBytes);

        this.sqHead = at(sq, io_sqring_offsets.head$offset());
        this.sqTail = at(sq, io_sqring_offsets.tail$offset());
        this.sqFlags = at(sq, io_sqring_offsets.flags$offset());
        this.sqMask = Memory.getInt(at(sq, io_sqring_offsets.ring_mask$offset()));
        this.cqHead = at(cq, io_cqring_offsets.head$offset());
        this.cqTail = at(cq, io_cqring_offsets.tail$offset());
        this.cqMask = Memory.getInt(at(cq, io_cqring_offsets.ring_mask$offset()));
        this.cqes = ringMemory + cqesOffset;
        this.localSqTail = Memory.getInt(sqTail);
        this.submittedSqTail = localSqTail;
        this.localCqHead = Memory.getInt(cqHead);
        if (hasSqArray()) {
            // Entries are used in ring order, so the indirection is the identity for ever.
            for (int i = 0; i < sqEntries; i++) {
                Memory.putInt(ringMemory + sqArray + 4L * i, i);
            }
        }
        Memory.putLong(
                block + WAIT_ARGUMENT + io_uring_getevents_arg.ts$offset(), block + WAIT_TIME);
    }

    private boolean hasSqArray() {
        return (setupFlags & SETUP_NO_SQARRAY) == 0;
    }

    private long at(long offsets, long field) {
        return ringMemory + Integer.toUnsignedLong(Memory.getInt(offsets + field));
    }

    private long map(long bytes, long offset) throws Refused {
        long result =
                Libc.mmap(
                        0,
                        bytes,
                        Libc.PROT_READ | Libc.PROT_WRITE,
                        Libc.MAP_SHARED | Libc.MAP_POPULATE,
                        fd,
                        offset);
        if (result < 0 && result > -4096) {
            Libc.close(fd);
            throw new Refused((int) -result, "mmap of the ring: " + Errno.name((int) result));
        }
        return result;
    }

    /** How system calls are made and which modes the kernel granted, for the log. */
    String description() {
        return calls.name()
                + ((setupFlags & SETUP_SQPOLL) != 0 ? ", SQPOLL" : "")
                + ((setupFlags & SETUP_SINGLE_ISSUER) != 0 ? ", SINGLE_ISSUER" : "")
                + ((setupFlags & SETUP_DEFER_TASKRUN) != 0 ? ", DEFER_TASKRUN" : "")
                + ((setupFlags & SETUP_NO_SQARRAY) != 0 ? ", NO_SQARRAY" : "");
    }

    int fd() {
        return fd;
    }

    int submissionEntries() {
        return sqEntries;
    }

    int completionEntries() {
        return cqEntries;
    }

    /** The calling thread becomes the owner. */
    void enable() {
        if (enabled) {
            return;
        }
        enabled = true;
        ownerId = Thread.currentThread().threadId();
        int result = calls.register(fd, IoUring.IORING_REGISTER_ENABLE_RINGS(), 0, 0);
        if (result < 0) {
            throw new IllegalStateException("enabling the ring: " + Errno.name(result));
        }
        // Entering through a registered descriptor saves the lookup of the file per system call.
        long update = scratch(16);
        Memory.putInt(update, -1);
        Memory.putLong(update + 8, fd);
        if (calls.register(fd, IoUring.IORING_REGISTER_RING_FDS(), update, 1) == 1) {
            enterFd = Memory.getInt(update);
            enterFdFlag = IoUring.IORING_ENTER_REGISTERED_RING();
        }
    }

    // Submission.

    /** Entries that can be filled before the ring must be handed over. */
    int submissionSpace() {
        int head = (int) INT.getAcquire(Memory.all(), sqHead);
        return sqEntries - (localSqTail - head);
    }

    /** Makes room for {@code count} entries, which will be submitted together (a chain of linked ones). */
    void ensureSpace(int count) {
        while (submissionSpace() < count) {
            flush();
        }
    }

    /** Address of the next entry to fill; the caller fills all of it. Hands over the ring where it is full. */
    long nextEntry() {
        if (submissionSpace() == 0) {
            ensureSpace(1);
        }
        long sqe = sqeMemory + ((long) (localSqTail & sqMask) << SqeLayout.BYTES_SHIFT);
        localSqTail++;
        return sqe;
    }

    /** Hands over what is filled, without waiting, and makes room. */
    private void flush() {
        // With a submission thread in the kernel, room appears when it has taken entries: wait for
        // that.
        if (!handOver(sqpoll() ? ENTER_SQ_WAIT : 0)) {
            // Completions overflowed and the kernel wants them taken off first; let it move them
            // into the ring.
            enter(0, 0, ENTER_GETEVENTS, 0);
        }
    }

    /** Filled entries that are not handed over yet. */
    int unsubmitted() {
        return localSqTail - submittedSqTail;
    }

    /** Hands over what is filled, without waiting. Where the kernel takes nothing now, {@link #submitAndWait} will. */
    void submit() {
        handOver(0);
    }

    /** @return false: the kernel takes nothing now */
    private boolean handOver(int flags) {
        int result = enter(0, 0, flags, 0);
        if (result == -Errno.EBUSY || result == -Errno.EAGAIN) {
            return false;
        }
        if (result < 0 && result != -Errno.EINTR) {
            throw new IllegalStateException("io_uring_enter: " + Errno.name(result));
        }
        return true;
    }

    private boolean sqpoll() {
        return (setupFlags & SETUP_SQPOLL) != 0;
    }

    /**
     * Hands over what is filled and waits for {@code minComplete} completions, at most {@code
     * timeoutNanos} (negative: without limit). One system call; none where there is nothing to hand
     * over, nothing to wait for, and no work of the kernel pending.
     *
     * @param patienceMicros where positive and the kernel knows it ({@link #hasPatience}): after this
     *     time a single completion is enough
     * @return 0 or more, or a negated errno of which ETIME and EINTR are normal
     */
    int submitAndWait(int minComplete, int patienceMicros, long timeoutNanos) {
        long argumentBytes = 0;
        int flags = ENTER_GETEVENTS;
        if (minComplete > 0) {
            if (timeoutNanos >= 0 || patienceMicros > 0) {
                long time = block + WAIT_TIME;
                long nanos = timeoutNanos >= 0 ? timeoutNanos : FOR_EVER_NANOS;
                Memory.putLong(time, nanos / NANOS_PER_SECOND);
                Memory.putLong(time + 8, nanos % NANOS_PER_SECOND);
                Memory.putInt(
                        block + WAIT_ARGUMENT + io_uring_getevents_arg.pad$offset(),
                        patienceMicros);
                flags |= ENTER_EXT_ARG;
                argumentBytes = WAIT_ARGUMENT_BYTES;
            }
        } else {
            int state = (int) INT.getVolatile(Memory.all(), sqFlags);
            boolean kernelHasWork = (state & (SQ_TASKRUN | SQ_CQ_OVERFLOW)) != 0 || !tellsOfWork();
            if (!kernelHasWork && unsubmitted() == 0) {
                return 0;
            }
        }
        return enter(minComplete, argumentBytes, flags, block + WAIT_ARGUMENT);
    }

    int submitAndWait(int minComplete, long timeoutNanos) {
        return submitAndWait(minComplete, 0, timeoutNanos);
    }

    /** Whether waiting for several completions can be bounded by patience (Linux 6.12). */
    boolean hasPatience() {
        return patience;
    }

    /** Whether the kernel sets a flag when work waits for the owner to enter. */
    private boolean tellsOfWork() {
        return (setupFlags & (SETUP_TASKRUN_FLAG | SETUP_SQPOLL)) != 0;
    }

    private int enter(int minComplete, long argumentBytes, int flags, long argument) {
        if (!enabled) {
            enable();
        }
        int toSubmit = unsubmitted();
        if (toSubmit != 0) {
            INT.setRelease(Memory.all(), sqTail, localSqTail);
        }
        int allFlags = flags | enterFdFlag;
        if (sqpoll()) {
            submittedSqTail = localSqTail;
            // The tail must be visible before the flag is read, or a sleeping kernel thread is
            // missed.
            VarHandle.fullFence();
            if (((int) INT.getOpaque(Memory.all(), sqFlags) & SQ_NEED_WAKEUP) != 0) {
                allFlags |= ENTER_SQ_WAKEUP;
            } else if (minComplete == 0
                    && (flags & ENTER_SQ_WAIT) == 0
                    && !completionsOverflowed()) {
                return 0;
            }
        }
        if ((allFlags & ENTER_GETEVENTS) != 0) {
            allFlags |= enterFlagsAlways;
        }
        int result =
                calls.enter(
                        enterFd,
                        toSubmit,
                        minComplete,
                        allFlags,
                        argumentBytes == 0 ? 0 : argument,
                        argumentBytes);
        if (result > 0 && !sqpoll()) {
            submittedSqTail += result;
        }
        return result;
    }

    private boolean completionsOverflowed() {
        return ((int) INT.getOpaque(Memory.all(), sqFlags) & SQ_CQ_OVERFLOW) != 0;
    }

    // Completions.

    /** Number of completions that can be read now. */
    int completionsReady() {
        return (int) INT.getAcquire(Memory.all(), cqTail) - localCqHead;
    }

    /** Address of the first unread completion; valid where {@link #completionsReady} is positive. */
    long completion() {
        return cqes + ((long) (localCqHead & cqMask) << CqeLayout.BYTES_SHIFT);
    }

    /** Gives the first unread completion back to the kernel. */
    void completionSeen() {
        localCqHead++;
        INT.setRelease(Memory.all(), cqHead, localCqHead);
    }

    // Registered resources.

    /** A table of {@code count} empty slots for files. @return 0 or a negated errno */
    int registerSparseFiles(int count) {
        return registerSparse(IoUring.IORING_REGISTER_FILES2(), count);
    }

    /** A table of {@code count} empty slots for buffers. @return 0 or a negated errno */
    int registerSparseBuffers(int count) {
        return registerSparse(IoUring.IORING_REGISTER_BUFFERS2(), count);
    }

    private int registerSparse(int opcode, int count) {
        long argument = scratch(32);
        Memory.putInt(argument + io_uring_rsrc_register.nr$offset(), count);
        Memory.putInt(
                argument + io_uring_rsrc_register.flags$offset(),
                IoUring.IORING_RSRC_REGISTER_SPARSE());
        return calls.register(fd, opcode, argument, 32);
    }

    /** Puts a descriptor into a slot, or empties it with -1. @return 1 or a negated errno */
    int updateFile(int slot, int descriptor) {
        long argument = scratch(64);
        Memory.putInt(argument + 40, descriptor);
        return update(IoUring.IORING_REGISTER_FILES_UPDATE2(), argument, slot, argument + 40);
    }

    /** Puts a buffer into a slot, pinning its memory, or empties it with 0 bytes. @return 1 or a negated errno */
    int updateBuffer(int slot, long address, long bytes) {
        long argument = scratch(64);
        // One struct iovec.
        Memory.putLong(argument + 40, address);
        Memory.putLong(argument + 48, bytes);
        return update(IoUring.IORING_REGISTER_BUFFERS_UPDATE(), argument, slot, argument + 40);
    }

    private int update(int opcode, long argument, int slot, long data) {
        Memory.putInt(argument + io_uring_rsrc_update2.offset$offset(), slot);
        Memory.putLong(argument + io_uring_rsrc_update2.data$offset(), data);
        Memory.putInt(argument + io_uring_rsrc_update2.nr$offset(), 1);
        return calls.register(fd, opcode, argument, 32);
    }

    /**
     * Makes {@code ring} the ring of provided buffers of a group.
     *
     * @param ring page-aligned memory of {@code entries} × 16 bytes; entries is a power of two
     * @return 0 or a negated errno
     */
    int registerBufferRing(long ring, int entries, int group) {
        long argument = scratch(40);
        Memory.putLong(argument + io_uring_buf_reg.ring_addr$offset(), ring);
        Memory.putInt(argument + io_uring_buf_reg.ring_entries$offset(), entries);
        Memory.putShort(argument + io_uring_buf_reg.bgid$offset(), (short) group);
        return calls.register(fd, IoUring.IORING_REGISTER_PBUF_RING(), argument, 1);
    }

    /** Shows the kernel the buffers added to a ring of provided buffers up to {@code tail}. */
    static void publishBuffers(long ring, short tail) {
        SHORT.setRelease(Memory.all(), ring + BufferRingLayout.TAIL, tail);
    }

    private long scratch(int bytes) {
        Memory.fill(block + SCRATCH, bytes, (byte) 0);
        return block + SCRATCH;
    }

    /**
     * Closes the ring. Operations in flight are cancelled by the kernel at its leisure; who cares for
     * the memory they use cancels and reaps them first.
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (enterFdFlag != 0 && Thread.currentThread().threadId() == ownerId) {
            // A registered descriptor keeps the ring alive until its thread ends.
            long update = scratch(16);
            Memory.putInt(update, enterFd);
            calls.register(fd, IoUring.IORING_UNREGISTER_RING_FDS(), update, 1);
        }
        Libc.munmap(sqeMemory, sqeBytes);
        Libc.munmap(ringMemory, ringBytes);
        Libc.close(fd);
        MemoryTag.RING.add(-(ringBytes + sqeBytes));
        Memory.free(block, BLOCK_BYTES, MemoryTag.RING);
    }
}
