package ironcache.engine;

import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;
import ironcache.index.HashIndex;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Walks over a database that start from its index rather than from a key: SCAN and RANDOMKEY. Collects addresses of whole buckets first, then asks for all
 * that are cold together. One owner thread; owns the array of collected addresses (on the heap, as large as the largest scan so far).
 */
final class Scans {
    private final Store store;
    private final Prng prng;

    // Addresses that a scan met.
    private long[] scanned = new long[64];
    private int scannedCount;
    private final HashIndex.EntryVisitor collector = this::collect;

    /** What RANDOMKEY picked and waits for, by waiter: a new pick would be cold again. */
    private final Map<Integer, Long> randomPicks = new HashMap<>();

    Scans(Store store, long seed) {
        this.store = store;
        prng = new Prng(seed);
    }

    /** As {@link Shard#scan}. */
    long scan(Keyspace keyspace, long cursor, long count, Shard.RecordVisitor visitor) {
        scannedCount = 0;
        long next = cursor;
        do {
            next = keyspace.keys.scan(next, collector);
        } while (next != 0 && scannedCount < count);
        loadScanned();
        for (int i = 0; i < scannedCount; i++) {
            long record = current(keyspace, scanned[i]);
            if (record != 0) {
                visitor.visit(record);
            }
        }
        return next;
    }

    /**
     * A random record of a database that is not empty; it may be expired or superseded. May miss: the waiter's next pick is the one that it
     * waited for.
     */
    long pick(Keyspace keyspace, int waiter) {
        Long parked = randomPicks.remove(waiter);
        long address = parked != null ? parked : pickAddress(keyspace);
        long record = store.log.resolve(address);
        if (record == 0) {
            record = store.cold.staged(address);
        }
        if (record == 0) {
            randomPicks.put(waiter, address);
            store.cold.request(address);
            throw ColdMiss.SIGNAL;
        }
        return record;
    }

    /** The waiter will not run again. */
    void abandon(int waiter) {
        randomPicks.remove(waiter);
    }

    private void collect(long slot, long address) {
        if (scannedCount == scanned.length) {
            scanned = Arrays.copyOf(scanned, 2 * scannedCount);
        }
        scanned[scannedCount++] = address;
    }

    /** Asks for all collected records that are cold. */
    private void loadScanned() {
        boolean missing = false;
        for (int i = 0; i < scannedCount; i++) {
            if (store.log.resolve(scanned[i]) == 0 && store.cold.staged(scanned[i]) == 0) {
                store.cold.request(scanned[i]);
                missing = true;
            }
        }
        if (missing) {
            throw ColdMiss.SIGNAL;
        }
    }

    /** The record at this address; 0 where it is expired or superseded. */
    private long current(Keyspace keyspace, long address) {
        long record = store.log.resolve(address);
        if (record == 0) {
            record = store.cold.staged(address);
            if (keyspace.unsettled > 0) {
                long key = Record.key(record);
                int keyLength = Record.keyLength(record);
                record = store.find(keyspace.keys, key, keyLength, store.hash(key, keyLength));
                if (store.foundAddress != address) {
                    // Superseded: the scan meets the current entry too, equal hashes share a
                    // bucket.
                    return 0;
                }
            }
        }
        return record == 0 || store.isExpired(record) ? 0 : record;
    }

    private long pickAddress(Keyspace keyspace) {
        scannedCount = 0;
        long cursor = prng.nextLong() & Long.MAX_VALUE;
        while (scannedCount == 0) {
            cursor = keyspace.keys.scan(cursor, collector);
        }
        return scanned[prng.nextInt(scannedCount)];
    }
}
