package ironcache.resp;

/**
 * Mutual exclusion between the threads of a node. A seam: under the simulator all of them are coroutines of one thread, and which goes on is
 * decided by the seed.
 */
interface Mutex {
    void lock();

    /** @return false: another thread has it */
    boolean tryLock();

    /** @return whether somebody may wait for {@link #wakeNext}, which the caller owes him */
    boolean unlock();

    /** Wakes who has waited longest. Not part of {@link #unlock}: who is woken may take the core at once, from one who still has other locks. */
    void wakeNext();

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
                public boolean unlock() {
                    return false;
                }

                @Override
                public void wakeNext() {}
            };
}
