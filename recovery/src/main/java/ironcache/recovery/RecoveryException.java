package ironcache.recovery;

/** The data directory cannot be recovered as it is; the message says what is wrong, where, and what to run. */
public final class RecoveryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Ends a message about damage. */
    public static final String WHAT_TO_RUN =
            "run `ironcache-tool verify DIR` to see what else is damaged, `ironcache-tool recover DIR"
                    + " --to NEW` to save what is not";

    public RecoveryException(String message) {
        super(message);
    }
}
