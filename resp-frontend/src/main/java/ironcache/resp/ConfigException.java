package ironcache.resp;

/** A wrong setting at start; the message names it, its value, and what is allowed. */
final class ConfigException extends Exception {
    private static final long serialVersionUID = 1L;

    ConfigException(String message) {
        super(message);
    }
}
