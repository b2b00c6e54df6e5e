package ironcache.recovery;

import ironcache.engine.ColdMiss;
import ironcache.engine.Shard;
import ironcache.engine.ShardListener;
import ironcache.ffm.Clock;
import ironcache.ffm.SystemClock;

/** Runs commands on a shard that nobody else uses, and waits for what they miss. Owned by the shard's thread. */
public final class ShardTurns implements ShardListener {
    public static final long WORK_NANOS = 1_000_000;
    private static final long STUCK_NANOS = 30_000_000_000L;
    private static final int WAITER = 0;

    private final FileWorker worker;
    private final Runnable check;
    private final Clock clock = SystemClock.INSTANCE;
    private boolean ready;

    /** @param check run often: throws where the job is to end */
    public ShardTurns(FileWorker worker, Runnable check) {
        this.worker = worker;
        this.check = check;
    }

    @Override
    public void onReady(int waiter) {
        ready = true;
    }

    /** What the shard does between commands. */
    public void turn(Shard shard) {
        boolean more = shard.work(WORK_NANOS);
        worker.io.poll(more ? 0 : WORK_NANOS);
        check.run();
    }

    /** Runs a command that writes to its end, however often it misses. */
    public void write(Shard shard, Runnable command) {
        long sinceNanos = clock.nanoTime();
        while (!shard.hasSpace()) {
            turn(shard);
            if (clock.nanoTime() - sinceNanos > STUCK_NANOS) {
                throw new CannotWriteException("cannot go on writing: " + shard.writeRefusal());
            }
        }
        readAt(shard, clock.currentTimeMillis(), command);
    }

    /** Runs a command that does not write, at this time of the wall clock. */
    public void readAt(Shard shard, long nowMillis, Runnable command) {
        while (true) {
            shard.begin(WAITER, nowMillis);
            try {
                command.run();
                shard.end();
                return;
            } catch (ColdMiss miss) {
                ready = false;
                shard.park();
                while (!ready) {
                    turn(shard);
                }
            }
        }
    }
}
