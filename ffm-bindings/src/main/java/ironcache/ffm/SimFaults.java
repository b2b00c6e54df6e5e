package ironcache.ffm;

import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * What may go wrong in a simulation, as probabilities per operation; all zero at the start. A test states which faults it allows by setting the
 * fields, at any time, and prints {@link #describe} with its seed. A fault with probability zero draws nothing from the seed, so that runs which
 * do not know it stay what they were. Owned by the simulation's thread.
 *
 * <p>What a crash does is not here: {@link SimDisk#crash}.
 */
public final class SimFaults {
    private static final long DELAY_NANOS_MIN = 1_000;
    private static final long DELAY_NANOS_MAX = 100_000;

    // Errors that are reported.

    /** A read, write, allocation or sync fails with EIO; as {@link #readError}, {@link #writeError} and {@link #syncError} together. */
    public double ioError;

    public double readError;

    /** A write or allocation fails with EIO. Some of the write may have been done. */
    public double writeError;

    /** A sync of a file or directory fails with EIO. */
    public double syncError;

    /**
     * Of a sync that failed: the kernel forgets what there was to write. The next sync succeeds, and what was written before is gone with the next
     * crash; half the time reads no longer see it at once.
     */
    public double syncErrorDrops;

    /** A write or allocation fails with ENOSPC although there is room. */
    public double noSpace;

    /** A read or write transfers only a part, a multiple of 512 bytes. */
    public double shortTransfer;

    // Errors that are not.

    /** One bit of what a read returns is wrong; the medium is intact. */
    public double readBitFlip;

    /** One bit of what a read wants has turned on the medium, for good. */
    public double mediumBitFlip;

    /** One block of what a read returns is a block of another place, in the same or another file; the medium is intact. */
    public double misdirectedRead;

    /** One block of what a read returns is what it was before it was last written; the medium is intact. */
    public double staleRead;

    /** One bit of what a write leaves on the medium is wrong. */
    public double writeBitFlip;

    /** A write lands in another place, in the same or another file, and its own place keeps what it had. */
    public double misdirectedWrite;

    /** A write is acknowledged and never done. Nobody survives that unnoticed who has no copy. */
    public double lostWrite;

    // The network.

    /** A connection is reset when its peer's bytes arrive. */
    public double connectionReset;

    // Time.

    /** Shortest and longest time from an operation to its completion. */
    public long delayNanosMin = DELAY_NANOS_MIN;

    public long delayNanosMax = DELAY_NANOS_MAX;

    /** Shortest and longest time of a kind of operation. */
    public record Latency(long nanosMin, long nanosMax) {}

    /** Null, as of the two that follow: as all else. */
    public @Nullable Latency readLatency;

    public @Nullable Latency writeLatency;

    /** Of files and directories. */
    public @Nullable Latency syncLatency;

    /** A file operation takes up to {@link #slowNanosMax} longer. */
    public double slow;

    public long slowNanosMax = 200_000_000;

    // Planted bugs: checkers of the layers above must notice.

    /** Syncs of files succeed and do nothing. */
    public boolean ignoreSync;

    /** Syncs of directories succeed and do nothing. */
    public boolean ignoreDirectorySync;

    /** A rename is durable at once, before what is in the file: that is in doubt again until the next sync of the file or of the directory. */
    public boolean reorderedRename;

    /** Whether what a read returns may be another thing than what is there. */
    boolean changesReads() {
        return readBitFlip > 0 || mediumBitFlip > 0 || misdirectedRead > 0 || staleRead > 0;
    }

    /** What is set, in one line. */
    public String describe() {
        StringJoiner line = new StringJoiner(", ", "faults: ", "").setEmptyValue("faults: none");
        add(line, "ioError", ioError);
        add(line, "readError", readError);
        add(line, "writeError", writeError);
        add(line, "syncError", syncError);
        add(line, "syncErrorDrops", syncErrorDrops);
        add(line, "noSpace", noSpace);
        add(line, "shortTransfer", shortTransfer);
        add(line, "readBitFlip", readBitFlip);
        add(line, "mediumBitFlip", mediumBitFlip);
        add(line, "misdirectedRead", misdirectedRead);
        add(line, "staleRead", staleRead);
        add(line, "writeBitFlip", writeBitFlip);
        add(line, "misdirectedWrite", misdirectedWrite);
        add(line, "lostWrite", lostWrite);
        add(line, "connectionReset", connectionReset);
        if (delayNanosMin != DELAY_NANOS_MIN || delayNanosMax != DELAY_NANOS_MAX) {
            add(line, "delay", new Latency(delayNanosMin, delayNanosMax));
        }
        add(line, "readLatency", readLatency);
        add(line, "writeLatency", writeLatency);
        add(line, "syncLatency", syncLatency);
        add(line, "slow", slow);
        if (slow > 0) {
            line.add("slowNanosMax " + slowNanosMax);
        }
        add(line, "ignoreSync", ignoreSync);
        add(line, "ignoreDirectorySync", ignoreDirectorySync);
        add(line, "reorderedRename", reorderedRename);
        return line.toString();
    }

    private static void add(StringJoiner line, String name, double probability) {
        if (probability > 0) {
            line.add(name + " " + probability);
        }
    }

    private static void add(StringJoiner line, String name, @Nullable Latency latency) {
        if (latency != null) {
            line.add(name + " " + latency.nanosMin + ".." + latency.nanosMax + " ns");
        }
    }

    private static void add(StringJoiner line, String name, boolean planted) {
        if (planted) {
            line.add(name);
        }
    }
}
