package ironcache.recovery;

import org.jspecify.annotations.Nullable;

/**
 * A snapshot of a node that is being made: what its shards, each on its owner's thread ({@link ShardSnapshot}), and whoever cuts, tell each other.
 *
 * <pre>
 * SCANNING  each shard begins its image and writes it
 * CUTTING   all are written: who has the node marks one moment in all logs
 * SYNCING   each shard makes durable what its image refers to, and its log up to the mark
 * SYNCED    a manifest that names all of it may be published
 * KEPT      it is published
 * FAILED    some shard could not write, or the manifest could not be published
 * </pre>
 */
public final class Snapshot {
    /** Where it is. */
    public enum Phase {
        SCANNING,
        CUTTING,
        SYNCING,
        SYNCED,
        KEPT,
        FAILED;

        public boolean isOver() {
            return this == KEPT || this == FAILED;
        }
    }

    private final long generation;
    private final int shards;
    private int left;
    private volatile Phase phase = Phase.SCANNING;
    private @Nullable String failure;

    /** @param generation of its images, and of the manifest that will name them */
    public Snapshot(long generation, int shards) {
        this.generation = generation;
        this.shards = shards;
        left = shards;
    }

    public long generation() {
        return generation;
    }

    public Phase phase() {
        return phase;
    }

    /** A shard has done its part of the phase. @return whether it was the last */
    synchronized boolean done(Phase of) {
        if (phase == of && --left == 0) {
            left = shards;
            phase = of == Phase.SCANNING ? Phase.CUTTING : Phase.SYNCED;
            return true;
        }
        return false;
    }

    /**
     * There will be no snapshot. Too late when all of it is durable: then a manifest that names it may be on its way, and only who publishes that can tell.
     *
     * @return whether it was not too late
     */
    public synchronized boolean fail(String why) {
        if (phase == Phase.SYNCED || phase.isOver()) {
            return false;
        }
        failure = why;
        phase = Phase.FAILED;
        return true;
    }

    /** The manifest that names it could not be published, and is known not to be in force. */
    public synchronized void failPublished(String why) {
        failure = why;
        phase = Phase.FAILED;
    }

    /** Why it failed. */
    public synchronized @Nullable String failure() {
        return failure;
    }

    /** A manifest that names it is durable. */
    public synchronized void keep() {
        phase = Phase.KEPT;
    }

    /** All shards have been told to {@link ShardSnapshot#cut}. */
    public synchronized void cut() {
        if (phase == Phase.CUTTING) {
            phase = Phase.SYNCING;
        }
    }
}
