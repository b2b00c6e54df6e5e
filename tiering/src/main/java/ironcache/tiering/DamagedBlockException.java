package ironcache.tiering;

/** A block read from the SSD is not what was written: file, offset, field, expected and actual are in the message. */
public final class DamagedBlockException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DamagedBlockException(String message) {
        super(message);
    }
}
