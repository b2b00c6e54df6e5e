package ironcache.tools;

/** Whether Ctrl-C or SIGTERM asked the job to end. Any thread may ask and be asked. */
final class Cancellation {
    private volatile boolean cancelled;
    private volatile Runnable further = () -> {};

    /** As {@link CommonOptions#onInterrupt} wants it. */
    void cancel() {
        cancelled = true;
        further.run();
    }

    /** What part of the job has a way of its own to be told. */
    void tell(Runnable part) {
        further = part;
        if (cancelled) {
            part.run();
        }
    }

    boolean isCancelled() {
        return cancelled;
    }

    /** @throws InterruptedToolException where the job is to end */
    void check() {
        if (cancelled) {
            throw new InterruptedToolException("interrupted");
        }
    }
}
