package ironcache.tools;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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
    private static final CountDownLatch ENDED = new CountDownLatch(1);
    private static final long INTERRUPT_SECONDS = 10;

    /**
     * Ctrl-C and SIGTERM call {@code cancel} and wait until the command has ended: so that whatever the job holds is closed, and what it made is marked or gone.
     */
    static void onInterrupt(Runnable cancel) {
        Thread hook = new Thread(() -> interrupted(cancel), "interrupt");
        HOOK.set(hook);
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private static void interrupted(Runnable cancel) {
        cancel.run();
        try {
            if (!ENDED.await(INTERRUPT_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("ironcache-tool: interrupted, and cut off");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        System.out.flush();
        System.err.flush();
        // The signal's own code differs from signal to signal.
        Runtime.getRuntime().halt(ExitCode.INTERRUPTED);
    }

    /** Ends the process, unless a signal does so already. */
    static void exit(int code) {
        ENDED.countDown();
        System.exit(code);
    }

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
