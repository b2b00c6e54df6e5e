package ironcache.resp;

import ironcache.ffm.Clock;
import org.jspecify.annotations.Nullable;

/**
 * What happens ten times a second: timeouts, samples for INFO, the end of CLIENT PAUSE; once a second where nothing has happened for a while. Owned by the
 * shard's thread.
 */
final class Cron {
    /** After so long without a byte from or to a client that holds memory others wait for, they wait no longer. */
    private static final int STALL_SECONDS = 20;

    /** System calls per run, at most. */
    private static final int MOST_LOOKS = 1000;

    private static final long INTERVAL_NANOS = 100_000_000;
    private static final long SECOND_NANOS = 1_000_000_000;

    /** So many samples without a command say that there are none. */
    private static final int QUIET_RUNS = 20;

    private final Node node;
    private final Partition own;
    private final EventLoop loop;
    private final ConnectionBuffers buffers;
    private long nextSecondNanos;
    private long commandsBefore;
    private int quietRuns;

    Cron(Node node, Partition own, EventLoop loop, ConnectionBuffers buffers) {
        this.node = node;
        this.own = own;
        this.loop = loop;
        this.buffers = buffers;
    }

    /** @return nanoseconds until it is to run again */
    long run(Clock clock) {
        long now = clock.nanoTime();
        own.stats.sample(now);
        boolean paused = loop.endPause();
        closeDeadWaiters();
        if (now - nextSecondNanos >= 0) {
            nextSecondNanos = now + SECOND_NANOS - INTERVAL_NANOS / 2;
            everySecond(clock.currentTimeMillis(), clock);
        }
        quietRuns = own.stats.commands == commandsBefore ? quietRuns + 1 : 0;
        commandsBefore = own.stats.commands;
        boolean quiet = quietRuns >= QUIET_RUNS && !paused && buffers.admission.waiting() == 0;
        return quiet ? SECOND_NANOS : INTERVAL_NANOS;
    }

    /**
     * Nobody receives from those who wait for memory, so nobody hears that they have gone: without this look, clients that give up and come
     * again would fill the line with their dead connections.
     */
    private void closeDeadWaiters() {
        Connection next;
        int looks = 0;
        for (Connection c = buffers.admission.firstInLine();
                c != null && looks < MOST_LOOKS;
                c = next) {
            next = c.nextInLine;
            if (c.neededBytes > c.inputBound && c.receivePaused) {
                looks++;
                int last = loop.io().lastBytes(c.socket);
                if (last >= 0 && (long) c.inputBytes() + last < c.neededBytes) {
                    // Its request will never be complete.
                    loop.close(c);
                }
            }
        }
    }

    private void everySecond(long nowMillis, Clock clock) {
        if (own.number == 0) {
            node.memory.measure();
            node.durability.everySecond();
        }
        int timeoutSeconds = node.config.timeoutSeconds;
        @Nullable Connection[] connections = loop.connections();
        for (int i = 0; i < connections.length; i++) {
            Connection c = connections[i];
            if (c == null || c.state == Connection.State.CLOSED) {
                continue;
            }
            if (timeoutSeconds > 0
                    && !c.isWaiting()
                    && nowMillis - c.lastActiveMillis > timeoutSeconds * 1000L) {
                loop.close(c);
            } else if (c.outBytes > 0 && node.overOutputLimit(c, clock.nanoTime() / 1_000_000)) {
                loop.close(c);
            } else if (buffers.admission.waiting() > 0 && Admission.reserved(c) > 0) {
                checkStall(c);
            }
        }
        own.stats.networkBytes = buffers.bytes();
    }

    /**
     * A client that stopped in the middle of a big request would hold up everybody behind it: it is disconnected. One that does not read its
     * reply may do so, as far as client-output-buffer-limit allows; its memory just does not count any longer.
     */
    private void checkStall(Connection c) {
        long moved = c.receivedBytes + c.sentBytes;
        if (moved != c.movedBytes || c.isWaiting() && c.state != Connection.State.AWAITING_OUTPUT) {
            c.movedBytes = moved;
            c.stalledSeconds = 0;
        } else if (++c.stalledSeconds >= STALL_SECONDS) {
            c.stalledSeconds = 0;
            if (c.outputBound > 0) {
                buffers.admission.releaseOutput(c, 0);
            } else {
                node.log.warn(
                        "closing client "
                                + c.id
                                + ": it stopped for "
                                + STALL_SECONDS
                                + " seconds in the middle of a request of "
                                + c.inputBound
                                + " bytes, while "
                                + buffers.admission.waiting()
                                + " other clients waited for that memory");
                own.stats.stalledDisconnections++;
                loop.close(c);
            }
        }
    }
}
