package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.hybridlog.Address;
import ironcache.hybridlog.Record;
import ironcache.tiering.DamagedBlockException;
import ironcache.tiering.PageBuffer;
import ironcache.tiering.PageLayout;
import java.util.ArrayDeque;

/**
 * Settles shadows in the background: reads the old records that blind writes may have superseded, and removes those that were. One owner thread.
 *
 * <p>Where notes are few and far between, their blocks are read one by one, a batch at a time. Where a page has many, it is read whole: one I/O of 1 MiB then
 * settles more than the random reads that it takes the time of, and overwriting a whole cold data set is paced by the device's bandwidth rather than by its random reads.
 */
final class Settler implements AutoCloseable {
    static final int WAITER = 1;

    private static final int BATCH = 128;

    /** From this many notes on, a page is read whole. */
    private static final int DENSE_NOTES = 16;

    private static final int RECORDS_PER_CHECK = 64;
    static final int BUFFERS = 4;

    /** Notes looked at for a dense page before a step gives up. */
    private static final int LOOKS = 256;

    private final Store store;
    private final long[] batch = new long[BATCH];
    private int count;
    private int position;
    private boolean reading;

    /** Dense pages. */
    private final PageBuffer[] buffers = new PageBuffer[BUFFERS];

    private int loaded;
    private int densePosition;

    /** The page in work: its buffer, and how far it is settled. */
    private int current = -1;

    private int offset;

    /** Frontend waiters that want no shadow left (DBSIZE). */
    private final ArrayDeque<Integer> waiters = new ArrayDeque<>();

    Settler(Store store, long tokenBase) {
        this.store = store;
        for (int i = 0; i < BUFFERS; i++) {
            buffers[i] = new PageBuffer(store.segments, tokenBase | i);
        }
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
        return loaded == 0 && (store.shadows.size() == 0 || reading);
    }

    void onRead() {
        reading = false;
    }

    void onPageRead(int buffer, int result) {
        if (buffers[buffer].onRead(result)) {
            loaded++;
        }
    }

    /** Settles until time is up. */
    void work(long deadlineNanos, Clock clock) {
        if (!reading) {
            batch();
        }
        readDense();
        while (loaded > 0 && settlePage(deadlineNanos, clock)) {
            readDense();
        }
    }

    /** Asks for pages that many notes are on, as buffers are free. */
    private void readDense() {
        int looks = LOOKS;
        for (PageBuffer buffer : buffers) {
            while (buffer.isEmpty() && looks > 0 && store.shadows.size() >= DENSE_NOTES) {
                looks--;
                long address = store.shadows.addressFrom(densePosition);
                if (address == 0) {
                    densePosition = 0;
                    continue;
                }
                densePosition = store.shadows.position(address) + 1;
                int page = Address.page(address);
                if (isDense(page) && !isLoading(page)) {
                    buffer.read(page);
                }
            }
        }
    }

    private boolean isDense(int page) {
        return store.shadows.inPage(page) >= DENSE_NOTES
                && store.segments.isWritten(page)
                && !store.segments.isDamaged(page);
    }

    private boolean isLoading(int page) {
        for (PageBuffer buffer : buffers) {
            if (!buffer.isEmpty() && buffer.page() == page) {
                return true;
            }
        }
        return false;
    }

    /** @return false: time is up */
    private boolean settlePage(long deadlineNanos, Clock clock) {
        if (current < 0) {
            for (int i = 0; i < BUFFERS; i++) {
                if (buffers[i].isLoaded() || buffers[i].damage() != null) {
                    current = i;
                }
            }
            offset = PageLayout.RECORDS_START;
        }
        PageBuffer buffer = buffers[current];
        int records = 0;
        while (buffer.isLoaded()
                && offset < buffer.recordsEnd()
                && store.shadows.inPage(buffer.page()) > 0) {
            long record = buffer.address() + offset;
            store.settle(Address.of(buffer.page(), offset), record);
            offset += Record.length(record);
            if (++records % RECORDS_PER_CHECK == 0 && clock.nanoTime() - deadlineNanos >= 0) {
                return false;
            }
        }
        buffer.clear();
        loaded--;
        current = -1;
        return true;
    }

    /** Settles the batch that was read, asks for the next. */
    private void batch() {
        store.cold.begin(WAITER);
        for (int i = 0; i < count; i++) {
            settle(batch[i]);
        }
        store.cold.end();
        count = 0;
        if (store.shadows.size() == 0) {
            return;
        }
        store.cold.begin(WAITER);
        int looks = 0;
        while (count < BATCH) {
            long address = store.shadows.addressFrom(position);
            if (address == 0) {
                position = 0;
                break;
            }
            position = store.shadows.position(address) + 1;
            if (++looks > LOOKS) {
                break;
            }
            if (isDense(Address.page(address))) {
                continue;
            }
            store.cold.request(address);
            batch[count++] = address;
        }
        reading = store.cold.park();
    }

    private void settle(long address) {
        try {
            long copy = store.cold.staged(address);
            if (copy != 0) {
                store.settle(address, copy);
            }
        } catch (DamagedBlockException damaged) {
            // Whose key it was cannot be known any more. The entry stays, for whoever asks has to
            // be told of the damage.
            store.forgetShadow(address);
        }
    }

    @Override
    public void close() {
        for (PageBuffer buffer : buffers) {
            buffer.close();
        }
    }
}
