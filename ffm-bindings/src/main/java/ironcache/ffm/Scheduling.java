package ironcache.ffm;

/** How the kernel schedules the calling thread. */
public final class Scheduling {
    static final int BATCH = 3;

    private static final int SCRATCH_BYTES = 8;

    private Scheduling() {}

    /**
     * From now on the thread, when it is woken, does not take the core from another at once (SCHED_BATCH); no privilege is needed. For threads that share cores and locks: who
     * takes the core from one that has a lock waits for it next.
     *
     * @return whether the kernel obeys; where it does not, nothing changes
     */
    public static boolean yieldWhenWoken() {
        long scratch = Memory.allocate(SCRATCH_BYTES, MemoryTag.OTHER);
        try {
            return Libc.setScheduler(BATCH, scratch) == 0;
        } finally {
            Memory.free(scratch, SCRATCH_BYTES, MemoryTag.OTHER);
        }
    }
}
