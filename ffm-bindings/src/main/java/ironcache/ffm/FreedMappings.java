package ironcache.ffm;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/** Anonymous mappings that nobody uses, by their size, to be used again: {@link Memory#keepFreed}. Any thread; owns their memory for as long as the process lives. */
final class FreedMappings {
    /** Zeroing larger ones, of which mostly a part was used, would cost what is saved. */
    private static final long LARGEST_BYTES = 16L << 20;

    private final long mostBytes;
    private final Map<Long, Deque<Long>> addresses = new HashMap<>();
    private long bytesHeld;

    FreedMappings(long mostBytes) {
        this.mostBytes = mostBytes;
    }

    /** @return whether it is kept now; else it is still the caller's */
    synchronized boolean add(long address, long bytes) {
        if (bytes > LARGEST_BYTES || bytesHeld + bytes > mostBytes) {
            return false;
        }
        bytesHeld += bytes;
        addresses.computeIfAbsent(bytes, any -> new ArrayDeque<>()).push(address);
        return true;
    }

    /** A mapping of exactly this size, with whatever is in it, or 0. */
    synchronized long take(long bytes) {
        Deque<Long> all = addresses.get(bytes);
        if (all == null || all.isEmpty()) {
            return 0;
        }
        bytesHeld -= bytes;
        return all.pop();
    }
}
