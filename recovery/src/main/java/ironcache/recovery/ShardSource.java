package ironcache.recovery;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a shard is recovered from.
 *
 * @param image to begin with; null: with nothing
 * @param log segment files, oldest first; the effects in them come on top
 * @param firstSeqno of the first frame in them
 * @param cutSeqno the log holds frames up to this one at least, and all units over several shards up to there are whole
 */
public record ShardSource(@Nullable Path image, List<Path> log, long firstSeqno, long cutSeqno) {}
