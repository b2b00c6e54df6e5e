package ironcache.tools;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Writes filler into database 15 of a server all the while, so that the log rolls on under the keys of the run and
 * they are read back cold. That database takes no part in any comparison. Has a thread of its own until it is closed.
 */
final class Pressure implements AutoCloseable {
    private static final int VALUE_BYTES = 8 << 10;
    private static final int BATCH = 16;

    private final Thread thread;
    private volatile boolean stopped;
    private volatile long batches;

    /** @param mib how much filler there is before it is overwritten */
    Pressure(int port, long mib) {
        thread = Thread.startVirtualThread(() -> fill(port, mib));
    }

    private void fill(int port, long mib) {
        byte[] value = new byte[VALUE_BYTES];
        SplittableRandom random = new SplittableRandom(1);
        long keys = (mib << 20) / value.length;
        try (RespClient client = new RespClient(port)) {
            client.call("SELECT", "15");
            for (long i = 0; !stopped; i++) {
                List<byte[][]> batch = new ArrayList<>();
                for (int n = 0; n < BATCH; n++) {
                    random.nextBytes(value);
                    batch.add(
                            new byte[][] {
                                "SET".getBytes(),
                                ("filler:" + (i * BATCH + n) % keys).getBytes(),
                                value.clone()
                            });
                }
                Reply last = client.pipeline(batch).getLast();
                batches = i + 1;
                if (last.isError() || last == Reply.CLOSED || last == Reply.TIMED_OUT) {
                    System.out.println("pressure: " + last);
                    return;
                }
            }
        } catch (IOException e) {
            System.out.println("pressure: " + e);
        }
    }

    long batches() {
        return batches;
    }

    @Override
    public void close() {
        stopped = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
