package ironcache.ffm;

/**
 * What may go wrong in a simulation, as probabilities per operation; all zero at the start. A test
 * states which faults it allows by setting the fields, at any time. Owned by the simulation's thread.
 */
public final class SimFaults {
    /** A read, write or sync fails with EIO. */
    public double ioError;

    /** A write or allocation fails with ENOSPC although there is room. */
    public double noSpace;

    /** A read or write transfers only a part, a multiple of 512 bytes. */
    public double shortTransfer;

    /** One bit of what a read returns is wrong; the medium is intact. */
    public double readBitFlip;

    /** One bit of what a write leaves on the medium is wrong. */
    public double writeBitFlip;

    /** A write lands 4096 bytes further on, and its own place keeps what it had. */
    public double misdirectedWrite;

    /** A connection is reset when its peer's bytes arrive. */
    public double connectionReset;

    /** Shortest and longest time from an operation to its completion. */
    public long delayNanosMin = 1_000;

    public long delayNanosMax = 100_000;
}
