package ironcache.ffm;

/**
 * The way of all parts of {@link UringIo} into the ring: fills entries, and counts what is in flight,
 * so that closing can wait until the kernel is done. What a part adds goes to the kernel with the
 * next turn at the latest, in the order of adding.
 *
 * <p>Owned by the thread of its {@link UringIo}. Memory owned: none, the entries are the {@link
 * Ring}'s.
 */
final class UringSubmissions {
    private final Ring ring;

    /** Everything submitted whose final completion has not come. */
    private int inFlight;

    UringSubmissions(Ring ring) {
        this.ring = ring;
    }

    /** What is added next, so many entries, is a chain: the kernel sees all of it at once, and one of its entries completes. */
    void beginChain(int entries) {
        ring.ensureSpace(entries);
        inFlight -= entries - 1;
    }

    /** @param userData of {@link UserData#of} */
    void add(
            int opcode,
            int flags,
            int ioprio,
            int fd,
            long off,
            long addr,
            int len,
            int opFlags,
            long userData,
            int buf) {
        SqeLayout.fill(
                ring.nextEntry(),
                opcode,
                flags,
                ioprio,
                fd,
                off,
                addr,
                len,
                opFlags,
                userData,
                buf);
        inFlight++;
    }

    /** Hands over what was added, now rather than with the next turn. */
    void submit() {
        ring.submit();
    }

    /** The final completion of an entry came. */
    void completed() {
        inFlight--;
    }

    int inFlight() {
        return inFlight;
    }
}
