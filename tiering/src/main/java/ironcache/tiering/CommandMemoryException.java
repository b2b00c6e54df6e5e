package ironcache.tiering;

/**
 * Unwinds a command that would hold more memory at once, beside the data, than one command may: records read from the SSD, or what it gathers before it writes or replies. Thrown before its first write. Stackless and
 * single, as it says nothing of the server's state.
 */
public final class CommandMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public static final CommandMemoryException SIGNAL = new CommandMemoryException();

    private CommandMemoryException() {
        super(null, null, false, false);
    }
}
