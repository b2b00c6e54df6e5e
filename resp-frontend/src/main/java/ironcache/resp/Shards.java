package ironcache.resp;

import ironcache.engine.Shard;
import ironcache.engine.ShardStats;
import ironcache.engine.SlotTable;
import java.util.ArrayDeque;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** All shards of a node as one store: which of them a key belongs to. Sets of shards are bit masks, bit i for shard i, and never empty: a command without
 * keys is over its thread's own. Read by all threads. */
final class Shards {
    static final int MOST = 64;

    final Partition[] all;
    private final SlotTable slots;

    /**
     * @param mutexes for the threads that share them; not used where there is one
     * @param tables a command table for each
     */
    Shards(int count, Mutex.Source mutexes, Supplier<CommandTable> tables) {
        all = new Partition[count];
        for (int i = 0; i < count; i++) {
            all[i] = new Partition(i, count == 1 ? fair -> Mutex.NONE : mutexes, tables.get());
        }
        slots = new SlotTable(count);
    }

    int count() {
        return all.length;
    }

    /** Whether some transaction is in the middle of its work. */
    boolean isAnyHeld() {
        for (Partition partition : all) {
            if (partition.isHeld()) {
                return true;
            }
        }
        return false;
    }

    /** There is one shard, which has all keys: nobody needs to ask. */
    boolean isSingle() {
        return all.length == 1;
    }

    /** Which shard a key belongs to. */
    int of(long key, int length) {
        return all.length == 1 ? 0 : slots.shardOf(SlotTable.slotOf(key, length));
    }

    Partition partition(long key, int length) {
        return all[of(key, length)];
    }

    /** A connection's waiting command may go on. Says the thread of {@code from}. */
    void resume(Connection c, Partition from) {
        if (c.home == from.number) {
            from.loop.resumeLater(c.socket);
        } else {
            all[c.home].onReady(c.socket);
        }
    }

    /** A set of shards is held no more: whose commands waited for that go on. Says the thread of {@code from}, which is in them. */
    void release(long set, Partition from) {
        for (long rest = set; rest != 0; rest &= rest - 1) {
            ArrayDeque<Connection> held = all[Long.numberOfTrailingZeros(rest)].release();
            for (Connection c = held.poll(); c != null; c = held.poll()) {
                resume(c, from);
            }
        }
    }

    // Who asks is in all shards.

    long size(int db) {
        long size = 0;
        for (Partition partition : all) {
            size += partition.shard.size(db);
        }
        return size;
    }

    long expires(int db) {
        long expires = 0;
        for (Partition partition : all) {
            expires += partition.shard.expires(db);
        }
        return expires;
    }

    long timedHashes(int db) {
        long hashes = 0;
        for (Partition partition : all) {
            hashes += partition.shard.timedHashes(db);
        }
        return hashes;
    }

    ShardStats stats() {
        ShardStats sum = new ShardStats();
        for (Partition partition : all) {
            sum.add(partition.shard.stats());
        }
        return sum;
    }

    /** The last damaged block of any shard, or null. */
    @Nullable String damage() {
        String damage = null;
        for (Partition partition : all) {
            String one = partition.shard.damage();
            damage = one != null ? one : damage;
        }
        return damage;
    }

    /** The shard of a key of this database, 0 to its size. */
    Shard ofKey(int db, long number) {
        long left = number;
        for (Partition partition : all) {
            long size = partition.shard.size(db);
            if (left < size) {
                return partition.shard;
            }
            left -= size;
        }
        return all[0].shard;
    }

    /** The set of all shards. */
    long everyShard() {
        return -1L >>> 64 - all.length;
    }
}
