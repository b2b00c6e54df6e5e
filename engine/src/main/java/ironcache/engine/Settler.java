package ironcache.engine;

import java.util.ArrayDeque;

/**
 * Settles shadows in the background: reads the old records that blind writes may have superseded, in batches, and removes those that were. One owner
 * thread.
 */
final class Settler {
    static final int WAITER = 1;

    private static final int BATCH = 128;

    private final Store store;
    private final long[] batch = new long[BATCH];
    private int count;
    private int position;
    private boolean reading;

    /** Frontend waiters that want no shadow left (DBSIZE). */
    private final ArrayDeque<Integer> waiters = new ArrayDeque<>();

    Settler(Store store) {
        this.store = store;
    }

    /** The waiter is told when every shadow is settled; until then blind writes read first. */
    void await(int waiter) {
        store.settling = true;
        waiters.add(waiter);
    }

    void abandon(int waiter) {
        waiters.remove((Integer) waiter);
    }

    /** A waiter whose wait is over, or -1. */
    int poll() {
        if (store.shadows.size() > 0 || waiters.isEmpty()) {
            return -1;
        }
        store.settling = waiters.size() > 1;
        return waiters.remove();
    }

    boolean isIdle() {
        return store.shadows.size() == 0 || reading;
    }

    void onRead() {
        reading = false;
    }

    /** One step: settles the batch that was read, asks for the next. */
    void step() {
        if (reading) {
            return;
        }
        store.cold.begin(WAITER);
        for (int i = 0; i < count; i++) {
            long copy = store.cold.staged(batch[i]);
            if (copy != 0) {
                store.settle(batch[i], copy);
            }
        }
        store.cold.end();
        count = 0;
        if (store.shadows.size() == 0) {
            return;
        }
        store.cold.begin(WAITER);
        while (count < BATCH) {
            long address = store.shadows.addressFrom(position);
            if (address == 0) {
                position = 0;
                break;
            }
            position = store.shadows.position(address) + 1;
            if (store.cold.staged(address) == 0) {
                store.cold.request(address);
            }
            batch[count++] = address;
        }
        reading = store.cold.park();
    }
}
