package ironcache.engine;

import ironcache.ffm.Clock;
import ironcache.ffm.Io;
import ironcache.tiering.TableLoader;
import ironcache.wal.WalWriter;
import org.jspecify.annotations.Nullable;

/**
 * Tokens of a shard's file operations, and which part of it a completion belongs to. One owner thread; owns no memory.
 *
 * <pre>
 * kind (8) | the part's own (56)
 * </pre>
 */
final class FileCompletions implements Io.FileHandler {
    private static final int SHIFT = 56;
    static final long ALLOCATE = 1L << SHIFT;
    static final long FLUSH = 2L << SHIFT;
    static final long COLD_READ = 3L << SHIFT;
    static final long COMPACT = 4L << SHIFT;
    static final long SETTLE = 5L << SHIFT;
    static final long LOG = 6L << SHIFT;
    static final long SYNC = 7L << SHIFT;
    static final long TABLES = 8L << SHIFT;

    private final Store store;
    private final Rewriter rewriter;
    private final Settler settler;
    private final Clock clock;

    /** The log that is kept, or was kept last: its operations may still be in flight. */
    @Nullable WalWriter log;

    /** While an image is restored. */
    @Nullable TableLoader tables;

    FileCompletions(Store store, Rewriter rewriter, Settler settler, Clock clock) {
        this.store = store;
        this.rewriter = rewriter;
        this.settler = settler;
        this.clock = clock;
    }

    private void onTables(int slot, int result) {
        TableLoader loader = tables;
        if (loader != null) {
            loader.onRead(slot, result);
        }
    }

    private void onLog(int operation, int result) {
        WalWriter to = log;
        if (to != null) {
            to.onFile(operation, result, clock.nanoTime());
        }
    }

    @Override
    public void onFile(long token, int result) {
        int value = (int) token;
        switch ((int) (token >>> SHIFT)) {
            case (int) (ALLOCATE >>> SHIFT) -> store.segments.onAllocated(value, result);
            case (int) (FLUSH >>> SHIFT) -> store.sealed.onWritten(value, result, clock.nanoTime());
            case (int) (COLD_READ >>> SHIFT) -> store.cold.onRead(value, result);
            case (int) (COMPACT >>> SHIFT) -> rewriter.onPageRead(value, result);
            case (int) (SETTLE >>> SHIFT) -> settler.onPageRead(value, result);
            case (int) (TABLES >>> SHIFT) -> onTables(value, result);
            case (int) (SYNC >>> SHIFT) -> store.segments.onSynced(value, result);
            case (int) (LOG >>> SHIFT) -> onLog(value, result);
            default ->
                    throw new IllegalStateException(
                            "completion of an unknown file operation, token " + token);
        }
    }
}
