package ironcache.recovery;

/** A job that makes a directory can write no more: the disk is full, or fails, or memory is too small. */
public final class CannotWriteException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CannotWriteException(String message) {
        super(message);
    }
}
