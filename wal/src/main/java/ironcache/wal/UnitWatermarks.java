package ironcache.wal;

/**
 * How far a log is ready and how far it is stable: what is durable of it waits for the units over several shards, and they for the logs of the other shards.
 *
 * <pre>
 * stable ≤ ready ≤ durable
 *
 * ready     durable, and all units before it are stable: at most the last frame of the first unit that is not
 * stable    durable, and before the first unit of which not all parts are ready
 *
 * units ... | first | last | n | n times (shard, the last frame there) | the next unit ... |
 *           ^ from: the first that is not stable                                           ^ to
 *
 * first     the first frame that is whole only with the unit; it may have the end of another one, too
 * last      its last frame in this log
 * </pre>
 *
 * <p>Owned like its log: one thread is in it at a time; {@link #readySeqno} and {@link #stableSeqno} may be read by any thread. Owns no memory but its array, which grows where more units wait than
 * ever before.
 */
final class UnitWatermarks {
    /** No shard. */
    static final int NONE = -1;

    // A unit.
    private static final int LAST = 1;
    private static final int COUNT = 2;
    private static final int PARTS = 3;

    private final int shard;
    private final Peers peers;

    // Units that are not stable, oldest first.
    private long[] units = new long[256];
    private int from;
    private int to;

    /** Whether the parts of the first of these units were told that this one is ready. */
    private boolean partsWoken;

    private volatile long readySeqno;
    private volatile long stableSeqno;

    /** @param durableSeqno all up to here is ready and stable */
    UnitWatermarks(int shard, Peers peers, long durableSeqno) {
        this.shard = shard;
        this.peers = peers;
        readySeqno = durableSeqno;
        stableSeqno = durableSeqno;
    }

    /** A unit that ends behind all those before: its frames, and its parts with the last frame of each, this log's among them. */
    void add(long first, long last, int parts, int[] shards, long[] seqnos) {
        int words = PARTS + 2 * parts;
        if (to + words > units.length) {
            makeRoom(words);
        }
        units[to] = first;
        units[to + LAST] = last;
        units[to + COUNT] = parts;
        for (int i = 0; i < parts; i++) {
            units[to + PARTS + 2 * i] = shards[i];
            units[to + PARTS + 2 * i + 1] = seqnos[i];
        }
        to += words;
    }

    private void makeRoom(int words) {
        int used = to - from;
        long[] old = units;
        if (used + words > units.length / 2) {
            units = new long[2 * (used + words)];
        }
        System.arraycopy(old, from, units, 0, used);
        from = 0;
        to = used;
    }

    /** Whether all units are stable. */
    boolean isEmpty() {
        return from == to;
    }

    /** Any thread. */
    long readySeqno() {
        return readySeqno;
    }

    /** Any thread. */
    long stableSeqno() {
        return stableSeqno;
    }

    /**
     * From durable to ready to stable. Whoever of several shards is the last to publish that its part is ready sees that all are: each publishes before it looks.
     *
     * @return a shard whose log has failed before a part of the first unit was ready, so that this log will never be stable beyond it; {@link #NONE}
     */
    int advance(long durableSeqno) {
        while (true) {
            long last = isEmpty() ? FrameBuffer.NEVER : units[from + LAST];
            publishReady(Math.min(durableSeqno, last));
            if (last > durableSeqno) {
                publishStable(durableSeqno);
                return NONE;
            }
            if (!partsWoken) {
                partsWoken = true;
                wakeParts(from);
            }
            int parts = (int) units[from + COUNT];
            for (int i = 0; i < parts; i++) {
                int part = (int) units[from + PARTS + 2 * i];
                if (part == shard) {
                    continue;
                }
                // In this order: what fails is ready no more.
                boolean partFailed = peers.isFailed(part);
                if (peers.readySeqno(part) < units[from + PARTS + 2 * i + 1]) {
                    publishStable(units[from] - 1);
                    return partFailed ? part : NONE;
                }
            }
            partsWoken = false;
            from += PARTS + 2 * parts;
            if (isEmpty()) {
                from = 0;
                to = 0;
            }
        }
    }

    // Others read these: what has not changed is not written.

    private void publishReady(long ready) {
        if (ready != readySeqno) {
            readySeqno = ready;
        }
    }

    private void publishStable(long stable) {
        if (stable != stableSeqno) {
            stableSeqno = stable;
        }
    }

    /** This log has failed: those whose units wait for a part of it have failed as well. */
    void wakeAllParts() {
        for (int unit = from; unit < to; unit += PARTS + 2 * (int) units[unit + COUNT]) {
            wakeParts(unit);
        }
    }

    private void wakeParts(int unit) {
        int parts = (int) units[unit + COUNT];
        for (int i = 0; i < parts; i++) {
            int part = (int) units[unit + PARTS + 2 * i];
            if (part != shard) {
                peers.wake(part);
            }
        }
    }
}
