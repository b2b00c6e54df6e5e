package ironcache.recovery;

import ironcache.wal.Damage;
import ironcache.wal.FrameLayout;
import ironcache.wal.FrameReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one shard's log says of its end: the last whole unit, how far the log knows itself to be stable, and its parts of units over several shards. Several of them tell a torn
 * tail from one that was damaged where the log itself cannot. Used by one thread at a time.
 */
public final class LogEnd {
    private final int shard;
    private final long cutSeqno;
    private final List<CrossShardUnits.Part> parts = new ArrayList<>();
    private @Nullable Path file;

    /** The first frame of the unit that is being read; 0: none is. */
    private long unitFirst;

    /** The unit's last frame is still to come. */
    private boolean unitGoesOn;

    private long lastWhole;
    private long knownStable;

    /**
     * @param segments of the log, oldest first: where no frame of it is left, the first one is what is damaged
     * @param firstSeqno of the log
     * @param cutSeqno units up to here are whole in all shards: a snapshot was made then
     */
    public LogEnd(int shard, List<Path> segments, long firstSeqno, long cutSeqno) {
        this.shard = shard;
        file = segments.isEmpty() ? null : segments.getFirst();
        this.cutSeqno = cutSeqno;
        lastWhole = firstSeqno - 1;
    }

    /** Units up to this frame are whole and stable, and were not told of. */
    void passOver(long seqno) {
        lastWhole = Math.max(lastWhole, seqno);
    }

    /** The reader is at the next frame. */
    public void frame(FrameReader reader) {
        long seqno = reader.seqno();
        int flags = reader.flags();
        file = reader.file();
        // That the log reaches as far as its witness is the reader's to see; here it vouches for
        // the parts in other logs.
        knownStable = Math.max(knownStable, Math.max(reader.stable(), reader.witness()));
        unitFirst = unitFirst == 0 ? seqno : unitFirst;
        if ((flags & FrameLayout.MORE) != 0) {
            unitGoesOn = true;
            return;
        }
        if (unitGoesOn && reader.kind() == FrameLayout.END) {
            return; // The file ends in the middle of the unit.
        }
        unitGoesOn = false;
        if ((flags & FrameLayout.PARTS) != 0 && seqno > cutSeqno) {
            parts.add(part(reader));
        }
        lastWhole = seqno;
        unitFirst = 0;
    }

    private CrossShardUnits.Part part(FrameReader reader) {
        long payload = reader.payload();
        int length = reader.length();
        int count = FrameLayout.parts(payload, length);
        int[] shards = new int[count];
        long[] seqnos = new long[count];
        for (int i = 0; i < count; i++) {
            shards[i] = FrameLayout.partShard(payload, length, i);
            seqnos[i] = FrameLayout.partSeqno(payload, length, i);
        }
        return new CrossShardUnits.Part(shard, unitFirst, shards, seqnos);
    }

    int shard() {
        return shard;
    }

    List<CrossShardUnits.Part> parts() {
        return parts;
    }

    /** The last frame whose unit is whole as far as this log can tell. */
    long lastWhole() {
        return lastWhole;
    }

    /** Whether the log ends in the middle of a unit. */
    boolean isInUnit() {
        return unitFirst != 0;
    }

    /**
     * Frames up to here were durable, and all parts of their units in other logs were: where less than that can be applied, something is damaged.
     *
     * @param ends by shard, how far each log can be applied
     * @param damaged of the log that keeps this one from more
     * @return null: nothing is
     */
    @Nullable Damage damage(long[] ends, LogEnd damaged) {
        Path where = damaged.file;
        if (ends[shard] >= knownStable || where == null) {
            return null;
        }
        return new Damage(
                where,
                0,
                "seqno",
                "all that shard "
                        + shard
                        + " needs for its frames up to "
                        + knownStable
                        + ", which its log says was durable",
                "the last whole unit ends in frame " + damaged.lastWhole);
    }

    /** @param all by shard, of logs that have been read to their ends and of which none is damaged in itself */
    public static List<Damage> damages(List<LogEnd> all) {
        CrossShardUnits units = new CrossShardUnits();
        long[] ends = new long[all.size()];
        for (LogEnd one : all) {
            one.parts.forEach(units::add);
            ends[one.shard] = one.lastWhole;
        }
        units.cut(ends);
        List<Damage> found = new ArrayList<>();
        for (LogEnd one : all) {
            Damage damage = one.damage(ends, all.get(units.cause(one.shard)));
            if (damage != null) {
                found.add(damage);
            }
        }
        return found;
    }
}
