package ironcache.resp;

import org.jspecify.annotations.Nullable;

/**
 * Bounds the network memory of big requests and big replies: who may take how much now, and who waits. What needs at most
 * {@value #SMALL_BYTES} bytes never asks. Bytes that wait are the kernel's: a connection that waits with its request is not received from.
 *
 * <p>There is a budget that all share, and one <em>slot</em>. Whatever fits into the budget is admitted. What does not fit takes the slot
 * if that is free, however big it is, and else waits in line. When memory comes back, those in line are looked at in order: each gets its
 * share if it fits now, and the first the slot if that is free. So the bound is the budget and the one biggest request besides, and
 * small ones go on beside a big one that arrives slowly.
 *
 * <p>Nobody waits for ever. A request may turn out to need more after it was admitted (the second value of an MSET), so holders may wait too,
 * and holding while waiting is how deadlocks are made; but the holder of the slot is never refused and so never waits. It ends, and the
 * slot goes to the first in line, whatever that one holds. Hence the invariant: <em>where someone waits, someone holds the slot</em>. What only
 * the client can end (half a request, a reply that it does not read) is ended by {@link Cron} when the client is silent for long.
 *
 * <p>A connection's reservation ends with its request's last byte executed, its reply's last byte sent, or its end. Owned by the shard's thread;
 * holds no memory itself and allocates nothing: the line is linked through the connections.
 */
final class Admission {
    /** Up to this many bytes of input and of output each, nobody asks. */
    static final int SMALL_BYTES = 64 << 10;

    /** Told of a connection in line that was admitted; from within any call here. */
    interface Listener {
        void onAdmitted(Connection c);
    }

    private final long budgetBytes;
    private Listener listener = c -> {};

    /** Reserved within the budget: by all holders but that of the slot. */
    private long sharedBytes;

    private @Nullable Connection slotHolder;
    private @Nullable Connection first;
    private @Nullable Connection last;
    private int waiting;
    private long waits;

    Admission(long budgetBytes) {
        this.budgetBytes = budgetBytes;
    }

    void setListener(Listener to) {
        listener = to;
    }

    /**
     * Asks for input memory. On true, the connection's input may grow up to {@code bytes}; on false it stands in line.
     *
     * @param bytes all that the request is known to need, more than {@value #SMALL_BYTES}
     */
    boolean admitInput(Connection c, long bytes) {
        return admit(c, bytes, c.outputBound);
    }

    /** Asks for {@code bytes} of output memory in all, what waits to be sent included. As {@link #admitInput}. */
    boolean admitOutput(Connection c, long bytes) {
        return admit(c, c.inputBound, bytes);
    }

    private boolean admit(Connection c, long inputBound, long outputBound) {
        c.wantedInputBound = Math.max(inputBound, c.inputBound);
        c.wantedOutputBound = Math.max(outputBound, c.outputBound);
        if (c.inLine) {
            return false;
        }
        if (grant(c)) {
            return true;
        }
        c.inLine = true;
        c.previousInLine = last;
        if (last == null) {
            first = c;
        } else {
            last.nextInLine = c;
        }
        last = c;
        waiting++;
        waits++;
        return false;
    }

    private boolean grant(Connection c) {
        long held = reserved(c);
        long wanted = bytes(c.wantedInputBound, c.wantedOutputBound);
        if (slotHolder != c) {
            if (sharedBytes - held + wanted <= budgetBytes) {
                sharedBytes += wanted - held;
            } else if (slotHolder == null) {
                slotHolder = c;
                sharedBytes -= held;
            } else {
                return false;
            }
        }
        c.inputBound = c.wantedInputBound;
        c.outputBound = c.wantedOutputBound;
        return true;
    }

    /** The connection's input buffer is small or gone. */
    void releaseInput(Connection c) {
        if (c.inputBound != SMALL_BYTES) {
            long held = reserved(c);
            c.inputBound = SMALL_BYTES;
            released(c, held);
        }
    }

    /** The connection's output will not be more than {@code bytes} before it asks again. */
    void releaseOutput(Connection c, long bytes) {
        if (c.outputBound > bytes) {
            long held = reserved(c);
            c.outputBound = bytes;
            released(c, held);
        }
    }

    private void released(Connection c, long heldBefore) {
        long held = reserved(c);
        if (slotHolder != c) {
            sharedBytes -= heldBefore - held;
        } else if (held == 0) {
            slotHolder = null;
        } else if (sharedBytes + held <= budgetBytes) {
            sharedBytes += held;
            slotHolder = null;
        }
        admitLine();
    }

    private void admitLine() {
        Connection next;
        for (Connection c = first; c != null; c = next) {
            next = c.nextInLine;
            if (slotHolder != null && sharedBytes + SMALL_BYTES > budgetBytes) {
                return;
            }
            if (grant(c)) {
                unlink(c);
                listener.onAdmitted(c);
            }
        }
    }

    /** The connection no longer wants what it stands in line for; what it holds it keeps. */
    void leaveLine(Connection c) {
        if (c.inLine) {
            unlink(c);
        }
    }

    private void unlink(Connection c) {
        Connection before = c.previousInLine;
        Connection after = c.nextInLine;
        if (before == null) {
            first = after;
        } else {
            before.nextInLine = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.previousInLine = before;
        }
        c.previousInLine = null;
        c.nextInLine = null;
        c.inLine = false;
        waiting--;
    }

    /** The connection has ended and its buffers are given back. */
    void forget(Connection c) {
        leaveLine(c);
        releaseInput(c);
        releaseOutput(c, 0);
    }

    private static long bytes(long inputBound, long outputBound) {
        return (inputBound == SMALL_BYTES ? 0 : inputBound) + outputBound;
    }

    /** Bytes that the connection holds. */
    static long reserved(Connection c) {
        return bytes(c.inputBound, c.outputBound);
    }

    /** Bytes that all hold. */
    long reservedBytes() {
        return sharedBytes + (slotHolder == null ? 0 : reserved(slotHolder));
    }

    long budgetBytes() {
        return budgetBytes;
    }

    /** Connections in line. */
    int waiting() {
        return waiting;
    }

    /** The first in line; the others follow by {@code nextInLine}. */
    @Nullable Connection firstInLine() {
        return first;
    }

    /** How often someone had to wait, since start. */
    long waits() {
        return waits;
    }

    /** Asserts the invariant and the sums, given all connections; for tests. */
    void checkInvariants(Iterable<Connection> all) {
        long shared = 0;
        int inLine = 0;
        for (Connection c : all) {
            shared += c == slotHolder ? 0 : reserved(c);
            inLine += c.inLine ? 1 : 0;
        }
        Connection holder = slotHolder;
        if (shared != sharedBytes
                || shared > budgetBytes
                || inLine != waiting
                || waiting > 0 && (holder == null || holder.inLine)) {
            throw new AssertionError(
                    "shared "
                            + shared
                            + " and "
                            + sharedBytes
                            + " of "
                            + budgetBytes
                            + ", in line "
                            + inLine
                            + " and "
                            + waiting
                            + ", slot "
                            + (holder == null ? "free" : "of " + holder.id));
        }
    }
}
