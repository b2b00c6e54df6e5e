package ironcache.tools;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** How far a job is, on standard error: a bar with rate and remaining time on a terminal, a line every five seconds elsewhere. Counters may be moved by any thread. */
final class ToolProgress implements AutoCloseable {
    private static final long LINE_NANOS = 5_000_000_000L;
    private static final long MIB = 1L << 20;

    private final String task;
    private final boolean quiet;
    private final AtomicLong total = new AtomicLong();
    private final AtomicLong done = new AtomicLong();
    private final long startNanos = System.nanoTime();
    private final @Nullable ProgressBar bar;
    private long lineNanos = startNanos;

    // Null where there is no terminal: so it was before JDK 22, and is again since 25.
    @SuppressWarnings("SystemConsoleNull")
    ToolProgress(String task, boolean quiet) {
        this.task = task;
        this.quiet = quiet;
        boolean terminal = System.console() != null && System.console().isTerminal();
        bar =
                quiet || !terminal
                        ? null
                        : new ProgressBarBuilder()
                                .setTaskName(task)
                                .setStyle(ProgressBarStyle.ASCII)
                                .setInitialMax(1)
                                .setUnit(" MiB", MIB)
                                .showSpeed()
                                .setUpdateIntervalMillis(500)
                                .build();
    }

    /** More is to be done than was known. */
    void expect(long bytes) {
        total.addAndGet(bytes);
    }

    void did(long bytes) {
        done.addAndGet(bytes);
    }

    long doneBytes() {
        return done.get();
    }

    double seconds() {
        return (System.nanoTime() - startNanos) / 1e9;
    }

    /** By one thread, now and then. */
    void show() {
        if (bar != null) {
            bar.maxHint(Math.max(total.get(), done.get()));
            bar.stepTo(done.get());
        } else if (!quiet && System.nanoTime() - lineNanos >= LINE_NANOS) {
            lineNanos = System.nanoTime();
            double rate = done.get() / seconds();
            System.err.printf(
                    Locale.ROOT,
                    "%s: %.1f %%, %,d MiB, %,.0f MiB/s, %.0f s left%n",
                    task,
                    100.0 * done.get() / Math.max(1, total.get()),
                    done.get() / MIB,
                    rate / MIB,
                    Math.max(0, total.get() - done.get()) / Math.max(1, rate));
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            show();
            bar.close();
        }
    }
}
