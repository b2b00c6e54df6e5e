package ironcache.tools;

import java.nio.file.Path;

/**
 * What the parts of a {@link Salvage} share: the directory that is read, the one that is made, who is told, and whether to go on. Any thread may cancel; all else is for the
 * one thread of the salvage.
 */
record SalvageJob(
        DataDirectory from,
        Path to,
        SalvageReport report,
        ToolProgress progress,
        Cancellation cancellation) {
    /** @throws ToolException where the job is to end */
    void checkCancelled() {
        if (cancellation.isCancelled()) {
            throw new ToolException("interrupted; " + to + " is not whole, and is marked so");
        }
    }
}
