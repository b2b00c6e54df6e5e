package ironcache.resp;

import ironcache.ffm.Memory;
import org.jspecify.annotations.Nullable;

/**
 * The keys that connections watch (WATCH): a chained hash table from key to watches, and a list of watches per connection. Whoever changes a
 * key asks {@link #isEmpty} first, so that without watches a change costs one comparison. One table per shard, guarded by its lock.
 *
 * <p>A key that expires is not told to anybody: a watch remembers when its key, as it was, expires, and EXEC looks at the clock.
 */
final class Watches {
    /** One connection's watch of one key. */
    private static final class Watch {
        final Watches table;
        final Connection connection;
        final int db;
        final byte[] key;
        final long hash;

        /** The key existed when the watch began; every change since has broken the watch. */
        final boolean existed;

        /** When the key expires if nobody changes it; 0: never, or it did not exist. */
        final long expiryMillis;

        final @Nullable Watch nextOfConnection;
        @Nullable Watch nextInBucket;

        Watch(
                Watches table,
                Connection connection,
                int db,
                byte[] key,
                long hash,
                boolean existed,
                long expiryMillis,
                @Nullable Watch nextOfConnection) {
            this.table = table;
            this.connection = connection;
            this.db = db;
            this.key = key;
            this.hash = hash;
            this.existed = existed;
            this.expiryMillis = expiryMillis;
            this.nextOfConnection = nextOfConnection;
        }

        boolean isOf(int otherDb, long otherHash, long otherKey, int length) {
            if (hash != otherHash || db != otherDb || key.length != length) {
                return false;
            }
            for (int i = 0; i < length; i++) {
                if (key[i] != Memory.getByte(otherKey + i)) {
                    return false;
                }
            }
            return true;
        }
    }

    /** What a connection watches, of all shards. */
    static final class Watched {
        /** Where it counts as a connection. */
        private final Watches table;

        private @Nullable Watch first;
        private int count;
        private boolean broken;

        private Watched(Watches table) {
            this.table = table;
        }

        int count() {
            return count;
        }

        boolean isBroken() {
            return broken;
        }
    }

    private @Nullable Watch[] buckets = new Watch[64];
    private int size;
    private int connections;

    boolean isEmpty() {
        return size == 0;
    }

    /** Watches, each key counted as often as it is watched. */
    int size() {
        return size;
    }

    /** Connections that watch. */
    int connections() {
        return connections;
    }

    /** Begins to watch a key, unless the connection does already. */
    void add(
            Connection connection,
            int db,
            long key,
            int keyLength,
            long hash,
            boolean existed,
            long expiryMillis) {
        Watched watched = connection.watched;
        if (watched == null) {
            watched = new Watched(this);
            connection.watched = watched;
            connections++;
        }
        for (Watch w = buckets[bucket(hash)]; w != null; w = w.nextInBucket) {
            if (w.connection == connection && w.isOf(db, hash, key, keyLength)) {
                return;
            }
        }
        byte[] copy = new byte[keyLength];
        Memory.copyOut(key, copy, 0, keyLength);
        Watch watch =
                new Watch(this, connection, db, copy, hash, existed, expiryMillis, watched.first);
        watched.first = watch;
        watched.count++;
        if (++size > buckets.length) {
            grow();
        }
        link(watch);
    }

    private int bucket(long hash) {
        return (int) hash & buckets.length - 1;
    }

    private void link(Watch watch) {
        int bucket = bucket(watch.hash);
        watch.nextInBucket = buckets[bucket];
        buckets[bucket] = watch;
    }

    private void grow() {
        @Nullable Watch[] old = buckets;
        buckets = new Watch[old.length * 2];
        for (Watch first : old) {
            Watch watch = first;
            while (watch != null) {
                Watch next = watch.nextInBucket;
                link(watch);
                watch = next;
            }
        }
    }

    /** The connection watches nothing any more. The caller has all shards that have keys of it. */
    static void removeAll(Connection connection) {
        Watched watched = connection.watched;
        if (watched == null) {
            return;
        }
        for (Watch w = watched.first; w != null; w = w.nextOfConnection) {
            w.table.unlink(w);
        }
        connection.watched = null;
        connection.watchedOver = 0;
        watched.table.connections--;
    }

    private void unlink(Watch watch) {
        int bucket = bucket(watch.hash);
        size--;
        Watch before = null;
        Watch at = buckets[bucket];
        while (at != watch && at != null) {
            before = at;
            at = at.nextInBucket;
        }
        if (before == null) {
            buckets[bucket] = watch.nextInBucket;
        } else {
            before.nextInBucket = watch.nextInBucket;
        }
    }

    /** Whether a key that the connection watches has changed or expired. */
    static boolean isBroken(Connection connection, long nowMillis) {
        Watched watched = connection.watched;
        if (watched == null) {
            return false;
        }
        boolean broken = watched.broken;
        for (Watch w = watched.first; w != null && !broken; w = w.nextOfConnection) {
            broken = w.expiryMillis != 0 && w.expiryMillis <= nowMillis;
        }
        return broken;
    }

    /** A key was changed. */
    void changed(int db, long key, int keyLength, long hash) {
        for (Watch w = buckets[bucket(hash)]; w != null; w = w.nextInBucket) {
            if (w.isOf(db, hash, key, keyLength)) {
                breakWatch(w);
            }
        }
    }

    /** All keys of a database are gone. */
    void flushed(int db) {
        for (Watch first : buckets) {
            for (Watch w = first; w != null; w = w.nextInBucket) {
                if (w.db == db && w.existed) {
                    breakWatch(w);
                }
            }
        }
    }

    /** Tells whether a key is in a database. */
    interface KeyTest {
        boolean exists(int db, byte[] key, long hash);
    }

    /** A database's keys will be those of another: breaks the watches of keys that are in one of the two. */
    void replaced(int db, int by, KeyTest test) {
        for (Watch first : buckets) {
            for (Watch w = first; w != null; w = w.nextInBucket) {
                if (w.db == db && (w.existed || test.exists(by, w.key, w.hash))) {
                    breakWatch(w);
                }
            }
        }
    }

    private static void breakWatch(Watch watch) {
        Watched watched = watch.connection.watched;
        if (watched != null) {
            watched.broken = true;
        }
    }
}
