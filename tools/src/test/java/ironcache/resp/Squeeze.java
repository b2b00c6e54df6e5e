package ironcache.resp;

import ironcache.engine.ColdMiss;
import ironcache.engine.ShardSpace;
import ironcache.ffm.Memory;
import ironcache.ffm.MemoryTag;
import ironcache.ffm.Prng;
import ironcache.hybridlog.Record;
import java.nio.charset.StandardCharsets;

/**
 * Makes a shard's keys go cold, between two turns of its thread: puts a page or two of other values behind them, in another database, and then bounds the log's
 * memory so that it has to seal and evict. Rolling all of the log on, as a client would have to, would take a hundred times as long.
 */
final class Squeeze implements Runnable {
    private static final int DB = 15;

    /** A waiter that no connection is. */
    private static final int WAITER = 4_001;

    /** Sixteen make a page. */
    private static final int VALUE_BYTES = 65_000;

    /** So many values are alive; older ones are overwritten. */
    private static final int VALUES = 64;

    private static final int KEY_BYTES = 16;

    /** Of one process: while something waits for a slow disk there may be any number of turns, and the simulated disk keeps what was in its blocks before. */
    private static final int MOST = 100;

    private final Partition partition;
    private final Prng prng;
    private final double chance;
    private int times;
    private int written;
    private boolean wanted;

    Squeeze(Partition partition, Prng prng, double chance) {
        this.partition = partition;
        this.prng = prng;
        this.chance = chance;
    }

    /** In the next turn, and without values of its own: somebody else writes some. */
    void once() {
        wanted = true;
    }

    @Override
    public void run() {
        if (wanted) {
            wanted = false;
            partition.enter(partition);
            ShardSpace.squeeze(partition.shard, 0);
            partition.leave();
        }
        if (chance == 0 || times == MOST || !prng.chance(chance)) {
            return;
        }
        times++;
        partition.enter(partition);
        // A transaction that waits in the middle of its work has the log's unit, and the shard for
        // itself.
        boolean free = !partition.isHeldBack(null);
        for (int i = 16 + prng.nextInt(16); free && i > 0 && partition.shard.hasSpace(); i--) {
            write("filler" + written++ % VALUES);
        }
        ShardSpace.squeeze(partition.shard, prng.nextInt(8));
        partition.leave();
    }

    private void write(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
        long key = Memory.allocate(KEY_BYTES, MemoryTag.OTHER);
        Memory.copyIn(bytes, 0, key, bytes.length);
        partition.shard.begin(WAITER, 0);
        try {
            // What the value holds is of no interest.
            long _ =
                    partition.shard.upsert(
                            DB,
                            key,
                            bytes.length,
                            partition.shard.hash(key, bytes.length),
                            Record.STRING,
                            VALUE_BYTES,
                            0);
        } catch (ColdMiss miss) {
            // Shadows are being settled, and blind writes have to read first: another value will
            // do.
        }
        partition.shard.end();
        Memory.free(key, KEY_BYTES, MemoryTag.OTHER);
    }
}
