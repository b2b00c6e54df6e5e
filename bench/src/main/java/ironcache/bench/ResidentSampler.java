package ironcache.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A process's resident memory once a second, for a plot; the peak itself comes from the kernel. Runs a thread of its own. */
final class ResidentSampler implements AutoCloseable {
    private final ProcessFigures process;
    private final List<Double> megabytes = new ArrayList<>();
    private final Thread thread;

    ResidentSampler(ProcessFigures process) {
        this.process = process;
        thread = Thread.ofPlatform().daemon().name("resident-sampler").unstarted(this::sample);
    }

    ResidentSampler start() {
        thread.start();
        return this;
    }

    private void sample() {
        try {
            while (true) {
                double rss = process.rssBytes() / 1e6;
                synchronized (megabytes) {
                    megabytes.add(rss);
                }
                Thread.sleep(1000);
            }
        } catch (IOException | InterruptedException e) {
            // The process has ended, or the samples are no longer wanted.
        }
    }

    double[] megabytes() {
        synchronized (megabytes) {
            return megabytes.stream().mapToDouble(Double::doubleValue).toArray();
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
