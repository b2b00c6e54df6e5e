package ironcache.bench;

import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** How far a run is: a bar on a terminal, a plain line every five seconds elsewhere (logs, continuous integration). */
interface Progress extends AutoCloseable {
    Progress NONE = (replies, nowNs) -> {};

    void update(long replies, long nowNs);

    @Override
    default void close() {}

    // Null where there is no terminal: so it was before JDK 22, and is again since 25.
    @SuppressWarnings("SystemConsoleNull")
    static Progress of(LoadOptions options) {
        if (options.quiet) {
            return NONE;
        }
        long startNs = System.nanoTime();
        boolean terminal = System.console() != null && System.console().isTerminal();
        return terminal ? new Bar(options, startNs) : new Lines(options, startNs);
    }

    /** Share of the run that is done, 0 to 1, by requests or by time. */
    private static double done(LoadOptions options, long replies, long elapsedNs) {
        return options.requestLimit() != Long.MAX_VALUE
                ? (double) replies / options.requestLimit()
                : (double) elapsedNs / options.durationNs();
    }

    /** On a terminal: rate and remaining time. */
    final class Bar implements Progress {
        private final long startNs;
        private final boolean byRequests;
        private final ProgressBar bar;
        private long lastReplies;
        private long lastNs;

        Bar(LoadOptions options, long startNs) {
            this.startNs = startNs;
            lastNs = startNs;
            byRequests = options.requestLimit() != Long.MAX_VALUE;
            bar =
                    new ProgressBarBuilder()
                            .setTaskName(options.label)
                            .setStyle(ProgressBarStyle.ASCII)
                            .setInitialMax(
                                    byRequests
                                            ? options.requestLimit()
                                            : options.durationNs() / 1_000_000_000L)
                            .setUnit(byRequests ? "" : " s", 1)
                            .setUpdateIntervalMillis(500)
                            .build();
        }

        @Override
        public void update(long replies, long nowNs) {
            bar.stepTo(byRequests ? replies : (nowNs - startNs) / 1_000_000_000L);
            if (nowNs - lastNs >= 500_000_000L) {
                bar.setExtraMessage(
                        String.format(
                                Locale.ROOT,
                                " %,.0f/s",
                                (replies - lastReplies) * 1e9 / (nowNs - lastNs)));
                lastReplies = replies;
                lastNs = nowNs;
            }
        }

        @Override
        public void close() {
            bar.close();
        }
    }

    /** Elsewhere. */
    final class Lines implements Progress {
        private static final long INTERVAL_NS = 5_000_000_000L;

        private final LoadOptions options;
        private final long startNs;
        private long lastReplies;
        private long lastNs;

        Lines(LoadOptions options, long startNs) {
            this.options = options;
            this.startNs = startNs;
            lastNs = startNs;
        }

        @Override
        public void update(long replies, long nowNs) {
            if (nowNs - lastNs < INTERVAL_NS) {
                return;
            }
            double done = Progress.done(options, replies, nowNs - startNs);
            System.err.printf(
                    Locale.ROOT,
                    "%s: %.1f %%, %,d replies, %,.0f/s, %.0f s left%n",
                    options.label,
                    done * 100,
                    replies,
                    (replies - lastReplies) * 1e9 / (nowNs - lastNs),
                    (nowNs - startNs) / 1e9 * (1 - done) / Math.max(done, 1e-9));
            lastReplies = replies;
            lastNs = nowNs;
        }
    }
}
