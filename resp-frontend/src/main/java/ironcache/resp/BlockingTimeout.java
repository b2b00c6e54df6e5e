package ironcache.resp;

import ironcache.datatypes.LongDouble;

/** The timeout of commands that block: seconds, as Valkey's getTimeoutFromObject takes them. */
final class BlockingTimeout {
    /** The error is written. */
    static final long INVALID = -1;

    private static final ErrorReply NOT_A_TIMEOUT =
            new ErrorReply("ERR timeout is not a float or out of range");
    private static final ErrorReply OUT_OF_RANGE = new ErrorReply("ERR timeout is out of range");
    private static final ErrorReply NEGATIVE = new ErrorReply("ERR timeout is negative");

    private BlockingTimeout() {}

    /** Milliseconds, rounded up; 0: for ever; or {@link #INVALID}. Allocates. */
    static long millis(CommandContext c, int i) {
        LongDouble seconds = LongDouble.parse(c.argBytes(i));
        if (seconds == null) {
            c.reply().error(NOT_A_TIMEOUT);
            return INVALID;
        }
        long millis = seconds.thousandths();
        if (millis < 0) {
            c.reply().error(NEGATIVE);
            return INVALID;
        }
        if (millis > Long.MAX_VALUE - c.now()) {
            c.reply().error(OUT_OF_RANGE);
            return INVALID;
        }
        return millis;
    }
}
