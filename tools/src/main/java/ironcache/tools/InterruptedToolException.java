package ironcache.tools;

/** Ctrl-C or SIGTERM cut the job off; the message says what it leaves. Ends the tool with {@link ExitCode#INTERRUPTED}. */
final class InterruptedToolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    InterruptedToolException(String message) {
        super(message);
    }
}
