package ironcache.tools;

/** The job cannot be done; the message says why, and what to do. Ends the tool with {@link ExitCode#FAILED}. */
final class ToolException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ToolException(String message) {
        super(message);
    }
}
