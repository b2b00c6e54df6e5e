package ironcache.bench;

/** The commands that the load generator sends, and what it takes for a good reply. */
enum Operation {
    GET(1, false, "key:", ReplyParser.BULK),
    SET(1, true, "key:", ReplyParser.SIMPLE),
    DEL(1, false, "key:", ReplyParser.INTEGER),
    EXISTS(1, false, "key:", ReplyParser.INTEGER),
    TTL(1, false, "key:", ReplyParser.INTEGER),
    /** Counters have keys of their own, so that they never meet a value which a GET would verify. */
    INCR(1, false, "ctr:", ReplyParser.INTEGER),
    PING(0, false, "", ReplyParser.SIMPLE),
    MGET(4, false, "key:", ReplyParser.ARRAY),
    MSET(4, true, "key:", ReplyParser.SIMPLE),
    /** From here to EXEC every other command is answered by QUEUED. */
    MULTI(0, false, "", ReplyParser.SIMPLE),
    EXEC(0, false, "", ReplyParser.ARRAY);

    static final int KEYS_MAX = 4;

    final int keys;

    /** Each key is followed by a value. */
    final boolean withValues;

    final String keyPrefix;
    final byte goodReply;

    Operation(int keys, boolean withValues, String keyPrefix, byte goodReply) {
        this.keys = keys;
        this.withValues = withValues;
        this.keyPrefix = keyPrefix;
        this.goodReply = goodReply;
    }

    /** Elements of the request's array, the command's name included. */
    int elements() {
        return 1 + (withValues ? 2 * keys : keys);
    }
}
