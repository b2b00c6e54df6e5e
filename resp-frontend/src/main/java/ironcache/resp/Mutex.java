package ironcache.resp;

import java.util.concurrent.locks.ReentrantLock;

/**
 * Mutual exclusion between the threads of a node. A seam: under the simulator all of them are coroutines of one thread, and which goes on is
 * decided by the seed.
 */
interface Mutex {
    void lock();

    /** @return false: another thread has it */
    boolean tryLock();

    void unlock();

    /** What there are several of in one node. */
    interface Source {
        /** @param fair who has waited longest comes next */
        Mutex create(boolean fair);
    }

    /** Of a node with one thread. */
    Mutex NONE =
            new Mutex() {
                @Override
                public void lock() {}

                @Override
                public boolean tryLock() {
                    return true;
                }

                @Override
                public void unlock() {}
            };

    /** Between the machine's threads. */
    Source OF_THREADS = OfThreads::new;

    /** The JDK's. */
    final class OfThreads extends ReentrantLock implements Mutex {
        private static final long serialVersionUID = 1L;

        private OfThreads(boolean fair) {
            super(fair);
        }
    }
}
