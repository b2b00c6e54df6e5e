package ironcache.resp;

import ironcache.engine.Shard;
import org.jspecify.annotations.Nullable;

/**
 * The shards that a command is over, as one: what has to be done to each of them. Where it is one, as of nearly all commands, that costs a comparison. The
 * thread is in all of them ({@link Lease}). One per thread, reused for every command.
 */
final class ShardSet {
    private final Shards shards;
    private long mask;
    private Partition first;

    /** All but the first. */
    private long others;

    // Of the command that ends: the shards that it changed, and where their logs say so.
    private final int[] partShards;
    private final long[] partSeqnos;

    ShardSet(Shards shards, Partition own) {
        this.shards = shards;
        partShards = new int[shards.count()];
        partSeqnos = new long[shards.count()];
        mask = 1L << own.number;
        first = own;
    }

    void assign(long newMask) {
        mask = newMask;
        first = partition(newMask);
        others = newMask & newMask - 1;
    }

    private Partition partition(long rest) {
        return shards.all[Long.numberOfTrailingZeros(rest)];
    }

    long mask() {
        return mask;
    }

    Partition first() {
        return first;
    }

    boolean isSeveral() {
        return others != 0;
    }

    // Life of a command.

    void begin(int waiter, long nowMillis) {
        first.shard.begin(waiter, nowMillis);
        for (long rest = others; rest != 0; rest &= rest - 1) {
            partition(rest).shard.begin(waiter, nowMillis);
        }
    }

    void continueAt(long nowMillis) {
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            partition(rest).shard.continueAt(nowMillis);
        }
    }

    void end() {
        if (others == 0) {
            first.shard.end();
        } else {
            endSeveral();
        }
    }

    /** What the command changed in several shards is one unit of their logs. */
    private void endSeveral() {
        int parts = 0;
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            Partition one = partition(rest);
            long seqno = one.shard.unitSeqno();
            if (seqno != 0) {
                partShards[parts] = one.number;
                partSeqnos[parts++] = seqno;
            }
        }
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            partition(rest).shard.end(parts, partShards, partSeqnos);
        }
    }

    /** The command waits in the middle of its work, and not for a read. */
    void suspend() {
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            partition(rest).shard.suspend();
        }
    }

    /** After a cold miss. @return whether some shard will say when the waiter may go on; else it may at once */
    boolean park() {
        boolean reading = false;
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            reading |= partition(rest).shard.parkIfReading();
        }
        return reading;
    }

    /** The connection's waiting command will not be run. */
    void abandon(Connection c) {
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            partition(rest).shard.abandon(c.waiter);
            partition(rest).stopAwaiting(c);
        }
    }

    // Memory.

    /** Why a command that may use more memory is refused now, or null. */
    @Nullable String writeRefusal() {
        String refusal = first.shard.writeRefusal();
        for (long rest = others; rest != 0 && refusal == null; rest &= rest - 1) {
            refusal = partition(rest).shard.writeRefusal();
        }
        return refusal;
    }

    /** Why nothing that is written now can become durable, or null. */
    @Nullable String logFailure() {
        String failure = first.logFailure();
        for (long rest = others; rest != 0 && failure == null; rest &= rest - 1) {
            failure = partition(rest).logFailure();
        }
        return failure;
    }

    /** Whether all shards have memory for the rest of a transaction that has begun, though others are refused. */
    boolean hasReserve() {
        boolean has = true;
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            has &= partition(rest).shard.hasReserve();
        }
        return has;
    }

    /** Whether some shard wants a write command to wait for memory. */
    boolean wantsSpace() {
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            Shard shard = partition(rest).shard;
            if (!shard.hasSpace() && shard.writeRefusal() == null) {
                return true;
            }
        }
        return false;
    }

    /** The command waits where memory is short. @return false: nowhere */
    boolean parkForSpace(Connection c) {
        if (first.shard.hasSpace() && others == 0) {
            return false;
        }
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            Shard shard = partition(rest).shard;
            if (!shard.hasSpace()) {
                shard.parkForSpace(c.waiter);
                return true;
            }
        }
        return false;
    }

    // Transactions.

    /** Whether a command of this connection has to wait for another's transaction; then it is told when that is done. */
    boolean holdsBack(Connection c) {
        if (first.isHeldBack(c)) {
            first.await(c);
            return true;
        }
        for (long rest = others; rest != 0; rest &= rest - 1) {
            Partition one = partition(rest);
            if (one.isHeldBack(c)) {
                one.await(c);
                return true;
            }
        }
        return false;
    }

    /** The connection's transaction is in the middle of its work and has to wait. */
    void hold(Connection c) {
        for (long rest = mask; rest != 0; rest &= rest - 1) {
            partition(rest).hold(c);
        }
    }
}
