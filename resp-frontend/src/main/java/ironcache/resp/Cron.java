package ironcache.resp;

import ironcache.ffm.Clock;
import org.jspecify.annotations.Nullable;

/** What happens ten times a second: timeouts, samples for INFO, the end of CLIENT PAUSE. Owned by the shard's thread. */
final class Cron {
    private final Node node;
    private final EventLoop loop;
    private final ConnectionBuffers buffers;
    private int runs;

    Cron(Node node, EventLoop loop, ConnectionBuffers buffers) {
        this.node = node;
        this.loop = loop;
        this.buffers = buffers;
    }

    void run(Clock clock) {
        long nowMillis = clock.currentTimeMillis();
        node.stats.sample(clock.nanoTime());
        if (node.pauseUntilMillis != 0 && nowMillis >= node.pauseUntilMillis) {
            node.unpause();
        }
        if (++runs % 10 == 0) {
            everySecond(nowMillis, clock);
        }
    }

    private void everySecond(long nowMillis, Clock clock) {
        node.memory.measure();
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
            }
        }
        node.stats.networkBytes = buffers.bytes();
    }
}
