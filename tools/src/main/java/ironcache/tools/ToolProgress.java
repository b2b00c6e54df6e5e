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

    /** What is counted. */
    enum Unit {
        MIB(" MiB", ToolProgress.MIB),
        KEYS(" keys", 1);

        private final String text;
        private final long size;

        Unit(String text, long size) {
            this.text = text;
            this.size = size;
        }
    }

    private final String task;
    private final boolean quiet;
    private final Unit unit;
    private final AtomicLong total = new AtomicLong();
    private final AtomicLong done = new AtomicLong();
    private final long startNanos = System.nanoTime();
    private final @Nullable ProgressBar bar;
    private long lineNanos = startNanos;

    ToolProgress(String task, boolean quiet) {
        this(task, quiet, Unit.MIB);
    }

    // Null where there is no terminal: so it was before JDK 22, and is again since 25.
    @SuppressWarnings("SystemConsoleNull")
    ToolProgress(String task, boolean quiet, Unit unit) {
        this.task = task;
        this.unit = unit;
        this.quiet = quiet;
        boolean terminal = System.console() != null && System.console().isTerminal();
        bar =
                quiet || !terminal
                        ? null
                        : new ProgressBarBuilder()
                                .setTaskName(task)
                                .setStyle(ProgressBarStyle.ASCII)
                                .setInitialMax(1)
                                .setUnit(unit.text, unit.size)
                                .showSpeed()
                                .setUpdateIntervalMillis(500)
                                .build();
    }

    /** More is to be done than was known, in bytes or keys. */
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
                    "%s: %.1f %%, %,d%s, %,.0f%s/s, %.0f s left%n",
                    task,
                    100.0 * done.get() / Math.max(1, total.get()),
                    done.get() / unit.size,
                    unit.text,
                    rate / unit.size,
                    unit.text,
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
