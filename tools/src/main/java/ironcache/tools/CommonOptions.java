package ironcache.tools;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What every command takes. */
final class CommonOptions {
    @Option(names = "--json", description = "One JSON document on standard output, nothing else.")
    boolean json;

    @Option(
            names = {"-q", "--quiet"},
            description = "No progress on standard error.")
    boolean quiet;

    /** No bar where a program reads along. */
    boolean silent() {
        return quiet || json;
    }

    private static final AtomicReference<@Nullable Thread> HOOK = new AtomicReference<>();

    /**
     * Ctrl-C and SIGTERM call {@code cancel} and wait until {@link #done}: so that whatever the job holds is closed, and what it made is marked.
     */
    static void onInterrupt(Runnable cancel) {
        Thread job = Thread.currentThread();
        Thread hook =
                new Thread(
                        () -> {
                            cancel.run();
                            try {
                                job.join(INTERRUPT_MILLIS);
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        },
                        "interrupt");
        HOOK.set(hook);
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private static final long INTERRUPT_MILLIS = 10_000;

    /** The job is over. */
    static void done() {
        Thread hook = HOOK.getAndSet(null);
        if (hook != null) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // The tool is being ended already.
            }
        }
    }
}
