package ironcache.recovery;

import ironcache.parity.ParityId;
import ironcache.parity.Repair;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Repairs files from their parity, on another thread. */
public interface FileMender {
    /** There is no parity. */
    FileMender NONE = (id, file, after) -> false;

    /**
     * Asks for a file to be repaired in place.
     *
     * @param after is run with what came of it, on the thread that asked and in its shard
     * @return false: nobody can, and {@code after} is not run
     */
    boolean mend(ParityId id, Path file, Consumer<Repair> after);
}
