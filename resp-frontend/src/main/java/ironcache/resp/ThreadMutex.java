package ironcache.resp;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * A {@link Mutex} of the machine's threads, for locks that are had for microseconds: who finds it taken spins for a moment and then sleeps. Unlike the JDK's it can be
 * unlocked without waking anybody yet. Not reentrant.
 *
 * <p>Fair, it is handed to who has waited longest; else whoever comes first gets it, and the woken tries again: nobody waits for a
 * sleeper's wake-up.
 */
final class ThreadMutex implements Mutex {
    /** About two microseconds: to sleep and be woken takes longer. */
    private static final int SPINS = 64;

    private static final int FREE = 0;
    private static final int TAKEN = 1;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(ThreadMutex.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final boolean fair;

    /** Who sleeps, or is about to; the first may take it. */
    private final ConcurrentLinkedQueue<Thread> waiters = new ConcurrentLinkedQueue<>();

    @SuppressWarnings("UnusedVariable") // through STATE
    private volatile int state;

    ThreadMutex(boolean fair) {
        this.fair = fair;
    }

    @Override
    public boolean tryLock() {
        return (!fair || waiters.isEmpty()) && acquire();
    }

    private boolean acquire() {
        return state == FREE && STATE.compareAndSet(this, FREE, TAKEN);
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // A thread is itself.
    public void lock() {
        for (int i = 0; i < SPINS; i++) {
            if (tryLock()) {
                return;
            }
            Thread.onSpinWait();
        }
        Thread self = Thread.currentThread();
        waiters.add(self);
        // Who unlocks after this sees us; who did before left it free for us.
        while (waiters.peek() != self || !acquire()) {
            LockSupport.park(this);
        }
        waiters.remove();
    }

    @Override
    public boolean unlock() {
        state = FREE;
        return !waiters.isEmpty();
    }

    @Override
    public void wakeNext() {
        Thread next = waiters.peek();
        if (next != null) {
            LockSupport.unpark(next);
        }
    }
}
