package ironcache.ffm;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Ends the sleep of a {@link UringIo} from other threads: an eventfd that the ring polls, and a state
 * that spares its write where the owner is awake.
 *
 * <p>{@link #wake} is for any thread, all else for the thread of its {@link UringIo}. Memory owned:
 * none but a constant word that all wakers share.
 */
final class UringWaker {
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int EFD_NONBLOCK = 0x800;
    private static final int POLLIN = 1;

    private static final int AWAKE = 0;
    private static final int ASLEEP = 1;
    private static final int WOKEN = 2;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(UringWaker.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final UringSubmissions submissions;

    /** The eventfd, or a negated errno. */
    private final int descriptor;

    private volatile int state;
    private boolean armed;

    UringWaker(UringSubmissions submissions) {
        this.submissions = submissions;
        this.descriptor = Libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }

    /** Of making it. @return a descriptor or a negated errno */
    int result() {
        return descriptor;
    }

    /** Whether the ring polls the eventfd. */
    boolean armed() {
        return armed;
    }

    /** Multishot and edge-triggered: each write to the eventfd completes once, and nobody needs to read it. */
    void arm() {
        armed = true;
        submissions.add(
                Ring.OP_POLL_ADD,
                0,
                0,
                descriptor,
                0,
                0,
                Ring.POLL_ADD_MULTI,
                POLLIN,
                UserData.of(UserData.WAKE, 0),
                0);
    }

    /** A completion of the poll: {@code more} says whether others follow. */
    void completed(boolean more) {
        armed = more;
    }

    /** The owner is about to sleep. @return false where it was woken since it rose and must not */
    boolean fallAsleep() {
        return STATE.compareAndSet(this, AWAKE, ASLEEP);
    }

    /** The owner is awake, whether it slept or not. */
    void rise() {
        if (state != AWAKE) {
            // This turn serves the waker, who published what he woke us for before; a later wake()
            // is for the next.
            int ignored = (int) STATE.getAndSet(this, AWAKE);
        }
    }

    /** A system call only where the owner sleeps or is about to. */
    void wake() {
        if ((int) STATE.getAndSet(this, WOKEN) == ASLEEP) {
            WakeWord.write(descriptor);
        }
    }

    void close() {
        Libc.close(descriptor);
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
}
