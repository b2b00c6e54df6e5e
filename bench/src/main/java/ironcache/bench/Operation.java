package ironcache.bench;

/** The commands that the load generator sends, and what it takes for a good reply. */
enum Operation {
    GET(2, "key:", ReplyParser.BULK),
    SET(3, "key:", ReplyParser.SIMPLE),
    DEL(2, "key:", ReplyParser.INTEGER),
    EXISTS(2, "key:", ReplyParser.INTEGER),
    TTL(2, "key:", ReplyParser.INTEGER),
    /** Counters have keys of their own, so that they never meet a value which a GET would verify. */
    INCR(2, "ctr:", ReplyParser.INTEGER),
    PING(1, "", ReplyParser.SIMPLE);

    /** Elements of the request's array, the command's name included. */
    final int elements;

    final String keyPrefix;
    final byte goodReply;

    Operation(int elements, String keyPrefix, byte goodReply) {
        this.elements = elements;
        this.keyPrefix = keyPrefix;
        this.goodReply = goodReply;
    }

    boolean hasKey() {
        return elements > 1;
    }

    boolean hasValue() {
        return elements > 2;
    }
}
