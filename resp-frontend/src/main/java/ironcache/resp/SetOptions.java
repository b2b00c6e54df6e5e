package ironcache.resp;

/**
 * The options that SET, GETEX and MSETEX share, parsed once into a word: flags, and where the arguments of the expiry and of IFEQ are.
 * Nothing is allocated.
 *
 * <pre>
 * 0       16              40             63 64
 * | flags | expiry's index | IFEQ's index | - |
 * </pre>
 */
final class SetOptions {
    static final long NX = 1;
    static final long XX = 1 << 1;
    static final long IFEQ = 1 << 2;
    static final long GET = 1 << 3;
    static final long KEEPTTL = 1 << 4;
    static final long EX = 1 << 5;
    static final long PX = 1 << 6;
    static final long EXAT = 1 << 7;
    static final long PXAT = 1 << 8;
    static final long PERSIST = 1 << 9;

    static final long EXPIRY = EX | PX | EXAT | PXAT;
    private static final long CONDITION = NX | XX | IFEQ;

    /** What each command takes. */
    static final long OF_SET = CONDITION | GET | KEEPTTL | EXPIRY;

    static final long OF_GETEX = PERSIST | EXPIRY;
    static final long OF_MSETEX = NX | XX | KEEPTTL | EXPIRY;

    /** What {@link #parse} returns after it wrote an error. */
    static final long INVALID = -1;

    private static final int EXPIRY_SHIFT = 16;
    private static final int INDEX_BITS = 24;
    private static final int IFEQ_SHIFT = EXPIRY_SHIFT + INDEX_BITS;
    private static final int MAX_INDEX = (1 << INDEX_BITS - 1) - 1;

    private SetOptions() {}

    /** Parses the arguments from {@code from} to the end; on failure writes the syntax error and returns {@link #INVALID}. */
    static long parse(CommandContext c, int from, long allowed) {
        long options = 0;
        int argc = c.argc();
        for (int i = from; i < argc; i++) {
            long option = option(c, i);
            long conflicts = conflicts(option);
            boolean takesArgument = (option & (EXPIRY | IFEQ)) != 0;
            if ((option & allowed) == 0
                    || (options & conflicts) != 0
                    || takesArgument && i + 1 >= argc
                    || i >= MAX_INDEX) {
                c.reply().error(Errors.SYNTAX);
                return INVALID;
            }
            options |= option;
            if (takesArgument) {
                i++;
                int shift = option == IFEQ ? IFEQ_SHIFT : EXPIRY_SHIFT;
                options = options & ~((1L << INDEX_BITS) - 1 << shift) | (long) i << shift;
            }
        }
        return options;
    }

    private static long option(CommandContext c, int i) {
        switch (c.argLength(i)) {
            case 2:
                return c.argIs(i, "EX")
                        ? EX
                        : c.argIs(i, "PX") ? PX : c.argIs(i, "NX") ? NX : c.argIs(i, "XX") ? XX : 0;
            case 3:
                return c.argIs(i, "GET") ? GET : 0;
            case 4:
                return c.argIs(i, "EXAT")
                        ? EXAT
                        : c.argIs(i, "PXAT") ? PXAT : c.argIs(i, "IFEQ") ? IFEQ : 0;
            case 7:
                return c.argIs(i, "KEEPTTL") ? KEEPTTL : c.argIs(i, "PERSIST") ? PERSIST : 0;
            default:
                return 0;
        }
    }

    /** Options that may not precede this one; most may be repeated. */
    private static long conflicts(long option) {
        if ((option & EXPIRY) != 0) {
            return EXPIRY & ~option | KEEPTTL | PERSIST;
        }
        if (option == IFEQ) {
            return CONDITION;
        }
        if ((option & CONDITION) != 0) {
            return CONDITION & ~option;
        }
        if ((option & (KEEPTTL | PERSIST)) != 0) {
            return EXPIRY | (KEEPTTL | PERSIST) & ~option;
        }
        return 0;
    }

    static boolean has(long options, long flags) {
        return (options & flags) != 0;
    }

    /** Index of the value that the key must hold. */
    static int ifeqIndex(long options) {
        return (int) (options >>> IFEQ_SHIFT) & (1 << INDEX_BITS) - 1;
    }

    /** When the key expires, ms since the epoch: 0 where no expiry is asked for; {@link #INVALID} after an error was written. */
    static long expiryMillis(CommandContext c, long options) {
        if (!has(options, EXPIRY)) {
            return 0;
        }
        int index = (int) (options >>> EXPIRY_SHIFT) & (1 << INDEX_BITS) - 1;
        return expiryMillis(c, index, has(options, EX | EXAT), has(options, EX | PX));
    }

    /** As {@link #expiryMillis(CommandContext, long)}, of one argument. */
    static long expiryMillis(CommandContext c, int index, boolean seconds, boolean relative) {
        if (!c.parseLong(index)) {
            return INVALID;
        }
        long time = c.longValue();
        if (time > 0 && (!seconds || time <= Long.MAX_VALUE / 1000)) {
            long millis = (seconds ? time * 1000 : time) + (relative ? c.now() : 0);
            if (millis > 0) {
                return millis;
            }
        }
        invalidExpiry(c);
        return INVALID;
    }

    static void invalidExpiry(CommandContext c) {
        c.reply().error("ERR invalid expire time in '" + c.row().fullName + "' command");
    }
}
