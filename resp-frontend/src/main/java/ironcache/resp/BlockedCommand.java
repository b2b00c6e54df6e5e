package ironcache.resp;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * A command that found nothing, and waits in the lines of its keys until somebody makes one of them ready. Guarded by the locks of all shards that it is over; once it waits no
 * more its reply is its connection's thread's.
 */
final class BlockedCommand {
    final Connection connection;

    /** It alone. */
    final CommandQueue command;

    /** The set of shards that it is over, with all its keys. */
    final long over;

    /** It has keys besides those that it waits for: run, it may make others ready. */
    final boolean moves;

    /** By the monotonic clock; {@link Long#MAX_VALUE}: never. */
    final long deadlineNanos;

    /** The first of its places, one for each key. */
    WaitingLines.@Nullable Place first;

    /** It stands in its lines. Otherwise its reply is there, or its connection closes. */
    boolean waits = true;

    /** Its time was over while it held shards. */
    boolean late;

    /** The set of shards that it holds, since it was served and something that it needs is on the SSD; 0: none. */
    long held;

    /** While it holds shards: the lines that are to be served when it goes on, from its own on. */
    final ArrayDeque<WaitingLines.Line> rest = new ArrayDeque<>(0);

    /** What to say to its client. */
    volatile byte @Nullable [] reply;

    BlockedCommand(
            Connection connection,
            CommandQueue command,
            long over,
            boolean moves,
            long deadlineNanos) {
        this.connection = connection;
        this.command = command;
        this.over = over;
        this.moves = moves;
        this.deadlineNanos = deadlineNanos;
    }
}
