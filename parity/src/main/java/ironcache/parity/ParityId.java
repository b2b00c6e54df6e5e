package ironcache.parity;

/**
 * Which file parity is of: all of it has to agree, or the parity is of another file, or of an earlier use of this one, and would restore what does not belong there.
 *
 * @param nodeId of the data directory; 0 where whoever asks does not know it
 * @param number of the segment; of a log segment or an image its generation
 * @param generation of the segment; of a log segment or an image again its own
 */
public record ParityId(Kind kind, int shard, long nodeId, long number, long generation) {
    /** What kind of file. */
    public enum Kind {
        /** A segment of the SSD tier. */
        SEGMENT(1),
        /** A segment of a log. */
        LOG(2),
        /** An image. */
        IMAGE(3);

        final int code;

        Kind(int code) {
            this.code = code;
        }
    }

    public static ParityId segment(int shard, long nodeId, int number, long generation) {
        return new ParityId(Kind.SEGMENT, shard, nodeId, number, generation);
    }

    public static ParityId log(int shard, long nodeId, long generation) {
        return new ParityId(Kind.LOG, shard, nodeId, generation, generation);
    }

    public static ParityId image(int shard, long nodeId, long generation) {
        return new ParityId(Kind.IMAGE, shard, nodeId, generation, generation);
    }
}
