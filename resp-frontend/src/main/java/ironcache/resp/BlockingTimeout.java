package ironcache.resp;

import ironcache.datatypes.LongDouble;

/** The timeout of BLPOP and its like: seconds, with a fraction. */
final class BlockingTimeout {
    static final long INVALID = -1;

    private static final ErrorReply NOT_A_FLOAT =
            new ErrorReply("ERR timeout is not a float or out of range");
    private static final ErrorReply OUT_OF_RANGE = new ErrorReply("ERR timeout is out of range");
    private static final ErrorReply NEGATIVE = new ErrorReply("ERR timeout is negative");

    private static final int TEXT_BYTES_MAX = 256;

    private BlockingTimeout() {}

    /** Milliseconds, 0 for ever; or {@link #INVALID}, and the error is written. Allocates where it is no whole number. */
    static long parse(CommandContext c, int i) {
        double millis;
        if (c.isLong(i)) {
            millis = c.longValue() * 1000.0;
        } else if (c.isDouble(i)) {
            millis = Math.ceil(c.doubleValue() * 1000);
        } else {
            boolean huge =
                    c.argLength(i) <= TEXT_BYTES_MAX && LongDouble.parse(c.argBytes(i)) != null;
            c.reply().error(huge ? OUT_OF_RANGE : NOT_A_FLOAT);
            return INVALID;
        }
        if (millis < 0) {
            c.reply().error(NEGATIVE);
            return INVALID;
        }
        if (millis > (double) (Long.MAX_VALUE - c.now())) {
            c.reply().error(OUT_OF_RANGE);
            return INVALID;
        }
        return (long) millis;
    }
}
